//! What a worker finds out about a frozen process before the first byte of memory is streamed.

use std::fs::File;
use std::io::BufReader;

use dpdb_snapshot::process::Step;
use dpdb_snapshot::{AddressRange, Mapping, PlannedRange, Process, SoftError};

use super::backing::{Backing, Mounts};
use super::choice::{MemoryChoice, is_left_out};
use super::elf_files::find_elf_files;
use super::image::{Kept, KeptMemory};
use super::mapping_table::{MappedMemory, MappingTable, read_mapping_table};
use super::memory::ProcessMemory;
use super::plan::{Candidate, DEFAULT_FILTER, Limits, plan};
use super::proc_facts::{self, ProcDir};
use super::residency::Residency;

/// The most soft errors that go into one snapshot.
const MOST_SOFT_ERRORS: usize = 1_000;

/// The longest mount table that is read.
const LONGEST_MOUNTINFO: usize = 4 << 20;

/// Fills in what `/proc` tells of the process but its memory. `via` is a thread of it that is not dead; `tree` the
/// processes to be described with it.
pub(super) fn read_facts(process: &mut Process, via: i32, tree: &[i32]) {
    proc_facts::read_facts(process, via);
    process.tree = proc_facts::process_links(tree);
}

/// Fills in mappings and modules, and plans the capture. `via` is a thread of the process that is not dead, or its clone,
/// of which `kept` says what it lacks.
pub(super) fn plan_memory(process: &mut Process, via: i32, kept: &mut Kept, choice: MemoryChoice) -> Vec<PlannedRange> {
    let mut dir = ProcDir::of(via);
    let mounts = Mounts::parse(&dir.read("mountinfo", LONGEST_MOUNTINFO).unwrap_or_default());
    let mut table = mapping_table(&mut dir);
    process.soft_errors.append(&mut dir.errors);
    kept.complete(&mut table.mappings);

    let memory = KeptMemory { memory: ProcessMemory::new(via), kept };
    let files = find_elf_files(&table.mappings, &memory, |mapped| header_may_be_read(mapped, &mounts));
    process.modules = files.modules;
    let filter = process.coredump_filter.unwrap_or(DEFAULT_FILTER);
    let mut candidates = Vec::with_capacity(table.mappings.len());
    let mut residency = Residency::new(via);
    for memory in table.mappings {
        let pages = kept.pages_of(&memory);
        let mut candidate = Candidate { backing: mounts.backing(&memory), memory, pages };
        if candidate.pages.is_none() && candidate.is_wanted(filter).is_ok() && candidate.needs_pages() {
            residency.look_up(&mut candidate);
        }
        candidates.push(candidate);
    }
    process.soft_errors.extend(residency.into_errors());
    let all = plan(&candidates, filter, &files.pages, &Limits::default());
    let memory = KeptMemory { memory: ProcessMemory::new(via), kept };
    let ranges = choice.narrow(all, process, &candidates, &files.pages, &memory);
    process.mappings = candidates.into_iter().map(|candidate| described(candidate, filter)).collect();
    if choice != MemoryChoice::Full {
        name_left_out(&mut process.mappings, &ranges, &files.pages, &choice.reason());
        process.memory = Some(choice.to_string());
    }
    bound_soft_errors(&mut process.soft_errors);
    ranges
}

/// The mapping as the snapshot tells of it.
fn described(candidate: Candidate, filter: u32) -> dpdb_snapshot::Mapping {
    let left_out = candidate.is_wanted(filter).err();
    dpdb_snapshot::Mapping { left_out, ..candidate.memory.mapping }
}

/// Each mapping of which nothing is there by choice says so.
fn name_left_out(mappings: &mut [Mapping], ranges: &[PlannedRange], always: &[AddressRange], reason: &str) {
    for mapping in mappings {
        if mapping.left_out.is_none() && is_left_out(mapping, ranges, always, reason) {
            mapping.left_out = Some(reason.to_owned());
        }
    }
}

fn mapping_table(dir: &mut ProcDir) -> MappingTable {
    for name in ["smaps", "maps"] {
        let read = File::open(dir.path(name)).and_then(|file| read_mapping_table(BufReader::new(file)));
        match read {
            Ok(mut table) => {
                if let Some(complaint) = table.complaint.take() {
                    dir.complain(format!("{}: {complaint}", dir.path(name).display()), None);
                }
                return table;
            }
            Err(error) => dir.failed("cannot read", name, &error),
        }
    }
    MappingTable::default()
}

/// Whether the first page of a mapping can be read without allocating it, touching a device, or waiting for ever.
fn header_may_be_read(mapped: &MappedMemory, mounts: &Mounts) -> bool {
    let is_device = mapped.has_flag("io") || mapped.has_flag("pf");
    let waits = mapped.has_flag("um") || mapped.has_flag("ui");
    let is_there = mapped.resident > 0 || matches!(mounts.backing(mapped), Backing::File | Backing::Anonymous);
    !is_device && !waits && is_there
}

fn bound_soft_errors(errors: &mut Vec<SoftError>) {
    if errors.len() > MOST_SOFT_ERRORS {
        let message = format!("{} more steps failed", errors.len() - MOST_SOFT_ERRORS);
        errors.truncate(MOST_SOFT_ERRORS);
        errors.push(SoftError { step: Step::Other, tid: None, errno: None, message });
    }
}
