//! Whole captures of a child, with system calls that fail on purpose.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use dpdb_snapshot::process::{Signal, Step};
use dpdb_snapshot::{Cause, Memory, Snapshot, SoftError};

use super::*;
use crate::stop::Stop;
use crate::stopped::{RunningProcess, StoppedProcess, StoppedThread};
use crate::sys::failure::fail_once;
use crate::sys::{self, Call, Errno};

/// A child that waits for input and has answered once, so that it is past its exec.
pub(super) fn running_cat() -> Child {
    let mut command = Command::new("cat");
    let mut child = command.arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(b"?").unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    child
}

/// A child that is held at the delivery of a SIGSEGV, traced by this thread.
struct Dying(Child);

impl Dying {
    fn new() -> Dying {
        let child = running_cat();
        let pid = child.id() as i32;
        sys::seize(pid, 0).unwrap();
        sys::kill(pid, libc::SIGSEGV).unwrap();
        let waited = sys::wait_for(pid).unwrap();
        assert_eq!(Stop::decode(waited.status), Stop::Delivery(Signal::SEGV));
        Dying(child)
    }

    fn pid(&self) -> i32 {
        self.0.id() as i32
    }

    fn freeze(&self) -> Frozen {
        let thread = StoppedThread { tid: self.pid(), signal: Some(Signal::SEGV) };
        let process = RunningProcess { pid: self.pid(), serial: 0 };
        let stopped = StoppedProcess { process, threads: vec![thread], absent: Vec::new(), exiting: false };
        let cause = Cause::FatalSignal { signal: Signal::SEGV, tid: self.pid(), info: None, first_chance: None };
        let request = Request {
            cause,
            stopped_at: Instant::now(),
            tree: vec![self.pid()],
            doing: HashMap::new(),
            number: 1,
            of_crash: None,
        };
        freeze(&stopped, request)
    }
}

