//! `methods` and `inherits`: what a class can do, and what it is made of.

use dpdb_analyzer::PythonValue;
use serde::Serialize;

use super::values::PrintedValue;
use super::{CommandError, Engine, Reply, Show};

/// Names that belong to a class.
#[derive(Debug, Serialize)]
pub struct Class {
    /// The expression or type that was asked about.
    pub expression: String,
    /// `methods` or `bases`.
    pub of: &'static str,
    /// Methods as they are declared; of bases those of each base stand below it.
    pub names: Vec<ClassName>,
}

/// A method or a base.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClassName {
    /// The name, or the declaration.
    pub name: String,
    /// How many classes are between this one and the one asked about.
    pub depth: usize,
}

/// No class has more bases, however they are counted.
const MOST_BASES: usize = 256;

impl Engine {
    /// The functions of a class, or of that of an expression: as they are declared, or of Python by name.
    ///
    /// # Errors
    /// The expression makes no sense, or no class is known of it.
    pub fn methods(&mut self, expression: &str) -> Result<Reply, CommandError> {
        let names = match self.python_names(&python_methods(expression))? {
            Some(names) => names.into_iter().map(|name| ClassName { name, depth: 0 }).collect(),
            None => {
                let text = self.class_text(expression)?;
                let functions = text.lines().skip(1).map(str::trim).filter(|line| line.ends_with(");"));
                functions.map(|line| ClassName { name: line.trim_end_matches(';').to_owned(), depth: 0 }).collect()
            }
        };
        Ok(Reply::Class(Class { expression: expression.to_owned(), of: "methods", names }))
    }

    /// The classes that a class is derived from. Of Python those in which names are looked up, in that order.
    ///
    /// # Errors
    /// As [`Engine::methods`].
    pub fn inherits(&mut self, expression: &str) -> Result<Reply, CommandError> {
        let names = match self.python_names(&python_bases(expression))? {
            Some(names) => names.into_iter().enumerate().map(|(depth, name)| ClassName { name, depth }).collect(),
            None => {
                let text = self.class_text(expression)?;
                let mut names = Vec::new();
                self.add_class(&text, 0, &mut names);
                names
            }
        };
        Ok(Reply::Class(Class { expression: expression.to_owned(), of: "bases", names }))
    }

    /// The texts in a list that Python's syntax gives; `None` in a native frame.
    fn python_names(&mut self, expression: &str) -> Result<Option<Vec<String>>, CommandError> {
        if self.selected_python()?.is_none() {
            return Ok(None);
        }
        let printed = self.peek(expression, Show::default())?;
        let PrintedValue::Python(PythonValue::Items { items, .. }) = printed.value else { return Ok(Some(Vec::new())) };
        let texts = items.into_iter().filter_map(|item| match item {
            PythonValue::Str { points, .. } => Some(points.into_iter().filter_map(char::from_u32).collect()),
            _ => None,
        });
        Ok(Some(texts.collect()))
    }

    /// The declaration of a class, or of that of an expression; of a pointer that of what it points to.
    fn class_text(&mut self, expression: &str) -> Result<String, CommandError> {
        for text in [expression.to_owned(), format!("*({expression})")] {
            if let Ok(Reply::Type(found)) = self.ptype(&text, false)
                && found.text.contains('{')
            {
                return Ok(found.text);
            }
        }
        // What is wrong with the expression is told by the first question.
        self.ptype(expression, false)?;
        Err(CommandError::refused(format!("'{expression}' is no class, and has none")))
    }

    /// The class of a declaration, and below it those that it is derived from.
    fn add_class(&mut self, text: &str, depth: usize, names: &mut Vec<ClassName>) {
        let (name, bases) = heading(text);
        names.push(ClassName { name, depth });
        for base in bases {
            if names.len() >= MOST_BASES {
                return;
            }
            match self.class_text(&base) {
                Ok(text) => self.add_class(&text, depth + 1, names),
                Err(_) => names.push(ClassName { name: base, depth: depth + 1 }),
            }
        }
    }
}

/// The names of the functions of an object's class that are no protocol of Python's own.
fn python_methods(expression: &str) -> String {
    let class = python_class(expression);
    format!(
        "[n for n in dir({class}) if not n.startswith('__') and type(getattr({class}, n)).__name__ in \
         ('function', 'method', 'builtin_function_or_method', 'method_descriptor')]"
    )
}

fn python_bases(expression: &str) -> String {
    format!("[c.__module__ + '.' + c.__name__ for c in {}.__mro__]", python_class(expression))
}

/// A class is asked about itself, anything else about its class.
fn python_class(expression: &str) -> String {
    format!("(({expression}) if isinstance(({expression}), type) else type({expression}))")
}

/// The name of a class in its declaration `struct B : public A, private virtual C {`, and those of its bases.
fn heading(text: &str) -> (String, Vec<String>) {
    let line = text.split('{').next().unwrap_or_default().trim();
    // A name may have `::` in it, and commas between `<` and `>`.
    let (name, bases) = line.split_once(" : ").unwrap_or((line, ""));
    let mut found = vec![String::new()];
    let mut depth = 0_usize;
    for c in bases.chars() {
        match c {
            '<' | '(' => depth += 1,
            '>' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        match found.last_mut() {
            Some(last) if c != ',' || depth > 0 => last.push(c),
            _ => found.push(String::new()),
        }
    }
    let bare = |text: &str| {
        let words = ["public", "private", "protected", "virtual", "struct", "class", "union"];
        let kept: Vec<&str> = text.split(' ').filter(|word| !words.contains(word)).collect();
        kept.join(" ").trim().to_owned()
    };
    let bases = found.iter().map(|base| bare(base)).filter(|base| !base.is_empty());
    (bare(name), bases.collect())
}

#[cfg(test)]
mod tests {
    use super::heading;

    #[test]
    fn bases_are_read_from_the_heading_of_a_declaration() {
        let found = heading("struct n::B<int, 2> : public A<int, char>, private virtual n::C {\n    int b;\n}");
        assert_eq!(found, ("n::B<int, 2>".to_owned(), vec!["A<int, char>".to_owned(), "n::C".to_owned()]));
        assert_eq!(heading("struct A {"), ("A".to_owned(), vec![]));
    }
}
