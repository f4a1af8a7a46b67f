//! What the user asked to be watched, and how it is spelled: `VALUE[,limit=N][,cooldown=TIME]`.

use std::time::Duration;

use dpdb_snapshot::process::Signal;

use crate::options::{parse_duration, parse_size};

/// Something that makes snapshots by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// What is watched.
    pub when: When,
    /// Its option, as it was given, for the snapshot and the journal.
    pub spelled: String,
    /// How often it may fire in a run.
    pub limit: Option<u64>,
    /// How long it is still when it has fired: of each process by itself, where it is about one.
    pub cooldown: Duration,
}

/// What makes a trigger fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// So much time has passed: the whole tree.
    Every(Duration),
    /// No process of the tree got any processor time for so long, and none came or went: the whole tree.
    Idle(Duration),
    /// The control group of a process has used so many percent of the memory that it may use: the whole tree.
    CgroupOver(u64),
    /// A process has more bytes of memory than this resident.
    RssOver(u64),
    /// A process got more percent of one processor than this, over so long a time.
    CpuOver(u64, Duration),
    /// A process has more threads.
    ThreadsOver(u64),
    /// A process has more files open.
    FdsOver(u64),
    /// A process is about to take this signal.
    OnSignal(Signal),
    /// Somebody has killed a process by SIGKILL.
    OnKill,
    /// A process crashes: all others of the tree, at that instant.
    OnCrash,
}

/// The time over which processor load is measured, where nobody says.
const LOAD_TIME: Duration = Duration::from_secs(10);

impl Trigger {
    /// Reads the value of option `--NAME`.
    ///
    /// # Errors
    /// What was expected, as a sentence.
    pub fn parse(name: &str, value: &str) -> Result<Trigger, String> {
        let mut parts = value.split(',');
        let what = parts.next().unwrap_or_default();
        let when = when(name, what)?;
        // What tells of a state goes on telling of it; what tells of an event is as rare as that.
        let (mut limit, mut cooldown) = match when {
            When::Every(_) | When::OnKill => (None, Duration::ZERO),
            When::OnSignal(_) => (None, Duration::from_secs(1)),
            When::OnCrash => (Some(1), Duration::ZERO),
            _ => (Some(3), Duration::from_secs(60)),
        };
        for part in parts {
            match part.split_once('=') {
                Some(("limit", number)) => {
                    limit = Some(number.parse().map_err(|_| format!("{number:?} is no number of snapshots"))?);
                }
                Some(("cooldown", time)) => cooldown = parse_duration(time)?,
                _ => return Err(format!("{part:?} is neither limit=N nor cooldown=TIME")),
            }
        }
        Ok(Trigger { when, spelled: format!("--{name} {what}").trim_end().to_owned(), limit, cooldown })
    }
}

fn when(name: &str, value: &str) -> Result<When, String> {
    let number = |what: &str| value.parse().map_err(|_| format!("write a number of {what}"));
    Ok(match name {
        "every" => When::Every(some_time(value)?),
        "idle" => When::Idle(some_time(value)?),
        "rss-over" => When::RssOver(parse_size(value)?),
        "cgroup-over" => When::CgroupOver(percent(value)?),
        "cpu-over" => {
            let (load, time) = match value.split_once(':') {
                Some((load, time)) => (load, some_time(time)?),
                None => (value, LOAD_TIME),
            };
            When::CpuOver(percent(load)?, time)
        }
        "threads-over" => When::ThreadsOver(number("threads")?),
        "fds-over" => When::FdsOver(number("files")?),
        "on-signal" => When::OnSignal(Signal::parse(value).ok_or("write a signal, such as USR1")?),
        "on-crash" if value == "tree" => When::OnCrash,
        "on-crash" => return Err("write tree".to_owned()),
        "on-kill" if value.is_empty() => When::OnKill,
        _ => return Err(format!("--{name} is no trigger")),
    })
}

fn some_time(text: &str) -> Result<Duration, String> {
    parse_duration(text).and_then(|time| if time.is_zero() { Err("no time at all".to_owned()) } else { Ok(time) })
}

fn percent(text: &str) -> Result<u64, String> {
    let number = text.strip_suffix('%').and_then(|number| number.parse().ok());
    number.ok_or_else(|| "write a share such as 95%".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_is_a_value_perhaps_with_a_limit_and_a_cool_down() {
        let trigger = Trigger::parse("rss-over", "2G,cooldown=5m,limit=7").unwrap();
        assert_eq!((trigger.when, trigger.spelled.as_str()), (When::RssOver(2 << 30), "--rss-over 2G"));
        assert_eq!((trigger.limit, trigger.cooldown), (Some(7), Duration::from_secs(300)));
        let when = |name: &str, value: &str| Trigger::parse(name, value).unwrap().when;
        assert_eq!(when("cpu-over", "95%:3s"), When::CpuOver(95, Duration::from_secs(3)));
        assert_eq!(when("cpu-over", "150%"), When::CpuOver(150, LOAD_TIME));
        assert_eq!(when("on-signal", "usr1"), When::OnSignal(Signal(10)));
        assert_eq!((when("on-kill", ""), when("on-crash", "tree")), (When::OnKill, When::OnCrash));
    }

    #[test]
    fn a_mistake_is_told() {
        for (name, value) in [
            ("every", "0"),
            ("every", "often"),
            ("rss-over", "2X"),
            ("cpu-over", "95"),
            ("cgroup-over", "x%"),
            ("on-signal", "NOPE"),
            ("on-crash", "me"),
            ("idle", "60s,limit=x"),
            ("idle", "60s,cooldown"),
            ("fds-over", "many"),
            ("nothing", "1"),
        ] {
            assert!(Trigger::parse(name, value).is_err(), "{name} {value}");
        }
    }
}
