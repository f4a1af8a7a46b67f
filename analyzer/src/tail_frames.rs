//! The frames that tail calls left out of a stack, put back where call site information leaves no doubt.

use std::sync::Arc;

use dpdb_snapshot::Avma;

use crate::Svma;
use crate::dwarf::tail_calls::{self, Program, Site, Unknown};
use crate::dwarf::{CallSite, CallTarget, Calls};
use crate::frame::{Backtrace, Frame, FrameKind, FrameTrust};
use crate::session::Session;

/// Frames put back into one stack.
const MOST_FRAMES: usize = 10_000;

impl Session {
    /// Puts frames of kind [`FrameKind::TailCall`] between a frame and its caller where the caller called something
    /// else, which in the end jumped to the frame's function.
    pub(crate) fn with_tail_calls(&self, backtrace: Backtrace) -> Backtrace {
        let mut frames: Vec<Frame> = Vec::with_capacity(backtrace.frames.len());
        let mut added = 0;
        for frame in backtrace.frames {
            if let Some(callee) = frames.last().filter(|callee| is_called(callee, &frame)).cloned()
                && added < MOST_FRAMES
            {
                let jumps = self.jumps_between(frame.pc, callee.lookup_address());
                added += jumps.len();
                frames.extend(jumps.iter().map(|jump| self.jumped_from(*jump, &callee, &frame)));
            }
            frames.push(frame);
        }
        for (index, frame) in frames.iter_mut().enumerate() {
            frame.index = index;
        }
        Backtrace { frames, end: backtrace.end }
    }

    fn jumps_between(&self, caller: Avma, callee: Avma) -> Arc<[Avma]> {
        self.symbolizer.jumps.get_or_find((caller, callee), || {
            let start = self.symbolizer.function_start(self, callee);
            start.map(|start| tail_calls::between(&CallsOf(self), caller, start)).unwrap_or_default().into()
        })
    }

    /// A function that jumped away shared its caller and its stack pointer with the one it jumped to.
    fn jumped_from(&self, pc: Avma, callee: &Frame, caller: &Frame) -> Frame {
        Frame {
            index: 0,
            pc,
            cfa: callee.cfa,
            registers: caller.registers,
            trust: FrameTrust::Cfi,
            kind: FrameKind::TailCall,
            module: self.module_at(pc.wrapping_sub(1)).map(crate::Module::index),
            returns_to_pc: true,
        }
    }
}

/// Whether there is a call instruction between the two, and no guess.
fn is_called(callee: &Frame, caller: &Frame) -> bool {
    caller.returns_to_pc && caller.trust == FrameTrust::Cfi && callee.kind == FrameKind::Normal
}

/// The calls of a process's functions, by address in the process.
struct CallsOf<'a>(&'a Session);

impl CallsOf<'_> {
    fn calls_at(&self, lookup: Avma, wanted: &dyn Fn(Avma, bool) -> bool) -> Option<(Calls, &crate::Module)> {
        let module = self.0.module_at(lookup)?;
        let debug_info = self.0.symbolizer.of(self.0, module)?.debug_info()?;
        let wanted = |address, is_tail_call| wanted(module.to_avma(address), is_tail_call);
        Some((debug_info.view().calls_of(module.to_svma(lookup)?, &wanted)?, module))
    }

    fn site(&self, site: &CallSite, module: &crate::Module) -> Option<Site> {
        let targets = match &site.target {
            CallTarget::Addresses(starts) => starts.iter().map(|start: &Svma| module.to_avma(*start)).collect(),
            CallTarget::Name(name) => vec![self.0.symbolizer.by_linkage_name(self.0, name)?],
            CallTarget::Unknown => return None,
        };
        Some(Site { return_address: module.to_avma(site.return_address), targets })
    }
}

impl Program for CallsOf<'_> {
    fn call_returning_to(&self, address: Avma) -> Option<Site> {
        let (calls, module) = self.calls_at(address.wrapping_sub(1), &|returns_to, _| returns_to == address)?;
        self.site(calls.sites.first()?, module)
    }

    fn tail_calls_of(&self, function: Avma) -> Option<Vec<Result<Site, Unknown>>> {
        let (calls, module) = self.calls_at(function, &|_, is_tail_call| is_tail_call)?;
        if module.to_avma(calls.function) != function {
            return None;
        }
        let jumps = calls.sites.iter().filter(|_| calls.has_all_tail_calls);
        Some(jumps.map(|site| self.site(site, module).ok_or(Unknown)).collect())
    }
}
