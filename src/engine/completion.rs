//! What an expression that is being typed may go on with: names, members, keys of dictionaries, registers.

use std::collections::BTreeSet;
use std::time::Duration;

use dpdb_analyzer::{Listed, PythonValue, ValueTree};

use super::value_limits::{LimitOptions, Show};
use super::values::PrintedValue;
use super::{Engine, Reply};

/// Nobody waits longer for a list of names.
const PATIENCE: Duration = Duration::from_millis(200);
/// Members and keys that are offered at most.
const MOST: u64 = 2000;
/// A name of the whole program is looked for from so many letters on: one letter begins half of them.
const LETTERS_OF_FUNCTION: usize = 3;

/// What an expression ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending<'a> {
    /// The beginning of a name.
    Name(&'a str),
    /// `$` and the beginning of a register's name.
    Register(&'a str),
    /// A value and the beginning of a member's name behind it.
    Member(&'a str, &'a str),
    /// A dictionary, the quote behind its bracket, and the beginning of a key.
    Key(&'a str, char, &'a str),
}

impl Engine {
    /// Where in `text` the word begins that may be completed, and what it may become. Nothing where it cannot be told.
    pub fn complete_expression(&mut self, text: &str) -> (usize, Vec<String>) {
        let ending = ending(text);
        let (typed, found) = match ending {
            Ending::Name(typed) => (typed, self.names_in_frame(typed)),
            Ending::Register(typed) => {
                let registers = self.selected_registers().into_iter().map(|line| line.name.to_owned());
                (typed, registers.chain(["pc", "sp", "fp"].map(str::to_owned)).collect())
            }
            Ending::Member(value, typed) => (typed, self.members(value)),
            Ending::Key(value, quote, typed) => {
                (typed, self.keys(value).into_iter().map(|key| format!("{key}{quote}]")).collect())
            }
        };
        // What begins with an underscore is for those who ask for it, unless there is nothing else.
        let begun: BTreeSet<String> = found.into_iter().filter(|name| name.starts_with(typed)).collect();
        let public: Vec<String> = begun.iter().filter(|name| !name.starts_with('_')).cloned().collect();
        let shown = if typed.starts_with('_') || public.is_empty() { begun.into_iter().collect() } else { public };
        (text.len() - typed.len(), shown)
    }

    /// The functions of the program whose names begin so.
    pub fn complete_function(&mut self, typed: &str) -> Vec<String> {
        let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        if typed.len() < LETTERS_OF_FUNCTION || !typed.chars().all(is_name) {
            return Vec::new();
        }
        let Ok(Reply::Names(names)) = self.names(Listed::Functions, &format!("^{typed}")) else { return Vec::new() };
        let found: BTreeSet<String> = names.names.into_iter().map(|name| name.name).collect();
        found.into_iter().collect()
    }

    /// The variables of the selected frame, and of a Python frame its globals.
    fn names_in_frame(&mut self, typed: &str) -> Vec<String> {
        if let Ok(Some(Reply::PythonLocals(frame))) = self.python_variables(false, |_| true) {
            let mut names: Vec<String> = frame.variables.into_iter().flatten().map(|one| one.name).collect();
            if let Ok(Some(Reply::PythonGlobals(globals))) = self.python_globals(".", &|_| true) {
                names.extend(globals.globals.into_iter().map(|one| one.name));
            }
            return names;
        }
        let mut names = match self.all_variables(quick()) {
            Ok(Reply::Variables(all)) => all.variables.into_iter().map(|one| one.name).collect(),
            _ => Vec::new(),
        };
        names.extend(self.complete_function(typed));
        names
    }

    fn members(&mut self, value: &str) -> Vec<String> {
        if self.selected_python().is_ok_and(|frame| frame.is_some()) {
            return self.python_texts(&format!("dir({value})"));
        }
        // A pointer's members are those of what it points to, whichever sign was typed.
        for expression in [value.to_owned(), format!("*({value})")] {
            let printed = self.peek(&expression, Show { raw: true, ..quick() });
            if let Ok(PrintedValue::Native(tree)) = printed.map(|printed| printed.value) {
                let mut names = Vec::new();
                add_members(&tree, &mut names);
                if !names.is_empty() {
                    return names;
                }
            }
        }
        Vec::new()
    }

    /// The keys of a dictionary that are texts and need no escapes.
    fn keys(&mut self, value: &str) -> Vec<String> {
        if !self.selected_python().is_ok_and(|frame| frame.is_some()) {
            return Vec::new();
        }
        let plain = |key: &String| !key.contains(['\'', '"', '\\']) && !key.chars().any(char::is_control);
        self.python_texts(&format!("list({value})")).into_iter().filter(plain).collect()
    }

    fn python_texts(&mut self, expression: &str) -> Vec<String> {
        let printed = self.peek(expression, quick()).map(|printed| printed.value);
        let Ok(PrintedValue::Python(PythonValue::Items { items, .. })) = printed else { return Vec::new() };
        let text = |item: PythonValue| match item {
            PythonValue::Str { points, length } if points.len() as u64 == length => {
                points.into_iter().map(char::from_u32).collect::<Option<String>>()
            }
            _ => None,
        };
        items.into_iter().filter_map(text).collect()
    }
}

/// Values that are read for their names only.
fn quick() -> Show {
    let limits = LimitOptions {
        elements: Some(MOST),
        depth: Some(2),
        milliseconds: Some(PATIENCE.as_millis() as u64),
        ..LimitOptions::default()
    };
    Show { limits, ..Show::default() }
}

fn add_members(tree: &ValueTree, names: &mut Vec<String>) {
    match tree {
        ValueTree::Struct(fields) | ValueTree::Union(fields) => {
            for (name, value) in fields {
                // Members of a base and of a member without a name are reached without naming it.
                match name.starts_with('<') || name.is_empty() {
                    true => add_members(value, names),
                    false => names.push(name.clone()),
                }
            }
        }
        ValueTree::Named { value, .. } | ValueTree::Reference { value, .. } => add_members(value, names),
        ValueTree::Variant { value: Some(value), .. } => add_members(value, names),
        _ => {}
    }
}

/// What a text ends in that may be completed.
fn ending(text: &str) -> Ending<'_> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let name_at = text.trim_end_matches(is_name).len();
    let (before, typed) = text.split_at(name_at);
    if let Some(value) = before.strip_suffix("->").or_else(|| before.strip_suffix('.')) {
        let value = operand(value);
        if !value.is_empty() && !value.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ending::Member(value, typed);
        }
    }
    if before.ends_with('$') {
        return Ending::Register(typed);
    }
    // A key may have blanks and signs in it: what counts is the last bracket with a quote behind it that stays open.
    for quote in ['"', '\''] {
        let Some(at) = text.rfind(&format!("[{quote}")) else { continue };
        let key = &text[at + 2..];
        let value = operand(&text[..at]);
        if !key.contains(quote) && !value.is_empty() {
            return Ending::Key(value, quote, key);
        }
    }
    Ending::Name(typed)
}

