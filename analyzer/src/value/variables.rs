//! The variables that a frame can see (DWARF 5, sections 3.3 and 4.1).

use std::sync::Arc;

use dpdb_snapshot::Thread;
use gimli::{AttributeValue, UnitOffset, constants as dw};

use super::build::{Builder, ValueLimits};
use super::context::{Context, FrameContext};
use super::place::{Missing, Place};
use super::tree::ValueTree;
use super::{entry_value, evaluate};
use crate::dwarf::{DieRef, Slice, Unit, View, around};
use crate::frame::Frame;
use crate::session::Session;
use crate::svma::Svma;
use crate::types::{self, TypeRef};

type Entry<'a> = gimli::DebuggingInformationEntry<Slice<'a>>;

/// Entries that are followed from an instance to its origin.
const MOST_HOPS: usize = 8;
/// Blocks without addresses inside each other: rustc opens one with each `let`.
const MOST_LEVELS: usize = 256;
/// Such blocks that are looked through for the variables of one.
const MOST_BLOCKS: usize = 10_000;
/// Variables that one function may have.
const MOST_VARIABLES: usize = 20_000;

/// An argument or local of a frame, with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// As declared.
    pub name: String,
    /// Its type, as the debugging information names it; empty where it is made of others.
    pub type_name: String,
    /// A parameter of the function.
    pub is_argument: bool,
    /// It has one place for the whole run of the program.
    pub is_static: bool,
    /// The line of its declaration.
    pub line: Option<u32>,
    /// How many blocks out of the innermost one it was declared.
    pub block: usize,
    /// What it is.
    pub value: ValueTree,
    /// What an argument was when the function was entered, where the caller tells.
    pub entry_value: Option<ValueTree>,
}

/// The variables of each of the functions of a frame that are wanted, the innermost inlined one first, as in
/// [`Session::symbolize`].
pub(crate) fn of_frame(
    session: &Session,
    thread: &Thread,
    frames: &[Frame],
    index: usize,
    wanted: Wanted,
) -> Vec<Vec<Variable>> {
    read_frame(session, thread, frames, index, wanted).unwrap_or_default()
}

/// What variables of a function are declared as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declared {
    /// Parameters and others.
    Either,
    /// Parameters.
    Arguments,
    /// Everything but parameters.
    Locals,
}

/// Which variables are read, and how much of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// Of one function of the frame only, by its number in [`Session::symbolize`].
    pub(crate) function: Option<usize>,
    pub(crate) declared: Declared,
    pub(crate) limits: ValueLimits,
}

fn read_frame(
    session: &Session,
    thread: &Thread,
    frames: &[Frame],
    index: usize,
    wanted: Wanted,
) -> Option<Vec<Vec<Variable>>> {
    let frame = frames.get(index)?;
    let module = session.module_at(frame.lookup_address())?;
    let view = session.debug_info(module.index())?.values();
    let pc = module.to_svma(frame.lookup_address())?;
    let (unit, function) = view.physical_function(pc.0)?;
    let frame = FrameContext { thread, frames, index, function: Some(function) };
    let context = Context { session, module, view: &view, unit: &unit, frame: Some(frame), depth: 0 };
    let functions = blocks_of(&unit, function, pc);
    let of_blocks = |blocks: &Vec<UnitOffset>| {
        let innermost_first = blocks.iter().rev().enumerate();
        innermost_first.flat_map(|(depth, block)| of_block(context, *block, depth, wanted)).collect()
    };
    let functions = functions.iter().rev().enumerate();
    let functions = functions.filter(|(number, _)| wanted.function.is_none_or(|wanted| wanted == *number));
    Some(functions.map(|(_, blocks)| of_blocks(blocks)).collect())
}

/// The functions around `pc`, outermost first: of each the entry itself and the blocks in it that cover `pc`.
fn blocks_of(unit: &Unit<'_>, function: UnitOffset, pc: Svma) -> Vec<Vec<UnitOffset>> {
    let mut functions: Vec<Vec<UnitOffset>> = vec![vec![function]];
    for scope in around(unit, function, pc.0) {
        match (scope.call, functions.last_mut()) {
            (None, Some(blocks)) => blocks.push(scope.entry),
            _ => functions.push(vec![scope.entry]),
        }
    }
    functions
}

