//! How much of the memory is wanted: all that the kernel's core would have, or what is worth most of it.
//!
//! A choice narrows the plan: what the filter leaves out stays out, and zeros, which cost nothing, stay in.

use std::fmt;

use dpdb_snapshot::{AddressRange, Avma, Content, Mapping, Memory, PlannedRange, Process};

use super::plan::{Candidate, PAGE};
use super::reachable;
use crate::options::parse_size;

/// How much of the memory goes into a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemoryChoice {
    /// What `coredump_filter` says, as in the kernel's core.
    #[default]
    Full,
    /// Of that what only this process has: private memory that was written to.
    Data,
    /// Stacks and module data, and what can be reached from them and from registers by pointers, up to so many bytes.
    Reachable(u64),
    /// Stacks, thread-local storage, and the data of modules.
    Stacks,
}

/// What is reached at most, where nobody says: 64 MiB.
const REACHED: u64 = 64 << 20;

/// The System V ABI lets a leaf function use that much below its stack pointer: bytes.
const RED_ZONE: u64 = 128;

/// The most of a stack that is taken to be one, where it is not the kernel's `[stack]`: what a stack pointer points into may
/// be a part of something larger, as in runtimes that make their own.
const LARGEST_STACK: u64 = 8 << 20;

/// How far below a stack its overflow may have moved the stack pointer: through guard pages, which have at most this.
const LARGEST_GUARD: u64 = 1 << 20;

/// Static thread-local storage lies below the thread pointer, and the thread's own structure above it (the ELF handling of
/// TLS, variant II): bytes.
const TLS: (u64, u64) = (64 << 10, 16 << 10);

/// The most of a `.bss` that counts as module data: programs of numerical code have gigabytes of it.
const LARGEST_BSS: u64 = 16 << 20;

impl MemoryChoice {
    /// Reads `stacks`, `reachable`, `reachable:SIZE`, `data` or `full`.
    ///
    /// # Errors
    /// What was expected, as a sentence.
    pub fn parse(text: &str) -> Result<MemoryChoice, String> {
        match (text, text.split_once(':')) {
            ("full", _) => Ok(MemoryChoice::Full),
            ("data", _) => Ok(MemoryChoice::Data),
            ("stacks", _) => Ok(MemoryChoice::Stacks),
            ("reachable", _) => Ok(MemoryChoice::Reachable(REACHED)),
            (_, Some(("reachable", size))) => parse_size(size).map(MemoryChoice::Reachable),
            _ => Err("write stacks, reachable, reachable:SIZE, data or full".to_owned()),
        }
    }

    /// Why the rest is not there.
    pub fn reason(self) -> String {
        let name = match self {
            MemoryChoice::Full => "full",
            MemoryChoice::Data => "data",
            MemoryChoice::Reachable(_) => "reachable",
            MemoryChoice::Stacks => "stacks",
        };
        format!("--memory {name}")
    }

    /// Narrows a plan of all that could be captured. `always` are the pages that are kept in any case.
    pub(super) fn narrow(
        self,
        plan: Vec<PlannedRange>,
        process: &Process,
        candidates: &[Candidate],
        always: &[AddressRange],
        memory: &dyn Memory,
    ) -> Vec<PlannedRange> {
        let mut kept = match self {
            MemoryChoice::Full => return plan,
            MemoryChoice::Data => private_data(candidates),
            MemoryChoice::Stacks | MemoryChoice::Reachable(_) => basis(process, candidates),
        };
        kept.extend(always.iter().map(|range| whole_pages(range.start.0, range.end.0)));
        let mut kept = merged(kept);
        if let MemoryChoice::Reachable(most) = self {
            kept.extend(reachable::search(&roots(process, candidates), &plan, &kept, most, memory));
            kept = merged(kept);
        }
        keep_only(plan, &kept, &self.reason())
    }
}

impl fmt::Display for MemoryChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason().trim_start_matches("--memory "))?;
        match self {
            MemoryChoice::Reachable(most) => write!(f, ":{most}"),
            _ => Ok(()),
        }
    }
}

/// Private memory without a file, or that was written to.
fn private_data(candidates: &[Candidate]) -> Vec<AddressRange> {
    let is_own = |candidate: &&Candidate| {
        let memory = &candidate.memory;
        let is_image = memory.mapping.path.as_bytes() == b"[vdso]";
        !memory.mapping.permissions.shared && (is_image || !memory.has_file() || memory.was_written())
    };
    candidates.iter().filter(is_own).map(|candidate| candidate.memory.mapping.range).collect()
}

/// Stacks, thread-local storage and module data, in no order.
fn basis(process: &Process, candidates: &[Candidate]) -> Vec<AddressRange> {
    let mut ranges = roots(process, candidates).ranges;
    ranges.extend(
        candidates.iter().map(|it| &it.memory.mapping).filter(|it| it.path.as_bytes() == b"[vdso]").map(|it| it.range),
    );
    ranges
}

