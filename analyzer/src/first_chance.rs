//! The stack as it was at a fault that a handler took, though the handler may have written over it since.

use dpdb_snapshot::process::{Cause, FirstChance};
use dpdb_snapshot::{Absent, Avma, Memory};

use crate::frame::Backtrace;
use crate::session::Session;

/// The memory of a process with what was kept of the stack at the fault laid over it.
pub(crate) struct AtFault<'a> {
    memory: &'a dyn Memory,
    kept_at: Avma,
    kept: &'a [u8],
}

impl<'a> AtFault<'a> {
    /// As it was at `fault`.
    pub(crate) fn of(memory: &'a dyn Memory, fault: &'a FirstChance) -> AtFault<'a> {
        AtFault { memory, kept_at: fault.stack_at, kept: &fault.stack }
    }

    /// As it is now.
    pub(crate) fn now(memory: &'a dyn Memory) -> AtFault<'a> {
        AtFault { memory, kept_at: Avma(0), kept: &[] }
    }
}

impl Memory for AtFault<'_> {
    fn read_some(&self, at: Avma, buf: &mut [u8]) -> Result<usize, Absent> {
        let inside = at.offset_from(self.kept_at).and_then(|offset| self.kept.get(usize::try_from(offset).ok()?..));
        if let Some(kept) = inside.filter(|kept| !kept.is_empty() && !buf.is_empty()) {
            let count = kept.len().min(buf.len());
            buf[..count].copy_from_slice(&kept[..count]);
            return Ok(count);
        }
        let before = self.kept_at.offset_from(at).filter(|_| !self.kept.is_empty());
        let end = before.and_then(|before| usize::try_from(before).ok()).filter(|&before| before > 0);
        let count = buf.len().min(end.unwrap_or(usize::MAX));
        self.memory.read_some(at, &mut buf[..count])
    }
}

impl Session {
    /// The fault that a handler of the process took first, where the death came of it.
    pub fn first_chance(&self) -> Option<&FirstChance> {
        match &self.process().cause {
            Some(Cause::FatalSignal { first_chance, .. }) => first_chance.as_deref(),
            _ => None,
        }
    }

    /// The stack at that fault, at most `limit` physical frames of it: from the registers and the bytes that were kept
    /// when it happened, and further out from the memory as it was at the death.
    pub fn first_chance_backtrace(&self, limit: usize) -> Option<Backtrace> {
        let fault = self.first_chance()?;
        let memory = AtFault::of(self.memory(), fault);
        Some(self.with_tail_calls(self.physical_backtrace(&memory, &fault.registers, limit)))
    }
}

#[cfg(test)]
mod tests {
    use dpdb_snapshot::process::{FirstChance, Signal};
    use dpdb_snapshot::{Absent, Avma, Memory};

    use super::AtFault;

    /// 0x1000 to 0x1100, all ones.
    struct Ones;

    impl Memory for Ones {
        fn read_some(&self, at: Avma, buf: &mut [u8]) -> Result<usize, Absent> {
            let left = 0x1100u64.checked_sub(at.0).filter(|&left| left > 0 && left <= 0x100);
            let count = buf.len().min(left.ok_or(Absent::NotMapped(at))? as usize);
            buf[..count].fill(1);
            Ok(count)
        }
    }

    #[test]
    fn what_was_kept_covers_what_is_there_now_and_what_is_no_longer() {
        let fault = |at: u64, stack: &[u8]| FirstChance {
            signal: Signal::SEGV,
            tid: 1,
            info: None,
            registers: Default::default(),
            stack_at: Avma(at),
            stack: stack.to_vec(),
        };
        let inside = fault(0x1004, &[7; 4]);
        let mut buf = [0; 12];
        AtFault::of(&Ones, &inside).read(Avma(0x1000), &mut buf).unwrap();
        assert_eq!(buf, [1, 1, 1, 1, 7, 7, 7, 7, 1, 1, 1, 1]);
        AtFault::now(&Ones).read(Avma(0x1000), &mut buf).unwrap();
        assert_eq!(buf, [1; 12]);
        let gone = fault(0x10fc, &[7; 8]);
        AtFault::of(&Ones, &gone).read(Avma(0x10f8), &mut buf).unwrap();
        assert_eq!(buf, [1, 1, 1, 1, 7, 7, 7, 7, 7, 7, 7, 7]);
        assert!(AtFault::of(&Ones, &gone).read(Avma(0x1100), &mut buf).is_err(), "it ends there");
        let last = fault(u64::MAX - 3, &[7; 100]);
        assert_eq!(AtFault::of(&Ones, &last).read_some(Avma(u64::MAX), &mut [0; 9]).unwrap(), 9);
        assert_eq!(AtFault::of(&Ones, &inside).read_some(Avma(0x1004), &mut []).unwrap(), 0);
    }
}
