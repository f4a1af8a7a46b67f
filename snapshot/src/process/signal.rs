//! Signals, their names, and what the kernel says about one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Avma;

/// A signal's number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Signal(pub i32);

/// signal(7), the x86 and ARM column.
const NAMES: [&str; 32] = [
    "0",
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
];

#[allow(missing_docs, reason = "signal(7) says what each is")]
impl Signal {
    pub const HUP: Signal = Signal(1);
    pub const INT: Signal = Signal(2);
    pub const QUIT: Signal = Signal(3);
    pub const ILL: Signal = Signal(4);
    pub const TRAP: Signal = Signal(5);
    pub const ABRT: Signal = Signal(6);
    pub const BUS: Signal = Signal(7);
    pub const FPE: Signal = Signal(8);
    pub const KILL: Signal = Signal(9);
    pub const USR1: Signal = Signal(10);
    pub const SEGV: Signal = Signal(11);
    pub const USR2: Signal = Signal(12);
    pub const PIPE: Signal = Signal(13);
    pub const ALRM: Signal = Signal(14);
    pub const TERM: Signal = Signal(15);
    pub const CHLD: Signal = Signal(17);
    pub const CONT: Signal = Signal(18);
    pub const STOP: Signal = Signal(19);
    pub const TSTP: Signal = Signal(20);
    pub const TTIN: Signal = Signal(21);
    pub const TTOU: Signal = Signal(22);
    pub const URG: Signal = Signal(23);
    pub const XCPU: Signal = Signal(24);
    pub const XFSZ: Signal = Signal(25);
    pub const WINCH: Signal = Signal(28);
    pub const SYS: Signal = Signal(31);

    /// The signal named `SIGSEGV`, `SEGV`, `segv` or `11`; real-time ones as `SIGRTMIN+3` or `SIG35`.
    pub fn parse(name: &str) -> Option<Signal> {
        let upper = name.trim().to_ascii_uppercase();
        if let Ok(number) = upper.parse::<i32>() {
            return (1..=64).contains(&number).then_some(Signal(number));
        }
        let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
        if let Some(above) = bare.strip_prefix("RTMIN") {
            let above = if above.is_empty() { 0 } else { above.strip_prefix('+')?.parse::<i32>().ok()? };
            return (0..=30).contains(&above).then_some(Signal(34 + above));
        }
        let number = NAMES[1..].iter().position(|known| known[3..] == *bare)? as i32 + 1;
        Some(Signal(number))
    }

