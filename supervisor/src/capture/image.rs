//! What a clone of a process cannot stand in for, and what of it is kept beforehand.
//!
//! fork(2) gives the child no page tables of shared memory and of files that were never written to, so which of their
//! pages there are is asked of the process itself. MADV_DONTFORK memory is not there at all, MADV_WIPEONFORK memory is
//! zeros (madvise(2)): their bytes are copied.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;

use dpdb_snapshot::{Absent, AddressRange, Avma, Memory, Process};

use super::backing::{Backing, Mounts};
use super::headroom;
use super::mapping_table::{MappedMemory, read_mapping_table};
use super::memory::ProcessMemory;
use super::plan::{Candidate, PageRuns, PageState};
use super::residency::Residency;
use crate::inject::signal_bit;
use crate::proc::{Status, proc_dir};

/// The most MADV_DONTFORK memory that is copied while the process waits: bytes.
const MOST_LACKING: u64 = 16 << 20;

/// Whether a mapping is MADV_WIPEONFORK shows only in smaps, which takes as long to read as the clone to make. Those that
/// there are hold the state of random number generators, so the small ones are copied: bytes of each, and of all.
const SMALL: u64 = 64 << 10;
const MOST_SMALL: u64 = 1 << 20;

/// Why no clone of a process may be made or would be a faithful image; `None` where nothing speaks against it. `via` is a
/// thread of it, `process` what is known of it.
pub(super) fn why_not(via: i32, process: &Process) -> Option<String> {
    if process.seccomp.is_none_or(|mode| mode != 0) {
        return Some("a seccomp filter might kill it for the clone call".to_owned());
    }
    if process.namespaces.iter().any(|namespace| namespace.kind == "pid" && namespace.differs) {
        return Some("it is in another pid namespace, whose init would meet the clone".to_owned());
    }
    if proc_dir(via) != std::path::Path::new(&format!("/proc/{via}")) {
        return Some("/proc belongs to another pid namespace".to_owned());
    }
    // Its clone has no such memory, or waits for the process that fills it in (UFFD_FEATURE_EVENT_FORK).
    if process.fds.iter().any(|fd| fd.target.as_bytes() == b"anon_inode:[userfaultfd]") {
        return Some("it has memory under a userfaultfd".to_owned());
    }
    // The kernel would make it the default again, for good (kernel/signal.c, `force_sig_info_to_task`).
    if Status::of(via).is_none_or(|status| status.ignored & signal_bit(libc::SIGTRAP) != 0) {
        return Some("it ignores SIGTRAP".to_owned());
    }
    headroom::shortage(via, &process.cgroup)
}

/// What is kept of a process for the time when only its clone is read.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    /// The pages of shared memory and of remote files, by the address of the mapping.
    pages: HashMap<u64, PageRuns>,
    /// Mappings that the clone does not have.
    lacking: Vec<MappedMemory>,
    /// Bytes, ascending and apart.
    bytes: Vec<(AddressRange, Vec<u8>)>,
    /// There is a clone.
    pub(super) is_cloned: bool,
}

/// Which pages there are of the memory for which a clone has no page tables.
pub(super) fn shared_pages(via: i32) -> Kept {
    let mounts = Mounts::parse(&std::fs::read(proc_dir(via).join("mountinfo")).unwrap_or_default());
    let mut residency = Residency::new(via);
    let mut pages = HashMap::new();
    for memory in mappings(via) {
        let backing = mounts.backing(&memory);
        let is_concerned = match backing {
            Backing::Anonymous | Backing::File | Backing::Dax => false,
            Backing::SharedMemory | Backing::RemoteFile(_) => true,
            Backing::HugePages => memory.mapping.permissions.shared,
        };
        if is_concerned {
            let mut candidate = Candidate { memory, backing, pages: None };
            residency.look_up(&mut candidate);
            if let Some(runs) = candidate.pages {
                pages.insert(candidate.memory.mapping.range.start.0, runs);
            }
        }
    }
    // What failed here fails again, and is told, when the clone is asked.
    Kept { pages, ..Kept::default() }
}

