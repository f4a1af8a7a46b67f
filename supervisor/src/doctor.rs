//! Does tracing work here, and if not, why and what to do about it?
//!
//! The checks are data; whoever asked prints them.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::unistd::{AccessFlags, access};

use crate::sys::{self, ChildState, Errno, ExecPlan, Resume};
use crate::{Stop, tracer};

/// What was looked at, and how it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// A short name, such as `ptrace_scope`.
    pub name: &'static str,
    /// How it is.
    pub state: CheckState,
    /// What was found, as a sentence.
    pub sentence: String,
    /// What can be done about it, as a sentence.
    pub remedy: Option<String>,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckState {
    /// Good.
    Ok,
    /// Works, with a limit that one should know.
    Warn,
    /// Keeps snapshots from being taken.
    Fail,
}

impl Check {
    fn ok(name: &'static str, sentence: impl Into<String>) -> Check {
        Check { name, state: CheckState::Ok, sentence: sentence.into(), remedy: None }
    }

    fn warn(name: &'static str, sentence: impl Into<String>, remedy: impl Into<String>) -> Check {
        Check { name, state: CheckState::Warn, sentence: sentence.into(), remedy: Some(remedy.into()) }
    }

    fn fail(name: &'static str, sentence: impl Into<String>, remedy: impl Into<String>) -> Check {
        Check { name, state: CheckState::Fail, sentence: sentence.into(), remedy: Some(remedy.into()) }
    }
}

/// Looks at all that supervising depends on, snapshots going to `output_dir`. It starts a child of its own and traces
/// it, so that a filter that no file tells of is found, too. Must not run while something is supervised.
pub fn examine(output_dir: &Path) -> Vec<Check> {
    let absolute = std::path::absolute(output_dir).unwrap_or_else(|_| output_dir.to_owned());
    let output_dir: &Path = &absolute;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").ok();
    vec![
        trace_check(trace_a_child()),
        scope_check(scope.as_deref().map(str::trim)),
        seccomp_check(field(&status, "Seccomp")),
        capability_check(has_capability(&status)),
        tracer_check(field(&status, "TracerPid")),
        exceptions_check(set_a_breakpoint()),
        directory_check(output_dir),
        space_check(output_dir),
        leftovers_check(&left_behind(output_dir), output_dir),
    ]
}

/// Whether this process may trace more than its own kind (CAP_SYS_PTRACE, capabilities(7)).
pub(crate) fn has_ptrace_capability() -> bool {
    has_capability(&fs::read_to_string("/proc/self/status").unwrap_or_default())
}

fn has_capability(status: &str) -> bool {
    const CAP_SYS_PTRACE: u64 = 1 << 19;
    field(status, "CapEff").and_then(|value| u64::from_str_radix(value, 16).ok()).unwrap_or(0) & CAP_SYS_PTRACE != 0
}

/// The value of a line `NAME: value` of `/proc/PID/status`.
pub(crate) fn field<'status>(status: &'status str, name: &str) -> Option<&'status str> {
    status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

fn scope_check(scope: Option<&str>) -> Check {
    const NAME: &str = "ptrace_scope";
    const REMEDY: &str = "As root: sysctl kernel.yama.ptrace_scope=1, or run dpdb-trace with CAP_SYS_PTRACE.";
    match scope {
        None => Check::ok(NAME, "The Yama security module is not there, so it forbids nothing."),
        Some("0" | "1") => Check::ok(NAME, "kernel.yama.ptrace_scope lets a process trace its own children."),
        Some("2") => Check::warn(NAME, "kernel.yama.ptrace_scope is 2: only CAP_SYS_PTRACE may trace.", REMEDY),
        Some("3") => Check::fail(
            NAME,
            "kernel.yama.ptrace_scope is 3: nobody may trace, until the next boot.",
            "Boot with kernel.yama.ptrace_scope=1.",
        ),
        Some(other) => Check::warn(NAME, format!("kernel.yama.ptrace_scope is {other:?}, which is unknown."), REMEDY),
    }
}

fn seccomp_check(mode: Option<&str>) -> Check {
    match mode {
        Some("0") | None => Check::ok("seccomp", "No seccomp filter is in force."),
        _ => Check::ok("seccomp", "A seccomp filter is in force; whether it allows ptrace is what \"trace\" shows."),
    }
}

