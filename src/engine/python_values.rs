//! Expressions, globals and definitions in Python frames.

use dpdb_analyzer::expr::ExprError;
use dpdb_analyzer::{
    PythonDefinition, PythonEvaluated, PythonFrame, PythonGlobal, PythonMemo, PythonValue, Value, ValueLimits,
    ValueTree, WordKind,
};
use dpdb_snapshot::Avma;
use serde::Serialize;

use super::frames::FrameLine;
use super::value_limits::Show;
use super::values::{Printed, PrintedValue, TypeText};
use super::{CommandError, Engine, Reply, SourceListing};

/// As much of each of many values.
const SHORT: ValueLimits = ValueLimits {
    elements: 64,
    bytes: 256,
    depth: 4,
    nodes: 200,
    time: std::time::Duration::from_secs(1),
    words: false,
    symbols: false,
    style: dpdb_analyzer::ValueStyle::Pretty,
};

/// The global names of a frame's module.
#[derive(Debug, Serialize)]
pub struct PythonGlobals {
    /// The frame.
    pub frame: FrameLine,
    /// The names and what they are.
    pub globals: Vec<PythonGlobal>,
    /// How many modules, functions and classes are left out.
    pub folded: FoldedGlobals,
}

/// What `globals` without a pattern leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FoldedGlobals {
    /// Imported modules.
    pub modules: usize,
    /// Functions.
    pub functions: usize,
    /// Classes.
    pub classes: usize,
}

/// A session of a local Python that is to be started.
#[derive(Debug, Serialize)]
pub struct Interaction {
    /// The program.
    pub python: String,
    /// What it says first.
    pub banner: String,
    #[serde(skip)]
    frame: PythonFrame,
}