impl Kept {
    /// Copies what `image`, a clone of the process that is still held, lacks.
    ///
    /// # Errors
    /// Where that is too much.
    pub(super) fn keep_what_clones_lack(&mut self, via: i32, image: i32) -> Result<(), String> {
        self.is_cloned = true;
        let memory = ProcessMemory::new(via);
        let mut residency = Residency::new(via);
        let (mut lacking, mut small) = (0, 0);
        let has: std::collections::HashSet<u64> =
            mappings(image).iter().map(|found| found.mapping.range.start.0).collect();
        for mut found in mappings(via) {
            let range = found.mapping.range;
            if has.contains(&range.start.0) {
                let is_small = !found.has_file() && found.mapping.permissions.write && range.len() <= SMALL;
                if is_small && small + range.len() <= MOST_SMALL {
                    small += range.len();
                    self.keep(range, &memory);
                }
                continue;
            }
            if found.mapping.path.as_bytes().starts_with(b"/dev/") {
                found.lost = Some("it is a device's memory".to_owned());
            } else {
                let mut candidate = Candidate { memory: found, backing: Backing::Anonymous, pages: None };
                residency.look_up(&mut candidate);
                found = candidate.memory;
                let runs = candidate.pages.unwrap_or_default();
                let data = runs.iter().filter(|(_, state)| *state == PageState::Data).map(|(run, _)| *run);
                found.resident = data.clone().map(|run| run.len()).sum();
                found.anonymous = found.resident;
                lacking += found.resident;
                if lacking > MOST_LACKING {
                    return Err(format!("more than {} MiB of it are MADV_DONTFORK", MOST_LACKING >> 20));
                }
                data.for_each(|run| self.keep(run, &memory));
                self.pages.insert(range.start.0, runs);
            }
            self.lacking.push(found);
        }
        Ok(())
    }

    fn keep(&mut self, range: AddressRange, memory: &ProcessMemory) {
        let mut bytes = vec![0; range.len() as usize];
        // What cannot be read now cannot be read of the clone either, and is told then.
        if memory.read(range.start, &mut bytes).is_ok() {
            self.bytes.push((range, bytes));
        }
    }

    /// Completes the mappings of a clone by what is known of the process itself. Of kept bytes, those are forgotten that
    /// the clone has as well.
    pub(super) fn complete(&mut self, mappings: &mut Vec<MappedMemory>) {
        if !self.is_cloned {
            return;
        }
        let mut needed: Vec<AddressRange> = self.lacking.iter().map(|found| found.mapping.range).collect();
        for found in mappings.iter_mut() {
            let range = found.mapping.range;
            if found.has_flag("wf") {
                needed.push(range);
                if self.bytes.iter().any(|(kept, _)| kept == &range) {
                    // All of it is there, whatever the clone has.
                    (found.resident, found.anonymous) = (range.len(), range.len());
                } else {
                    found.lost = Some("MADV_WIPEONFORK: the clone that was read does not have it".to_owned());
                }
            }
            if let Some(runs) = self.pages.get(&range.start.0) {
                let data = runs.iter().filter(|(_, state)| *state == PageState::Data).map(|(run, _)| run.len()).sum();
                found.resident = found.resident.max(data);
            }
            found.mapping.not_frozen = found.mapping.permissions.shared;
        }
        mappings.append(&mut self.lacking);
        mappings.sort_by_key(|found| found.mapping.range.start);
        self.bytes.retain(|(kept, _)| needed.iter().any(|range| range.contains(kept.start)));
    }

    /// The pages of a mapping, where they are known.
    pub(super) fn pages_of(&self, memory: &MappedMemory) -> Option<PageRuns> {
        self.pages.get(&memory.mapping.range.start.0).cloned()
    }
}

fn mappings(pid: i32) -> Vec<MappedMemory> {
    let table = File::open(proc_dir(pid).join("maps")).and_then(|file| read_mapping_table(BufReader::new(file)));
    table.map(|table| table.mappings).unwrap_or_default()
}

/// The memory of a process, read of itself or of a clone, with the bytes that were kept in their places.
#[derive(Debug)]
pub(super) struct KeptMemory<'a> {
    pub(super) memory: ProcessMemory,
    pub(super) kept: &'a Kept,
}

impl Memory for KeptMemory<'_> {
    fn read_some(&self, at: Avma, buf: &mut [u8]) -> Result<usize, Absent> {
        let bytes = &self.kept.bytes;
        let next = bytes.partition_point(|(range, _)| range.end <= at);
        match bytes.get(next) {
            Some((range, bytes)) if range.contains(at) => {
                let rest = &bytes[(at.0 - range.start.0) as usize..];
                let count = rest.len().min(buf.len());
                buf[..count].copy_from_slice(&rest[..count]);
                Ok(count)
            }
            Some((range, _)) => {
                let count = (range.start.0 - at.0).min(buf.len() as u64) as usize;
                self.memory.read_some(at, &mut buf[..count])
            }
            None => self.memory.read_some(at, buf),
        }
    }
}