impl Drop for Dying {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn destination(directory: &Path) -> Destination {
    Destination::new(directory.to_owned(), NameTemplate::parse(NameTemplate::DEFAULT).unwrap(), Room::default())
}

/// Captures a child while `failures` are planned, and opens what was written.
fn captured(failures: &[(Call, Errno)]) -> (tempfile::TempDir, PathBuf, Snapshot) {
    let directory = tempfile::tempdir().unwrap();
    let dying = Dying::new();
    for (call, errno) in failures {
        fail_once(*call, *errno);
    }
    let written = stream(dying.freeze(), &destination(directory.path()), &Settings::default()).unwrap();
    assert_eq!(sys::failure::planned_failures(), [], "each planned failure was met");
    let snapshot = Snapshot::open(&written.path).unwrap();
    (directory, written.path, snapshot)
}

#[test]
fn a_capture_without_failures_has_no_soft_error_and_all_registers() {
    let (_directory, path, snapshot) = captured(&[]);
    let process = snapshot.process();
    assert_eq!(process.soft_errors, []);
    let [thread] = &process.threads[..] else { panic!("{:?}", process.threads) };
    let registers = thread.registers.as_ref().unwrap();
    assert_eq!(registers.fp.as_ref().map(Vec::len), Some(512));
    // The legacy area and the header alone are 576 bytes (Intel SDM, volume 1, 13.4).
    assert!(registers.xstate.as_ref().is_some_and(|area| area.len() >= 576));
    assert_eq!(thread.siginfo.as_ref().unwrap().sender().unwrap().0, std::process::id() as i32);
    assert_eq!(path.file_name().unwrap().to_str().unwrap(), format!("pid_{}.snap", process.pid));
    assert!(process.modules.iter().all(|module| module.build_id.is_some()), "{:?}", process.modules);
    assert_eq!(process.tree.len(), 1);
    let report = snapshot.capture().unwrap();
    assert!(report.pause_ns >= report.capture_ns && report.capture_ns > 0);
    let mut word = [0; 8];
    snapshot.read(dpdb_snapshot::Avma(registers.general.rsp), &mut word).unwrap();
}

#[test]
fn each_step_that_fails_is_named_inside_and_the_capture_goes_on() {
    type Failures = &'static [(Call, Errno)];
    let table: [(Failures, Step, &str); 5] = [
        (&[(Call::GetRegset, Errno::ESRCH)], Step::Registers, "cannot read the registers"),
        (&[(Call::GetSiginfo, Errno::EINVAL)], Step::SigInfo, "cannot read the siginfo"),
        (&[(Call::ScanPagemap, Errno::ENOMEM)], Step::Pagemap, "cannot find out which pages"),
        (&[(Call::GetRegset, Errno::EIO), (Call::GetSiginfo, Errno::ESRCH)], Step::Registers, "the registers"),
        (&[(Call::GetSiginfo, Errno::EPERM), (Call::ScanPagemap, Errno::EIO)], Step::Pagemap, "pages"),
    ];
    for (failures, step, message) in table {
        let (_directory, _, snapshot) = captured(failures);
        let errors = &snapshot.process().soft_errors;
        assert_eq!(errors.len(), failures.len(), "{errors:?}");
        let expected = failures.iter().find(|(_, errno)| {
            errors.iter().any(|error| {
                error.step == step && error.message.contains(message) && error.errno == Some(*errno as i32)
            })
        });
        assert!(expected.is_some(), "{failures:?}: {errors:?}");
    }
}

#[test]
fn pages_that_cannot_be_told_apart_are_captured_all_the_same() {
    let (_directory, _, snapshot) = captured(&[(Call::ScanPagemap, Errno::ENOTTY)]);
    assert_eq!(snapshot.process().soft_errors, [] as [SoftError; 0]);
    let stack = snapshot.process().threads[0].registers.as_ref().unwrap().general.rsp;
    assert!(snapshot.read_u64(dpdb_snapshot::Avma(stack)).is_ok());
}

#[test]
fn a_process_that_is_gone_is_one_clear_error_and_leaves_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let dying = Dying::new();
    let pid = dying.pid();
    let frozen = dying.freeze();
    drop(dying);
    let error = stream(frozen, &destination(directory.path()), &Settings::default()).unwrap_err();
    assert_eq!(error.to_string(), format!("process {pid} is gone"));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_directory_that_vanished_is_one_clear_error() {
    let directory = tempfile::tempdir().unwrap();
    let gone = directory.path().join("gone");
    let error = stream(Dying::new().freeze(), &destination(&gone), &Settings::default()).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot open the output directory {}", gone.display()));
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "No such file or directory (os error 2)");
}

#[test]
fn of_a_process_that_was_let_go_nothing_is_read_and_the_rest_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let dying = Dying::new();
    let frozen = dying.freeze();
    frozen.hold().end();
    let written = stream(frozen, &destination(directory.path()), &Settings::default()).unwrap();
    let snapshot = Snapshot::open(&written.path).unwrap();
    assert_eq!(written.cut.as_deref(), Some("the process was let go"));
    assert_eq!((written.memory_bytes, snapshot.damage()), (0, [].as_slice()));
    let registers = snapshot.process().threads[0].registers.as_ref().unwrap();
    let absent = snapshot.read_u64(dpdb_snapshot::Avma(registers.general.rsp)).unwrap_err();
    assert!(absent.to_string().ends_with("was not captured: the process was let go"), "{absent}");
}

#[test]
fn a_deadline_that_is_over_cuts_the_memory_and_leaves_a_valid_file() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings { deadline: Some(std::time::Duration::ZERO), ..Settings::default() };
    let written = stream(Dying::new().freeze(), &destination(directory.path()), &settings).unwrap();
    let snapshot = Snapshot::open(&written.path).unwrap();
    assert_eq!((written.cut.as_deref(), snapshot.damage()), (Some("--deadline"), [].as_slice()));
    assert!(snapshot.process().threads[0].registers.is_some());
}