    /// Whether the processor raises it for what an instruction did, so that the instruction is where it happened.
    pub fn is_fault(self) -> bool {
        matches!(self, Signal::SEGV | Signal::BUS | Signal::FPE | Signal::ILL | Signal::TRAP | Signal::SYS)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            number @ 1..=31 => f.write_str(NAMES[number as usize]),
            34 => f.write_str("SIGRTMIN"),
            // glibc keeps 32 and 33 to itself, so SIGRTMIN is 34 for every program but glibc.
            number @ 35..=64 => write!(f, "SIGRTMIN+{}", number - 34),
            number => write!(f, "signal {number}"),
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What the kernel says about a signal: the 128 bytes of `siginfo_t` (sigaction(2)), unchanged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigInfo {
    #[serde(with = "crate::text::hex")]
    bytes: Vec<u8>,
}

impl SigInfo {
    /// The size of the kernel's `siginfo_t`.
    pub const SIZE: usize = 128;

    /// Takes the bytes as the kernel gave them; what is missing of 128 is zero, what is over is dropped.
    pub fn from_bytes(bytes: &[u8]) -> SigInfo {
        let mut bytes = bytes.to_vec();
        bytes.resize(SigInfo::SIZE, 0);
        SigInfo { bytes }
    }

    /// The kernel's bytes, 128 of them unless the value came out of a foreign JSON.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// `si_signo`.
    pub fn signal(&self) -> Signal {
        Signal(self.word(0))
    }

    /// `si_errno`.
    pub fn errno(&self) -> i32 {
        self.word(4)
    }

    /// `si_code`: who sent it, or what the fault was.
    pub fn code(&self) -> i32 {
        self.word(8)
    }

    /// `si_addr`, where the kernel filled it in: for faults that it raised itself (`si_code` above zero).
    /// `SI_KERNEL` (0x80) carries none: a non-canonical address, say, is not told.
    pub fn address(&self) -> Option<Avma> {
        let told = self.signal().is_fault() && self.code() > 0 && self.code() != 0x80;
        told.then(|| Avma(u64::from(self.word(16) as u32) | u64::from(self.word(20) as u32) << 32))
    }

    /// `si_pid` and `si_uid` of the sender, for signals sent by a process (`SI_USER`, `SI_QUEUE`, `SI_TKILL` …).
    pub fn sender(&self) -> Option<(i32, u32)> {
        (self.code() <= 0 && self.code() != -2).then(|| (self.word(16), self.word(20) as u32))
    }

    /// The name of `si_code`, such as `SEGV_MAPERR` or `SI_TKILL`; its number where it has none.
    pub fn code_name(&self) -> String {
        let (signal, code) = (self.signal(), self.code());
        let name = match (signal, code) {
            (_, 0) => "SI_USER",
            (_, 0x80) => "SI_KERNEL",
            (_, -1) => "SI_QUEUE",
            (_, -2) => "SI_TIMER",
            (_, -3) => "SI_MESGQ",
            (_, -4) => "SI_ASYNCIO",
            (_, -5) => "SI_SIGIO",
            (_, -6) => "SI_TKILL",
            (Signal::SEGV, 1) => "SEGV_MAPERR",
            (Signal::SEGV, 2) => "SEGV_ACCERR",
            (Signal::SEGV, 3) => "SEGV_BNDERR",
            (Signal::SEGV, 4) => "SEGV_PKUERR",
            (Signal::SEGV, 10) => "SEGV_CPERR",
            (Signal::BUS, 1) => "BUS_ADRALN",
            (Signal::BUS, 2) => "BUS_ADRERR",
            (Signal::BUS, 3) => "BUS_OBJERR",
            (Signal::BUS, 4) => "BUS_MCEERR_AR",
            (Signal::BUS, 5) => "BUS_MCEERR_AO",
            (Signal::FPE, 1) => "FPE_INTDIV",
            (Signal::FPE, 2) => "FPE_INTOVF",
            (Signal::FPE, 3) => "FPE_FLTDIV",
            (Signal::FPE, 4) => "FPE_FLTOVF",
            (Signal::FPE, 5) => "FPE_FLTUND",
            (Signal::FPE, 6) => "FPE_FLTRES",
            (Signal::FPE, 7) => "FPE_FLTINV",
            (Signal::FPE, 8) => "FPE_FLTSUB",
            (Signal::ILL, 1) => "ILL_ILLOPC",
            (Signal::ILL, 2) => "ILL_ILLOPN",
            (Signal::ILL, 3) => "ILL_ILLADR",
            (Signal::ILL, 4) => "ILL_ILLTRP",
            (Signal::ILL, 5) => "ILL_PRVOPC",
            (Signal::ILL, 6) => "ILL_PRVREG",
            (Signal::ILL, 7) => "ILL_COPROC",
            (Signal::ILL, 8) => "ILL_BADSTK",
            (Signal::TRAP, 1) => "TRAP_BRKPT",
            (Signal::TRAP, 2) => "TRAP_TRACE",
            (Signal::TRAP, 6) => "TRAP_PERF",
            (Signal::SYS, 1) => "SYS_SECCOMP",
            _ => return code.to_string(),
        };
        name.to_owned()
    }

    fn word(&self, at: usize) -> i32 {
        self.bytes.get(at..at + 4).map_or(0, |bytes| i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }
}

impl fmt::Debug for SigInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigInfo")
            .field("signal", &self.signal())
            .field("code", &self.code_name())
            .field("address", &self.address())
            .field("sender", &self.sender())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Signal;

    #[test]
    fn names_and_numbers_of_signals_agree() {
        for number in 1..=64 {
            let signal = Signal(number);
            if number == 32 || number == 33 {
                continue;
            }
            assert_eq!(Signal::parse(&signal.to_string()), Some(signal), "{signal}");
        }
        assert_eq!(Signal::parse("segv"), Some(Signal::SEGV));
        assert_eq!(Signal::parse("11"), Some(Signal::SEGV));
        for wrong in ["", "SIG", "65", "0", "-1", "RTMIN+31", "NOPE"] {
            assert_eq!(Signal::parse(wrong), None, "{wrong}");
        }
    }
}
