//! Stacks made by hand, one per strategy, and stacks that are damaged.

use dpdb_snapshot::process::Permissions;
use dpdb_snapshot::{Absent, AddressRange, Avma, Mapping, Memory, Process};

use super::rules::{CfaRule, Rule, RuleError, Rules};
use super::{CallFrameInfo, Space, walk};
use crate::arch::x86_64::{RBP, REGISTER_COUNT, RIP, RSP};
use crate::frame::{Backtrace, FrameKind, FrameRegisters, FrameTrust, WalkEnd};

const CODE: u64 = 0x1000;
const STACK: u64 = 0x7000;

/// Code at 0x1000, and a stack at 0x7000.
struct Hand {
    code: Vec<u8>,
    stack: Vec<u8>,
}

impl Hand {
    fn new(code: &[u8], words: &[u64]) -> Hand {
        Hand { code: code.to_vec(), stack: words.iter().flat_map(|word| word.to_le_bytes()).collect() }
    }

    fn walk(&self, registers: &[(u16, u64)], function_start: Option<u64>, limit: usize) -> Backtrace {
        let mapping = |start: u64, length: usize, execute: bool| Mapping {
            range: AddressRange::new(start, start + length as u64),
            permissions: Permissions { read: true, write: !execute, execute, shared: false },
            ..Mapping::default()
        };
        let mappings = vec![mapping(CODE, self.code.len(), true), mapping(STACK, self.stack.len(), false)];
        let process = Process { mappings, ..Process::default() };
        let mut frame = FrameRegisters::new();
        registers.iter().for_each(|(register, value)| frame.set(*register, *value));
        let function_start = |at: Avma| function_start.map(Avma).filter(|start| at >= *start && at.0 < start.0 + 0x20);
        let space = Space {
            process: &process,
            memory: self,
            modules: &[],
            cfi: &CallFrameInfo::new(&[]),
            debug_file: &|_| None,
            function_start: &function_start,
        };
        walk(&space, frame, limit)
    }
}

impl Memory for Hand {
    fn read_some(&self, at: Avma, buf: &mut [u8]) -> Result<usize, Absent> {
        let inside = [(CODE, &self.code), (STACK, &self.stack)].into_iter().find_map(|(start, bytes)| {
            let offset = usize::try_from(at.0.checked_sub(start)?).ok()?;
            bytes.get(offset..).filter(|rest| !rest.is_empty())
        });
        let inside = inside.ok_or(Absent::NotMapped(at))?;
        let length = inside.len().min(buf.len());
        buf[..length].copy_from_slice(&inside[..length]);
        Ok(length)
    }
}

/// 256 bytes of `nop` with a call (`call *%rax`) that returns to each of these offsets.
fn code_with_calls(returns: &[usize]) -> Vec<u8> {
    let mut code = vec![0x90; 0x100];
    for &at in returns {
        code[at - 2..at].copy_from_slice(&[0xff, 0xd0]);
    }
    code
}

fn pcs(backtrace: &Backtrace) -> Vec<(u64, FrameTrust)> {
    backtrace.frames.iter().map(|frame| (frame.pc.0, frame.trust)).collect()
}

#[test]
fn frame_pointers_lead_to_the_outermost_frame() {
    let stack = [1, 2, STACK + 0x28, 0x1040, 3, 0, 0x1080, 0, 0];
    let hand = Hand::new(&code_with_calls(&[0x40, 0x80]), &stack);
    let found = hand.walk(&[(RIP, 0x1010), (RSP, STACK), (RBP, STACK + 0x10)], None, 10);
    use FrameTrust::{Context, FramePointer};
    assert_eq!(pcs(&found), [(0x1010, Context), (0x1040, FramePointer), (0x1080, FramePointer)]);
    assert_eq!(found.frames[0].cfa, Some(Avma(STACK + 0x20)));
    assert_eq!(found.frames[1].stack_pointer(), Some(Avma(STACK + 0x20)));
    assert_eq!(found.frames[1].lookup_address(), Avma(0x103f), "a caller is looked up in its call");
    assert_eq!(found.frames[0].lookup_address(), Avma(0x1010));
    assert_eq!(found.frames[1].registers.get(3), None, "rbx may have been saved anywhere");
}

#[test]
fn a_call_through_null_leaves_its_return_address_on_top() {
    let hand = Hand::new(&code_with_calls(&[0x40]), &[0x1040, 5, 6]);
    let found = hand.walk(&[(RIP, 0), (RSP, STACK), (3, 77)], None, 10);
    assert_eq!(pcs(&found)[..2], [(0, FrameTrust::Context), (0x1040, FrameTrust::ReturnAddress)]);
    assert_eq!(found.frames[1].registers.get(3), Some(77), "nothing ran that could have changed rbx");
}