/// The variables that the function number `function` of the context's frame can see, with their names, the innermost
/// first. Functions are numbered as in [`Session::symbolize`].
pub(crate) fn locals(context: Context<'_, '_>, function: usize) -> Vec<(String, DieRef)> {
    let around = context.frame.and_then(|frame| frame.function).zip(context.lookup_address());
    let Some((physical, pc)) = around else { return Vec::new() };
    let functions = blocks_of(context.unit, physical, pc);
    let Some(blocks) = functions.iter().rev().nth(function) else { return Vec::new() };
    let dies = blocks.iter().rev().flat_map(|block| declared_in(context.view, context.unit, *block));
    dies.filter_map(|die| Some((declaration(context.view, die)?.name?, die))).collect()
}

/// The variables of a function that have one place for the whole run of the program, with their names, in whatever block
/// of it.
pub(crate) fn statics(view: &View<'_>, function: DieRef) -> Vec<(String, DieRef)> {
    let Some(unit) = view.unit(function.unit) else { return Vec::new() };
    let (mut found, mut open) = (Vec::new(), vec![function.offset]);
    while let Some((children, _)) = open.pop().and_then(|block| children_of(view, &unit, block)) {
        for child in children {
            match child.kind {
                ChildKind::Block | ChildKind::BlockElsewhere if open.len() < MOST_VARIABLES => {
                    open.push(child.die.offset);
                }
                ChildKind::Variable if found.len() < MOST_VARIABLES => {
                    let declared = declaration(view, child.die).filter(is_static);
                    found.extend(declared.and_then(|declared| Some((declared.name?, child.die))));
                }
                _ => {}
            }
        }
    }
    found
}

fn of_block(context: Context<'_, '_>, block: UnitOffset, depth: usize, wanted: Wanted) -> Vec<Variable> {
    let dies = declared_in(context.view, context.unit, block).into_iter();
    let is_wanted = |die: &DieRef| match wanted.declared {
        Declared::Either => true,
        Declared::Arguments => is_argument(context.view, *die),
        Declared::Locals => !is_argument(context.view, *die),
    };
    dies.filter(is_wanted).filter_map(|die| variable(context, die, depth, wanted.limits)).collect()
}

fn is_argument(view: &View<'_>, die: DieRef) -> bool {
    let unit = view.unit(die.unit);
    let entry = unit.as_ref().and_then(|unit| unit.unit.entry(die.offset).ok());
    entry.is_some_and(|entry| entry.tag() == dw::DW_TAG_formal_parameter)
}

/// The entries of the variables declared in a block, and those of its origin that the instance does not repeat, which
/// have no place in it.
fn declared_in(view: &View<'_>, unit: &Arc<Unit<'_>>, block: UnitOffset) -> Vec<DieRef> {
    let (mut found, mut blocks) = (Vec::new(), MOST_BLOCKS);
    collect(view, unit.die(block), 0, &mut found, &mut blocks);
    found
}

fn collect(view: &View<'_>, block: DieRef, level: usize, found: &mut Vec<DieRef>, blocks: &mut usize) {
    let mut repeated = Vec::new();
    let mut next = Some(block);
    for _ in 0..MOST_HOPS {
        let Some(die) = next.take() else { break };
        let Some(unit) = view.unit(die.unit) else { break };
        let Some((children, origin)) = children_of(view, &unit, die.offset) else { break };
        for child in children.iter().filter(|child| !repeated.contains(&child.die)) {
            match child.kind {
                ChildKind::Variable if found.len() < MOST_VARIABLES => found.push(child.die),
                ChildKind::Block if level < MOST_LEVELS && *blocks > 0 => {
                    *blocks -= 1;
                    collect(view, child.die, level + 1, found, blocks);
                }
                _ => {}
            }
        }
        repeated.extend(children.iter().filter_map(|child| child.origin));
        next = origin;
    }
}

type Children = (Vec<Child>, Option<DieRef>);

