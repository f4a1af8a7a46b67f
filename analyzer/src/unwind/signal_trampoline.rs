//! The signal trampoline, known by its instructions where it has no call frame information.
//!
//! glibc's `__restore_rt` has it; musl's `__restore_rt`, Go's `runtime.sigreturn` and some others' have not. All consist
//! of the same two instructions, since the kernel wants to be called with nothing but the number of rt_sigreturn(2).

use dpdb_snapshot::Avma;

use super::rules::{CfaRule, Rule, Rules};
use super::space::Space;
use crate::arch::x86_64::{REGISTER_COUNT, RIP, RSP};

/// `mov $15, %rax; syscall`, with the 64-bit and with the 32-bit move.
const SPELLINGS: [&[u8]; 2] = [&[0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05], &[0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05]];

/// Where the kernel saved each register, by DWARF number, from the stack pointer in the trampoline on: that points to
/// a `ucontext_t`, whose `uc_mcontext` starts at byte 40 (arch/x86/include/uapi/asm/{ucontext,sigcontext}.h).
const SAVED_AT: [u8; REGISTER_COUNT] = [144, 136, 152, 128, 112, 104, 120, 160, 40, 48, 56, 64, 72, 80, 88, 96, 168];

/// The rules of a trampoline, if `pc` is in one.
pub(super) fn rules(space: &Space<'_>, pc: Avma) -> Option<Rules> {
    SPELLINGS.iter().find(|spelling| {
        // Before the move, before the system call, or behind it.
        [0, spelling.len() - 2, spelling.len()].iter().any(|&done| is_at(space, pc.wrapping_sub(done as u64), spelling))
    })?;
    let mut registers = [const { None }; REGISTER_COUNT];
    for (rule, &offset) in registers.iter_mut().zip(&SAVED_AT) {
        *rule = Some(Rule::Expression(at_stack_pointer_plus(offset).into()));
    }
    let mut stack_pointer = at_stack_pointer_plus(SAVED_AT[usize::from(RSP)]);
    stack_pointer.push(gimli::DW_OP_deref.0);
    let cfa = CfaRule::Expression(stack_pointer.into());
    Some(Rules { cfa, registers, return_address: RIP, is_signal_frame: true })
}

fn is_at(space: &Space<'_>, at: Avma, spelling: &[u8]) -> bool {
    let mut bytes = [0; 9];
    let bytes = &mut bytes[..spelling.len()];
    space.is_code(at) && space.code(at, bytes) == spelling.len() && bytes == spelling
}

/// `DW_OP_breg7 (rsp): offset`, with the offset in SLEB128.
fn at_stack_pointer_plus(offset: u8) -> Vec<u8> {
    vec![gimli::DW_OP_breg7.0, offset & 0x7f | 0x80, offset >> 7]
}
