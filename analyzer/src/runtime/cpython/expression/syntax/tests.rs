//! The parser: what is grouped with what, and what is refused.

use super::{Constant, Expr, Kind, parse};

/// A tree as text, with every operator in parentheses.
fn shape(text: &str) -> String {
    match parse(text) {
        Ok(expr) => show(&expr),
        Err(error) => error.to_string(),
    }
}

fn show(expr: &Expr) -> String {
    let all = |items: &[Expr]| items.iter().map(show).collect::<Vec<_>>().join(" ");
    match &expr.kind {
        Kind::Constant(Constant::Int(value)) => value.to_string(),
        Kind::Constant(Constant::Str(points)) => {
            format!("{:?}", points.iter().filter_map(|point| char::from_u32(*point)).collect::<String>())
        }
        Kind::Constant(other) => format!("{other:?}"),
        Kind::Name(name) => name.clone(),
        Kind::Convenience(name) => format!("${name}"),
        Kind::SetConvenience(name, value) => format!("(${name} = {})", show(value)),
        Kind::Attribute(object, name) => format!("{}.{name}", show(object)),
        Kind::Subscript(object, index) => format!("{}[{}]", show(object), show(index)),
        Kind::Slice(parts) => parts
            .iter()
            .map(|part| part.as_ref().map_or(String::new(), |part| show(part)))
            .collect::<Vec<_>>()
            .join(":"),
        Kind::Call(function, positional, keywords) => {
            let named = keywords.iter().map(|(name, value)| format!("{name}={}", show(value)));
            let all: Vec<String> = positional.iter().map(show).chain(named).collect();
            format!("{}({})", show(function), all.join(" "))
        }
        Kind::Unary(operator, operand) => format!("({operator:?} {})", show(operand)),
        Kind::Binary(operator, left, right) => format!("({} {} {})", show(left), operator.symbol(), show(right)),
        Kind::Compare(first, rest) => {
            let rest: String = rest.iter().map(|(op, operand)| format!(" {} {}", op.symbol(), show(operand))).collect();
            format!("({}{rest})", show(first))
        }
        Kind::Logical(operator, operands) => format!("({operator:?} {})", all(operands)),
        Kind::Conditional(parts) => format!("(if {})", all(&parts[..])),
        Kind::Tuple(items) => format!("(tuple {})", all(items)),
        Kind::List(items) => format!("[{}]", all(items)),
        Kind::Set(items) => format!("{{{}}}", all(items)),
        Kind::Starred(inner) => format!("*{}", show(inner)),
        Kind::Dict(items) => format!("{} items", items.len()),
        Kind::Comprehension(_) => "comprehension".to_owned(),
    }
}

#[test]
fn operators_bind_as_strongly_as_in_python() {
    for (text, expected) in [
        ("1 + 2 * 3", "(1 + (2 * 3))"),
        ("-2 ** 2", "(Minus (2 ** or pow() 2))"),
        ("2 ** -1 ** 2", "(2 ** or pow() (Minus (1 ** or pow() 2)))"),
        ("a - b - c", "((a - b) - c)"),
        ("not a == b", "(Not (a == b))"),
        ("a or b and not c", "(Or a (And b (Not c)))"),
        ("a < b <= c != d", "(a < b <= c != d)"),
        ("a not in b is not c", "(a not in b is not c)"),
        ("x if y else z if w else v", "(if y x (if w z v))"),
        ("a | b ^ c & d << e", "(a | (b ^ (c & (d << e))))"),
        ("a.b[1:2, ::3].c(x, k=1)(y)", "a.b[(tuple 1:2: ::3)].c(x k=1)(y)"),
        ("1, *a, 2,", "(tuple 1 *a 2)"),
        ("f(x for x in y)", "f(comprehension)"),
        ("'a' \"b\" r'\\n'", "\"ab\\\\n\""),
        ("$x = $1 + $", "($x = ($1 + $))"),
        ("x[-1]", "x[(Minus 1)]"),
        ("0xFF_ff, 0o17, 0b1_0, 1_000", "(tuple 65535 15 2 1000)"),
        ("(\n1 +\n2) # end", "(1 + 2)"),
        ("()", "(tuple )"),
        ("{**a, 'b': 1}", "2 items"),
        ("{*a, 1}", "{*a 1}"),
    ] {
        assert_eq!(shape(text), expected, "{text}");
    }
}

