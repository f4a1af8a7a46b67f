//! From objects in memory to values.

use std::cell::Cell;
use std::rc::Rc;

use dpdb_snapshot::Avma;

use super::heap::{Heap, TypeFacts};
use super::layout::Minor;
use super::unreadable::Unreadable;
use super::value::{Items, PythonValue};
use crate::value::ValueLimits;

/// `Py_TPFLAGS_*` (Include/object.h).
const MANAGED_DICT: u32 = 4;
const INLINE_VALUES: u32 = 2;
const LONG: u32 = 24;
const LIST: u32 = 25;
const TUPLE: u32 = 26;
const BYTES: u32 = 27;
const STR: u32 = 28;
const DICT: u32 = 29;
const EXCEPTION: u32 = 30;
const TYPE: u32 = 31;

/// An integer of more digits (of 30 bits) is not written out; Python itself refuses at about the same length
/// (`sys.set_int_max_str_digits`).
const MOST_DIGITS: u64 = 480;
/// A set's table is searched as far as this for its items.
const MOST_SLOTS: u64 = 1 << 20;

/// Reads values within limits.
pub(super) struct Reader<'h, 'a> {
    heap: &'h Heap<'a>,
    limits: ValueLimits,
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

    /// The value of an object inside of those on the `path`.
    fn nested(&self, at: Avma, path: &mut Vec<Avma>) -> PythonValue {
        if path.len() > self.limits.depth {
            return PythonValue::Truncated("depth");
        }
        let Some(left) = self.left.get().checked_sub(1) else { return PythonValue::Truncated("nodes") };
        self.left.set(left);
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
            facts => return PythonValue::Object { type_name: facts.full_name(), at, attributes: Vec::new() },
        };
        PythonValue::Cycle(kind)
    }

    fn of_type(&self, at: Avma, facts: &Rc<TypeFacts>, path: &mut Vec<Avma>) -> Result<PythonValue, Unreadable> {
        let heap = self.heap;
        let value = match facts.builtin.as_deref() {
            Some("NoneType") => PythonValue::Constant("None"),
            Some("ellipsis") => PythonValue::Constant("Ellipsis"),
            Some("NotImplementedType") => PythonValue::Constant("NotImplemented"),
            Some("bool") => PythonValue::Bool(self.is_nonzero(at)?),
            Some("float") => PythonValue::Float(self.double(heap.field(at, "PyFloatObject.ob_fval")?)?),
            Some("complex") => PythonValue::Complex(
                self.double(heap.field(at, "PyComplexObject.cval.real")?)?,
                self.double(heap.field(at, "PyComplexObject.cval.imag")?)?,
            ),
            Some("bytearray") => self.byte_array(at)?,
            Some("set") => self.set(at, Items::Set, path)?,
            Some("frozenset") => self.set(at, Items::FrozenSet, path)?,
            Some("module") => self.module(at)?,
            Some("function") => {
                let name = heap.name(heap.object(at, "PyFunctionObject.func_qualname")?)?;
                PythonValue::Named { kind: "function", name, at: Some(at) }
            }
            Some("builtin_function_or_method") => self.builtin_function(at)?,
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
            facts if facts.has(TUPLE) => {
                let (items, length) = self.heap.tuple(at, self.limits.elements)?;
                self.items(Items::Tuple, &items, length, path)
            }
            facts if facts.has(LIST) => self.list(at, path)?,
            facts if facts.has(DICT) => self.dict(at, path)?,
            facts if facts.has(EXCEPTION) => return self.exception(at, facts, path),
            facts if facts.has(TYPE) => {
                let name = self.heap.read_type(at)?.full_name();
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

    fn double(&self, at: Avma) -> Result<f64, Unreadable> {
        Ok(f64::from_le_bytes(self.heap.bytes(at)?))
    }

    fn is_nonzero(&self, at: Avma) -> Result<bool, Unreadable> {
        Ok(self.int_size(at)?.1 != 0)
    }

    /// Whether an integer is negative, and how many digits of 30 bits it has.
    fn int_size(&self, at: Avma) -> Result<(bool, u64), Unreadable> {
        if self.heap.layout.minor < Minor(12) {
            let size = self.heap.word(at, "PyVarObject.ob_size")? as i64;
            return Ok((size < 0, size.unsigned_abs()));
        }
        // Since 3.12 the lowest two bits are 1 minus the sign, the third is a flag.
        let tag = self.heap.word(at, "PyLongObject.long_value.lv_tag")?;
        let count = if tag & 3 == 1 { 0 } else { tag >> 3 };
        Ok((tag & 3 == 2, count))
    }

    fn int(&self, at: Avma) -> Result<PythonValue, Unreadable> {
        let (negative, count) = self.int_size(at)?;
        if count > 1 << 40 {
            return Err(Unreadable::Damaged { what: "int object", at });
        }
        if count > MOST_DIGITS {
            return Ok(PythonValue::HugeInt(count * 30));
        }
        let digits = self.heap.layout.any_of(&["PyLongObject.long_value.ob_digit", "PyLongObject.ob_digit"])?;
        let bytes = self.heap.read(at.wrapping_add(digits), count * 4)?;
        let digits: Vec<u32> =
            bytes.chunks_exact(4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect();
        if digits.iter().any(|digit| *digit >= 1 << 30) {
            return Err(Unreadable::Damaged { what: "int object", at });
        }
        Ok(PythonValue::Int(super::repr::decimal(negative, &digits)))
    }

    fn byte_array(&self, at: Avma) -> Result<PythonValue, Unreadable> {
        let length = self.heap.word(at, "PyVarObject.ob_size")?;
        let start = self.heap.pointer(at, "PyByteArrayObject.ob_start")?.unwrap_or_default();
        let bytes = self.heap.read(start, length.min(self.limits.bytes))?;
        Ok(PythonValue::Bytes { bytes, length, array: true })
    }

    fn items(&self, kind: Items, items: &[Avma], length: u64, path: &mut Vec<Avma>) -> PythonValue {
        let items = items.iter().map(|item| self.nested(*item, path)).collect();
        PythonValue::Items { kind, items, length }
    }

    fn list(&self, at: Avma, path: &mut Vec<Avma>) -> Result<PythonValue, Unreadable> {
        let length = self.heap.word(at, "PyVarObject.ob_size")?;
        if length == 0 {
            return Ok(PythonValue::Items { kind: Items::List, items: Vec::new(), length });
        }
        let start = self.heap.object(at, "PyListObject.ob_item")?;
        let items: Vec<Avma> =
            self.heap.words(start, length.min(self.limits.elements))?.into_iter().map(Avma).collect();
        Ok(self.items(Items::List, &items, length, path))
    }

    fn dict(&self, at: Avma, path: &mut Vec<Avma>) -> Result<PythonValue, Unreadable> {
        let found = self.heap.dict(at, self.limits.elements)?;
        let pairs = found.pairs.iter().map(|(key, value)| (self.nested(*key, path), self.nested(*value, path)));
        Ok(PythonValue::Dict { entries: pairs.collect(), length: found.length })
    }

    /// The items of a hash table: slots with a key whose hash is not -1, which marks a deleted one.
    fn set(&self, at: Avma, kind: Items, path: &mut Vec<Avma>) -> Result<PythonValue, Unreadable> {
        let length = self.heap.word(at, "PySetObject.used")?;
        let slots = self.heap.word(at, "PySetObject.mask")?.saturating_add(1).min(MOST_SLOTS);
        let table = self.heap.object(at, "PySetObject.table")?;
        let mut items = Vec::new();
        for slot in 0..slots {
            if items.len() as u64 >= length.min(self.limits.elements) {
                break;
            }
            let entry = self.heap.words(table.wrapping_add(slot * 16), 2)?;
            if entry[0] != 0 && entry[1] as i64 != -1 {
                items.push(Avma(entry[0]));
            }
        }
        Ok(self.items(kind, &items, length, path))
    }

    fn module(&self, at: Avma) -> Result<PythonValue, Unreadable> {
        let dict = self.heap.object(at, "PyModuleObject.md_dict")?;
        let name = self.heap.dict_get(dict, "__name__").ok_or(Unreadable::NotA { expected: "module", at })?;
        Ok(PythonValue::Named { kind: "module", name: self.heap.name(name)?, at: None })
    }

    fn builtin_function(&self, at: Avma) -> Result<PythonValue, Unreadable> {
        let row = self.heap.object(at, "PyCFunctionObject.m_ml")?;
        let (name, _) = self.heap.memory.read_c_string(self.heap.object(row, "PyMethodDef.ml_name")?, 256)?;
        let name = String::from_utf8_lossy(&name).into_owned();
        Ok(PythonValue::Named { kind: "built-in function", name, at: Some(at) })
    }

    fn exception(&self, at: Avma, facts: &TypeFacts, path: &mut Vec<Avma>) -> Result<PythonValue, Unreadable> {
        let args = self.heap.object(at, "PyBaseExceptionObject.args")?;
        self.heap.expect(args, "tuple")?;
        let (args, _) = self.heap.tuple(args, self.limits.elements)?;
        let args = args.into_iter().map(|arg| self.nested(arg, path)).collect();
        Ok(PythonValue::Exception { type_name: facts.name.clone(), args })
    }

    fn object(&self, at: Avma, facts: &TypeFacts, path: &mut Vec<Avma>) -> PythonValue {
        let pairs = self.attributes(at, facts).unwrap_or_default();
        let attributes =
            pairs.into_iter().filter_map(|(name, value)| Some((self.heap.name(name).ok()?, self.nested(value, path))));
        PythonValue::Object { type_name: facts.full_name(), at, attributes: attributes.collect() }
    }

    /// What an instance keeps in its `__dict__`, or in place of one.
    fn attributes(&self, at: Avma, facts: &TypeFacts) -> Result<Vec<(Avma, Avma)>, Unreadable> {
        let heap = self.heap;
        let limit = self.limits.elements;
        let keys = || heap.object(facts.at, "PyHeapTypeObject.ht_cached_keys");
        if heap.layout.minor < Minor(11) || !facts.has(MANAGED_DICT) {
            let offset = heap.word(facts.at, "PyTypeObject.tp_dictoffset")? as i64;
            return if offset > 0 {
                self.entries_of(Avma(heap.memory.read_u64(at.wrapping_add(offset as u64))?))
            } else {
                Ok(Vec::new())
            };
        }
        let word = heap.memory.read_u64(at.wrapping_sub(24))?;
        match heap.layout.minor {
            Minor(11) => match heap.memory.read_u64(at.wrapping_sub(32))? {
                0 => self.entries_of(Avma(word)),
                values => heap.inline_pairs(keys()?, Avma(values), limit),
            },
            Minor(12) if word & 1 == 1 => heap.inline_pairs(keys()?, Avma(word.wrapping_add(1)), limit),
            Minor(12) => self.entries_of(Avma(word)),
            _ if word != 0 => self.entries_of(Avma(word)),
            _ if facts.has(INLINE_VALUES) => {
                let size = heap.word(facts.at, "PyTypeObject.tp_basicsize")?;
                let values = at.wrapping_add(size);
                if heap.byte(values, "PyDictValues.valid")? == 0 {
                    return Ok(Vec::new());
                }
                heap.inline_pairs(keys()?, values, limit)
            }
            _ => Ok(Vec::new()),
        }
    }

    fn entries_of(&self, dict: Avma) -> Result<Vec<(Avma, Avma)>, Unreadable> {
        if dict.0 == 0 {
            return Ok(Vec::new());
        }
        Ok(self.heap.dict(dict, self.limits.elements)?.pairs)
    }
}
