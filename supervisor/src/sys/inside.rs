//! Opening files as another process sees them, and no more of them than it may see.

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat, openat2};
use nix::sys::stat::{Mode, SFlag, fstat};
use nix::unistd::{Gid, Uid, setfsgid, setfsuid};

use super::{Errno, Result, effective_user};
use crate::proc::proc_dir;

/// The root directory of a process: what absolute paths begin at for it.
#[derive(Debug)]
pub struct ProcessRoot {
    directory: OwnedFd,
    is_ours: bool,
}

impl ProcessRoot {
    /// That of process `pid` (proc_pid_root(5)).
    ///
    /// # Errors
    /// ENOENT where it is gone, EACCES where we may not look.
    pub fn of(pid: i32) -> Result<ProcessRoot> {
        let open = |path: &Path| open(path, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty());
        let (directory, ours) = (open(&proc_dir(pid).join("root"))?, open(Path::new("/"))?);
        let (its, own) = (fstat(&directory)?, fstat(&ours)?);
        Ok(ProcessRoot { directory, is_ours: (its.st_dev, its.st_ino) == (own.st_dev, own.st_ino) })
    }

    /// Whether it is our own root.
    pub fn is_ours(&self) -> bool {
        self.is_ours
    }

    /// Opens the regular file that an absolute path names for the process, for reading, if this user may read it.
    ///
    /// Only what is a regular file is opened: to open a device or a FIFO can already do something. The path is followed
    /// within the root (openat2(2), RESOLVE_IN_ROOT), else an absolute link in a container would lead to a file of ours.
    ///
    /// # Errors
    /// ENOENT, EACCES and their like; EINVAL for what is no regular file.
    pub fn open_regular(&self, path: &Path, user: u32, group: u32) -> Result<File> {
        let _as_them = FileSystemUser::become_(user, group);
        let found = self.find(path)?;
        if SFlag::from_bits_truncate(fstat(&found)?.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
            return Err(Errno::EINVAL);
        }
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let again = format!("/proc/self/fd/{}", found.as_raw_fd());
        open(again.as_str(), flags, Mode::empty()).map(File::from)
    }

    /// The file itself, not yet opened for anything.
    fn find(&self, path: &Path) -> Result<OwnedFd> {
        let flags = OFlag::O_PATH | OFlag::O_CLOEXEC;
        let resolve = ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS;
        match openat2(&self.directory, path, OpenHow::new().flags(flags).resolve(resolve)) {
            // Kernels before 5.6, and filters of containers that do not know the call.
            Err(Errno::ENOSYS | Errno::EPERM) if self.is_ours => openat(&self.directory, path, flags, Mode::empty()),
            other => other,
        }
    }
}

/// While this lives, files are opened by this thread with the rights of another user (setfsuid(2)), where we are root
/// and that one is not: what a process names must not make us read what it could not.
struct FileSystemUser(Option<(Uid, Gid)>);

impl FileSystemUser {
    fn become_(user: u32, group: u32) -> FileSystemUser {
        if effective_user() != 0 || user == 0 {
            return FileSystemUser(None);
        }
        // The group first: as another user we may not change it.
        let group = setfsgid(Gid::from_raw(group));
        FileSystemUser(Some((setfsuid(Uid::from_raw(user)), group)))
    }
}

impl Drop for FileSystemUser {
    fn drop(&mut self) {
        if let Some((user, group)) = self.0 {
            setfsuid(user);
            setfsgid(group);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_regular_files_are_opened_and_only_with_the_rights_of_the_process() {
        let root = ProcessRoot::of(std::process::id() as i32).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let (file, fifo) = (directory.path().join("a.py"), directory.path().join("fifo"));
        fs::write(&file, "x = 1\n").unwrap();
        nix::unistd::mkfifo(&fifo, Mode::S_IRWXU).unwrap();
        let (us, our_group) = (effective_user(), super::super::effective_group());
        let mut text = String::new();
        root.open_regular(&file, us, our_group).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "x = 1\n");
        for (what, errno) in [(fifo.as_path(), Errno::EINVAL), (Path::new("/dev/null"), Errno::EINVAL)] {
            assert_eq!(root.open_regular(what, us, our_group).unwrap_err(), errno, "{what:?}");
        }
        assert_eq!(root.open_regular(&file.join("b"), us, our_group).unwrap_err(), Errno::ENOTDIR);
        // The rights of somebody else count for root alone: nobody else could lend them.
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        let as_nobody = root.open_regular(&file, 65534, 65534);
        assert_eq!(as_nobody.is_err(), us == 0);
        root.open_regular(&file, us, our_group).expect("our rights are back");
    }
}
