//! What triggers look at: a few numbers of each process, out of `/proc`.

use std::fs;
use std::time::Duration;

use crate::capture::cgroup_use;
use crate::proc::proc_dir;
use crate::{RunningProcess, sys};

/// A process at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Processor time, user and system.
    pub(crate) cpu: Duration,
    /// Resident bytes.
    pub(crate) rss: u64,
    pub(crate) threads: u64,
    /// Open files; zero where nobody asked.
    pub(crate) fds: u64,
    /// What its control group uses of its memory, in percent; zero where nobody asked or nothing limits it.
    pub(crate) cgroup: u64,
}

/// Which of the numbers that cost more than one file are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) fds: bool,
    pub(crate) cgroup: bool,
}

impl Sample {
    /// Looks at a process; `None` where it is gone.
    pub(crate) fn of(process: RunningProcess, wanted: Wanted) -> Option<Sample> {
        let directory = proc_dir(process.pid);
        let mut sample = Sample::parse(&fs::read(directory.join("stat")).ok()?, sys::ticks_per_second())?;
        if wanted.fds {
            sample.fds = fs::read_dir(directory.join("fd")).map_or(0, |entries| entries.count() as u64);
        }
        if wanted.cgroup {
            sample.cgroup = cgroup_use(process.pid).unwrap_or(0);
        }
        Some(sample)
    }

    /// Takes the text of `/proc/PID/stat` apart (proc_pid_stat(5)).
    fn parse(stat: &[u8], ticks_per_second: u64) -> Option<Sample> {
        // The name in parentheses is any bytes.
        let after = stat.iter().rposition(|&byte| byte == b')')? + 1;
        let text = std::str::from_utf8(&stat[after..]).ok()?;
        let fields: Vec<u64> = text.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect();
        // The first is field 3, state: utime is 14, stime 15, num_threads 20, rss 24, in pages.
        let field = |number: usize| fields.get(number - 3).copied();
        let ticks = field(14)?.saturating_add(field(15)?);
        let cpu = Duration::from_millis(ticks.saturating_mul(1000) / ticks_per_second.max(1));
        Some(Sample { cpu, rss: field(24)?.saturating_mul(4096), threads: field(20)?, ..Sample::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_found_behind_any_name() {
        let stat =
            b"12 (a) b) S 1 12 12 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 7 0 10 1000000 300 18446744073709551615";
        let sample = Sample::parse(stat, 100).unwrap();
        assert_eq!((sample.cpu, sample.rss, sample.threads), (Duration::from_secs(2), 300 * 4096, 7));
        assert_eq!(Sample::parse(b"12 (a", 100), None);
        assert_eq!(Sample::parse(b"12 (a) S 1 2", 100), None);
    }

    #[test]
    fn we_have_threads_and_files() {
        let us = RunningProcess { pid: std::process::id() as i32, serial: 0 };
        let sample = Sample::of(us, Wanted { fds: true, cgroup: true }).unwrap();
        assert!(sample.rss > 0 && sample.threads > 0 && sample.fds > 0, "{sample:?}");
    }
}