fn capability_check(capable: bool) -> Check {
    if capable {
        return Check::ok("capabilities", "CAP_SYS_PTRACE is there: set-user-ID programs keep their privileges.");
    }
    Check::warn(
        "capabilities",
        "CAP_SYS_PTRACE is missing: set-user-ID programs (sudo, ping) run without their privileges in the tree, and \
         processes that change their user or switch dumping off cannot be read.",
        "Run dpdb-trace as root, or give it the capability: setcap cap_sys_ptrace+ep $(command -v dpdb-trace).",
    )
}

fn tracer_check(tracer: Option<&str>) -> Check {
    match tracer {
        None | Some("0") => Check::ok("outer tracer", "Nobody traces this process."),
        Some(pid) => Check::warn(
            "outer tracer",
            format!("Process {pid} traces this one; if it follows children (strace -f), it has them before us."),
            "Run dpdb-trace outside of that tracer, or that tracer without following children.",
        ),
    }
}

fn exceptions_check(result: sys::Result<()>) -> Check {
    const NAME: &str = "exceptions";
    match result {
        Ok(()) => Check::ok(NAME, "Breakpoints of perf_event_open(2) can be set: all that --catch names is caught."),
        Err(errno) => Check::warn(
            NAME,
            format!(
                "perf_event_open(2) fails: {}. Python exceptions are caught by the debug registers; those of workers, \
                 which Python code prints, are not.",
                errno.desc()
            ),
            "Give --catch=+python-logged (docs/python.md says what it risks), or allow the call: as root sysctl \
             kernel.perf_event_paranoid=2; in a container, docker run --cap-add=PERFMON.",
        ),
    }
}

/// Sets a breakpoint where this process never comes by, and takes it away again.
fn set_a_breakpoint() -> sys::Result<()> {
    const NOWHERE: u64 = 0x1000;
    sys::Breakpoint::set(0, NOWHERE, 0).map(drop)
}

fn directory_check(directory: &Path) -> Check {
    let path = directory.display();
    match access(directory, AccessFlags::W_OK | AccessFlags::X_OK) {
        Ok(()) if directory.is_dir() => Check::ok("output directory", format!("Snapshots can be written to {path}.")),
        Ok(()) => Check::fail("output directory", format!("{path} is no directory."), "Name one by --output-dir."),
        Err(errno) => Check::fail(
            "output directory",
            format!("Snapshots cannot be written to {path}: {}.", errno.desc()),
            "Name another directory by --output-dir.",
        ),
    }
}

fn space_check(directory: &Path) -> Check {
    const LITTLE: u64 = 1 << 30;
    let path = directory.display();
    let Ok((free, _)) = sys::Directory::open(directory).and_then(|directory| directory.room()) else {
        return Check::warn("disk space", format!("The free space of {path} is unknown."), "See \"output directory\".");
    };
    let sentence = format!("{} MiB are free in {path}.", free >> 20);
    if free >= LITTLE {
        return Check::ok("disk space", sentence);
    }
    Check::warn("disk space", sentence, "Make room, or name another directory by --output-dir.")
}

/// The unfinished snapshots in a directory that nobody writes any more, sorted by name.
fn left_behind(directory: &Path) -> Vec<String> {
    let is_left = |path: &Path| {
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(path);
        file.is_ok_and(|file| sys::is_locked(&file) == Ok(false) && file.metadata().is_ok_and(|file| file.is_file()))
    };
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let unfinished = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        (name.starts_with('.') && name.ends_with(".partial") && is_left(&entry.path())).then_some(name)
    });
    let mut names: Vec<String> = unfinished.collect();
    names.sort();
    names
}

fn leftovers_check(names: &[String], directory: &Path) -> Check {
    const NAME: &str = "unfinished files";
    let path = directory.display();
    let Some(first) = names.first() else {
        return Check::ok(NAME, format!("No supervisor that was killed has left an unfinished snapshot in {path}."));
    };
    let more = if names.len() > 1 { format!(" and {} more", names.len() - 1) } else { String::new() };
    Check::warn(
        NAME,
        format!("A supervisor that was killed has left unfinished snapshots in {path}: {first}{more}."),
        "dpdb-trace inspect shows what is in them; remove what you do not need.",
    )
}

