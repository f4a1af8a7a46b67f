//! What makes keys of sets and dictionaries equal.

use std::collections::BTreeSet;

use dpdb_snapshot::Avma;
use num_bigint::BigInt;
use num_traits::FromPrimitive;

use super::compare::MOST_NESTED;
use super::fault::{Fault, Result, type_error};
use super::objects::Objects;
use super::value::{Table, Value};

/// Two values are equal keys if these are equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::runtime::cpython) enum Key {
    Constant(&'static str),
    /// Whole numbers of every type: `1 == 1.0 == True`.
    Whole(BigInt),
    /// The bits of another number, and of its imaginary part.
    Number(u64, u64),
    Str(Vec<u32>),
    Bytes(Vec<u8>),
    Tuple(Vec<Key>),
    FrozenSet(BTreeSet<Key>),
    Range(Vec<BigInt>),
    Object(Avma),
    Method(Box<Key>, String),
}

fn number(real: f64, imaginary: f64) -> Key {
    if imaginary == 0.0 {
        if real.fract() == 0.0 {
            return BigInt::from_f64(real).map_or(Key::Number(real.to_bits(), 0), Key::Whole);
        }
        return Key::Number(real.to_bits(), 0);
    }
    Key::Number(real.to_bits(), imaginary.to_bits())
}

impl Objects<'_> {
    /// The key that a value is; `role` is what for: `dict key` or `set element`.
    pub(super) fn key(&self, value: &Value, role: &'static str) -> Result<Key> {
        self.nested_key(value, role, 0)
    }

    fn nested_key(&self, value: &Value, role: &'static str, depth: usize) -> Result<Key> {
        self.budget.spend(1)?;
        if depth > MOST_NESTED {
            return Err(Fault::Limit("it is nested too deeply"));
        }
        let nested = |value: &Value| self.nested_key(value, role, depth + 1);
        Ok(match self.load(value)? {
            Value::None => Key::Constant("None"),
            Value::Ellipsis => Key::Constant("Ellipsis"),
            Value::NotImplemented => Key::Constant("NotImplemented"),
            Value::Bool(value) => Key::Whole(BigInt::from(u8::from(value))),
            Value::Int(value) => Key::Whole(value),
            Value::Float(value) => number(value, 0.0),
            Value::Complex(real, imaginary) => number(real, imaginary),
            Value::Str(points) => Key::Str(points.to_vec()),
            Value::Bytes(bytes) => Key::Bytes(bytes.to_vec()),
            Value::Tuple(items) => Key::Tuple(items.iter().map(nested).collect::<Result<_>>()?),
            Value::FrozenSet(table) => Key::FrozenSet(table.keys.iter().map(nested).collect::<Result<_>>()?),
            Value::Range(parts) => Key::Range(parts.to_vec()),
            Value::Builtin(name) => Key::Constant(name),
            Value::Method(bound) => Key::Method(Box::new(nested(&bound.0)?), bound.1.clone()),
            Value::Bound(at) => Key::Object(at),
            Value::Object(at) => {
                self.compares_by_identity(at)?;
                Key::Object(at)
            }
            unhashable => return self.unhashable(&unhashable, role),
        })
    }

    fn unhashable<T>(&self, value: &Value, role: &str) -> Result<T> {
        let name = self.type_name(value)?;
        if self.minor() >= 14 {
            return type_error(format!("cannot use '{name}' as a {role} (unhashable type: '{name}')"));
        }
        type_error(format!("unhashable type: '{name}'"))
    }

    /// Where a key stands in a table. Keys that only the process's code could compare are not found.
    pub(super) fn find(&self, table: &Table, wanted: &Value, role: &'static str) -> Result<Option<usize>> {
        let wanted = self.key(wanted, role)?;
        self.budget.spend(1)?;
        Ok(table.index(|value| self.key(value, role).ok()).get(&wanted).copied())
    }

    /// A table of keys without doubles: the first of equal keys stays, the last of their values.
    pub(super) fn table(
        &self,
        pairs: impl IntoIterator<Item = (Value, Option<Value>)>,
        role: &'static str,
    ) -> Result<Table> {
        let mut places = std::collections::HashMap::new();
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        for (key, value) in pairs {
            let place = *places.entry(self.key(&key, role)?).or_insert(keys.len());
            match (place == keys.len(), value) {
                (true, value) => {
                    keys.push(key);
                    values.extend(value);
                }
                (false, Some(value)) => values[place] = value,
                (false, None) => {}
            }
        }
        Ok(Table::new(keys, values))
    }
}