#[test]
fn a_scan_takes_the_first_word_that_follows_a_call() {
    let hand = Hand::new(&code_with_calls(&[0x40]), &[0x1030, 0x1041, STACK, 0x1040, 9]);
    let found = hand.walk(&[(RIP, 0x1010), (RSP, STACK), (RBP, 1)], None, 10);
    assert_eq!(pcs(&found)[..2], [(0x1010, FrameTrust::Context), (0x1040, FrameTrust::Scan)]);
    assert_eq!(found.end, WalkEnd::NoRule { pc: Avma(0x1040) });
}

#[test]
fn a_scan_believes_a_call_of_this_very_function_before_any_other() {
    let mut code = code_with_calls(&[]);
    let mut call = |end: usize, target: i32| {
        code[end - 5] = 0xe8;
        code[end - 4..end].copy_from_slice(&(target - end as i32).to_le_bytes());
    };
    call(0x60, 0x90);
    call(0x70, 0x00);
    // An undecodable byte keeps the prologue from being read.
    code[4] = 0x06;
    let hand = Hand::new(&code, &[0x1060, 0x1070, 0, 0]);
    let found = hand.walk(&[(RIP, 0x1010), (RSP, STACK - 8)], Some(CODE), 2);
    assert_eq!(found.frames.len(), 1, "the stack pointer is outside of the stack");
    let hand = Hand::new(&code, &[0, 0x1060, 0x1070, 0, 0]);
    let found = hand.walk(&[(RIP, 0x1010), (RSP, STACK)], Some(CODE), 2);
    assert_eq!(pcs(&found)[1], (0x1070, FrameTrust::Scan));
}

#[test]
fn a_prologue_says_where_the_return_address_is() {
    let mut code = code_with_calls(&[0x40]);
    // push %rbx; sub $0x10,%rsp; je +1; pop %rbx … and a stale return address in the locals.
    code[..5].copy_from_slice(&[0x53, 0x48, 0x83, 0xec, 0x10]);
    let hand = Hand::new(&code, &[0x1040, 2, 0x5b5b, 0x1040, 0, 0]);
    let found = hand.walk(&[(RIP, 0x1008), (RSP, STACK), (3, 1), (12, 12)], Some(CODE), 2);
    assert_eq!(pcs(&found)[1], (0x1040, FrameTrust::Prologue));
    assert_eq!(found.frames[0].cfa, Some(Avma(STACK + 0x20)));
    assert_eq!(found.frames[1].registers.get(3), Some(0x5b5b), "rbx was pushed");
    assert_eq!(found.frames[1].registers.get(12), Some(12), "r12 was left alone");
}

#[test]
fn a_trampoline_without_cfi_is_known_by_its_bytes() {
    let mut code = code_with_calls(&[]);
    code[0x20..0x29].copy_from_slice(&[0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05]);
    // ucontext: the registers start at byte 40; rsp at 160, rip at 168.
    let mut context = [0u64; 40];
    context[5] = 8;
    context[16] = 0x33; // rbx, at byte 128
    context[20] = STACK + 0x130;
    context[21] = 0;
    let hand = Hand::new(&code, &context);
    let found = hand.walk(&[(RIP, 0x1020), (RSP, STACK)], None, 2);
    assert_eq!(found.frames[0].kind, FrameKind::SignalTrampoline);
    let interrupted = &found.frames[1];
    assert_eq!((interrupted.pc, interrupted.stack_pointer()), (Avma(0), Some(Avma(STACK + 0x130))));
    assert_eq!((interrupted.registers.get(8), interrupted.registers.get(3)), (Some(8), Some(0x33)));
    assert_eq!(interrupted.lookup_address(), interrupted.pc, "it was interrupted, and called nobody");
}

#[test]
fn a_circle_of_frame_pointers_ends() {
    let stack = [0, STACK + 0x20, 0x1040, 0, STACK + 8, 0x1080, 0];
    let hand = Hand::new(&code_with_calls(&[0x40, 0x80]), &stack);
    let found = hand.walk(&[(RIP, 0x1010), (RSP, STACK), (RBP, STACK + 8)], None, usize::MAX);
    assert!(found.frames.len() < 10, "{}", found.frames.len());
}

#[test]
fn a_hundred_thousand_frames_are_walked() {
    let frames = 100_000;
    let words: Vec<u64> = (0..frames).flat_map(|at| [STACK + (at + 1) * 16, 0x1040]).chain([0, 0]).collect();
    let hand = Hand::new(&code_with_calls(&[0x40]), &words);
    let registers = [(RIP, 0x1010), (RSP, STACK), (RBP, STACK)];
    let found = hand.walk(&registers, None, usize::MAX);
    assert_eq!((found.frames.len() as u64, &found.end), (frames + 1, &WalkEnd::Outermost));
    assert_eq!(hand.walk(&registers, None, 50).end, WalkEnd::Limit(50));
}

