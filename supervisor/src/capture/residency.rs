//! Which pages of a mapping there are, without touching them.
//!
//! The PAGEMAP_SCAN ioctl (Linux 6.7) tells it in microseconds even for a sparse terabyte; before, `/proc/PID/pagemap`
//! has eight bytes for each page. What other processes put into shared memory shows in neither of them, only in the
//! memory's own file, where that can be opened.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use dpdb_snapshot::process::Step;
use dpdb_snapshot::{AddressRange, SoftError};

use super::backing::Backing;
use super::mapping_table::MappedMemory;
use super::plan::{Candidate, PAGE, PageRuns, PageState};
use crate::sys;

/// The most runs kept of one mapping. Past it the rest counts as data where that is harmless.
const MOST_RUNS: usize = 1 << 20;

/// Asks for the pages of one process.
#[derive(Debug)]
pub struct Residency {
    pid: i32,
    pagemap: io::Result<File>,
    /// PAGEMAP_SCAN is not there: ask `/proc/PID/pagemap`.
    without_scan: bool,
    errors: Vec<SoftError>,
}

impl Residency {
    /// Opens `/proc/PID/pagemap` of the process that this task belongs to.
    pub fn new(pid: i32) -> Residency {
        let pagemap = File::open(format!("/proc/{pid}/pagemap"));
        let mut residency = Residency { pid, pagemap, without_scan: false, errors: Vec::new() };
        if let Err(error) = &residency.pagemap {
            let errno = error.raw_os_error();
            residency.complain(format!("cannot open /proc/{pid}/pagemap"), errno);
        }
        residency
    }

    /// Fills in the pages of a candidate that needs them; `None` stays where they cannot be known.
    pub fn look_up(&mut self, candidate: &mut Candidate) {
        let memory = &candidate.memory;
        let runs = match self.runs(memory.mapping.range) {
            Ok(runs) => runs,
            Err(error) => {
                let message = format!("cannot find out which pages of {} there are", memory.mapping.range);
                return self.complain(message, error.raw_os_error());
            }
        };
        candidate.pages = Some(match candidate.backing {
            Backing::SharedMemory => match shared_memory_runs(self.pid, memory) {
                Some(in_file) => union(memory.mapping.range, &runs, &in_file),
                None => runs,
            },
            _ => runs,
        });
    }

    /// What failed.
    pub fn into_errors(self) -> Vec<SoftError> {
        self.errors
    }

    fn complain(&mut self, message: String, errno: Option<i32>) {
        self.errors.push(SoftError { step: Step::Pagemap, tid: None, errno, message });
    }

    fn runs(&mut self, range: AddressRange) -> io::Result<PageRuns> {
        let file = match &self.pagemap {
            Ok(file) => file,
            // It has been complained of once.
            Err(error) => {
                return Err(error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error));
            }
        };
        if !self.without_scan {
            match scan(file, range) {
                // ENOTTY: older than Linux 6.7. EINVAL: a range that it does not take.
                Err(error) if matches!(error.raw_os_error(), Some(libc::ENOTTY | libc::EINVAL)) => {
                    self.without_scan = true;
                }
                other => return other,
            }
        }
        walk_pagemap(file, range)
    }
}

/// The pages of a range, by PAGEMAP_SCAN.
fn scan(pagemap: &File, range: AddressRange) -> io::Result<PageRuns> {
    const ANY_OF: u64 = sys::PAGE_PRESENT | sys::PAGE_SWAPPED;
    let mut told = sys::PAGE_ZERO | sys::PAGE_GUARD;
    let mut regions = vec![sys::PageRegion::default(); 4096];
    let mut runs = PageRuns::new();
    let mut at = range.start.0;
    while at < range.end.0 && runs.len() < MOST_RUNS {
        let (filled, looked) = match sys::scan_pagemap(pagemap, at, range.end.0, ANY_OF, told, &mut regions) {
            // A kernel that does not know guards yet.
            Err(sys::Errno::EINVAL) if told & sys::PAGE_GUARD != 0 => {
                told = sys::PAGE_ZERO;
                continue;
            }
            other => other?,
        };
        for region in &regions[..filled] {
            let state = match region.categories {
                categories if categories & sys::PAGE_GUARD != 0 => PageState::Guard,
                categories if categories & sys::PAGE_ZERO != 0 => PageState::Zero,
                _ => PageState::Data,
            };
            push_run(&mut runs, AddressRange::new(region.start, region.end), state);
        }
        if looked <= at {
            break;
        }
        at = looked;
    }
    close(&mut runs, at, range);
    Ok(runs)
}

