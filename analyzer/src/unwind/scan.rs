//! The last resort: the first word up the stack that looks like a return address.

use dpdb_snapshot::Avma;

use super::call_site::{self, CallSite};
use super::rules::{CfaRule, Rule, Rules};
use super::space::Space;
use crate::arch::x86_64::{RBP, REGISTER_COUNT, RIP, RSP};
use crate::frame::FrameRegisters;

/// How far up to look. The further, the likelier is a return address of a call that is long over.
const LONGEST: usize = 16 << 10;

/// The rules by which the frame of `function` (its first instruction, if known) ends at the first word of its stack
/// that can be its return address.
///
/// A direct call says whom it called. One to `function` is believed at once; one to any other function is left over
/// from an earlier call, unless that function ended in a jump to ours, so it is taken only if there is no better.
pub(super) fn rules(space: &Space<'_>, registers: &FrameRegisters, function: Option<Avma>) -> Option<Rules> {
    let stack = registers.get(RSP)?;
    let mut bytes = vec![0; LONGEST];
    let had = space.code(Avma(stack), &mut bytes);
    let mut doubtful = None;
    for (word, at) in bytes[..had].chunks_exact(8).zip((0..).step_by(8)) {
        let word = Avma(u64::from_le_bytes(word.try_into().expect("chunks of eight bytes")));
        match (call_site::before(space, word), function) {
            (None, _) => {}
            (Some(CallSite::Direct(target)), Some(function)) if target != function => {
                doubtful = doubtful.or(Some(at));
            }
            (Some(_), _) => return Some(frame_of(registers, at)),
        }
    }
    doubtful.map(|at| frame_of(registers, at))
}

/// The rules of a frame whose return address is `size` bytes above the stack pointer.
fn frame_of(registers: &FrameRegisters, size: i64) -> Rules {
    let end = registers.get(RSP).map(|stack| stack.wrapping_add_signed(size));
    let mut rules = [const { Some(Rule::Undefined) }; REGISTER_COUNT];
    rules[usize::from(RSP)] = None;
    rules[usize::from(RIP)] = Some(Rule::Offset(-8));
    // Where `rbp` points above this frame, the frame has most likely left it alone.
    let keeps_frame_pointer = registers.get(RBP).zip(end).is_some_and(|(frame, end)| frame > end);
    if keeps_frame_pointer {
        rules[usize::from(RBP)] = Some(Rule::SameValue);
    }
    let cfa = CfaRule::RegisterAndOffset(RSP, size + 8);
    Rules { cfa, registers: rules, return_address: RIP, is_signal_frame: false }
}
