//! `why` on processes that are made by hand: one instruction, some registers, and what the kernel said.

use dpdb_analyzer::{Options, Session};
use dpdb_snapshot::arch::x86_64::GeneralRegisters;
use dpdb_snapshot::process::{Cause, Permissions, ProcessLink, SigInfo, Signal};
use dpdb_snapshot::{Absent, AddressRange, Avma, Mapping, Memory, Process, Registers, Text, Thread};

const CODE: u64 = 0x40_1000;
const DATA: u64 = 0x60_0000;
const STACK: u64 = 0x7fff_0000_0000;

/// Memory of three pages: code, read-only data, a stack.
struct Pages(Vec<(u64, Vec<u8>)>);

impl Memory for Pages {
    fn read_some(&self, at: Avma, buf: &mut [u8]) -> Result<usize, Absent> {
        let rest =
            self.0.iter().find_map(|(start, bytes)| bytes.get(usize::try_from(at.0.checked_sub(*start)?).ok()?..));
        let rest = rest.filter(|rest| !rest.is_empty()).ok_or(Absent::NotMapped(at))?;
        let length = rest.len().min(buf.len());
        buf[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
}

/// The kernel's siginfo with `words` from byte 16 on.
fn info(signal: Signal, code: i32, words: &[u64]) -> SigInfo {
    let mut bytes = vec![0; 16];
    bytes[..4].copy_from_slice(&signal.0.to_le_bytes());
    bytes[8..12].copy_from_slice(&code.to_le_bytes());
    words.iter().for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
    SigInfo::from_bytes(&bytes)
}

fn why(code: &[u8], info: SigInfo, change: impl FnOnce(&mut GeneralRegisters)) -> String {
    let mapping = |start, letters: &str, path: &str| Mapping {
        range: AddressRange::new(start, start + 0x1000),
        permissions: Permissions {
            read: letters.contains('r'),
            write: letters.contains('w'),
            execute: letters.contains('x'),
            shared: false,
        },
        path: Text::from(path),
        ..Mapping::default()
    };
    let mut general = GeneralRegisters { rip: CODE, rsp: STACK + 0x800, ..GeneralRegisters::default() };
    change(&mut general);
    let thread = Thread {
        tid: 7,
        registers: Some(Registers { general, ..Registers::default() }),
        siginfo: Some(info.clone()),
        ..Thread::default()
    };
    let process = Process {
        pid: 7,
        cause: Some(Cause::FatalSignal { signal: info.signal(), tid: 7, info: Some(info), first_chance: None }),
        threads: vec![thread],
        mappings: vec![mapping(CODE, "rx", ""), mapping(DATA, "r", "[data]"), mapping(STACK, "rw", "[stack]")],
        tree: vec![ProcessLink { pid: 3, ppid: 1, comm: Text::from("killer"), state: 'R', threads: 1 }],
        ..Process::default()
    };
    let mut page = code.to_vec();
    page.resize(0x1000, 0x90);
    // Above the stack pointer: a divisor of zero, then the return address of a `call *%rax`.
    page[0x100..0x102].copy_from_slice(&[0xff, 0xd0]);
    let mut stack = vec![0; 0x1000];
    stack[0x808..0x810].copy_from_slice(&(CODE + 0x102).to_le_bytes());
    stack[0x810..0x818].copy_from_slice(&0x4847_4645_4443_4241_u64.to_le_bytes());
    let memory = Pages(vec![(CODE, page), (DATA, vec![0; 0x1000]), (STACK, stack)]);
    Session::new(Box::new((process, memory)), Options::default()).explain().expect("it died").to_string()
}

fn segv(code: i32, address: u64) -> SigInfo {
    info(Signal::SEGV, code, &[address])
}

#[track_caller]
fn says(text: &str, wanted: &[&str]) {
    for wanted in wanted {
        assert!(text.contains(wanted), "{wanted:?} is not in {text:?}");
    }
}

#[test]
fn a_field_of_a_null_pointer_is_named_with_its_offset_and_register() {
    // mov %ecx,0x10(%rdx)
    let text = why(&[0x89, 0x4a, 0x10], segv(1, 0x10), |_| {});
    says(&text, &["mov %ecx,0x10(%rdx)", "writes 4 bytes at 0x10", "rdx is 0x0", "0x10 behind a null pointer"]);
}

#[test]
fn memory_that_may_not_be_written_is_named() {
    // movb $1,(%rax,%rcx,2)
    let text = why(&[0xc6, 0x04, 0x48, 1], segv(2, DATA + 8), |registers| {
        (registers.rax, registers.rcx) = (DATA, 4);
    });
    says(
        &text,
        &["writes 1 byte at 0x600008", "rax is 0x600000, rcx is 0x4", "lies in [data] (r--p)", "not be written"],
    );
}

#[test]
fn the_address_that_the_processor_does_not_tell_is_computed() {
    // mov 8(%rbx),%rax
    let text = why(&[0x48, 0x8b, 0x43, 8], segv(0x80, 0), |registers| registers.rbx = 0xdead_beef_dead_beef);
    says(&text, &["reads 8 bytes at 0xdeadbeefdeadbef7", "not canonical", "rbx holds 0xdeadbeefdeadbeef"]);
    // movaps (%rax),%xmm0
    let text = why(&[0x0f, 0x28, 0x00], segv(0x80, 0), |registers| registers.rax = DATA + 8);
    says(&text, &["wants a multiple of 16 bytes"]);
    // hlt
    says(&why(&[0xf4], segv(0x80, 0), |_| {}), &["Only the kernel may execute"]);
    // ret, with text where the return address was
    let text = why(&[0xc3], segv(0x80, 0), |registers| registers.rsp += 0x10);
    says(&text, &["Control went to 0x4847464544434241", "the text \"ABCDEFGH\""]);
}

#[test]
fn a_call_through_null_names_the_call() {
    let text = why(&[], segv(1, 0), |registers| {
        registers.rip = 0;
        registers.rsp += 8;
    });
    says(&text, &["Control went to 0x0, which is a null pointer", "The call is `call *%rax` at 0x401100"]);
}

#[test]
fn what_does_not_fit_together_is_said_and_not_explained_away() {
    // nop
    let text = why(&[0x90], segv(1, 0x1234_5678_0000), |_| {});
    says(&text, &["not that of an operand; why is not known", "Nothing is mapped at 0x123456780000"]);
    // mov (%rax),%eax, from memory that may be read
    let text = why(&[0x8b, 0x00], segv(1, DATA), |registers| registers.rax = DATA);
    says(&text, &["changed meanwhile, or the fault was another"]);
}

#[test]
fn a_division_by_zero_is_told_from_a_quotient_that_is_too_large() {
    let fpe = || info(Signal::FPE, 1, &[CODE]);
    // idiv %ecx; idivl (%rsp); idiv %cl
    says(&why(&[0xf7, 0xf9], fpe(), |_| {}), &["`idiv %ecx`", "The divisor is zero."]);
    says(&why(&[0xf7, 0x3c, 0x24], fpe(), |_| {}), &["The divisor is zero."]);
    let minus_one = |registers: &mut GeneralRegisters| registers.rcx = 0xffff_ffff;
    says(&why(&[0xf7, 0xf9], fpe(), minus_one), &["The divisor is -1, so the quotient has too many bits"]);
    says(&why(&[0xf6, 0xf9], fpe(), |registers| registers.rcx = 0x7fff), &["The divisor is -1"]);
}

#[test]
fn traps_and_unknown_instructions_are_told_apart() {
    let ill = || info(Signal::ILL, 2, &[CODE]);
    says(&why(&[0x0f, 0x0b], ill(), |_| {}), &["`ud2`", "__builtin_trap"]);
    says(&why(&[0x06], ill(), |_| {}), &["no instruction"]);
    // vpaddd %zmm0,%zmm0,%zmm0
    says(&why(&[0x62, 0xf1, 0x7d, 0x48, 0xfe, 0xc0], ill(), |_| {}), &["perhaps the processor has no AVX512F"]);
    let trap = info(Signal::TRAP, 0x80, &[]);
    says(&why(&[0xcc], trap, |registers| registers.rip += 1), &["`int3` at 0x401000", "a breakpoint"]);
}

#[test]
fn who_sent_it_and_what_seccomp_forbade_are_said() {
    let sent = |pid: u64, uid: u64| info(Signal::SEGV, 0, &[pid | uid << 32]);
    says(&why(&[0x90], sent(3, 1000), |_| {}), &["SI_USER", "Process 3 (killer), of user 1000, sent it."]);
    says(&why(&[0x90], sent(7, 0), |_| {}), &["The process sent it to itself."]);
    let text = why(&[0x90], info(Signal::SYS, 1, &[CODE, 41]), |_| {});
    says(&text, &["SYS_SECCOMP", "41 (socket)"]);
}
