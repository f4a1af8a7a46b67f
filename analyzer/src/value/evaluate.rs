//! DWARF expressions (DWARF 5, sections 2.5 and 2.6) over a stopped process.

use std::sync::Arc;

use dpdb_snapshot::Avma;
use gimli::{
    AttributeValue, DieReference, Evaluation, EvaluationResult, Expression, Location, UnitOffset, ValueType,
    constants as dw,
};

use super::context::Context;
use super::place::{Missing, Piece, Place, Source};
use super::{entry_value, registers, tls};
use crate::dwarf::{DieRef, Slice};
use crate::svma::Svma;
use crate::types::{self, TypeKind};

/// Steps that one expression may take. `DW_OP_bra` can loop.
const MOST_STEPS: u32 = 100_000;
/// Expressions inside expressions: entry values of entry values, `DW_OP_call`.
const MOST_LEVELS: usize = 16;

/// The place that an expression describes. `object` is what `DW_OP_push_object_address` gives.
pub(crate) fn place<'e, 'a: 'e>(
    context: Context<'_, 'a>,
    expression: Slice<'e>,
    object: Option<u64>,
) -> Result<Place, Missing> {
    if expression.is_empty() {
        return Err(Missing::OptimizedOut);
    }
    let pieces = run(context, expression, Start { object, ..Start::default() })?;
    if let [gimli::Piece { size_in_bits: None, location: Location::Address { address }, .. }] = pieces[..] {
        return Ok(Place::memory(Avma(address)));
    }
    Ok(Place::pieces(pieces.into_iter().map(|piece| convert(context, piece)).collect()))
}

/// The number that an expression computes, or the address of the place that it describes: the bound of an array, the
/// place of a virtual base, the value of an argument at a call. `initial` is on the stack when it begins.
pub(crate) fn number<'e, 'a: 'e>(
    context: Context<'_, 'a>,
    expression: Slice<'e>,
    initial: Option<u64>,
) -> Result<u64, Missing> {
    let pieces = run(context, expression, Start { object: initial, initial, ..Start::default() })?;
    match &pieces[..] {
        [piece] => match piece.location {
            Location::Address { address } => Ok(address),
            Location::Value { value } => value.to_u64(u64::MAX).map_err(malformed),
            Location::Register { register } => Ok(word(&registers::bytes(context, register.0)?)),
            Location::Empty => Err(Missing::OptimizedOut),
            _ => Err(Missing::Unsupported("an expression that gives no number".to_owned())),
        },
        _ => Err(Missing::Unsupported("an expression that gives no number".to_owned())),
    }
}

/// The bytes of the value that an expression computes.
pub(super) fn bytes(context: Context<'_, '_>, expression: Slice<'_>) -> Result<Arc<[u8]>, Missing> {
    let expression = as_value(context, expression)?;
    let pieces = run(context, Slice::new(&expression, gimli::LittleEndian), Start::default())?;
    let [piece] = <[_; 1]>::try_from(pieces).map_err(|_| no_value())?;
    match convert(context, piece).source {
        Source::Register(bytes) | Source::Constant(bytes) => Ok(bytes),
        Source::Missing(missing) => Err(missing),
        Source::Memory(_) | Source::ImplicitPointer { .. } => Err(no_value()),
    }
}

/// The value that an expression computes from the registers as they were when the frame's function was entered.
pub(super) fn value_at_entry(context: Context<'_, '_>, expression: Slice<'_>) -> Result<gimli::Value, Missing> {
    let expression = as_value(context, expression)?;
    let start = Start { at_entry: true, ..Start::default() };
    match &run(context, Slice::new(&expression, gimli::LittleEndian), start)?[..] {
        [gimli::Piece { location: Location::Value { value }, .. }] => Ok(*value),
        _ => Err(no_value()),
    }
}

/// The expression, made to say that what it leaves on the stack is a value and no address, unless it describes a place
/// of its own.
fn as_value(context: Context<'_, '_>, expression: Slice<'_>) -> Result<Vec<u8>, Missing> {
    use gimli::Operation as Op;
    let mut operations = Expression(expression).operations(context.unit.unit.encoding());
    let mut is_place = false;
    while let Some(operation) = operations.next().map_err(malformed)? {
        is_place |= matches!(
            operation,
            Op::Register { .. }
                | Op::ImplicitValue { .. }
                | Op::ImplicitPointer { .. }
                | Op::StackValue
                | Op::Piece { .. }
        );
    }
    let end = (!is_place).then_some(dw::DW_OP_stack_value.0);
    Ok(expression.slice().iter().copied().chain(end).collect())
}

