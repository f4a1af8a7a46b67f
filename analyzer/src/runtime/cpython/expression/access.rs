//! Attributes of values.

use dpdb_snapshot::Avma;

use super::fault::{Fault, Result, refused};
use super::methods;
use super::objects::{Objects, Type, short_name};
use super::value::Value;
use crate::runtime::cpython::attributes::Attribute;
use crate::runtime::cpython::class::{Entry, Found};
use crate::runtime::cpython::heap::TYPE;

/// Names that a suggestion is looked for in.
const MOST_NAMES: u64 = 4096;

impl Objects<'_> {
    /// `value.name`.
    pub(super) fn attribute(&self, value: &Value, name: &str) -> Result<Value> {
        match self.attribute_or(value, name)? {
            Some(found) => Ok(found),
            None => Err(Fault::Raised("AttributeError", self.no_attribute(value, name)?)),
        }
    }

    fn no_attribute(&self, value: &Value, name: &str) -> Result<String> {
        let suggestion = match value {
            Value::Object(at) => {
                let names = self.heap.attribute_names(*at, MOST_NAMES).unwrap_or_default();
                super::names::did_you_mean(name, &names)
            }
            _ => String::new(),
        };
        if self.minor() < 10
            && let Value::Object(at) = value
            && let Some(Found { entry: Entry::Member(_), .. }) =
                self.heap.class_entry(self.heap.type_of(*at)?.at, name)?
        {
            // A slot that is not set.
            return Ok(name.to_owned());
        }
        if let Some(class) = self.as_class(value)? {
            let class = match &class {
                Type::Of(facts) => short_name(facts),
                Type::Builtin(name) => (*name).to_owned(),
            };
            return Ok(format!("type object '{class}' has no attribute '{name}'{suggestion}"));
        }
        if let Value::Object(at) = value
            && self.heap.type_of(*at)?.builtin.as_deref() == Some("module")
            && let Some(Attribute::Object(module)) = self.heap.attribute(*at, "__name__")?
            && let Ok(module) = self.heap.name(module)
        {
            return Ok(format!("module '{module}' has no attribute '{name}'{suggestion}"));
        }
        Ok(format!("'{}' object has no attribute '{name}'{suggestion}", self.type_name(value)?))
    }

    /// The same; `None` where there is no such attribute.
    pub(super) fn attribute_or(&self, value: &Value, name: &str) -> Result<Option<Value>> {
        self.budget.spend(1)?;
        match value {
            Value::Object(at) => self.attribute_of_object(*at, value, name),
            value => Ok(self.attribute_of_made(value, name)),
        }
    }

    fn attribute_of_object(&self, at: Avma, value: &Value, name: &str) -> Result<Option<Value>> {
        if let Some(found) = self.computed_here(at, name)? {
            return Ok(Some(found));
        }
        Ok(match self.heap.attribute(at, name)? {
            Some(Attribute::Object(found)) => Some(Value::Object(found)),
            Some(Attribute::Plain(plain)) => Some(Value::from_plain(plain)),
            Some(Attribute::Method { function, .. }) => Some(Value::Bound(function)),
            Some(Attribute::BuiltinMethod { .. }) => Some(Value::method(value, name)),
            Some(Attribute::Computed(how)) => match self.attribute_of_made(&self.load(value)?, name) {
                Some(found) => Some(found),
                None if ["name", "value"].contains(&name)
                    && self.is_derived(&*self.heap.type_of(at)?, "enum.Enum")? =>
                {
                    self.attribute_or(value, &format!("_{name}_"))?
                }
                None => {
                    let of = short_name(&*self.heap.type_of(at)?);
                    return refused(format_args!("'{name}' of '{of}' cannot be told: {how}"));
                }
            },
            None => None,
        })
    }

    /// What types and objects compute in C, and can be told from their structure all the same.
    fn computed_here(&self, at: Avma, name: &str) -> Result<Option<Value>> {
        if !(name.starts_with("__") && name.ends_with("__")) {
            return Ok(None);
        }
        let facts = self.heap.type_of(at)?;
        if name == "__class__" {
            return Ok(Some(Value::Object(facts.at)));
        }
        if facts.has(TYPE) {
            let class = self.heap.class(at)?;
            return Ok(match name {
                "__name__" => Some(Value::text(short_name(&class).rsplit('.').next().unwrap_or_default())),
                "__qualname__" => Some(Value::text(&class.name)),
                "__module__" => Some(Value::text(class.module.as_deref().unwrap_or("builtins"))),
                "__mro__" => Some(Value::tuple(self.heap.mro(at)?.into_iter().map(Value::Object).collect())),
                "__base__" => self.heap.pointer(at, "PyTypeObject.tp_base")?.map(Value::Object).or(Some(Value::None)),
                _ => None,
            });
        }
        if name == "__dict__" {
            let Some(entries) = self.heap.instance_dict(at, &facts, MOST_NAMES)? else { return Ok(None) };
            let pairs = entries.pairs.into_iter().map(|(key, value)| (Value::Object(key), Value::Object(value)));
            return Ok(Some(Value::dict(pairs.collect())));
        }
        Ok(None)
    }

    fn attribute_of_made(&self, value: &Value, name: &str) -> Option<Value> {
        let number = super::arithmetic::Number::of(value);
        match (name, value) {
            ("real", Value::Complex(real, _)) => Some(Value::Float(*real)),
            ("imag", Value::Complex(_, imaginary)) => Some(Value::Float(*imaginary)),
            ("real", _) if number.is_some() => Some(value.as_int().map_or(value.clone(), Value::Int)),
            ("imag", Value::Float(_)) => Some(Value::Float(0.0)),
            ("imag", _) if number.is_some() => Some(Value::int(0)),
            ("numerator", _) => value.as_int().map(Value::Int),
            ("denominator", _) => value.as_int().map(|_| Value::int(1)),
            ("start" | "stop" | "step", Value::Range(parts)) => {
                let place = ["start", "stop", "step"].iter().position(|part| *part == name)?;
                Some(Value::Int(parts[place].clone()))
            }
            ("start" | "stop" | "step", Value::Slice(parts)) => {
                let place = ["start", "stop", "step"].iter().position(|part| *part == name)?;
                Some(parts[place].clone())
            }
            ("__class__", value) => match self.type_of(value).ok()? {
                Type::Of(facts) => Some(Value::Object(facts.at)),
                Type::Builtin(name) => Some(Value::Builtin(name)),
            },
            (name, value) => methods::exists(value.builtin_type(), name).then(|| Value::method(value, name)),
        }
    }
}
