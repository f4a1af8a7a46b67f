//! Signals on their way to a tracee.

use dpdb_snapshot::Avma;
use dpdb_snapshot::arch::x86_64::GeneralRegisters;
use dpdb_snapshot::process::{Cause, FirstChance, SigInfo, Signal};

use crate::policy::{DefaultAction, Verdict, default_action, verdict};
use crate::proc::Status;
use crate::sys;
use crate::tree::Reaction;

use super::Tracer;

/// How much of the stack is kept at a fault that a handler takes: bytes.
const FIRST_CHANCE_STACK: usize = 4096;

/// The System V ABI lets a leaf function use that much below its stack pointer: bytes.
const RED_ZONE: u64 = 128;

/// How far above the stack pointer the frame of a running handler is looked for: bytes. It lies below everything that
/// the handler called, which prints a backtrace or writes a report.
const HANDLER_DEPTH: usize = 256 << 10;

impl Tracer {
    /// A signal is about to be delivered. It is passed on in this very stop and as the same number, so that the kernel
    /// keeps its siginfo (ptrace(2), "Signal injection and suppression").
    pub(super) fn delivery(&mut self, pid: i32, tid: i32, signal: Signal) -> Reaction {
        if pid == self.main.pid && self.main.is_launched() && self.is_our_echo(tid, signal) {
            return Reaction::Continue(0);
        }
        if signal == Signal::TRAP
            && let Some(reaction) = self.at_catchpoint(pid, tid)
        {
            return reaction;
        }
        let pass = Reaction::Continue(signal.0);
        let is_open = self.tree.process(pid).is_some_and(|process| process.dying.is_none() && !process.settled);
        if is_open && self.trigger_on_signal(pid, tid, signal) {
            return pass;
        }
        if !is_open || default_action(signal) != DefaultAction::End {
            return pass;
        }
        // Only now is it worth the 14 µs that the file costs.
        let Some(status) = Status::of(tid) else { return pass };
        match verdict(signal, &status) {
            Verdict::Ignored => {}
            Verdict::Handled => self.keep_first_chance(tid, signal),
            Verdict::Dies => self.dies(pid, tid, signal, false),
            Verdict::NamespaceInit => {
                // Only what the kernel itself sends to such a process kills it (kernel/signal.c, SIGNAL_UNKILLABLE).
                if sys::signal_info(tid).is_ok_and(|info| info.code() > 0) {
                    self.dies(pid, tid, signal, true);
                }
            }
        }
        pass
    }

    fn dies(&mut self, pid: i32, tid: i32, signal: Signal, detach: bool) {
        if !self.leaves_a_snapshot(signal) || self.is_end_of_exception(pid, tid, signal) {
            return;
        }
        let info = sys::signal_info(tid).ok();
        let first_chance = self.first_chance_of(pid, tid);
        let cause = Cause::FatalSignal { signal, tid, info, first_chance };
        self.begin_snapshot(pid, tid, cause, false, detach);
    }

    /// Whether deaths by `signal` leave snapshots.
    pub(super) fn leaves_a_snapshot(&self, signal: Signal) -> bool {
        self.options.catch.signals && self.options.signals.contains(signal)
    }

    /// Whether a thread aborts the process for an exception that a snapshot was taken of: the same death, which needs no
    /// second one.
    fn is_end_of_exception(&mut self, pid: i32, tid: i32, signal: Signal) -> bool {
        let threw = signal == Signal::ABRT && self.tree.thread_mut(tid).is_some_and(|thread| thread.threw);
        if threw && let Some(process) = self.tree.process_mut(pid) {
            process.settled = true;
        }
        threw
    }

    /// Remembers a fault whose handler runs now: should the process die in that handler, this is where it happened.
    fn keep_first_chance(&mut self, tid: i32, signal: Signal) {
        if !signal.is_fault() || !self.leaves_a_snapshot(signal) {
            return;
        }
        let Ok(info) = sys::signal_info(tid) else { return };
        if info.code() <= 0 {
            return;
        }
        let Ok(Some(registers)) = sys::general_registers(tid) else { return };
        let first_chance = first_chance(tid, signal, info, registers);
        if let Some(thread) = self.tree.thread_mut(tid) {
            thread.first_chance = Some(Box::new(first_chance));
        }
    }

