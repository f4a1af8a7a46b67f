//! Making a file appear under its name in one step, relative to a directory that stays the same whatever it is
//! called by now.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::fcntl::{AtFlags, FcntlArg, OFlag, RenameFlags, fcntl, open, openat, renameat2};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::stat::{Mode, fstat};
use nix::sys::statvfs::fstatvfs;
use nix::sys::uio::pread;
use nix::unistd::{self, UnlinkatFlags, Whence, lseek};

use super::failure::{Call, check};
use super::{Errno, Result};

/// A file without a name, in memory (memfd_create(2)).
///
/// # Errors
/// EMFILE, ENOMEM, and ENOSYS where a filter forbids it.
pub fn file_in_memory() -> Result<File> {
    memfd_create(c"dpdb-trace", MFdFlags::MFD_CLOEXEC).map(File::from)
}

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
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        open(path, flags, Mode::empty()).map(Directory)
    }

    /// Whether anybody may write to it and take away what others made there: it has no sticky bit (inode(7)).
    ///
    /// # Errors
    /// EIO and its like.
    pub fn is_everybodys(&self) -> Result<bool> {
        let mode = Mode::from_bits_truncate(fstat(&self.0)?.st_mode);
        Ok(mode.contains(Mode::S_IWOTH) && !mode.contains(Mode::S_ISVTX))
    }

    /// Makes a file that was not there, for its owner alone (0600), and follows no link.
    ///
    /// # Errors
    /// EEXIST where the name is taken; ENOSPC, EROFS, EACCES and their like.
    pub fn create(&self, name: &str) -> Result<File> {
        check(Call::Create)?;
        let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        openat(&self.0, name, flags, Mode::S_IRUSR | Mode::S_IWUSR).map(File::from)
    }

    /// Renames within the directory and replaces nothing (renameat2(2), RENAME_NOREPLACE).
    ///
    /// # Errors
    /// EEXIST where `to` is taken, EINVAL where the file system cannot tell.
    pub fn rename_without_replacing(&self, from: &str, to: &str) -> Result<()> {
        check(Call::Rename)?;
        renameat2(&self.0, from, &self.0, to, RenameFlags::RENAME_NOREPLACE)
    }

    /// Gives a file a second name, where that is free (linkat(2)).
    ///
    /// # Errors
    /// EEXIST where `to` is taken, EPERM where the file system has no hard links.
    pub fn link(&self, from: &str, to: &str) -> Result<()> {
        check(Call::Link)?;
        unistd::linkat(&self.0, from, &self.0, to, AtFlags::empty())
    }

    /// The bytes of its file system that are free for us, and all (fstatvfs(3)).
    ///
    /// # Errors
    /// EIO, ENOSYS and their like.
    pub fn room(&self) -> Result<(u64, u64)> {
        let room = fstatvfs(&self.0)?;
        #[allow(clippy::useless_conversion, reason = "the fields are 32 bits wide on other architectures")]
        let bytes = |blocks| u64::from(blocks).saturating_mul(u64::from(room.fragment_size()));
        Ok((bytes(room.blocks_available()), bytes(room.blocks())))
    }

    /// Takes a name away (unlinkat(2)).
    ///
    /// # Errors
    /// ENOENT, EACCES and their like.
    pub fn remove(&self, name: &str) -> Result<()> {
        unistd::unlinkat(&self.0, name, UnlinkatFlags::NoRemoveDir)
    }

    /// Makes the names in it last (fsync(2)).
    ///
    /// # Errors
    /// EINVAL where the file system cannot, EIO.
    pub fn sync(&self) -> Result<()> {
        unistd::fsync(&self.0)
    }
}

/// Marks a file as in use, for as long as this opening of it lasts (fcntl(2), F_OFD_SETLK). File systems that know no
/// locks have none.
pub fn lock_while_open(file: &File) {
    let _ = fcntl(file, FcntlArg::F_OFD_SETLK(&whole(libc::F_WRLCK)));
}

/// Whether anybody has marked a file so (F_OFD_GETLK).
///
/// # Errors
/// EINVAL, ENOLCK and their like, where the file system cannot tell.
pub fn is_locked(file: &File) -> Result<bool> {
    let mut lock = whole(libc::F_RDLCK);
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock))?;
    Ok(i32::from(lock.l_type) != libc::F_UNLCK)
}

/// A lock of all bytes of a file.
fn whole(kind: i32) -> libc::flock {
    libc::flock { l_type: kind as i16, l_whence: libc::SEEK_SET as i16, l_start: 0, l_len: 0, l_pid: 0 }
}

/// Makes the contents of a file last (fsync(2)).
///
/// # Errors
/// EIO, ENOSPC, EDQUOT: some file systems find out only now that there is no room.
pub fn sync_file(file: &File) -> Result<()> {
    check(Call::Sync)?;
    unistd::fsync(file)
}

/// Writes some of `bytes` (write(2)).
///
/// # Errors
/// ENOSPC, EDQUOT, EIO and their like.
pub fn write(file: &File, bytes: &[u8]) -> Result<usize> {
    check(Call::Write)?;
    unistd::write(file, bytes)
}

/// Reads some bytes of a file from `offset` on (pread(2)).
///
/// # Errors
/// EIO and its like.
pub fn read_at(file: &File, offset: u64, buf: &mut [u8]) -> Result<usize> {
    check(Call::ReadAt)?;
    // An offset past i64::MAX is a negative one to the kernel, which `/proc/PID/mem` takes for the address that it is
    // (fs/proc/base.c, `mem_lseek`).
    pread(file, buf, offset as i64)
}

/// Where the next bytes of a file that are no hole begin and end, from `offset` on (lseek(2), SEEK_DATA and
/// SEEK_HOLE); `None` past the last.
///
/// # Errors
/// EINVAL where the file system cannot tell.
pub fn next_data(file: &File, offset: u64) -> Result<Option<(u64, u64)>> {
    check(Call::SeekData)?;
    let offset = i64::try_from(offset).map_err(|_| Errno::EINVAL)?;
    let start = match lseek(file, offset, Whence::SeekData) {
        Err(Errno::ENXIO) => return Ok(None),
        start => start?,
    };
    let end = lseek(file, start, Whence::SeekHole)?;
    Ok(Some((start as u64, end as u64)))
}