fn no_value() -> Missing {
    Missing::Unsupported("an expression that gives no value".to_owned())
}

/// What an evaluation begins with.
#[derive(Clone, Copy, Default)]
struct Start {
    /// What `DW_OP_push_object_address` gives.
    object: Option<u64>,
    /// What is on the stack.
    initial: Option<u64>,
    /// Registers are asked for as they were when the function was entered.
    at_entry: bool,
}

fn run<'e, 'a: 'e>(
    context: Context<'_, 'a>,
    expression: Slice<'e>,
    start: Start,
) -> Result<Vec<gimli::Piece<Slice<'e>>>, Missing> {
    if context.depth > MOST_LEVELS {
        return Err(Missing::Malformed("expressions refer to each other without end".to_owned()));
    }
    let encoding = context.unit.unit.encoding();
    let mut evaluation = Expression(without_uninit(expression, encoding)).evaluation(encoding);
    evaluation.set_max_iterations(MOST_STEPS);
    if let Some(object) = start.object {
        evaluation.set_object_address(object);
    }
    if let Some(initial) = start.initial {
        evaluation.set_initial_value(initial);
    }
    let inner = Context { depth: context.depth + 1, ..context };
    let mut state = evaluation.evaluate().map_err(malformed)?;
    loop {
        state = match state {
            EvaluationResult::Complete => return Ok(evaluation.result()),
            EvaluationResult::RequiresRegister { register, base_type } if start.at_entry => {
                let bytes = entry_value::of_register(inner, register.0)?;
                evaluation.resume_with_register(typed(inner, base_type, &bytes)?).map_err(malformed)?
            }
            EvaluationResult::RequiresMemory { .. } if start.at_entry => {
                return Err(Missing::Unsupported("memory as it was when the function was entered".to_owned()));
            }
            state => answer(inner, &mut evaluation, state)?,
        };
    }
}

/// `DW_OP_GNU_uninit` of gcc's `var-tracking.cc` and gdb's `dwarf2/expr.c`.
const GNU_UNINIT: u8 = 0xf0;

/// An expression without the mark that gcc puts at the end of the location of what may not have been set. The byte may
/// as well be the last one of an operand; what is in front of it then is no expression.
fn without_uninit(expression: Slice<'_>, encoding: gimli::Encoding) -> Slice<'_> {
    let Some((&GNU_UNINIT, rest)) = expression.slice().split_last() else { return expression };
    let rest = Slice::new(rest, gimli::LittleEndian);
    let mut operations = Expression(rest).operations(encoding);
    loop {
        match operations.next() {
            Ok(Some(_)) => {}
            Ok(None) => return rest,
            Err(_) => return expression,
        }
    }
}

/// Gives an evaluation what it asked for.
fn answer<'e, 'a: 'e>(
    context: Context<'_, 'a>,
    evaluation: &mut Evaluation<Slice<'e>>,
    question: EvaluationResult<Slice<'e>>,
) -> Result<EvaluationResult<Slice<'e>>, Missing> {
    let next = match question {
        EvaluationResult::RequiresMemory { address, size, space, base_type } => {
            if space.is_some() {
                return Err(Missing::Unsupported("an address space".to_owned()));
            }
            let mut word = [0; 8];
            let size = usize::from(size).min(word.len());
            context.memory().read(Avma(address), &mut word[..size])?;
            evaluation.resume_with_memory(typed(context, base_type, &word)?)
        }
        EvaluationResult::RequiresRegister { register, base_type } => {
            let bytes = registers::bytes(context, register.0)?;
            evaluation.resume_with_register(typed(context, base_type, &bytes)?)
        }
        EvaluationResult::RequiresFrameBase => evaluation.resume_with_frame_base(frame_base(context)?),
        EvaluationResult::RequiresCallFrameCfa => evaluation.resume_with_call_frame_cfa(cfa(context)?),
        EvaluationResult::RequiresTls(offset) => evaluation.resume_with_tls(tls::address(context, offset)?.0),
        EvaluationResult::RequiresAtLocation(DieReference::UnitRef(entry)) => {
            evaluation.resume_with_at_location(location_of(context, context.unit.die(entry))?)
        }
        EvaluationResult::RequiresAtLocation(DieReference::DebugInfoRef(at)) => {
            let entry = context.view.follow(context.unit, &AttributeValue::DebugInfoRef(at));
            let entry = entry.ok_or_else(|| Missing::Malformed("DW_OP_call_ref leads nowhere".to_owned()))?;
            evaluation.resume_with_at_location(location_of(context, entry)?)
        }
        EvaluationResult::RequiresEntryValue(expression) => {
            evaluation.resume_with_entry_value(entry_value::of_expression(context, expression)?)
        }
        EvaluationResult::RequiresParameterRef(parameter) => {
            let value = entry_value::of_parameter(context, context.unit.die(parameter))?;
            evaluation.resume_with_parameter_ref(value)
        }
        EvaluationResult::RequiresRelocatedAddress(address) => {
            evaluation.resume_with_relocated_address(context.to_avma(address).0)
        }
        EvaluationResult::RequiresIndexedAddress { index, relocate } => {
            let address = context.unit.dwarf.address(&context.unit.unit, index).map_err(malformed)?;
            let address = if relocate { context.to_avma(address).0 } else { address };
            evaluation.resume_with_indexed_address(address)
        }
        EvaluationResult::RequiresBaseType(offset) => evaluation.resume_with_base_type(base_type(context, offset)?),
        other => return Err(Missing::Unsupported(format!("{other:?}"))),
    };
    next.map_err(malformed)
}

