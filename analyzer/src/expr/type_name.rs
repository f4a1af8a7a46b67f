//! Types as an expression writes them, and names with their qualifiers and template arguments.

use super::ast::{Derived, TypeName};
use super::error::ExprError;
use super::parse::Parser;
use super::token::{Syntax, TokenKind};

/// Words that can be part of a C type's name by themselves.
const C_WORDS: [&str; 16] = [
    "void", "char", "short", "int", "long", "float", "double", "signed", "unsigned", "_Bool", "bool", "wchar_t",
    "char8_t", "char16_t", "char32_t", "__int128",
];

/// The types that Rust has without a declaration.
const RUST_WORDS: [&str; 17] = [
    "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64", "bool",
    "char", "str",
];

const QUALIFIERS: [&str; 6] = ["const", "volatile", "restrict", "__restrict", "_Atomic", "typename"];
const TAGS: [&str; 4] = ["struct", "class", "union", "enum"];

/// The type that must stand here.
pub(super) fn required(parser: &mut Parser<'_>) -> Result<TypeName, ExprError> {
    match optional(parser)? {
        Some(name) => Ok(name),
        None => Err(parser.unexpected("the name of a type is expected here")),
    }
}

/// The type that stands here, or `None`, with nothing consumed, where something else does.
pub(super) fn optional(parser: &mut Parser<'_>) -> Result<Option<TypeName>, ExprError> {
    let before = parser.position();
    let found = parser.deeper(|parser| if parser.syntax == Syntax::Rust { rust(parser) } else { c(parser) })?;
    if found.is_none() {
        parser.rewind(before);
    }
    Ok(found)
}

fn c(parser: &mut Parser<'_>) -> Result<Option<TypeName>, ExprError> {
    let start = parser.span();
    skip_qualifiers(parser);
    let Some(base) = c_base(parser)? else { return Ok(None) };
    let mut derived = Vec::new();
    loop {
        skip_qualifiers(parser);
        if parser.take("*") {
            derived.push(Derived::Pointer);
        } else if parser.take("&&") || parser.take("&") {
            derived.push(Derived::Reference);
        } else {
            break;
        }
    }
    function_pointer(parser, &mut derived);
    arrays(parser, &mut derived);
    Ok(Some(TypeName { base, derived, span: start.to(parser.previous_span()) }))
}

/// Whether both C and C++ keep a word for types, so that no value has it for its name.
pub(super) fn is_reserved(word: &str, syntax: Syntax) -> bool {
    // In C `class` and `bool` may be anything.
    let in_both = |words: &[&str]| words.contains(&word) && !["class", "bool", "typename"].contains(&word);
    syntax != Syntax::Rust && [&TAGS[..], &C_WORDS[..9], &QUALIFIERS].into_iter().any(in_both)
}

fn skip_qualifiers(parser: &mut Parser<'_>) {
    while matches!(parser.peek(), TokenKind::Word(word) if QUALIFIERS.contains(&word.as_str())) {
        parser.advance();
    }
}

/// `struct point`, `unsigned long int`, or the path of a type that the program has.
fn c_base(parser: &mut Parser<'_>) -> Result<Option<String>, ExprError> {
    let TokenKind::Word(first) = parser.peek().clone() else {
        let global = matches!(parser.peek(), TokenKind::Punctuation("::"));
        return if global { known_path(parser) } else { Ok(None) };
    };
    if TAGS.contains(&first.as_str()) {
        parser.advance();
        return Ok(Some(format!("{first} {}", path(parser)?)));
    }
    let mut words = Vec::new();
    while let TokenKind::Word(word) = parser.peek()
        && (C_WORDS.contains(&word.as_str()) || QUALIFIERS.contains(&word.as_str()))
    {
        if !QUALIFIERS.contains(&word.as_str()) {
            words.push(word.clone());
        }
        parser.advance();
    }
    if words.is_empty() { known_path(parser) } else { Ok(Some(words.join(" "))) }
}

fn known_path(parser: &mut Parser<'_>) -> Result<Option<String>, ExprError> {
    if !matches!(parser.peek(), TokenKind::Word(_) | TokenKind::Punctuation("::")) {
        return Ok(None);
    }
    let path = path(parser)?;
    let name = path.strip_prefix("::").unwrap_or(&path);
    Ok(parser.names.is_type(name).then(|| path.clone()))
}

/// `(*)(int)` behind a type: a pointer to a function. What it takes does not matter to a cast.
fn function_pointer(parser: &mut Parser<'_>, derived: &mut Vec<Derived>) {
    let before = parser.position();
    if parser.take("(") && parser.take("*") && parser.take(")") && parser.take("(") {
        let mut open = 1;
        while open > 0 && *parser.peek() != TokenKind::End {
            match parser.advance() {
                TokenKind::Punctuation("(") => open += 1,
                TokenKind::Punctuation(")") => open -= 1,
                _ => {}
            }
        }
        derived.extend([Derived::Function, Derived::Pointer]);
        return;
    }
    parser.rewind(before);
}

