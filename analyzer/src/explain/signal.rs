//! Signals and their codes in words.

use dpdb_snapshot::Text;
use dpdb_snapshot::process::{Process, SigInfo, Signal};

use super::finding::Finding;
use crate::arch::x86_64::syscall_name;

/// What `si_code` says (sigaction(2)), in a few words.
pub(super) fn meaning_of(info: &SigInfo) -> Option<&'static str> {
    Some(match info.code_name().as_str() {
        "SEGV_MAPERR" => "nothing is mapped at the address",
        "SEGV_ACCERR" => "the mapping does not permit it",
        "SEGV_BNDERR" => "a bounds check failed",
        "SEGV_PKUERR" => "a memory protection key does not permit it",
        "SEGV_CPERR" => "a return address is not the one on the shadow stack",
        "BUS_ADRALN" => "the address is not aligned",
        "BUS_ADRERR" => "the page cannot be had",
        "BUS_OBJERR" => "an error of the hardware behind the address",
        "BUS_MCEERR_AR" | "BUS_MCEERR_AO" => "broken memory",
        "FPE_INTDIV" => "integer division",
        "FPE_INTOVF" => "integer overflow",
        "FPE_FLTDIV" => "floating-point division by zero",
        "FPE_FLTOVF" => "floating-point overflow",
        "FPE_FLTUND" => "floating-point underflow",
        "FPE_FLTRES" => "inexact floating-point result",
        "FPE_FLTINV" => "invalid floating-point operation",
        "ILL_ILLOPC" => "illegal opcode",
        "ILL_ILLOPN" => "illegal operand",
        "ILL_ILLADR" => "illegal addressing mode",
        "ILL_ILLTRP" => "illegal trap",
        "ILL_PRVOPC" | "ILL_PRVREG" => "privileged instruction",
        "TRAP_BRKPT" => "a breakpoint",
        "TRAP_TRACE" => "a single step",
        "TRAP_PERF" => "a perf event",
        "SYS_SECCOMP" => "a seccomp filter forbids the system call",
        "SI_USER" => "kill",
        "SI_QUEUE" => "sigqueue",
        "SI_TKILL" => "tgkill, as raise and abort use it",
        "SI_TIMER" => "a timer ran out",
        "SI_KERNEL" => return kernels_reason(info.signal()),
        _ => return None,
    })
}

/// `SI_KERNEL` tells nothing but that the kernel sent it; what that means depends on the signal.
fn kernels_reason(signal: Signal) -> Option<&'static str> {
    Some(match signal {
        Signal::SEGV | Signal::BUS => "a general protection fault, for which the processor tells no address",
        Signal::TRAP => "a breakpoint instruction",
        Signal::XCPU => "the limit of processor time is used up",
        Signal::XFSZ => "a file would have become larger than the limit",
        _ => return None,
    })
}

/// Who sent it, where somebody did.
pub(super) fn sender(info: &SigInfo, process: &Process) -> Option<Finding> {
    let (pid, uid) = info.sender()?;
    let itself = pid == process.pid || Some(pid) == process.inner_pid;
    let name = process.tree.iter().find(|other| other.pid == pid).map(|other| other.comm.clone());
    Some(Finding::Sender { pid, uid, name: name.filter(|name: &Text| !name.0.is_empty()), itself })
}

/// The system call that a seccomp filter did not let through: `si_syscall`, 24 bytes into `siginfo_t`
/// (include/uapi/asm-generic/siginfo.h).
pub(super) fn forbidden_syscall(info: &SigInfo) -> Option<Finding> {
    let is_seccomp = info.signal() == Signal::SYS && info.code() == 1;
    let bytes = info.as_bytes().get(24..28).filter(|_| is_seccomp)?;
    let number = u32::from_le_bytes(bytes.try_into().ok()?);
    Some(Finding::Syscall { number, name: syscall_name(number) })
}
