//! What was found out about a death, as data, each with its sentence.

use std::fmt;

use dpdb_snapshot::process::CaughtException;
use dpdb_snapshot::{AddressRange, Avma, Text};
use serde::Serialize;

use super::pattern::Pattern;
use crate::arch::x86_64::operands::AccessKind;
use crate::disassemble::Instruction;

/// One thing that was found out about a death. `Display` is a sentence; what is a guess says so in it.
#[allow(missing_docs, reason = "what the fields are is said at each variant")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Finding {
    /// The signal, the name of its `si_code`, and what that means.
    Signal { tid: i32, signal: String, code: Option<String>, meaning: Option<&'static str> },
    /// An exception that was met at a catchpoint.
    Exception(CaughtException),
    /// Somebody sent it.
    Sender { pid: i32, uid: u32, name: Option<Text>, itself: bool },
    /// A fault that a handler of the process took before the process died of it.
    FirstChance { signal: String },
    /// The stack at that fault was kept, as far as it went.
    FirstChanceStack,
    /// The instruction that faulted, and what its address is called.
    Instruction { instruction: Instruction, symbol: Option<String> },
    /// The memory access that failed, with the registers that its address was computed from.
    Access { access: AccessKind, size: usize, address: Avma, registers: Vec<(String, u64)> },
    /// The kernel's address is that of none of the instruction's operands.
    NoSuchOperand { address: Avma },
    /// A null pointer, and how far behind (or before) it.
    Null { offset: i64 },
    /// Nothing is mapped there; what is mapped next to it.
    NotMapped { address: Avma, below: Option<Neighbour>, above: Option<Neighbour> },
    /// There is memory, which does not allow it.
    Forbidden { address: Avma, mapping: AddressRange, permissions: String, path: Text, wanted: &'static str },
    /// There is memory, which does allow it: what was mapped has changed, or the fault was another.
    Allowed { address: Avma, permissions: String },
    /// The upper 17 bits are not alike, so that it is no address at all (Intel SDM, volume 1, section 3.3.7.1).
    NonCanonical { address: Avma },
    /// The instruction wants a multiple of `alignment` bytes.
    Misaligned { address: Avma, alignment: u64 },
    /// Only the kernel may execute it.
    Privileged,
    /// The thread's stack is used up.
    StackOverflow { stack: AddressRange, guard: bool, frames: usize, complete: bool, cycle: Vec<String> },
    /// A value looks like something that is no address.
    LooksLike { value: u64, register: Option<String>, pattern: Pattern },
    /// A guess: a value as glibc leaves it in the first word of freed memory.
    FreedChunk { value: u64, heap: AddressRange },
    /// A guess: one bit more or less and it would be an address.
    BitFlip { value: u64, bit: u32, path: Text },
    /// It jumped or returned to where there is no code.
    Jump { to: Avma, from: Option<Instruction>, place: &'static str },
    /// An integer division by zero.
    DivideByZero,
    /// An integer division whose quotient has too many bits.
    QuotientTooLarge { divisor: i64 },
    /// An instruction that is there to end the process.
    Trap { what: &'static str },
    /// What the processor does not know; the extensions it would take.
    UnknownInstruction { features: Vec<String> },
    /// A page of a mapped file that lies behind the file's end.
    BehindFileEnd { path: Text, offset: u64, size_here: Option<u64> },
    /// What glibc wrote before it called `abort`.
    AbortMessage { text: Text },
    /// The system call that was forbidden.
    Syscall { number: u32, name: Option<&'static str> },
    /// What cannot be known, and why.
    Unknown { reason: String },
}

/// The mapping next to an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Neighbour {
    /// The bytes between the two.
    pub distance: u64,
    /// Its range.
    pub range: AddressRange,
    /// Its path or name; empty where it has none.
    pub path: Text,
}

impl fmt::Display for Neighbour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", called(&self.path, self.range))
    }
}

fn called(path: &Text, range: AddressRange) -> String {
    if path.0.is_empty() { format!("the anonymous memory {range}") } else { path.to_string() }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Signal { tid, signal, code, meaning } => {
                write!(f, "Thread {tid} got {signal}")?;
                match (code, meaning) {
                    (Some(code), Some(meaning)) => write!(f, " ({code}: {meaning})."),
                    (Some(code), None) => write!(f, " ({code})."),
                    _ => f.write_str("."),
                }
            }
            Finding::Exception(exception) => {
                let CaughtException { tid, catchpoint, fate, .. } = exception;
                write!(f, "Thread {tid} raised {}; {fate}. It was stopped at {catchpoint}.", exception.what())
            }
            Finding::Sender { itself: true, .. } => f.write_str("The process sent it to itself."),
            Finding::Sender { pid, uid, name: Some(name), .. } => {
                write!(f, "Process {pid} ({name}), of user {uid}, sent it.")
            }
            Finding::Sender { pid: 0, uid, .. } => {
                write!(f, "A process outside of its pid namespace, or the kernel, sent it (user {uid}).")
            }
            Finding::Sender { pid, uid, .. } => write!(f, "Process {pid}, of user {uid}, sent it."),
            Finding::FirstChance { signal } => {
                write!(f, "Before that, a handler of the process was called for a {signal}, which is what follows.")
            }
            Finding::FirstChanceStack => write!(f, "'bt -first-chance' shows the stack at that fault."),
            Finding::Instruction { instruction, symbol } => write_instruction(f, instruction, symbol.as_deref()),
            Finding::Access { access, size, address, registers } => {
                write_access(f, *access, *size, *address, registers)
            }
            Finding::NoSuchOperand { address } => {
                write!(f, "The kernel tells the address {address}, which is not that of an operand; why is not known.")
            }
            Finding::Null { offset: 0 } => f.write_str("That is a null pointer."),
            Finding::Null { offset } if *offset > 0 => write!(
                f,
                "That is {offset:#x} behind a null pointer, as a field or an element would be that is reached through one."
            ),
            Finding::Null { offset } => write!(f, "That is {:#x} before a null pointer.", offset.unsigned_abs()),
            Finding::NotMapped { address, below, above } => write_unmapped(f, *address, below.as_ref(), above.as_ref()),
            Finding::Forbidden { address, mapping, permissions, path, wanted } => {
                write!(f, "{address} lies in {} ({permissions}), which may not be {wanted}.", called(path, *mapping))
            }
            Finding::Allowed { address, permissions } => write!(
                f,
                "{address} is mapped and allows it ({permissions}), so it was changed meanwhile, or the fault was another one."
            ),
            Finding::NonCanonical { address } => {
                write!(f, "{address} is not canonical: no address of this processor looks like that.")
            }
            Finding::Misaligned { address, alignment } => {
                write!(f, "The instruction wants a multiple of {alignment} bytes, which {address} is not.")
            }
            Finding::Privileged => f.write_str("Only the kernel may execute this instruction."),
            Finding::StackOverflow { stack, guard, frames, complete, cycle } => {
                write_overflow(f, *stack, *guard, (*frames, *complete), cycle)
            }
            Finding::LooksLike { value, register, pattern } => write_pattern(f, *value, register.as_deref(), pattern),
            Finding::FreedChunk { value, heap } => write!(
                f,
                "A guess: {value:#x} is what glibc writes into the first word of memory in {heap} when it is freed."
            ),
            Finding::BitFlip { value, bit, path } => {
                let path = if path.0.is_empty() { "anonymous memory".to_owned() } else { path.to_string() };
                write!(f, "A guess: {value:#x} with bit {bit} flipped would be an address in {path}.")
            }
            Finding::Jump { to, from, place } => {
                write!(f, "Control went to {to}, {place}.")?;
                let from =
                    from.as_ref().map(|from| format!(" The call is `{}` at {}.", squeezed(&from.text), from.address));
                f.write_str(&from.unwrap_or_default())
            }
            Finding::DivideByZero => f.write_str("The divisor is zero."),
            Finding::QuotientTooLarge { divisor } => {
                write!(f, "The divisor is {divisor}, so the quotient has too many bits for its register.")
            }
            Finding::Trap { what } => f.write_str(what),
            Finding::UnknownInstruction { features } if features.is_empty() => {
                f.write_str("These bytes are no instruction.")
            }
            Finding::UnknownInstruction { features } => {
                write!(f, "The instruction is a valid one, so perhaps the processor has no {}.", features.join(" or "))
            }
            Finding::BehindFileEnd { path, offset, size_here } => write_behind_end(f, path, *offset, *size_here),
            Finding::AbortMessage { text } => write!(f, "Before, it wrote: {text}"),
            Finding::Syscall { number, name } => {
                let name = name.map_or(String::new(), |name| format!(" ({name})"));
                write!(f, "The forbidden system call has the number {number}{name}.")
            }
            Finding::Unknown { reason } => write!(f, "More is not known: {reason}."),
        }
    }
}

