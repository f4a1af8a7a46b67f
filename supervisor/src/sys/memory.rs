//! Reading the memory of another process.

use super::failure::{Call, check};
use super::{Errno, Result};

/// Reads into `buf` from `address` of process `pid` on (process_vm_readv(2)), from any thread. What is returned is
/// short where a page in the middle cannot be read.
///
/// # Errors
/// EFAULT where not even the first byte can be read, EPERM where the access check fails, ESRCH where it is gone.
pub fn read_process_memory(pid: i32, address: u64, buf: &mut [u8]) -> Result<usize> {
    check(Call::ReadMemory)?;
    let local = libc::iovec { iov_base: buf.as_mut_ptr().cast(), iov_len: buf.len() };
    let remote = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: buf.len() };
    // SAFETY: the kernel writes into `local`, which is all of `buf`; `remote` is an address of the other process,
    // which the kernel checks.
    let read = unsafe { libc::process_vm_readv(pid, &local, 1, &remote, 1, 0) };
    Errno::result(read).map(|read| read as usize)
}