/// A small generator, so that a failure names a seed that repeats it.
fn random(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

#[test]
fn no_random_stack_or_code_makes_a_walk_endless() {
    for start in 1..=1000u64 {
        let mut seed = start.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut code = code_with_calls(&[0x20, 0x40, 0x60, 0x80]);
        let flipped = random(&mut seed) as usize % code.len();
        code[flipped] = random(&mut seed) as u8;
        let words: Vec<u64> = (0..256)
            .map(|_| match random(&mut seed) % 4 {
                0 => CODE + random(&mut seed) % 0x100,
                1 => STACK + random(&mut seed) % 0x900,
                2 => [0x1020, 0x1040, 0x1060, 0x1080][random(&mut seed) as usize % 4],
                _ => random(&mut seed),
            })
            .collect();
        let hand = Hand::new(&code, &words);
        let pc = CODE + random(&mut seed) % 0x120;
        let registers: Vec<(u16, u64)> =
            (0..RIP).map(|register| (register, STACK + random(&mut seed) % 0x900)).chain([(RIP, pc)]).collect();
        let function = (start % 2 == 0).then_some(CODE + random(&mut seed) % 0x100);
        let found = hand.walk(&registers, function, usize::MAX);
        assert!(found.frames.len() <= 2 * words.len(), "seed {start}: {} frames", found.frames.len());
        assert!(!found.end.to_string().is_empty());
    }
}

fn rules(pairs: &[(u16, Rule)]) -> Rules {
    let mut registers = [const { None }; REGISTER_COUNT];
    for (register, rule) in pairs {
        registers[usize::from(*register)] = Some(rule.clone());
    }
    let cfa = CfaRule::RegisterAndOffset(RSP, 16);
    Rules { cfa, registers, return_address: RIP, is_signal_frame: false }
}

#[test]
fn every_kind_of_rule_restores_its_register() {
    let hand = Hand::new(&[], &[11, 22, 33]);
    let mut frame = FrameRegisters::new();
    for (register, value) in [(RSP, STACK), (3, 3), (12, 12), (14, 14), (0, 99)] {
        frame.set(register, value);
    }
    // DW_OP_plus_uconst 1, and DW_OP_lit8, DW_OP_minus, on the CFA.
    let (value, place) = (vec![0x23, 1].into(), vec![0x38, 0x1c].into());
    let applied = rules(&[
        (RIP, Rule::Offset(-8)),
        (RBP, Rule::ValOffset(-4)),
        (13, Rule::Register(12)),
        (15, Rule::ValExpression(value)),
        (8, Rule::Expression(place)),
        (9, Rule::Constant(7)),
        (14, Rule::Undefined),
        (1, Rule::SameValue),
    ])
    .apply(&frame, &hand)
    .unwrap();
    assert_eq!(applied.cfa, Avma(STACK + 16));
    let caller = applied.caller.unwrap();
    let expected = [(RIP, 22), (RSP, STACK + 16), (RBP, STACK + 12), (13, 12), (15, STACK + 17), (8, 22), (9, 7)];
    for (register, value) in expected {
        assert_eq!(caller.get(register), Some(value), "register {register}");
    }
    assert_eq!((caller.get(3), caller.get(12)), (Some(3), Some(12)), "callee-saved registers without a rule");
    for unknown in [0, 1, 14] {
        assert_eq!(caller.get(unknown), None, "register {unknown}");
    }
}

#[test]
fn rules_fail_by_name_and_only_where_they_must() {
    let hand = Hand::new(&[], &[11, 22, 33]);
    let mut frame = FrameRegisters::new();
    let unreadable = rules(&[(RIP, Rule::Offset(-8)), (3, Rule::Offset(0x1000))]);
    assert_eq!(unreadable.apply(&frame, &hand), Err(RuleError::Register(RSP)));
    frame.set(RSP, STACK);
    let caller = unreadable.apply(&frame, &hand).unwrap().caller.unwrap();
    assert_eq!(caller.get(3), None, "an unreadable register is unknown, and no failure");
    assert_eq!(rules(&[(RIP, Rule::Undefined)]).apply(&frame, &hand).unwrap().caller, None);
    assert!(matches!(rules(&[]).apply(&frame, &hand), Err(RuleError::Bad(_))));
    // DW_OP_skip -3: an endless expression.
    let endless = rules(&[(RIP, Rule::ValExpression(vec![0x2f, 0xfd, 0xff].into()))]);
    assert!(matches!(endless.apply(&frame, &hand), Err(RuleError::Bad(_))));
}
