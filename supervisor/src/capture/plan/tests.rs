use super::*;
use crate::capture::backing::Mounts;
use crate::capture::mapping_table::read_mapping_table;

/// Real smaps of a process of this kind, cut to the fields that count.
const SMAPS: &str = "\
555500000000-555500001000 r--p 00000000 fe:00 100 /bin/worker
Rss: 4 kB
VmFlags: rd mr mw me sd
555500001000-555500003000 r-xp 00001000 fe:00 100 /bin/worker
Rss: 8 kB
VmFlags: rd ex mr mw me sd
555500003000-555500004000 rw-p 00003000 fe:00 100 /bin/worker
Rss: 4 kB
Anonymous: 4 kB
VmFlags: rd wr mr mw me ac sd
555500010000-555500031000 rw-p 00000000 00:00 0 [heap]
Rss: 132 kB
Anonymous: 132 kB
VmFlags: rd wr mr mw me ac sd
7f0000000000-7f0000010000 rw-s 00000000 00:01 5 /dev/zero (deleted)
Rss: 4 kB
VmFlags: rd wr sh mr mw me ms sd
7f0000010000-7f0000020000 rw-s 00000000 fe:00 101 /data/index
Rss: 64 kB
VmFlags: rd wr sh mr mw me ms sd
7f0000020000-7f0000030000 r--p 00000000 fe:00 102 /data/model
Rss: 64 kB
VmFlags: rd mr mw me sd
7f0000030000-7f0000040000 rw-p 00000000 00:00 0
Rss: 8 kB
Anonymous: 8 kB
VmFlags: rd wr mr mw me ac dd sd
7f0000200000-7f0000400000 rw-p 00000000 00:10 9 /anon_hugepage (deleted)
Private_Hugetlb: 2048 kB
VmFlags: rd wr mr mw me de ht sd
7f0000400000-7f0000600000 rw-s 00000000 00:10 9 /anon_hugepage (deleted)
Shared_Hugetlb: 2048 kB
VmFlags: rd wr sh mr mw me ms de ht sd
7f0000600000-7f0000601000 rw-s 00000000 00:06 50 /dev/gpu0
VmFlags: rd wr sh mr mw me ms io pf dd
7ffff0000000-7ffff0004000 r--p 00000000 00:00 0 [vvar]
VmFlags: rd mr pf io de dd sd
7ffff0004000-7ffff0006000 r-xp 00000000 00:00 0 [vdso]
Rss: 8 kB
VmFlags: rd ex mr mw me de sd
7ffff0010000-7ffff0031000 rw-p 00000000 00:00 0 [stack]
Rss: 12 kB
Anonymous: 12 kB
VmFlags: rd wr mr mw me gd ac
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]
VmFlags: ex
";

fn candidates(smaps: &str) -> Vec<Candidate> {
    let table = read_mapping_table(smaps.as_bytes()).unwrap();
    assert_eq!(table.complaint, None);
    let mounts = Mounts::parse(b"1 1 254:0 / / rw - ext4 /dev/root rw\n2 1 0:31 / /mnt rw - fuse.sshfs x rw\n");
    let candidate = |memory| Candidate { backing: mounts.backing(&memory), memory, pages: None };
    table.mappings.into_iter().map(candidate).collect()
}

fn one(head_and_fields: &str) -> Candidate {
    candidates(head_and_fields).remove(0)
}

fn pages(range: std::ops::Range<u64>) -> AddressRange {
    AddressRange::new(range.start * PAGE, range.end * PAGE)
}

fn planned(candidate: Candidate, limits: &Limits) -> Vec<(AddressRange, Content)> {
    plan(&[candidate], DEFAULT_FILTER, &[], limits).into_iter().map(|it| (it.range, it.content)).collect()
}

fn left_out(reason: &str) -> Content {
    Content::LeftOut(reason.to_owned())
}

/// Which mappings of `SMAPS` are captured whole, by the last part of their name.
fn whole(filter: u32) -> Vec<&'static str> {
    const NAMES: [&str; 15] = [
        "worker.header",
        "worker.text",
        "worker.data",
        "heap",
        "shared-anonymous",
        "shared-file",
        "private-file",
        "dontdump",
        "private-huge",
        "shared-huge",
        "device",
        "vvar",
        "vdso",
        "stack",
        "vsyscall",
    ];
    let all = candidates(SMAPS);
    NAMES.into_iter().zip(&all).filter(|(_, it)| it.is_wanted(filter).is_ok()).map(|(name, _)| name).collect()
}

