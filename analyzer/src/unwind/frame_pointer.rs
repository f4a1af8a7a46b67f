//! The frame pointer: `rbp` points to the caller's, and above that is the return address (psABI, figure 3.3).

use dpdb_snapshot::Avma;

use super::call_site;
use super::rules::{CfaRule, Rule, Rules};
use super::space::Space;
use crate::arch::x86_64::{RBP, REGISTER_COUNT, RIP, RSP};
use crate::frame::FrameRegisters;

/// A frame larger than this is none: `rbp` then points into another stack, or was used for something else.
const LARGEST_FRAME: u64 = 16 << 20;

/// The rules of a function that keeps a frame pointer, if `rbp` looks like one.
pub(super) fn rules(space: &Space<'_>, registers: &FrameRegisters) -> Option<Rules> {
    let (frame, stack) = (registers.get(RBP)?, registers.get(RSP)?);
    let is_above = frame.checked_sub(stack).is_some_and(|above| above <= LARGEST_FRAME);
    if !is_above || !frame.is_multiple_of(8) {
        return None;
    }
    let return_address = space.memory.read_u64(Avma(frame).checked_add(8)?).ok()?;
    // Zero is how a thread's first function is told that nobody called it.
    if return_address != 0 {
        call_site::before(space, Avma(return_address))?;
    }
    // What else the function saved, and where, cannot be known.
    let mut rules = [const { Some(Rule::Undefined) }; REGISTER_COUNT];
    rules[usize::from(RSP)] = None;
    rules[usize::from(RBP)] = Some(Rule::Offset(-16));
    rules[usize::from(RIP)] = Some(Rule::Offset(-8));
    let cfa = CfaRule::RegisterAndOffset(RBP, 16);
    Some(Rules { cfa, registers: rules, return_address: RIP, is_signal_frame: false })
}