/// A step of tracing that failed.
type Failed = (&'static str, Errno);

fn trace_check(result: Result<(), Failed>) -> Check {
    match result {
        Ok(()) => Check::ok("trace", "A child was traced, and its registers and memory were read."),
        Err((step, errno)) => Check::fail(
            "trace",
            format!("Tracing a child does not work: {step} failed, {}.", errno.desc()),
            "In a container, allow ptrace: docker run --cap-add=SYS_PTRACE, and a kernel of 4.8 or later with a current \
             seccomp profile. The other checks name what else may forbid it.",
        ),
    }
}

/// Traces a child from before its exec to its end, as supervising does.
fn trace_a_child() -> Result<(), Failed> {
    let plan = ExecPlan {
        candidates: vec![c"/bin/true".into(), c"/usr/bin/true".into()],
        arguments: vec![c"true".into()],
        environment: None,
    };
    let state = ChildState { mask: sys::current_mask(), inherited: sys::inherited() };
    let child = sys::spawn(&plan, &state).map_err(|errno| ("fork", errno))?;
    let seized = sys::seize(child.pid, tracer::ptrace_options(false));
    // Opens the gate.
    drop(child.gate);
    let seized = seized.map_err(|errno| ("PTRACE_SEIZE", errno));
    let mut examined = Err(("PTRACE_EVENT_EXEC", Errno::ECHILD));
    while let Ok(waited) = sys::wait_for(child.pid) {
        match Stop::decode(waited.status) {
            stop if stop.is_end() => break,
            Stop::Exec => examined = read_a_stopped_child(child.pid),
            _ => {}
        }
        let _ = sys::resume(child.pid, Resume { signal: 0 });
    }
    seized.and(examined)
}

fn read_a_stopped_child(pid: i32) -> Result<(), Failed> {
    let registers = sys::general_registers(pid).map_err(|errno| ("PTRACE_GETREGSET", errno))?;
    let at = registers.map_or(0, |registers| registers.rsp);
    sys::read_process_memory(pid, at, &mut [0; 8]).map_err(|errno| ("process_vm_readv", errno))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trouble_has_a_remedy() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing");
        let troubles = [
            scope_check(Some("2")),
            scope_check(Some("3")),
            scope_check(Some("x")),
            capability_check(false),
            tracer_check(Some("7")),
            directory_check(&missing),
            directory_check(Path::new("/proc/version")),
            space_check(&missing),
            leftovers_check(&[".a.partial".to_owned(), ".b.partial".to_owned()], Path::new("/x")),
            trace_check(Err(("PTRACE_SEIZE", Errno::EPERM))),
            exceptions_check(Err(Errno::EACCES)),
        ];
        for check in troubles {
            assert!(check.state > CheckState::Ok && check.remedy.is_some(), "{check:?}");
            assert!(check.sentence.ends_with('.'), "{check:?}");
        }
    }

    #[test]
    fn a_good_place_is_good() {
        let directory = tempfile::tempdir().unwrap();
        for check in [
            scope_check(None),
            scope_check(Some("1")),
            seccomp_check(Some("0")),
            capability_check(true),
            tracer_check(Some("0")),
            directory_check(directory.path()),
            leftovers_check(&[], directory.path()),
            trace_check(trace_a_child()),
        ] {
            assert_eq!((check.state, &check.remedy), (CheckState::Ok, &None), "{check:?}");
        }
    }

    #[test]
    fn what_nobody_writes_any_more_is_found_and_what_is_being_written_is_not() {
        let directory = tempfile::tempdir().unwrap();
        for name in [".b.snap.partial", ".a.snap.partial", "c.partial", ".d.snap"] {
            fs::write(directory.path().join(name), "x").unwrap();
        }
        fs::create_dir(directory.path().join(".dir.partial")).unwrap();
        let busy = fs::File::create(directory.path().join(".busy.partial")).unwrap();
        sys::lock_while_open(&busy);
        assert_eq!(left_behind(directory.path()), [".a.snap.partial", ".b.snap.partial"]);
    }

    #[test]
    fn a_refused_trace_is_found_by_doing_it() {
        sys::failure::fail_once(sys::Call::Seize, Errno::EPERM);
        assert_eq!(trace_a_child(), Err(("PTRACE_SEIZE", Errno::EPERM)));
        sys::failure::fail_once(sys::Call::ReadMemory, Errno::EPERM);
        assert_eq!(trace_a_child(), Err(("process_vm_readv", Errno::EPERM)));
    }

    #[test]
    fn a_refused_breakpoint_is_found_by_setting_one() {
        sys::failure::fail_once(sys::Call::PerfEvent, Errno::EPERM);
        assert_eq!(set_a_breakpoint(), Err(Errno::EPERM));
        assert_eq!(exceptions_check(Ok(())).state, CheckState::Ok);
    }

    #[test]
    fn the_ptrace_capability_is_bit_19() {
        assert!(has_capability("CapEff:\t0000000000080000\n"));
        assert!(!has_capability("CapEff:\t0000000000040000\n"));
        assert!(!has_capability(""));
    }
}
