//! What the faulting instruction was doing.

use dpdb_snapshot::arch::x86_64::GeneralRegisters;
use dpdb_snapshot::process::Signal;
use dpdb_snapshot::{Avma, Memory};
use iced_x86::{Decoder, DecoderOptions, FlowControl, Mnemonic};

use super::finding::Finding;
use super::place;
use super::{Subject, jump, overflow};
use crate::arch::x86_64::operands::{self, MemoryAccess, Operand};

/// What the instruction at `pc` says about the signal.
pub(super) fn findings(subject: &Subject<'_>, registers: &GeneralRegisters) -> Vec<Finding> {
    match subject.signal {
        Signal::SEGV | Signal::BUS => memory_fault(subject, registers),
        Signal::FPE => division(subject, registers),
        Signal::ILL => illegal(subject),
        Signal::TRAP => breakpoint(subject),
        _ => Vec::new(),
    }
}

fn memory_fault(subject: &Subject<'_>, registers: &GeneralRegisters) -> Vec<Finding> {
    let pc = subject.pc;
    let told = subject.info.and_then(dpdb_snapshot::process::SigInfo::address);
    if told == Some(pc) || !subject.is_code(pc) {
        return jump::findings(subject, pc);
    }
    let Some(decoded) = subject.decode(pc) else {
        return vec![Finding::Unknown { reason: format!("the code at {pc} is not at hand") }];
    };
    let mut findings = vec![subject.show(pc)];
    let accesses = operands::accesses(&decoded, registers);
    match failed_access(&decoded, &accesses, told) {
        Some(access) => findings.extend(explain_access(subject, registers, access, told, &decoded)),
        None => findings.extend(without_access(subject, registers, &decoded, told)),
    }
    findings
}

/// The access that failed: the one that the kernel's address is in; where it told none, the one that no processor
/// could do.
fn failed_access<'a>(
    instruction: &iced_x86::Instruction,
    accesses: &'a [MemoryAccess],
    told: Option<Avma>,
) -> Option<&'a MemoryAccess> {
    let impossible = |access: &&MemoryAccess| {
        let misaligned =
            operands::wanted_alignment(instruction).is_some_and(|wanted| !access.address.is_multiple_of(wanted));
        !place::is_canonical(access.address) || misaligned
    };
    match told {
        Some(told) => accesses.iter().find(|access| access.covers(told.0)),
        None => accesses.iter().find(impossible),
    }
}

fn explain_access(
    subject: &Subject<'_>,
    registers: &GeneralRegisters,
    access: &MemoryAccess,
    told: Option<Avma>,
    instruction: &iced_x86::Instruction,
) -> Vec<Finding> {
    let mut findings = vec![Finding::Access {
        access: access.kind,
        size: access.size,
        address: Avma(access.address),
        registers: access.registers.clone(),
    }];
    let address = told.unwrap_or(Avma(access.address));
    if told.is_none() && place::is_canonical(access.address) {
        let wanted = operands::wanted_alignment(instruction);
        findings.extend(wanted.map(|alignment| Finding::Misaligned { address, alignment }));
    } else if let Some(behind) = behind_file_end(subject, address) {
        findings.push(behind);
    } else if let Some(overflow) = overflow::find(subject, registers, address) {
        findings.push(overflow);
    } else {
        findings.extend(place::describe(subject.session.process(), address, Some(access.kind), &access.registers));
    }
    findings
}

/// The instruction is there, but none of its operands explains the fault.
fn without_access(
    subject: &Subject<'_>,
    registers: &GeneralRegisters,
    instruction: &iced_x86::Instruction,
    told: Option<Avma>,
) -> Vec<Finding> {
    if let Some(told) = told {
        let mut findings = vec![Finding::NoSuchOperand { address: told }];
        findings.extend(place::describe(subject.session.process(), told, Some(operands::AccessKind::Read), &[]));
        return findings;
    }
    if instruction.is_privileged() {
        return vec![Finding::Privileged];
    }
    // A jump to an address that is not canonical faults at the jump, so that its target is in an operand.
    let goes = matches!(
        instruction.flow_control(),
        FlowControl::Return | FlowControl::IndirectCall | FlowControl::IndirectBranch
    );
    let target = operands::first_operand(instruction, registers).filter(|_| goes);
    let target = target.and_then(|target| value_of(target, &subject.memory));
    match target.filter(|&target| !place::is_canonical(target)) {
        Some(target) => jump::to_no_address(Avma(target)),
        None => vec![Finding::Unknown { reason: "no operand of the instruction explains the fault".to_owned() }],
    }
}