/// The text without the blanks that align operands in a column.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn write_instruction(f: &mut fmt::Formatter<'_>, instruction: &Instruction, symbol: Option<&str>) -> fmt::Result {
    write!(f, "The instruction is `{}` at {}", squeezed(&instruction.text), instruction.address)?;
    match symbol {
        Some(symbol) => write!(f, " ({symbol})."),
        None => f.write_str("."),
    }
}

fn write_access(
    f: &mut fmt::Formatter<'_>,
    access: AccessKind,
    size: usize,
    address: Avma,
    registers: &[(String, u64)],
) -> fmt::Result {
    let verb = match access {
        AccessKind::Read => "reads",
        AccessKind::Write => "writes",
        AccessKind::ReadWrite => "reads and writes",
    };
    let size = match size {
        0 => "memory".to_owned(),
        1 => "1 byte".to_owned(),
        size => format!("{size} bytes"),
    };
    write!(f, "It {verb} {size} at {address}")?;
    let registers: Vec<String> = registers.iter().map(|(name, value)| format!("{name} is {value:#x}")).collect();
    if registers.is_empty() { f.write_str(".") } else { write!(f, " ({}).", registers.join(", ")) }
}

fn write_unmapped(
    f: &mut fmt::Formatter<'_>,
    address: Avma,
    below: Option<&Neighbour>,
    above: Option<&Neighbour>,
) -> fmt::Result {
    write!(f, "Nothing is mapped at {address}")?;
    let below = below.map(|below| format!("{:#x} above the end of {below}", below.distance));
    let above = above.map(|above| format!("{:#x} below {above}", above.distance));
    match (below, above) {
        (Some(below), Some(above)) => write!(f, ", which is {below} and {above}."),
        (Some(only), None) | (None, Some(only)) => write!(f, ", which is {only}."),
        (None, None) => f.write_str("."),
    }
}

