//! ptrace(2), as a tracer that seizes uses it. All of it must run on the thread that seized: from any other thread
//! the kernel answers ESRCH.
//!
//! nix knows no real-time signals, no siginfo as bytes and no register set of unknown size: what needs one is a call of
//! our own.

use std::ptr;

use dpdb_snapshot::arch::x86_64::{GENERAL_REGISTERS_SIZE, GeneralRegisters};
use dpdb_snapshot::process::SigInfo;
use nix::sys::ptrace::Options;
use nix::unistd::Pid;

use super::failure::{Call, check};
use super::{Errno, Result};

/// include/uapi/linux/ptrace.h; libc lacks these.
const PTRACE_GETSIGMASK: libc::c_uint = 0x420a;
const PTRACE_SETSIGMASK: libc::c_uint = 0x420b;
const PTRACE_GET_RSEQ_CONFIGURATION: libc::c_uint = 0x420f;

/// `request` with its two word-sized arguments.
///
/// # Safety
/// Where the request makes the kernel write through `data`, that must point to memory it may write.
unsafe fn ptrace(request: libc::c_uint, tid: i32, address: usize, data: usize) -> Result<()> {
    // SAFETY: the caller vouches for `data`; the kernel checks all else.
    let result = unsafe { libc::ptrace(request, tid, address, data) };
    Errno::result(result).map(drop)
}

/// Writes the word at `offset` of a stopped thread's `struct user` (PTRACE_POKEUSER).
///
/// # Errors
/// ESRCH where it is not stopped or is gone; what else the kernel says of the value.
pub(super) fn write_user(tid: i32, offset: usize, value: u64) -> Result<()> {
    // SAFETY: the kernel writes nothing of ours.
    unsafe { ptrace(libc::PTRACE_POKEUSER, tid, offset, value as usize) }
}

/// Starts to trace `tid` without stopping it (PTRACE_SEIZE), with `options` in force from the first instant.
///
/// # Errors
/// EPERM where it is traced already, or an access check forbids it; ESRCH where it is gone.
pub fn seize(tid: i32, options: i32) -> Result<()> {
    check(Call::Seize)?;
    nix::sys::ptrace::seize(Pid::from_raw(tid), Options::from_bits_retain(options))
}

/// How a stopped thread goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resume {
    /// The signal that it takes, where it is in a signal-delivery-stop; zero for none.
    pub signal: i32,
}

/// Lets a stopped thread run (PTRACE_CONT).
///
/// # Errors
/// ESRCH where it is not stopped or is gone.
pub fn resume(tid: i32, how: Resume) -> Result<()> {
    check(Call::Resume)?;
    // SAFETY: the kernel writes nothing.
    unsafe { ptrace(libc::PTRACE_CONT, tid, 0, how.signal as usize) }
}

/// Lets a thread in group-stop be stopped as it would be untraced, yet tell of a SIGCONT (PTRACE_LISTEN).
///
/// # Errors
/// EIO where it is not in a group-stop, ESRCH where it is not stopped or is gone.
pub fn listen(tid: i32) -> Result<()> {
    check(Call::Listen)?;
    // SAFETY: the kernel writes nothing.
    unsafe { ptrace(libc::PTRACE_LISTEN, tid, 0, 0) }
}

/// Makes a running thread stop (PTRACE_INTERRUPT). The stop is reported later, and may come after another one.
///
/// # Errors
/// ESRCH where it is gone.
pub fn interrupt(tid: i32) -> Result<()> {
    check(Call::Interrupt)?;
    nix::sys::ptrace::interrupt(Pid::from_raw(tid))
}

/// Stops tracing a stopped thread and lets it run (PTRACE_DETACH).
///
/// # Errors
/// ESRCH where it is not stopped or is gone.
pub fn detach(tid: i32, how: Resume) -> Result<()> {
    check(Call::Detach)?;
    // SAFETY: the kernel writes nothing.
    unsafe { ptrace(libc::PTRACE_DETACH, tid, 0, how.signal as usize) }
}

/// The number that belongs to the event-stop a thread is in (PTRACE_GETEVENTMSG): a child's id, the former id of a
/// thread that called exec, or the wait status of one that exits.
///
/// # Errors
/// ESRCH where it is not stopped or is gone.
pub fn event_message(tid: i32) -> Result<u64> {
    check(Call::GetEventMessage)?;
    nix::sys::ptrace::getevent(Pid::from_raw(tid)).map(|message| message as u64)
}

/// All the kernel says of the signal that a thread is stopped with (PTRACE_GETSIGINFO).
///
/// # Errors
/// EINVAL where the stop is no signal's, ESRCH where it is not stopped or is gone.
pub fn signal_info(tid: i32) -> Result<SigInfo> {
    check(Call::GetSiginfo)?;
    let mut bytes = [0u8; SigInfo::SIZE];
    // SAFETY: the kernel writes a siginfo_t, which is 128 bytes (asm-generic/siginfo.h: SI_MAX_SIZE).
    unsafe { ptrace(libc::PTRACE_GETSIGINFO, tid, 0, bytes.as_mut_ptr() as usize)? };
    Ok(SigInfo::from_bytes(&bytes))
}

