//! The open files of a process: `/proc/PID/fd` and `/proc/PID/fdinfo`.

use std::collections::HashMap;

use dpdb_snapshot::Text;
use dpdb_snapshot::process::FileDescriptor;
use procfs::process::FDTarget;

use super::{ProcDir, sockets};

/// The most open files that are described, the lowest numbers first.
const MOST_DESCRIPTORS: usize = 1 << 16;

/// All open files, by number.
pub(super) fn read(dir: &mut ProcDir) -> Vec<FileDescriptor> {
    let entries = match std::fs::read_dir(dir.path("fd")) {
        Ok(entries) => entries,
        Err(error) => {
            dir.failed("cannot list", "fd", &error);
            return Vec::new();
        }
    };
    let mut numbers: Vec<i32> =
        entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    if numbers.len() > MOST_DESCRIPTORS {
        dir.complain(format!("of {} open files only {MOST_DESCRIPTORS} are listed", numbers.len()), None);
        numbers.truncate(MOST_DESCRIPTORS);
    }
    let mut descriptors: Vec<FileDescriptor> = numbers.into_iter().filter_map(|fd| describe(dir, fd)).collect();
    name_sockets(dir, &mut descriptors);
    descriptors
}

fn describe(dir: &mut ProcDir, fd: i32) -> Option<FileDescriptor> {
    let target = dir.link(&format!("fd/{fd}"))?;
    let info = dir.read_text(&format!("fdinfo/{fd}")).unwrap_or_default();
    let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    Some(FileDescriptor {
        fd,
        target,
        position: field("pos:").and_then(|number| number.parse().ok()),
        flags: field("flags:").and_then(|octal| u32::from_str_radix(octal, 8).ok()),
        socket: None,
    })
}

fn name_sockets(dir: &mut ProcDir, descriptors: &mut [FileDescriptor]) {
    let inode = |target: &Text| match target.as_str()?.parse() {
        Ok(FDTarget::Socket(inode)) => Some(inode),
        _ => None,
    };
    let wanted: HashMap<u64, Option<String>> =
        descriptors.iter().filter_map(|found| Some((inode(&found.target)?, None))).collect();
    if wanted.is_empty() {
        return;
    }
    let described = sockets::describe(dir, wanted);
    for descriptor in descriptors {
        let inode = inode(&descriptor.target);
        descriptor.socket = inode.and_then(|inode| described.get(&inode).cloned().flatten());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;

    #[test]
    fn files_and_sockets_of_our_own_are_described() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let listener6 = std::net::TcpListener::bind("[::1]:0");
        let datagrams = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (unix, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        let file = std::fs::File::open("/proc/self/exe").unwrap();
        let mut dir = ProcDir::of(std::process::id() as i32);
        let descriptors = read(&mut dir);
        let of = |fd: i32| descriptors.iter().find(|found| found.fd == fd).unwrap();
        let socket = |fd: i32| of(fd).socket.clone().unwrap();

        assert_eq!(socket(listener.as_raw_fd()), format!("tcp {} LISTEN", listener.local_addr().unwrap()));
        if let Ok(listener6) = listener6 {
            assert_eq!(socket(listener6.as_raw_fd()), format!("tcp6 {} LISTEN", listener6.local_addr().unwrap()));
        }
        assert_eq!(socket(datagrams.as_raw_fd()), format!("udp {}", datagrams.local_addr().unwrap()));
        let (ours, theirs) = (client.local_addr().unwrap(), client.peer_addr().unwrap());
        assert_eq!(socket(client.as_raw_fd()), format!("tcp {ours} -> {theirs} ESTABLISHED"));
        assert_eq!(socket(unix.as_raw_fd()), "unix stream CONNECTED");
        assert_eq!(of(file.as_raw_fd()).target.as_path(), std::env::current_exe().unwrap());
        assert_eq!(of(file.as_raw_fd()).position, Some(0));
        assert!(of(file.as_raw_fd()).flags.unwrap() & 0o2_000_000 != 0, "O_CLOEXEC");
    }
}
