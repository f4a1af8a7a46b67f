//! Signals reach the tree as they would without us: each one, once, with what it carries; and those sent to us alone
//! are passed on.

mod common;

use common::{Live, Scene, fixture, mirrored, scenario};
use nix::sys::signal::{Signal, killpg};
use std::os::unix::process::ExitStatusExt;

macro_rules! signals {
    ($($behaviour:ident: $scenario:ident leaves $count:literal;)*) => {$(
        #[test]
        fn $behaviour() {
            mirrored(&scenario("signals.c", stringify!($scenario))).leaves($count);
        }
    )*};
}

signals! {
    queued_values_reach_handlers_in_their_order: queued_to_handlers leaves 0;
    queued_values_reach_sigtimedwait_in_their_order: queued_to_sigtimedwait leaves 0;
    queued_values_reach_a_signalfd_in_their_order: queued_to_signalfd leaves 0;
    none_of_two_hundred_queued_values_is_lost: queued_across_processes leaves 0;
    a_signal_names_its_sender: senders leaves 0;
    sigchld_tells_how_a_child_ended: about_children leaves 1;
    sigchld_tells_of_stops_and_continuations: about_stopped_child leaves 0;
    ignored_children_are_reaped_by_the_kernel: children_ignored leaves 0;
    timers_carry_their_values: timers leaves 0;
    a_fault_tells_its_address_and_trap: faults leaves 0;
    a_handler_sees_its_masks_and_flags: masks leaves 0;
    pending_signals_coalesce_and_queue: coalescing leaves 0;
    a_handled_signal_interrupts_what_it_would_alone: interruptions leaves 0;
    an_ignored_signal_interrupts_nothing: ignored_interrupt_nothing leaves 0;
    a_restarting_handler_restarts: restarts_read leaves 0;
    the_death_of_a_parent_is_signalled: parent_death_signal leaves 0;
}

/// What is sent to us alone is passed on, once and with its number.
#[test]
fn a_signal_sent_to_us_alone_is_forwarded_once() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGUSR1, Signal::SIGUSR2] {
        let scene = Scene::new();
        let mut live = Live::start(scene.trace(&["--quiet"]).arg(fixture("supervise/receives.c")));
        live.expect("ready");
        live.signal(signal);
        live.expect(&format!("got {}", signal as i32));
        live.poke();
        assert_eq!(live.rest(), "1 in all\n", "{signal}");
        assert_eq!(live.wait().code(), Some(0), "{signal}");
    }
}

/// What is sent to the whole group, as by Ctrl-C, has reached the command already: passing it on would double it.
#[test]
fn a_signal_sent_to_the_group_arrives_once() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGUSR1, Signal::SIGUSR2] {
        let scene = Scene::new();
        let mut live = Live::start(scene.trace(&["--quiet"]).arg(fixture("supervise/receives.c")));
        live.expect("ready");
        killpg(live.pid(), signal).unwrap();
        live.expect(&format!("got {}", signal as i32));
        live.poke();
        assert_eq!(live.rest(), "1 in all\n", "{signal}");
        assert_eq!(live.wait().code(), Some(0), "{signal}");
    }
}

#[test]
fn a_termination_that_nobody_handles_ends_the_command_and_us_by_it() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGUSR2] {
        let scene = Scene::new();
        let mut live = Live::start(scene.trace(&["--quiet"]).args(["sh", "-c", "echo ready; read forever"]));
        live.expect("ready");
        live.signal(signal);
        assert_eq!(live.rest(), "");
        assert_eq!(live.wait().signal(), Some(signal as i32));
        assert!(scene.snapshots().is_empty(), "{signal} is no crash");
    }
}

/// A watchdog that aborts what it started wants to see where that hangs: not in us.
#[test]
fn a_fatal_signal_sent_to_us_is_the_commands_and_leaves_its_snapshot() {
    for signal in [Signal::SIGABRT, Signal::SIGSEGV] {
        let scene = Scene::new();
        let mut live = Live::start(scene.trace(&["--quiet"]).args(["sh", "-c", "echo ready; read forever"]));
        live.expect("ready");
        live.signal(signal);
        assert_eq!(live.rest(), "");
        assert_eq!(live.wait().signal(), Some(signal as i32));
        assert_eq!(scene.snapshots().len(), 1);
    }
}

#[test]
fn a_stream_of_forwarded_signals_loses_none() {
    let scene = Scene::new();
    let mut live = Live::start(scene.trace(&["--quiet"]).arg(fixture("supervise/receives.c")));
    live.expect("ready");
    for _ in 0..50 {
        live.signal(Signal::SIGUSR1);
        live.expect("got 10");
    }
    live.poke();
    assert_eq!(live.rest(), "50 in all\n");
}