/// Counts what was not looked at as data.
fn close(runs: &mut PageRuns, at: u64, range: AddressRange) {
    if at < range.end.0 {
        push_run(runs, AddressRange::new(at, range.end.0), PageState::Data);
    }
}

fn push_run(runs: &mut PageRuns, range: AddressRange, state: PageState) {
    match runs.last_mut() {
        Some((last, same)) if *same == state && last.end == range.start => last.end = range.end,
        _ => runs.push((range, state)),
    }
}

/// The pages of a range, by the entries of pagemap (Documentation/admin-guide/mm/pagemap.rst).
fn walk_pagemap(pagemap: &File, range: AddressRange) -> io::Result<PageRuns> {
    const PRESENT: u64 = 1 << 63;
    const SWAPPED: u64 = 1 << 62;
    const GUARD: u64 = 1 << 58;
    let mut runs = PageRuns::new();
    let mut buffer = vec![0; 512 << 10];
    let mut at = range.start.0;
    while at < range.end.0 && runs.len() < MOST_RUNS {
        let pages = ((range.end.0 - at) / PAGE).min(buffer.len() as u64 / 8) as usize;
        let got = pagemap.read_at(&mut buffer[..pages * 8], at / PAGE * 8)?;
        let (entries, _) = buffer[..got].as_chunks::<8>();
        if entries.is_empty() {
            break;
        }
        for entry in entries {
            let page = AddressRange::new(at, at + PAGE);
            match u64::from_le_bytes(*entry) {
                entry if entry & GUARD != 0 => push_run(&mut runs, page, PageState::Guard),
                entry if entry & (PRESENT | SWAPPED) != 0 => push_run(&mut runs, page, PageState::Data),
                _ => {}
            }
            at += PAGE;
        }
    }
    close(&mut runs, at, range);
    Ok(runs)
}

/// What shared memory holds, asked of its own file: pages that another process filled and this one never looked at
/// are there too, and holes are zeros. `None` where that file cannot be opened.
fn shared_memory_runs(pid: i32, memory: &MappedMemory) -> Option<PageRuns> {
    let file = open_mapped_file(pid, memory)?;
    let range = memory.mapping.range;
    let offset = memory.mapping.offset;
    let to_address = |at: u64| range.start.0.saturating_add(at.saturating_sub(offset)).min(range.end.0);
    let mut runs = PageRuns::new();
    let mut at = offset;
    while to_address(at) < range.end.0 && runs.len() < MOST_RUNS {
        let Some((start, end)) = sys::next_data(&file, at).ok()? else { break };
        push_run(&mut runs, AddressRange::new(to_address(at), to_address(start)), PageState::Zero);
        push_run(&mut runs, AddressRange::new(to_address(start), to_address(end)), PageState::Data);
        at = end.max(at + 1);
    }
    push_run(&mut runs, AddressRange::new(to_address(at), range.end.0), PageState::Zero);
    runs.retain(|(range, _)| !range.is_empty());
    Some(runs)
}

/// Opens the file of a mapping: through map_files, which takes CAP_CHECKPOINT_RESTORE, or through a descriptor of
/// the process that names the same file.
fn open_mapped_file(pid: i32, memory: &MappedMemory) -> Option<File> {
    let is_it = |file: &File| file.metadata().is_ok_and(|found| found.ino() == memory.mapping.inode && found.is_file());
    // Not blocking: what a descriptor of the process leads to may be a pipe by now.
    let open = |path: &Path| {
        let file = File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path).ok()?;
        is_it(&file).then_some(file)
    };
    let range = memory.mapping.range;
    let map_file = format!("/proc/{pid}/map_files/{:x}-{:x}", range.start.0, range.end.0);
    open(Path::new(&map_file)).or_else(|| {
        let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
        let paths = descriptors.flatten().map(|entry| entry.path());
        let mut same = paths.filter(|path: &PathBuf| {
            std::fs::read_link(path).is_ok_and(|target| target == memory.mapping.path.as_path())
        });
        same.find_map(|path| open(&path))
    })
}

