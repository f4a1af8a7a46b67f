//! Breakpoints of the performance events subsystem (perf_event_open(2)): the kernel keeps them in the processor's debug
//! registers and stops the thread with a SIGTRAP of its own kind. They vanish with their descriptor, so with us.

use std::fs::File;
use std::os::fd::FromRawFd;

use dpdb_snapshot::process::SigInfo;

use super::failure::{Call, check};
use super::{Errno, Result};

/// `struct perf_event_attr` as far as PERF_ATTR_SIZE_VER7 (include/uapi/linux/perf_event.h); libc has none with
/// `sig_data`.
#[repr(C)]
#[derive(Default)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    bp_type: u32,
    bp_addr: u64,
    bp_len: u64,
    branch_sample_type: u64,
    sample_regs_user: u64,
    sample_stack_user: u32,
    clockid: i32,
    sample_regs_intr: u64,
    aux_watermark: u32,
    sample_max_stack: u16,
    reserved_2: u16,
    aux_sample_size: u32,
    reserved_3: u32,
    sig_data: u64,
}

const PERF_TYPE_BREAKPOINT: u32 = 5;
const HW_BREAKPOINT_X: u32 = 4;
/// The bits of `flags`, in the order of their declaration.
const INHERIT: u64 = 1 << 1;
const INHERIT_THREAD: u64 = 1 << 35;
const EXCLUDE_KERNEL: u64 = 1 << 5;
const EXCLUDE_HV: u64 = 1 << 6;
const REMOVE_ON_EXEC: u64 = 1 << 36;
const SIGTRAP: u64 = 1 << 37;

const PERF_FLAG_FD_CLOEXEC: libc::c_ulong = 8;
const PERF_EVENT_IOC_ENABLE: libc::c_ulong = 0x2400;
const PERF_EVENT_IOC_DISABLE: libc::c_ulong = 0x2401;

/// `si_code` of such a stop (include/uapi/asm-generic/siginfo.h).
const TRAP_PERF: i32 = 6;

/// A breakpoint on an instruction, for as long as it lives: in one thread and those that it starts, until an exec.
///
/// It could be inherited by forked processes, too. But the kernel swaps the events of parent and child when it switches
/// from one to the other (kernel/events/core.c, `perf_event_context_sched_out`), the count of used debug registers does
/// not follow, and after an exec the child is refused its own with ENOSPC.
#[derive(Debug)]
pub struct Breakpoint(File);

impl Breakpoint {
    /// Sets one at `address` of thread `tid`; its stops bear `cookie`.
    ///
    /// # Errors
    /// ENOSPC where the four debug registers are in use, EACCES, EPERM and ENOSYS where a setting
    /// (kernel.perf_event_paranoid), a seccomp filter or the kernel (before Linux 5.13: EINVAL or E2BIG) forbids it,
    /// ESRCH where the thread is gone.
    pub fn set(tid: i32, address: u64, cookie: u64) -> Result<Breakpoint> {
        check(Call::PerfEvent)?;
        let attributes = Attributes {
            kind: PERF_TYPE_BREAKPOINT,
            size: size_of::<Attributes>() as u32,
            sample_period: 1,
            flags: INHERIT | INHERIT_THREAD | EXCLUDE_KERNEL | EXCLUDE_HV | REMOVE_ON_EXEC | SIGTRAP,
            bp_type: HW_BREAKPOINT_X,
            bp_addr: address,
            bp_len: size_of::<libc::c_long>() as u64,
            sig_data: cookie,
            ..Attributes::default()
        };
        let any_cpu = -1;
        let no_group = -1;
        // SAFETY: the kernel reads `size` bytes at the attributes, which is what they have.
        let fd = unsafe {
            libc::syscall(
                libc::SYS_perf_event_open,
                &raw const attributes,
                tid,
                any_cpu,
                no_group,
                PERF_FLAG_FD_CLOEXEC,
            )
        };
        let fd = Errno::result(fd)?;
        // SAFETY: a new descriptor that is ours alone.
        Ok(Breakpoint(unsafe { File::from_raw_fd(fd as i32) }))
    }

    /// Arms or disarms it, in all that inherited it too.
    ///
    /// # Errors
    /// None that perf_event_open(2) names for a descriptor of this kind.
    pub fn arm(&self, armed: bool) -> Result<()> {
        use std::os::fd::AsRawFd;
        let request = if armed { PERF_EVENT_IOC_ENABLE } else { PERF_EVENT_IOC_DISABLE };
        // SAFETY: no pointers; the descriptor is open for as long as `self` lives.
        Errno::result(unsafe { libc::ioctl(self.0.as_raw_fd(), request, 0) }).map(drop)
    }
}

/// The cookie of the breakpoint that a thread was stopped by, where it was one: `si_perf_data` (sigaction(2)).
pub fn breakpoint_cookie(info: &SigInfo) -> Option<u64> {
    const DATA: usize = 24;
    let data = info.as_bytes().get(DATA..DATA + 8)?.first_chunk()?;
    (info.signal().0 == libc::SIGTRAP && info.code() == TRAP_PERF).then(|| u64::from_ne_bytes(*data))
}

#[cfg(test)]
mod tests {
    use super::{Attributes, breakpoint_cookie};
    use dpdb_snapshot::process::SigInfo;

    #[test]
    fn the_attributes_have_the_size_and_place_that_the_kernel_gives_them() {
        assert_eq!((size_of::<Attributes>(), std::mem::offset_of!(Attributes, sig_data)), (128, 120));
        assert_eq!(std::mem::offset_of!(Attributes, bp_addr), 56);
    }

    #[test]
    fn only_a_stop_of_a_perf_event_has_a_cookie() {
        let info = |code: i32| {
            let mut bytes = vec![0; SigInfo::SIZE];
            bytes[..4].copy_from_slice(&libc::SIGTRAP.to_ne_bytes());
            bytes[8..12].copy_from_slice(&code.to_ne_bytes());
            bytes[24..32].copy_from_slice(&77u64.to_ne_bytes());
            SigInfo::from_bytes(&bytes)
        };
        assert_eq!(breakpoint_cookie(&info(6)), Some(77));
        assert_eq!(breakpoint_cookie(&info(libc::SI_USER)), None);
    }
}