#[test]
fn what_is_no_expression_is_refused_with_the_reason() {
    for (text, expected) in [
        ("", "SyntaxError: invalid syntax: an expression is expected here"),
        ("(1", "SyntaxError: '(' was never closed"),
        ("1)", "SyntaxError: unmatched ')'"),
        ("(1]", "SyntaxError: closing parenthesis ']' does not match opening parenthesis '('"),
        ("a b", "SyntaxError: invalid syntax"),
        ("[a b]", "SyntaxError: invalid syntax. Perhaps you forgot a comma?"),
        ("'abc", "SyntaxError: unterminated string literal"),
        (
            "01",
            "SyntaxError: leading zeros in decimal integer literals are not permitted; use an 0o prefix for octal integers",
        ),
        ("1__0", "SyntaxError: invalid decimal literal"),
        ("0x", "SyntaxError: invalid hexadecimal literal"),
        ("1abc", "SyntaxError: invalid decimal literal"),
        ("b'ä'", "SyntaxError: bytes can only contain ASCII literal characters"),
        ("'a' b'b'", "SyntaxError: cannot mix bytes and nonbytes literals"),
        ("a if b", "SyntaxError: expected 'else' after 'if' expression"),
        ("x = 1", "nothing can be assigned in a process that is dead ('='); '$name = …' keeps a value"),
        ("(x := 1)", "nothing can be assigned in a process that is dead (':='); '$name = …' keeps a value"),
        ("lambda: 1", "'lambda' would have to run code, and the process is dead"),
        ("import os", "only expressions are evaluated: 'import' begins a statement"),
        ("f'{x}'", "f-strings and t-strings are not evaluated: put the expressions in them side by side"),
        ("f(k=1, 2)", "SyntaxError: positional argument follows keyword argument"),
        ("[*a for a in b]", "SyntaxError: iterable unpacking cannot be used in comprehension"),
    ] {
        assert_eq!(shape(text), expected, "{text}");
    }
}

#[test]
fn deep_nesting_is_refused_before_the_stack_ends() {
    for (open, close) in [("(", ")"), ("[", "]"), ("-", ""), ("not ", ""), ("a[", "]"), ("f(", ")"), ("2 ** ", "")] {
        let text = format!("{}1{}", open.repeat(5000), close.repeat(5000));
        assert!(shape(&text).starts_with("SyntaxError: too many nested"), "{open}");
    }
    let chain = format!("1{}", " + 1".repeat(5000));
    assert!(shape(&chain).starts_with("SyntaxError: too many nested"));
}

/// Every text of up to some tokens, pseudo-random ones, and all prefixes of good ones: the parser returns.
#[test]
fn no_text_makes_the_parser_panic() {
    const PIECES: [&str; 48] = [
        "a",
        "1",
        "'",
        "\"",
        "'''",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        ".",
        "**",
        "*",
        "-",
        "not",
        "in",
        "is",
        "if",
        "else",
        "for",
        "lambda",
        "$",
        "$1",
        "=",
        ":=",
        "\\",
        "\n",
        "#",
        "b'",
        "r'",
        "\\x",
        "\\u12",
        "0x",
        "1e",
        "1_",
        "0b",
        ".5",
        "1.",
        "\u{e9}",
        "\u{1f600}",
        "\u{0}",
        "f'",
        "j",
        "@",
        " ",
    ];
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    for _ in 0..60_000 {
        let length = next() % 12;
        let text: String = (0..length).map(|_| PIECES[next() % PIECES.len()]).collect();
        let _ = parse(&text);
    }
    let whole =
        "$x = {k: [*a[::-1], b.c(d for d, *e in f if g), 'x\\x41' b'', 0x1f if not h else -i ** 2j] for k in (1,)}";
    for (end, _) in whole.char_indices() {
        let _ = parse(&whole[..end]);
        let _ = parse(&whole[end..]);
    }
}
