//! The supervised tree at one instant.

use dpdb_snapshot::process::ProcessLink;

use super::stat::parse_stat;

/// The most processes that are described in one snapshot.
const MOST_PROCESSES: usize = 4096;

/// Looks at each process of the tree. Those that ended meanwhile are left out: it is their right.
pub(crate) fn process_links(pids: &[i32]) -> Vec<ProcessLink> {
    pids.iter().take(MOST_PROCESSES).filter_map(|&pid| link(pid)).collect()
}

fn link(pid: i32) -> Option<ProcessLink> {
    let stat = parse_stat(&std::fs::read(format!("/proc/{pid}/stat")).ok()?)?;
    Some(ProcessLink { pid, ppid: stat.ppid, comm: stat.comm, state: stat.state, threads: stat.threads })
}
