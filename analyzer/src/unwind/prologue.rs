//! Code without call frame information, of which the first instruction is known: its own instructions say how far it
//! moved the stack pointer.
//!
//! Seen with assembler routines, whose authors leave out the `.cfi` directives.

use std::collections::HashMap;

use dpdb_snapshot::Avma;
use iced_x86::{
    Code, Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpKind, Register,
};

use super::rules::{CfaRule, Rule, Rules};
use super::space::Space;
use crate::arch::x86_64::{RBP, REGISTER_COUNT, RIP, RSP, dwarf_number, is_callee_saved};

/// A function that is longer is not read; hand-written ones are shorter.
const LONGEST_FUNCTION: u64 = 64 << 10;

/// The rules at `at`, an address between instructions of the function that starts at `start`.
pub(super) fn rules(space: &Space<'_>, start: Avma, at: Avma) -> Option<Rules> {
    let length = at.offset_from(start).filter(|&length| length <= LONGEST_FUNCTION)?;
    let mut code = vec![0; length as usize];
    if space.code(start, &mut code) < code.len() {
        return None;
    }
    Reading { info: InstructionInfoFactory::new(), at_targets: HashMap::new() }.run(&code, start, at)?.rules()
}

/// What is known between two instructions. Distances are counted down from the CFA.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    /// How far below the CFA the stack pointer is.
    stack: Option<i64>,
    /// How far below the CFA `rbp` points, once it was set from the stack pointer.
    frame: Option<i64>,
    /// How far below the CFA callee-saved registers were pushed, by DWARF number.
    saved: [Option<i64>; REGISTER_COUNT],
}

impl State {
    /// At the first instruction, only the return address is on the stack.
    fn at_entry() -> State {
        State { stack: Some(8), frame: None, saved: [None; REGISTER_COUNT] }
    }

    fn rules(&self) -> Option<Rules> {
        let cfa = match (self.stack, self.frame) {
            (Some(stack), _) => CfaRule::RegisterAndOffset(RSP, stack),
            (None, Some(frame)) => CfaRule::RegisterAndOffset(RBP, frame),
            (None, None) => return None,
        };
        let mut registers = self.saved.map(|saved| saved.map(|below| Rule::Offset(-below)));
        registers[usize::from(RIP)] = Some(Rule::Offset(-8));
        Some(Rules { cfa, registers, return_address: RIP, is_signal_frame: false })
    }
}

/// Reads a function from its first instruction on.
struct Reading {
    info: InstructionInfoFactory,
    /// The state at the targets of the branches that were met.
    at_targets: HashMap<u64, State>,
}

impl Reading {
    fn run(&mut self, code: &[u8], start: Avma, at: Avma) -> Option<State> {
        let mut decoder = Decoder::with_ip(64, code, start.0, DecoderOptions::NONE);
        let mut state = State::at_entry();
        // After a return or a jump, code that no branch was seen to goes on with the frame as it was when it stood
        // fully.
        let mut standing = state.clone();
        while decoder.can_decode() {
            if let Some(branched) = self.at_targets.get(&decoder.ip()) {
                state = branched.clone();
            }
            let instruction = decoder.decode();
            if instruction.is_invalid() {
                return None;
            }
            self.step(&mut state, &instruction);
            if state.stack > standing.stack {
                standing = state.clone();
            }
            match instruction.flow_control() {
                FlowControl::ConditionalBranch => self.branch(&instruction, &state),
                FlowControl::UnconditionalBranch => {
                    self.branch(&instruction, &state);
                    state = standing.clone();
                }
                FlowControl::Return | FlowControl::IndirectBranch => state = standing.clone(),
                _ => {}
            }
        }
        // The bytes end at `at`, so an instruction that reaches beyond it was invalid.
        (decoder.ip() == at.0).then_some(())?;
        Some(self.at_targets.get(&at.0).cloned().unwrap_or(state))
    }

    fn branch(&mut self, instruction: &Instruction, state: &State) {
        let target = instruction.near_branch_target();
        if target > instruction.ip() {
            self.at_targets.entry(target).or_insert_with(|| state.clone());
        }
    }

    fn step(&mut self, state: &mut State, instruction: &Instruction) {
        let [first, second] = [instruction.op0_register(), instruction.op1_register()];
        match instruction.mnemonic() {
            Mnemonic::Mov if (first, second) == (Register::RBP, Register::RSP) => state.frame = state.stack,
            Mnemonic::Mov if (first, second) == (Register::RSP, Register::RBP) => state.stack = state.frame,
            Mnemonic::Leave => {
                state.stack = state.frame.map(|frame| frame - 8);
                state.frame = None;
            }
            Mnemonic::Sub | Mnemonic::Add if first == Register::RSP => {
                let moved =
                    immediate(instruction).map(|by| if instruction.mnemonic() == Mnemonic::Sub { by } else { -by });
                state.stack = state.stack.zip(moved).and_then(|(stack, by)| stack.checked_add(by));
            }
            Mnemonic::Lea if first == Register::RSP => state.stack = address_below_cfa(state, instruction),
            Mnemonic::Lea if first == Register::RBP => state.frame = address_below_cfa(state, instruction),
            // What was called gives the stack pointer back as it was.
            Mnemonic::Call => {}
            _ => self.other(state, instruction),
        }
    }

    /// Pushes and pops; anything else that writes the stack or frame pointer makes it unknown.
    fn other(&mut self, state: &mut State, instruction: &Instruction) {
        let increment = i64::from(instruction.stack_pointer_increment());
        if instruction.is_stack_instruction() && increment != 0 && instruction.code() != Code::Iretq {
            state.stack = state.stack.and_then(|stack| stack.checked_sub(increment));
        } else if self.writes(instruction, Register::RSP) {
            state.stack = None;
        }
        let pushed = dwarf_number(instruction.op0_register()).filter(|&register| is_callee_saved(register));
        if let (Mnemonic::Push, Some(register), Some(below)) = (instruction.mnemonic(), pushed, state.stack) {
            let slot = &mut state.saved[usize::from(register)];
            *slot = slot.or(Some(below));
        }
        if self.writes(instruction, Register::RBP) {
            state.frame = None;
        }
        if let (Mnemonic::Pop, Some(register)) = (instruction.mnemonic(), pushed) {
            state.saved[usize::from(register)] = None;
        }
    }

    fn writes(&mut self, instruction: &Instruction, register: Register) -> bool {
        let used = self.info.info(instruction).used_registers();
        used.iter().any(|used| {
            let writes = !matches!(
                used.access(),
                iced_x86::OpAccess::Read | iced_x86::OpAccess::CondRead | iced_x86::OpAccess::None
            );
            writes && used.register().full_register() == register
        })
    }
}

fn immediate(instruction: &Instruction) -> Option<i64> {
    let is_immediate = matches!(instruction.op1_kind(), OpKind::Immediate8to64 | OpKind::Immediate32to64);
    is_immediate.then(|| instruction.immediate(1) as i64)
}

/// The operand of `lea`, where it is the stack or frame pointer and a displacement.
fn address_below_cfa(state: &State, instruction: &Instruction) -> Option<i64> {
    let base = match instruction.memory_base() {
        Register::RSP => state.stack,
        Register::RBP => state.frame,
        _ => None,
    };
    let plain = instruction.memory_index() == Register::None;
    base.filter(|_| plain)?.checked_sub(instruction.memory_displacement64() as i64)
}
