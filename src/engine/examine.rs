//! `x`: memory, in the unit and format asked for.

use dpdb_snapshot::{Avma, Text};
use serde::Serialize;

use super::disassembly::InstructionLine;
use super::examine_format::{ExamineFormat, Format};
use super::{CommandError, Engine, Hex, Reply};

/// A piece of memory, taken apart.
#[derive(Debug, Serialize)]
pub struct Examined {
    /// The format of all units.
    pub format: Format,
    /// The bytes of a unit; strings and instructions have lengths of their own.
    pub size: usize,
    /// The units, ascending.
    pub units: Vec<Unit>,
    /// Why it ends before the count asked for, if it does.
    pub ended: Option<String>,
}

/// One unit of memory.
#[derive(Debug, Serialize)]
pub struct Unit {
    /// Where it is.
    pub address: Hex,
    /// The symbol it lies in, such as `main+4`, where that changed since the unit before.
    pub symbol: Option<String>,
    /// What is there.
    pub value: Value,
}

/// What is at an address.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// The unit's bits.
    Bits(Hex),
    /// The unit's bits as an address, with the symbol there.
    Pointer {
        /// The address.
        to: Hex,
        /// The symbol it points into.
        symbol: Option<String>,
    },
    /// A `float` or `double`, as text, since JSON knows no NaN.
    Float(String),
    /// A string.
    String {
        /// Its bytes up to the NUL.
        text: Text,
        /// The NUL was not found within the limit.
        cut: bool,
    },
    /// An instruction.
    Instruction(InstructionLine),
}

/// Where `x` goes on.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExamineState {
    format: ExamineFormat,
    next: Avma,
}

/// Longer strings are cut, and said to be.
const LONGEST_STRING: usize = 4096;

impl Engine {
    /// Shows memory at `address`, or where the last `x` ended.
    ///
    /// # Errors
    /// The address or the format makes no sense, or not even the first unit is there.
    pub fn examine(&mut self, modifier: &str, address: &str) -> Result<Reply, CommandError> {
        let format = ExamineFormat::parse(modifier, self.examine.format)?;
        let start = if address.is_empty() { self.examine.next } else { self.address(address)? };
        let mut examined = Examined { format: format.format, size: format.size, units: Vec::new(), ended: None };
        let next = match format.format {
            Format::String => self.strings(start, format.count, &mut examined),
            Format::Instruction => self.instructions(start, format.count, &mut examined),
            _ => self.words(start, format, &mut examined),
        }?;
        self.examine = ExamineState { format: ExamineFormat { count: 1, ..format }, next };
        Ok(Reply::Examined(examined))
    }

    fn words(&self, start: Avma, format: ExamineFormat, out: &mut Examined) -> Result<Avma, CommandError> {
        let mut at = start;
        for _ in 0..format.count {
            let mut bytes = [0; 8];
            if let Err(absent) = self.session.memory().read(at, &mut bytes[..format.size]) {
                return ended(out, absent.into(), at);
            }
            let bits = u64::from_le_bytes(bytes);
            let value = match format.format {
                Format::Address => Value::Pointer { to: Hex(bits), symbol: self.symbol_text(Avma(bits)) },
                Format::Float if format.size == 4 => Value::Float(f32::from_bits(bits as u32).to_string()),
                Format::Float => Value::Float(f64::from_bits(bits).to_string()),
                _ => Value::Bits(Hex(bits)),
            };
            out.units.push(self.unit(at, value));
            at = at.wrapping_add(format.size as u64);
        }
        Ok(at)
    }

    fn strings(&self, start: Avma, count: usize, out: &mut Examined) -> Result<Avma, CommandError> {
        let mut at = start;
        for _ in 0..count {
            let (text, whole) = match self.session.memory().read_c_string(at, LONGEST_STRING) {
                Ok(found) => found,
                Err(absent) => return ended(out, absent.into(), at),
            };
            let length = text.len() as u64 + u64::from(whole);
            out.units.push(self.unit(at, Value::String { text: Text(text), cut: !whole }));
            at = at.wrapping_add(length);
        }
        Ok(at)
    }

    fn instructions(&mut self, start: Avma, count: usize, out: &mut Examined) -> Result<Avma, CommandError> {
        let (lines, next) = self.decode(start, count)?;
        for line in lines {
            let at = Avma(line.address.0);
            out.units.push(self.unit(at, Value::Instruction(line)));
        }
        Ok(next)
    }

    fn unit(&self, at: Avma, value: Value) -> Unit {
        Unit { address: at.into(), symbol: self.symbol_text(at), value }
    }
}

/// An absence is an error where nothing was had, else the end of what was.
fn ended(out: &mut Examined, why: CommandError, at: Avma) -> Result<Avma, CommandError> {
    if out.units.is_empty() {
        return Err(why);
    }
    out.ended = Some(why.to_string());
    Ok(at)
}
