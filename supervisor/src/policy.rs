//! Will this signal kill? A prediction at the signal-delivery-stop, made of what `/proc/TID/status` says.
//!
//! Why the rule is complete: which signals are blocked does not matter, since a blocked asynchronous signal never gets
//! here; and where a synchronous fault is blocked or ignored, the kernel has put its disposition back to the default
//! before the stop is seen (kernel/signal.c, `force_sig_info_to_task`). What gives no such stop at all, as a kill by
//! seccomp, is caught at the exit stop.

use dpdb_snapshot::process::Signal;

use crate::proc::Status;

/// What a signal does to a process that has done nothing about it (signal(7), "Standard signals").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DefaultAction {
    /// It ends the process, with a core or without.
    End,
    /// It stops the process.
    Stop,
    /// Nothing, or it continues the process.
    Nothing,
}

/// The default action of `signal`.
pub(crate) fn default_action(signal: Signal) -> DefaultAction {
    match signal {
        Signal::STOP | Signal::TSTP | Signal::TTIN | Signal::TTOU => DefaultAction::Stop,
        Signal::CHLD | Signal::CONT | Signal::URG | Signal::WINCH => DefaultAction::Nothing,
        _ => DefaultAction::End,
    }
}

/// What will come of a signal whose default action ends the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The process ignores it.
    Ignored,
    /// A handler of the process will run.
    Handled,
    /// The process dies of it.
    Dies,
    /// The process is the init of a pid namespace. Untraced it dies of a fault of its own and of nothing else;
    /// traced, not even of that: it meets the fault again for ever, until it is detached.
    NamespaceInit,
}

/// What `signal`, about to be delivered to a thread with this `status`, will do.
pub(crate) fn verdict(signal: Signal, status: &Status) -> Verdict {
    let bit = 1u64.checked_shl(signal.0.wrapping_sub(1) as u32).unwrap_or(0);
    if signal == Signal::KILL {
        Verdict::Dies
    } else if status.caught & bit != 0 {
        Verdict::Handled
    } else if status.ignored & bit != 0 {
        Verdict::Ignored
    } else if status.is_namespace_init() {
        Verdict::NamespaceInit
    } else {
        Verdict::Dies
    }
}

#[cfg(test)]
mod tests {
    use super::{DefaultAction, Verdict, default_action, verdict};
    use crate::proc::Status;
    use dpdb_snapshot::process::Signal;

    fn bit(signal: Signal) -> u64 {
        1 << (signal.0 - 1)
    }

    #[test]
    fn every_signal_has_the_default_action_of_signal_7() {
        for number in 1..=64 {
            let action = match number {
                19..=22 => DefaultAction::Stop,
                17 | 18 | 23 | 28 => DefaultAction::Nothing,
                _ => DefaultAction::End,
            };
            assert_eq!(default_action(Signal(number)), action, "{}", Signal(number));
        }
    }

    #[test]
    fn a_signal_kills_exactly_when_nothing_was_done_about_it() {
        let plain = Status { namespace_pids: vec![7], ..Status::default() };
        for number in (1..=64).filter(|&number| default_action(Signal(number)) == DefaultAction::End) {
            let signal = Signal(number);
            let handled = Status { caught: bit(signal), ..plain.clone() };
            let ignored = Status { ignored: bit(signal), ..plain.clone() };
            let others = Status { caught: !bit(signal), ignored: !bit(signal), ..plain.clone() };
            assert_eq!(verdict(signal, &plain), Verdict::Dies, "{signal}");
            assert_eq!(verdict(signal, &others), Verdict::Dies, "{signal}");
            if signal != Signal::KILL {
                assert_eq!(verdict(signal, &handled), Verdict::Handled, "{signal}");
                assert_eq!(verdict(signal, &ignored), Verdict::Ignored, "{signal}");
            }
        }
    }

    #[test]
    fn only_the_init_of_an_inner_pid_namespace_is_special() {
        let inner = |pids: &[i32]| Status { namespace_pids: pids.to_vec(), ..Status::default() };
        assert_eq!(verdict(Signal::SEGV, &inner(&[7, 1])), Verdict::NamespaceInit);
        assert_eq!(verdict(Signal::SEGV, &inner(&[7, 3, 1])), Verdict::NamespaceInit);
        assert_eq!(verdict(Signal::SEGV, &inner(&[7, 2])), Verdict::Dies);
        let handled = Status { caught: bit(Signal::SEGV), ..inner(&[7, 1]) };
        assert_eq!(verdict(Signal::SEGV, &handled), Verdict::Handled);
    }
}
