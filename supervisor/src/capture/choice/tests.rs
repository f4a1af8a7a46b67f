use super::*;
use crate::capture::backing::Backing;
use crate::capture::mapping_table::read_mapping_table;
use dpdb_snapshot::arch::Registers;
use dpdb_snapshot::arch::x86_64::GeneralRegisters;
use dpdb_snapshot::{Absent, Thread};

/// A program with a `.data`, a `.bss`, a heap, memory of its own and of others, and two stacks, one with a guard.
const SMAPS: &str = "\
400000-402000 r-xp 00000000 fe:00 7 /bin/p
Rss: 8 kB
403000-404000 rw-p 00003000 fe:00 7 /bin/p
Anonymous: 4 kB
404000-408000 rw-p 00000000 00:00 0
Anonymous: 16 kB
500000-580000 rw-p 00000000 00:00 0 [heap]
Anonymous: 512 kB
600000-700000 rw-s 00000000 00:01 9 /dev/zero (deleted)
Rss: 1024 kB
700000-701000 ---p 00000000 00:00 0
701000-711000 rw-p 00000000 00:00 0
Anonymous: 64 kB
800000-820000 rw-p 00000000 00:00 0 [stack]
Anonymous: 128 kB
";

fn candidates() -> Vec<Candidate> {
    let table = read_mapping_table(SMAPS.as_bytes()).unwrap();
    let candidate = |memory| Candidate { memory, backing: Backing::Anonymous, pages: None };
    table.mappings.into_iter().map(candidate).collect()
}

/// Zeros, but for words at some addresses.
struct Words(Vec<(u64, u64)>);

impl Memory for Words {
    fn read_some(&self, at: Avma, buf: &mut [u8]) -> Result<usize, Absent> {
        buf.fill(0);
        for (place, word) in &self.0 {
            if let Some(into) = place.checked_sub(at.0).filter(|into| into + 8 <= buf.len() as u64) {
                buf[into as usize..into as usize + 8].copy_from_slice(&word.to_le_bytes());
            }
        }
        Ok(buf.len())
    }
}

fn thread(rsp: u64, rax: u64) -> Thread {
    let general = GeneralRegisters { rsp, rax, ..GeneralRegisters::default() };
    Thread { registers: Some(Registers { general, ..Registers::default() }), ..Thread::default() }
}

fn narrowed(choice: MemoryChoice, threads: Vec<Thread>, memory: &dyn Memory) -> Vec<(u64, u64)> {
    let candidates = candidates();
    let plan = candidates
        .iter()
        .filter(|candidate| candidate.memory.resident + candidate.memory.anonymous > 0)
        .map(|candidate| PlannedRange { range: candidate.memory.mapping.range, content: Content::Captured })
        .collect();
    let process = Process { threads, ..Process::default() };
    let always = [AddressRange::new(0x40_0000, 0x40_0040)];
    let narrowed = choice.narrow(plan, &process, &candidates, &always, memory);
    let is_whole = narrowed.windows(2).all(|pair| pair[0].range.end <= pair[1].range.start);
    assert!(is_whole, "{narrowed:?}");
    for left_out in narrowed.iter().filter(|planned| planned.content != Content::Captured) {
        assert_eq!(left_out.content, Content::LeftOut(choice.reason()));
    }
    let kept = narrowed.iter().filter(|planned| planned.content == Content::Captured);
    kept.map(|planned| (planned.range.start.0, planned.range.end.0)).collect()
}

#[test]
fn stacks_are_kept_from_the_pointer_up_with_module_data_and_headers() {
    let basis = [(0x40_0000, 0x40_1000), (0x40_3000, 0x40_4000), (0x40_4000, 0x40_8000)];
    let stacks = |threads| narrowed(MemoryChoice::Stacks, threads, &Words(Vec::new()));
    // One in use, and one that has overflowed into its guard.
    let both = stacks(vec![thread(0x81_0100, 0), thread(0x70_0ff0, 0)]);
    assert_eq!(both, [&basis[..], &[(0x70_1000, 0x71_1000), (0x81_0000, 0x82_0000)]].concat());
    assert_eq!(stacks(vec![thread(0x9999_0000, 0), thread(0, 0)]), basis, "pointers to nowhere");
}