/// A page of a file mapping that the file is too short for (mmap(2), SIGBUS).
fn behind_file_end(subject: &Subject<'_>, address: Avma) -> Option<Finding> {
    let mapping = subject.session.process().mapping_at(address).filter(|_| subject.signal == Signal::BUS)?;
    if !mapping.path.0.starts_with(b"/") {
        return None;
    }
    let offset = mapping.offset.saturating_add(address.0 - mapping.range.start.0) & !0xfff;
    let size_here = std::fs::metadata(mapping.path.as_path()).ok().map(|file| file.len());
    Some(Finding::BehindFileEnd { path: mapping.path.clone(), offset, size_here })
}

fn value_of(operand: Operand, memory: &dyn Memory) -> Option<u64> {
    match operand {
        Operand::Value(value) => Some(value),
        Operand::Memory(at, size) => {
            let mut bytes = [0; 8];
            let size = size.clamp(1, 8);
            memory.read(Avma(at), &mut bytes[..size]).ok()?;
            Some(u64::from_le_bytes(bytes))
        }
    }
}

/// The processor has one exception for a zero divisor and for a quotient that does not fit, and the kernel calls both
/// `FPE_INTDIV`; the divisor tells them apart.
fn division(subject: &Subject<'_>, registers: &GeneralRegisters) -> Vec<Finding> {
    let Some(decoded) = subject.decode(subject.pc) else { return Vec::new() };
    let mut findings = vec![subject.show(subject.pc)];
    let Some(operand) = Operand::of_division(&decoded, registers) else { return findings };
    let bits = match operand {
        Operand::Value(_) => decoded.op0_register().size() * 8,
        Operand::Memory(_, size) => size * 8,
    };
    match value_of(operand, &subject.memory) {
        Some(0) => findings.push(Finding::DivideByZero),
        Some(divisor) if decoded.mnemonic() == Mnemonic::Idiv => {
            let unused = 64 - bits.clamp(8, 64) as u32;
            let divisor = (divisor << unused).cast_signed() >> unused;
            findings.push(Finding::QuotientTooLarge { divisor });
        }
        Some(divisor) => findings.push(Finding::QuotientTooLarge { divisor: divisor.cast_signed() }),
        None => {}
    }
    findings
}

fn illegal(subject: &Subject<'_>) -> Vec<Finding> {
    if !subject.is_code(subject.pc) {
        return jump::findings(subject, subject.pc);
    }
    let mut findings = vec![subject.show(subject.pc)];
    findings.push(match subject.decode(subject.pc) {
        Some(decoded) if operands::is_ud2(&decoded) => Finding::Trap {
            what: "It is there to end the process: compilers put it for __builtin_trap, for code that must not be \
                   reached, and behind calls that must not return.",
        },
        Some(decoded) => {
            let features = decoded.cpuid_features().iter().map(|feature| format!("{feature:?}")).collect();
            Finding::UnknownInstruction { features }
        }
        None => Finding::UnknownInstruction { features: Vec::new() },
    });
    findings
}

/// `int3` is done when the signal comes, so the pc is behind it.
fn breakpoint(subject: &Subject<'_>) -> Vec<Finding> {
    const INT3: u8 = 0xcc;
    let before = subject.pc.wrapping_sub(1);
    let mut byte = [0];
    let is_int3 = subject.memory.read(before, &mut byte).is_ok() && byte == [INT3];
    if !is_int3 {
        return vec![subject.show(subject.pc)];
    }
    let what = "It is a breakpoint that is written in the program, as __debugbreak or raise(SIGTRAP)'s kin leave it, \
                or one that a debugger left behind.";
    vec![subject.show(before), Finding::Trap { what }]
}

impl Subject<'_> {
    /// The instruction at `at`, decoded.
    pub(super) fn decode(&self, at: Avma) -> Option<iced_x86::Instruction> {
        let mut bytes = [0; 15];
        let had = self.memory.read_some(at, &mut bytes[..]).ok()?;
        let rest = self.memory.read_some(at.wrapping_add(had as u64), &mut bytes[had..]).unwrap_or(0);
        let decoded = Decoder::with_ip(64, &bytes[..had + rest], at.0, DecoderOptions::NONE).decode();
        (!decoded.is_invalid()).then_some(decoded)
    }
}
