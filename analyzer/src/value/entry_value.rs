//! What an argument was when its function was entered, told by the caller (DWARF 5, section 3.4).

use std::sync::Arc;

use gimli::{AttributeValue, Expression, Operation, UnitOffset, constants as dw};

use super::context::{Context, FrameContext};
use super::evaluate::{self, malformed};
use super::place::Missing;
use crate::dwarf::{DieRef, Slice, Unit, View};

type Entry<'a> = gimli::DebuggingInformationEntry<Slice<'a>>;

/// Entries that are looked at in one function for a call.
const MOST_ENTRIES: usize = 1 << 20;

/// What an argument is recognised by at the call.
enum Key {
    Register(u16),
    /// What the register points to.
    PointedTo(u16),
    Parameter(DieRef),
}

/// The value of `DW_OP_entry_value`'s operand when the function was entered: of a register, or of what can be computed
/// from registers.
pub(super) fn of_expression(
    context: Context<'_, '_>,
    expression: Expression<Slice<'_>>,
) -> Result<gimli::Value, Missing> {
    let encoding = context.unit.unit.encoding();
    let key = match (only_register(expression, encoding)?, pointing_register(expression, encoding)?) {
        (Some(register), _) => Key::Register(register),
        (None, Some(register)) => Key::PointedTo(register),
        (None, None) => return evaluate::value_at_entry(context, expression.0),
    };
    Ok(gimli::Value::Generic(evaluate::word(&at_call(context, &key)?)))
}

/// The bytes of a register when the function was entered.
pub(super) fn of_register(context: Context<'_, '_>, register: u16) -> Result<Arc<[u8]>, Missing> {
    at_call(context, &Key::Register(register))
}

/// The value of the parameter at `entry` when the function was entered.
pub(super) fn of_parameter(context: Context<'_, '_>, entry: DieRef) -> Result<u64, Missing> {
    at_call(context, &Key::Parameter(entry)).map(|bytes| evaluate::word(&bytes))
}

/// The register that an expression is all about.
pub(super) fn only_register(
    expression: Expression<Slice<'_>>,
    encoding: gimli::Encoding,
) -> Result<Option<u16>, Missing> {
    let mut operations = expression.operations(encoding);
    Ok(match (operations.next().map_err(malformed)?, operations.next().map_err(malformed)?) {
        (Some(Operation::Register { register }), None) => Some(register.0),
        _ => None,
    })
}

/// The register that an expression reads memory by.
fn pointing_register(expression: Expression<Slice<'_>>, encoding: gimli::Encoding) -> Result<Option<u16>, Missing> {
    let mut operations = expression.operations(encoding);
    let mut next = || operations.next().map_err(malformed);
    Ok(match (next()?, next()?, next()?) {
        (Some(Operation::RegisterOffset { register, offset: 0, .. }), Some(Operation::Deref { .. }), None) => {
            Some(register.0)
        }
        _ => None,
    })
}

fn at_call(context: Context<'_, '_>, key: &Key) -> Result<Arc<[u8]>, Missing> {
    passed(context, key).map_err(|missing| match missing {
        // The register is one of the caller's, which tells the user nothing of this frame.
        Missing::NotSaved(_) => Missing::OptimizedOut,
        missing => missing,
    })
}

fn passed(context: Context<'_, '_>, key: &Key) -> Result<Arc<[u8]>, Missing> {
    let frame = context.frame.ok_or(Missing::OptimizedOut)?;
    let caller_index = frame.index + 1;
    let caller = frame.frames.get(caller_index).ok_or(Missing::OptimizedOut)?;
    if !caller.returns_to_pc {
        return Err(Missing::OptimizedOut);
    }
    let session = context.session;
    let module_index = caller.module.ok_or(Missing::OptimizedOut)?;
    let module = session.modules().get(module_index).ok_or(Missing::OptimizedOut)?;
    let info = session.debug_info(module_index).ok_or(Missing::OptimizedOut)?;
    let view = info.values();
    let lookup = module.to_svma(caller.lookup_address()).ok_or(Missing::OptimizedOut)?;
    let returns_to = module.to_svma(caller.pc).ok_or(Missing::OptimizedOut)?;
    let (unit, function) = view.physical_function(lookup.0).ok_or(Missing::OptimizedOut)?;
    let caller_context = Context {
        session,
        module,
        view: &view,
        unit: &unit,
        frame: Some(FrameContext { index: caller_index, function: Some(function), ..frame }),
        depth: context.depth + 1,
    };
    let call = find_call(&unit, function, returns_to.0).ok_or(Missing::OptimizedOut)?;
    check_target(context, caller_context, &view, call)?;
    let value = argument(caller_context, call, key)?.ok_or(Missing::OptimizedOut)?;
    evaluate::bytes(caller_context, value)
}

/// The call site entry in `function` whose call returns to `returns_to`.
fn find_call(unit: &Unit<'_>, function: UnitOffset, returns_to: u64) -> Option<UnitOffset> {
    let mut entries = unit.unit.entries_at_offset(function).ok()?;
    let mut depth = None;
    let mut left = MOST_ENTRIES;
    while let (Ok(Some(entry)), true) = (entries.next_dfs(), left > 0) {
        left -= 1;
        if *depth.get_or_insert(entry.depth()) == entry.depth() && entry.offset() != function {
            return None;
        }
        if matches!(entry.tag(), dw::DW_TAG_call_site | dw::DW_TAG_GNU_call_site)
            && returns(unit, entry) == Some(returns_to)
        {
            return Some(entry.offset());
        }
    }
    None
}