/// The variables and blocks directly inside an entry, each with the entry that it is an instance of; and the entry's
/// own origin.
fn children_of<'a>(view: &View<'a>, unit: &Unit<'a>, block: UnitOffset) -> Option<Children> {
    let mut tree = unit.unit.entries_tree(Some(block)).ok()?;
    let root = tree.root().ok()?;
    let origin = root.entry().attr_value(dw::DW_AT_abstract_origin);
    let origin = origin.and_then(|origin| view.follow(unit, &origin));
    let mut children = root.children();
    let mut found = Vec::new();
    while let Ok(Some(child)) = children.next() {
        let entry = child.entry();
        let kind = match entry.tag() {
            dw::DW_TAG_formal_parameter | dw::DW_TAG_variable => ChildKind::Variable,
            // A block without addresses is as if its variables stood around it.
            dw::DW_TAG_lexical_block if entry.has_attr(dw::DW_AT_low_pc) || entry.has_attr(dw::DW_AT_ranges) => {
                ChildKind::BlockElsewhere
            }
            dw::DW_TAG_lexical_block => ChildKind::Block,
            _ => continue,
        };
        let of = entry.attr_value(dw::DW_AT_abstract_origin);
        let origin = of.and_then(|of| view.follow(unit, &of));
        found.push(Child { kind, die: unit.die(entry.offset()), origin });
    }
    Some((found, origin))
}

/// A variable or block inside an entry.
struct Child {
    kind: ChildKind,
    die: DieRef,
    origin: Option<DieRef>,
}

enum ChildKind {
    Variable,
    Block,
    /// A block with addresses of its own: a scope by itself.
    BlockElsewhere,
}

/// What the entry of a variable and those it refers to say.
struct Declaration<'a> {
    name: Option<String>,
    of: TypeRef,
    line: Option<u32>,
    is_argument: bool,
    is_external: bool,
    is_declaration: bool,
    location: Option<(Arc<Unit<'a>>, AttributeValue<Slice<'a>>)>,
    constant: Option<gimli::Attribute<Slice<'a>>>,
}

fn declaration<'a>(view: &View<'a>, die: DieRef) -> Option<Declaration<'a>> {
    let mut gathered: Option<Declaration<'a>> = None;
    let mut next = Some(die);
    for _ in 0..MOST_HOPS {
        let Some(die) = next.take() else { break };
        let Some(unit) = view.unit(die.unit) else { break };
        let Ok(entry) = unit.unit.entry(die.offset) else { break };
        next = gather(view, &unit, &entry, &mut gathered);
    }
    gathered
}

fn gather<'a>(
    view: &View<'a>,
    unit: &Arc<Unit<'a>>,
    entry: &Entry<'a>,
    gathered: &mut Option<Declaration<'a>>,
) -> Option<DieRef> {
    let flag = |name| matches!(entry.attr_value(name), Some(AttributeValue::Flag(true)));
    let all = gathered.get_or_insert_with(|| Declaration {
        name: None,
        of: None,
        line: None,
        is_argument: entry.tag() == dw::DW_TAG_formal_parameter,
        is_external: false,
        is_declaration: flag(dw::DW_AT_declaration),
        location: None,
        constant: None,
    });
    let first = |name| entry.attr_value(name);
    all.name = all.name.take().or_else(|| unit.string(first(dw::DW_AT_name)?));
    all.of = all.of.or_else(|| view.follow(unit, &first(dw::DW_AT_type)?));
    all.line = all.line.or_else(|| first(dw::DW_AT_decl_line)?.udata_value()?.try_into().ok());
    all.is_external |= flag(dw::DW_AT_external);
    all.location = all.location.take().or_else(|| Some((unit.clone(), first(dw::DW_AT_location)?)));
    all.constant = all.constant.take().or_else(|| entry.attr(dw::DW_AT_const_value).cloned());
    let origin = first(dw::DW_AT_abstract_origin).or_else(|| first(dw::DW_AT_specification));
    view.follow(unit, &origin?)
}