/// The first bytes as a value of the type at `of`, without a conversion; what is missing of them is zero.
fn typed(context: Context<'_, '_>, of: UnitOffset, bytes: &[u8]) -> Result<gimli::Value, Missing> {
    let word = word(bytes);
    match base_type(context, of)? {
        ValueType::Generic => Ok(gimli::Value::Generic(word)),
        of => gimli::Value::parse(of, Slice::new(&word.to_le_bytes(), gimli::LittleEndian)).map_err(malformed),
    }
}

/// The first eight bytes as a number; what is missing of them is zero.
pub(super) fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    let count = bytes.len().min(word.len());
    word[..count].copy_from_slice(&bytes[..count]);
    u64::from_le_bytes(word)
}

/// The value type of a `DW_TAG_base_type` entry. gcc also computes with characters and truth values, which are the
/// integers of their size.
fn base_type(context: Context<'_, '_>, offset: UnitOffset) -> Result<ValueType, Missing> {
    if offset.0 == 0 {
        return Ok(ValueType::Generic);
    }
    let die = context.unit.die(offset);
    let of = types::read(context.view, die).ok_or_else(|| malformed(gimli::Error::TypeMismatch))?;
    let TypeKind::Base(base) = of.kind else { return Err(malformed(gimli::Error::TypeMismatch)) };
    let encoding = match base.encoding {
        dw::DW_ATE_signed_char => dw::DW_ATE_signed,
        dw::DW_ATE_unsigned_char | dw::DW_ATE_boolean | dw::DW_ATE_UTF | dw::DW_ATE_address => dw::DW_ATE_unsigned,
        other => other,
    };
    let found = ValueType::from_encoding(encoding, of.size.unwrap_or_default());
    found.ok_or_else(|| {
        Missing::Unsupported(format!("an expression over the type {}", of.name.as_deref().unwrap_or("without a name")))
    })
}

fn cfa(context: Context<'_, '_>) -> Result<u64, Missing> {
    let frame = context.frame.ok_or_else(no_frame)?.frame();
    frame.cfa.map(|cfa| cfa.0).ok_or_else(|| Missing::Unsupported("a frame whose size nothing tells".to_owned()))
}

/// `DW_AT_frame_base` of the function that the frame runs. A register there means the register's contents, as every
/// consumer reads it, although section 3.3.5 could be read otherwise.
fn frame_base(context: Context<'_, '_>) -> Result<u64, Missing> {
    let function = context.frame.and_then(|frame| frame.function).ok_or_else(no_frame)?;
    let entry = context.unit.unit.entry(function).map_err(malformed)?;
    let base = entry.attr_value(gimli::DW_AT_frame_base).ok_or_else(no_frame)?;
    number(context, expression_at(context, base, context.lookup_address())?.ok_or(Missing::OptimizedOut)?, None)
}