#[test]
fn each_bit_of_the_filter_takes_what_core_5_says() {
    let table: [(u32, &[&str]); 10] = [
        (0x00, &["vdso"]),
        (0x01, &["worker.data", "heap", "vdso", "stack"]),
        (0x02, &["shared-anonymous", "vdso"]),
        // Memory that was written to is a private file mapping all the same.
        (0x04, &["worker.header", "worker.text", "worker.data", "private-file", "vdso"]),
        (0x08, &["shared-file", "vdso"]),
        (0x10, &["vdso"]),
        (0x20, &["private-huge", "vdso"]),
        (0x40, &["shared-huge", "vdso"]),
        (0x33, &["worker.data", "heap", "shared-anonymous", "private-huge", "vdso", "stack"]),
        (
            0x7f,
            &[
                "worker.header",
                "worker.text",
                "worker.data",
                "heap",
                "shared-anonymous",
                "shared-file",
                "private-file",
                "private-huge",
                "shared-huge",
                "vdso",
                "stack",
            ],
        ),
    ];
    for (filter, expected) in table {
        assert_eq!(whole(filter), expected, "{filter:#x}");
    }
}

#[test]
fn dax_files_follow_their_own_bits() {
    let mounts = Mounts::parse(b"1 1 259:1 / / rw - xfs /dev/pmem0 rw,dax=always\n");
    for (permissions, bit) in [("rw-p", 7), ("rw-s", 8)] {
        let line = format!("1000-2000 {permissions} 00000000 103:01 5 /pmem/x\nAnonymous: 4 kB\n");
        let mut candidate = one(&line);
        candidate.backing = mounts.backing(&candidate.memory);
        assert!(candidate.is_wanted(1 << bit).is_ok());
        assert!(candidate.is_wanted(!(1 << bit)).is_err());
    }
}

#[test]
fn what_is_left_out_says_why() {
    let all = candidates(SMAPS);
    let reason = |index: usize| all[index].is_wanted(DEFAULT_FILTER).unwrap_err();
    assert_eq!(reason(1), "coredump_filter 0x33 leaves out private file mappings");
    assert_eq!(reason(5), "coredump_filter 0x33 leaves out shared file mappings");
    assert_eq!(reason(7), "MADV_DONTDUMP");
    assert_eq!(reason(9), "coredump_filter 0x33 leaves out shared huge pages");
    assert_eq!(reason(11), "it is the kernel's");
}

#[test]
fn the_plan_covers_every_mapping_once_in_order() {
    let all = candidates(SMAPS);
    for filter in [0, 0x10, DEFAULT_FILTER, 0x7f, u32::MAX] {
        let header = AddressRange::new(0x5555_0000_0000, 0x5555_0000_1000);
        let plan = plan(&all, filter, &[header], &Limits::default());
        let mut at = plan.iter();
        for candidate in &all {
            let range = candidate.memory.mapping.range;
            let mut end = range.start;
            while end < range.end {
                let planned = at.next().unwrap();
                assert_eq!(planned.range.start, end);
                assert!(planned.range.end <= range.end && !planned.range.is_empty());
                end = planned.range.end;
            }
        }
        assert!(at.next().is_none());
    }
}

#[test]
fn headers_are_kept_where_their_mapping_is_not_unless_the_process_said_no() {
    let kept = [AddressRange::new(0x1100, 0x1200), AddressRange::new(0x2ff0, 0x3010)];
    let lines = "1000-5000 r--p 00000000 fe:00 7 /lib/x.so\nVmFlags: rd\n";
    let ranges: Vec<_> = plan(&candidates(lines), DEFAULT_FILTER, &kept, &Limits::default());
    let captured: Vec<_> = ranges.iter().filter(|it| it.content == Content::Captured).map(|it| it.range).collect();
    assert_eq!(captured, [pages(1..2), pages(2..4)]);
    let lines = "1000-5000 r--p 00000000 fe:00 7 /lib/x.so\nVmFlags: rd dd\n";
    let ranges: Vec<_> = plan(&candidates(lines), DEFAULT_FILTER, &kept, &Limits::default());
    assert_eq!(ranges.len(), 1);
    assert_eq!(ranges[0].content, left_out("MADV_DONTDUMP"));
}

#[test]
fn pages_never_touched_are_zeros_and_cost_nothing() {
    let mut heap = one("100000-900000 rw-p 00000000 00:00 0 [heap]\nRss: 12 kB\nAnonymous: 12 kB\nVmFlags: rd wr\n");
    assert!(heap.needs_pages());
    heap.pages = Some(vec![
        (pages(0x100..0x101), PageState::Data),
        (pages(0x102..0x103), PageState::Data),
        (pages(0x500..0x501), PageState::Data),
        (pages(0x501..0x502), PageState::Zero),
    ]);
    let expected = [
        // One page between two is streamed along.
        (pages(0x100..0x103), Content::Captured),
        (pages(0x103..0x500), Content::Zero),
        (pages(0x500..0x501), Content::Captured),
        (pages(0x501..0x502), Content::Zero),
        (pages(0x502..0x900), Content::Zero),
    ];
    assert_eq!(planned(heap.clone(), &Limits::default()), expected);
    let few = Limits { most_ranges: 3, ..Limits::default() };
    let expected = [
        (pages(0x100..0x501), Content::Captured),
        (pages(0x501..0x502), Content::Zero),
        (pages(0x502..0x900), Content::Zero),
    ];
    assert_eq!(planned(heap, &few), expected);
}

