//! What expressions compute with: objects of the process, and values that were made here.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use dpdb_snapshot::Avma;
use num_bigint::BigInt;

use super::keys::Key;
use crate::runtime::cpython::value::PythonValue;

/// A value of an expression. Those of the process are left where they are until an operation needs what is in them.
#[derive(Clone, Debug)]
pub(in crate::runtime::cpython) enum Value {
    /// An object of the process.
    Object(Avma),
    None,
    Ellipsis,
    NotImplemented,
    Bool(bool),
    Int(BigInt),
    Float(f64),
    Complex(f64, f64),
    /// Code points.
    Str(Arc<[u32]>),
    Bytes(Arc<[u8]>),
    ByteArray(Arc<[u8]>),
    Tuple(Items),
    List(Items),
    Set(Arc<Table>),
    FrozenSet(Arc<Table>),
    Dict(Arc<Table>),
    /// An iterator or a view, by its type's name, and all that it gives.
    Iterator(&'static str, Items),
    /// Start, stop, step.
    Range(Arc<[BigInt; 3]>),
    Slice(Arc<[Value; 3]>),
    /// A built-in function or type that the process's own was not found for.
    Builtin(&'static str),
    /// A method of a built-in type, and what it is bound to.
    Method(Arc<(Value, String)>),
    /// A function of the process, bound to an object or a class.
    Bound(Avma),
    /// What a structure in C tells without an object.
    Plain(Arc<PythonValue>),
}

pub(super) type Items = Arc<[Value]>;

/// The keys of a set or a dictionary in their order, and the values of a dictionary.
#[derive(Debug, Default)]
pub(in crate::runtime::cpython) struct Table {
    pub(super) keys: Vec<Value>,
    /// As many as keys; none in a set.
    pub(super) values: Vec<Value>,
    index: OnceLock<HashMap<Key, usize>>,
}

impl Table {
    pub(super) fn new(keys: Vec<Value>, values: Vec<Value>) -> Table {
        Table { keys, values, index: OnceLock::new() }
    }

    /// Where the keys are, by what they are equal to.
    pub(super) fn index(&self, key_of: impl Fn(&Value) -> Option<Key>) -> &HashMap<Key, usize> {
        self.index.get_or_init(|| {
            let keys = self.keys.iter().enumerate();
            keys.filter_map(|(place, value)| Some((key_of(value)?, place))).collect()
        })
    }

    pub(super) fn pairs(&self) -> impl Iterator<Item = (&Value, &Value)> {
        self.keys.iter().zip(&self.values)
    }
}

impl Value {
    pub(super) fn text(text: &str) -> Value {
        Value::Str(text.chars().map(u32::from).collect())
    }

    pub(super) fn int(value: impl Into<BigInt>) -> Value {
        Value::Int(value.into())
    }

    pub(super) fn tuple(items: Vec<Value>) -> Value {
        Value::Tuple(items.into())
    }

    pub(super) fn list(items: Vec<Value>) -> Value {
        Value::List(items.into())
    }

    pub(super) fn dict(pairs: Vec<(Value, Value)>) -> Value {
        let (keys, values) = pairs.into_iter().unzip();
        Value::Dict(Arc::new(Table::new(keys, values)))
    }

    pub(super) fn method(of: &Value, name: &str) -> Value {
        Value::Method(Arc::new((of.clone(), name.to_owned())))
    }

    /// What a structure in C tells, as a value to compute with where it is one.
    pub(super) fn from_plain(value: PythonValue) -> Value {
        match value {
            PythonValue::Constant("None") => Value::None,
            PythonValue::Bool(value) => Value::Bool(value),
            PythonValue::Int(value) => Value::Int(value),
            PythonValue::Float(value) => Value::Float(value),
            PythonValue::Str { points, length } if points.len() as u64 == length => Value::Str(points.into()),
            other => Value::Plain(Arc::new(other)),
        }
    }

    /// The type's name, of values that were made here and are no object of the process.
    pub(super) fn builtin_type(&self) -> &'static str {
        match self {
            Value::Object(_) | Value::Plain(_) => "object",
            Value::None => "NoneType",
            Value::Ellipsis => "ellipsis",
            Value::NotImplemented => "NotImplementedType",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float",
            Value::Complex(..) => "complex",
            Value::Str(_) => "str",
            Value::Bytes(_) => "bytes",
            Value::ByteArray(_) => "bytearray",
            Value::Tuple(_) => "tuple",
            Value::List(_) => "list",
            Value::Set(_) => "set",
            Value::FrozenSet(_) => "frozenset",
            Value::Dict(_) => "dict",
            Value::Iterator(name, _) => name,
            Value::Range(_) => "range",
            Value::Slice(_) => "slice",
            Value::Builtin(_) | Value::Method(_) => "builtin_function_or_method",
            Value::Bound(_) => "method",
        }
    }

    /// A number's `bool`, `int` value.
    pub(super) fn as_int(&self) -> Option<BigInt> {
        match self {
            Value::Bool(value) => Some(BigInt::from(u8::from(*value))),
            Value::Int(value) => Some(value.clone()),
            _ => None,
        }
    }
}
