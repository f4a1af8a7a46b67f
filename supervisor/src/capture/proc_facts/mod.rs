//! What `/proc` tells of a stopped process, for the snapshot's metadata.
//!
//! Every file that cannot be read is one [`SoftError`](dpdb_snapshot::SoftError) and nothing more: what it would have told stays empty. All
//! that is read is bounded, and what was cut says so.

mod descriptors;
mod host;
mod identity;
mod proc_dir;
mod rank;
mod sockets;
mod stat;
mod threads;
mod tree;

use host::host_facts;
pub(crate) use proc_dir::ProcDir;
pub(crate) use threads::doing;
pub(crate) use tree::process_links;

use dpdb_snapshot::Process;

/// The longest environment that is kept; what is over is dropped. execve(2) allows a quarter of the stack limit,
/// 2 MiB by default.
const LONGEST_ENVIRONMENT: usize = 2 << 20;

/// The longest command line that is kept.
const LONGEST_COMMAND_LINE: usize = 1 << 20;

/// Fills in all that `/proc` knows of the process but its memory. `via` names one of its threads that is not dead:
/// of a leader that called pthread_exit(3) only a zombie is left, with no environment, files or memory to show.
/// `process.threads` names the threads; those that `/proc` knows beyond them are added.
pub fn read_facts(process: &mut Process, via: i32) {
    // `/proc/TID` is not listed but works as `/proc/PID` does, coredump_filter included, which `task/TID` lacks.
    let mut dir = ProcDir::of(via);
    identity::read(&mut dir, process);
    process.arguments = split_at_nul(&dir.read("cmdline", LONGEST_COMMAND_LINE).unwrap_or_default());
    process.environment = split_at_nul(&dir.read("environ", LONGEST_ENVIRONMENT).unwrap_or_default());
    process.rank = rank::rank(&process.environment);
    process.executable = dir.link("exe");
    process.cwd = dir.link("cwd");
    process.root = dir.link("root").filter(|root| root.as_bytes() != b"/");
    process.fds = descriptors::read(&mut dir);
    process.limits = identity::limits(&dir.read_text("limits").unwrap_or_default());
    process.cgroup = identity::lines(&dir.read("cgroup", 1 << 16).unwrap_or_default());
    process.namespaces = identity::namespaces(&mut dir);
    process.coredump_filter =
        dir.read_text("coredump_filter").and_then(|text| u32::from_str_radix(text.trim(), 16).ok());
    process.auxv = identity::auxv(&dir.read("auxv", 4096).unwrap_or_default());
    process.host = host_facts();
    process.soft_errors.append(&mut dir.errors);
    threads::read(process, via);
}

/// The strings of `cmdline` and `environ`, each of which ends in a NUL. An empty one in between counts; a process
/// that overwrote its command line (setproctitle) may leave a long row of NULs behind it, which does not.
fn split_at_nul(bytes: &[u8]) -> Vec<dpdb_snapshot::Text> {
    let used = bytes.len() - bytes.iter().rev().take_while(|&&byte| byte == 0).count();
    if used == 0 {
        return Vec::new();
    }
    bytes[..used].split(|&byte| byte == 0).map(|part| dpdb_snapshot::Text(part.to_vec())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dpdb_snapshot::Text;

    #[test]
    fn arguments_are_split_at_their_nuls() {
        let texts = |bytes: &[u8]| split_at_nul(bytes).iter().map(Text::to_string).collect::<Vec<_>>();
        assert_eq!(texts(b"a\0\0b c\0"), ["a", "", "b c"]);
        assert_eq!(texts(b"nginx: worker\0\0\0\0\0"), ["nginx: worker"]);
        assert_eq!(texts(b""), [""; 0]);
        assert_eq!(texts(b"no nul"), ["no nul"]);
    }

    #[test]
    fn a_childs_facts_are_found_without_a_soft_error() {
        let mut child = crate::capture::tests::running_cat();
        let pid = child.id() as i32;
        let mut process = Process { pid, ..Process::default() };
        read_facts(&mut process, pid);
        // Its input ends, and so does it.
        drop(child.stdin.take());
        child.wait().unwrap();

        assert_eq!(process.soft_errors, []);
        assert_eq!(process.ppid, std::process::id() as i32);
        assert_eq!(process.comm, Text::from("cat"));
        assert_eq!(process.arguments, [Text::from("cat"), Text::from("-")]);
        assert_eq!(process.environment.len(), std::env::vars_os().count());
        assert_eq!(process.cwd.unwrap().as_path(), std::env::current_dir().unwrap());
        assert!(process.executable.unwrap().as_path().is_absolute());
        assert!(process.fds[0].target.to_string().starts_with("pipe:["));
        assert!(process.limits.iter().any(|limit| limit.name == "Max open files" && limit.soft.is_some()));
        assert!(process.namespaces.iter().any(|namespace| namespace.kind == "pid" && !namespace.differs));
        assert!(process.auxv.iter().any(|(kind, value)| (*kind, *value) == (6, 4096)));
        assert_eq!(process.threads.iter().map(|thread| thread.tid).collect::<Vec<_>>(), [pid]);
        assert_eq!(process.threads[0].name, Some(Text::from("cat")));
        assert!(process.timing.started.is_some() && process.identity.is_some() && process.coredump_filter.is_some());
    }

    #[test]
    fn a_process_that_is_gone_leaves_soft_errors_and_no_panic() {
        // Above pid_max (2^22 at most), so nobody has it.
        let mut process = Process { pid: 1 << 23, ..Process::default() };
        read_facts(&mut process, 1 << 23);
        assert!(process.soft_errors.iter().any(|error| error.message.contains("/proc/8388608/environ")));
        assert!(process.soft_errors.iter().all(|error| error.errno == Some(2)), "{:?}", process.soft_errors);
        assert_eq!(process.environment, []);
    }
}
