//! The walk itself.

use dpdb_snapshot::Avma;

use super::rules::{RuleError, Rules};
use super::space::Space;
use super::{frame_pointer, prologue, return_address, scan, signal_trampoline};
use crate::frame::{Backtrace, Frame, FrameKind, FrameRegisters, FrameTrust, WalkEnd};
use crate::module;

/// The frames of the thread with these registers, at most `limit` of them.
pub(crate) fn walk(space: &Space<'_>, registers: FrameRegisters, limit: usize) -> Backtrace {
    let mut frames: Vec<Frame> = Vec::new();
    let mut guard = Guard::default();
    let mut next = Some(Next { registers, trust: FrameTrust::Context, returns_to_pc: false });
    let mut end = WalkEnd::Outermost;
    while let Some(found) = next.take() {
        if frames.len() >= limit {
            end = WalkEnd::Limit(limit);
            break;
        }
        let mut frame = found.frame(space, frames.len());
        let step = step(space, &frame);
        frame.cfa = step.cfa;
        frame.kind = step.kind;
        let progress = guard.check(space, &frame);
        frames.push(frame);
        match progress.and(step.caller) {
            Ok(caller) => next = Some(caller),
            Err(reason) => end = reason,
        }
    }
    Backtrace { frames, end }
}

/// A frame that was found, before anything is known of it but its registers.
#[derive(Debug)]
struct Next {
    registers: FrameRegisters,
    trust: FrameTrust,
    returns_to_pc: bool,
}

impl Next {
    fn frame(self, space: &Space<'_>, index: usize) -> Frame {
        let pc = self.registers.pc();
        let mut frame = Frame {
            index,
            pc,
            cfa: None,
            registers: self.registers,
            trust: self.trust,
            kind: FrameKind::Normal,
            module: None,
            returns_to_pc: self.returns_to_pc,
        };
        frame.module = module::at(space.modules, frame.lookup_address()).map(module::Module::index);
        frame
    }
}

/// What a frame's rules make known: its own CFA and kind, and its caller.
struct Step {
    cfa: Option<Avma>,
    kind: FrameKind,
    caller: Result<Next, WalkEnd>,
}

impl Step {
    fn end(reason: WalkEnd) -> Step {
        Step { cfa: None, kind: FrameKind::Normal, caller: Err(reason) }
    }
}

/// One step outwards. Call frame information comes first; where there is none, or it does not lead to code, the
/// other strategies are tried, and only if none of them works either is what it complained of the end.
fn step(space: &Space<'_>, frame: &Frame) -> Step {
    let by_cfi = if space.is_code(frame.lookup_address()) { cfi_step(space, frame) } else { None };
    match by_cfi {
        Some(step @ Step { caller: Ok(_) | Err(WalkEnd::Outermost), .. }) => step,
        Some(failed) => without_cfi(space, frame).unwrap_or(failed),
        None => without_cfi(space, frame).unwrap_or_else(|| Step::end(no_rule(space, frame))),
    }
}

fn no_rule(space: &Space<'_>, frame: &Frame) -> WalkEnd {
    if frame.returns_to_pc && !space.is_code(frame.lookup_address()) {
        return WalkEnd::NotCode { at: frame.pc };
    }
    WalkEnd::NoRule { pc: frame.pc }
}

fn cfi_step(space: &Space<'_>, frame: &Frame) -> Option<Step> {
    let at = frame.lookup_address();
    let module = &space.modules[frame.module?];
    match space.cfi.rules(at, module, space.memory, space.debug_file) {
        Ok(rules) => Some(apply(space, frame, &*rules?, FrameTrust::Cfi)),
        Err(reason) => Some(Step::end(WalkEnd::BadCfi { pc: frame.pc, reason })),
    }
}

