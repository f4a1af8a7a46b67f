//! From objects in memory to values.

use std::cell::Cell;
use std::rc::Rc;

use dpdb_snapshot::Avma;

use super::attributes::Attribute;
use super::containers::Members;
use super::heap::{BYTES, DICT, EXCEPTION, Heap, LIST, LONG, STR, TUPLE, TYPE, TypeFacts};
use super::kinds::Subject;
use super::numbers::MOST_DIGITS;
use super::unreadable::Unreadable;
use super::value::{Items, PythonValue};
use crate::value::ValueLimits;

/// Reads values within limits.
pub(super) struct Reader<'h, 'a> {
    pub(super) heap: &'h Heap<'a>,
    pub(super) limits: ValueLimits,
    left: Cell<usize>,
}

impl<'h, 'a> Reader<'h, 'a> {
    pub(super) fn new(heap: &'h Heap<'a>, limits: ValueLimits) -> Reader<'h, 'a> {
        Reader { heap, limits, left: Cell::new(limits.nodes) }
    }

    /// The value of the object at `at`.
    pub(super) fn value(&self, at: Avma) -> PythonValue {
        self.nested(at, &mut Vec::new())
    }

    /// Whether one more value may be read.
    pub(super) fn spend(&self) -> bool {
        let left = self.left.get().checked_sub(1);
        self.left.set(left.unwrap_or(0));
        left.is_some()
    }

    /// The value of an object inside of those on the `path`.
    pub(super) fn nested(&self, at: Avma, path: &mut Vec<Avma>) -> PythonValue {
        if path.len() > self.limits.depth {
            return PythonValue::Truncated("depth");
        }
        if !self.spend() {
            return PythonValue::Truncated("nodes");
        }
        let facts = match self.heap.type_of(at) {
            Ok(facts) => facts,
            Err(why) => return why.into(),
        };
        if path.contains(&at) {
            return self.cycle(at, &facts);
        }
        path.push(at);
        let value = self.of_type(at, &facts, path).unwrap_or_else(PythonValue::Missing);
        path.pop();
        value
    }

    fn cycle(&self, at: Avma, facts: &TypeFacts) -> PythonValue {
        let kind = match facts {
            facts if facts.has(TUPLE) => Items::Tuple,
            facts if facts.has(LIST) => Items::List,
            facts if facts.has(DICT) => Items::Dict,
            facts => {
                return PythonValue::Object { type_name: facts.full_name(), at, text: None, attributes: Vec::new() };
            }
        };
        PythonValue::Cycle(kind)
    }

    /// By its kind where one is known. What a version has no offsets for is shown as any other object.
    fn of_type(&self, at: Avma, facts: &Rc<TypeFacts>, path: &mut Vec<Avma>) -> Result<PythonValue, Unreadable> {
        let Some(kind) = self.kind_of(facts) else { return self.of_builtin(at, facts, path) };
        match kind(self, &mut Subject { at, facts, path }) {
            Err(Unreadable::NoField { .. }) => self.of_builtin(at, facts, path),
            shown => shown,
        }
    }

    fn of_builtin(&self, at: Avma, facts: &Rc<TypeFacts>, path: &mut Vec<Avma>) -> Result<PythonValue, Unreadable> {
        let heap = self.heap;
        let value = match facts.builtin.as_deref() {
            Some("NoneType") => PythonValue::Constant("None"),
            Some("ellipsis") => PythonValue::Constant("Ellipsis"),
            Some("NotImplementedType") => PythonValue::Constant("NotImplemented"),
            Some("bool") => PythonValue::Bool(heap.int_size(at)?.digits != 0),
            Some("float") => PythonValue::Float(heap.float(at)?),
            Some("complex") => {
                let (real, imaginary) = heap.complex(at)?;
                PythonValue::Complex(real, imaginary)
            }
            Some("bytearray") => self.byte_array(at)?,
            Some("set") => self.items(Items::Set, &heap.set(at, self.limits.elements)?, path),
            Some("frozenset") => self.items(Items::FrozenSet, &heap.set(at, self.limits.elements)?, path),
            Some("module") => self.module(at)?,
            Some("function") => {
                let name = heap.name(heap.object(at, "PyFunctionObject.func_qualname")?)?;
                PythonValue::Named { kind: "function", name, at: Some(at) }
            }
            _ => return self.of_family(at, facts, path),
        };
        Ok(value)
    }

