//! How processes and threads come, change and go.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::capture::scrubbed_arguments;
use crate::tree::Process;
use crate::{Birth, Event, Outcome, Stop, proc, sys};

use super::Tracer;

impl Tracer {
    /// A thread that nobody announced has stopped: a newborn that was faster than its maker's own report, or the
    /// misuse of CLONE_PTRACE by a tracee. It is ours now, either way. Returns its process.
    pub(super) fn adopt(&mut self, tid: i32) -> i32 {
        let status = proc::Status::of(tid).unwrap_or_default();
        let pid = if status.tgid > 0 { status.tgid } else { tid };
        let new = self.tree.process(pid).is_none();
        self.tree.add_thread(tid, pid);
        if new {
            self.catch_in_copy(pid, status.ppid);
            self.tell_start(pid, status.ppid);
        }
        pid
    }

    /// Thread `tid` of process `pid` has made a process or a thread.
    pub(super) fn born(&mut self, pid: i32, tid: i32, birth: Birth) {
        let Ok(child) = sys::event_message(tid).map(|message| message as i32) else { return };
        let is_thread = sys::thread_exists(pid, child);
        match self.tree.owner(child) {
            Some(_) => {}
            None if is_thread => self.tree.add_thread(child, pid),
            // A newborn can be killed and reaped before its maker's report is read (rr's test `kill_newborn`).
            None if !sys::thread_exists(child, child) => return,
            None => {
                self.tree.add_process(child);
                // After vfork it only calls exec, mostly.
                if birth != Birth::Vfork {
                    self.catch_in_copy(child, pid);
                }
                self.tell_start(child, pid);
            }
        }
        if birth == Birth::Vfork
            && !is_thread
            && let Some(made) = self.tree.process_mut(child)
        {
            made.vfork_parent = Some(tid);
            if let Some(maker) = self.tree.thread_mut(tid) {
                maker.in_vfork = true;
            }
        }
    }

    /// Process `pid` has become another program.
    pub(super) fn execed(&mut self, pid: i32) {
        self.tree.keep_only_leader(pid);
        self.lose_snapshot(pid, "it called exec before it could be read");
        self.end_vfork(pid);
        if pid == self.main.pid {
            self.main.executed = true;
        }
        let scrub = self.options.capture.scrub;
        self.reporter.tell_history(|| Event::Execed {
            pid,
            comm: proc::comm(pid),
            executable: proc::executable(pid),
            arguments: if scrub { scrubbed_arguments(proc::arguments(pid)) } else { proc::arguments(pid) },
        });
        if !self.privileged {
            self.warn_of_lost_privileges(pid);
        }
        self.warn_of_leak_sanitizer(pid);
        self.catch_in_program(pid);
    }

    /// The vfork that made `pid`, if one did, lets its parent run again.
    fn end_vfork(&mut self, pid: i32) {
        let Some(parent) = self.tree.process_mut(pid).and_then(|process| process.vfork_parent.take()) else { return };
        if let Some(thread) = self.tree.thread_mut(parent) {
            thread.in_vfork = false;
        }
    }

    /// A thread, process or unknown child is gone.
    pub(super) fn ended(&mut self, tid: i32, stop: Stop) {
        if tid == self.main.pid {
            self.main.outcome = Some(self.outcome_of_main(stop));
        }
        match self.tree.owner(tid) {
            Some(pid) if pid == tid => {
                self.end_vfork(pid);
                self.lose_snapshot(pid, "it was gone before it could be read");
                if let Some(process) = self.tree.remove_process(pid) {
                    self.tell_end(&process, stop);
                }
            }
            Some(_) => self.tree.remove_thread(tid),
            // Inherited, orphaned to us as an init, or struck out by an exec: reaped, which is all it needs.
            None => self.inherited_children.retain(|&child| child != tid),
        }
    }

    fn outcome_of_main(&mut self, stop: Stop) -> Outcome {
        match stop {
            Stop::Killed { signal, .. } => Outcome::Signaled(signal),
            Stop::Exited(code) if self.main.executed => Outcome::Exited(code),
            Stop::Exited(code) => match self.main.exec_failure() {
                None => Outcome::Exited(code),
                Some(sys::Errno::ENOENT | sys::Errno::ENOTDIR) => Outcome::NotFound,
                Some(_) => Outcome::NotExecutable,
            },
            _ => Outcome::Exited(1),
        }
    }

    pub(super) fn tell_start(&self, pid: i32, ppid: i32) {
        self.reporter.tell_history(|| Event::Started { pid, ppid, comm: proc::comm(pid) });
    }

    fn tell_end(&self, process: &Process, stop: Stop) {
        let pid = process.id.pid;
        match stop {
            Stop::Killed { signal, core } => self.reporter.tell(Event::Died { pid, signal, core }),
            Stop::Exited(code) => self.reporter.tell_history(|| Event::Exited { pid, code }),
            _ => {}
        }
    }

    /// Under a tracer without CAP_SYS_PTRACE, a set-user-ID program runs without its privileges (execve(2)): sudo,
    /// ping and fusermount fail in ways that nobody would trace back to us.
    fn warn_of_lost_privileges(&self, pid: i32) {
        let Ok(file) = fs::metadata(proc::proc_dir(pid).join("exe")) else { return };
        let mode = file.permissions().mode();
        let (set_user, set_group) = (mode & 0o4000 != 0, mode & 0o2010 == 0o2010);
        let gains =
            (set_user && file.uid() != sys::effective_user()) || (set_group && file.gid() != sys::effective_group());
        if gains {
            let path = proc::executable(pid);
            self.notice(format!(
                "process {pid} runs {path} without the privileges that its set-user-ID bit would give it: the kernel \
                 withholds them under an unprivileged tracer. Run dpdb-trace with CAP_SYS_PTRACE, or that program \
                 outside of it"
            ));
        }
    }

    /// LeakSanitizer traces its own process at exit; it finds us there, and makes the program exit with an error.
    fn warn_of_leak_sanitizer(&mut self, pid: i32) {
        if self.leak_sanitizer.warned || !self.leak_sanitizer.is_in(pid) {
            return;
        }
        self.leak_sanitizer.warned = true;
        let path = proc::executable(pid);
        self.notice(format!(
            "{path} checks for leaks with LeakSanitizer, which does not work under ptrace and will make it fail at \
             its end: set ASAN_OPTIONS=detect_leaks=0 (LSAN_OPTIONS where it has no AddressSanitizer)"
        ));
    }
}