fn without_cfi(space: &Space<'_>, frame: &Frame) -> Option<Step> {
    let registers = &frame.registers;
    let sure = |rules: Option<Rules>, trust: FrameTrust| {
        let step = apply(space, frame, &rules?, trust);
        matches!(step.caller, Ok(_) | Err(WalkEnd::Outermost)).then_some(step)
    };
    if !space.is_code(frame.lookup_address()) {
        // Nothing was executed here: either the call led nowhere, or the return address is damaged.
        let called = (!frame.returns_to_pc).then(|| return_address::rules(space, registers)).flatten();
        return sure(called, FrameTrust::ReturnAddress)
            .or_else(|| sure(scan::rules(space, registers, None), FrameTrust::Scan));
    }
    let function = (space.function_start)(frame.lookup_address());
    let by_prologue = || function.and_then(|start| prologue::rules(space, start, frame.pc));
    let in_leaf = || (!frame.returns_to_pc).then(|| return_address::rules(space, registers)).flatten();
    sure(signal_trampoline::rules(space, frame.pc), FrameTrust::Cfi)
        .or_else(|| sure(by_prologue(), FrameTrust::Prologue).filter(|step| leads_to_a_call(space, step)))
        .or_else(|| sure(in_leaf(), FrameTrust::ReturnAddress))
        .or_else(|| sure(frame_pointer::rules(space, registers), FrameTrust::FramePointer))
        .or_else(|| sure(scan::rules(space, registers, function), FrameTrust::Scan))
}

fn leads_to_a_call(space: &Space<'_>, step: &Step) -> bool {
    match &step.caller {
        Ok(caller) => super::call_site::before(space, caller.registers.pc()).is_some(),
        Err(end) => *end == WalkEnd::Outermost,
    }
}

fn apply(space: &Space<'_>, frame: &Frame, rules: &Rules, trust: FrameTrust) -> Step {
    let kind = if rules.is_signal_frame { FrameKind::SignalTrampoline } else { FrameKind::Normal };
    let applied = match rules.apply(&frame.registers, space.memory) {
        Ok(applied) => applied,
        Err(error) => return Step { cfa: None, kind, caller: Err(end_for(error, frame)) },
    };
    let caller = match applied.caller {
        // A zero return address marks the outermost frame (psABI, section 3.4.1), but what a signal interrupted may
        // be a call through NULL.
        Some(registers) if registers.pc().0 != 0 || rules.is_signal_frame => {
            Ok(Next { registers, trust, returns_to_pc: !rules.is_signal_frame })
        }
        _ => Err(WalkEnd::Outermost),
    };
    Step { cfa: Some(applied.cfa), kind, caller }
}

fn end_for(error: RuleError, frame: &Frame) -> WalkEnd {
    match error {
        RuleError::Register(register) => {
            WalkEnd::RegisterUnknown { name: RuleError::register_name(register), pc: frame.pc }
        }
        RuleError::Memory(at, absent) => WalkEnd::Memory { at, absent },
        RuleError::Bad(reason) => WalkEnd::BadCfi { pc: frame.pc, reason },
    }
}

/// Makes sure that a walk goes somewhere: upwards on one stack, and never in a circle over several.
#[derive(Default)]
struct Guard {
    /// The last frame's CFA, if its caller must lie above it.
    below: Option<Avma>,
    /// A frame to compare with, replaced at each power of two (Brent's algorithm), so that every circle is met.
    mark: Option<(Avma, Option<Avma>)>,
    since_mark: usize,
    power: usize,
}

impl Guard {
    fn check(&mut self, space: &Space<'_>, frame: &Frame) -> Result<(), WalkEnd> {
        let Some(cfa) = frame.cfa else { return Ok(()) };
        let stack_of = |at: Avma| space.process.mapping_at(at).map(|mapping| mapping.range);
        // A frame may lie on another stack (sigaltstack, coroutines, split stacks), but on the same one its CFA is
        // above its callee's, by the return address at least.
        let goes_down = self.below.is_some_and(|below| cfa <= below && stack_of(cfa) == stack_of(below));
        let here = (frame.pc, Some(cfa));
        if goes_down || self.mark == Some(here) {
            return Err(WalkEnd::Cycle { cfa });
        }
        if self.since_mark >= self.power {
            (self.mark, self.since_mark, self.power) = (Some(here), 0, (self.power * 2).max(1));
        }
        self.since_mark += 1;
        self.below = (frame.kind == FrameKind::Normal).then_some(cfa);
        Ok(())
    }
}
