//! The memory mappings of a process, out of `/proc/PID/smaps` (proc_pid_smaps(5)).

use std::io::{self, BufRead};

use dpdb_snapshot::process::Permissions;
use dpdb_snapshot::{AddressRange, Mapping, Text};

/// The most mappings that are looked at. `vm.max_map_count` is 65,530 unless an administrator raised it; some
/// databases ask for 262,144 and more.
pub const MAX_MAPPINGS: usize = 1 << 20;

/// A mapping, with the amounts that `smaps` counts in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MappedMemory {
    /// Where it is, and what it is of.
    pub mapping: Mapping,
    /// Bytes of it that are in memory and mapped by this process (`Rss`, or hugetlb pages, which `Rss` leaves out).
    pub resident: u64,
    /// Bytes that belong to this process and not to a file (`Anonymous`).
    pub anonymous: u64,
    /// Bytes that were swapped out (`Swap`).
    pub swapped: u64,
    /// Why it cannot be had any more, where a clone of the process is read.
    pub lost: Option<String>,
}

impl MappedMemory {
    /// Whether `VmFlags` has this two-letter flag.
    pub fn has_flag(&self, flag: &str) -> bool {
        self.mapping.flags.split(' ').any(|found| found == flag)
    }

    /// Whether a file lies under it. Shared memory always has one, be it one of the kernel's own.
    pub fn has_file(&self) -> bool {
        self.mapping.inode != 0 || self.mapping.device != (0, 0)
    }

    /// Whether pages of its own were made in it: what the kernel's `vma->anon_vma` tells. The two part where all
    /// such pages were given back (`MADV_DONTNEED`), and then the file or zeros are its content again.
    pub fn was_written(&self) -> bool {
        self.anonymous > 0 || self.swapped > 0
    }
}

/// The table, and what was wrong with it.
#[derive(Debug, Default)]
pub struct MappingTable {
    /// Ascending, as the kernel gives them.
    pub mappings: Vec<MappedMemory>,
    /// A sentence, where the table was cut off or a line was not understood.
    pub complaint: Option<String>,
}

/// Reads the text of `smaps`. The text of `maps` will do too, but then flags and amounts are missing.
///
/// # Errors
/// Where reading fails; lines that are not understood are skipped and reported in the table.
pub fn read_mapping_table(text: impl BufRead) -> io::Result<MappingTable> {
    let mut table = MappingTable::default();
    for line in text.split(b'\n') {
        let line = line?;
        if is_field(&line) {
            if let Some(last) = table.mappings.last_mut() {
                read_field(&line, last);
            }
            continue;
        }
        if line.is_empty() {
            continue;
        }
        if table.mappings.len() == MAX_MAPPINGS {
            table.complaint = Some(format!("only the first {MAX_MAPPINGS} mappings were looked at"));
            break;
        }
        match parse_mapping(&line) {
            Some(mapping) => table.mappings.push(MappedMemory { mapping, ..MappedMemory::default() }),
            None => table.complaint = Some(format!("a mapping was not understood: {}", Text(line))),
        }
    }
    Ok(table)
}

/// Whether a line is a field (`Rss:   8 kB`) and not the head of a mapping (`7f00-7f01 r--p …`): a head has no colon
/// in its first word.
fn is_field(line: &[u8]) -> bool {
    line.iter().find(|&&byte| byte == b':' || byte == b' ') == Some(&b':')
}

fn read_field(line: &[u8], last: &mut MappedMemory) {
    let Ok(line) = std::str::from_utf8(line) else { return };
    let Some((name, value)) = line.split_once(':') else { return };
    let bytes = || {
        let kilobytes = value.trim().strip_suffix("kB").and_then(|number| number.trim().parse::<u64>().ok());
        kilobytes.unwrap_or(0).saturating_mul(1024)
    };
    match name {
        "Rss" => last.resident += bytes(),
        "Shared_Hugetlb" | "Private_Hugetlb" => last.resident += bytes(),
        "Anonymous" => last.anonymous = bytes(),
        "Swap" => last.swapped = bytes(),
        "VmFlags" => last.mapping.flags = value.trim().to_owned(),
        _ => {}
    }
}

