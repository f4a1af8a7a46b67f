//! What a location is relative to: a module, and within it perhaps a frame.

use std::sync::Arc;

use dpdb_snapshot::{Avma, Memory, Thread};
use gimli::UnitOffset;

use crate::dwarf::{Unit, View};
use crate::frame::Frame;
use crate::module::Module;
use crate::session::Session;
use crate::svma::Svma;

/// What a location or a value is evaluated in.
#[derive(Clone, Copy)]
pub(crate) struct Context<'c, 'a> {
    pub(crate) session: &'c Session,
    pub(crate) module: &'c Module,
    pub(crate) view: &'c View<'a>,
    pub(crate) unit: &'c Arc<Unit<'a>>,
    /// The thread and its stack, where the location is one of a frame or a thread.
    pub(crate) frame: Option<FrameContext<'c>>,
    /// Expressions that led to this one, to cut cycles.
    pub(crate) depth: usize,
}

/// A frame among those around it.
#[derive(Clone, Copy)]
pub(crate) struct FrameContext<'c> {
    pub(crate) thread: &'c Thread,
    pub(crate) frames: &'c [Frame],
    pub(crate) index: usize,
    /// The entry of the function whose code the frame runs.
    pub(crate) function: Option<UnitOffset>,
}

impl<'c> FrameContext<'c> {
    pub(crate) fn frame(&self) -> &'c Frame {
        &self.frames[self.index]
    }
}

impl<'c, 'a> Context<'c, 'a> {
    pub(crate) fn memory(&self) -> &'c dyn Memory {
        self.session.memory()
    }

    /// The file address whose scopes and location lists are the frame's.
    pub(crate) fn lookup_address(&self) -> Option<Svma> {
        self.module.to_svma(self.frame?.frame().lookup_address())
    }

    /// Where in the process the file address `at` is.
    pub(crate) fn to_avma(self, at: u64) -> Avma {
        self.module.to_avma(Svma(at))
    }
}
