//! What goes where: segments by address, their bytes by value.

use std::collections::{HashMap, HashSet};

use super::{Content, PlannedRange};
use crate::elf::PAGE;
use crate::{AddressRange, Avma, Mapping, Process};

/// A `PT_LOAD`: some bytes in the file, then some that are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// All of it, in memory.
    pub(super) range: AddressRange,
    /// How many bytes from its start are in the file.
    pub(super) filesz: u64,
    /// How far behind the header its bytes are.
    pub(super) offset: u64,
    /// The mapping that it is part of, by its number.
    pub(super) mapping: usize,
}

/// Bytes of the stream that are neighbours both in memory and in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// How far behind the header.
    pub(super) offset: u64,
    pub(super) range: AddressRange,
    /// They are known to be zero and need not be read.
    pub(super) zero: bool,
}

/// The memory of a process as the file will hold it.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Ascending by address.
    pub(super) segments: Vec<Segment>,
    /// Ascending by place in the file.
    pub(super) pieces: Vec<Piece>,
    /// Ranges of zeros without bytes, ascending.
    pub(super) zero: Vec<AddressRange>,
    /// Ranges that are not captured, ascending, with the reason.
    pub(super) left_out: Vec<(AddressRange, String)>,
    stream_size: u64,
}

/// Zeros in a mapping of a file are written out up to this length: gdb would take the bytes of the file for them,
/// since it looks there before it believes a segment without bytes to be zero.
const MAX_WRITTEN_ZEROS: u64 = 64 << 20;

impl Layout {
    pub(super) fn new(process: &Process, plan: &[PlannedRange]) -> Layout {
        let mut layout = Layout::default();
        let mut parts = Vec::new();
        let mut next = 0;
        for (number, mapping) in process.mappings.iter().enumerate() {
            // A range may go on into the next mapping.
            next = plan[..next].iter().rposition(|range| range.range.end <= mapping.range.start).map_or(0, |at| at + 1);
            for (range, content) in contents(mapping, plan, &mut next) {
                layout.add(number, mapping, range, content, &mut parts);
            }
        }
        layout.place(process, parts);
        layout
    }

    /// How many bytes follow the header, without the trailer.
    pub(super) fn stream_size(&self) -> u64 {
        self.stream_size
    }

    /// Appends a part of a mapping to its segments. `parts` are the bytes to be written, by segment.
    fn add(
        &mut self,
        number: usize,
        mapping: &Mapping,
        range: AddressRange,
        content: Content,
        parts: &mut Vec<(usize, Piece)>,
    ) {
        let zero = content == Content::Zero;
        let written = content == Content::Captured || zero && is_of_file(mapping) && range.len() <= MAX_WRITTEN_ZEROS;
        // Bytes cannot follow what has none.
        let extends = self.segments.last().is_some_and(|last| {
            last.mapping == number && last.range.end == range.start && (!written || last.filesz == last.range.len())
        });
        if !extends {
            let empty = AddressRange { start: range.start, end: range.start };
            self.segments.push(Segment { range: empty, filesz: 0, offset: 0, mapping: number });
        }
        let index = self.segments.len() - 1;
        let segment = &mut self.segments[index];
        segment.range.end = range.end;
        match content {
            _ if written => {
                segment.filesz += range.len();
                parts.push((index, Piece { offset: 0, range, zero }));
            }
            Content::LeftOut(reason) => self.left_out.push((range, reason)),
            Content::Captured | Content::Zero => self.zero.push(range),
        }
    }

    /// Gives every segment its place, by the value of its mapping.
    fn place(&mut self, process: &Process, parts: Vec<(usize, Piece)>) {
        let values = values(process);
        let mut order: Vec<usize> = (0..self.segments.len()).collect();
        order.sort_by_key(|&index| (values[self.segments[index].mapping], index));
        for &index in &order {
            self.segments[index].offset = self.stream_size;
            self.stream_size += self.segments[index].filesz;
        }
        self.pieces = parts
            .into_iter()
            .map(|(index, piece)| {
                let segment = &self.segments[index];
                Piece { offset: segment.offset + (piece.range.start.0 - segment.range.start.0), ..piece }
            })
            .collect();
        self.pieces.sort_by_key(|piece| piece.offset);
    }
}

/// The parts of one mapping, ascending and without holes; what the plan does not mention is left out.
fn contents(mapping: &Mapping, plan: &[PlannedRange], next: &mut usize) -> Vec<(AddressRange, Content)> {
    let unplanned = || Content::LeftOut(mapping.left_out.clone().unwrap_or_else(|| "not planned".to_owned()));
    let mut parts = Vec::new();
    let mut at = mapping.range.start;
    while let Some(planned) = plan.get(*next).filter(|planned| planned.range.start < mapping.range.end) {
        if let Some(range) = planned.range.intersection(&AddressRange { start: at, end: mapping.range.end }) {
            if at < range.start {
                parts.push((AddressRange { start: at, end: range.start }, unplanned()));
            }
            parts.push((range, planned.content.clone()));
            at = range.end;
        }
        *next += 1;
    }
    if at < mapping.range.end {
        parts.push((AddressRange { start: at, end: mapping.range.end }, unplanned()));
    }
    parts
}

/// Whether `NT_FILE` names it, so that debuggers look for its bytes in a file.
pub(super) fn is_of_file(mapping: &Mapping) -> bool {
    mapping.inode != 0 || mapping.path.as_bytes().first() == Some(&b'/')
}

