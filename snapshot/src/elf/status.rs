//! `struct elf_prstatus` and `struct elf_prpsinfo` (include/linux/elfcore.h), as x86-64 lays them out.

use crate::arch::x86_64::{GENERAL_REGISTERS_SIZE, GeneralRegisters};
use crate::bytes::{array_at, u16_at, u32_at, u64_at};

/// `sizeof(struct elf_prstatus)`.
pub(crate) const PRSTATUS_SIZE: usize = 336;
/// `sizeof(struct elf_prpsinfo)`.
pub(crate) const PRPSINFO_SIZE: usize = 136;

const PR_REG: usize = 112;
const PR_FPVALID: usize = PR_REG + GENERAL_REGISTERS_SIZE;

/// A thread's `NT_PRSTATUS`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PrStatus {
    /// The signal that ended the process; the kernel writes the same into every thread's.
    pub(crate) signal: i32,
    pub(crate) pending: u64,
    pub(crate) blocked: u64,
    pub(crate) tid: i32,
    pub(crate) ppid: i32,
    pub(crate) pgid: i32,
    pub(crate) sid: i32,
    /// Nanoseconds; the file has microseconds.
    pub(crate) user_time: u64,
    /// Nanoseconds.
    pub(crate) system_time: u64,
    pub(crate) registers: GeneralRegisters,
    /// Whether `NT_FPREGSET` follows.
    pub(crate) has_fp: bool,
}

impl PrStatus {
    pub(crate) fn parse(bytes: &[u8]) -> Option<PrStatus> {
        let time = |at: usize| {
            let seconds = u64_at(bytes, at)?;
            let micros = u64_at(bytes, at + 8)?;
            Some(seconds.saturating_mul(1_000_000_000).saturating_add(micros.saturating_mul(1000)))
        };
        Some(PrStatus {
            signal: i32::from(u16_at(bytes, 12)? as i16),
            pending: u64_at(bytes, 16)?,
            blocked: u64_at(bytes, 24)?,
            tid: u32_at(bytes, 32)? as i32,
            ppid: u32_at(bytes, 36)? as i32,
            pgid: u32_at(bytes, 40)? as i32,
            sid: u32_at(bytes, 44)? as i32,
            user_time: time(48)?,
            system_time: time(64)?,
            registers: GeneralRegisters::from_bytes(&array_at(bytes, PR_REG)?),
            has_fp: u32_at(bytes, PR_FPVALID).is_some_and(|valid| valid != 0),
        })
    }

    pub(crate) fn to_bytes(self) -> [u8; PRSTATUS_SIZE] {
        let mut bytes = [0; PRSTATUS_SIZE];
        let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
        put(0, &self.signal.to_le_bytes());
        put(12, &(self.signal as i16).to_le_bytes());
        put(16, &self.pending.to_le_bytes());
        put(24, &self.blocked.to_le_bytes());
        for (index, id) in [self.tid, self.ppid, self.pgid, self.sid].into_iter().enumerate() {
            put(32 + 4 * index, &id.to_le_bytes());
        }
        for (at, time) in [(48, self.user_time), (64, self.system_time)] {
            put(at, &(time / 1_000_000_000).to_le_bytes());
            put(at + 8, &(time / 1000 % 1_000_000).to_le_bytes());
        }
        put(PR_REG, &self.registers.to_bytes());
        put(PR_FPVALID, &u32::from(self.has_fp).to_le_bytes());
        bytes
    }
}

/// The process's `NT_PRPSINFO`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PrPsInfo {
    /// The state letter, `R` for one that runs.
    pub(crate) state: u8,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) pid: i32,
    pub(crate) ppid: i32,
    pub(crate) pgid: i32,
    pub(crate) sid: i32,
    /// `pr_fname`, 15 bytes at most.
    pub(crate) comm: Vec<u8>,
    /// `pr_psargs`: the first 79 bytes of the command line, with spaces between the arguments.
    pub(crate) arguments: Vec<u8>,
}

impl PrPsInfo {
    pub(crate) fn parse(bytes: &[u8]) -> Option<PrPsInfo> {
        let text = |from: usize, to: usize| {
            let field = bytes.get(from..to)?;
            Some(field.split(|&byte| byte == 0).next().unwrap_or_default().to_vec())
        };
        Some(PrPsInfo {
            state: *bytes.get(1)?,
            uid: u32_at(bytes, 16)?,
            gid: u32_at(bytes, 20)?,
            pid: u32_at(bytes, 24)? as i32,
            ppid: u32_at(bytes, 28)? as i32,
            pgid: u32_at(bytes, 32)? as i32,
            sid: u32_at(bytes, 36)? as i32,
            comm: text(40, 56)?,
            arguments: text(56, 136)?,
        })
    }

    pub(crate) fn to_bytes(&self) -> [u8; PRPSINFO_SIZE] {
        let mut bytes = [0; PRPSINFO_SIZE];
        let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
        // pr_state is the number of the state, pr_sname its letter in "RSDTZW" (fill_psinfo).
        put(0, &[b"RSDTZW".iter().position(|&letter| letter == self.state).unwrap_or(0) as u8]);
        put(1, &[self.state]);
        put(2, &[u8::from(self.state == b'Z')]);
        put(16, &self.uid.to_le_bytes());
        put(20, &self.gid.to_le_bytes());
        for (index, id) in [self.pid, self.ppid, self.pgid, self.sid].into_iter().enumerate() {
            put(24 + 4 * index, &id.to_le_bytes());
        }
        put(40, &self.comm[..self.comm.len().min(15)]);
        put(56, &self.arguments[..self.arguments.len().min(79)]);
        bytes
    }
}
