//! The memory plan: which bytes of a process go into its snapshot, and why the others do not.
//!
//! The rules are those of the kernel's own core dumps: core(5), "Controlling which mappings are written to the core
//! dump", as fs/coredump.c, `vma_dump_size` applies them. All here is pure: mappings, the filter and what is known
//! of pages go in, ranges come out.

use dpdb_snapshot::{AddressRange, Content, PlannedRange};

use super::backing::Backing;
use super::mapping_table::MappedMemory;

/// The bits of `/proc/PID/coredump_filter`, as core(5) numbers them.
mod bits {
    pub const PRIVATE_ANONYMOUS: u32 = 1 << 0;
    pub const SHARED_ANONYMOUS: u32 = 1 << 1;
    pub const PRIVATE_FILE: u32 = 1 << 2;
    pub const SHARED_FILE: u32 = 1 << 3;
    pub const PRIVATE_HUGE: u32 = 1 << 5;
    pub const SHARED_HUGE: u32 = 1 << 6;
    pub const PRIVATE_DAX: u32 = 1 << 7;
    pub const SHARED_DAX: u32 = 1 << 8;
}

/// What the kernel sets where nobody chose: anonymous memory, ELF headers and private huge pages.
pub const DEFAULT_FILTER: u32 = 0x33;

/// The page size of x86-64.
pub const PAGE: u64 = 4096;

/// Anonymous memory of which it is not known what is in it is read blindly up to this many bytes; past it, the
/// time to read nothing but zeros counts for more.
const BLIND_LIMIT: u64 = 64 << 30;

/// What is known of some pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageState {
    /// They hold bytes, in memory or in swap.
    Data,
    /// They hold zeros.
    Zero,
    /// A guard that faults on any access (`MADV_GUARD_INSTALL`).
    Guard,
}

/// Pages of a mapping, ascending and apart. What is in no run was never touched by this process.
pub type PageRuns = Vec<(AddressRange, PageState)>;

/// A mapping, what lies under it, and its pages, where they were asked for and told.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The mapping.
    pub memory: MappedMemory,
    /// What lies under it.
    pub backing: Backing,
    /// Its pages. Needed only where [`Candidate::needs_pages`] says so.
    pub pages: Option<PageRuns>,
}

/// Bounds of a plan.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Zeros between two captured ranges are streamed along (and compress to nothing) where they are shorter than
    /// this many bytes, since each range costs a program header.
    pub shortest_gap: u64,
    /// Past this many ranges, ever longer gaps are streamed along.
    pub most_ranges: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { shortest_gap: 64 << 10, most_ranges: 1 << 16 }
    }
}

impl Candidate {
    /// Whether the filter asks for this mapping: if not, why.
    ///
    /// # Errors
    /// The reason to leave it out, as a phrase.
    pub fn is_wanted(&self, filter: u32) -> Result<(), String> {
        let memory = &self.memory;
        let shared = memory.mapping.permissions.shared;
        if let Some(special) = self.special_rule() {
            return special;
        }
        let (bit, what) = match self.backing {
            Backing::Dax if shared => (bits::SHARED_DAX, "shared DAX mappings"),
            Backing::Dax => (bits::PRIVATE_DAX, "private DAX mappings"),
            Backing::HugePages if shared => (bits::SHARED_HUGE, "shared huge pages"),
            Backing::HugePages => (bits::PRIVATE_HUGE, "private huge pages"),
            _ if memory.has_flag("io") || memory.has_flag("pf") => return Err("it is a device's memory".to_owned()),
            // The kernel asks whether the file has no name any more (`i_nlink == 0`): memfds, System V segments and
            // shared anonymous memory never had one.
            _ if shared && is_nameless(memory.mapping.path.as_bytes()) => {
                (bits::SHARED_ANONYMOUS, "shared anonymous memory")
            }
            _ if shared => (bits::SHARED_FILE, "shared file mappings"),
            _ if memory.was_written() && filter & bits::PRIVATE_ANONYMOUS != 0 => return Ok(()),
            _ if !memory.has_file() => (bits::PRIVATE_ANONYMOUS, "private anonymous memory"),
            _ => (bits::PRIVATE_FILE, "private file mappings"),
        };
        if filter & bit != 0 { Ok(()) } else { Err(format!("coredump_filter {filter:#x} leaves out {what}")) }
    }

