//! The memory of a stopped process.

use std::fs::File;
use std::io;

use dpdb_snapshot::{Absent, AddressRange, Avma, Memory};

use super::plan::PAGE;
use crate::sys;

/// The bytes asked for in one system call. Measured: process_vm_readv is as fast from 256 KiB to 1 MiB and slower on
/// either side; with huge pages the larger piece wins.
const PIECE: usize = 1 << 20;

/// Reads a stopped process, from any thread.
///
/// process_vm_readv(2) is the fast way, and obeys the protection of a mapping. Where it says EFAULT (a mapping
/// without `PROT_READ`), `/proc/PID/mem` reads with the kernel's force, as its own core dump does; what even that
/// cannot read is found page by page.
#[derive(Debug)]
pub struct ProcessMemory {
    pid: i32,
    /// `/proc/PID/mem`, where it could be opened.
    mem: io::Result<File>,
}

impl ProcessMemory {
    /// The memory of the process that this task (a pid, or the tid of any of its threads) belongs to.
    pub fn new(pid: i32) -> ProcessMemory {
        ProcessMemory { pid, mem: File::open(format!("/proc/{pid}/mem")) }
    }

    fn read_forced(&self, at: Avma, buf: &mut [u8]) -> io::Result<usize> {
        match &self.mem {
            Ok(file) => Ok(sys::read_at(file, at.0, buf)?),
            Err(error) => Err(error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)),
        }
    }

    fn read_piece(&self, at: Avma, buf: &mut [u8]) -> io::Result<usize> {
        match sys::read_process_memory(self.pid, at.0, buf) {
            Ok(got) if got > 0 => return Ok(got),
            Err(gone @ sys::Errno::ESRCH) => return Err(gone.into()),
            _ => {}
        }
        // A larger read may fail as a whole for one bad page at its end: what comes first is what counts.
        let to_page_end = (PAGE - at.0 % PAGE) as usize;
        let first = match self.read_forced(at, buf) {
            Ok(got) if got > 0 => return Ok(got),
            Ok(_) => io::Error::from_raw_os_error(libc::EIO),
            Err(error) => error,
        };
        if buf.len() <= to_page_end {
            return Err(first);
        }
        match self.read_forced(at, &mut buf[..to_page_end]) {
            Ok(got) if got > 0 => Ok(got),
            _ => Err(first),
        }
    }
}

impl Memory for ProcessMemory {
    fn read_some(&self, at: Avma, buf: &mut [u8]) -> Result<usize, Absent> {
        if buf.is_empty() {
            return Ok(0);
        }
        let wanted = buf.len().min(PIECE);
        self.read_piece(at, &mut buf[..wanted]).map_err(|error| {
            let page = at.0 / PAGE * PAGE;
            // Of a process that is gone, no page will ever be read again.
            let is_gone = error.raw_os_error() == Some(libc::ESRCH);
            let range = AddressRange::new(page, if is_gone { u64::MAX } else { page.saturating_add(PAGE) });
            Absent::Unreadable { range, reason: error.to_string() }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::failure::fail_once;
    use crate::sys::{Call, Errno};

    #[test]
    fn memory_reads_up_to_its_end_and_says_why_not_further() {
        let own = ProcessMemory::new(std::process::id() as i32);
        let bytes: Vec<u8> = (0..3 * PIECE).map(|index| (index % 251) as u8).collect();
        let mut copy = vec![0; bytes.len()];
        own.read(Avma(bytes.as_ptr() as u64), &mut copy).unwrap();
        assert_eq!(copy, bytes);
        let Err(Absent::Unreadable { range, reason }) = own.read_some(Avma(0x10), &mut [0; 8]) else { panic!() };
        assert_eq!(range, AddressRange::new(0, PAGE));
        assert!(reason.contains("os error"), "{reason}");
    }

    #[test]
    fn each_way_of_reading_stands_in_for_the_one_before() {
        let bytes: Vec<u8> = (0..16 << 10).map(|index| (index % 251) as u8).collect();
        let at = Avma(bytes.as_ptr() as u64);
        let to_page_end = (PAGE - at.0 % PAGE) as usize;
        let failures = [(Call::ReadMemory, Errno::EFAULT), (Call::ReadAt, Errno::EIO), (Call::ReadAt, Errno::ENXIO)];
        for (failing, expected) in [(1, Ok(bytes.len())), (2, Ok(to_page_end)), (3, Err("Input/output error"))] {
            let own = ProcessMemory::new(std::process::id() as i32);
            for (call, errno) in &failures[..failing] {
                fail_once(*call, *errno);
            }
            let mut copy = vec![0; bytes.len()];
            match (own.read_some(at, &mut copy), expected) {
                (Ok(read), Ok(length)) => assert_eq!((read, &copy[..read]), (length, &bytes[..length])),
                (Err(absent), Err(reason)) => assert!(absent.to_string().contains(reason), "{absent}"),
                (read, expected) => panic!("{read:?} instead of {expected:?}"),
            }
        }
    }

    #[test]
    fn of_a_process_that_is_gone_everything_is_unreadable_at_once() {
        // Above pid_max (2^22 at most), so nobody has it.
        let gone = ProcessMemory::new(1 << 23);
        let Err(Absent::Unreadable { range, reason }) = gone.read_some(Avma(0x5010), &mut [0; 8]) else { panic!() };
        assert_eq!(range, AddressRange::new(0x5000, u64::MAX));
        assert!(reason.contains("No such process"), "{reason}");
    }
}