/// The head of a mapping: `7f58c7ec5000-7f58c7ec7000 rw-p 00033000 fe:00 325843      /usr/lib/ld.so`.
fn parse_mapping(line: &[u8]) -> Option<Mapping> {
    let mut fields = line.splitn(6, |&byte| byte == b' ');
    let mut field = || fields.next().and_then(|field| std::str::from_utf8(field).ok());
    let (start, end) = field()?.split_once('-')?;
    let permissions = parse_permissions(field()?)?;
    let offset = u64::from_str_radix(field()?, 16).ok()?;
    let (major, minor) = field()?.split_once(':')?;
    let inode = field()?.parse().ok()?;
    let path = fields.next().unwrap_or_default();
    let padding = path.iter().take_while(|&&byte| byte == b' ').count();
    Some(Mapping {
        range: AddressRange::new(u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?),
        permissions,
        offset,
        device: (u32::from_str_radix(major, 16).ok()?, u32::from_str_radix(minor, 16).ok()?),
        inode,
        path: Text(unescape(&path[padding..])),
        ..Mapping::default()
    })
}

fn parse_permissions(letters: &str) -> Option<Permissions> {
    let [read, write, execute, shared] = letters.as_bytes() else { return None };
    Some(Permissions { read: *read == b'r', write: *write == b'w', execute: *execute == b'x', shared: *shared == b's' })
}

/// The kernel writes a newline in a path as `\012`, and escapes nothing else (fs/proc/task_mmu.c, `show_map_vma`).
fn unescape(path: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&first, tail)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(b"\\012") {
            plain.push(b'\n');
            rest = after;
        } else {
            plain.push(first);
            rest = tail;
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_keeps_its_path_whatever_bytes_it_has() {
        for (line, path) in [
            (
                &b"1000-2000 r--p 00000000 fe:00 7                          /a file: with\\012newline"[..],
                &b"/a file: with\nnewline"[..],
            ),
            (b"1000-2000 r--p 00000000 fe:00 7                          /caf\xe9 (deleted)", b"/caf\xe9 (deleted)"),
            (b"1000-2000 rw-p 00000000 00:00 0 ", b""),
            (b"1000-2000 rw-p 00000000 00:00 0", b""),
        ] {
            let table = read_mapping_table(line).unwrap();
            assert_eq!(table.complaint, None);
            assert_eq!(table.mappings[0].mapping.path.as_bytes(), path);
            assert_eq!(table.mappings[0].mapping.range, AddressRange::new(0x1000, 0x2000));
        }
    }

    #[test]
    fn amounts_and_flags_belong_to_the_mapping_above_them() {
        let text = "1000-3000 rw-p 00000000 00:00 0 [heap]\nRss:   8 kB\nAnonymous:  4 kB\nSwap: 4 kB\nVmFlags: rd wr dd \n\
                    5000-6000 rw-s 00001000 00:01 99 /dev/zero (deleted)\nRss: 0 kB\nVmFlags: rd sh ht\nPrivate_Hugetlb: 2048 kB\n";
        let table = read_mapping_table(text.as_bytes()).unwrap();
        let [heap, shared] = &table.mappings[..] else { panic!("{table:?}") };
        assert_eq!((heap.resident, heap.anonymous, heap.swapped), (8192, 4096, 4096));
        assert!(heap.has_flag("dd") && heap.was_written() && !heap.has_file());
        assert!(shared.has_file() && shared.has_flag("ht") && !shared.was_written());
        assert_eq!(shared.resident, 2 << 20);
        assert_eq!(shared.mapping.offset, 0x1000);
    }

    #[test]
    fn a_line_that_is_no_mapping_is_reported_and_skipped() {
        let table = read_mapping_table(&b"zzzz nonsense\n1000-2000 rw-p 0 0:0 0\n\n"[..]).unwrap();
        assert_eq!(table.mappings.len(), 1);
        assert!(table.complaint.unwrap().contains("zzzz nonsense"));
    }

    #[test]
    fn our_own_table_reads_without_complaint() {
        let own = std::fs::File::open("/proc/self/smaps").unwrap();
        let table = read_mapping_table(io::BufReader::new(own)).unwrap();
        assert_eq!(table.complaint, None);
        assert!(table.mappings.iter().any(|found| found.mapping.path == Text::from("[stack]") && found.was_written()));
        assert!(table.mappings.iter().any(|found| found.mapping.path == Text::from("[vdso]") && found.has_flag("de")));
    }
}
