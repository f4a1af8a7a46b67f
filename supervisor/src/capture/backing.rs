//! What lies under a mapping, as far as it matters for reading it: some pages cost memory, or a wait, to read.

use std::collections::{HashMap, HashSet};

use procfs::process::MountInfo;

use super::mapping_table::MappedMemory;

/// What lies under a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backing {
    /// Nothing: pages that were never touched are zeros, and nobody else can fill them.
    Anonymous,
    /// The kernel's shared memory (memfd, `MAP_SHARED | MAP_ANONYMOUS`, System V, tmpfs): reading a page that nobody
    /// touched yet allocates it for good.
    SharedMemory,
    /// The huge page pool: reading takes pages out of it.
    HugePages,
    /// A file in the processor's address space, which bits 7 and 8 of coredump_filter are about.
    Dax,
    /// A file of a local disk, or the kernel's own image: pages that were never touched have contents.
    File,
    /// A file behind a server or another process, whose answer may never come; the name of its file system.
    RemoteFile(String),
}

/// File systems whose reads wait for a server or a process, which may itself be stopped or dead.
const REMOTE: [&str; 12] =
    ["nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "afs", "lustre", "gfs2", "ocfs2", "autofs"];

/// What is mounted, by device number: the file system of each, and the devices mounted for direct access.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mounts {
    file_systems: HashMap<(u32, u32), String>,
    dax: HashSet<(u32, u32)>,
}

impl Mounts {
    /// Reads the text of `/proc/PID/mountinfo` (proc_pid_mountinfo(5)); lines that are not understood are skipped.
    pub fn parse(mountinfo: &[u8]) -> Mounts {
        let mut mounts = Mounts::default();
        for line in mountinfo.split(|&byte| byte == b'\n') {
            let Ok(mount) = MountInfo::from_line(&String::from_utf8_lossy(line)) else { continue };
            let Some(device) = parse_device(&mount.majmin) else { continue };
            // xfs(5) and ext4(5): `dax` and `dax=always`; with `dax=inode` only the file itself knows.
            if let Some(None) | Some(Some("always")) = mount.super_options.get("dax").map(Option::as_deref) {
                mounts.dax.insert(device);
            }
            mounts.file_systems.insert(device, mount.fs_type);
        }
        mounts
    }

    /// What lies under `memory`.
    pub fn backing(&self, memory: &MappedMemory) -> Backing {
        let path = memory.mapping.path.as_bytes();
        if memory.has_flag("ht") {
            return Backing::HugePages;
        }
        // The kernel's own images are made of pages that it put there, touched or not.
        if path == b"[vdso]" || path == b"[uprobes]" {
            return Backing::File;
        }
        // drivers/char/mem.c, `mmap_zero`: a private mapping of /dev/zero is anonymous memory with a name.
        if !memory.has_file() || (path == b"/dev/zero" && !memory.mapping.permissions.shared) {
            return Backing::Anonymous;
        }
        if path.starts_with(b"/dev/dax") || self.dax.contains(&memory.mapping.device) {
            return Backing::Dax;
        }
        if is_kernels_own(path) {
            return Backing::SharedMemory;
        }
        match self.file_systems.get(&memory.mapping.device).map(String::as_str) {
            Some("tmpfs" | "ramfs" | "rootfs") => Backing::SharedMemory,
            Some(kind) if kind.starts_with("fuse") || REMOTE.contains(&kind) => Backing::RemoteFile(kind.to_owned()),
            _ => Backing::File,
        }
    }
}

/// Files of the mount that only the kernel has (mm/shmem.c, `shm_mnt`); mountinfo does not list it.
fn is_kernels_own(path: &[u8]) -> bool {
    let prefixes: [&[u8]; 5] = [b"/memfd:", b"/dev/zero", b"/SYSV", b"[anon_shmem:", b"/dev/shm/"];
    prefixes.iter().any(|prefix| path.starts_with(prefix))
}

fn parse_device(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::mapping_table::read_mapping_table;

    const MOUNTS: &[u8] = b"36 35 254:0 / / rw,noatime master:1 - ext4 /dev/root rw,errors=continue\n\
        37 36 0:31 / /tmp rw - tmpfs tmpfs rw,size=1k\n\
        38 36 0:40 / /home/x/a\\040b rw shared:7 - fuse.sshfs host:/ rw,user_id=0\n\
        39 36 0:41 / /net rw - nfs4 host:/ rw\n\
        40 36 259:1 / /pmem rw - xfs /dev/pmem0 rw,attr2,dax=always\nnonsense\n";

    #[test]
    fn what_lies_under_a_mapping_is_known_by_path_flag_and_mount() {
        for (line, backing) in [
            ("1000-2000 rw-p 00000000 00:00 0 [heap]", Backing::Anonymous),
            ("1000-2000 r--p 00000000 fe:00 7 /usr/lib/libc.so.6", Backing::File),
            ("1000-3000 r-xp 00000000 00:00 0 [vdso]\nRss: 4 kB", Backing::File),
            ("1000-2000 rw-s 00000000 00:01 9 /dev/zero (deleted)", Backing::SharedMemory),
            ("1000-2000 rw-p 00000000 00:05 9 /dev/zero", Backing::Anonymous),
            ("1000-2000 rw-s 00000000 00:01 9 /memfd:x (deleted)", Backing::SharedMemory),
            ("1000-2000 rw-s 00000000 00:01 9 /SYSV00000000 (deleted)", Backing::SharedMemory),
            ("1000-2000 rw-s 00000000 00:01 9 [anon_shmem:pool]", Backing::SharedMemory),
            ("1000-2000 rw-s 00000000 00:1f 9 /tmp/x", Backing::SharedMemory),
            ("1000-2000 r--p 00000000 00:28 9 /home/x/a b/lib.so", Backing::RemoteFile("fuse.sshfs".to_owned())),
            ("1000-2000 r--p 00000000 00:29 9 /net/lib.so", Backing::RemoteFile("nfs4".to_owned())),
            ("1000-2000 rw-s 00000000 103:01 9 /pmem/x", Backing::Dax),
            ("1000-2000 rw-p 00000000 00:10 9 /anon_hugepage (deleted)\nVmFlags: rd ht", Backing::HugePages),
        ] {
            let table = read_mapping_table(line.as_bytes()).unwrap();
            assert_eq!(Mounts::parse(MOUNTS).backing(&table.mappings[0]), backing, "{line}");
        }
    }
}