/// Where pointers are looked for first, those of the thread that met the cause before the others'.
fn roots(process: &Process, candidates: &[Candidate]) -> reachable::Roots {
    let mut roots = reachable::Roots::default();
    for thread in &process.threads {
        let Some(registers) = &thread.registers else { continue };
        let general = &registers.general;
        roots.words.extend(general.to_bytes().as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)));
        roots.ranges.extend(stack(Avma(general.rsp), candidates));
        roots.ranges.extend(window(general.fs_base, TLS, candidates));
    }
    roots.ranges.extend(module_data(candidates));
    roots
}

/// The part of a stack that is in use.
fn stack(pointer: Avma, candidates: &[Candidate]) -> Option<AddressRange> {
    let lowest = Avma(pointer.0.saturating_sub(RED_ZONE));
    let from = candidates.partition_point(|candidate| candidate.memory.mapping.range.end <= lowest);
    // Of a stack that has overflowed the pointer is below it, in a guard.
    let found = candidates[from..].iter().map(|candidate| &candidate.memory.mapping);
    let mut near = found.take_while(|mapping| mapping.range.start.0 <= lowest.0.saturating_add(LARGEST_GUARD));
    let mapping = near.find(|mapping| mapping.permissions.write)?;
    let used = whole_pages(lowest.max(mapping.range.start).0, mapping.range.end.0);
    let is_kernels = mapping.path.as_bytes() == b"[stack]";
    let end = if is_kernels { used.end } else { used.end.min(Avma(used.start.0 + LARGEST_STACK)) };
    Some(AddressRange { end, ..used })
}

/// What is so near to an address, in the same mapping.
fn window(at: u64, (below, above): (u64, u64), candidates: &[Candidate]) -> Option<AddressRange> {
    let next = candidates.partition_point(|candidate| candidate.memory.mapping.range.end.0 <= at);
    let mapping = candidates.get(next).map(|candidate| &candidate.memory.mapping)?;
    let near = whole_pages(at.saturating_sub(below), at.saturating_add(above));
    mapping.range.contains(Avma(at)).then(|| near.intersection(&mapping.range)).flatten()
}

/// What was written to in mappings of files: `.data`, and what was relocated; with the `.bss` behind it.
fn module_data(candidates: &[Candidate]) -> Vec<AddressRange> {
    let mut data = Vec::new();
    let mut module_end = Avma(0);
    for candidate in candidates {
        let Mapping { range, permissions, path, .. } = &candidate.memory.mapping;
        if candidate.memory.has_file() && !permissions.shared {
            module_end = range.end;
            data.extend(candidate.memory.was_written().then_some(*range));
        } else if range.start == module_end && path.as_bytes().is_empty() && permissions.write {
            data.push(AddressRange { end: range.end.min(Avma(range.start.0 + LARGEST_BSS)), ..*range });
        }
    }
    data
}

fn whole_pages(start: u64, end: u64) -> AddressRange {
    AddressRange::new(start / PAGE * PAGE, end.checked_next_multiple_of(PAGE).unwrap_or(end))
}

/// Ascending and apart.
fn merged(mut ranges: Vec<AddressRange>) -> Vec<AddressRange> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| range.start);
    ranges.dedup_by(|next, last| {
        let touches = next.start <= last.end;
        if touches {
            last.end = last.end.max(next.end);
        }
        touches
    });
    ranges
}

/// Of what was to be captured, what does not lie in `kept` is left out.
fn keep_only(plan: Vec<PlannedRange>, kept: &[AddressRange], reason: &str) -> Vec<PlannedRange> {
    let mut narrowed = Vec::with_capacity(plan.len());
    for planned in plan {
        if planned.content != Content::Captured {
            narrowed.push(planned);
            continue;
        }
        let mut at = planned.range.start;
        let leave_out = |start: Avma, end: Avma, narrowed: &mut Vec<PlannedRange>| {
            if start < end {
                let range = AddressRange { start, end };
                narrowed.push(PlannedRange { range, content: Content::LeftOut(reason.to_owned()) });
            }
        };
        let first = kept.partition_point(|range| range.end <= at);
        for range in kept[first..].iter().take_while(|range| range.start < planned.range.end) {
            let Some(part) = range.intersection(&planned.range) else { continue };
            leave_out(at, part.start, &mut narrowed);
            narrowed.push(PlannedRange { range: part, content: Content::Captured });
            at = part.end;
        }
        leave_out(at, planned.range.end, &mut narrowed);
    }
    narrowed
}

/// Whether of a mapping all that could be captured is left out, but for pages that are kept in any case.
pub(super) fn is_left_out(mapping: &Mapping, narrowed: &[PlannedRange], always: &[AddressRange], reason: &str) -> bool {
    let first = narrowed.partition_point(|planned| planned.range.end <= mapping.range.start);
    let parts = || narrowed[first..].iter().take_while(|planned| planned.range.start < mapping.range.end);
    let is_reason = |planned: &PlannedRange| matches!(&planned.content, Content::LeftOut(why) if why == reason);
    let is_kept = |planned: &PlannedRange| {
        planned.content == Content::Captured && !always.iter().any(|page| page.intersection(&planned.range).is_some())
    };
    parts().any(is_reason) && !parts().any(is_kept)
}

#[cfg(test)]
mod tests;
