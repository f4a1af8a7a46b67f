//! What the caller may ask for.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use dpdb_snapshot::process::Signal;

use crate::capture::{Room, Settings};
use crate::catch::CatchList;
use crate::triggers::Trigger;

/// What to run, and what to keep of it.
#[derive(Clone, Debug)]
pub struct Options {
    /// The command and its arguments; a command without a slash is looked for in `PATH`, as a shell does.
    pub command: Vec<OsString>,
    /// The directory for snapshots.
    pub output_dir: PathBuf,
    /// The name of a snapshot, with fields `{pid}`, `{ppid}`, `{comm}`, `{signal}`, `{time}`, `{host}`, `{rank}` and
    /// `{n}` (which counts the snapshots of this run, from 1). A name that is taken gets `.1`, `.2` …
    pub name_template: String,
    /// What snapshots are like.
    pub capture: Settings,
    /// How much room they may take.
    pub room: Room,
    /// What else leaves a snapshot, and whether signals do.
    pub catch: CatchList,
    /// The signals whose deaths leave a snapshot.
    pub signals: SignalSet,
    /// Stay until the last process of the tree is gone, not only until the command itself is.
    pub wait_all: bool,
    /// Kill the tree when we end, however we end (PTRACE_O_EXITKILL).
    pub kill_on_exit: bool,
    /// Read processes in place, and hold them until that is done, where they would be cloned.
    pub no_clone: bool,
    /// The exit codes that leave a snapshot.
    pub on_exit: Option<ExitCodes>,
    /// What else makes snapshots by itself.
    pub triggers: Vec<Trigger>,
    /// After so long the tree is snapshot, and ended.
    pub timeout: Option<Duration>,
    /// Name the socket on which snapshots are asked for in the command's environment, as `DPDB_TRACE_SOCKET`.
    pub tell_socket: bool,
    /// A file to append the history of the tree to, a JSON object per line.
    pub journal: Option<PathBuf>,
}

impl Options {
    /// What is done where nothing else is asked for.
    pub fn new(command: Vec<OsString>) -> Options {
        Options {
            command,
            output_dir: PathBuf::from("."),
            name_template: "pid_{pid}.snap".to_owned(),
            capture: Settings::default(),
            room: Room::default(),
            catch: CatchList::default(),
            signals: SignalSet::crashes(),
            wait_all: false,
            kill_on_exit: false,
            no_clone: false,
            on_exit: None,
            triggers: Vec::new(),
            timeout: None,
            tell_socket: false,
            journal: None,
        }
    }
}

/// Exit codes that are told from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCodes {
    /// All but zero.
    Nonzero,
    /// This one.
    Code(u8),
}

impl ExitCodes {
    /// Reads `nonzero` or a number.
    ///
    /// # Errors
    /// What was expected, as a sentence.
    pub fn parse(text: &str) -> Result<ExitCodes, String> {
        match text.parse() {
            Ok(code) => Ok(ExitCodes::Code(code)),
            Err(_) if text == "nonzero" => Ok(ExitCodes::Nonzero),
            Err(_) => Err("write 'nonzero' or an exit code".to_owned()),
        }
    }

    /// Whether `code` is one of them.
    pub fn includes(self, code: i32) -> bool {
        match self {
            ExitCodes::Nonzero => code != 0,
            ExitCodes::Code(wanted) => code == i32::from(wanted),
        }
    }
}

/// Reads a duration such as `90s`, `5m`, `1h`, `250ms`; a number alone is seconds.
///
/// # Errors
/// What was expected, as a sentence.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let milliseconds = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    let number = number.parse::<u64>().ok().filter(|_| milliseconds > 0);
    let total = number.and_then(|number| number.checked_mul(milliseconds));
    total.map(Duration::from_millis).ok_or_else(|| "write a number and ms, s, m or h, such as 90s".to_owned())
}

/// Reads a size such as `64k`, `500M`, `2G`, `1T`; a number alone is bytes.
///
/// # Errors
/// What was expected, as a sentence.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.strip_suffix("iB").or_else(|| unit.strip_suffix('B')).unwrap_or(unit);
    let shift = match unit {
        "" => Some(0),
        "k" | "K" => Some(10),
        "M" => Some(20),
        "G" => Some(30),
        "T" => Some(40),
        _ => None,
    };
    let size = shift.and_then(|shift| number.parse::<u64>().ok()?.checked_mul(1 << shift));
    size.ok_or_else(|| "write a number of bytes, perhaps with k, M, G or T, such as 500M".to_owned())
}

/// A set of signals.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SignalSet(u64);

impl SignalSet {
    /// The signals that end a process because something is wrong with it.
    pub fn crashes() -> SignalSet {
        [
            Signal::SEGV,
            Signal::BUS,
            Signal::FPE,
            Signal::ILL,
            Signal::ABRT,
            Signal::SYS,
            Signal::TRAP,
            Signal::QUIT,
            Signal::XCPU,
            Signal::XFSZ,
        ]
        .into_iter()
        .collect()
    }

