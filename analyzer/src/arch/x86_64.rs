//! x86-64 as the System V psABI has it: DWARF register numbers, and who preserves which register.

pub(crate) mod operands;
mod syscalls;

use iced_x86::Register;

pub(crate) use syscalls::syscall_name;

/// How many registers a frame carries: the sixteen general ones and the return address.
pub(crate) const REGISTER_COUNT: usize = 17;

/// The frame pointer, where a function keeps one.
pub(crate) const RBP: u16 = 6;
/// The stack pointer.
pub(crate) const RSP: u16 = 7;
/// The return address column; for a frame, its own `rip`.
pub(crate) const RIP: u16 = 16;

/// The names by DWARF number (x86-64 psABI, figure 3.36).
pub(crate) const REGISTER_NAMES: [&str; REGISTER_COUNT] = [
    "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip",
];

/// Whether a called function leaves the register as it was (x86-64 psABI, figure 3.4). Where its CFI has no rule for
/// one of these, the caller's value is still in it; of the others nothing is known after a call.
pub(crate) fn is_callee_saved(register: u16) -> bool {
    matches!(register, 3 | RBP | 12..=15)
}

/// The DWARF number of a register of the instruction decoder's, where it is a general one in its full width.
pub(crate) fn dwarf_number(register: Register) -> Option<u16> {
    const BY_NUMBER: [Register; 16] = [
        Register::RAX,
        Register::RDX,
        Register::RCX,
        Register::RBX,
        Register::RSI,
        Register::RDI,
        Register::RBP,
        Register::RSP,
        Register::R8,
        Register::R9,
        Register::R10,
        Register::R11,
        Register::R12,
        Register::R13,
        Register::R14,
        Register::R15,
    ];
    BY_NUMBER.iter().zip(0..).find(|(known, _)| **known == register).map(|(_, number)| number)
}
