//! Machine code as text, in the syntax that gdb prints.

use std::collections::HashMap;

use dpdb_snapshot::{Absent, AddressRange, Avma, Memory};
use iced_x86::{Decoder, DecoderOptions, Formatter as _, GasFormatter, OpKind};
use serde::Serialize;

/// An instruction, as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Instruction {
    /// Where it is.
    pub address: Avma,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its mnemonic and operands in AT&T syntax, such as `mov    (%rax),%eax`; `(bad)` where the bytes are none.
    pub text: String,
    /// The address that it jumps to or that it speaks of relative to `%rip`.
    pub target: Option<Avma>,
    /// What is at that address, such as `main+12`.
    pub symbol: Option<String>,
}

/// Some instructions in a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disassembly {
    /// The instructions, ascending.
    pub instructions: Vec<Instruction>,
    /// Why there are no more, where memory ended before the range did.
    pub absent: Option<Absent>,
}

/// x86 instructions are no longer (Intel SDM, volume 2, section 2.3.11).
const LONGEST: usize = 15;

/// Disassembles what starts inside `range`, at most `limit` instructions. `symbol` names an address, as `name+offset`.
pub fn disassemble(
    memory: &dyn Memory,
    range: AddressRange,
    limit: usize,
    symbol: &dyn Fn(Avma) -> Option<String>,
) -> Disassembly {
    let mut printer = Printer::new();
    let mut names: HashMap<Avma, Option<String>> = HashMap::new();
    let mut disassembly = Disassembly::default();
    let mut at = range.start;
    while at < range.end && disassembly.instructions.len() < limit {
        let mut bytes = [0; LONGEST];
        let had = match read_code(memory, at, &mut bytes) {
            Ok(had) => had,
            Err(absent) => {
                disassembly.absent = Some(absent);
                break;
            }
        };
        let mut instruction = printer.print(&bytes[..had], at);
        if let Some(target) = instruction.target {
            instruction.symbol = names.entry(target).or_insert_with(|| symbol(target)).clone();
        }
        let length = instruction.bytes.len() as u64;
        disassembly.instructions.push(instruction);
        let Some(next) = at.checked_add(length) else { break };
        at = next;
    }
    disassembly
}

/// The bytes of one instruction, and of what follows it.
fn read_code(memory: &dyn Memory, at: Avma, bytes: &mut [u8; LONGEST]) -> Result<usize, Absent> {
    let mut had = memory.read_some(at, bytes)?;
    while had > 0 && had < LONGEST {
        match memory.read_some(at.wrapping_add(had as u64), &mut bytes[had..]) {
            Ok(more) if more > 0 => had += more,
            _ => break,
        }
    }
    Ok(had)
}

struct Printer {
    formatter: GasFormatter,
}

impl Printer {
    fn new() -> Printer {
        let mut formatter = GasFormatter::new();
        let options = formatter.options_mut();
        options.set_first_operand_char_index(7);
        options.set_uppercase_hex(false);
        options.set_small_hex_numbers_in_decimal(false);
        options.set_branch_leading_zeros(false);
        options.set_displacement_leading_zeros(false);
        options.set_rip_relative_addresses(true);
        options.set_space_after_operand_separator(false);
        options.set_show_branch_size(false);
        Printer { formatter }
    }

    fn print(&mut self, bytes: &[u8], at: Avma) -> Instruction {
        let decoded = Decoder::with_ip(64, bytes, at.0, DecoderOptions::NONE).decode();
        if decoded.is_invalid() {
            let bytes = bytes[..1].to_vec();
            return Instruction { address: at, bytes, text: "(bad)".to_owned(), target: None, symbol: None };
        }
        let mut text = String::new();
        self.formatter.format(&decoded, &mut text);
        // binutils leaves the suffix out here, since there is no other size in 64-bit mode.
        if let Some(rest) = ["callq  *", "jmpq   *"].into_iter().find_map(|long| text.strip_prefix(long)) {
            text = if decoded.is_call_near_indirect() { format!("call   *{rest}") } else { format!("jmp    *{rest}") };
        }
        let target = if matches!(decoded.op0_kind(), OpKind::NearBranch16 | OpKind::NearBranch32 | OpKind::NearBranch64)
        {
            Some(Avma(decoded.near_branch_target()))
        } else {
            decoded.is_ip_rel_memory_operand().then(|| Avma(decoded.ip_rel_memory_address()))
        };
        Instruction { address: at, bytes: bytes[..decoded.len()].to_vec(), text, target, symbol: None }
    }
}

#[cfg(test)]
mod tests {
    use dpdb_snapshot::{Absent, AddressRange, Avma, Memory};

    use super::disassemble;

    struct Code(&'static [u8]);

    impl Memory for Code {
        fn read_some(&self, at: Avma, buf: &mut [u8]) -> Result<usize, Absent> {
            let rest = usize::try_from(at.0 - 0x1000).ok().and_then(|at| self.0.get(at..)).unwrap_or_default();
            if rest.is_empty() {
                return Err(Absent::NotMapped(at));
            }
            let length = rest.len().min(buf.len());
            buf[..length].copy_from_slice(&rest[..length]);
            Ok(length)
        }
    }

    #[test]
    fn instructions_look_as_gdb_prints_them() {
        let code: &[u8] = &[
            0x55, // push %rbp
            0x48, 0x89, 0xe5, // mov %rsp,%rbp
            0x48, 0x8b, 0x45, 0xf8, // mov -0x8(%rbp),%rax
            0xc7, 0x00, 0x2a, 0, 0, 0, // movl $0x2a,(%rax)
            0x48, 0x8d, 0x3d, 0x10, 0, 0, 0, // lea 0x10(%rip),%rdi
            0xe8, 0xe6, 0xff, 0xff, 0xff, // call 0x1000
            0x06, // no instruction in 64-bit mode
            0xff, 0x15, 0, 0x03, 0x04, 0, // call *0x40300(%rip)
            0xff, 0x24, 0xc5, 0, 0, 0, 0, // gdb writes the zero: jmp *0x0(,%rax,8)
            0xf3, 0x48, 0xab, // rep stos; gdb spells the segment out, as %es:(%rdi)
            0x0f, 0x0b, // ud2
        ];
        let name = |at: Avma| (at.0 == 0x1000).then(|| "self".to_owned());
        let done = disassemble(&Code(code), AddressRange::new(0x1000, 0x2000), 100, &name);
        let text: Vec<&str> = done.instructions.iter().map(|one| one.text.as_str()).collect();
        assert_eq!(
            text,
            [
                "push   %rbp",
                "mov    %rsp,%rbp",
                "mov    -0x8(%rbp),%rax",
                "movl   $0x2a,(%rax)",
                "lea    0x10(%rip),%rdi",
                "call   0x1000",
                "(bad)",
                "call   *0x40300(%rip)",
                "jmp    *(,%rax,8)",
                "rep stos %rax,(%rdi)",
                "ud2",
            ]
        );
        assert_eq!(done.instructions[4].target, Some(Avma(0x1025)));
        assert_eq!(done.instructions[5].symbol.as_deref(), Some("self"));
        assert_eq!(done.absent, Some(Absent::NotMapped(Avma(0x1000 + code.len() as u64))));
    }

    #[test]
    fn the_limit_bounds_the_work() {
        let done = disassemble(&Code(&[0x90; 64]), AddressRange::new(0x1000, u64::MAX), 3, &|_| None);
        assert_eq!((done.instructions.len(), done.absent), (3, None));
    }
}