/// In whose syntax an expression is to be read.
enum Reading<'t> {
    Python(PythonFrame, &'t str),
    Native(&'t str),
}

impl Engine {
    /// The selected frame, if it is Python's.
    pub(super) fn selected_python(&mut self) -> Result<Option<PythonFrame>, CommandError> {
        let (tid, number) = (self.tid, self.selected_frame(self.tid));
        Ok(self.stack(tid, number)?.python_frame(number).cloned())
    }

    /// `-python EXPR` and `-native EXPR` say whose an expression is, the selected frame says it otherwise.
    fn reading<'t>(&mut self, text: &'t str) -> Result<Reading<'t>, CommandError> {
        if let Some(rest) = text.strip_prefix("-native ") {
            return Ok(Reading::Native(rest.trim()));
        }
        if let Some(rest) = text.strip_prefix("-python ") {
            let (_, frame) = self.nearest_python()?;
            return Ok(Reading::Python(frame, rest.trim()));
        }
        Ok(match self.selected_python()? {
            Some(frame) => Reading::Python(frame, text),
            None => Reading::Native(text),
        })
    }

    /// The value of an expression in Python's syntax; `None`, and what is left of the text, where it is no Python.
    pub(super) fn print_python<'t>(
        &mut self,
        text: &'t str,
        show: Show,
    ) -> Result<Result<Printed, &'t str>, CommandError> {
        let (frame, expression) = match self.reading(text)? {
            Reading::Native(rest) => return Ok(Err(rest)),
            Reading::Python(frame, expression) => (frame, expression),
        };
        let evaluated = self.evaluate_python(&frame, expression, self.readable(show))?;
        self.memo.history.push(Value::nothing());
        let number = self.memo.history.len();
        evaluated.remember(&mut self.python_memo, number);
        Ok(Ok(Printed {
            history: Some(number),
            expression: expression.to_owned(),
            type_name: evaluated.type_name,
            value: PrintedValue::Python(evaluated.shown),
            address: evaluated.address.map(Into::into),
            language: Some("python"),
            format: show.format,
            tree: show.tree || self.preferences.tree,
        }))
    }

    fn evaluate_python(
        &mut self,
        frame: &PythonFrame,
        text: &str,
        limits: ValueLimits,
    ) -> Result<PythonEvaluated, CommandError> {
        let mut memo: PythonMemo = std::mem::take(&mut self.python_memo);
        let found = self.session.evaluate_python(frame, text, &mut memo, limits);
        self.python_memo = memo;
        found.map_err(|error: ExprError| CommandError::Expression(error.render(text)))
    }

    /// The type of an expression in a Python frame, and what that type is derived from; `None` elsewhere.
    pub(super) fn python_type<'t>(&mut self, text: &'t str) -> Result<Result<TypeText, &'t str>, CommandError> {
        let (frame, expression) = match self.reading(text)? {
            Reading::Native(rest) => return Ok(Err(rest)),
            Reading::Python(frame, expression) => (frame, expression),
        };
        let found = self.evaluate_python(&frame, expression, self.brief())?;
        let bases = match found.bases.as_slice() {
            [] => String::new(),
            bases => format!(" ({})", bases.join(", ")),
        };
        Ok(Ok(TypeText { expression: expression.to_owned(), text: found.type_name + &bases, offsets: false }))
    }

    /// The address that an expression in a Python frame means: an integer's value, such as `id(x)`, or where the object
    /// is. Elsewhere the text without its option.
    pub(super) fn python_address<'t>(&mut self, text: &'t str) -> Result<Result<Avma, &'t str>, CommandError> {
        let (frame, expression) = match self.reading(text)? {
            Reading::Native(rest) => return Ok(Err(rest)),
            Reading::Python(frame, expression) => (frame, expression),
        };
        let found = self.evaluate_python(&frame, expression, self.brief())?;
        let number = found.integer().and_then(|value| u64::try_from(value).ok()).map(Avma);
        let address = number.or(found.address);
        address.map(Ok).ok_or_else(|| CommandError::refused(format!("'{expression}' is no address and has none")))
    }

    /// The global names of a Python frame's module, without those with two underscores; without a pattern also without
    /// modules, functions and classes. `None` for any other frame.
    pub(super) fn python_globals(
        &mut self,
        filter: &str,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Option<Reply>, CommandError> {
        let Some(frame) = self.selected_python()? else { return Ok(None) };
        let line = self.frame_line(self.tid, self.selected_frame(self.tid))?;
        let is_special = |name: &str| name.starts_with("__") && name.ends_with("__");
        let wanted = |name: &str| wanted(name) && (!is_special(name) || filter.contains("__"));
        let found = self.session.python_globals(&frame, &wanted, SHORT);
        let mut globals = found.map_err(|why| CommandError::refused(format!("the globals cannot be read: {why}")))?;
        let mut folded = FoldedGlobals::default();
        if filter.is_empty() {
            let count = |role: &str| globals.iter().filter(|global| global.role == role).count();
            folded = FoldedGlobals { modules: count("module"), functions: count("function"), classes: count("class") };
            globals.retain(|global| global.role == "variable");
        }
        Ok(Some(Reply::PythonGlobals(PythonGlobals { frame: line, globals, folded })))
    }

    /// The source text of the function, class or module that an expression gives; in a native frame that of the function
    /// of this name.
    ///
    /// # Errors
    /// It has no source, or its file is not to be had.
    pub fn definition(&mut self, text: &str) -> Result<Reply, CommandError> {
        let (frame, expression) = match self.reading(text)? {
            Reading::Native(rest) => return self.list(rest),
            Reading::Python(frame, expression) => (frame, expression),
        };
        let found = self.evaluate_python(&frame, expression, self.brief())?;
        let place = found.address.and_then(|at| self.session.python_definition(at));
        let place = place.ok_or_else(|| {
            CommandError::refused(format!("'{expression}' is a '{}', which has no Python source", found.type_name))
        })?;
        Ok(Reply::Source(self.definition_listing(&place)?))
    }

    /// The lines of a definition; those of a class begin with its `class` line, where that stands above its functions.
    fn definition_listing(&mut self, place: &PythonDefinition) -> Result<SourceListing, CommandError> {
        let file = place.file.as_path().to_owned();
        let mut first = place.first;
        if let Some(class) = &place.class {
            let text = self.source_text(&file)?;
            let above = text.lines(1, first).filter(|(_, line)| begins_class(line, class)).last();
            first = above.map_or(first, |(number, _)| number);
        }
        self.lines_of(&file, first, place.last.unwrap_or(u32::MAX))
    }

    /// A session of a local Python on the selected frame.
    ///
    /// # Errors
    /// The selected frame is no Python frame.
    pub fn interaction(&mut self, python: &str) -> Result<Interaction, CommandError> {
        let (number, frame) = self.nearest_python()?;
        let place = frame.line.map(|line| format!(":{line}")).unwrap_or_default();
        let banner = format!(
            "Names are those of frame #{number}, {} ({}{place}). What is no plain value is read from the snapshot when it \
             is asked for, and cannot be changed. Ctrl-D returns to the debugger.",
            frame.function, frame.file
        );
        let banner = banner.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
        Ok(Interaction { python: python.to_owned(), banner, frame })
    }

    /// All names of the session's frame, described in JSON for another Python.
    pub fn names_for_session(&mut self, interaction: &Interaction) -> serde_json::Value {
        let limits = self.brief();
        self.session.transfer_python_names(&interaction.frame, &mut self.python_memo, limits)
    }

    /// The value of an expression in the session's frame, described in JSON for another Python.
    ///
    /// # Errors
    /// The error's text as Python writes it.
    pub fn value_for_session(&mut self, interaction: &Interaction, text: &str) -> Result<serde_json::Value, String> {
        let limits = self.brief();
        let found = self.session.transfer_python(&interaction.frame, text, &mut self.python_memo, limits);
        found.map_err(|error| error.message)
    }

    /// The lines of the selected Python frame's function; `None` for any other frame.
    pub(super) fn python_function_lines(&mut self) -> Result<Option<(u32, u32)>, CommandError> {
        let Some(frame) = self.selected_python()? else { return Ok(None) };
        let place = self.session.python_function(&frame);
        Ok(place.and_then(|place| Some((place.first, place.last?))))
    }
}

