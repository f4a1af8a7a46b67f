//! `locals`, `args`, `globals`, `p` and its like, and the expressions that other commands take for addresses.

use dpdb_analyzer::{Declared, Evaluated, Language, Place, PythonValue, ValueLimits, ValueTree, Variable};
use dpdb_snapshot::{Avma, Text};
use regex_lite::Regex;
use serde::Serialize;

use super::frames::language_name;
use super::merge::Level;
use super::value_limits::Show;
use super::{CommandError, Engine, Reply};

/// Variables and their values.
#[derive(Debug, Serialize)]
pub struct Variables {
    /// `locals`, `arguments` or `globals`.
    pub of: &'static str,
    /// The frame's language, which decides how values are written.
    pub language: Option<&'static str>,
    /// The variables; locals of the innermost block come first.
    pub variables: Vec<VariableLine>,
    /// Why there are none, or fewer than there might be.
    pub note: Option<String>,
}

/// One variable.
#[derive(Clone, Debug, Serialize)]
pub struct VariableLine {
    /// As declared.
    pub name: String,
    /// Its type's name, where it has one of its own.
    #[serde(rename = "type")]
    pub type_name: String,
    /// What it is.
    pub value: ValueTree,
    /// What an argument was when the function was entered.
    pub entry_value: Option<ValueTree>,
    /// It is an argument.
    pub argument: bool,
    /// It lives as long as the program.
    pub r#static: bool,
    /// The line of its declaration.
    pub line: Option<u32>,
    /// How many blocks out of the innermost one it was declared.
    pub block: usize,
    /// The file of its declaration, for globals.
    pub file: Option<Text>,
}

impl From<Variable> for VariableLine {
    fn from(variable: Variable) -> VariableLine {
        VariableLine {
            name: variable.name,
            type_name: variable.type_name,
            value: variable.value,
            entry_value: variable.entry_value,
            argument: variable.is_argument,
            r#static: variable.is_static,
            line: variable.line,
            block: variable.block,
            file: None,
        }
    }
}

/// The value of an expression.
#[derive(Debug, Serialize)]
pub struct Printed {
    /// Its number in the history (`$1`); none for `void`.
    pub history: Option<usize>,
    /// The expression.
    pub expression: String,
    /// Its type's name.
    #[serde(rename = "type")]
    pub type_name: String,
    /// What it is; with a format, the bits of its numbers.
    pub value: PrintedValue,
    /// Where it is.
    pub address: Option<super::Hex>,
    /// The frame's language.
    pub language: Option<&'static str>,
    /// The letter of the format that was asked for.
    pub format: Option<char>,
    /// It is to be shown as a tree.
    pub tree: bool,
}

/// A value of a native or of a Python frame.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum PrintedValue {
    /// Of the program's own language.
    Native(ValueTree),
    /// A Python object, or what Python computes of some.
    Python(PythonValue),
}

/// `whatis` and `ptype`.
#[derive(Debug, Serialize)]
pub struct TypeText {
    /// The expression or type.
    pub expression: String,
    /// The type, as its language writes it.
    #[serde(rename = "type")]
    pub text: String,
    /// Each member has its offset and size in front.
    pub offsets: bool,
}

/// The language of a frame and its variables; none where nothing tells of them.
type FrameVariables = (Option<&'static str>, Option<Vec<VariableLine>>);

/// Variables that one answer lists.
const MOST_GLOBALS: usize = 500;

/// A pattern of names; none matches all. `!RE` matches what RE does not.
///
/// # Errors
/// It is no regular expression.
pub fn pattern(text: &str) -> Result<impl Fn(&str) -> bool + use<>, CommandError> {
    let (inverted, text) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest.trim()));
    let regex = Regex::new(text).map_err(|error| CommandError::refused(format!("'{text}' is no pattern: {error}")))?;
    Ok(move |name: &str| regex.is_match(name) != inverted)
}

impl Engine {
    /// The locals of the selected frame, or its arguments, whose names match.
    ///
    /// # Errors
    /// There is no frame, or the pattern makes no sense.
    pub fn variables(&mut self, arguments: bool, filter: &str, show: Show) -> Result<Reply, CommandError> {
        let wanted = pattern(filter)?;
        if let Some(reply) = self.python_variables(arguments, &wanted)? {
            return Ok(reply);
        }
        let (tid, number) = (self.tid, self.selected_frame(self.tid));
        let declared = if arguments { Declared::Arguments } else { Declared::Locals };
        let (language, all) = self.variables_of(tid, number, declared, show)?;
        let none = all.is_none().then_some("no debugging information tells the variables of this frame");
        let lines = all.unwrap_or_default().into_iter().filter(|line| wanted(&line.name));
        let variables: Vec<VariableLine> = lines.collect();
        let word = if arguments { "arguments" } else { "locals" };
        let empty =
            || variables.is_empty().then(|| format!("no {word}{}", if filter.is_empty() { "" } else { " match" }));
        let note = none.map(str::to_owned).or_else(empty);
        Ok(Reply::Variables(Variables { of: word, language, variables, note }))
    }

