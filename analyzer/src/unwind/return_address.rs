//! Called, but nothing done yet: the return address is still on top of the stack.
//!
//! So it is after a call through NULL or through a pointer that points nowhere (no instruction of the callee ran), and
//! on the first instruction of a function or in a leaf function that has no call frame information.

use dpdb_snapshot::Avma;

use super::call_site;
use super::rules::{CfaRule, Rule, Rules};
use super::space::Space;
use crate::arch::x86_64::{REGISTER_COUNT, RIP, RSP};
use crate::frame::FrameRegisters;

/// The rules of a frame that has not moved the stack pointer, if a return address is on top of the stack.
pub(super) fn rules(space: &Space<'_>, registers: &FrameRegisters) -> Option<Rules> {
    let top = Avma(registers.get(RSP)?);
    call_site::before(space, Avma(space.memory.read_u64(top).ok()?))?;
    let mut rules = [const { Some(Rule::SameValue) }; REGISTER_COUNT];
    rules[usize::from(RSP)] = None;
    rules[usize::from(RIP)] = Some(Rule::Offset(-8));
    let cfa = CfaRule::RegisterAndOffset(RSP, 8);
    Some(Rules { cfa, registers: rules, return_address: RIP, is_signal_frame: false })
}
