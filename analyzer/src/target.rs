//! What a stopped process is looked at through.

use dpdb_snapshot::{Memory, Process, Snapshot, SourceFile};

/// A stopped process: its description and its memory. A snapshot, a core and a live process look alike from here.
pub trait Target: Send + Sync {
    /// What is known of the process besides the bytes of its memory.
    fn process(&self) -> &Process;

    /// The bytes of its memory, as far as the target itself holds them.
    fn memory(&self) -> &dyn Memory;

    /// The source files that it carries, or lines of them.
    fn sources(&self) -> &[SourceFile] {
        &[]
    }
}

impl Target for Snapshot {
    fn process(&self) -> &Process {
        Snapshot::process(self)
    }

    fn memory(&self) -> &dyn Memory {
        self
    }

    fn sources(&self) -> &[SourceFile] {
        Snapshot::sources(self)
    }
}

/// A process put together by hand, as tests do.
impl<M: Memory> Target for (Process, M) {
    fn process(&self) -> &Process {
        &self.0
    }

    fn memory(&self) -> &dyn Memory {
        &self.1
    }
}
