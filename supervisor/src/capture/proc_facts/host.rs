//! The machine, as far as a crash may depend on it.

use dpdb_snapshot::Text;
use dpdb_snapshot::process::Host;
use procfs::{Current, Meminfo};

/// Reads the facts; what is missing stays empty, since none of it concerns the process alone.
pub(crate) fn host_facts() -> Host {
    let line = |path: &str| std::fs::read_to_string(path).ok().map(|text| text.trim_end().to_owned());
    let memory = Meminfo::current().ok();
    let load = line("/proc/loadavg").unwrap_or_default();
    Host {
        name: Text::from(line("/proc/sys/kernel/hostname").unwrap_or_default().as_str()),
        kernel: line("/proc/sys/kernel/osrelease").unwrap_or_default(),
        machine: std::env::consts::ARCH.to_owned(),
        cpus: line("/sys/devices/system/cpu/online").and_then(|list| count_cpus(&list)),
        memory: memory.as_ref().map(|memory| memory.mem_total),
        available: memory.as_ref().and_then(|memory| memory.mem_available),
        load: load.match_indices(' ').nth(2).map(|(at, _)| load[..at].to_owned()),
        boot_id: line("/proc/sys/kernel/random/boot_id"),
        writer: concat!("dpdb-trace ", env!("CARGO_PKG_VERSION")).to_owned(),
    }
}

/// The length of a list such as `0-3,8`.
fn count_cpus(list: &str) -> Option<u32> {
    let length = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        last.parse::<u32>().ok()?.checked_sub(first.parse().ok()?)?.checked_add(1)
    };
    list.split(',').map(length).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_counted_over_ranges() {
        for (list, count) in [("0", Some(1)), ("0-1", Some(2)), ("0-3,8,10-11", Some(7)), ("", None), ("3-1", None)] {
            assert_eq!(count_cpus(list), count, "{list}");
        }
    }

    #[test]
    fn this_machine_has_a_name_memory_and_a_load() {
        let host = host_facts();
        assert!(!host.name.as_bytes().is_empty() && host.cpus.is_some() && host.boot_id.is_some());
        assert!(host.available < host.memory);
        assert_eq!(host.load.unwrap().split(' ').count(), 3);
    }
}