fn no_frame() -> Missing {
    Missing::Unsupported("a location in a frame, without one".to_owned())
}

/// The expression in an attribute that holds one, or a list of them of which one is for `pc`; `None` where the list
/// has none for it.
pub(crate) fn expression_at<'a>(
    context: Context<'_, 'a>,
    value: AttributeValue<Slice<'a>>,
    pc: Option<Svma>,
) -> Result<Option<Slice<'a>>, Missing> {
    if let AttributeValue::Exprloc(expression) = value {
        return Ok(Some(expression.0));
    }
    let (dwarf, unit) = (&context.unit.dwarf, &context.unit.unit);
    let list = dwarf.attr_locations(unit, value).map_err(malformed)?;
    let mut list = list.ok_or_else(|| Missing::Unsupported("this form of a location".to_owned()))?;
    let pc = pc.ok_or_else(no_frame)?;
    while let Some(entry) = list.next().map_err(malformed)? {
        if entry.range.begin <= pc.0 && pc.0 < entry.range.end {
            return Ok(Some(entry.data.0));
        }
    }
    Ok(None)
}

/// `DW_AT_location` of another entry, for `DW_OP_call2`, `DW_OP_call4` and `DW_OP_call_ref`. Without one they do nothing
/// (DWARF 5, section 2.5.1.5).
fn location_of<'a>(context: Context<'_, 'a>, entry: DieRef) -> Result<Slice<'a>, Missing> {
    let unit = context.view.unit(entry.unit).ok_or(Missing::OptimizedOut)?;
    let context = Context { unit: &unit, ..context };
    let entry = unit.unit.entry(entry.offset).map_err(malformed)?;
    match entry.attr_value(gimli::DW_AT_location) {
        Some(location) => Ok(expression_at(context, location, context.lookup_address())?.ok_or(Missing::OptimizedOut)?),
        None => Ok(Slice::new(&[], gimli::LittleEndian)),
    }
}

fn convert(context: Context<'_, '_>, piece: gimli::Piece<Slice<'_>>) -> Piece {
    let source = match piece.location {
        Location::Empty => Source::Missing(Missing::OptimizedOut),
        Location::Address { address } => Source::Memory(Avma(address)),
        Location::Register { register } => registers::source(context, register.0),
        Location::Value { value } => value_bytes(value),
        Location::Bytes { value } => Source::Constant(value.slice().into()),
        Location::ImplicitPointer { value, byte_offset } => match implicit_target(context, value) {
            Some(target) => Source::ImplicitPointer { target, offset: byte_offset },
            None => Source::Missing(Missing::OptimizedOut),
        },
    };
    Piece { bits: piece.size_in_bits.unwrap_or(u64::MAX), offset: piece.bit_offset.unwrap_or(0), source }
}

fn implicit_target(context: Context<'_, '_>, at: gimli::DebugInfoOffset) -> Option<DieRef> {
    context.view.follow(context.unit, &AttributeValue::DebugInfoRef(at))
}

/// A computed value as the bytes it would have in memory. A generic one is as wide as an address, and a narrower
/// object is its low end.
fn value_bytes(value: gimli::Value) -> Source {
    let bytes: Vec<u8> = match value {
        gimli::Value::Generic(value) | gimli::Value::U64(value) => value.to_le_bytes().to_vec(),
        gimli::Value::I64(value) => value.to_le_bytes().to_vec(),
        gimli::Value::U32(value) => value.to_le_bytes().to_vec(),
        gimli::Value::I32(value) => value.to_le_bytes().to_vec(),
        gimli::Value::U16(value) => value.to_le_bytes().to_vec(),
        gimli::Value::I16(value) => value.to_le_bytes().to_vec(),
        gimli::Value::U8(value) => vec![value],
        gimli::Value::I8(value) => value.to_le_bytes().to_vec(),
        gimli::Value::F32(value) => value.to_le_bytes().to_vec(),
        gimli::Value::F64(value) => value.to_le_bytes().to_vec(),
    };
    Source::Constant(bytes.into())
}

pub(super) fn malformed(error: gimli::Error) -> Missing {
    match error {
        gimli::Error::InvalidExpression(op) => {
            let named = op.static_string().map(str::to_owned);
            Missing::Unsupported(named.unwrap_or_else(|| format!("operation {:#04x}", op.0)))
        }
        error => Missing::Malformed(error.to_string()),
    }
}
