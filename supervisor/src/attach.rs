//! Taking processes under supervision that already run. PTRACE_SEIZE stops nobody, so they do not notice.

use std::collections::BTreeMap;
use std::fs;

use nix::unistd::gettid;

use crate::proc::{self, Status, proc_dir};
use crate::refusal::why_not_traceable;
use crate::sys::{self, Errno};
use crate::{SuperviseError, doctor};

/// What was taken.
#[derive(Debug)]
pub(crate) struct Attached {
    /// The process that was asked for.
    pub(crate) pid: i32,
    /// Every thread, and the process that it belongs to.
    pub(crate) threads: BTreeMap<i32, i32>,
    /// The processes of its tree that could not be taken, and why.
    pub(crate) refused: Vec<(i32, String)>,
}

/// Seizes the process that `pid` names, or is a thread of, and with `tree` all that descend from it. To be called on the
/// thread that will speak ptrace; when that ends, the kernel lets all go again.
///
/// What they make meanwhile is traced from its birth where its maker is traced already, and is found by looking again
/// where it is not.
///
/// # Errors
/// Where that process is gone or cannot be traced. Others of the tree that cannot are named in the result.
pub(crate) fn seize(pid: i32, tree: bool, options: i32) -> Result<Attached, SuperviseError> {
    let pid = Status::of(pid).map(|status| status.tgid).filter(|&pid| pid > 0).ok_or(SuperviseError::Gone(pid))?;
    let us = std::process::id() as i32;
    if pid == us {
        return Err(SuperviseError::NotTraceable { pid, reason: "it is this very process".to_owned() });
    }
    let mut attached = Attached { pid, threads: BTreeMap::new(), refused: Vec::new() };
    loop {
        let mut processes = vec![pid];
        let mut next = 0;
        while let Some(&found) = processes.get(next).filter(|_| tree) {
            processes.extend(proc::children(found).into_iter().filter(|&child| child != us));
            next += 1;
        }
        let known = attached.threads.len();
        for found in processes {
            if !attached.refused.iter().any(|(refused, _)| *refused == found) {
                attached.seize_threads(found, options)?;
            }
        }
        if attached.threads.len() == known {
            break;
        }
    }
    if attached.threads.is_empty() { Err(SuperviseError::Gone(pid)) } else { Ok(attached) }
}

impl Attached {
    fn seize_threads(&mut self, process: i32, options: i32) -> Result<(), SuperviseError> {
        for tid in threads_of(process) {
            if self.threads.contains_key(&tid) {
                continue;
            }
            match sys::seize(tid, options) {
                Ok(()) => drop(self.threads.insert(tid, process)),
                Err(Errno::EPERM) if is_ours(tid) => drop(self.threads.insert(tid, process)),
                // It is gone; or it is a leader that has ended before its threads.
                Err(Errno::ESRCH) => {}
                Err(Errno::EPERM) if tid == process && threads_of(process).len() > 1 && is_zombie(tid) => {}
                Err(errno) => {
                    let reason = why_not_traceable(errno, tid);
                    if process == self.pid {
                        return Err(SuperviseError::NotTraceable { pid: process, reason });
                    }
                    self.refused.push((process, reason));
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

fn threads_of(process: i32) -> Vec<i32> {
    let entries = fs::read_dir(proc_dir(process).join("task")).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Whether this thread traces `tid` already, which was born to one that it traces.
fn is_ours(tid: i32) -> bool {
    status_field(tid, "TracerPid").is_some_and(|tracer| tracer == gettid().to_string())
}

fn is_zombie(tid: i32) -> bool {
    status_field(tid, "State").is_some_and(|state| state.starts_with('Z'))
}

fn status_field(tid: i32, name: &str) -> Option<String> {
    let status = fs::read_to_string(proc_dir(tid).join("status")).ok()?;
    doctor::field(&status, name).map(str::to_owned)
}
