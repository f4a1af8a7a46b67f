//! What the caller may ask for.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use dpdb_snapshot::process::Signal;

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
    /// How many snapshots to write at most.
    pub max_snapshots: Option<u64>,
    /// The signals whose deaths leave a snapshot.
    pub signals: SignalSet,
    /// Stay until the last process of the tree is gone, not only until the command itself is.
    pub wait_all: bool,
    /// Kill the tree when we end, however we end (PTRACE_O_EXITKILL).
    pub kill_on_exit: bool,
    /// Read processes in place, and hold them until that is done, where they would be cloned.
    pub no_clone: bool,
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
            max_snapshots: None,
            signals: SignalSet::crashes(),
            wait_all: false,
            kill_on_exit: false,
            no_clone: false,
            journal: None,
        }
    }
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
    use super::SignalSet;
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
    fn real_time_signals_and_the_last_bit_fit() {
        let set = SignalSet::parse("64,RTMIN+3,1").unwrap();
        assert!(set.contains(Signal(64)) && set.contains(Signal(37)) && set.contains(Signal(1)));
        assert!(!set.contains(Signal(0)) && !set.contains(Signal(65)));
    }
}