/// What either list knows: data where either says data, else zeros where either says zeros.
fn union(range: AddressRange, mapped: &PageRuns, in_file: &PageRuns) -> PageRuns {
    let edges = mapped.iter().chain(in_file).flat_map(|(run, _)| [run.start.0, run.end.0]);
    let mut edges: Vec<u64> = edges.chain([range.start.0, range.end.0]).collect();
    edges.sort_unstable();
    edges.dedup();
    let mut runs = PageRuns::new();
    let mut lists = [mapped.iter().peekable(), in_file.iter().peekable()];
    for pair in edges.windows(2) {
        let piece = AddressRange::new(pair[0], pair[1]);
        let states = lists.each_mut().map(|list| {
            while list.next_if(|(run, _)| run.end <= piece.start).is_some() {}
            list.peek().filter(|(run, _)| run.contains(piece.start)).map(|(_, state)| *state)
        });
        let either = |state| states.contains(&Some(state));
        if either(PageState::Data) {
            push_run(&mut runs, piece, PageState::Data);
        } else if either(PageState::Zero) {
            push_run(&mut runs, piece, PageState::Zero);
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: u64, end: u64) -> AddressRange {
        AddressRange::new(start * PAGE, end * PAGE)
    }

    #[test]
    fn data_in_either_list_wins_over_zeros() {
        use PageState::{Data, Zero};
        let mapped = vec![(range(2, 3), Data), (range(5, 6), Data)];
        let in_file = vec![(range(0, 1), Zero), (range(1, 2), Data), (range(2, 8), Zero)];
        let expected =
            [(range(0, 1), Zero), (range(1, 3), Data), (range(3, 5), Zero), (range(5, 6), Data), (range(6, 8), Zero)];
        assert_eq!(union(range(0, 10), &mapped, &in_file), expected);
        assert_eq!(union(range(0, 10), &mapped, &Vec::new()), mapped);
    }

    /// Anonymous memory of ours, of which only pages 3, 4 and 40 were touched. It is larger than what malloc(3) ever
    /// keeps for reuse (mallopt(3), M_MMAP_THRESHOLD), so it is fresh from the kernel.
    fn sparse() -> (Vec<u8>, AddressRange) {
        let mut bytes = vec![0; 64 << 20];
        let start = (bytes.as_ptr() as u64).next_multiple_of(PAGE) + PAGE;
        let range = AddressRange::new(start, start + 64 * PAGE);
        let skipped = (start - bytes.as_ptr() as u64) as usize;
        for page in [3, 4, 40] {
            bytes[skipped + page * PAGE as usize] = 1;
        }
        (bytes, range)
    }

    fn data_pages(runs: &PageRuns, range: AddressRange) -> Vec<u64> {
        let data = runs.iter().filter(|(_, state)| *state == PageState::Data);
        data.flat_map(|(run, _)| (run.start.0..run.end.0).step_by(PAGE as usize))
            .map(|at| (at - range.start.0) / PAGE)
            .collect()
    }

    #[test]
    fn both_ways_to_ask_find_the_touched_pages_and_touch_none() {
        let (_bytes, range) = sparse();
        let mut residency = Residency::new(std::process::id() as i32);
        for without_scan in [false, true, false] {
            residency.without_scan = without_scan;
            assert_eq!(data_pages(&residency.runs(range).unwrap(), range), [3, 4, 40], "{without_scan}");
        }
    }

    #[test]
    fn an_old_kernel_falls_back_and_another_failure_is_told() {
        let (_bytes, range) = sparse();
        let mut residency = Residency::new(std::process::id() as i32);
        sys::failure::fail_once(sys::Call::ScanPagemap, sys::Errno::ENOTTY);
        assert_eq!(data_pages(&residency.runs(range).unwrap(), range), [3, 4, 40]);
        assert!(residency.without_scan);
        let mut residency = Residency::new(std::process::id() as i32);
        sys::failure::fail_once(sys::Call::ScanPagemap, sys::Errno::ENOMEM);
        assert_eq!(residency.runs(range).unwrap_err().raw_os_error(), Some(libc::ENOMEM));
    }
}
