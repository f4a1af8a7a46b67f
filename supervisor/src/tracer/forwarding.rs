//! Signals that were sent to us and are meant for the command.
//!
//! Whoever started us takes us for the command, so a signal for our pid is passed on to it. A signal for our process
//! group has reached it already: from the terminal (`si_code` says that the kernel sent it), or by `kill -TERM -PGID`,
//! which looks exactly like one for us alone. The command is our tracee, though, so we see what *it* gets: where the
//! same signal by the same sender was on its way to it just now, ours was the group's.

use std::time::{Duration, Instant};

use dpdb_snapshot::process::Signal;

use crate::Stop;
use crate::proc::Status;
use crate::sys::{self, Received};
use crate::tree::State;

use super::Tracer;

/// How far apart the two copies of a signal for the whole group may be seen. They are sent in one go, under one lock
/// (kernel/signal.c, `__kill_pgrp_info`).
const SAME_GO: Duration = Duration::from_millis(200);

/// What was passed on, and what the command got by itself.
#[derive(Debug, Default)]
pub(super) struct Forwarding {
    seen: Vec<Seen>,
    sent: Vec<Sent>,
    terminations: u32,
}

/// A signal that the command got from somebody else.
#[derive(Clone, Copy, Debug)]
struct Seen {
    signal: i32,
    sender: i32,
    at: Instant,
}

/// A signal that we passed on, and which has not reached it yet.
#[derive(Clone, Copy, Debug)]
struct Sent {
    signal: i32,
    sender: i32,
    /// Meanwhile it came to the command by itself: ours is a double.
    doubled: bool,
}

impl Forwarding {
    /// The command is about to take `signal` from `sender`. Whether that was us, with a double of one that it had.
    fn arrives(&mut self, signal: i32, sender: i32, us: i32, now: Instant) -> bool {
        if sender == us {
            let sent = self.sent.iter().position(|sent| sent.signal == signal).map(|at| self.sent.remove(at));
            return sent.is_some_and(|sent| sent.doubled);
        }
        match self.sent.iter_mut().find(|sent| sent.signal == signal && sent.sender == sender) {
            Some(sent) => sent.doubled = true,
            None => {
                self.seen.retain(|seen| now.saturating_duration_since(seen.at) < SAME_GO);
                self.seen.push(Seen { signal, sender, at: now });
            }
        }
        false
    }

    /// Whether what we received from `sender` has reached the command by itself.
    fn was_for_all(&mut self, signal: i32, sender: i32, now: Instant) -> bool {
        self.seen.retain(|seen| now.saturating_duration_since(seen.at) < SAME_GO);
        let found = self.seen.iter().position(|seen| seen.signal == signal && seen.sender == sender);
        found.map(|at| self.seen.remove(at)).is_some()
    }

    fn sends(&mut self, signal: i32, sender: i32) {
        self.sent.push(Sent { signal, sender, doubled: false });
    }
}

impl Tracer {
    /// The command is about to take a signal. Whether it is one of ours that it has had already, and must not get.
    pub(super) fn is_our_echo(&mut self, tid: i32, signal: Signal) -> bool {
        if signal == Signal::CHLD {
            return false;
        }
        let Some((sender, _)) = sys::signal_info(tid).ok().and_then(|info| info.sender()) else { return false };
        self.forwarding.arrives(signal.0, sender, std::process::id() as i32, Instant::now())
    }

    /// Deals with the signals that this process was sent.
    pub(super) fn forward(&mut self, received: &[Received]) {
        for &received in received {
            if !self.main.is_launched() {
                self.told_to_leave(received);
                continue;
            }
            match Signal(received.signal) {
                Signal::CHLD | Signal::TTIN | Signal::TTOU => {}
                Signal::CONT if !self.is_main_stopped() => {}
                _ if received.code > 0 => self.take_kernels(received),
                _ => self.take_senders(received),
            }
        }
    }

    fn is_main_stopped(&self) -> bool {
        let main = self.tree.process(self.main.pid);
        main.is_some_and(|main| main.threads.values().any(|thread| thread.state == State::Listening))
    }