    /// The locals of the frame so many further out, whose names match; the selection stays.
    ///
    /// # Errors
    /// There is no such frame, or the pattern makes no sense.
    pub fn variables_of_caller(&mut self, steps: i64, filter: &str, show: Show) -> Result<Reply, CommandError> {
        let before = (self.selected_frame(self.tid), self.list.clone());
        self.move_frame(steps)?;
        let reply = self.variables(false, filter, show);
        self.selected.insert(self.tid, before.0);
        self.list = before.1;
        reply
    }

    /// Everything that `p` alone shows: the arguments and locals of the selected frame.
    ///
    /// # Errors
    /// There is no frame.
    pub fn all_variables(&mut self, show: Show) -> Result<Reply, CommandError> {
        if let Some(reply) = self.python_variables(false, |_| true)? {
            return Ok(reply);
        }
        let (tid, number) = (self.tid, self.selected_frame(self.tid));
        let (language, all) = self.variables_of(tid, number, Declared::Either, show)?;
        let none = all.as_ref().is_none_or(Vec::is_empty).then(|| "no variables are known here".to_owned());
        Ok(Reply::Variables(Variables { of: "locals", language, variables: all.unwrap_or_default(), note: none }))
    }

    /// Variables outside of functions: of the frame's unit, or with a pattern all that match in its module.
    ///
    /// # Errors
    /// There is no frame, or the pattern makes no sense.
    pub fn globals(&mut self, filter: &str, show: Show) -> Result<Reply, CommandError> {
        let wanted = pattern(filter)?;
        if let Some(reply) = self.python_globals(filter, &wanted)? {
            return Ok(reply);
        }
        let (tid, number) = (self.tid, self.selected_frame(self.tid));
        let (_, source) = self.frame_at(tid, number)?;
        let Level { physical, level, .. } = self.stacks[&tid].numbered[number];
        let place = Place { tid, frames: &self.stacks[&tid].physical, index: physical, function: level };
        let (everywhere, limits) = (!filter.is_empty(), self.readable(show));
        let found = self.session.globals(place, everywhere, &wanted, limits, MOST_GLOBALS);
        let cut = (found.len() == MOST_GLOBALS).then(|| format!("only the first {MOST_GLOBALS} are shown"));
        let none = found.is_empty().then(|| "no variables outside of functions are known here".to_owned());
        let line = |(variable, file): (Variable, Option<std::path::PathBuf>)| VariableLine {
            file: file.as_deref().map(Text::from),
            ..variable.into()
        };
        let variables = found.into_iter().map(line).collect();
        let language = source.language.map(language_name);
        Ok(Reply::Variables(Variables { of: "globals", language, variables, note: none.or(cut) }))
    }

    /// The variables of a frame that are declared so; none where no debugging information tells of its function.
    fn variables_of(
        &mut self,
        tid: i32,
        number: usize,
        declared: Declared,
        show: Show,
    ) -> Result<FrameVariables, CommandError> {
        let (_, source) = self.frame_at(tid, number)?;
        Ok((source.language.map(language_name), self.declared(tid, number, declared, self.readable(show))))
    }

    /// As [`Engine::variables_of`], of a frame that was walked to; of a Python frame none.
    pub(super) fn declared(
        &self,
        tid: i32,
        number: usize,
        declared: Declared,
        limits: ValueLimits,
    ) -> Option<Vec<VariableLine>> {
        let stack = self.stacks.get(&tid)?;
        let &Level { physical, level, python, .. } = stack.numbered.get(number)?;
        if python.is_some() {
            return None;
        }
        let found = self.session.variables_of(tid, &stack.physical, physical, level, declared, limits)?;
        Some(found.into_iter().map(VariableLine::from).collect())
    }

    /// The value of an expression in the selected frame, which the history keeps.
    ///
    /// # Errors
    /// What is wrong with the expression, and where in it.
    pub fn print(&mut self, expression: &str, show: Show) -> Result<Printed, CommandError> {
        match self.print_python(expression, show)? {
            Ok(printed) => Ok(printed),
            Err(expression) => self.print_native(expression, show),
        }
    }

    fn print_native(&mut self, expression: &str, show: Show) -> Result<Printed, CommandError> {
        let (language, evaluated) = self.evaluate(expression, self.readable(show))?;
        let void = matches!(evaluated.tree, ValueTree::Void) && language != Some(Language::Rust);
        let history = (!void).then(|| {
            self.memo.history.push(evaluated.value);
            self.memo.history.len()
        });
        let value = match show.format {
            Some('a') => self.as_addresses(evaluated.tree),
            _ => evaluated.tree,
        };
        Ok(Printed {
            history,
            expression: expression.to_owned(),
            type_name: evaluated.type_name,
            value: PrintedValue::Native(value),
            address: evaluated.address.map(Into::into),
            language: language.map(language_name),
            format: show.format,
            tree: show.tree || self.preferences.tree,
        })
    }

