//! The processor's debug registers, as ptrace(2) writes them: breakpoints for where perf_event_open(2) is forbidden.
//! They are a thread's own: no child and no new thread has them, and an exec takes them away (arch/x86/kernel/ptrace.c,
//! arch/x86/kernel/process.c). But they outlive a detach and the tracer, and a thread that meets one untraced dies of
//! SIGTRAP.

use std::mem::offset_of;

use dpdb_snapshot::process::SigInfo;

use super::Result;
use super::failure::{Call, check};
use super::ptrace::write_user;

/// The addresses that a thread is stopped at before it runs their instruction; zero for none.
pub type Breakpoints = [u64; 4];

/// `si_code` of such a stop (include/uapi/asm-generic/siginfo.h).
const TRAP_HWBKPT: i32 = 4;

/// Sets the breakpoints of a stopped thread, in place of all that it had.
///
/// # Errors
/// ESRCH where it is not stopped or is gone; EINVAL, EIO or ENOSPC where an address is none of user space, or the machine
/// has no debug registers for us.
pub fn set_breakpoints(tid: i32, addresses: &Breakpoints) -> Result<()> {
    check(Call::DebugRegister)?;
    const CONTROL: usize = 7;
    let write = |register: usize, value: u64| {
        write_user(tid, offset_of!(libc::user, u_debugreg) + register * size_of::<u64>(), value)
    };
    // An address is not changed while it is in force.
    write(CONTROL, 0)?;
    let mut control = 0;
    for (register, &address) in addresses.iter().enumerate().filter(|(_, address)| **address != 0) {
        write(register, address)?;
        // L0 to L3: enabled for this thread. The bits of kind and length stay zero, which means execution.
        control |= 1 << (2 * register);
    }
    write(CONTROL, control)
}

/// Whether a signal is the stop at a breakpoint of a debug register.
pub fn is_breakpoint(info: &SigInfo) -> bool {
    info.signal().0 == libc::SIGTRAP && info.code() == TRAP_HWBKPT
}