#[test]
fn a_terabyte_never_touched_is_not_even_asked_for_its_pages() {
    let huge = one("10000000000-20000000000 rw-p 00000000 00:00 0\nRss: 0 kB\nVmFlags: rd wr nr\n");
    assert!(!huge.needs_pages());
    // Nothing was written to it, and the filter takes it for what it is.
    assert_eq!(planned(huge, &Limits::default()), [(AddressRange::new(1 << 40, 2 << 40), Content::Zero)]);
}

#[test]
fn without_knowing_pages_memory_is_read_whole_unless_that_is_hopeless_or_harmful() {
    let size =
        |end: u64| format!("100000000-{end:x} rw-p 00000000 00:00 0\nRss: 8 kB\nAnonymous: 8 kB\nVmFlags: rd wr\n");
    let content = |text: &str| planned(one(text), &Limits::default()).remove(0).1;
    assert_eq!(content(&size(0x1_1000_0000)), Content::Captured);
    assert_eq!(content(&size(1 << 40)), left_out("it is too large to read without knowing its pages"));
    // Resident from end to end: what is there to know?
    let full = "100000000-10000000000 rw-p 00000000 00:00 0\nRss: 1069547520 kB\nAnonymous: 4 kB\nVmFlags: rd wr\n";
    assert_eq!(content(full), Content::Captured);
    let shared = "1000-9000 rw-s 00000000 00:01 5 /dev/zero (deleted)\nRss: 4 kB\nVmFlags: rd wr sh\n";
    let allocates = left_out("the process never touched it, and reading it would allocate it");
    assert_eq!(content(shared), allocates);
}

#[test]
fn reading_that_would_allocate_or_wait_is_confined_to_pages_that_are_there() {
    let there = || Some(vec![(pages(2..3), PageState::Data), (pages(4..5), PageState::Zero)]);
    for (text, rest) in [
        (
            "1000-9000 rw-s 00000000 00:01 5 /memfd:x (deleted)\nRss: 4 kB\nVmFlags: rd wr sh\n",
            left_out("the process never touched it, and reading it would allocate it"),
        ),
        (
            "1000-9000 rw-p 00000000 00:00 0\nRss: 4 kB\nAnonymous: 4 kB\nVmFlags: rd wr um\n",
            left_out("userfaultfd: reading it would wait for the process itself"),
        ),
        (
            "1000-9000 rw-p 00000000 00:1f 5 /mnt/x\nRss: 4 kB\nAnonymous: 4 kB\nVmFlags: rd wr\n",
            left_out("it is not in memory, and a read from fuse.sshfs may never end"),
        ),
        ("1000-9000 rw-p 00000000 00:10 5 /anon_hugepage (deleted)\nVmFlags: rd wr ht\n", Content::Zero),
    ] {
        let mut candidate = one(text);
        assert!(candidate.needs_pages(), "{text}");
        candidate.pages = there();
        let expected = [
            (pages(1..2), rest.clone()),
            (pages(2..3), Content::Captured),
            (pages(3..4), rest.clone()),
            (pages(4..5), Content::Zero),
            (pages(5..9), rest),
        ];
        assert_eq!(planned(candidate, &Limits::default()), expected, "{text}");
    }
}

#[test]
fn a_guard_is_named_and_never_read() {
    let mut stack = one("1000-9000 rw-p 00000000 00:00 0\nRss: 8 kB\nAnonymous: 8 kB\nVmFlags: rd wr gu\n");
    stack.pages = Some(vec![(pages(1..2), PageState::Guard), (pages(7..9), PageState::Data)]);
    let expected = [
        (pages(1..2), left_out("it is a guard (MADV_GUARD_INSTALL)")),
        (pages(2..7), Content::Zero),
        (pages(7..9), Content::Captured),
    ];
    assert_eq!(planned(stack, &Limits::default()), expected);
}

#[test]
fn neighbouring_mappings_stay_apart() {
    let lines = "1000-2000 rw-p 00000000 00:00 0\nRss: 4 kB\nAnonymous: 4 kB\nVmFlags: rd wr\n\
                 2000-3000 rw-p 00000000 00:00 0\nRss: 4 kB\nAnonymous: 4 kB\nVmFlags: rd wr\n";
    let ranges = plan(&candidates(lines), DEFAULT_FILTER, &[], &Limits::default());
    assert_eq!(ranges.iter().map(|it| it.range).collect::<Vec<_>>(), [pages(1..2), pages(2..3)]);
}
