//! Reading the memory of another process.

use std::io::IoSliceMut;

use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;

use super::Result;
use super::failure::{Call, check};

/// Reads into `buf` from `address` of process `pid` on (process_vm_readv(2)), from any thread. What is returned is
/// short where a page in the middle cannot be read.
///
/// # Errors
/// EFAULT where not even the first byte can be read, EPERM where the access check fails, ESRCH where it is gone.
pub fn read_process_memory(pid: i32, address: u64, buf: &mut [u8]) -> Result<usize> {
    check(Call::ReadMemory)?;
    let remote = RemoteIoVec { base: address as usize, len: buf.len() };
    process_vm_readv(Pid::from_raw(pid), &mut [IoSliceMut::new(buf)], &[remote])
}