fn write_overflow(
    f: &mut fmt::Formatter<'_>,
    stack: AddressRange,
    guard: bool,
    (frames, complete): (usize, bool),
    cycle: &[String],
) -> fmt::Result {
    let size = stack.len() >> 10;
    let where_ = if guard { "in the guard page below" } else { "right below" };
    let at_least = if complete { "" } else { "at least " };
    write!(
        f,
        "The stack overflowed: that is {where_} the thread's stack {stack} ({size} KiB), on which {at_least}{frames} frames stand."
    )?;
    match cycle {
        [] => f.write_str(" They do not repeat, so it is large frames rather than recursion."),
        [one] => write!(f, " {one} calls itself over and over."),
        many => write!(f, " {} call each other over and over.", many.join(", ")),
    }
}

fn write_pattern(f: &mut fmt::Formatter<'_>, value: u64, register: Option<&str>, pattern: &Pattern) -> fmt::Result {
    match register {
        Some(register) => write!(f, "{register} holds {value:#x}, which")?,
        None => write!(f, "{value:#x}")?,
    }
    match pattern {
        Pattern::Poison { meaning } => write!(f, " looks like {meaning}."),
        Pattern::Repeated { byte } => write!(f, " is the byte {byte:#04x} over and over, as memset leaves it."),
        Pattern::Text { text } => write!(f, " looks like the text {text:?}, so text was written over an address."),
    }
}

fn write_behind_end(f: &mut fmt::Formatter<'_>, path: &Text, offset: u64, size_here: Option<u64>) -> fmt::Result {
    write!(f, "The page is mapped from byte {offset:#x} of {path} on")?;
    match size_here {
        Some(size) if size <= offset => {
            write!(f, ", but the file has only {size:#x} bytes: it was cut off, or never was that long.")
        }
        Some(_) => f.write_str(", which the file has now; at that time it was perhaps shorter."),
        None => f.write_str("; such a fault means that the file ended before that."),
    }
}
