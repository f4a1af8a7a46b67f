//! Who the process is: ids, limits, groups, namespaces, and the vectors it was started with.

use std::os::unix::fs::MetadataExt;
use std::time::{SystemTime, UNIX_EPOCH};

use dpdb_snapshot::process::{Identity, Limit, Namespace};
use dpdb_snapshot::{Process, Text};
use procfs::process::Status;
use procfs::{Current, FromBufRead, Uptime};

use super::ProcDir;
use super::stat::{parse_stat, ticks_to_ns};

/// Fills in what `status`, `stat` and `comm` tell.
pub(super) fn read(dir: &mut ProcDir, process: &mut Process) {
    if let Some(status) = dir.read_text("status") {
        match Status::from_buf_read(status.as_bytes()) {
            Ok(status) => read_status(&status, process),
            Err(error) => dir.complain(format!("{} was not understood: {error}", dir.path("status").display()), None),
        }
    }
    if let Some(stat) = dir.read("stat", 4096).and_then(|line| parse_stat(&line)) {
        process.ppid = stat.ppid;
        process.pgid = stat.pgid;
        process.sid = stat.sid;
        process.timing.user_time = Some(ticks_to_ns(stat.user_ticks));
        process.timing.system_time = Some(ticks_to_ns(stat.system_ticks));
        process.timing.started = started(stat.start_ticks);
    }
    // The process's name is its leader's, even where that is a zombie.
    let mut leader = ProcDir::of(process.pid);
    if let Some(mut comm) = leader.read("comm", 4096) {
        comm.pop_if(|last| *last == b'\n');
        process.comm = Text(comm);
    }
    dir.errors.append(&mut leader.errors);
}

/// The fields of `/proc/PID/status` (proc_pid_status(5)) that are in no other file.
fn read_status(status: &Status, process: &mut Process) {
    process.identity = Some(Identity {
        uid: [status.ruid, status.euid, status.suid, status.fuid],
        gid: [status.rgid, status.egid, status.sgid, status.fgid],
        groups: status.groups.clone(),
    });
    process.seccomp = status.seccomp.and_then(|mode| u8::try_from(mode).ok());
    let pids = status.nspid.as_deref().unwrap_or_default();
    process.inner_pid = pids.last().copied().filter(|_| pids.len() > 1);
}

/// The time of day, in nanoseconds, of a moment in ticks since boot.
fn started(start_ticks: u64) -> Option<u64> {
    let uptime = Uptime::current().ok()?.uptime_duration();
    let boot = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.checked_sub(uptime)?;
    u64::try_from(boot.as_nanos()).ok()?.checked_add(ticks_to_ns(start_ticks))
}

/// The lines of `/proc/PID/limits`, whose columns stand at fixed places (fs/proc/base.c, `proc_pid_limits`).
pub(super) fn limits(text: &str) -> Vec<Limit> {
    let number = |column: &str| column.trim().parse().ok();
    let line = |line: &str| {
        Some(Limit {
            name: line.get(..26)?.trim().to_owned(),
            soft: number(line.get(26..47)?),
            hard: number(line.get(47..68)?),
            unit: line.get(68..).unwrap_or_default().trim().to_owned(),
        })
    };
    text.lines().skip(1).filter_map(line).collect()
}

/// The lines of a file.
pub(super) fn lines(bytes: &[u8]) -> Vec<Text> {
    bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).map(|line| Text(line.to_vec())).collect()
}

/// The pairs of `/proc/PID/auxv`, up to `AT_NULL`.
pub(super) fn auxv(bytes: &[u8]) -> Vec<(u64, u64)> {
    let (words, _) = bytes.as_chunks::<8>();
    let (pairs, _) = words.as_chunks::<2>();
    let pairs = pairs.iter().map(|[kind, value]| (u64::from_le_bytes(*kind), u64::from_le_bytes(*value)));
    pairs.take_while(|(kind, _)| *kind != 0).collect()
}

/// The namespaces, and whether ours are others.
pub(super) fn namespaces(dir: &mut ProcDir) -> Vec<Namespace> {
    const KINDS: [&str; 8] = ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"];
    let mut found = Vec::new();
    for kind in KINDS {
        let name = format!("ns/{kind}");
        let own = std::fs::metadata(format!("/proc/self/{name}"));
        match std::fs::metadata(dir.path(&name)) {
            Ok(theirs) => found.push(Namespace {
                kind: kind.to_owned(),
                inode: theirs.ino(),
                differs: own.is_ok_and(|own| own.ino() != theirs.ino()),
            }),
            // A kernel without this kind has it for nobody.
            Err(_) if own.is_err() => {}
            Err(error) => dir.failed("cannot look at", &name, &error),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_by_column() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
                    Max cpu time              unlimited            unlimited            seconds   \n\
                    Max open files            1024                 524288               files     \n\
                    Max realtime priority     0                    0                    \n";
        let limits = limits(text);
        assert_eq!(limits.len(), 3);
        assert_eq!((limits[0].soft, limits[0].unit.as_str()), (None, "seconds"));
        assert_eq!(
            (limits[1].name.as_str(), limits[1].soft, limits[1].hard),
            ("Max open files", Some(1024), Some(524_288))
        );
        assert_eq!((limits[2].soft, limits[2].unit.as_str()), (Some(0), ""));
    }

    #[test]
    fn an_inner_pid_is_told_only_where_there_is_one() {
        let own = std::fs::File::open("/proc/self/status").unwrap();
        let mut status = Status::from_buf_read(std::io::BufReader::new(own)).unwrap();
        let mut process = Process::default();
        (status.ruid, status.euid, status.suid, status.fuid) = (1, 2, 3, 4);
        (status.groups, status.seccomp, status.nspid) = (vec![5, 6], Some(2), Some(vec![100]));
        read_status(&status, &mut process);
        assert_eq!((process.inner_pid, process.seccomp), (None, Some(2)));
        let identity = process.identity.clone().unwrap();
        assert_eq!((identity.uid, identity.groups), ([1, 2, 3, 4], vec![5, 6]));
        status.nspid = Some(vec![100, 7, 1]);
        read_status(&status, &mut process);
        assert_eq!(process.inner_pid, Some(1));
    }

    #[test]
    fn the_auxiliary_vector_ends_at_its_null() {
        let words: Vec<u8> = [6_u64, 4096, 0, 0, 9, 9].iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(auxv(&words), [(6, 4096)]);
        assert_eq!(auxv(&words[..15]), []);
    }
}
