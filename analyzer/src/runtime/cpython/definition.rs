//! Where functions, classes and modules were defined, by what their objects say.

use dpdb_snapshot::{Avma, Text};

use super::PythonFrame;
use super::class::Entry;
use super::frames::line_table;
use super::heap::{Heap, TYPE};
use super::lines;
use super::unreadable::Unreadable;
use crate::session::Session;

/// Code objects within code objects, and things that are unwrapped, at most so deep.
const MOST_NESTED: usize = 16;
/// Constants of a code object, and entries of a class, that are looked at.
const MOST_ENTRIES: u64 = 4096;

/// Where something was defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PythonDefinition {
    /// The file, as the interpreter names it.
    pub file: Text,
    /// The first line; that of a class may stand a little further up, where its `class` line is not known.
    pub first: u32,
    /// The last line that has code; none for a whole file.
    pub last: Option<u32>,
    /// The name of the class whose own line is still to be looked for above the first.
    pub class: Option<String>,
}

impl Session {
    /// Where the function, method, class, module, generator or code at `object` was defined; `None` for what was not
    /// defined in Python.
    pub fn python_definition(&self, object: Avma) -> Option<PythonDefinition> {
        let (_, heap) = self.python_heap()?;
        heap.definition(object, 0).ok().flatten()
    }

    /// Where the function that a frame runs was defined.
    pub fn python_function(&self, frame: &PythonFrame) -> Option<PythonDefinition> {
        let (_, heap) = self.python_heap()?;
        heap.code_lines(frame.code, 0).ok()
    }
}

impl Heap<'_> {
    fn definition(&self, object: Avma, depth: usize) -> Result<Option<PythonDefinition>, Unreadable> {
        if depth > MOST_NESTED {
            return Ok(None);
        }
        let facts = self.type_of(object)?;
        let within = |field| -> Result<Option<PythonDefinition>, Unreadable> {
            match self.pointer(object, field)? {
                Some(inner) => self.definition(inner, depth + 1),
                None => Ok(None),
            }
        };
        match facts.builtin.as_deref() {
            Some("code") => self.code_lines(object, 0).map(Some),
            Some("function") => within("PyFunctionObject.func_code"),
            Some("method") => within("PyMethodObject.im_func"),
            Some("staticmethod") => within("staticmethod.sm_callable"),
            Some("classmethod") => within("classmethod.cm_callable"),
            Some("property") => within("propertyobject.prop_get"),
            Some("functools.partial") => within("partialobject.fn"),
            Some("module") => self.module_file(object),
            _ if facts.has(TYPE) => self.class_lines(object),
            _ if self.class(facts.at)?.builtin.is_none() => self.class_lines(facts.at),
            _ => Ok(None),
        }
    }

    /// A function's lines are those of its code and of the functions defined in it.
    fn code_lines(&self, code: Avma, depth: usize) -> Result<PythonDefinition, Unreadable> {
        self.expect(code, "code")?;
        let first = self.int(code, "PyCodeObject.co_firstlineno")?;
        let mut last = lines::last(&line_table(self, code)?, first, self.layout.minor);
        if depth < MOST_NESTED {
            let constants = self.object(code, "PyCodeObject.co_consts")?;
            for constant in self.first_items(constants, MOST_ENTRIES)?.items {
                if self.expect(constant, "code").is_ok()
                    && let Ok(inner) = self.code_lines(constant, depth + 1)
                {
                    last = last.max(inner.last.and_then(|line| i32::try_from(line).ok()).unwrap_or(last));
                }
            }
        }
        let file = self.name(self.object(code, "PyCodeObject.co_filename")?)?;
        let line = |line: i32| u32::try_from(line).unwrap_or(1).max(1);
        Ok(PythonDefinition {
            file: Text::from(file.as_str()),
            first: line(first),
            last: Some(line(last)),
            class: None,
        })
    }

    fn module_file(&self, module: Avma) -> Result<Option<PythonDefinition>, Unreadable> {
        let dict = self.object(module, "PyModuleObject.md_dict")?;
        let Some(file) = self.dict_get(dict, "__file__").and_then(|file| self.name(file).ok()) else { return Ok(None) };
        let is_source = file.ends_with(".py");
        Ok(is_source.then(|| PythonDefinition { file: Text::from(file.as_str()), first: 1, last: None, class: None }))
    }

    /// The lines of the functions that a class itself defines; from 3.13 on it says its own first line.
    fn class_lines(&self, class: Avma) -> Result<Option<PythonDefinition>, Unreadable> {
        let facts = self.class(class)?;
        let Some(dict) = self.pointer(class, "PyTypeObject.tp_dict")? else { return Ok(None) };
        let mut found: Option<PythonDefinition> = None;
        for (_, value) in self.dict(dict, MOST_ENTRIES)?.pairs {
            // What is only kept in the class, such as another class, has lines of its own elsewhere.
            let own = ["function", "staticmethod", "classmethod", "property"];
            if !self.type_of(value).is_ok_and(|facts| facts.builtin.as_deref().is_some_and(|name| own.contains(&name)))
            {
                continue;
            }
            let Ok(Some(lines)) = self.definition(value, 1) else { continue };
            match &mut found {
                None => found = Some(lines),
                Some(whole) if whole.file == lines.file => {
                    whole.first = whole.first.min(lines.first);
                    whole.last = whole.last.max(lines.last);
                }
                Some(_) => {}
            }
        }
        let stated = match self.class_entry(class, "__firstlineno__")? {
            Some(entry) if entry.owner.at == class => match entry.entry {
                Entry::Object(line) => self.small_integer(line).ok().and_then(|line| u32::try_from(line).ok()),
                _ => None,
            },
            _ => None,
        };
        Ok(found.map(|lines| match stated {
            Some(first) => PythonDefinition { first, ..lines },
            None => PythonDefinition { class: facts.name.rsplit('.').next().map(str::to_owned), ..lines },
        }))
    }
}
