//! Catchpoints by the debug registers, where perf_event_open(2) is forbidden: by kernel.perf_event_paranoid, or by the
//! seccomp filter of a container.
//!
//! Each thread has its own, so they are set at its stops. What we set we must take back before we let go: a thread that
//! meets a breakpoint untraced dies of SIGTRAP. When we are killed nobody takes them back, which is why they stand only
//! where a thread or process is about to end of its exception, unless more was asked for by name.

use std::collections::HashSet;
use std::sync::Arc;

use dpdb_snapshot::process::SigInfo;

use crate::Stop;
use crate::catch::{Catchpoint, Mechanism, Planted, Site};
use crate::sys::{self, Errno};
use crate::tree::Process;

use super::Tracer;

impl Tracer {
    /// Sets catchpoints by the debug registers from now on, since events cannot be had.
    pub(super) fn use_debug_registers(&mut self, errno: Errno) {
        self.catching.planter.mechanism = Mechanism::Registers;
        let more = if self.options.catch.python_logged || !self.options.catch.python {
            ""
        } else {
            "; those that Python code prints itself (multiprocessing, Pool) only with --catch python-logged"
        };
        self.notice(format!(
            "perf_event_open failed: {} (kernel.perf_event_paranoid, or seccomp). Exceptions are caught by the debug \
             registers{more}",
            errno.desc()
        ));
    }

    /// Of catchpoints those that may be set by what is set with.
    pub(super) fn sites_worth_it(&self, sites: &[Site]) -> Vec<Site> {
        let list = &self.options.catch;
        let may_outlive_us = |catchpoint| match catchpoint {
            Catchpoint::PrintEx | Catchpoint::ThreadExcepthook | Catchpoint::CxxTerminate | Catchpoint::Loader => true,
            Catchpoint::TracebackNext | Catchpoint::Unraisablehook => list.python_logged,
            Catchpoint::TracebackHere => !list.python_raised.is_empty(),
            Catchpoint::CxxThrow => list.cxx_throw,
            Catchpoint::RustPanic => list.rust_panic,
        };
        let with_events = self.catching.planter.mechanism == Mechanism::Events;
        sites.iter().filter(|site| with_events || may_outlive_us(site.catchpoint)).copied().collect()
    }

    /// Makes the debug registers of a stopped thread hold what its process is to be stopped at.
    pub(super) fn set_debug_registers(&mut self, pid: i32, tid: i32) {
        if self.catching.planter.mechanism == Mechanism::Events {
            return;
        }
        let Some((wanted, is_all)) = self.tree.process(pid).map(wanted) else { return };
        if !is_all {
            self.tell_of_room(pid);
        }
        let Some(thread) = self.tree.thread_mut(tid).filter(|thread| thread.breakpoints != wanted) else { return };
        match sys::set_breakpoints(tid, &wanted) {
            Ok(()) => thread.breakpoints = wanted,
            // It was killed.
            Err(Errno::ESRCH) => {}
            Err(errno) => self.give_up_catching(errno),
        }
    }

    /// Makes the threads stop for a moment whose debug registers do not hold what they are to: those that were running
    /// before we came, or whose catchpoints were disarmed for a while.
    pub(super) fn arm_debug_registers(&mut self) {
        if self.catching.planter.mechanism == Mechanism::Events {
            return;
        }
        let unset = |process: &Process| {
            let (wanted, _) = wanted(process);
            let unset = process.threads.iter().filter(|(_, thread)| thread.breakpoints != wanted);
            unset.filter(|(_, thread)| thread.can_be_interrupted()).map(|(&tid, _)| tid).collect::<Vec<_>>()
        };
        let tids: Vec<i32> = self.tree.processes().flat_map(unset).collect();
        for tid in tids {
            if sys::interrupt(tid).is_ok()
                && let Some(thread) = self.tree.thread_mut(tid)
            {
                thread.called_to_arm = true;
            }
        }
    }

    /// A thread that was called has stopped: it goes on in the system call that we ended.
    pub(super) fn end_call_to_arm(&mut self, tid: i32, stop: Stop) {
        if stop == Stop::Trap
            && self.tree.thread_mut(tid).is_some_and(|thread| std::mem::take(&mut thread.called_to_arm))
        {
            self.send_back(tid);
        }
    }

    fn give_up_catching(&mut self, errno: Errno) {
        self.tree.forget_planted();
        self.catching.give_up();
        self.notice(format!("exceptions leave no snapshots: debug registers cannot be set: {}", errno.desc()));
    }

    /// The catchpoint that a thread has met, where a breakpoint of its debug registers stopped it; `Some(None)` where
    /// that is not one any more.
    pub(super) fn met_in_debug_registers(
        &self,
        pid: i32,
        tid: i32,
        info: &SigInfo,
    ) -> Option<Option<(Arc<Planted>, Catchpoint)>> {
        if !self.is_at_debug_register(tid, info) {
            return None;
        }
        let at = sys::general_registers(tid).ok().flatten()?.rip;
        let process = self.tree.process(pid)?;
        let found = process.planted.iter().find_map(|planted| {
            let (catchpoint, _) = planted.addresses().find(|(_, address)| *address == at)?;
            Some((Arc::clone(planted), catchpoint))
        });
        Some(found)
    }

    /// Whether a thread is stopped by a breakpoint that we have set in its debug registers.
    pub(super) fn is_at_debug_register(&self, tid: i32, info: &SigInfo) -> bool {
        if !sys::is_breakpoint(info) {
            return false;
        }
        let Some(thread) = self.tree.thread(tid) else { return false };
        let at = sys::general_registers(tid).ok().flatten().map_or(0, |registers| registers.rip);
        at != 0 && thread.breakpoints.contains(&at)
    }

    /// Makes those threads stop whose debug registers are to be cleared before they are let go. They will report it.
    pub(super) fn call_back_debug_registers(&self) -> HashSet<i32> {
        let armed = self.tree.threads().filter(|(_, thread)| thread.breakpoints != sys::Breakpoints::default());
        let tids: HashSet<i32> = armed.map(|(tid, _)| tid).collect();
        tids.into_iter().filter(|tid| sys::interrupt(*tid).is_ok()).collect()
    }

    /// Clears the debug registers of a stopped thread that is about to be let go, and sends it back into the system call
    /// that our interrupt ended.
    pub(super) fn clear_debug_registers(&mut self, tid: i32) {
        let none = sys::Breakpoints::default();
        if self.tree.thread_mut(tid).is_some_and(|thread| std::mem::take(&mut thread.breakpoints) != none)
            && sys::set_breakpoints(tid, &none).is_ok()
        {
            self.send_back(tid);
        }
    }
}

/// What the debug registers of a process's threads are to hold, and whether there is room for all.
fn wanted(process: &Process) -> (sys::Breakpoints, bool) {
    let mut wanted = sys::Breakpoints::default();
    let addresses = || process.planted.iter().flat_map(|planted| planted.addresses());
    wanted.iter_mut().zip(addresses()).for_each(|(register, (_, address))| *register = address);
    (wanted, addresses().count() <= wanted.len())
}
