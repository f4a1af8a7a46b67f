//! A death in a few words: `SIGSEGV (address 0x10 not mapped)`.

use std::fmt::Write as _;

use dpdb_snapshot::process::{Cause, SigInfo, Signal};
use dpdb_snapshot::{Avma, Process};

/// What a process died of, with what the kernel told of it in parentheses.
pub fn death(process: &Process) -> Option<String> {
    let cause = process.cause.as_ref().filter(|cause| cause.exception().is_none())?;
    let info = match cause {
        Cause::FatalSignal { info, .. } => info.as_ref(),
        _ => None,
    };
    let info = info.or_else(|| process.threads.first().and_then(|thread| thread.siginfo.as_ref()));
    let signal = cause.signal().or_else(|| info.map(SigInfo::signal))?;
    let details = info.filter(|info| info.signal() == signal).and_then(|info| details(info, process));
    let mut text = signal.to_string();
    if let Some(details) = details {
        let _ = write!(text, " ({details})");
    }
    Some(text)
}

/// What the siginfo adds to the signal's name; sigaction(2) lists the codes.
fn details(info: &SigInfo, process: &Process) -> Option<String> {
    let code = info.code_name();
    let address = info.address().unwrap_or_default();
    let text = match code.as_str() {
        "SEGV_MAPERR" => format!("address {address} not mapped"),
        "SEGV_ACCERR" => forbidden(address, process),
        "SEGV_PKUERR" => format!("address {address} closed by a protection key"),
        "SEGV_CPERR" => "control-flow protection: the shadow stack disagrees".to_owned(),
        "SEGV_BNDERR" => format!("bounds check failed at {address}"),
        "BUS_ADRALN" => format!("address {address} not aligned"),
        "BUS_ADRERR" => format!("address {address} beyond the end of its file"),
        "BUS_OBJERR" | "BUS_MCEERR_AR" | "BUS_MCEERR_AO" => format!("hardware error at {address}"),
        "FPE_INTDIV" => "integer division by zero".to_owned(),
        "FPE_INTOVF" => "integer overflow".to_owned(),
        "FPE_FLTDIV" => "floating-point division by zero".to_owned(),
        "FPE_FLTOVF" => "floating-point overflow".to_owned(),
        "FPE_FLTUND" => "floating-point underflow".to_owned(),
        "FPE_FLTRES" => "inexact floating-point result".to_owned(),
        "FPE_FLTINV" => "invalid floating-point operation".to_owned(),
        "FPE_FLTSUB" => "subscript out of range".to_owned(),
        "ILL_ILLOPC" | "ILL_ILLOPN" | "ILL_ILLADR" | "ILL_ILLTRP" => format!("illegal instruction at {address}"),
        "ILL_PRVOPC" | "ILL_PRVREG" => format!("privileged instruction at {address}"),
        "TRAP_BRKPT" => "breakpoint instruction".to_owned(),
        "SYS_SECCOMP" => "system call forbidden by seccomp".to_owned(),
        // A non-canonical address or a privileged instruction: the processor tells no address for it.
        "SI_KERNEL" if info.signal() == Signal::SEGV => "general protection: address not canonical".to_owned(),
        "SI_USER" | "SI_QUEUE" | "SI_TKILL" => sender(info, process)?,
        _ => return None,
    };
    Some(text)
}

fn forbidden(address: Avma, process: &Process) -> String {
    match process.mapping_at(address) {
        Some(mapping) => format!("address {address} is {}", mapping.permissions),
        None => format!("no permission for address {address}"),
    }
}

fn sender(info: &SigInfo, process: &Process) -> Option<String> {
    let (pid, uid) = info.sender()?;
    if pid == process.pid || Some(pid) == process.inner_pid {
        return Some("raised by itself".to_owned());
    }
    let name = process.tree.iter().find(|link| link.pid == pid).map(|link| format!(" ({})", link.comm));
    Some(format!("sent by pid {pid}{}, uid {uid}", name.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::death;
    use dpdb_snapshot::Process;
    use dpdb_snapshot::process::{CaughtException, Cause, ExceptionLanguage, Fate, SigInfo, Signal};

    fn died(signal: Signal, code: i32, fields: &[u8]) -> String {
        let mut bytes = vec![0; SigInfo::SIZE];
        bytes[..4].copy_from_slice(&signal.0.to_le_bytes());
        bytes[8..12].copy_from_slice(&code.to_le_bytes());
        bytes[16..16 + fields.len()].copy_from_slice(fields);
        let info = Some(SigInfo::from_bytes(&bytes));
        let cause = Some(Cause::FatalSignal { signal, tid: 1, info, first_chance: None });
        death(&Process { pid: 77, cause, ..Process::default() }).unwrap()
    }

    #[test]
    fn an_exception_is_no_death_by_a_signal() {
        let exception = CaughtException {
            language: ExceptionLanguage::Python,
            fate: Fate::Death,
            catchpoint: "sys.excepthook".to_owned(),
            tid: 77,
            object: None,
            summary: Some("ValueError: bad shape".to_owned()),
        };
        let cause = Some(Cause::Exception(exception));
        assert_eq!(death(&Process { pid: 77, cause, ..Process::default() }), None);
    }

    #[test]
    fn a_death_is_told_in_the_kernels_own_detail() {
        assert_eq!(died(Signal::SEGV, 1, &[0x10]), "SIGSEGV (address 0x10 not mapped)");
        assert_eq!(died(Signal::FPE, 1, &[]), "SIGFPE (integer division by zero)");
        assert_eq!(died(Signal::ABRT, -6, &[77]), "SIGABRT (raised by itself)");
        assert_eq!(died(Signal::SEGV, 0, &[9]), "SIGSEGV (sent by pid 9, uid 0)");
        assert_eq!(died(Signal::SEGV, 0x80, &[]), "SIGSEGV (general protection: address not canonical)");
        assert_eq!(died(Signal::ABRT, 42, &[]), "SIGABRT");
    }
}
