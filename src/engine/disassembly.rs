//! `disas`: machine code.

use dpdb_analyzer::Instruction;
use dpdb_snapshot::{AddressRange, Avma, Text};
use serde::Serialize;

use super::{CommandError, Engine, Hex, Reply};

/// The instructions of a function or a range.
#[derive(Debug, Serialize)]
pub struct Disassembly {
    /// The function, where they are one's.
    pub function: Option<String>,
    /// The instructions, ascending.
    pub lines: Vec<InstructionLine>,
    /// Why it ends early, if it does.
    pub ended: Option<String>,
}

/// One instruction.
#[derive(Clone, Debug, Serialize)]
pub struct InstructionLine {
    /// Where it is.
    pub address: Hex,
    /// The symbol it lies in, such as `main+4`.
    pub symbol: Option<String>,
    /// Its bytes in hex.
    pub bytes: String,
    /// Its text, in the AT&T syntax that gdb shows.
    pub text: String,
    /// The address that it jumps to or speaks of.
    pub target: Option<Hex>,
    /// The symbol there.
    pub note: Option<String>,
    /// It is the selected frame's pc.
    pub current: bool,
    /// Its line of source, with `/s`.
    pub source: Option<SourceOfInstruction>,
}

/// A line of source.
#[derive(Clone, Debug, Serialize)]
pub struct SourceOfInstruction {
    /// The file.
    pub file: Text,
    /// The line.
    pub line: u32,
    /// Its text, where the file is to be had.
    pub text: Option<Text>,
}

/// Instructions shown where nothing says how long the function is.
const WINDOW: usize = 20;
/// A function with more instructions than this is cut.
const MOST: usize = 20_000;
/// x86 instructions are no longer (Intel SDM, volume 2, section 2.3.11).
const LONGEST: u64 = 15;

impl Engine {
    /// Machine code: of the selected frame's function, of the function that a name or an address lies in, or of a
    /// range `A,B` or `A,+BYTES`.
    ///
    /// # Errors
    /// The place makes no sense, or there is no code to be had.
    pub fn disassemble(&mut self, arguments: &str, with_source: bool) -> Result<Reply, CommandError> {
        let (tid, number) = (self.tid, self.selected_frame(self.tid));
        let frame = self.frame_at(tid, number).ok().map(|(frame, _)| frame);
        let current = frame.as_ref().map(|frame| frame.pc);
        let (range, limit) = match (arguments.split_once(','), arguments) {
            (Some((first, last)), _) => (self.range(first.trim(), last.trim())?, MOST),
            (None, "") => {
                let frame = frame.ok_or_else(|| CommandError::refused(format!("thread {tid} has no frames")))?;
                self.function_or_window(frame.lookup_address(), frame.pc)
            }
            (None, place) => {
                let at = self.address(place)?;
                self.function_or_window(at, at)
            }
        };
        let mut lines = self.session.disassemble(range, limit);
        let ended = match lines.absent.take() {
            Some(absent) if lines.instructions.is_empty() => return Err(absent.into()),
            Some(absent) => Some(absent.to_string()),
            None if lines.instructions.len() == MOST => Some(format!("cut after {MOST} instructions")),
            None => None,
        };
        let function = self.session.symbol_at(range.start).map(|hit| hit.name);
        let lines = lines.instructions.into_iter().map(|instruction| {
            let mut line = self.instruction_line(instruction, current);
            line.source = if with_source { self.source_of(Avma(line.address.0)) } else { None };
            line
        });
        Ok(Reply::Disassembly(Disassembly { function, lines: lines.collect(), ended }))
    }

    /// So many instructions from an address on, and where the next one begins.
    pub(super) fn decode(&mut self, start: Avma, count: usize) -> Result<(Vec<InstructionLine>, Avma), CommandError> {
        let end = start.wrapping_add(LONGEST * count as u64);
        let decoded = self.session.disassemble(AddressRange::new(start.0, end.0), count);
        if let (Some(absent), true) = (decoded.absent, decoded.instructions.is_empty()) {
            return Err(absent.into());
        }
        let (tid, number) = (self.tid, self.selected_frame(self.tid));
        let current = self.frame_at(tid, number).ok().map(|(frame, _)| frame.pc);
        let last = decoded.instructions.last();
        let next = last.map_or(start, |last| last.address.wrapping_add(last.bytes.len() as u64));
        let lines = decoded.instructions.into_iter().map(|instruction| self.instruction_line(instruction, current));
        Ok((lines.collect(), next))
    }

    fn range(&mut self, first: &str, last: &str) -> Result<AddressRange, CommandError> {
        let start = self.address(first)?;
        let end = match last.strip_prefix('+') {
            Some(bytes) => start.wrapping_add(self.address(bytes)?.0),
            None => self.address(last)?,
        };
        if end <= start {
            return Err(CommandError::refused(format!("{end} is not above {start}")));
        }
        Ok(AddressRange { start, end })
    }

    /// The function that `at` lies in; else some instructions from `pc` on, since nothing tells where one begins.
    fn function_or_window(&self, at: Avma, pc: Avma) -> (AddressRange, usize) {
        let window = AddressRange::new(pc.0, pc.0.saturating_add(LONGEST * WINDOW as u64));
        self.session.function_range(at).map_or((window, WINDOW), |range| (range, MOST))
    }

    fn instruction_line(&self, instruction: Instruction, current: Option<Avma>) -> InstructionLine {
        InstructionLine {
            address: instruction.address.into(),
            symbol: self.symbol_text(instruction.address),
            bytes: instruction.bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            text: instruction.text,
            target: instruction.target.map(Hex::from),
            note: instruction.symbol,
            current: current == Some(instruction.address),
            source: None,
        }
    }

    fn source_of(&self, at: Avma) -> Option<SourceOfInstruction> {
        let location = self.location_at(at)?;
        let text = self.source_text(&location.file).ok();
        let text = text.and_then(|file| Some(Text(file.line(location.line)?.to_vec())));
        Some(SourceOfInstruction { file: location.file.as_path().into(), line: location.line, text })
    }
}