/// Where a call returns to: `DW_AT_call_return_pc`, which GNU's DWARF 4 extension calls `DW_AT_low_pc`.
fn returns(unit: &Unit<'_>, entry: &Entry<'_>) -> Option<u64> {
    let value = entry.attr_value(dw::DW_AT_call_return_pc).or_else(|| entry.attr_value(dw::DW_AT_low_pc))?;
    unit.dwarf.attr_address(&unit.unit, value).ok()?
}

/// Makes sure that the call leads to the function that asks: behind a call that ended in another function's tail call
/// the caller's arguments are not ours.
fn check_target<'a>(
    callee: Context<'_, '_>,
    caller: Context<'_, 'a>,
    view: &View<'a>,
    call: UnitOffset,
) -> Result<(), Missing> {
    let entry = caller.unit.unit.entry(call).map_err(malformed)?;
    let Some(origin) = origin(&entry) else { return check_indirect(callee, caller, &entry) };
    let Some(called) = caller.view.follow(caller.unit, &origin) else { return Err(Missing::OptimizedOut) };
    let leads_here = match (view.entry_address(called), own_start(callee)) {
        (Some(target), Some(own)) => caller.to_avma(target) == own,
        // An abstract instance, of a function that is inlined at other places, or a declaration.
        (_, own) => {
            own_entry(callee).is_some_and(|own| view.names_same_function(called, callee.view, own))
                || own.is_some_and(|own| alias_of(callee, view, called) == Some(own))
        }
    };
    if leads_here { Ok(()) } else { Err(Missing::OptimizedOut) }
}

/// Where a declared function is among the callee's symbols: glibc's `sem_wait` is `__new_sem_wait` in its own terms.
fn alias_of(callee: Context<'_, '_>, view: &View<'_>, called: DieRef) -> Option<dpdb_snapshot::Avma> {
    callee.session.address_of(callee.module, &view.symbol_name(called)?)
}

fn check_indirect<'a>(callee: Context<'_, '_>, caller: Context<'_, 'a>, entry: &Entry<'a>) -> Result<(), Missing> {
    let target = entry
        .attr_value(dw::DW_AT_call_target)
        .or_else(|| entry.attr_value(dw::DW_AT_GNU_call_site_target))
        .or_else(|| entry.attr_value(dw::DW_AT_call_target_clobbered))
        .or_else(|| entry.attr_value(dw::DW_AT_GNU_call_site_target_clobbered));
    let Some(AttributeValue::Exprloc(expression)) = target else { return Err(Missing::OptimizedOut) };
    let target = evaluate::number(caller, expression.0, None)?;
    match own_start(callee) {
        Some(own) if own.0 != target => Err(Missing::OptimizedOut),
        _ => Ok(()),
    }
}

fn own_start(callee: Context<'_, '_>) -> Option<dpdb_snapshot::Avma> {
    Some(callee.to_avma(callee.view.entry_address(own_entry(callee)?)?))
}

fn own_entry(callee: Context<'_, '_>) -> Option<DieRef> {
    Some(callee.unit.die(callee.frame?.function?))
}

fn origin<'a>(entry: &Entry<'a>) -> Option<AttributeValue<Slice<'a>>> {
    entry.attr_value(dw::DW_AT_call_origin).or_else(|| entry.attr_value(dw::DW_AT_abstract_origin))
}

/// The expression for the argument that `key` names, in the caller's terms.
fn argument<'a>(context: Context<'_, 'a>, call: UnitOffset, key: &Key) -> Result<Option<Slice<'a>>, Missing> {
    let unit: &Arc<Unit<'a>> = context.unit;
    let mut tree = unit.unit.entries_tree(Some(call)).map_err(malformed)?;
    let mut children = tree.root().map_err(malformed)?.children();
    while let Some(child) = children.next().map_err(malformed)? {
        let entry = child.entry();
        let is_parameter = matches!(entry.tag(), dw::DW_TAG_call_site_parameter | dw::DW_TAG_GNU_call_site_parameter);
        if !is_parameter || !matches_key(context, entry, key) {
            continue;
        }
        let value = match key {
            Key::PointedTo(_) => [dw::DW_AT_call_data_value, dw::DW_AT_GNU_call_site_data_value],
            Key::Register(_) | Key::Parameter(_) => [dw::DW_AT_call_value, dw::DW_AT_GNU_call_site_value],
        };
        let value = value.into_iter().find_map(|name| entry.attr_value(name));
        if let Some(AttributeValue::Exprloc(expression)) = value {
            return Ok(Some(expression.0));
        }
    }
    Ok(None)
}

fn matches_key<'a>(context: Context<'_, 'a>, entry: &Entry<'a>, key: &Key) -> bool {
    match key {
        Key::Register(register) | Key::PointedTo(register) => {
            let Some(AttributeValue::Exprloc(location)) = entry.attr_value(dw::DW_AT_location) else { return false };
            let mut operations = location.operations(context.unit.unit.encoding());
            matches!(operations.next(), Ok(Some(Operation::Register { register: found })) if found.0 == *register)
        }
        Key::Parameter(parameter) => {
            let named =
                entry.attr_value(dw::DW_AT_call_parameter).or_else(|| entry.attr_value(dw::DW_AT_abstract_origin));
            named.and_then(|value| context.view.follow(context.unit, &value)) == Some(*parameter)
        }
    }
}
