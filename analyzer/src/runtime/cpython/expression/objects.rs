//! The objects of the process, seen as values of Python: what is in them, and of what type they are.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use dpdb_snapshot::Avma;
use num_bigint::BigInt;

use super::budget::Budget;
use super::fault::{Fault, Result, refused, type_error};
use super::special::Slot;
use super::value::{Items, Table, Value};
use crate::runtime::cpython::heap::{BYTES, DICT, Heap, LIST, LONG, STR, TUPLE, TYPE, TypeFacts};
use crate::runtime::cpython::kinds::ordered_pairs;

/// Longer texts are not read for computing with them.
const LONGEST_TEXT: u64 = 1 << 24;
/// Containers of more items are not read whole.
const MOST_ITEMS: u64 = 1 << 20;

/// The objects of one interpreter, under the names of its built-in functions and types.
pub(super) struct Objects<'h> {
    pub(super) heap: &'h Heap<'h>,
    pub(super) budget: Budget,
    /// The dictionary of built-in names of the frame; none where it cannot be read.
    builtins: Option<Avma>,
    /// Containers that were read: an expression often looks into the same one many times.
    loaded: RefCell<HashMap<Avma, Value>>,
}

/// A type: one of the process, or of a value that was made here.
#[derive(Clone, Debug)]
pub(super) enum Type {
    Of(Rc<TypeFacts>),
    Builtin(&'static str),
}

impl<'h> Objects<'h> {
    pub(super) fn new(heap: &'h Heap<'h>, builtins: Option<Avma>) -> Objects<'h> {
        Objects { heap, budget: Budget::new(), builtins, loaded: RefCell::default() }
    }

    /// The minor version of the interpreter: the texts of some errors differ.
    pub(super) fn minor(&self) -> u8 {
        self.heap.layout.minor.0
    }

    /// The object that the process has under a built-in name.
    pub(super) fn builtin(&self, name: &str) -> Option<Avma> {
        self.heap.dict_get(self.builtins?, name)
    }

    /// What is in an object of a built-in type, or of a type derived from one; any other object stays what it is.
    pub(super) fn load(&self, value: &Value) -> Result<Value> {
        let Value::Object(at) = value else { return Ok(value.clone()) };
        if let Some(known) = self.loaded.borrow().get(at) {
            return Ok(known.clone());
        }
        self.budget.spend(1)?;
        let loaded = self.read(*at)?;
        let is_container = matches!(
            loaded,
            Value::List(_) | Value::Tuple(_) | Value::Dict(_) | Value::Set(_) | Value::FrozenSet(_) | Value::Str(_)
        );
        if is_container {
            self.loaded.borrow_mut().insert(*at, loaded.clone());
        }
        Ok(loaded)
    }

    fn read(&self, at: Avma) -> Result<Value> {
        let (heap, facts) = (self.heap, self.heap.type_of(at)?);
        Ok(match self.family(&facts) {
            "NoneType" => Value::None,
            "ellipsis" => Value::Ellipsis,
            "NotImplementedType" => Value::NotImplemented,
            "bool" => Value::Bool(heap.int_size(at)?.digits != 0),
            "int" => Value::Int(heap.integer(at)?),
            "float" => Value::Float(heap.float(at)?),
            "complex" => {
                let (real, imaginary) = heap.complex(at)?;
                Value::Complex(real, imaginary)
            }
            "str" => {
                self.text_fits(heap.word(at, "PyASCIIObject.length")?)?;
                Value::Str(heap.characters(at, LONGEST_TEXT)?.points.into())
            }
            "bytes" => {
                self.text_fits(heap.word(at, "PyVarObject.ob_size")?)?;
                Value::Bytes(heap.byte_string(at, LONGEST_TEXT)?.0.into())
            }
            "bytearray" => {
                let length = heap.word(at, "PyVarObject.ob_size")?;
                self.text_fits(length)?;
                let start = heap.pointer(at, "PyByteArrayObject.ob_start")?.unwrap_or_default();
                Value::ByteArray(if length == 0 { Arc::default() } else { heap.read(start, length)?.into() })
            }
            "tuple" => Value::Tuple(self.items_of(at)?),
            "list" => Value::List(self.items_of(at)?),
            "set" => Value::Set(self.set_of(at)?),
            "frozenset" => Value::FrozenSet(self.set_of(at)?),
            "dict" => Value::Dict(self.dict_of(at, &facts)?),
            "range" => {
                let part = |field| Ok::<BigInt, Fault>(heap.integer(heap.object(at, field)?)?);
                Value::Range(Arc::new([
                    part("rangeobject.start")?,
                    part("rangeobject.stop")?,
                    part("rangeobject.step")?,
                ]))
            }
            "slice" => {
                let part = |field| Ok::<Value, Fault>(Value::Object(heap.object(at, field)?));
                Value::Slice(Arc::new([
                    part("PySliceObject.start")?,
                    part("PySliceObject.stop")?,
                    part("PySliceObject.step")?,
                ]))
            }
            _ => Value::Object(at),
        })
    }

