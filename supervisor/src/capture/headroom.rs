//! Whether a control group has room for a clone, and how full it is.
//!
//! The clone keeps the memory of a dead process charged to its group, while a successor of it may be starting. Where the
//! group could not hold both, the kernel would kill somebody for it, so the process is read in place there.

use std::fs;
use std::path::Path;

use dpdb_snapshot::Text;

/// Why the group of process `via` has no room for a second copy of its memory; `None` where it has, or nobody limits
/// it. `groups` are the lines of `/proc/PID/cgroup`.
pub(super) fn shortage(via: i32, groups: &[Text]) -> Option<String> {
    let own = own_memory(via)?;
    groups.iter().find_map(|line| {
        let free = free_in(Path::new("/sys/fs/cgroup"), &line.to_string())?;
        (free < own).then(|| {
            let mebibytes = |bytes: u64| bytes >> 20;
            format!("its control group has room for {} MiB, and it holds {} MiB", mebibytes(free), mebibytes(own))
        })
    })
}

/// The bytes that are its own (`RssAnon`, proc_pid_status(5)).
fn own_memory(pid: i32) -> Option<u64> {
    let status = fs::read_to_string(crate::proc_dir(pid).join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? << 10)
}

/// What the group of process `pid`, or the fullest of those above it, uses of its memory, in percent; `None` where nothing
/// limits it.
pub(crate) fn cgroup_use(pid: i32) -> Option<u64> {
    let lines = fs::read_to_string(crate::proc_dir(pid).join("cgroup")).ok()?;
    let uses = lines.lines().flat_map(|line| uses_in(Path::new("/sys/fs/cgroup"), line));
    uses.map(|Use { used, limit }| (u128::from(used) * 100 / u128::from(limit.max(1))) as u64).max()
}

/// The bytes that may still be charged to a group, the least of it and of those above it.
fn free_in(mount: &Path, line: &str) -> Option<u64> {
    uses_in(mount, line).into_iter().map(|Use { used, limit }| limit.saturating_sub(used)).min()
}

/// What a group uses, and what it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Use {
    used: u64,
    limit: u64,
}

/// Of the group that a line of `/proc/PID/cgroup` names and of those above it, where they have a limit.
fn uses_in(mount: &Path, line: &str) -> Vec<Use> {
    let mut fields = line.splitn(3, ':').skip(1);
    let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { return Vec::new() };
    let (root, limit, usage) = if controllers.is_empty() {
        (mount.to_owned(), "memory.max", "memory.current")
    } else if controllers.split(',').any(|name| name == "memory") {
        (mount.join("memory"), "memory.limit_in_bytes", "memory.usage_in_bytes")
    } else {
        return Vec::new();
    };
    let group = root.join(path.trim_start_matches('/'));
    let groups = group.ancestors().take_while(|group| group.starts_with(&root));
    groups.filter_map(|group| use_of(group, limit, usage)).collect()
}

fn use_of(group: &Path, limit: &str, usage: &str) -> Option<Use> {
    let number = |name: &str| fs::read_to_string(group.join(name)).ok()?.trim().parse::<u64>().ok();
    // No limit is "max", or with version 1 more than any machine has.
    let limit = number(limit).filter(|&limit| limit < 1 << 60)?;
    let used = number(usage)?;
    // The kernel drops cached files before it kills anybody.
    let statistics = fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
    let inactive = |name: &str| statistics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
    let cache = inactive("total_inactive_file ").or_else(|| inactive("inactive_file ")).unwrap_or(0);
    Some(Use { used: used.saturating_sub(cache), limit })
}

#[cfg(test)]
mod tests {
    use super::free_in;

    #[test]
    fn the_least_room_of_a_group_and_those_above_it_counts() {
        let mount = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = mount.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        for (path, text) in [
            ("a/memory.max", "1000\n"),
            ("a/memory.current", "400\n"),
            ("a/memory.stat", "anon 7\ninactive_file 100\n"),
            ("a/b/memory.max", "max\n"),
            ("a/b/memory.current", "300\n"),
            ("memory/c/memory.limit_in_bytes", "500\n"),
            ("memory/c/memory.usage_in_bytes", "100\n"),
            ("memory/d/memory.limit_in_bytes", "9223372036854771712\n"),
            ("memory/d/memory.usage_in_bytes", "100\n"),
        ] {
            write(path, text);
        }
        let free = |line: &str| free_in(mount.path(), line);
        assert_eq!(free("0::/a/b"), Some(700));
        assert_eq!(free("4:cpu,memory:/c"), Some(400));
        assert_eq!(free("4:memory:/d"), None);
        assert_eq!((free("3:cpu:/c"), free("0::/nowhere"), free("nonsense")), (None, None, None));
    }
}