/// What a mapping's bytes are worth when a file is cut off: the lower, the earlier they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    CrashedStack,
    Stack,
    /// An ELF file; those of one file have the same number, so that they stay together and ascending (pystack loses
    /// the executable otherwise).
    Module(usize),
    Heap,
    Anonymous,
    /// Other files, likewise.
    File(usize),
}

/// The value of each mapping.
fn values(process: &Process) -> Vec<Value> {
    let stack_pointers: Vec<Avma> = process
        .threads
        .iter()
        .map(|thread| thread.registers.as_ref().map_or(Avma(0), |registers| Avma(registers.general.rsp)))
        .collect();
    let crashed = stack_pointers.first().copied().unwrap_or_default();
    let stacks: HashSet<Avma> = stack_pointers
        .iter()
        .filter_map(|&pointer| process.mapping_at(pointer))
        .map(|found| found.range.start)
        .collect();
    let code: HashSet<_> =
        process.mappings.iter().filter(|mapping| mapping.permissions.execute).map(file_key).collect();

    let mut files = HashMap::new();
    let mut values: Vec<Value> = Vec::with_capacity(process.mappings.len());
    let mut module_end = (Avma(0), 0);
    for mapping in &process.mappings {
        let count = files.len();
        let value = if is_of_file(mapping) || mapping.path.as_bytes() == b"[vdso]" {
            let number = *files.entry(file_key(mapping)).or_insert(count);
            if code.contains(&file_key(mapping)) { Value::Module(number) } else { Value::File(number) }
        } else if mapping.range.contains(crashed) {
            Value::CrashedStack
        } else if stacks.contains(&mapping.range.start) || mapping.path.as_bytes() == b"[stack]" {
            Value::Stack
        } else if mapping.path.as_bytes() == b"[heap]" {
            Value::Heap
        } else if module_end.0 == mapping.range.start && mapping.path.as_bytes().is_empty() {
            // The part of .bss that no page of the file reaches.
            Value::Module(module_end.1)
        } else {
            Value::Anonymous
        };
        if let Value::Module(number) = value {
            module_end = (mapping.range.end, number);
        }
        values.push(value);
    }
    values
}

fn file_key(mapping: &Mapping) -> (&[u8], u64, (u32, u32)) {
    (mapping.path.as_bytes(), mapping.inode, mapping.device)
}

/// `value` rounded up to whole pages.
pub(super) fn whole_pages(value: u64) -> u64 {
    value.next_multiple_of(PAGE)
}

#[cfg(test)]
mod tests {
    use super::Layout;
    use crate::arch::x86_64::GeneralRegisters;
    use crate::process::Permissions;
    use crate::{AddressRange, Content, Mapping, PlannedRange, Process, Registers, Text, Thread};

    fn mapping(start: u64, path: &str, execute: bool) -> Mapping {
        let permissions = Permissions { read: true, execute, ..Permissions::default() };
        Mapping {
            range: AddressRange::new(start, start + 0x2000),
            permissions,
            path: Text::from(path),
            ..Mapping::default()
        }
    }

    fn thread(rsp: u64) -> Thread {
        let general = GeneralRegisters { rsp, ..GeneralRegisters::default() };
        Thread { registers: Some(Registers { general, ..Registers::default() }), ..Thread::default() }
    }

    #[test]
    fn bytes_are_placed_by_value_and_those_of_a_file_stay_together() {
        let mappings = vec![
            mapping(0x1_0000, "/data", false),
            mapping(0x2_0000, "/lib/a", true),
            mapping(0x2_2000, "/lib/a", false),
            mapping(0x2_4000, "", false),
            mapping(0x3_0000, "[heap]", false),
            mapping(0x4_0000, "", false),
            mapping(0x5_0000, "/lib/b", true),
            mapping(0x6_0000, "/lib/a", false),
            mapping(0x7_0000, "", false),
            mapping(0x8_0000, "[stack]", false),
        ];
        let planned = |mapping: &Mapping| PlannedRange { range: mapping.range, content: Content::Captured };
        let plan: Vec<PlannedRange> = mappings.iter().map(planned).collect();
        let process = Process { threads: vec![thread(0x7_1000), thread(0)], mappings, ..Process::default() };
        let layout = Layout::new(&process, &plan);
        let addresses: Vec<u64> = layout.segments.iter().map(|segment| segment.range.start.0 >> 12).collect();
        assert_eq!(addresses, [0x10, 0x20, 0x22, 0x24, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80], "headers ascend");
        let places: Vec<u64> = layout.pieces.iter().map(|piece| piece.range.start.0 >> 12).collect();
        assert_eq!(places, [0x70, 0x80, 0x20, 0x22, 0x24, 0x60, 0x50, 0x30, 0x40, 0x10]);
        assert_eq!(layout.stream_size(), 10 * 0x2000);
    }

    #[test]
    fn a_range_that_spans_mappings_becomes_a_part_of_each() {
        let mappings = vec![mapping(0x1000, "", false), mapping(0x3000, "", false), mapping(0x9000, "", false)];
        let process = Process { mappings, ..Process::default() };
        let range = AddressRange::new(0x2000, 0xa000);
        let layout = Layout::new(&process, &[PlannedRange { range, content: Content::Captured }]);
        let pieces: Vec<(u64, u64)> =
            layout.pieces.iter().map(|piece| (piece.range.start.0, piece.range.end.0)).collect();
        assert_eq!(pieces, [(0x2000, 0x3000), (0x3000, 0x5000), (0x9000, 0xa000)]);
        let left_out: Vec<(u64, u64)> = layout.left_out.iter().map(|(range, _)| (range.start.0, range.end.0)).collect();
        assert_eq!(left_out, [(0x1000, 0x2000), (0xa000, 0xb000)]);
    }
}
