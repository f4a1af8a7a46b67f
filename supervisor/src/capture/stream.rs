//! The part of a capture that runs on a worker: everything else is read, and the file is written.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use dpdb_snapshot::process::Run;
use dpdb_snapshot::{AddressRange, CaptureReport, Process, Sharing, WriteError, WriteOptions, write_snapshot};

use super::bases::Beyond;
use super::budget::Budget;
use super::choice::MemoryChoice;
use super::dedupe::{Dedupe, LOOKED_INTO};
use super::destination::{CaptureError, Destination};
use super::freeze::Frozen;
use super::hold::{HeldMemory, Hold};
use super::image::{Kept, KeptMemory};
use super::memory::ProcessMemory;
use super::name_template::NameFields;
use super::scrub::{ScrubbedMemory, Secrets, scrub};
use super::scrub_memory::{Pattern, SearchedMemory};
use super::settings::Settings;
use super::sources;
use super::survey::plan_memory;
use crate::sys;

/// A snapshot that is whole and has its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Where it is.
    pub path: PathBuf,
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of memory in it, uncompressed.
    pub memory_bytes: u64,
    /// Planned ranges of memory that could not be read.
    pub unreadable: usize,
    /// Why not all of the memory that was wanted is in it.
    pub cut: Option<String>,
    /// Other steps that failed.
    pub soft_errors: usize,
    /// From the stop to the final name.
    pub took: Duration,
}

/// Writes the snapshot of a frozen process. Can run on any thread; the process must stay stopped until it returns.
///
/// # Errors
/// Where the file cannot be written, the process is gone, or it is a 32-bit one. Nothing is left behind then, and the
/// claim to a number is given back.
pub fn stream(frozen: Frozen, destination: &Destination, settings: &Settings) -> Result<Written, CaptureError> {
    let written = write(frozen, destination, settings);
    if written.is_err() {
        destination.give_back();
    }
    written
}

fn write(mut frozen: Frozen, destination: &Destination, settings: &Settings) -> Result<Written, CaptureError> {
    let started = Instant::now();
    if frozen.is_32_bit {
        return Err(CaptureError::Foreign { pid: frozen.pid() });
    }
    if !std::fs::exists(format!("/proc/{}", frozen.via)).unwrap_or(true) {
        return Err(CaptureError::Vanished { pid: frozen.pid() });
    }
    if !frozen.surveyed {
        frozen.survey();
    }
    let Frozen { mut process, via, request, mut kept, released_at, hold, .. } = frozen;
    let repeats = settings.dedupe.as_ref().and_then(|dedupe| repeats(dedupe, &process, via, &kept, &hold));
    let id = destination.run().to_owned();
    process.run = Some(Run { id, number: request.number, of_crash: request.of_crash, repeats });
    let choice = if repeats.is_some() { MemoryChoice::Stacks } else { settings.memory };
    let plan = plan_memory(&mut process, via, &mut kept, choice);
    let memory = KeptMemory { memory: ProcessMemory::new(via), kept: &kept };
    let whole_environment = settings.scrub_env_memory;
    let secrets = if settings.scrub { scrub(&mut process, via, whole_environment) } else { Secrets::default() };
    let memory = ScrubbedMemory { memory: HeldMemory { memory, hold: &hold }, hidden: secrets.hidden };
    let mut patterns = settings.scrub_patterns.clone();
    if whole_environment {
        patterns.extend(Pattern::of_secrets(&secrets.texts));
    }
    let memory = SearchedMemory::new(memory, patterns, &plan);
    memory.replace_in(&mut process.environment);
    memory.replace_in(&mut process.arguments);
    let may_wait = released_at.is_some() && settings.deadline.is_none();
    let beyond = if settings.deltas { destination.bases().choose(&plan, may_wait) } else { Beyond::Nothing };
    let (sharing, base) = match &beyond {
        Beyond::Nothing => (Sharing::None, None),
        Beyond::First(_) => (Sharing::First(destination.bases().key()), None),
        Beyond::Base(base, pages) => (Sharing::Beyond(Arc::clone(pages)), Some(Arc::clone(base))),
    };
    process.base = base.as_deref().cloned();
    let mut file = destination.create(&name_fields(&process, request.number))?;
    let mut budget = Budget {
        settings,
        meter: destination.meter(&file),
        hold: &hold,
        replaced: &|| memory.replaced(),
        stopped_at: request.stopped_at,
        released: released_at.map(|at| at.duration_since(request.stopped_at)),
        started,
        next_look: 0,
    };
    let options = WriteOptions { level: settings.level, sharing, ..WriteOptions::default() };
    let written = write_snapshot(&process, &plan, &memory, &mut file, &options, &mut budget);
    let written = written.map_err(|error| match error {
        WriteError::Io(error) => file.write_error(error),
        error => file.write_error(std::io::Error::other(error)),
    })?;
    let sources = sources::add(settings, file.as_file(), written.file_bytes, via);
    let shared = written.shared.iter().map(AddressRange::len).sum();
    if let Some(base) = &base {
        destination.bases().judge(base, shared, written.memory_bytes);
    }
    let (path, named) = file.finish_as(base, matches!(beyond, Beyond::First(_)))?;
    if let (Beyond::First(coming), Some(named)) = (beyond, named) {
        coming.arrived(&named, written.pages);
    }
    Ok(Written {
        path,
        bytes: written.file_bytes + sources,
        memory_bytes: written.memory_bytes,
        unreadable: written.unreadable.len(),
        cut: written.cut,
        soft_errors: process.soft_errors.len(),
        took: request.stopped_at.elapsed(),
    })
}

/// How many crashes there were like this one, where those are enough: found out from a small snapshot of it, in memory.
fn repeats(dedupe: &Dedupe, process: &Process, via: i32, kept: &Kept, hold: &Hold) -> Option<u64> {
    process.cause.as_ref().filter(|cause| cause.is_crash())?;
    let (mut process, mut kept) = (process.clone(), kept.clone());
    let plan = plan_memory(&mut process, via, &mut kept, LOOKED_INTO);
    let memory = HeldMemory { memory: KeptMemory { memory: ProcessMemory::new(via), kept: &kept }, hold };
    let mut file = sys::file_in_memory().ok()?;
    let options = WriteOptions { level: -3, ..WriteOptions::default() };
    let report = &mut |_: &dpdb_snapshot::Written| CaptureReport::default();
    write_snapshot(&process, &plan, &memory, &mut file, &options, report).ok()?;
    dedupe.count(&file)
}

fn name_fields(process: &Process, number: u64) -> NameFields {
    let signal = process.cause.as_ref().and_then(|cause| cause.signal());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    NameFields {
        pid: process.pid,
        ppid: process.ppid,
        comm: process.comm.to_string(),
        signal: signal.map(|signal| signal.to_string()).unwrap_or_default(),
        time: process.timing.crashed.map_or(now, |nanoseconds| nanoseconds / 1_000_000_000),
        host: process.host.name.to_string(),
        rank: process.rank.rank.map(|rank| rank.to_string()).unwrap_or_default(),
        number,
    }
}