/// The variable at `die`, unless it is only declared there.
pub(crate) fn variable(context: Context<'_, '_>, die: DieRef, block: usize, limits: ValueLimits) -> Option<Variable> {
    let declared = declaration(context.view, die)?;
    let name = declared.name.clone()?;
    if declared.is_declaration && declared.location.is_none() && declared.constant.is_none() {
        return None;
    }
    let mut builder = Builder::new(context, limits);
    builder.kept_nowhere = declared.location.is_none() && declared.constant.is_none();
    let value = match place(context, &declared) {
        Ok(place) => builder.value(declared.of, &place, 0),
        // Rust's `()` has one value whether or not it is anywhere; a variable that is nowhere is shown as such.
        Err(missing) => match builder.value(declared.of, &Place::missing(missing.clone()), 0) {
            ValueTree::Void => missing.into(),
            value => value,
        },
    };
    let of = declared.of.and_then(|of| types::read(context.view, of));
    Some(Variable {
        name,
        type_name: of.and_then(|of| of.name.clone()).unwrap_or_default(),
        is_argument: declared.is_argument,
        is_static: is_static(&declared),
        line: declared.line,
        block,
        value,
        entry_value: declared.is_argument.then(|| entry_value_of(context, &declared, limits)).flatten(),
    })
}

/// A location that is nothing but an address does not depend on the frame.
fn is_static(declared: &Declaration<'_>) -> bool {
    let Some((unit, AttributeValue::Exprloc(expression))) = &declared.location else { return false };
    let mut operations = (*expression).operations(unit.unit.encoding());
    matches!(operations.next(), Ok(Some(gimli::Operation::Address { .. } | gimli::Operation::AddressIndex { .. })))
}

fn place<'a>(context: Context<'_, 'a>, declared: &Declaration<'a>) -> Result<Place, Missing> {
    if let Some(constant) = &declared.constant {
        let size = types::size(context.view, declared.of, 0).unwrap_or(8);
        return Ok(Place::bytes(constant_bytes(constant, size)?));
    }
    let Some((unit, location)) = &declared.location else { return Err(Missing::OptimizedOut) };
    let context = Context { unit, ..context };
    match evaluate::expression_at(context, *location, context.lookup_address())? {
        Some(expression) => evaluate::place(context, expression, None),
        None => Err(Missing::OptimizedOut),
    }
}

/// The bytes of `DW_AT_const_value`, in as many as the type has.
fn constant_bytes(attribute: &gimli::Attribute<Slice<'_>>, size: u64) -> Result<Vec<u8>, Missing> {
    let size = size.min(super::place::MOST_BYTES) as usize;
    let mut bytes = match attribute.raw_value() {
        AttributeValue::Block(block) => block.slice().to_vec(),
        AttributeValue::String(text) => text.slice().to_vec(),
        AttributeValue::Sdata(value) => i128::from(value).to_le_bytes().to_vec(),
        raw => match raw.udata_value() {
            Some(value) => u128::from(value).to_le_bytes().to_vec(),
            None => return Err(Missing::Unsupported("this form of a constant".to_owned())),
        },
    };
    bytes.resize(size, 0);
    Ok(bytes)
}

/// What a parameter that came in a register was when its function was entered. Where it came is told by its location
/// at the function's first address.
fn entry_value_of<'a>(context: Context<'_, 'a>, declared: &Declaration<'a>, limits: ValueLimits) -> Option<ValueTree> {
    let (unit, location) = declared.location.as_ref()?;
    let context = Context { unit, ..context };
    let start = context.view.entry_address(unit.die(context.frame?.function?))?;
    let expression = evaluate::expression_at(context, *location, Some(Svma(start))).ok()??;
    let register = entry_value::only_register(gimli::Expression(expression), unit.unit.encoding()).ok()??;
    let bytes = entry_value::of_register(context, register).ok()?;
    let value = Builder::new(context, limits).value(declared.of, &Place::bytes(bytes), 0);
    (!matches!(value, ValueTree::Missing(_))).then_some(value)
}

/// Where the variable or parameter at `die` is, for bounds and implicit pointers.
pub(crate) fn place_of(context: Context<'_, '_>, die: DieRef) -> Result<Place, Missing> {
    if context.depth > MOST_HOPS {
        return Err(Missing::Malformed("variables refer to each other without end".to_owned()));
    }
    let declared = declaration(context.view, die).ok_or(Missing::OptimizedOut)?;
    place(Context { depth: context.depth + 1, ..context }, &declared)
}

/// The type of the variable at `die`.
pub(crate) fn type_of(context: Context<'_, '_>, die: DieRef) -> TypeRef {
    declaration(context.view, die)?.of
}