    /// The numbers of a value as addresses, with the symbols there: `p/a`.
    fn as_addresses(&self, value: ValueTree) -> ValueTree {
        let each = |values: Vec<ValueTree>| values.into_iter().map(|value| self.as_addresses(value)).collect();
        let named = |fields: Vec<(String, ValueTree)>| {
            fields.into_iter().map(|(name, value)| (name, self.as_addresses(value))).collect()
        };
        match value {
            ValueTree::Word { bits, width: ..=64, .. } => {
                let to = Avma(bits as u64);
                ValueTree::Pointer { to, text: None, symbol: self.symbol_text(to) }
            }
            ValueTree::Array { items, length } => ValueTree::Array { items: each(items), length },
            ValueTree::Struct(fields) => ValueTree::Struct(named(fields)),
            ValueTree::Union(fields) => ValueTree::Union(named(fields)),
            ValueTree::Named { type_name, value } => {
                ValueTree::Named { type_name, value: Box::new(self.as_addresses(*value)) }
            }
            value => value,
        }
    }

    /// As [`Engine::print`], but the history does not keep it.
    pub(super) fn peek(&mut self, expression: &str, show: Show) -> Result<Printed, CommandError> {
        let printed = self.print(expression, show)?;
        if printed.history.is_some() {
            self.memo.history.pop();
            self.python_memo.forget(self.memo.history.len());
        }
        Ok(Printed { history: None, ..printed })
    }

    fn evaluate(
        &mut self,
        expression: &str,
        limits: ValueLimits,
    ) -> Result<(Option<Language>, Evaluated), CommandError> {
        self.in_frame(expression, |engine, place, memo| engine.session.evaluate(place, expression, memo, limits))
    }

    /// The name of an expression's type.
    ///
    /// # Errors
    /// What is wrong with the expression, and where in it.
    pub fn whatis(&mut self, expression: &str) -> Result<Reply, CommandError> {
        let expression = match self.python_type(expression)? {
            Ok(found) => return Ok(Reply::Type(found)),
            Err(native) => native,
        };
        let (_, text) =
            self.in_frame(expression, |engine, place, memo| engine.session.whatis(place, expression, memo))?;
        Ok(Reply::Type(TypeText { expression: expression.to_owned(), text, offsets: false }))
    }

    /// The declaration of an expression's type, with the offsets of its members where asked.
    ///
    /// # Errors
    /// What is wrong with the expression, and where in it.
    pub fn ptype(&mut self, expression: &str, offsets: bool) -> Result<Reply, CommandError> {
        let (_, text) =
            self.in_frame(expression, |engine, place, memo| engine.session.ptype(place, expression, memo, offsets))?;
        Ok(Reply::Type(TypeText { expression: expression.to_owned(), text, offsets }))
    }

    fn in_frame<T>(
        &mut self,
        expression: &str,
        work: impl FnOnce(&Engine, Place<'_>, &mut dpdb_analyzer::Memo) -> Result<T, dpdb_analyzer::expr::ExprError>,
    ) -> Result<(Option<Language>, T), CommandError> {
        let (tid, number) = (self.tid, self.selected_frame(self.tid));
        let (_, source) = self.frame_at(tid, number)?;
        let stack = &self.stacks[&tid];
        let Level { physical: index, level: function, .. } = stack.numbered[number];
        let mut memo = std::mem::take(&mut self.memo);
        let place = Place { tid, frames: &self.stacks[&tid].physical, index, function };
        let found = work(self, place, &mut memo);
        self.memo = memo;
        let found = found.map_err(|error| CommandError::Expression(error.render(expression)))?;
        Ok((source.language, found))
    }

    /// The address that an expression means: a pointer's, a number as such, else where the value is.
    pub(super) fn address_of_expression(&mut self, expression: &str) -> Result<Avma, CommandError> {
        let expression = match self.python_address(expression)? {
            Ok(address) => return Ok(address),
            Err(native) => native,
        };
        let (_, evaluated) = self.evaluate(expression, self.brief())?;
        let address = match evaluated.tree {
            ValueTree::Pointer { to, .. } | ValueTree::Function { at: to, .. } => Some(to),
            ValueTree::Integer(value) => Some(Avma(value as u64)),
            ValueTree::Large(value) => Some(Avma(value as u64)),
            ValueTree::Reference { to, .. } => to,
            _ => evaluated.address,
        };
        address.ok_or_else(|| CommandError::refused(format!("'{expression}' is no address and has none")))
    }
}
