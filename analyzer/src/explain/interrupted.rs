//! The fault behind a handler: what the kernel put on the stack before it called it.

use dpdb_snapshot::arch::x86_64::GeneralRegisters;
use dpdb_snapshot::process::SigInfo;
use dpdb_snapshot::{Avma, Memory};

use super::Subject;
use crate::frame::{Frame, FrameKind};

/// How far up the stack a handler is looked for: what it calls, and what that calls, to end the process.
const FRAMES: usize = 64;

/// Where the `siginfo_t` stands above the stack pointer in the trampoline: behind the kernel's `struct ucontext`
/// (`struct rt_sigframe`, arch/x86/include/asm/sigframe.h).
const SIGINFO_AT: u64 = 304;

/// The innermost fault that a handler on the stack was called for, and the registers at it.
pub(super) fn fault(subject: &Subject<'_>) -> Option<(SigInfo, GeneralRegisters)> {
    let current = subject.registers?;
    let frames = subject.backtrace(FRAMES)?.frames;
    frames.windows(2).find_map(|pair| {
        let [trampoline, interrupted] = pair else { return None };
        let at = trampoline.stack_pointer().filter(|_| trampoline.kind == FrameKind::SignalTrampoline)?;
        let mut bytes = [0; SigInfo::SIZE];
        subject.memory.read(Avma(at.0.wrapping_add(SIGINFO_AT)), &mut bytes).ok()?;
        let info = SigInfo::from_bytes(&bytes);
        let is_fault = info.signal().is_fault() && info.code() > 0;
        is_fault.then(|| Some((info, registers(interrupted, current)?))).flatten()
    })
}

/// The general registers of a frame that a signal interrupted; the segments are those of the thread.
fn registers(frame: &Frame, of_thread: &GeneralRegisters) -> Option<GeneralRegisters> {
    let known = |number| frame.registers.get(number);
    Some(GeneralRegisters {
        rax: known(0)?,
        rdx: known(1)?,
        rcx: known(2)?,
        rbx: known(3)?,
        rsi: known(4)?,
        rdi: known(5)?,
        rbp: known(6)?,
        rsp: known(7)?,
        r8: known(8)?,
        r9: known(9)?,
        r10: known(10)?,
        r11: known(11)?,
        r12: known(12)?,
        r13: known(13)?,
        r14: known(14)?,
        r15: known(15)?,
        rip: known(16)?,
        ..*of_thread
    })
}
