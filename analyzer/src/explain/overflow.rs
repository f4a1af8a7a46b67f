//! Stacks that are used up.

use dpdb_snapshot::Avma;
use dpdb_snapshot::arch::x86_64::GeneralRegisters;

use super::Subject;
use super::finding::Finding;
use super::place;
use crate::frame::{Backtrace, Frame, WalkEnd};

/// How many frames are counted. With the usual 8 MiB of stack an endless recursion has ten times as many.
const COUNTED: usize = 20_000;

/// The longest cycle of functions that call each other which is looked for.
const LONGEST_CYCLE: usize = 64;

/// The overflow of the thread's stack, if that is what an access to `address` was.
pub(super) fn find(subject: &Subject<'_>, registers: &GeneralRegisters, address: Avma) -> Option<Finding> {
    // A frame larger than the guard page can lie wholly outside of the stack, so it is a caller's that says which
    // stack it is; it is looked for only where the address is near enough to be an overflow.
    const CALLERS: usize = 8;
    let near = |at: &Avma| place::stack_above(subject.session.process(), address, *at);
    let callers = subject.backtrace(CALLERS)?;
    let mut places = callers.frames.iter().filter_map(|frame| frame.cfa).chain([Avma(registers.rsp)]);
    let (stack, guard) = places.find_map(|at| near(&at))?;
    // An array that is overrun downwards ends there too, but then the stack pointer is somewhere else.
    let left = registers.rsp.saturating_sub(stack.start.0);
    if left > 1 << 20 || left > stack.len() / 2 {
        return None;
    }
    let Backtrace { frames, end } = subject.backtrace(COUNTED)?;
    let cycle = cycle_of(&frames).iter().filter_map(|frame| name(subject, frame)).collect();
    let complete = !matches!(end, WalkEnd::Limit(_));
    Some(Finding::StackOverflow { stack, guard, frames: frames.len(), complete, cycle })
}

/// The frames of the shortest cycle that the inner frames repeat.
fn cycle_of(frames: &[Frame]) -> &[Frame] {
    // The innermost ones may be a helper's that happened to need the last of the stack.
    const SKIPPED: usize = 16;
    let frames = frames.get(SKIPPED..).unwrap_or_default();
    let repeats = |length: &usize| {
        let compared = frames.len().saturating_sub(*length).min(8 * LONGEST_CYCLE);
        compared >= 2 * length && (0..compared).all(|at| frames[at].pc == frames[at + length].pc)
    };
    (1..=LONGEST_CYCLE).find(repeats).map_or(&[], |length| &frames[..length])
}

fn name(subject: &Subject<'_>, frame: &Frame) -> Option<String> {
    let functions = subject.session.symbolize(frame);
    functions.last()?.function.as_ref().map(|function| function.name.clone())
}

#[cfg(test)]
mod tests {
    use dpdb_snapshot::Avma;

    use super::{Frame, cycle_of};
    use crate::frame::{FrameKind, FrameRegisters, FrameTrust};

    fn frames(pcs: impl Iterator<Item = u64>) -> Vec<Frame> {
        pcs.map(|pc| Frame {
            index: 0,
            pc: Avma(pc),
            cfa: None,
            registers: FrameRegisters::new(),
            trust: FrameTrust::Cfi,
            kind: FrameKind::Normal,
            module: None,
            returns_to_pc: true,
        })
        .collect()
    }

    #[test]
    fn the_shortest_cycle_of_a_recursion_is_found() {
        let of = |pcs: Vec<u64>| cycle_of(&frames(pcs.into_iter())).iter().map(|frame| frame.pc.0).collect::<Vec<_>>();
        assert_eq!(of(vec![7; 100]), [7]);
        assert_eq!(of((0..300).map(|at| at % 3).collect()), [1, 2, 0]);
        assert_eq!(of((0..300).collect()), [0; 0]);
        assert_eq!(of(vec![7; 5]), [0; 0]);
    }
}
