//! What a socket is connected to, out of `/proc/PID/net` (proc_pid_net(5)).

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;

use dpdb_snapshot::Text;
use procfs::FromBufReadSI;
use procfs::net::{TcpNetEntries, TcpState, UdpNetEntries};

use super::ProcDir;

/// The most lines that are looked at in each table: a busy server has a million connections.
const MOST_LINES: usize = 200_000;

/// Describes the sockets with the given inode numbers as far as the tables know them. The tables are those of the
/// process's own network namespace.
pub(super) fn describe(dir: &mut ProcDir, mut wanted: HashMap<u64, Option<String>>) -> HashMap<u64, Option<String>> {
    let mut missing = wanted.len();
    for table in ["unix", "tcp", "tcp6", "udp", "udp6"] {
        if missing == 0 {
            break;
        }
        let name = format!("net/{table}");
        let file = match File::open(dir.path(&name)) {
            Ok(file) => file,
            // A kernel without IPv6 has no such table.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && table.ends_with('6') => continue,
            Err(error) => {
                dir.failed("cannot read", &name, &error);
                continue;
            }
        };
        for line in BufReader::new(file).split(b'\n').skip(1).take(MOST_LINES).map_while(Result::ok) {
            let found = if table == "unix" { unix_line(&line) } else { inet_line(table, &line) };
            let Some((inode, description)) = found else { continue };
            if let Some(place @ None) = wanted.get_mut(&inode) {
                *place = Some(description);
                missing -= 1;
            }
        }
    }
    wanted
}

/// `Num: RefCount Protocol Flags Type St Inode Path`. Ours, since procfs drops the flags, which tell who listens.
fn unix_line(line: &[u8]) -> Option<(u64, String)> {
    let text = Text(line.to_vec()).to_string();
    let mut fields = text.split_ascii_whitespace().skip(4);
    let kind = match fields.next()? {
        "0001" => "stream",
        "0002" => "datagram",
        "0005" => "seqpacket",
        _ => "socket",
    };
    // include/uapi/linux/net.h, socket_state. A listening socket shows as unconnected, with `__SO_ACCEPTCON` set.
    let state = match (fields.next()?, text.split_ascii_whitespace().nth(3)?) {
        (_, "00010000") => "LISTEN",
        ("01", _) => "UNCONNECTED",
        ("02", _) => "CONNECTING",
        ("03", _) => "CONNECTED",
        ("04", _) => "DISCONNECTING",
        _ => "FREE",
    };
    let inode = fields.next()?.parse().ok()?;
    let path = fields.next().map(|path| format!(" {path}")).unwrap_or_default();
    Some((inode, format!("unix {kind} {state}{path}")))
}

/// A line of the tables of tcp and udp.
fn inet_line(table: &str, line: &[u8]) -> Option<(u64, String)> {
    // The parsers skip a table's head. A line at a time: one that they do not understand is not to cost the others,
    // nor is a table of a million to be held whole.
    let headed = b"\n".chain(line);
    let machine = procfs::current_system_info();
    if table.starts_with("tcp") {
        let entry = TcpNetEntries::from_buf_read(headed, machine).ok()?.0.pop()?;
        let connection = connection(table, entry.local_address, entry.remote_address);
        return Some((entry.inode, format!("{connection} {}", tcp_state(&entry.state))));
    }
    let entry = UdpNetEntries::from_buf_read(headed, machine).ok()?.0.pop()?;
    Some((entry.inode, connection(table, entry.local_address, entry.remote_address)))
}

fn connection(table: &str, local: SocketAddr, remote: SocketAddr) -> String {
    if remote.port() == 0 { format!("{table} {local}") } else { format!("{table} {local} -> {remote}") }
}

/// The kernel's own names (include/net/tcp_states.h).
fn tcp_state(state: &TcpState) -> &'static str {
    match state {
        TcpState::Established => "ESTABLISHED",
        TcpState::SynSent => "SYN_SENT",
        TcpState::SynRecv => "SYN_RECV",
        TcpState::FinWait1 => "FIN_WAIT1",
        TcpState::FinWait2 => "FIN_WAIT2",
        TcpState::TimeWait => "TIME_WAIT",
        TcpState::Close => "CLOSE",
        TcpState::CloseWait => "CLOSE_WAIT",
        TcpState::LastAck => "LAST_ACK",
        TcpState::Listen => "LISTEN",
        TcpState::Closing => "CLOSING",
        TcpState::NewSynRecv => "NEW_SYN_RECV",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_as_the_kernel_writes_them() {
        let line =
            b"   0: 0100007F:18EB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100";
        assert_eq!(inet_line("tcp", line), Some((4711, "tcp 127.0.0.1:6379 LISTEN".to_owned())));
        let line =
            b"   0: 00000000000000000000000001000000:0016 B80D01200000000000000000AB000000:D431 01 0:0 00:0 0 0 0 12 1 0";
        let (inode, description) = inet_line("tcp6", line).unwrap();
        assert_eq!((inode, description.as_str()), (12, "tcp6 [::1]:22 -> [2001:db8::ab]:54321 ESTABLISHED"));
        let line = b"0000000000000000: 00000002 00000000 00010000 0001 01 9 /run/x";
        assert_eq!(unix_line(line), Some((9, "unix stream LISTEN /run/x".to_owned())));
        let line = b"0000000000000000: 00000002 00000000 00000000 0002 01 9 @\x1b[31m";
        assert_eq!(unix_line(line).unwrap().1, "unix datagram UNCONNECTED @\\u{1b}[31m");
        for broken in [&b""[..], b"0: x y z", b"0: 0100007F:18EB 00000000:0000 0A"] {
            assert_eq!(inet_line("tcp", broken), None);
            assert_eq!(unix_line(broken), None);
        }
    }
}
