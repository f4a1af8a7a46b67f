//! Who tells what a stop at a catchpoint means.

use std::fs::File;
use std::io::BufReader;

use dpdb_snapshot::arch::Registers;
use dpdb_snapshot::arch::x86_64::GeneralRegisters;
use dpdb_snapshot::process::CaughtException;
use dpdb_snapshot::{Process, Thread};

use super::{Catchpoint, Likeness};
use crate::capture::{ProcessMemory, modules_of, read_mapping_table};
use crate::proc;

/// One who tells what a stop at a catchpoint means. It is asked on a thread of its own while the stopped thread, and it
/// alone, is held: after ten seconds that thread goes on without an answer.
pub trait Judge: Send {
    /// Whether the exception that was met is one to take a snapshot for.
    fn judge(&mut self, hit: &Hit) -> Verdict;
}

/// What comes of a stop at a catchpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What a snapshot is to be taken for.
    pub take: Option<CaughtException>,
    /// The function is called for each element of a chain in turn, of which its argument is one; the address of the
    /// next stands so many bytes into it. The calls for the rest of the chain are passed over.
    pub chained_by: Option<u64>,
    /// How calls of the function by this thread are told apart.
    pub likeness: Option<Likeness>,
    /// Calls like this one need not be judged in this process again.
    pub pass_over: bool,
    /// No call of the function need be judged in this process again.
    pub enough: bool,
    /// What the user should know, as a sentence without its full stop.
    pub notice: Option<String>,
}

/// A thread that was stopped at a catchpoint.
#[derive(Clone, Debug)]
pub struct Hit {
    /// Its process.
    pub pid: i32,
    /// Its id.
    pub tid: i32,
    /// Where it was stopped: at the function's first instruction.
    pub catchpoint: Catchpoint,
    /// Its registers.
    pub registers: GeneralRegisters,
    /// How often its process was stopped where an exception had just been raised, or would have been, had it not been
    /// for the others: two stops with the same count are about the same exception, if their exceptions are alike.
    pub raises: u64,
}

/// So many ancestors of a process are looked up.
const MOST_ANCESTORS: usize = 64;

impl Hit {
    /// The parent of its process, the parent of that and so on.
    pub fn ancestors(&self) -> Vec<i32> {
        let parent = |pid: &i32| proc::Status::of(*pid).map(|status| status.ppid).filter(|pid| *pid > 0);
        std::iter::successors(parent(&self.pid), parent).take(MOST_ANCESTORS).collect()
    }

    /// The memory of its process. Its other threads may be writing to it.
    pub fn memory(&self) -> ProcessMemory {
        ProcessMemory::new(self.tid)
    }

    /// What is needed to make sense of that memory: the mappings, those modules whose path `wanted` says yes to, and
    /// this one thread with its registers.
    pub fn process(&self, memory: &ProcessMemory, wanted: impl Fn(&[u8]) -> bool) -> Process {
        let registers = Registers { general: self.registers, ..Registers::default() };
        let thread = Thread { tid: self.tid, registers: Some(registers), ..Thread::default() };
        let maps = File::open(proc::proc_dir(self.tid).join("maps"));
        let table = maps.and_then(|maps| read_mapping_table(BufReader::new(maps))).unwrap_or_default();
        let modules = modules_of(&table.mappings, memory, wanted);
        let mappings = table.mappings.into_iter().map(|mapped| mapped.mapping).collect();
        Process { pid: self.pid, threads: vec![thread], mappings, modules, ..Process::default() }
    }
}