impl PrintedValue {
    /// A value as its bits in memory are: of Python, an integer or the bytes of a text.
    pub(super) fn into_bits(self) -> ValueTree {
        let bytes = |bytes: Vec<u8>| ValueTree::Bytes { length: bytes.len() as u64, bytes };
        match self {
            PrintedValue::Native(tree) => tree,
            PrintedValue::Python(PythonValue::Int(value)) => match i64::try_from(value.clone()) {
                Ok(small) => {
                    let width = if i32::try_from(small).is_ok() { 32 } else { 64 };
                    ValueTree::Word { bits: small as u64 as u128, width, kind: WordKind::Signed }
                }
                Err(_) => match u64::try_from(value) {
                    Ok(large) => ValueTree::Word { bits: large.into(), width: 64, kind: WordKind::Unsigned },
                    Err(_) => ValueTree::Void,
                },
            },
            PrintedValue::Python(PythonValue::Bytes { bytes: found, .. }) => bytes(found),
            PrintedValue::Python(PythonValue::Str { points, .. }) => {
                bytes(points.into_iter().filter_map(char::from_u32).collect::<String>().into_bytes())
            }
            PrintedValue::Python(_) => ValueTree::Void,
        }
    }
}

fn begins_class(line: &[u8], class: &str) -> bool {
    let line = String::from_utf8_lossy(line);
    let rest = line.trim_start().strip_prefix("class ").and_then(|rest| rest.trim_start().strip_prefix(class));
    rest.is_some_and(|rest| rest.trim_start().starts_with(['(', ':', '[']))
}