    /// The built-in type that tells how an object of this type is read; empty where none does.
    pub(super) fn family(&self, facts: &TypeFacts) -> &'static str {
        const EXACT: [&str; 11] = [
            "NoneType",
            "ellipsis",
            "NotImplementedType",
            "bool",
            "float",
            "complex",
            "bytearray",
            "set",
            "frozenset",
            "slice",
            "range",
        ];
        const BY_FLAG: [(u32, &str); 7] = [
            (LONG, "int"),
            (STR, "str"),
            (BYTES, "bytes"),
            (TUPLE, "tuple"),
            (LIST, "list"),
            (DICT, "dict"),
            (TYPE, "type"),
        ];
        let exact = |builtin: &str| EXACT.into_iter().find(|name| *name == builtin);
        if let Some(exact) = facts.builtin.as_deref().and_then(exact) {
            return exact;
        }
        if let Some((_, name)) = BY_FLAG.into_iter().find(|(flag, _)| facts.has(*flag)) {
            return name;
        }
        if facts.builtin.is_some() {
            return "";
        }
        let bases = ["float", "set", "frozenset", "complex", "bytearray"];
        bases.into_iter().find(|base| self.heap.derives_from(facts.at, base)).unwrap_or("")
    }

    fn text_fits(&self, length: u64) -> Result<()> {
        if length > LONGEST_TEXT {
            return Err(Fault::Limit("the text is too long"));
        }
        self.budget.spend(length / 64)
    }

    fn container_fits(&self, length: u64) -> Result<()> {
        if length > MOST_ITEMS {
            return Err(Fault::Limit("the container has too many items; a slice of it may do"));
        }
        self.budget.spend(length)
    }

    fn items_of(&self, at: Avma) -> Result<Items> {
        let Some(sequence) = self.heap.sequence(at)? else { return Ok(Arc::default()) };
        self.container_fits(sequence.length)?;
        Ok(self.heap.items(sequence, 0, sequence.length)?.into_iter().map(Value::Object).collect())
    }

    fn set_of(&self, at: Avma) -> Result<Arc<Table>> {
        self.container_fits(self.heap.word(at, "PySetObject.used")?)?;
        let items = self.heap.set(at, MOST_ITEMS)?.items;
        Ok(Arc::new(Table::new(items.into_iter().map(Value::Object).collect(), Vec::new())))
    }

    fn dict_of(&self, at: Avma, facts: &TypeFacts) -> Result<Arc<Table>> {
        let length = self.heap.word(at, "PyDictObject.ma_used")?;
        self.container_fits(length)?;
        let mut pairs = self.heap.dict(at, MOST_ITEMS)?.pairs;
        if self.is_derived(facts, "collections.OrderedDict")?
            && let Ok((ordered, _)) = ordered_pairs(self.heap, at, length)
            && ordered.len() == pairs.len()
        {
            pairs = ordered;
        }
        let (keys, values) = pairs.into_iter().map(|(key, value)| (Value::Object(key), Value::Object(value))).unzip();
        Ok(Arc::new(Table::new(keys, values)))
    }

    /// The type of a value.
    pub(super) fn type_of(&self, value: &Value) -> Result<Type> {
        Ok(match value {
            Value::Object(at) => Type::Of(self.heap.type_of(*at)?),
            Value::Builtin(name) if is_type_name(name) => Type::Builtin("type"),
            value => match self.class_named(value.builtin_type()) {
                Some(facts) => Type::Of(facts),
                None => Type::Builtin(value.builtin_type()),
            },
        })
    }

    /// The built-in type of this name in the process.
    fn class_named(&self, name: &str) -> Option<Rc<TypeFacts>> {
        let constant = match name {
            "NoneType" => Some("None"),
            "ellipsis" => Some("Ellipsis"),
            "NotImplementedType" => Some("NotImplemented"),
            _ => None,
        };
        match constant {
            Some(constant) => self.heap.type_of(self.builtin(constant)?).ok(),
            None => {
                let at = self.builtin(name)?;
                self.heap.type_of(at).ok()?.has(TYPE).then_some(())?;
                self.heap.class(at).ok().filter(|facts| facts.builtin.as_deref() == Some(name))
            }
        }
    }

    /// The type's name as Python's errors write it: without the module, unless the type is one of C's.
    pub(super) fn type_name(&self, value: &Value) -> Result<String> {
        Ok(match self.type_of(value)? {
            Type::Builtin(name) => name.to_owned(),
            Type::Of(facts) => short_name(&facts),
        })
    }

    /// The type object that a value is.
    pub(super) fn as_class(&self, value: &Value) -> Result<Option<Type>> {
        Ok(match value {
            Value::Object(at) if self.heap.type_of(*at)?.has(TYPE) => Some(Type::Of(self.heap.class(*at)?)),
            Value::Builtin(name) if is_type_name(name) => Some(Type::Builtin(name)),
            _ => None,
        })
    }

    /// Whether a class or one of its bases has this full name.
    pub(super) fn is_derived(&self, facts: &TypeFacts, name: &str) -> Result<bool> {
        let mut mro = self.heap.mro(facts.at)?.into_iter();
        Ok(mro.any(|base| self.heap.class(base).is_ok_and(|facts| facts.full_name() == name)))
    }

    /// Whether a type is another, or derived from it.
    pub(super) fn derives(&self, class: &Type, from: &Type) -> Result<bool> {
        Ok(match (class, from) {
            (Type::Of(class), Type::Of(from)) => self.heap.mro(class.at)?.contains(&from.at),
            (Type::Of(class), Type::Builtin(name)) => self.heap.derives_from(class.at, name),
            (Type::Builtin(name), Type::Builtin(from)) => name == from || *from == "object",
            (Type::Builtin(name), Type::Of(from)) => {
                from.builtin.as_deref().is_some_and(|from| *name == from || from == "object")
            }
        })
    }

    /// Whether a value is true, as `bool()` says.
    pub(super) fn truth(&self, value: &Value) -> Result<bool> {
        self.not_overridden(value, &["__bool__", "__len__"])?;
        Ok(match self.load(value)? {
            Value::None => false,
            Value::Bool(value) => value,
            Value::Int(value) => value != BigInt::ZERO,
            Value::Float(value) => value != 0.0,
            Value::Complex(real, imaginary) => real != 0.0 || imaginary != 0.0,
            loaded => match self.length(&loaded)? {
                Some(length) => length != 0,
                None => true,
            },
        })
    }

    /// The number of items; `None` where a value has none.
    pub(super) fn length(&self, value: &Value) -> Result<Option<u64>> {
        self.not_overridden(value, &["__len__"])?;
        if let Value::Object(at) = value {
            let facts = self.heap.type_of(*at)?;
            let field = match self.family(&facts) {
                "str" => "PyASCIIObject.length",
                "bytes" | "bytearray" | "tuple" | "list" => "PyVarObject.ob_size",
                "set" | "frozenset" => "PySetObject.used",
                "dict" => "PyDictObject.ma_used",
                "" => return self.length_of_other(*at, &facts),
                _ => return self.length_of(&self.load(value)?),
            };
            return Ok(Some(self.heap.word(*at, field)?));
        }
        self.length_of(value)
    }

    /// Objects of C that have items.
    fn length_of_other(&self, at: Avma, facts: &TypeFacts) -> Result<Option<u64>> {
        for name in ["collections.deque", "array.array"] {
            if self.is_derived(facts, name)? {
                return Ok(Some(self.heap.word(at, "PyVarObject.ob_size")?));
            }
        }
        match self.has_slot(facts, Slot::Length)? {
            true => refused(format_args!("{}.__len__ would be called", short_name(facts))),
            false => Ok(None),
        }
    }

    /// The items of a `collections.deque`; `None` for any other object.
    pub(super) fn deque(&self, at: Avma, facts: &TypeFacts) -> Result<Option<Items>> {
        if !self.is_derived(facts, "collections.deque")? {
            return Ok(None);
        }
        self.container_fits(self.heap.word(at, "PyVarObject.ob_size")?)?;
        Ok(Some(self.heap.deque(at, MOST_ITEMS)?.items.into_iter().map(Value::Object).collect()))
    }

    fn length_of(&self, value: &Value) -> Result<Option<u64>> {
        Ok(Some(match value {
            Value::Str(points) => points.len() as u64,
            Value::Bytes(bytes) | Value::ByteArray(bytes) => bytes.len() as u64,
            Value::Tuple(items) | Value::List(items) => items.len() as u64,
            Value::Iterator("dict_keys" | "dict_values" | "dict_items", items) => items.len() as u64,
            Value::Set(table) | Value::FrozenSet(table) | Value::Dict(table) => table.keys.len() as u64,
            Value::Range(parts) => match u64::try_from(super::sequence::range_length(parts)) {
                Ok(length) => length,
                Err(_) => {
                    return Err(Fault::Raised("OverflowError", "Python int too large to convert to C ssize_t".into()));
                }
            },
            _ => return Ok(None),
        }))
    }

    /// The items that a value gives when it is iterated over.
    pub(super) fn iterate(&self, value: &Value) -> Result<Items> {
        match self.iterate_or(value)? {
            Some(items) => Ok(items),
            None => type_error(format!("'{}' object is not iterable", self.type_name(value)?)),
        }
    }

    /// The same; `None` where it cannot be.
    pub(super) fn iterate_or(&self, value: &Value) -> Result<Option<Items>> {
        self.not_overridden(value, &["__iter__", "__getitem__"])?;
        let items: Items = match self.load(value)? {
            Value::Tuple(items) | Value::List(items) | Value::Iterator(_, items) => items,
            Value::Set(table) | Value::FrozenSet(table) | Value::Dict(table) => table.keys.iter().cloned().collect(),
            Value::Str(points) => {
                self.container_fits(points.len() as u64)?;
                points.iter().map(|point| Value::Str(Arc::new([*point]))).collect()
            }
            Value::Bytes(bytes) | Value::ByteArray(bytes) => {
                self.container_fits(bytes.len() as u64)?;
                bytes.iter().map(|byte| Value::int(*byte)).collect()
            }
            Value::Range(parts) => {
                let length = u64::try_from(super::sequence::range_length(&parts)).unwrap_or(u64::MAX);
                self.container_fits(length)?;
                (0..length).map(|index| Value::Int(&parts[0] + &parts[2] * index)).collect()
            }
            Value::Object(at) => return self.iterate_object(at),
            _ => return Ok(None),
        };
        self.budget.spend(items.len() as u64)?;
        Ok(Some(items))
    }

    fn iterate_object(&self, at: Avma) -> Result<Option<Items>> {
        let facts = self.heap.type_of(at)?;
        if let Some(items) = self.deque(at, &facts)? {
            return Ok(Some(items));
        }
        if self.has_slot(&facts, Slot::Iterate)? || self.has_slot(&facts, Slot::Item)? {
            return refused(format_args!("iterating over a '{}' would run its code", short_name(&facts)));
        }
        Ok(None)
    }
}

/// `tp_name`: the plain name of a class of Python, the full one of a type of C.
pub(super) fn short_name(facts: &TypeFacts) -> String {
    match &facts.builtin {
        Some(full) => full.clone(),
        None => facts.name.rsplit('.').next().unwrap_or_default().to_owned(),
    }
}

/// Names of built-in types among those of functions.
pub(super) fn is_type_name(name: &str) -> bool {
    const TYPES: [&str; 22] = [
        "int",
        "bool",
        "float",
        "complex",
        "str",
        "bytes",
        "bytearray",
        "list",
        "tuple",
        "dict",
        "set",
        "frozenset",
        "range",
        "slice",
        "type",
        "object",
        "enumerate",
        "zip",
        "map",
        "filter",
        "reversed",
        "property",
    ];
    TYPES.contains(&name)
}