/// One of a stopped thread's register sets (PTRACE_GETREGSET), such as `NT_PRSTATUS`, cut to its true size; at most
/// `limit` bytes.
///
/// # Errors
/// EINVAL or ENODEV where it has no such set, ESRCH where it is not stopped or is gone.
pub fn register_set(tid: i32, note: i32, limit: usize) -> Result<Vec<u8>> {
    check(Call::GetRegset)?;
    let mut bytes = vec![0u8; limit];
    let mut vector = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    // SAFETY: the kernel writes at most `iov_len` bytes to `iov_base`, which is all of `bytes`, and the length.
    unsafe { ptrace(libc::PTRACE_GETREGSET, tid, note as usize, ptr::from_mut(&mut vector) as usize)? };
    bytes.truncate(vector.iov_len);
    Ok(bytes)
}

/// A stopped thread's general registers; `None` where it runs 32-bit code, whose set is shorter (68 bytes).
///
/// # Errors
/// ESRCH where it is not stopped or is gone.
pub fn general_registers(tid: i32) -> Result<Option<GeneralRegisters>> {
    let bytes = register_set(tid, libc::NT_PRSTATUS, GENERAL_REGISTERS_SIZE)?;
    Ok(bytes.first_chunk().filter(|_| bytes.len() == GENERAL_REGISTERS_SIZE).map(GeneralRegisters::from_bytes))
}

/// Replaces a stopped thread's general registers (PTRACE_SETREGSET).
///
/// # Errors
/// ESRCH where it is not stopped or is gone.
pub fn set_general_registers(tid: i32, registers: &GeneralRegisters) -> Result<()> {
    check(Call::SetRegset)?;
    let mut bytes = registers.to_bytes();
    let mut vector = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    let note = libc::NT_PRSTATUS as usize;
    // SAFETY: the kernel reads `iov_len` bytes from `iov_base`, which is all of `bytes`, and writes the length.
    unsafe { ptrace(libc::PTRACE_SETREGSET, tid, note, ptr::from_mut(&mut vector) as usize) }
}

/// Lets a stopped thread run one instruction, without the signal that it was stopped with (PTRACE_SINGLESTEP). A system
/// call is one instruction.
///
/// # Errors
/// ESRCH where it is not stopped or is gone.
pub fn single_step(tid: i32) -> Result<()> {
    check(Call::SingleStep)?;
    // SAFETY: the kernel writes nothing.
    unsafe { ptrace(libc::PTRACE_SINGLESTEP, tid, 0, 0) }
}

/// Replaces the options that a stopped thread is traced with (PTRACE_SETOPTIONS).
///
/// # Errors
/// ESRCH where it is not stopped or is gone.
pub fn set_options(tid: i32, options: i32) -> Result<()> {
    check(Call::SetOptions)?;
    // SAFETY: the kernel writes nothing.
    unsafe { ptrace(libc::PTRACE_SETOPTIONS, tid, 0, options as usize) }
}

/// The signals that a stopped thread has blocked, a bit each, signal 1 lowest (PTRACE_GETSIGMASK).
///
/// # Errors
/// ESRCH where it is not stopped or is gone.
pub fn signal_mask(tid: i32) -> Result<u64> {
    let mut mask = 0u64;
    // SAFETY: the kernel writes the eight bytes that it is told of.
    unsafe { ptrace(PTRACE_GETSIGMASK, tid, size_of::<u64>(), ptr::from_mut(&mut mask) as usize)? };
    Ok(mask)
}

/// Replaces the signals that a stopped thread has blocked (PTRACE_SETSIGMASK).
///
/// # Errors
/// ESRCH where it is not stopped or is gone.
pub fn set_signal_mask(tid: i32, mask: u64) -> Result<()> {
    check(Call::SetSigmask)?;
    // SAFETY: the kernel reads the eight bytes that it is told of.
    unsafe { ptrace(PTRACE_SETSIGMASK, tid, size_of::<u64>(), ptr::from_ref(&mask) as usize) }
}

/// Replaces what is said of the signal that a thread is stopped with (PTRACE_SETSIGINFO).
///
/// # Errors
/// EINVAL where the stop is no signal's, ESRCH where it is not stopped or is gone.
pub fn set_signal_info(tid: i32, info: &SigInfo) -> Result<()> {
    let bytes = SigInfo::from_bytes(info.as_bytes());
    // SAFETY: the kernel reads a siginfo_t, which is 128 bytes, as many as `from_bytes` makes it.
    unsafe { ptrace(libc::PTRACE_SETSIGINFO, tid, 0, bytes.as_bytes().as_ptr() as usize) }
}

/// The address of a stopped thread's `struct rseq` (PTRACE_GET_RSEQ_CONFIGURATION, Linux 5.13); `None` where it has none.
///
/// # Errors
/// EIO on older kernels, ESRCH where it is not stopped or is gone.
pub fn restartable_sequence(tid: i32) -> Result<Option<u64>> {
    /// `struct ptrace_rseq_configuration` (include/uapi/linux/ptrace.h).
    #[repr(C)]
    #[derive(Default)]
    struct Configuration {
        pointer: u64,
        size: u32,
        signature: u32,
        flags: u32,
        pad: u32,
    }
    let mut configuration = Configuration::default();
    let size = size_of::<Configuration>();
    // SAFETY: the kernel writes at most `size` bytes, which is all of the structure.
    unsafe { ptrace(PTRACE_GET_RSEQ_CONFIGURATION, tid, size, ptr::from_mut(&mut configuration) as usize)? };
    Ok(Some(configuration.pointer).filter(|&pointer| pointer != 0))
}
