//! Colours for source text: words of the language, numbers, texts and comments. A line at a time, since listings begin
//! anywhere: what a comment of several lines hides is not seen.

use super::style::{Role, Style};
use super::theme::Theme;

/// A language whose words are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceLanguage {
    /// C and C++.
    C,
    /// Rust.
    Rust,
    /// Python.
    Python,
    /// Go.
    Go,
}

impl SourceLanguage {
    /// By the ending of a file's name.
    pub fn of_file(name: &str) -> Option<SourceLanguage> {
        Some(match name.rsplit_once('.')?.1 {
            "c" | "h" | "cc" | "cpp" | "cxx" | "hpp" | "hh" | "C" | "ipp" | "tcc" => SourceLanguage::C,
            "rs" => SourceLanguage::Rust,
            "py" | "pyi" | "pyx" => SourceLanguage::Python,
            "go" => SourceLanguage::Go,
            _ => return None,
        })
    }

    fn words(self) -> &'static [&'static str] {
        match self {
            SourceLanguage::C => &[
                "alignas",
                "auto",
                "bool",
                "break",
                "case",
                "catch",
                "char",
                "class",
                "co_await",
                "co_return",
                "co_yield",
                "concept",
                "const",
                "constexpr",
                "continue",
                "default",
                "delete",
                "do",
                "double",
                "else",
                "enum",
                "explicit",
                "extern",
                "false",
                "float",
                "for",
                "friend",
                "goto",
                "if",
                "inline",
                "int",
                "long",
                "mutable",
                "namespace",
                "new",
                "noexcept",
                "nullptr",
                "operator",
                "override",
                "private",
                "protected",
                "public",
                "register",
                "requires",
                "restrict",
                "return",
                "short",
                "signed",
                "sizeof",
                "static",
                "struct",
                "switch",
                "template",
                "this",
                "throw",
                "true",
                "try",
                "typedef",
                "typename",
                "union",
                "unsigned",
                "using",
                "virtual",
                "void",
                "volatile",
                "while",
            ],
            SourceLanguage::Rust => &[
                "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern",
                "false", "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref",
                "return", "self", "Self", "static", "struct", "super", "trait", "true", "type", "unsafe", "use",
                "where", "while",
            ],
            SourceLanguage::Python => &[
                "False", "None", "True", "and", "as", "assert", "async", "await", "break", "case", "class", "continue",
                "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is",
                "lambda", "match", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
            ],
            SourceLanguage::Go => &[
                "break",
                "case",
                "chan",
                "const",
                "continue",
                "default",
                "defer",
                "else",
                "fallthrough",
                "false",
                "for",
                "func",
                "go",
                "goto",
                "if",
                "import",
                "interface",
                "map",
                "nil",
                "package",
                "range",
                "return",
                "select",
                "struct",
                "switch",
                "true",
                "type",
                "var",
            ],
        }
    }

    fn comment(self) -> &'static str {
        if self == SourceLanguage::Python { "#" } else { "//" }
    }
}

/// A line in colours. It has been made fit for a terminal before. Without a language only numbers and texts are coloured.
pub fn colour_line(line: &str, language: Option<SourceLanguage>, style: &Style) -> String {
    if style.theme() == Theme::None {
        return line.to_owned();
    }
    let mut out = String::with_capacity(line.len() * 2);
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let (role, length) = token(rest, first, language);
        let (text, after) = rest.split_at(length);
        match role {
            Role::Plain => out.push_str(text),
            role => out += &style.paint(role, text).to_string(),
        }
        rest = after;
    }
    out
}

/// What a text begins with, and how long that is.
fn token(text: &str, first: char, language: Option<SourceLanguage>) -> (Role, usize) {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let while_ = |wanted: &dyn Fn(char) -> bool| text.find(|c: char| !wanted(c)).unwrap_or(text.len());
    if let Some(language) = language {
        if text.starts_with(language.comment()) {
            return (Role::Comment, text.len());
        }
        if text.starts_with("/*") && language != SourceLanguage::Python {
            return (Role::Comment, text.find("*/").map_or(text.len(), |end| end + 2));
        }
    }
    match first {
        '0'..='9' => (Role::Number, while_(&|c| is_word(c) || c == '.')),
        '"' => (Role::Text, quoted(text, first)),
        // In Rust it is a lifetime, unless it is closed at once.
        '\'' if language == Some(SourceLanguage::Rust) => match quoted(text, first) {
            length @ 3..=12 if text[1..length].ends_with('\'') => (Role::Text, length),
            _ => (Role::Plain, 1),
        },
        '\'' => (Role::Text, quoted(text, first)),
        c if is_word(c) => {
            let length = while_(&is_word);
            let known = language.is_some_and(|language| language.words().contains(&&text[..length]));
            (if known { Role::Keyword } else { Role::Plain }, length)
        }
        c => (Role::Plain, c.len_utf8()),
    }
}

/// The length of a text in quotes, to the end of the line where it is not closed.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::{SourceLanguage, colour_line};
    use crate::render::{Style, Theme};

    /// The line with `<` and `>` around what is coloured.
    fn marked(line: &str, language: SourceLanguage) -> String {
        let coloured = colour_line(line, Some(language), &Style::default().with_theme(Theme::Dark));
        let mut out = String::new();
        for (index, part) in coloured.split("\u{1b}[").enumerate() {
            let (code, text) = if index == 0 { ("", part) } else { part.split_once('m').expect("a colour ends") };
            out.push_str(match (index, code) {
                (0, _) => "",
                (_, "0") => ">",
                _ => "<",
            });
            out.push_str(text);
        }
        out
    }

    #[test]
    fn words_numbers_texts_and_comments_are_told_apart() {
        assert_eq!(marked("return x1 + 0x1f; // if", SourceLanguage::C), "<return> x1 + <0x1f>; <// if>");
        assert_eq!(marked("let s: &'a str = \"a\\\"b\";", SourceLanguage::Rust), "<let> s: &'a str = <\"a\\\"b\">;");
        assert_eq!(marked("c == 'x'", SourceLanguage::Rust), "c == <'x'>");
        assert_eq!(marked("for é in 'a': # b", SourceLanguage::Python), "<for> é <in> <'a'>: <# b>");
    }

    #[test]
    fn without_colours_nothing_is_added() {
        assert_eq!(colour_line("if (x)", Some(SourceLanguage::C), &Style::default()), "if (x)");
        assert_eq!(SourceLanguage::of_file("/a/b.rs"), Some(SourceLanguage::Rust));
        assert_eq!(SourceLanguage::of_file("README"), None);
    }
}
