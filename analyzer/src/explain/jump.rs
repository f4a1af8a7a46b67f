//! Control that went where there is no code.

use dpdb_snapshot::Avma;

use super::Subject;
use super::finding::Finding;
use super::pattern::pattern_of;
use super::place;
use crate::disassemble::Instruction;
use crate::frame::FrameTrust;

/// What is known of a jump or a return to `to`, where nothing can be executed.
pub(super) fn findings(subject: &Subject<'_>, to: Avma) -> Vec<Finding> {
    let place = match to.0 {
        0 => "which is a null pointer",
        _ => "where there is no code",
    };
    let mut findings = vec![Finding::Jump { to, from: caller(subject), place }];
    if to.0 != 0 {
        findings.extend(place::describe(subject.session.process(), to, None, &[]));
    }
    findings
}

/// What is known of a jump or a return to what is no address at all.
pub(super) fn to_no_address(to: Avma) -> Vec<Finding> {
    let looks_like = pattern_of(to.0).map(|pattern| Finding::LooksLike { value: to.0, register: None, pattern });
    let jump = Finding::Jump { to, from: None, place: "which is not canonical and so no address at all" };
    [Some(jump), looks_like].into_iter().flatten().collect()
}

/// The call that led there: the instruction before the return address on top of the stack. A return or a jump leaves
/// none, and then what is found further up is not it.
fn caller(subject: &Subject<'_>) -> Option<Instruction> {
    let frames = subject.backtrace(2)?.frames;
    let caller = frames.get(1).filter(|caller| caller.trust == FrameTrust::ReturnAddress)?;
    let earlier = (2..=8).map(|length| caller.pc.wrapping_sub(length));
    let mut calls = earlier.filter_map(|at| Some((at, subject.decode(at)?)));
    let (at, _) = calls.find(|(at, call)| {
        let ends_there = at.wrapping_add(call.len() as u64) == caller.pc;
        ends_there && (call.is_call_near() || call.is_call_near_indirect())
    })?;
    Some(subject.instruction(at))
}