    /// The terminal sends its signals to the whole foreground group. Only the hang-up goes to the session's leader
    /// alone, which the command would be in our place (drivers/tty/tty_jobctrl.c, `tty_signal_session_leader`).
    fn take_kernels(&mut self, received: Received) {
        let us = std::process::id() as i32;
        let signal = Signal(received.signal);
        let untraced = self.main.is_untraced();
        if self.main.outcome.is_some() {
            self.abandon |= matches!(signal, Signal::INT | Signal::QUIT | Signal::HUP);
        } else if signal == Signal::HUP && sys::session_of(0) == Ok(us) {
            self.pass_on(received);
        } else if signal == Signal::TSTP && untraced {
            sys::stop_with(received.signal);
        }
    }

    fn take_senders(&mut self, received: Received) {
        if self.main.outcome.is_some() {
            // Only what the command has left behind is waited for; to end us is what they want.
            self.abandon = true;
            return;
        }
        if self.forwarding.was_for_all(received.signal, received.sender, Instant::now()) || self.is_pending(received) {
            return;
        }
        if Signal(received.signal) == Signal::TERM {
            self.forwarding.terminations += 1;
            self.abandon = self.forwarding.terminations > 1;
        }
        self.pass_on(received);
    }

    /// Whether the command has the signal pending, blocked or stopped as it may be: a standard signal does not queue.
    fn is_pending(&self, received: Received) -> bool {
        let bit = 1u64.checked_shl(received.signal as u32 - 1).unwrap_or(0);
        received.signal < 32
            && !self.main.is_untraced()
            && Status::of(self.main.pid).is_some_and(|status| status.pending & bit != 0)
    }

    fn pass_on(&mut self, received: Received) {
        if sys::kill(self.main.pid, received.signal).is_ok() && !self.main.is_untraced() {
            self.forwarding.sends(received.signal, received.sender);
        }
    }

    /// Keeps the books about whether the command is stopped.
    pub(super) fn note_main_stop(&mut self, pid: i32, stop: Stop) {
        if pid != self.main.pid {
            return;
        }
        match stop {
            Stop::Group(signal) => self.main.stop_signal = Some(signal),
            _ => self.main.stop_mirrored = false,
        }
    }

    /// When the command stops, so do we, by the same signal: the shell that started us waits for *us* to stop.
    ///
    /// SIGSTOP is the exception: it is mirrored only where somebody at a terminal waits for it. A program that stops a
    /// process by `kill -STOP` will continue that very process, and while we are stopped too we could not let it.
    pub(super) fn mirror_stop(&mut self) {
        let Some(main) = self.tree.process(self.main.pid).filter(|_| self.main.is_launched()) else { return };
        if self.main.stop_mirrored || !main.is_group_stopped() {
            return;
        }
        self.main.stop_mirrored = true;
        let Some(signal) = self.main.stop_signal else { return };
        let in_foreground = || sys::foreground_group() == sys::group_of(0).ok();
        if signal != Signal::STOP || in_foreground() {
            sys::stop_with(signal.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Forwarding, SAME_GO};
    use std::time::Instant;

    const US: i32 = 7;
    const TERM: i32 = libc::SIGTERM;

    #[test]
    fn a_signal_that_the_command_got_first_was_for_the_whole_group() {
        let (mut forwarding, now) = (Forwarding::default(), Instant::now());
        assert!(!forwarding.arrives(TERM, 3, US, now));
        assert!(forwarding.was_for_all(TERM, 3, now));
        assert!(!forwarding.was_for_all(TERM, 3, now), "each of them accounts for one of ours");
    }

    #[test]
    fn a_signal_of_another_kind_sender_or_time_is_no_match() {
        let (mut forwarding, now) = (Forwarding::default(), Instant::now());
        forwarding.arrives(TERM, 3, US, now);
        assert!(!forwarding.was_for_all(libc::SIGINT, 3, now));
        assert!(!forwarding.was_for_all(TERM, 4, now));
        assert!(!forwarding.was_for_all(TERM, 3, now + SAME_GO));
    }

    #[test]
    fn what_was_passed_on_is_swallowed_only_where_the_groups_own_came_between() {
        let (mut forwarding, now) = (Forwarding::default(), Instant::now());
        forwarding.sends(TERM, 3);
        assert!(!forwarding.arrives(TERM, US, US, now), "sent to us alone");
        forwarding.sends(TERM, 3);
        assert!(!forwarding.arrives(TERM, 3, US, now), "the group's own is delivered");
        assert!(forwarding.arrives(TERM, US, US, now), "and our double is not");
    }
}
