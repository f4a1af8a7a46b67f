//! What an instruction is about to do to memory, computed from the registers before it.

use dpdb_snapshot::arch::x86_64::GeneralRegisters;
use iced_x86::{
    Code, EncodingKind, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, OpKind, Register, UsedMemory,
};
use serde::Serialize;

use super::dwarf_number;

/// What is done to memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessKind {
    /// It is read.
    Read,
    /// It is written.
    Write,
    /// It is read and then written.
    ReadWrite,
}

/// One access to memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MemoryAccess {
    pub(crate) kind: AccessKind,
    /// Bytes; zero where the instruction itself does not say.
    pub(crate) size: usize,
    pub(crate) address: u64,
    /// The registers that the address was computed from, with their values.
    pub(crate) registers: Vec<(String, u64)>,
}

impl MemoryAccess {
    /// Whether `at` is among the bytes.
    pub(crate) fn covers(&self, at: u64) -> bool {
        at.wrapping_sub(self.address) < self.size.max(1) as u64
    }
}

/// All accesses of an instruction, those to the stack by `push` and its like among them.
pub(crate) fn accesses(instruction: &Instruction, registers: &GeneralRegisters) -> Vec<MemoryAccess> {
    let mut factory = InstructionInfoFactory::new();
    let info = factory.info(instruction);
    info.used_memory().iter().filter_map(|used| access(used, registers)).collect()
}

fn access(used: &UsedMemory, registers: &GeneralRegisters) -> Option<MemoryAccess> {
    let kind = match used.access() {
        OpAccess::Read | OpAccess::CondRead => AccessKind::Read,
        OpAccess::Write | OpAccess::CondWrite => AccessKind::Write,
        OpAccess::ReadWrite | OpAccess::ReadCondWrite => AccessKind::ReadWrite,
        OpAccess::None | OpAccess::NoMemAccess => return None,
    };
    let address = used.virtual_address(0, |register, _, _| value_of(register, registers))?;
    let segment = Some(used.segment()).filter(|segment| matches!(segment, Register::FS | Register::GS));
    let parts = [Some(used.base()), Some(used.index()), segment].into_iter().flatten();
    let parts = parts.filter(|&register| register != Register::None && register.full_register() != Register::RIP);
    let named = parts.filter_map(|register| Some((name_of(register), value_of(register, registers)?))).collect();
    Some(MemoryAccess { kind, size: used.memory_size().size(), address, registers: named })
}

/// The value of a register, or of the part of one that the name stands for; for a segment, its base.
pub(crate) fn value_of(register: Register, registers: &GeneralRegisters) -> Option<u64> {
    match register {
        Register::FS => return Some(registers.fs_base),
        Register::GS => return Some(registers.gs_base),
        // The decoder has already added it to the displacement.
        Register::RIP | Register::EIP | Register::CS | Register::DS | Register::ES | Register::SS => return Some(0),
        _ => {}
    }
    let whole = registers.dwarf()[usize::from(dwarf_number(register.full_register())?)];
    Some(match register.size() {
        1 if matches!(register, Register::AH | Register::BH | Register::CH | Register::DH) => whole >> 8 & 0xff,
        size @ 1..=4 => whole & ((1 << (size * 8)) - 1),
        _ => whole,
    })
}

fn name_of(register: Register) -> String {
    match register {
        Register::FS => "fs_base".to_owned(),
        Register::GS => "gs_base".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// Where an operand's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operand {
    Value(u64),
    /// So many bytes of memory there.
    Memory(u64, usize),
}

/// The first operand of an instruction that reads it: a divisor, or where an indirect call goes. For `ret`, the word
/// on top of the stack.
pub(crate) fn first_operand(instruction: &Instruction, registers: &GeneralRegisters) -> Option<Operand> {
    if instruction.mnemonic() == Mnemonic::Ret {
        return Some(Operand::Memory(registers.rsp, 8));
    }
    match instruction.op0_kind() {
        OpKind::Register => value_of(instruction.op0_register(), registers).map(Operand::Value),
        OpKind::Memory => {
            let address = instruction.virtual_address(0, 0, |register, _, _| value_of(register, registers))?;
            Some(Operand::Memory(address, instruction.memory_size().size()))
        }
        _ => None,
    }
}

/// The alignment that the instruction wants of its memory operand, if it wants one: SSE without VEX wants 16 bytes but
/// for the moves made for unaligned data, and the aligned moves want their own size in any encoding (Intel SDM, volume
/// 1, section 14.9).
pub(crate) fn wanted_alignment(instruction: &Instruction) -> Option<u64> {
    use Mnemonic::*;
    let size = instruction.memory_size().size() as u64;
    match instruction.mnemonic() {
        Movaps | Movapd | Movdqa | Movntps | Movntpd | Movntdq | Movntdqa | Vmovaps | Vmovapd | Vmovdqa | Vmovdqa32
        | Vmovdqa64 | Vmovntps | Vmovntpd | Vmovntdq | Vmovntdqa => (size >= 16).then_some(size),
        Movups | Movupd | Movdqu | Lddqu => None,
        Fxsave | Fxsave64 | Fxrstor | Fxrstor64 | Cmpxchg16b => Some(16),
        _ => {
            let is_sse = (0..instruction.op_count()).any(|operand| {
                instruction.op_kind(operand) == OpKind::Register && instruction.op_register(operand).is_xmm()
            });
            let is_legacy = instruction.encoding() == EncodingKind::Legacy;
            (is_sse && is_legacy && size == 16).then_some(16)
        }
    }
}

impl Operand {
    /// Whether the code is one of the two unsigned or signed divisions.
    pub(crate) fn of_division(instruction: &Instruction, registers: &GeneralRegisters) -> Option<Operand> {
        let divides = matches!(instruction.mnemonic(), Mnemonic::Div | Mnemonic::Idiv);
        divides.then(|| first_operand(instruction, registers)).flatten()
    }
}

/// The trap instructions that compilers put where code must not go.
pub(crate) fn is_ud2(instruction: &Instruction) -> bool {
    matches!(instruction.code(), Code::Ud2 | Code::Ud1_r64_rm64 | Code::Ud1_r32_rm32 | Code::Ud0)
}