/// The operand that a text ends in: names, `.`, `->`, `::`, and brackets with all that is between them.
fn operand(text: &str) -> &str {
    let mut depth = 0_usize;
    let mut start = text.len();
    let mut after = ' ';
    for (at, c) in text.char_indices().rev() {
        match c {
            ']' | ')' => depth += 1,
            '[' | '(' if depth == 0 => break,
            '[' | '(' => depth -= 1,
            _ if depth > 0 => {}
            '>' => {}
            '-' if after == '>' => {}
            _ if after == '>' => return &text[start + 1..],
            c if c.is_alphanumeric() || "_.:$".contains(c) => {}
            _ => break,
        }
        (start, after) = (at, c);
    }
    if depth > 0 { "" } else { text[start..].trim_start_matches(['.', '>']) }
}

#[cfg(test)]
mod tests {
    use super::{Ending, ending};

    #[test]
    fn the_end_of_an_expression_says_what_is_typed() {
        assert_eq!(ending("no"), Ending::Name("no"));
        assert_eq!(ending("a + no"), Ending::Name("no"));
        assert_eq!(ending("$ri"), Ending::Register("ri"));
        assert_eq!(ending("1 + node->ne"), Ending::Member("node", "ne"));
        assert_eq!(ending("f(a)[3].x.y"), Ending::Member("f(a)[3].x", "y"));
        assert_eq!(ending("a>b.c"), Ending::Member("b", "c"));
        assert_eq!(ending("(*p).n"), Ending::Member("(*p)", "n"));
        assert_eq!(ending("1.5"), Ending::Name("5"));
        assert_eq!(ending("d['a b"), Ending::Key("d", '\'', "a b"));
        assert_eq!(ending("x.table[\""), Ending::Key("x.table", '"', ""));
    }
}
