//! Whether an address is a return address: whether a call instruction ends there.

use dpdb_snapshot::Avma;
use iced_x86::{Decoder, DecoderOptions, FlowControl};

use super::space::Space;

/// A call instruction, by what it says of its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallSite {
    /// It calls this address.
    Direct(Avma),
    /// It calls through a register or memory.
    Indirect,
}

/// `call *disp32(base,index,scale)` with a REX prefix has eight bytes, `call *%rax` two.
const LONGEST_CALL: usize = 8;
const SHORTEST_CALL: usize = 2;

/// The call instruction that ends right before `return_address`. Since instructions are not self-synchronising, bytes
/// of others may happen to look like one.
pub(super) fn before(space: &Space<'_>, return_address: Avma) -> Option<CallSite> {
    if !space.is_code(return_address.wrapping_sub(1)) {
        return None;
    }
    let mut bytes = [0; LONGEST_CALL];
    let start = return_address.wrapping_sub(LONGEST_CALL as u64);
    // At the start of a mapping there may be fewer bytes before it.
    let had = (SHORTEST_CALL..=LONGEST_CALL).rev().find(|&length| {
        let at = return_address.wrapping_sub(length as u64);
        space.code(at, &mut bytes[LONGEST_CALL - length..]) == length
    })?;
    (SHORTEST_CALL..=had).find_map(|length| {
        let skipped = LONGEST_CALL - length;
        decode_call(&bytes[skipped..], start.wrapping_add(skipped as u64))
    })
}

/// The call instruction that takes up all of `bytes`.
fn decode_call(bytes: &[u8], at: Avma) -> Option<CallSite> {
    let instruction = Decoder::with_ip(64, bytes, at.0, DecoderOptions::NONE).decode();
    if instruction.len() != bytes.len() {
        return None;
    }
    match instruction.flow_control() {
        FlowControl::Call if instruction.is_call_near() => {
            Some(CallSite::Direct(Avma(instruction.near_branch_target())))
        }
        FlowControl::IndirectCall if instruction.is_call_near_indirect() => Some(CallSite::Indirect),
        _ => None,
    }
}