    /// The fault that a handler took which thread `tid` is still in.
    fn first_chance_of(&mut self, pid: i32, tid: i32) -> Option<Box<FirstChance>> {
        let first_chance = self.tree.thread_mut(tid)?.first_chance.take()?;
        let now = sys::general_registers(tid).ok()??;
        let mut above = vec![0; HANDLER_DEPTH];
        let read = read_up_to(pid, now.rsp, &mut above);
        is_in_handler(&above[..read], &first_chance.registers).then_some(first_chance)
    }
}

fn first_chance(tid: i32, signal: Signal, info: SigInfo, registers: GeneralRegisters) -> FirstChance {
    let at = registers.rsp.wrapping_sub(RED_ZONE);
    let mut stack = vec![0; FIRST_CHANCE_STACK];
    let read = read_up_to(tid, at, &mut stack);
    stack.truncate(read);
    FirstChance { signal, tid, info: Some(info), registers, stack_at: Avma(at), stack }
}

/// Reads as much as there is, and returns how much that was.
fn read_up_to(tid: i32, at: u64, buf: &mut [u8]) -> usize {
    let mut done = 0;
    while done < buf.len() {
        let Some(from) = at.checked_add(done as u64) else { break };
        // Page by page from the second on: one that is missing must not take those before it along.
        let to_page_end = 4096 - (from % 4096) as usize;
        let want = to_page_end.min(buf.len() - done);
        match sys::read_process_memory(tid, from, &mut buf[done..done + want]) {
            Ok(read) if read == want => done += read,
            Ok(read) => return done + read,
            Err(_) => break,
        }
    }
    done
}

/// Whether the kernel's signal frame of the fault is still on the stack: it saved rsp and rip beside each other
/// (arch/x86/include/uapi/asm/sigcontext.h), and they are above the stack pointer for as long as the handler has not
/// returned, whichever stack it runs on. Handlers that recover (a JVM's null checks, Go's) leave no such frame.
fn is_in_handler(above_stack_pointer: &[u8], at_fault: &GeneralRegisters) -> bool {
    let words = |chunk: &[u8]| -> Option<(u64, u64)> {
        let (rsp, rip) = chunk.split_first_chunk()?;
        Some((u64::from_le_bytes(*rsp), u64::from_le_bytes(*rip.first_chunk()?)))
    };
    let wanted = Some((at_fault.rsp, at_fault.rip));
    above_stack_pointer.windows(16).step_by(8).any(|chunk| words(chunk) == wanted)
}

#[cfg(test)]
mod tests {
    use super::{GeneralRegisters, is_in_handler, read_up_to};

    #[test]
    fn a_signal_frame_above_the_stack_pointer_says_that_the_handler_still_runs() {
        let at_fault = GeneralRegisters { rsp: 0x7fff_0000, rip: 0x40_1000, ..GeneralRegisters::default() };
        let mut stack = vec![0u8; 256];
        assert!(!is_in_handler(&stack, &at_fault));
        assert!(!is_in_handler(&[], &at_fault));
        stack[160..168].copy_from_slice(&at_fault.rsp.to_le_bytes());
        assert!(!is_in_handler(&stack, &at_fault));
        stack[168..176].copy_from_slice(&at_fault.rip.to_le_bytes());
        assert!(is_in_handler(&stack, &at_fault));
    }

    #[test]
    fn memory_is_read_up_to_where_it_ends() {
        let here = [7u8; 64];
        let mut buf = [0u8; 64];
        let read = read_up_to(std::process::id() as i32, here.as_ptr() as u64, &mut buf);
        assert_eq!((read, buf), (64, here));
        assert_eq!(read_up_to(std::process::id() as i32, 8, &mut buf), 0);
        assert_eq!(read_up_to(std::process::id() as i32, u64::MAX - 3, &mut buf), 0);
    }
}
