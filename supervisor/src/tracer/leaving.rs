//! Letting go of what outlives the command.

use std::time::Instant;

use crate::sys::{self, Resume};
use crate::tree::delivered;
use crate::{Stop, sys::Waited};

use super::Tracer;
use super::deaths::STOP_TIMEOUT;

impl Tracer {
    /// Detaches all that is stopped, each as its stop wants it. Those that run are not touched: an interrupt would
    /// make epoll_wait(2) and its like fail with EINTR. The kernel detaches them when this thread ends, and they never
    /// know (kernel/ptrace.c, `exit_ptrace`); what is in a group-stop stays in it.
    pub(super) fn leave(&mut self) {
        self.end_catching();
        let deadline = Instant::now() + STOP_TIMEOUT;
        while self.is_injecting() && Instant::now() < deadline {
            self.take_stops();
            std::thread::yield_now();
        }
        for pid in self.dying.clone() {
            self.let_go(pid);
        }
        if self.options.kill_on_exit {
            return;
        }
        let mut awaited = self.call_back_debug_registers();
        let deadline = Instant::now() + STOP_TIMEOUT;
        loop {
            match sys::wait_any() {
                Ok(Some(waited)) => {
                    awaited.remove(&waited.tid);
                    self.detach(waited);
                }
                Ok(None) if !awaited.is_empty() && Instant::now() < deadline => std::thread::yield_now(),
                _ => break,
            }
        }
    }

    fn detach(&mut self, Waited { tid, status }: Waited) {
        let stop = Stop::decode(status);
        if stop.is_end() {
            return self.ended(tid, stop);
        }
        let signal = if self.at_catchpoint_of_ours(tid, stop) { None } else { delivered(stop) };
        let signal = signal.map_or(0, |signal| signal.0);
        self.clear_debug_registers(tid);
        // ESRCH: it was killed meanwhile.
        let _ = sys::detach(tid, Resume { signal });
    }
}
