//! What a socket is connected to, out of `/proc/PID/net` (proc_pid_net(5)).

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use dpdb_snapshot::Text;

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

/// `Num: RefCount Protocol Flags Type St Inode Path`.
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

/// `sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode`.
fn inet_line(table: &str, line: &[u8]) -> Option<(u64, String)> {
    let line = std::str::from_utf8(line).ok()?;
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let local = parse_address(fields.get(1)?)?;
    let remote = parse_address(fields.get(2)?)?;
    let inode = fields.get(9)?.parse().ok()?;
    let mut description = format!("{table} {local}");
    if remote.port() != 0 {
        description.push_str(&format!(" -> {remote}"));
    }
    if table.starts_with("tcp") {
        description.push(' ');
        description.push_str(tcp_state(fields.get(3)?));
    }
    Some((inode, description))
}

/// include/net/tcp_states.h.
fn tcp_state(code: &str) -> &'static str {
    const STATES: [&str; 12] = [
        "ESTABLISHED",
        "SYN_SENT",
        "SYN_RECV",
        "FIN_WAIT1",
        "FIN_WAIT2",
        "TIME_WAIT",
        "CLOSE",
        "CLOSE_WAIT",
        "LAST_ACK",
        "LISTEN",
        "CLOSING",
        "NEW_SYN_RECV",
    ];
    let number = usize::from_str_radix(code, 16).unwrap_or(0);
    number.checked_sub(1).and_then(|index| STATES.get(index)).copied().unwrap_or("UNKNOWN")
}

/// `0100007F:1F90`: the address as 32-bit words in the machine's byte order, the port as a number.
fn parse_address(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| u32::from_str_radix(address.get(at..at + 8)?, 16).ok();
    let address = match address.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?.to_ne_bytes())),
        32 => {
            let mut bytes = [0; 16];
            for (index, quarter) in bytes.chunks_exact_mut(4).enumerate() {
                quarter.copy_from_slice(&word(index * 8)?.to_ne_bytes());
            }
            IpAddr::V6(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some(SocketAddr::new(address, port))
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
            b"   0: 00000000000000000000000001000000:0016 B80D01200000000000000000AB000000:D431 01 0:0 00:0 0 0 0 12";
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
