//! Making a stopped thread run a system call of ours, and leaving no trace of it.
//!
//! The thread is pointed at a `syscall` instruction of its vdso and steps over it: one instruction of user mode, which
//! changes rax, rcx and r11 and nothing else, no extended state either. The step ends in a stop by SIGTRAP, a signal's
//! stop, and that matters: resumed from such a one with its old registers, the kernel restarts the system call that
//! the thread was in before (arch/x86/kernel/signal.c, `arch_do_signal_or_restart`).
//!
//! For as long as foreign registers stand, the thread is traced with PTRACE_O_EXITKILL: were we killed in that time, it
//! would run on with them. It has all signals blocked meanwhile but SIGTRAP, whose disposition the kernel would reset
//! if it were (kernel/signal.c, `force_sig_info_to_task`).

use dpdb_snapshot::arch::x86_64::GeneralRegisters;
use dpdb_snapshot::process::SigInfo;
use procfs::FromRead;
use procfs::process::{MMapPath, MemoryMaps};

use crate::sys::{self, Errno};

/// `syscall`.
const INSTRUCTION: [u8; 2] = [0x0f, 0x05];

/// The most of a vdso that is searched: bytes. It has two pages.
const LARGEST_VDSO: u64 = 64 << 10;

/// A system call: its number and its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SystemCall {
    pub(crate) number: i64,
    pub(crate) arguments: [u64; 3],
}

/// What a thread had before it was made to run foreign calls.
#[derive(Clone, Debug)]
pub(crate) struct Injection {
    tid: i32,
    /// Where the instruction is.
    at: u64,
    registers: GeneralRegisters,
    mask: u64,
    /// Of the signal that it is about to take.
    info: Option<SigInfo>,
    /// The options that it is traced with.
    options: i32,
}

impl Injection {
    /// Remembers what thread `tid`, stopped and traced with `options`, has now.
    ///
    /// # Errors
    /// ENOEXEC where it has no instruction to step over, ESRCH where it is going.
    pub(crate) fn new(tid: i32, options: i32) -> sys::Result<Injection> {
        let mut registers = sys::general_registers(tid)?.ok_or(Errno::ENOEXEC)?;
        let at = instruction_in_vdso(tid).ok_or(Errno::ENOEXEC)?;
        if let Some(abort) = abort_address(tid, registers.rip) {
            registers.rip = abort;
        }
        Ok(Injection { tid, at, registers, mask: sys::signal_mask(tid)?, info: sys::signal_info(tid).ok(), options })
    }

    /// The same for a thread that was cloned from this one: it has the same instruction.
    pub(crate) fn of_clone(&self, tid: i32, options: i32) -> sys::Result<Injection> {
        let registers = sys::general_registers(tid)?.ok_or(Errno::ENOEXEC)?;
        Ok(Injection { tid, at: self.at, registers, mask: sys::signal_mask(tid)?, info: None, options })
    }

    /// Sends it into `call`. It stops by SIGTRAP when that is done.
    ///
    /// # Errors
    /// ESRCH where it is going; then nothing of it needs to be restored.
    pub(crate) fn start(&self, call: SystemCall) -> sys::Result<()> {
        let [rdi, rsi, rdx] = call.arguments;
        let registers = GeneralRegisters {
            rip: self.at,
            rax: call.number as u64,
            // In no system call: nothing is to be restarted before this one (orig_rax, arch/x86/include/asm/syscall.h).
            orig_rax: u64::MAX,
            rdi,
            rsi,
            rdx,
            // The fourth and fifth, which none of our calls needs.
            r10: 0,
            r8: 0,
            ..self.registers
        };
        sys::set_signal_mask(self.tid, !signal_bit(libc::SIGTRAP))?;
        sys::set_options(self.tid, self.options | libc::PTRACE_O_EXITKILL)?;
        sys::set_general_registers(self.tid, &registers)?;
        sys::single_step(self.tid)
    }

    /// What the call returned: zero or more, or an errno.
    ///
    /// # Errors
    /// The call's own, or ESRCH where the thread is going.
    pub(crate) fn result(&self) -> sys::Result<i64> {
        let rax = sys::general_registers(self.tid)?.ok_or(Errno::ESRCH)?.rax as i64;
        if (-4095..0).contains(&rax) { Err(Errno::from_raw(-rax as i32)) } else { Ok(rax) }
    }

    /// Gives it back what it had. It is to be resumed from this stop as it would have been from the one before.
    pub(crate) fn restore(&self) {
        // Each fails only with ESRCH: it was killed, and nothing of this matters any more.
        let _ = sys::set_general_registers(self.tid, &self.registers);
        let _ = sys::set_signal_mask(self.tid, self.mask);
        if let Some(info) = &self.info {
            // Resumed with this very number, the kernel takes this for what is to be told of it (`ptrace_signal`).
            let _ = sys::set_signal_info(self.tid, info);
        }
        let _ = sys::set_options(self.tid, self.options);
    }
}

/// The bit of a signal in a mask.
pub(crate) fn signal_bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

/// Every vdso has a system call to fall back to.
fn instruction_in_vdso(tid: i32) -> Option<u64> {
    let maps = std::fs::read(crate::proc_dir(tid).join("maps")).ok()?;
    let maps = MemoryMaps::from_read(maps.as_slice()).ok()?;
    let (start, end) = maps.into_iter().find(|map| map.pathname == MMapPath::Vdso)?.address;
    let mut text = vec![0; end.saturating_sub(start).min(LARGEST_VDSO) as usize];
    let read = sys::read_process_memory(tid, start, &mut text).ok()?;
    let at = text[..read].windows(2).position(|bytes| bytes == INSTRUCTION)?;
    Some(start + at as u64)
}

/// Where a thread goes on that is interrupted in a restartable sequence (rseq(2)): having seen it elsewhere, at our
/// instruction, the kernel takes the sequence for left, and would not abort it any more when it should
/// (kernel/rseq.c, `rseq_ip_fixup`). An abort is what any interruption may lead to.
fn abort_address(tid: i32, rip: u64) -> Option<u64> {
    let word = |at: u64| {
        let mut word = [0; 8];
        let read = sys::read_process_memory(tid, at, &mut word).ok()?;
        (read == word.len()).then(|| u64::from_le_bytes(word))
    };
    let area = sys::restartable_sequence(tid).ok()??;
    // `struct rseq`: the descriptor is its second word; `struct rseq_cs`: version and flags, start, length, abort.
    let descriptor = word(area.checked_add(8)?).filter(|&descriptor| descriptor != 0)?;
    let (start, length) = (word(descriptor.checked_add(8)?)?, word(descriptor.checked_add(16)?)?);
    let abort = word(descriptor.checked_add(24)?)?;
    (rip.wrapping_sub(start) < length).then_some(abort)
}