    /// Objects whose type is, or is derived from, one that `tp_flags` tells.
    fn of_family(&self, at: Avma, facts: &TypeFacts, path: &mut Vec<Avma>) -> Result<PythonValue, Unreadable> {
        let value = match facts {
            facts if facts.has(LONG) => self.int(at)?,
            facts if facts.has(STR) => {
                let text = self.heap.characters(at, self.limits.bytes)?;
                PythonValue::Str { points: text.points, length: text.length }
            }
            facts if facts.has(BYTES) => {
                let (bytes, length) = self.heap.byte_string(at, self.limits.bytes)?;
                PythonValue::Bytes { bytes, length, array: false }
            }
            facts if facts.has(TUPLE) || facts.has(LIST) => {
                let kind = if facts.has(TUPLE) { Items::Tuple } else { Items::List };
                self.items(kind, &self.heap.first_items(at, self.limits.elements)?, path)
            }
            facts if facts.has(DICT) => self.dict(at, path)?,
            facts if facts.has(EXCEPTION) => return self.exception(at, facts, path),
            facts if facts.has(TYPE) => {
                let name = self.heap.class(at)?.full_name();
                return Ok(PythonValue::Named { kind: "class", name, at: None });
            }
            facts => return Ok(self.object(at, facts, path)),
        };
        let plain = matches!(facts.builtin.as_deref(), Some("int" | "str" | "bytes" | "tuple" | "list" | "dict"));
        if plain {
            return Ok(value);
        }
        Ok(PythonValue::Derived { type_name: facts.name.clone(), value: Box::new(value) })
    }

    fn int(&self, at: Avma) -> Result<PythonValue, Unreadable> {
        let digits = self.heap.int_size(at)?.digits;
        if digits > MOST_DIGITS {
            return Ok(PythonValue::HugeInt(digits * 30));
        }
        Ok(PythonValue::Int(self.heap.integer(at)?))
    }

    fn byte_array(&self, at: Avma) -> Result<PythonValue, Unreadable> {
        let length = self.heap.word(at, "PyVarObject.ob_size")?;
        let start = self.heap.pointer(at, "PyByteArrayObject.ob_start")?.unwrap_or_default();
        let bytes = self.heap.read(start, length.min(self.limits.bytes))?;
        Ok(PythonValue::Bytes { bytes, length, array: true })
    }

    fn items(&self, kind: Items, members: &Members, path: &mut Vec<Avma>) -> PythonValue {
        let items = members.items.iter().map(|item| self.nested(*item, path)).collect();
        PythonValue::Items { kind, items, length: members.length }
    }

    pub(super) fn dict(&self, at: Avma, path: &mut Vec<Avma>) -> Result<PythonValue, Unreadable> {
        let found = self.heap.dict(at, self.limits.elements)?;
        let pairs = found.pairs.iter().map(|(key, value)| (self.nested(*key, path), self.nested(*value, path)));
        Ok(PythonValue::Dict { entries: pairs.collect(), length: found.length })
    }

    fn module(&self, at: Avma) -> Result<PythonValue, Unreadable> {
        let dict = self.heap.object(at, "PyModuleObject.md_dict")?;
        let name = self.heap.dict_get(dict, "__name__").ok_or(Unreadable::NotA { expected: "module", at })?;
        Ok(PythonValue::Named { kind: "module", name: self.heap.name(name)?, at: None })
    }

    fn exception(&self, at: Avma, facts: &TypeFacts, path: &mut Vec<Avma>) -> Result<PythonValue, Unreadable> {
        let args = self.heap.object(at, "PyBaseExceptionObject.args")?;
        self.heap.expect(args, "tuple")?;
        let args = self
            .heap
            .first_items(args, self.limits.elements)?
            .items
            .into_iter()
            .map(|arg| self.nested(arg, path))
            .collect();
        Ok(PythonValue::Exception { type_name: facts.name.clone(), args })
    }

    fn object(&self, at: Avma, facts: &TypeFacts, path: &mut Vec<Avma>) -> PythonValue {
        let attributes = self.attributes(at, path);
        PythonValue::Object { type_name: facts.full_name(), at, text: None, attributes }
    }

    /// What an object keeps itself.
    pub(super) fn attributes(&self, at: Avma, path: &mut Vec<Avma>) -> Vec<(String, PythonValue)> {
        let attributes = self.heap.own_attributes(at, self.limits.elements).unwrap_or_default();
        let shown = attributes.into_iter().filter_map(|(name, value)| {
            let value = match value {
                Attribute::Object(at) => self.nested(at, path),
                Attribute::Plain(value) => value,
                _ => return None,
            };
            Some((name, value))
        });
        shown.collect()
    }
}
