//! x86-64 registers, in the order and with the numbers of the kernel and of DWARF.

use serde::{Deserialize, Serialize};

/// The bytes that `NT_PRSTATUS` holds for the general registers: 27 words of eight bytes.
pub const GENERAL_REGISTERS_SIZE: usize = 27 * 8;

/// A thread's general registers: the kernel's `struct user_regs_struct` (arch/x86/include/asm/user_64.h), in its
/// order, which is also that of `NT_PRSTATUS` in a core and of `PTRACE_GETREGSET`.
#[allow(missing_docs, reason = "the fields are the registers' own names")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneralRegisters {
    pub r15: u64,
    pub r14: u64,
    pub r13: u64,
    pub r12: u64,
    pub rbp: u64,
    pub rbx: u64,
    pub r11: u64,
    pub r10: u64,
    pub r9: u64,
    pub r8: u64,
    pub rax: u64,
    pub rcx: u64,
    pub rdx: u64,
    pub rsi: u64,
    pub rdi: u64,
    pub orig_rax: u64,
    pub rip: u64,
    pub cs: u64,
    pub eflags: u64,
    pub rsp: u64,
    pub ss: u64,
    pub fs_base: u64,
    pub gs_base: u64,
    pub ds: u64,
    pub es: u64,
    pub fs: u64,
    pub gs: u64,
}

impl GeneralRegisters {
    /// The registers out of the kernel's layout.
    pub fn from_bytes(bytes: &[u8; GENERAL_REGISTERS_SIZE]) -> GeneralRegisters {
        let word = |index: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[index * 8..index * 8 + 8]);
            u64::from_le_bytes(word)
        };
        let mut registers = GeneralRegisters::default();
        for (index, (_, field)) in registers.words_mut().into_iter().enumerate() {
            *field = word(index);
        }
        registers
    }

    /// The registers in the kernel's layout.
    pub fn to_bytes(&self) -> [u8; GENERAL_REGISTERS_SIZE] {
        let mut bytes = [0; GENERAL_REGISTERS_SIZE];
        let mut copy = *self;
        for (index, (_, field)) in copy.words_mut().into_iter().enumerate() {
            bytes[index * 8..index * 8 + 8].copy_from_slice(&field.to_le_bytes());
        }
        bytes
    }

    /// Each register with its name, in the kernel's order.
    pub fn named(&self) -> [(&'static str, u64); 27] {
        let mut copy = *self;
        copy.words_mut().map(|(name, field)| (name, *field))
    }

    fn words_mut(&mut self) -> [(&'static str, &mut u64); 27] {
        [
            ("r15", &mut self.r15),
            ("r14", &mut self.r14),
            ("r13", &mut self.r13),
            ("r12", &mut self.r12),
            ("rbp", &mut self.rbp),
            ("rbx", &mut self.rbx),
            ("r11", &mut self.r11),
            ("r10", &mut self.r10),
            ("r9", &mut self.r9),
            ("r8", &mut self.r8),
            ("rax", &mut self.rax),
            ("rcx", &mut self.rcx),
            ("rdx", &mut self.rdx),
            ("rsi", &mut self.rsi),
            ("rdi", &mut self.rdi),
            ("orig_rax", &mut self.orig_rax),
            ("rip", &mut self.rip),
            ("cs", &mut self.cs),
            ("eflags", &mut self.eflags),
            ("rsp", &mut self.rsp),
            ("ss", &mut self.ss),
            ("fs_base", &mut self.fs_base),
            ("gs_base", &mut self.gs_base),
            ("ds", &mut self.ds),
            ("es", &mut self.es),
            ("fs", &mut self.fs),
            ("gs", &mut self.gs),
        ]
    }

    /// The first sixteen of DWARF's numbers (x86-64 psABI, figure 3.36), in that order, then 16, the return address
    /// column, which is `rip` itself.
    pub fn dwarf(&self) -> [u64; 17] {
        [
            self.rax, self.rdx, self.rcx, self.rbx, self.rsi, self.rdi, self.rbp, self.rsp, self.r8, self.r9, self.r10,
            self.r11, self.r12, self.r13, self.r14, self.r15, self.rip,
        ]
    }
}

/// All registers of one thread, as far as they could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registers {
    /// The general registers.
    pub general: GeneralRegisters,
    /// `NT_FPREGSET`: the 512 bytes of FXSAVE.
    pub fp: Option<Vec<u8>>,
    /// `NT_X86_XSTATE`: the XSAVE area, whose size depends on the processor (over 2.7 KiB with AVX-512, 8 KiB more
    /// with AMX).
    pub xstate: Option<Vec<u8>>,
}

#[cfg(test)]
mod tests {
    use super::{GENERAL_REGISTERS_SIZE, GeneralRegisters};

    #[test]
    fn registers_keep_the_kernels_layout() {
        let mut bytes = [0; GENERAL_REGISTERS_SIZE];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = index as u8;
        }
        let registers = GeneralRegisters::from_bytes(&bytes);
        assert_eq!(registers.to_bytes(), bytes);
        // user_64.h: rip is the 17th word, rsp the 20th.
        assert_eq!(registers.rip.to_le_bytes()[0], 16 * 8);
        assert_eq!(registers.rsp.to_le_bytes()[0], 19 * 8);
    }
}
