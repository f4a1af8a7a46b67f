//! Values for another Python: descriptions in JSON from which it makes them again, and names for all the others.

use num_bigint::BigInt;
use num_traits::ToPrimitive;
use serde_json::{Map, Value as Json, json};

use super::PythonMemo;
use super::names::Names;
use super::objects::Objects;
use super::value::{Table, Value};
use crate::expr::ExprError;
use crate::runtime::cpython::{PythonFrame, globals, locals};
use crate::session::Session;
use crate::value::ValueLimits;

/// A value of more parts is not made again: it is looked at where it is.
const MOST_PARTS: usize = 20_000;
/// The same for all names of a frame together.
const MOST_OF_ALL: usize = 200_000;
const DEEPEST: usize = 30;

impl Session {
    /// The value of an expression, described for another Python: what JSON has stands for itself, `{"tuple": […]}` and
    /// the like is to be made, and `{"proxy": [name, text, address]}` is what the session variable `$name` is from now on.
    ///
    /// # Errors
    /// As [`Session::evaluate_python`].
    pub fn transfer_python(
        &self,
        frame: &PythonFrame,
        text: &str,
        memo: &mut PythonMemo,
        limits: ValueLimits,
    ) -> Result<Json, ExprError> {
        self.python_value(frame, text, memo, |_, objects, memo, value| {
            Ok(Transfer { objects, memo, limits, left: MOST_PARTS }.describe(&value))
        })
    }

    /// All names of a frame, described in the same way: its locals, and the globals that they do not hide.
    pub fn transfer_python_names(&self, frame: &PythonFrame, memo: &mut PythonMemo, limits: ValueLimits) -> Json {
        let mut names = Map::new();
        let Some((_, heap)) = self.python_heap() else { return names.into() };
        let builtins = locals::namespaces(&heap, frame).ok().map(|both| both.1);
        let objects = Objects::new(&heap, builtins);
        let mut all = globals::values(&heap, frame);
        all.extend(Names::of(&heap, frame).bound_locals());
        let mut left = MOST_OF_ALL;
        for (name, value) in all {
            let is_special = name.starts_with("__") && name.ends_with("__");
            if !is_special {
                let mut transfer = Transfer { objects: &objects, memo, limits, left: left.min(MOST_PARTS) };
                let before = transfer.left;
                let described = transfer.describe(&value);
                left -= before - transfer.left;
                names.insert(name, described);
            }
        }
        names.into()
    }
}

struct Transfer<'t, 'h> {
    objects: &'t Objects<'h>,
    memo: &'t mut PythonMemo,
    limits: ValueLimits,
    /// Parts that may still be described.
    left: usize,
}

impl Transfer<'_, '_> {
    fn describe(&mut self, value: &Value) -> Json {
        match self.made(value, 0) {
            Some(described) => described,
            None => self.proxy(value),
        }
    }

    /// The description of a value that can be made again; parts of it may be proxies.
    fn made(&mut self, value: &Value, depth: usize) -> Option<Json> {
        self.left = self.left.checked_sub(1)?;
        if depth > DEEPEST {
            return None;
        }
        if let Value::Object(at) = value {
            // A derived type is not known to the other Python, whatever it is derived from.
            let facts = self.objects.heap.type_of(*at).ok()?;
            facts.builtin.as_ref()?;
        }
        Some(match self.objects.load(value).ok()? {
            Value::None => Json::Null,
            Value::Bool(value) => value.into(),
            Value::Ellipsis => json!({"constant": "Ellipsis"}),
            Value::NotImplemented => json!({"constant": "NotImplemented"}),
            Value::Int(value) => int(&value),
            Value::Float(value) => float(value),
            Value::Complex(real, imaginary) => json!({"complex": [real.to_string(), imaginary.to_string()]}),
            Value::Str(points) => {
                self.left = self.left.checked_sub(points.len() / 64)?;
                match points.iter().map(|point| char::from_u32(*point)).collect::<Option<String>>() {
                    Some(text) => text.into(),
                    None => json!({"points": *points}),
                }
            }
            Value::Bytes(bytes) => json!({"bytes": self.hexadecimal(&bytes)?}),
            Value::ByteArray(bytes) => json!({"bytearray": self.hexadecimal(&bytes)?}),
            Value::Tuple(items) => json!({"tuple": self.items(&items, depth)?}),
            Value::List(items) => json!({"list": self.items(&items, depth)?}),
            Value::Set(table) => json!({"set": self.items(&table.keys, depth)?}),
            Value::FrozenSet(table) => json!({"frozenset": self.items(&table.keys, depth)?}),
            Value::Dict(table) => json!({"dict": self.pairs(&table, depth)?}),
            Value::Range(parts) => json!({"range": parts.iter().map(int).collect::<Vec<Json>>()}),
            Value::Slice(parts) => json!({"slice": self.items(&parts[..], depth)?}),
            Value::Iterator(_, items) => json!({"list": self.items(&items, depth)?}),
            _ => return None,
        })
    }

    fn hexadecimal(&mut self, bytes: &[u8]) -> Option<String> {
        self.left = self.left.checked_sub(bytes.len() / 32)?;
        Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The parts of a container, the ones that cannot be made as proxies.
    fn items(&mut self, items: &[Value], depth: usize) -> Option<Vec<Json>> {
        if items.len() > self.left {
            return None;
        }
        Some(items.iter().map(|item| self.part(item, depth)).collect())
    }

    fn part(&mut self, value: &Value, depth: usize) -> Json {
        match self.made(value, depth + 1) {
            Some(made) => made,
            None => self.proxy(value),
        }
    }

    fn pairs(&mut self, table: &Table, depth: usize) -> Option<Vec<[Json; 2]>> {
        if table.keys.len() > self.left {
            return None;
        }
        Some(table.pairs().map(|(key, value)| [self.part(key, depth), self.part(value, depth)]).collect())
    }

    /// Keeps the value in a variable of the session, by whose name it is asked for.
    fn proxy(&mut self, value: &Value) -> Json {
        let name = format!("_{}", self.memo.variables.len() + 1);
        // It is for a terminal, and of the process.
        let text = self.objects.show(value, self.limits).to_string();
        let escaped = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
        let text: String = text.chars().map(escaped).collect();
        self.memo.variables.insert(name.clone(), value.clone());
        let address = if let Value::Object(at) = value { at.0 } else { self.memo.variables.len() as u64 };
        json!({"proxy": [name, text, address]})
    }
}

/// JSON's numbers are floats to many: only small integers are numbers there.
fn int(value: &BigInt) -> Json {
    match value.to_i32() {
        Some(small) => small.into(),
        None => json!({"int": value.to_string()}),
    }
}

fn float(value: f64) -> Json {
    json!({"float": value.to_string()})
}