/// `[2][3]` behind a type. The rightmost dimension belongs to the innermost array.
fn arrays(parser: &mut Parser<'_>, derived: &mut Vec<Derived>) {
    let mut dimensions = Vec::new();
    loop {
        let before = parser.position();
        let TokenKind::Integer { value, .. } = (if parser.take("[") { parser.advance() } else { break }) else {
            parser.rewind(before);
            break;
        };
        if !parser.take("]") {
            parser.rewind(before);
            break;
        }
        dimensions.push(Derived::Array(u64::try_from(value).unwrap_or(u64::MAX)));
    }
    derived.extend(dimensions.into_iter().rev());
}

fn rust(parser: &mut Parser<'_>) -> Result<Option<TypeName>, ExprError> {
    let start = parser.span();
    if parser.take("*") || parser.take("&") {
        if parser.is_word("const") || parser.is_word("mut") {
            parser.advance();
        }
        return Ok(optional(parser)?.map(|mut inner| {
            inner.derived.push(Derived::Pointer);
            TypeName { span: start.to(inner.span), ..inner }
        }));
    }
    if parser.take("[") {
        let Some(mut inner) = optional(parser)? else { return Ok(None) };
        let TokenKind::Integer { value, .. } = (if parser.take(";") { parser.advance() } else { TokenKind::End })
        else {
            return Ok(None);
        };
        if !parser.take("]") {
            return Ok(None);
        }
        inner.derived.push(Derived::Array(u64::try_from(value).unwrap_or(u64::MAX)));
        return Ok(Some(TypeName { span: start.to(parser.previous_span()), ..inner }));
    }
    if let TokenKind::Word(word) = parser.peek().clone()
        && RUST_WORDS.contains(&word.as_str())
        && !matches!(parser.peek_at(1), TokenKind::Punctuation("::"))
    {
        parser.advance();
        return Ok(Some(TypeName { base: word, derived: Vec::new(), span: start }));
    }
    let base = known_path(parser)?;
    Ok(base.map(|base| TypeName { base, derived: Vec::new(), span: start.to(parser.previous_span()) }))
}

/// A name with its qualifiers and template arguments, as written. A `<` belongs to the name where `::` follows its
/// `>`, or where the program knows the whole as a type or a value.
pub(super) fn path(parser: &mut Parser<'_>) -> Result<String, ExprError> {
    let start = parser.position();
    parser.take("::");
    loop {
        match parser.peek() {
            TokenKind::Word(word) if word == "operator" => {
                parser.advance();
                operator(parser);
            }
            TokenKind::Word(_) | TokenKind::Quoted(_) => {
                parser.advance();
            }
            TokenKind::Punctuation("~") => {
                parser.advance();
                continue;
            }
            TokenKind::Punctuation("{" | "(") => {
                if !group(parser) {
                    return Err(parser.unexpected("a name is expected here"));
                }
            }
            _ => return Err(parser.unexpected("a name is expected here")),
        }
        template_arguments(parser, start);
        if !parser.is("::") {
            break;
        }
        parser.advance();
        // Rust's turbofish: `Vec::<u8>::new`.
        if parser.is("<") {
            template_arguments(parser, start);
            if !parser.take("::") {
                break;
            }
        }
    }
    Ok(parser.written(start).to_owned())
}

/// Whether `(anonymous namespace)` stands here, which is a name and no parenthesis.
pub(super) fn is_anonymous_namespace(parser: &Parser<'_>) -> bool {
    let word = |ahead, expected| matches!(parser.peek_at(ahead), TokenKind::Word(found) if found == expected);
    parser.is("(") && word(1, "anonymous") && word(2, "namespace") && *parser.peek_at(3) == TokenKind::Punctuation(")")
}

/// `(anonymous namespace)` and `{closure#0}`, `{impl#2}`: names that only compilers write.
fn group(parser: &mut Parser<'_>) -> bool {
    if is_anonymous_namespace(parser) {
        parser.rewind(parser.position() + 4);
        return true;
    }
    if !parser.take("{") {
        return false;
    }
    while !parser.is("}") && *parser.peek() != TokenKind::End {
        parser.advance();
    }
    parser.take("}")
}

/// `operator()`, `operator[]`, `operator+`: whatever punctuation stands behind.
fn operator(parser: &mut Parser<'_>) {
    if (parser.take("(") && parser.take(")")) || (parser.take("[") && parser.take("]")) {
        return;
    }
    if matches!(parser.peek(), TokenKind::Punctuation(_)) {
        parser.advance();
    }
}

fn template_arguments(parser: &mut Parser<'_>, start: usize) {
    let before = parser.position();
    if !parser.take("<") {
        return;
    }
    let mut open = 1_usize;
    while open > 0 {
        match parser.advance() {
            TokenKind::Punctuation("<") => open += 1,
            TokenKind::Punctuation(">") => open -= 1,
            // `vector<vector<int>>` closes two lists at once.
            TokenKind::Punctuation(">>") if open >= 2 => open -= 2,
            TokenKind::Punctuation(">>") | TokenKind::End => return parser.rewind(before),
            _ => {}
        }
    }
    let whole = parser.written(start);
    let name = whole.strip_prefix("::").unwrap_or(whole);
    // `std::get<1>(tuple)` is no comparison, though the program may have no such function by itself.
    let is_get = parser.is("(") && name.split('<').next().is_some_and(|name| name.rsplit("::").next() == Some("get"));
    let belongs = is_get || parser.is("::") || parser.names.is_type(name) || parser.names.is_value(name);
    if !belongs {
        parser.rewind(before);
    }
}
