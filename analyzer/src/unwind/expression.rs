//! DWARF expressions as call frame information has them: over registers and memory, without any unit behind them.

use dpdb_snapshot::{Avma, Memory};
use gimli::{EndianSlice, Evaluation, EvaluationResult, LittleEndian, Location, Value};

use super::rules::RuleError;
use crate::frame::FrameRegisters;

/// Real ones take a dozen operations. A branch backwards makes an expression endless.
const MOST_OPERATIONS: u32 = 10_000;

const ENCODING: gimli::Encoding = gimli::Encoding { format: gimli::Format::Dwarf32, version: 5, address_size: 8 };

/// The value of an expression that starts with `initial` (the CFA, in rules for registers) on its stack.
pub(crate) fn evaluate(
    bytes: &[u8],
    initial: Option<u64>,
    registers: &FrameRegisters,
    memory: &dyn Memory,
) -> Result<u64, RuleError> {
    let bad = |error: gimli::Error| RuleError::Bad(format!("an expression in it: {error}"));
    let mut evaluation = gimli::Expression(EndianSlice::new(bytes, LittleEndian)).evaluation(ENCODING);
    evaluation.set_max_iterations(MOST_OPERATIONS);
    if let Some(initial) = initial {
        evaluation.set_initial_value(initial);
    }
    let mut state = evaluation.evaluate().map_err(bad)?;
    loop {
        state = match state {
            EvaluationResult::Complete => return result(&evaluation),
            EvaluationResult::RequiresMemory { address, size, space: None, .. } => {
                let value = load(memory, Avma(address), size)?;
                evaluation.resume_with_memory(Value::Generic(value)).map_err(bad)?
            }
            EvaluationResult::RequiresRegister { register, .. } => {
                let value = registers.get(register.0).ok_or(RuleError::Register(register.0))?;
                evaluation.resume_with_register(Value::Generic(value)).map_err(bad)?
            }
            _ => {
                return Err(RuleError::Bad("an expression in it needs what call frame information has not".to_owned()));
            }
        };
    }
}

fn load(memory: &dyn Memory, at: Avma, size: u8) -> Result<u64, RuleError> {
    let mut word = [0; 8];
    let size = usize::from(size).min(word.len());
    memory.read(at, &mut word[..size]).map_err(|absent| RuleError::Memory(at, absent))?;
    Ok(u64::from_le_bytes(word))
}

fn result(evaluation: &Evaluation<EndianSlice<'_, LittleEndian>>) -> Result<u64, RuleError> {
    match evaluation.as_result() {
        [piece] => match piece.location {
            Location::Address { address } => Ok(address),
            Location::Value { value: Value::Generic(value) } => Ok(value),
            _ => Err(RuleError::Bad("an expression in it gives neither an address nor a value".to_owned())),
        },
        _ => Err(RuleError::Bad("an expression in it gives no single value".to_owned())),
    }
}