    /// Reads a list such as `SEGV,ABRT`. Items that start with `+` or `-` change the default set: `+TERM,-QUIT`;
    /// `all` is every signal.
    ///
    /// # Errors
    /// The first item that names no signal.
    pub fn parse(list: &str) -> Result<SignalSet, UnknownSignal> {
        let items = || list.split(',').map(str::trim).filter(|item| !item.is_empty());
        let changes = items().all(|item| item.starts_with(['+', '-'])) && items().next().is_some();
        let mut set = if changes { SignalSet::crashes() } else { SignalSet(0) };
        for item in items() {
            let name = item.strip_prefix(['+', '-']).unwrap_or(item);
            let bits = match Signal::parse(name) {
                Some(signal) => bit(signal),
                None if name.eq_ignore_ascii_case("all") => u64::MAX,
                None => return Err(UnknownSignal(name.to_owned())),
            };
            set.0 = if item.starts_with('-') { set.0 & !bits } else { set.0 | bits };
        }
        Ok(set)
    }

    /// Whether `signal` is in it.
    pub fn contains(self, signal: Signal) -> bool {
        self.0 & bit(signal) != 0
    }
}

/// A name that is no signal's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no signal: say SEGV, SIGSEGV or 11")]
pub struct UnknownSignal(pub String);

fn bit(signal: Signal) -> u64 {
    if (1..=64).contains(&signal.0) { 1 << (signal.0 - 1) } else { 0 }
}

impl FromIterator<Signal> for SignalSet {
    fn from_iter<I: IntoIterator<Item = Signal>>(signals: I) -> SignalSet {
        SignalSet(signals.into_iter().fold(0, |set, signal| set | bit(signal)))
    }
}

impl fmt::Debug for SignalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries((1..=64).map(Signal).filter(|&signal| self.contains(signal))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{ExitCodes, SignalSet, parse_duration, parse_size};
    use dpdb_snapshot::process::Signal;

    #[test]
    fn a_list_replaces_the_default_set_and_signs_change_it() {
        let only = SignalSet::parse("SEGV, term").unwrap();
        assert!(only.contains(Signal::SEGV) && only.contains(Signal::TERM) && !only.contains(Signal::ABRT));
        let changed = SignalSet::parse("+TERM,-QUIT").unwrap();
        assert!(changed.contains(Signal::TERM) && changed.contains(Signal::ABRT) && !changed.contains(Signal::QUIT));
        assert!(SignalSet::parse("all,-CHLD").unwrap().contains(Signal::KILL));
        assert!(!SignalSet::parse("").unwrap().contains(Signal::SEGV));
        assert_eq!(
            SignalSet::parse("SEGV,NOPE").unwrap_err().to_string(),
            "\"NOPE\" names no signal: say SEGV, SIGSEGV or 11"
        );
    }

    #[test]
    fn durations_have_units_and_exit_codes_are_numbers_or_nonzero() {
        let milliseconds = |text: &str| parse_duration(text).map(|duration| duration.as_millis());
        assert_eq!((milliseconds("90s"), milliseconds("250ms"), milliseconds("7")), (Ok(90_000), Ok(250), Ok(7_000)));
        assert_eq!((milliseconds("2m"), milliseconds("1h")), (Ok(120_000), Ok(3_600_000)));
        for nonsense in ["", "s", "1d", "-1s", "1.5s", "99999999999999999999", "18446744073709551615h"] {
            assert!(parse_duration(nonsense).is_err(), "{nonsense}");
        }
        assert!(ExitCodes::Nonzero.includes(1) && !ExitCodes::Nonzero.includes(0));
        assert_eq!(ExitCodes::parse("3"), Ok(ExitCodes::Code(3)));
        assert!(ExitCodes::parse("256").is_err() && ExitCodes::parse("zero").is_err());
    }

    #[test]
    fn sizes_have_binary_units() {
        assert_eq!((parse_size("0"), parse_size("7"), parse_size("64k")), (Ok(0), Ok(7), Ok(64 << 10)));
        assert_eq!(
            (parse_size("500M"), parse_size("2GiB"), parse_size("1TB")),
            (Ok(500 << 20), Ok(2 << 30), Ok(1 << 40))
        );
        for nonsense in ["", "G", "1.5G", "-1", "1X", "99999999T", "1 G"] {
            assert!(parse_size(nonsense).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn real_time_signals_and_the_last_bit_fit() {
        let set = SignalSet::parse("64,RTMIN+3,1").unwrap();
        assert!(set.contains(Signal(64)) && set.contains(Signal(37)) && set.contains(Signal(1)));
        assert!(!set.contains(Signal(0)) && !set.contains(Signal(65)));
    }
}
