//! What names mean in a frame: those of comprehensions, locals, cells, globals, built-in ones.

use dpdb_snapshot::Avma;

use super::fault::{Fault, Result};

use super::value::Value;
use crate::runtime::cpython::frames::PythonFrame;
use crate::runtime::cpython::heap::Heap;
use crate::runtime::cpython::locals::{self, Bound};

/// Names that are looked through for a suggestion.
const MOST_NAMES: u64 = 4096;

/// The names of a frame.
pub(super) struct Names<'h> {
    heap: &'h Heap<'h>,
    locals: Vec<(String, bool, Option<Value>)>,
    globals: Option<Avma>,
    pub(super) builtins: Option<Avma>,
}

impl<'h> Names<'h> {
    /// Those of `frame`; what of them cannot be read is not there.
    pub(super) fn of(heap: &'h Heap<'h>, frame: &PythonFrame) -> Names<'h> {
        let value = |bound| match bound {
            Bound::Object(at) => Value::Object(at),
            Bound::Tagged(number) => Value::int(number),
        };
        let bindings = locals::bindings(heap, frame).unwrap_or_default().into_iter();
        let locals = bindings.map(|binding| (binding.name, binding.free, binding.bound.map(value))).collect();
        let namespaces = locals::namespaces(heap, frame).ok();
        Names { heap, locals, globals: namespaces.map(|both| both.0), builtins: namespaces.map(|both| both.1) }
    }

    /// What a name means, or the error that Python raises in this frame.
    pub(super) fn look_up(&self, name: &str, minor: u8) -> Result<Value> {
        match self.locals.iter().find(|(local, ..)| local == name) {
            Some((.., Some(value))) => return Ok(value.clone()),
            Some((_, free, None)) => return Err(unbound(name, *free, minor)),
            None => {}
        }
        let in_dict = |dict: Option<Avma>| self.heap.dict_get(dict?, name).map(Value::Object);
        if let Some(found) = in_dict(self.globals).or_else(|| in_dict(self.builtins)) {
            return Ok(found);
        }
        // Without the process's own built-in names, ours.
        match super::builtins::known(name) {
            Some(name) if self.builtins.is_none() => Ok(Value::Builtin(name)),
            _ => Err(Fault::Raised("NameError", format!("name '{name}' is not defined{}", self.suggestion(name)))),
        }
    }

    /// The local names that have values.
    pub(super) fn bound_locals(self) -> impl Iterator<Item = (String, Value)> {
        self.locals.into_iter().filter_map(|(name, _, value)| Some((name, value?)))
    }

    /// What `locals()`, `globals()`, `vars()` and `dir()` give without an argument.
    pub(super) fn namespace(&self, function: &str) -> Value {
        let bound = self.locals.iter().filter_map(|(name, _, value)| Some((Value::text(name), value.clone()?)));
        match function {
            "globals" => self.globals.map_or(Value::None, Value::Object),
            "dir" => {
                let mut names: Vec<&String> =
                    self.locals.iter().filter(|(.., value)| value.is_some()).map(|(name, ..)| name).collect();
                names.sort_unstable();
                Value::list(names.into_iter().map(|name| Value::text(name)).collect())
            }
            _ => Value::dict(bound.collect()),
        }
    }

    fn suggestion(&self, name: &str) -> String {
        let locals = self.locals.iter().filter(|(.., value)| value.is_some()).map(|(local, ..)| local.clone());
        let of_dict = |dict: Option<Avma>| {
            let pairs = dict.and_then(|dict| self.heap.dict(dict, MOST_NAMES).ok()).unwrap_or_default().pairs;
            pairs.into_iter().filter_map(|(name, _)| self.heap.name(name).ok()).collect::<Vec<String>>()
        };
        let names: Vec<String> = locals.chain(of_dict(self.globals)).chain(of_dict(self.builtins)).collect();
        did_you_mean(name, &names)
    }
}

/// `. Did you mean: 'y'?`, as Python adds it from 3.10 on when it prints the error.
pub(super) fn did_you_mean(name: &str, names: &[String]) -> String {
    let nearest = crate::eval::nearest_name(name, names.iter().map(String::as_str));
    nearest.map(|near| format!(". Did you mean: '{near}'?")).unwrap_or_default()
}

fn unbound(name: &str, free: bool, minor: u8) -> Fault {
    let (kind, text) = match (free, minor < 11) {
        (false, false) => (
            "UnboundLocalError",
            format!("cannot access local variable '{name}' where it is not associated with a value"),
        ),
        (false, true) => ("UnboundLocalError", format!("local variable '{name}' referenced before assignment")),
        (true, false) => (
            "NameError",
            format!("cannot access free variable '{name}' where it is not associated with a value in enclosing scope"),
        ),
        (true, true) => {
            ("NameError", format!("free variable '{name}' referenced before assignment in enclosing scope"))
        }
    };
    Fault::Raised(kind, text)
}
