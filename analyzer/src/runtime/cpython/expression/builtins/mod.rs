//! The built-in functions and types that are called here.

mod arguments;
mod convert;
mod inspect;
mod iterate;

use super::fault::{Result, refused, type_error};
use super::objects::{Objects, Type, short_name};
use super::special::Slot;
use super::value::Value;
use crate::runtime::cpython::heap::TYPE;
pub(super) use arguments::Arguments;

type Function = fn(&Objects<'_>, &Arguments<'_>) -> Result<Value>;

/// All of them, by their names.
const FUNCTIONS: [(&str, Function); 45] = [
    ("abs", iterate::abs),
    ("all", iterate::all),
    ("any", iterate::any),
    ("ascii", convert::ascii),
    ("bin", convert::bin),
    ("bool", convert::bool),
    ("bytes", convert::bytes),
    ("callable", inspect::callable),
    ("chr", convert::chr),
    ("complex", convert::complex),
    ("dict", convert::dict),
    ("dir", inspect::dir),
    ("divmod", iterate::divmod),
    ("enumerate", iterate::enumerate),
    ("filter", iterate::filter),
    ("float", convert::float),
    ("frozenset", convert::frozenset),
    ("getattr", inspect::getattr),
    ("hasattr", inspect::hasattr),
    ("hex", convert::hex),
    ("id", inspect::id),
    ("int", convert::int),
    ("isinstance", inspect::isinstance),
    ("issubclass", inspect::issubclass),
    ("len", iterate::len),
    ("list", convert::list),
    ("map", iterate::map),
    ("max", iterate::max),
    ("min", iterate::min),
    ("next", iterate::next),
    ("oct", convert::oct),
    ("ord", convert::ord),
    ("pow", iterate::pow),
    ("range", convert::range),
    ("repr", convert::repr),
    ("reversed", iterate::reversed),
    ("round", iterate::round),
    ("set", convert::set),
    ("slice", convert::slice),
    ("sorted", iterate::sorted),
    ("str", convert::str),
    ("sum", iterate::sum),
    ("tuple", convert::tuple),
    ("type", inspect::type_),
    ("zip", iterate::zip),
];

/// Built-in functions whose meaning depends on the frame, or that need the process.
const OTHERS: [&str; 4] = ["globals", "locals", "vars", "iter"];

/// The name as a constant, where a built-in is called so.
pub(super) fn known(name: &str) -> Option<&'static str> {
    FUNCTIONS.iter().map(|(known, _)| *known).chain(OTHERS).find(|known| *known == name)
}

impl Objects<'_> {
    /// The name of the built-in function or type that a value is.
    pub(super) fn builtin_name(&self, callee: &Value) -> Option<String> {
        match callee {
            Value::Builtin(name) => Some((*name).to_owned()),
            Value::Object(at) => {
                let facts = self.heap.type_of(*at).ok()?;
                let name = if facts.has(TYPE) {
                    self.heap.class(*at).ok()?.builtin.clone()?
                } else if facts.builtin.as_deref() == Some("builtin_function_or_method") {
                    let row = self.heap.object(*at, "PyCFunctionObject.m_ml").ok()?;
                    let name = self.heap.object(row, "PyMethodDef.ml_name").ok()?;
                    String::from_utf8_lossy(&self.heap.memory.read_c_string(name, 64).ok()?.0).into_owned()
                } else {
                    return None;
                };
                // `math.pow` is not `pow`, whatever it is called.
                (self.builtin(&name) == Some(*at)).then_some(name)
            }
            _ => None,
        }
    }

    /// `callee(…)`.
    pub(super) fn call(&self, callee: &Value, positional: &[Value], keywords: &[(String, Value)]) -> Result<Value> {
        self.budget.spend(1)?;
        if let Value::Method(bound) = callee {
            let arguments = Arguments { function: &bound.1, positional, keywords };
            return super::methods::call(self, &bound.0, &arguments);
        }
        let Some(name) = self.builtin_name(callee) else { return self.not_called(callee) };
        let arguments = Arguments { function: &name, positional, keywords };
        match FUNCTIONS.iter().find(|(known, _)| *known == name) {
            Some((_, function)) => function(self, &arguments),
            None if name == "vars" => inspect::vars(self, &arguments),
            None => refused(format_args!("{name}() is not evaluated: it would have to run")),
        }
    }

    /// Why a value is not called.
    fn not_called(&self, callee: &Value) -> Result<Value> {
        let at = match callee {
            Value::Object(at) | Value::Bound(at) => *at,
            callee => return type_error(format!("'{}' object is not callable", self.type_name(callee)?)),
        };
        if let Some(Type::Of(class)) = self.as_class(callee)? {
            return refused(format_args!("{}() would make an object", class.full_name()));
        }
        let facts = self.heap.type_of(at)?;
        let named = |field| self.heap.name(self.heap.object(at, field).ok()?).ok();
        match facts.builtin.as_deref() {
            Some("function") => {
                let name = named("PyFunctionObject.func_qualname").unwrap_or_default();
                refused(format_args!("{name}() would run Python code"))
            }
            _ => match self.has_slot(&facts, Slot::Call)? {
                false => type_error(format!("'{}' object is not callable", short_name(&facts))),
                true => refused(format_args!("calling a '{}' would run its code", short_name(&facts))),
            },
        }
    }
}
