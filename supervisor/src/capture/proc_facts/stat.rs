//! `/proc/PID/stat` (proc_pid_stat(5)).

use dpdb_snapshot::Text;

/// What we use of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The kernel's short name, which may hold spaces, newlines and parentheses.
    pub comm: Text,
    /// The state letter.
    pub state: char,
    /// The parent.
    pub ppid: i32,
    /// The process group.
    pub pgid: i32,
    /// The session.
    pub sid: i32,
    /// Processor time in user mode, clock ticks.
    pub user_ticks: u64,
    /// Processor time in the kernel, clock ticks.
    pub system_ticks: u64,
    /// How many threads.
    pub threads: u32,
    /// When it started, clock ticks since boot.
    pub start_ticks: u64,
    /// The processor it last ran on.
    pub cpu: i32,
}

/// Reads the line; `None` where it is not as the kernel writes it.
pub fn parse_stat(line: &[u8]) -> Option<Stat> {
    let open = line.iter().position(|&byte| byte == b'(')?;
    // The last one: a thread may call itself `) R 1 (`.
    let close = line.iter().rposition(|&byte| byte == b')')?;
    let comm = Text(line.get(open + 1..close)?.to_vec());
    let rest = std::str::from_utf8(line.get(close + 1..)?).ok()?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // The manual counts from 1 for the pid; the state, the first one here, is its field 3.
    let field = |number: usize| fields.get(number - 3).copied();
    Some(Stat {
        comm,
        state: field(3)?.chars().next()?,
        ppid: field(4)?.parse().ok()?,
        pgid: field(5)?.parse().ok()?,
        sid: field(6)?.parse().ok()?,
        user_ticks: field(14)?.parse().ok()?,
        system_ticks: field(15)?.parse().ok()?,
        threads: field(20)?.parse().ok()?,
        start_ticks: field(22)?.parse().ok()?,
        cpu: field(39)?.parse().ok()?,
    })
}

/// Clock ticks as nanoseconds. The kernel shows `USER_HZ` ticks, which is 100 a second on x86-64 whatever its own
/// clock does (include/asm-generic/param.h).
pub(super) fn ticks_to_ns(ticks: u64) -> u64 {
    ticks.saturating_mul(10_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_full_of_parentheses_does_not_shift_the_fields() {
        let line =
            b"12 () R 1 (\n) S 7 12 13 0 -1 4194560 1 0 0 0 5 6 0 0 20 0 3 0 999 1 1 1 1 1 1 1 1 0 0 0 0 0 0 0 17 \
            1 0 0 0 0 0\n";
        let stat = parse_stat(line).unwrap();
        assert_eq!(stat.comm.as_bytes(), b") R 1 (\n");
        assert_eq!((stat.state, stat.ppid, stat.pgid, stat.sid), ('S', 7, 12, 13));
        assert_eq!((stat.user_ticks, stat.system_ticks, stat.threads, stat.start_ticks, stat.cpu), (5, 6, 3, 999, 1));
    }

    #[test]
    fn a_broken_line_is_none() {
        for line in [&b""[..], b"12", b"12 (x", b"12 (x) S", b")(", b"12 (x) S 7 12 13 0 -1"] {
            assert_eq!(parse_stat(line), None);
        }
    }
}