#[test]
fn data_is_what_only_this_process_has() {
    let kept = narrowed(MemoryChoice::Data, vec![thread(0x81_0100, 0)], &Words(Vec::new()));
    let starts: Vec<u64> = kept.iter().map(|(start, _)| *start).collect();
    assert_eq!(starts, [0x40_0000, 0x40_3000, 0x40_4000, 0x50_0000, 0x70_1000, 0x80_0000]);
}

#[test]
fn what_pointers_lead_to_is_kept_breadth_first_up_to_the_limit() {
    // A register leads to A; the stack to B; A to C; a word of .data, tagged, to D.
    let (a, b, c, d) = (0x50_4000, 0x52_0010, 0x60_8000, 0x57_0001);
    let memory = Words(vec![(0x81_0200, b), (a + 64, c), (0x40_3008, d)]);
    let kept = |most| {
        let all = narrowed(MemoryChoice::Reachable(most), vec![thread(0x81_0100, a)], &memory);
        let reached = all.into_iter().filter(|(start, _)| (0x50_0000..0x70_0000).contains(start));
        reached.map(|(start, end)| (start, end - start)).collect::<Vec<_>>()
    };
    const UNIT: u64 = 16 << 10;
    let all = [(0x50_4000, UNIT), (0x52_0000, UNIT), (0x57_0000, UNIT), (0x60_8000, UNIT)];
    assert_eq!(kept(64 << 20), all);
    assert_eq!(kept(3 * UNIT), all[..3], "the nearest come first");
    assert_eq!(kept(0), []);
}

#[test]
fn a_large_block_of_malloc_is_kept_whole_when_its_beginning_is_pointed_to() {
    let start = 0x51_0010;
    // malloc/malloc.c of glibc, `struct malloc_chunk`: the size stands before the block, its low bits are flags.
    let memory = Words(vec![(start - 8, 0x2_0001), (0x81_0200, start)]);
    let all = narrowed(MemoryChoice::Reachable(64 << 20), vec![thread(0x81_0100, 0)], &memory);
    assert!(all.contains(&(0x51_0000, 0x53_4000)), "{all:x?}");
}

#[test]
fn a_mapping_is_named_where_all_that_could_be_captured_of_it_is_left_out() {
    let candidates = candidates();
    let heap = &candidates[3].memory.mapping;
    let reason = MemoryChoice::Stacks.reason();
    let piece = |start, end, content| PlannedRange { range: AddressRange::new(start, end), content };
    let out = || Content::LeftOut(reason.clone());
    let first_page = [AddressRange::new(0x50_0000, 0x50_0040)];
    let whole = [piece(0x50_0000, 0x58_0000, out())];
    let some = [piece(0x50_0000, 0x50_1000, Content::Captured), piece(0x50_1000, 0x58_0000, out())];
    assert!(is_left_out(heap, &whole, &[], &reason) && is_left_out(heap, &some, &first_page, &reason));
    assert!(!is_left_out(heap, &some, &[], &reason) && !is_left_out(heap, &[], &[], &reason));
}

#[test]
fn a_choice_is_a_word_and_perhaps_a_size() {
    assert_eq!(MemoryChoice::parse("reachable:2M"), Ok(MemoryChoice::Reachable(2 << 20)));
    assert_eq!(MemoryChoice::parse("stacks"), Ok(MemoryChoice::Stacks));
    for nonsense in ["", "stack", "stacks:1", "reachable:", "reachable:x", "full:1"] {
        assert!(MemoryChoice::parse(nonsense).is_err(), "{nonsense}");
    }
    for choice in ["full", "data", "stacks", "reachable:4096"] {
        assert_eq!(MemoryChoice::parse(choice).unwrap().to_string(), choice);
    }
}