    /// What comes before the filter: the kernel's own mappings, and what the process asked to leave out.
    fn special_rule(&self) -> Option<Result<(), String>> {
        match self.memory.mapping.path.as_bytes() {
            // The kernel's core has them as segments of zeros: they are its clock data, which nobody can read.
            b"[vvar]" | b"[vvar_vclock]" | b"[vsyscall]" => return Some(Err("it is the kernel's".to_owned())),
            b"[vdso]" | b"[uprobes]" => return Some(Ok(())),
            _ => {}
        }
        if let Some(reason) = &self.memory.lost {
            return Some(Err(reason.clone()));
        }
        self.memory.has_flag("dd").then(|| Err("MADV_DONTDUMP".to_owned()))
    }

    /// Whether its pages must be known before it is read: reading what was never touched may allocate, wait for ever,
    /// or take hours of reading zeros.
    pub fn needs_pages(&self) -> bool {
        let memory = &self.memory;
        let (there, size) = (memory.resident + memory.swapped, memory.mapping.range.len());
        match self.backing {
            Backing::Anonymous => is_registered_with_userfaultfd(memory) || (there > 0 && there < size),
            Backing::SharedMemory | Backing::HugePages | Backing::RemoteFile(_) => true,
            Backing::File | Backing::Dax => false,
        }
    }

    /// What pages in no run hold.
    fn untouched(&self) -> Content {
        if is_registered_with_userfaultfd(&self.memory) {
            return Content::LeftOut("userfaultfd: reading it would wait for the process itself".to_owned());
        }
        match &self.backing {
            Backing::Anonymous => Content::Zero,
            Backing::HugePages if !self.memory.mapping.permissions.shared && self.is_unnamed_huge() => Content::Zero,
            Backing::SharedMemory | Backing::HugePages => {
                Content::LeftOut("the process never touched it, and reading it would allocate it".to_owned())
            }
            Backing::RemoteFile(kind) => {
                Content::LeftOut(format!("it is not in memory, and a read from {kind} may never end"))
            }
            Backing::File | Backing::Dax => Content::Captured,
        }
    }

    fn is_unnamed_huge(&self) -> bool {
        self.memory.mapping.path.as_bytes().starts_with(b"/anon_hugepage")
    }

    /// What the whole of it is where nothing is known of its pages.
    fn blind(&self) -> Content {
        let (there, size) = (self.memory.resident + self.memory.swapped, self.memory.mapping.range.len());
        match self.untouched() {
            Content::Zero if there == 0 => Content::Zero,
            Content::Zero if there < size && size > BLIND_LIMIT => {
                Content::LeftOut("it is too large to read without knowing its pages".to_owned())
            }
            Content::Zero => Content::Captured,
            other => other,
        }
    }

    /// Whether zeros inside it may be streamed along without harm.
    fn gaps_may_be_read(&self) -> bool {
        self.backing == Backing::Anonymous && !is_registered_with_userfaultfd(&self.memory)
    }
}

fn is_registered_with_userfaultfd(memory: &MappedMemory) -> bool {
    memory.has_flag("um") || memory.has_flag("ui")
}

fn is_nameless(path: &[u8]) -> bool {
    path.ends_with(b" (deleted)") || path.starts_with(b"[anon_shmem:")
}

/// Plans the capture of all candidates: ranges that are ascending, apart, page-aligned, and together as long as the
/// mappings. `always` are the pages of ELF headers and build-ids, captured even where their mapping is left out
/// (not where the process itself asked for that).
pub fn plan(candidates: &[Candidate], filter: u32, always: &[AddressRange], limits: &Limits) -> Vec<PlannedRange> {
    let mut pieces = Vec::new();
    for candidate in candidates {
        let first = pieces.len();
        match candidate.is_wanted(filter) {
            Ok(()) => wanted_pieces(candidate, &mut pieces),
            Err(reason) => left_out_pieces(candidate, &reason, always, &mut pieces),
        }
        // Segments of a core do not reach over mappings, whose permissions may differ.
        if let Some(first) = pieces.get_mut(first) {
            first.starts_mapping = true;
        }
    }
    let mut gap = limits.shortest_gap;
    merge_short_gaps(&mut pieces, gap);
    while pieces.len() > limits.most_ranges && gap < 1 << 46 {
        gap *= 2;
        merge_short_gaps(&mut pieces, gap);
    }
    pieces.into_iter().map(|piece| piece.planned).collect()
}

