//! Making a file appear under its name in one step, relative to a directory that stays the same whatever it is
//! called by now.

use std::ffi::CString;
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::failure::{Call, check, done};
use super::{Errno, Result};

/// A directory that files are made in.
#[derive(Debug)]
pub struct Directory(OwnedFd);

impl Directory {
    /// Opens a directory (O_DIRECTORY).
    ///
    /// # Errors
    /// ENOENT, ENOTDIR, EACCES and their like.
    pub fn open(path: &Path) -> Result<Directory> {
        check(Call::OpenDirectory)?;
        let path = c_string(path.as_os_str().as_bytes())?;
        // SAFETY: a C string that lives on; a descriptor that it returns is ours alone.
        let fd = done(unsafe { libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC) })?;
        // SAFETY: as above.
        Ok(Directory(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Makes a file that was not there, for its owner alone (0600), and follows no link.
    ///
    /// # Errors
    /// EEXIST where the name is taken; ENOSPC, EROFS, EACCES and their like.
    pub fn create(&self, name: &str) -> Result<File> {
        check(Call::Create)?;
        let name = c_string(name.as_bytes())?;
        let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW | libc::O_CLOEXEC;
        // SAFETY: a C string that lives on; a descriptor that it returns is ours alone.
        let fd = done(unsafe { libc::openat(self.0.as_raw_fd(), name.as_ptr(), flags, 0o600 as libc::mode_t) })?;
        // SAFETY: as above.
        Ok(File::from(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Renames within the directory and replaces nothing (renameat2(2), RENAME_NOREPLACE).
    ///
    /// # Errors
    /// EEXIST where `to` is taken, EINVAL where the file system cannot tell.
    pub fn rename_without_replacing(&self, from: &str, to: &str) -> Result<()> {
        check(Call::Rename)?;
        let (from, to) = (c_string(from.as_bytes())?, c_string(to.as_bytes())?);
        let at = self.0.as_raw_fd();
        // SAFETY: C strings that live on.
        let result =
            unsafe { libc::renameat2(at, from.as_ptr(), at, to.as_ptr(), libc::RENAME_NOREPLACE as libc::c_uint) };
        done(result).map(drop)
    }

    /// Gives a file a second name, where that is free (linkat(2)).
    ///
    /// # Errors
    /// EEXIST where `to` is taken, EPERM where the file system has no hard links.
    pub fn link(&self, from: &str, to: &str) -> Result<()> {
        check(Call::Link)?;
        let (from, to) = (c_string(from.as_bytes())?, c_string(to.as_bytes())?);
        let at = self.0.as_raw_fd();
        // SAFETY: C strings that live on.
        done(unsafe { libc::linkat(at, from.as_ptr(), at, to.as_ptr(), 0) }).map(drop)
    }

    /// Takes a name away (unlinkat(2)).
    ///
    /// # Errors
    /// ENOENT, EACCES and their like.
    pub fn remove(&self, name: &str) -> Result<()> {
        let name = c_string(name.as_bytes())?;
        // SAFETY: a C string that lives on.
        done(unsafe { libc::unlinkat(self.0.as_raw_fd(), name.as_ptr(), 0) }).map(drop)
    }

    /// Makes the names in it last (fsync(2)).
    ///
    /// # Errors
    /// EINVAL where the file system cannot, EIO.
    pub fn sync(&self) -> Result<()> {
        // SAFETY: no pointers.
        done(unsafe { libc::fsync(self.0.as_raw_fd()) }).map(drop)
    }
}

/// Makes the contents of a file last (fsync(2)).
///
/// # Errors
/// EIO, ENOSPC, EDQUOT: some file systems find out only now that there is no room.
pub fn sync_file(file: &File) -> Result<()> {
    check(Call::Sync)?;
    // SAFETY: no pointers.
    done(unsafe { libc::fsync(file.as_raw_fd()) }).map(drop)
}

/// Writes some of `bytes` (write(2)).
///
/// # Errors
/// ENOSPC, EDQUOT, EIO and their like.
pub fn write(file: &File, bytes: &[u8]) -> Result<usize> {
    check(Call::Write)?;
    // SAFETY: the kernel reads at most `bytes.len()` bytes.
    let written = unsafe { libc::write(file.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) };
    Errno::result(written).map(|written| written as usize)
}

/// Reads some bytes of a file from `offset` on (pread(2)).
///
/// # Errors
/// EIO and its like.
pub fn read_at(file: &File, offset: u64, buf: &mut [u8]) -> Result<usize> {
    check(Call::ReadAt)?;
    // SAFETY: the kernel writes at most `buf.len()` bytes to `buf`. An offset past i64::MAX is a negative one to it,
    // which `/proc/PID/mem` takes for the address that it is (fs/proc/base.c, `mem_lseek`).
    let read = unsafe { libc::pread(file.as_raw_fd(), buf.as_mut_ptr().cast(), buf.len(), offset as i64) };
    Errno::result(read).map(|read| read as usize)
}

/// Where the next bytes of a file that are no hole begin and end, from `offset` on (lseek(2), SEEK_DATA and
/// SEEK_HOLE); `None` past the last.
///
/// # Errors
/// EINVAL where the file system cannot tell.
pub fn next_data(file: &File, offset: u64) -> Result<Option<(u64, u64)>> {
    check(Call::SeekData)?;
    let seek = |offset: i64, whence| {
        // SAFETY: no pointers.
        Errno::result(unsafe { libc::lseek(file.as_raw_fd(), offset, whence) })
    };
    let offset = i64::try_from(offset).map_err(|_| Errno::EINVAL)?;
    let start = match seek(offset, libc::SEEK_DATA) {
        Err(Errno::ENXIO) => return Ok(None),
        start => start?,
    };
    let end = seek(start, libc::SEEK_HOLE)?;
    Ok(Some((start as u64, end as u64)))
}

fn c_string(bytes: &[u8]) -> Result<CString> {
    CString::new(bytes).map_err(|_| Errno::EINVAL)
}