/// A range of the plan, and whether its zeros may be streamed along.
struct Piece {
    planned: PlannedRange,
    may_be_read: bool,
    starts_mapping: bool,
}

fn push(pieces: &mut Vec<Piece>, range: AddressRange, content: Content, may_be_read: bool) {
    if !range.is_empty() {
        pieces.push(Piece { planned: PlannedRange { range, content }, may_be_read, starts_mapping: false });
    }
}

fn wanted_pieces(candidate: &Candidate, pieces: &mut Vec<Piece>) {
    let range = candidate.memory.mapping.range;
    let may_be_read = candidate.gaps_may_be_read();
    let Some(runs) = candidate.pages.as_ref().filter(|_| candidate.needs_pages()) else {
        return push(pieces, range, candidate.blind(), may_be_read);
    };
    let mut at = range.start;
    for (run, state) in runs {
        let Some(run) = run.intersection(&AddressRange { start: at, end: range.end }) else { continue };
        push(pieces, AddressRange { start: at, end: run.start }, candidate.untouched(), may_be_read);
        let content = match state {
            PageState::Data => Content::Captured,
            PageState::Zero => Content::Zero,
            PageState::Guard => Content::LeftOut("it is a guard (MADV_GUARD_INSTALL)".to_owned()),
        };
        push(pieces, run, content, may_be_read);
        at = run.end;
    }
    push(pieces, AddressRange { start: at, end: range.end }, candidate.untouched(), may_be_read);
}

fn left_out_pieces(candidate: &Candidate, reason: &str, always: &[AddressRange], pieces: &mut Vec<Piece>) {
    let range = candidate.memory.mapping.range;
    let mut at = range.start;
    if candidate.special_rule().is_none() {
        for kept in always.iter().filter_map(|kept| page_aligned(kept).intersection(&range)) {
            let Some(kept) = kept.intersection(&AddressRange { start: at, end: range.end }) else { continue };
            push(pieces, AddressRange { start: at, end: kept.start }, Content::LeftOut(reason.to_owned()), false);
            push(pieces, kept, Content::Captured, false);
            at = kept.end;
        }
    }
    push(pieces, AddressRange { start: at, end: range.end }, Content::LeftOut(reason.to_owned()), false);
}

fn page_aligned(range: &AddressRange) -> AddressRange {
    let end = range.end.0.checked_next_multiple_of(PAGE).unwrap_or(range.end.0);
    AddressRange::new(range.start.0 / PAGE * PAGE, end)
}

/// Streams zeros that are shorter than `gap` bytes along with what is captured on both sides of them in the same
/// mapping, and joins them.
fn merge_short_gaps(pieces: &mut Vec<Piece>, gap: u64) {
    let mut merged: Vec<Piece> = Vec::with_capacity(pieces.len());
    let mut rest = std::mem::take(pieces).into_iter().peekable();
    while let Some(mut piece) = rest.next() {
        let short = piece.planned.content == Content::Zero && piece.planned.range.len() < gap;
        let before = merged.last().is_some_and(|last| last.is_captured_along()) && !piece.starts_mapping;
        let after = rest.peek().is_some_and(|next| next.is_captured_along() && !next.starts_mapping);
        if short && piece.may_be_read && before && after {
            piece.planned.content = Content::Captured;
        }
        match merged.last_mut() {
            Some(last) if before && piece.is_captured_along() => last.planned.range.end = piece.planned.range.end,
            _ => merged.push(piece),
        }
    }
    *pieces = merged;
}

impl Piece {
    fn is_captured_along(&self) -> bool {
        self.may_be_read && self.planned.content == Content::Captured
    }
}

#[cfg(test)]
mod tests;
