//! Texts and the trees that they mean.

use super::ast::{Expr, ExprKind};
use super::{Names, Syntax, parse};

struct Program;

impl Names for Program {
    fn is_type(&self, name: &str) -> bool {
        ["point", "ns::Box<int>", "std::vector<std::vector<int>>", "app::Node"].contains(&name)
    }

    fn is_value(&self, name: &str) -> bool {
        ["a", "b", "max<int>"].contains(&name)
    }
}

/// The tree with every operator in parentheses.
fn tree(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Integer { value, suffix, .. } => format!("{value}{suffix}"),
        ExprKind::Float { value, suffix } => format!("{value:?}{suffix}"),
        ExprKind::Character { value, prefix } => format!("{prefix}#{value}"),
        ExprKind::String { bytes, .. } => format!("{:?}", String::from_utf8_lossy(bytes)),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Name(name) => name.clone(),
        ExprKind::Dollar(name) => format!("${name}"),
        ExprKind::History { number, from_end } => format!("$[{number},{from_end}]"),
        ExprKind::Unary(op, operand) => format!("({op:?} {})", tree(operand)),
        ExprKind::Binary(op, left, right) => format!("({op:?} {} {})", tree(left), tree(right)),
        ExprKind::Conditional(a, b, c) => format!("(If {} {} {})", tree(a), tree(b), tree(c)),
        ExprKind::Member { base, name } => format!("{}.{name}", tree(base)),
        ExprKind::Index(base, index) => format!("{}[{}]", tree(base), tree(index)),
        ExprKind::Slice { base, from, to } => {
            let end = |end: &Option<Box<Expr>>| end.as_ref().map(|end| tree(end)).unwrap_or_default();
            format!("{}[{}:{}]", tree(base), end(from), end(to))
        }
        ExprKind::Repeat(first, count) => format!("(Repeat {} {})", tree(first), tree(count)),
        ExprKind::Cast(to, operand) => format!("(Cast {}{:?} {})", to.base, to.derived, tree(operand)),
        ExprKind::SizeOf(operand) => format!("(SizeOf {})", tree(operand)),
        ExprKind::SizeOfType(of) => format!("(SizeOf <{}{:?}>)", of.base, of.derived),
        ExprKind::Call(callee, arguments) => {
            format!("{}({})", tree(callee), arguments.iter().map(tree).collect::<Vec<_>>().join(","))
        }
        ExprKind::Array(items) => format!("[{}]", items.iter().map(tree).collect::<Vec<_>>().join(",")),
        ExprKind::ArrayOf(value, count) => format!("[{};{}]", tree(value), tree(count)),
        ExprKind::Tuple(items) => format!("({})", items.iter().map(|item| tree(item) + ",").collect::<String>()),
        ExprKind::Assign(target, value) => format!("(Assign {} {})", tree(target), tree(value)),
        ExprKind::Type(of) => format!("<{}{:?}>", of.base, of.derived),
    }
}

fn check(syntax: Syntax, table: &[(&str, &str)]) {
    for (text, expected) in table {
        let found = parse(text, syntax, &Program).map_or_else(|error| error.render(text), |expr| tree(&expr));
        assert_eq!(found, *expected, "{text}");
    }
}

#[test]
fn c_operators_bind_as_in_c_and_casts_are_told_from_parentheses() {
    check(
        Syntax::C,
        &[
            ("a + b * 2 << 1", "(ShiftLeft (Add a (Multiply b 2)) 1)"),
            ("*a@10", "(Repeat (Dereference a) 10)"),
            ("a[1]@b+2", "(Repeat a[1] (Add b 2))"),
            ("a ? b : 1 ? 2 : 3", "(If a b (If 1 2 3))"),
            ("(a)-1", "(Subtract a 1)"),
            ("(point *)a", "(Cast point[Pointer] a)"),
            ("(unsigned char)-1", "(Cast unsigned char[] (Negate 1))"),
            ("(struct point **)0x10->x", "(Cast struct point[Pointer, Pointer] 16.x)"),
            ("(int (*)(int, char))a", "(Cast int[Function, Pointer] a)"),
            ("sizeof(int[2][3])", "(SizeOf <int[Array(3), Array(2)]>)"),
            ("sizeof a + 1", "(Add (SizeOf a) 1)"),
            ("&a->b.c[3]", "(AddressOf a.b.c[3])"),
            ("a[2:5]", "a[2:5]"),
            ("a[:b]", "a[:b]"),
            (
                "$rip + $ - $$ * $3 / $$2",
                "(Subtract (Add $rip $[0,true]) (Divide (Multiply $[1,true] $[3,false]) $[2,true]))",
            ),
            ("$x = 5", "(Assign $x 5)"),
            ("017 + 0x1fUL + 'A' + '\\n' + L'x'", "(Add (Add (Add (Add 15 31ul) #65) #10) L#120)"),
            ("1.5e3f + .5", "(Add 1500.0f 0.5)"),
            ("\"a\\x41\" \"b\"", "\"aAb\""),
            ("'main.c'::counter", "'main.c'::counter"),
            ("struct point", "<struct point[]>"),
            ("a < b", "(Less a b)"),
            ("a < b >> 1", "(Less a (ShiftRight b 1))"),
            ("a,b", "(Comma a b)"),
        ],
    );
}

#[test]
fn cpp_and_rust_paths_are_names_as_written() {
    check(
        Syntax::Cpp,
        &[
            ("ns::Box<int>::count + 1", "(Add ns::Box<int>::count 1)"),
            ("sizeof(std::vector<std::vector<int>>)", "(SizeOf <std::vector<std::vector<int>>[]>)"),
            ("max<int>(a, b)", "max<int>(a,b)"),
            ("static_cast<point *>(a)", "(Cast point[Pointer] a)"),
            ("(anonymous namespace)::hidden", "(anonymous namespace)::hidden"),
            ("::global", "::global"),
            ("m[\"key\"].second", "m[\"key\"].second"),
            ("1'000'000", "1000000"),
        ],
    );
    check(
        Syntax::Rust,
        &[
            ("a & b == 1", "(Equal (BitAnd a b) 1)"),
            ("a as u8 + 1", "(Add (Cast u8[] a) 1)"),
            ("a as *const app::Node", "(Cast app::Node[Pointer] a)"),
            ("&a[1..3]", "(AddressOf a[1:3])"),
            ("a.0.1", "a.0.1"),
            ("a.len()", "a.len()"),
            ("app::config::LIMIT", "app::config::LIMIT"),
            ("1_000u64 + 0o17 + b'a'", "(Add (Add 1000u64 15) b#97)"),
            ("main::{closure#0}", "main::{closure#0}"),
            ("010", "10"),
        ],
    );
}

#[test]
fn errors_point_at_the_place() {
    check(
        Syntax::C,
        &[
            ("a + ", "a + \n    ^\nthe expression ends too early"),
            ("a b", "a b\n  ^\nan operator or the end of the expression is expected here"),
            ("a[1", "a[1\n   ^\n\"]\" is expected here"),
            ("12xyz", "12xyz\n^~~~~\na number cannot end in \"xyz\""),
            ("a + `b`", "a + `b`\n    ^\n'`' means nothing here"),
        ],
    );
}

#[test]
fn deep_nesting_ends_in_an_error_and_random_text_in_no_panic() {
    for piece in ["(", "-", "a[", "(int)", "a?", "&*", "<", "a::"] {
        let text = piece.repeat(5000);
        for syntax in [Syntax::C, Syntax::Cpp, Syntax::Rust] {
            assert!(parse(&text, syntax, &Program).is_err(), "{piece}");
        }
    }
    // Each sign once doubled what stands behind it (found by the fuzzer).
    for text in ["--".repeat(30) + "x", "x".to_owned() + &"++".repeat(60)] {
        let tree = parse(&text, Syntax::C, &Program).map(|tree| format!("{tree:?}").len());
        assert!(tree.is_ok_and(|length| length < 100_000), "{text}");
    }
    let pieces =
        ["a", "::", "<", ">", ">>", "(", ")", "[", "]", "{", "}", "*", "&", "'", "\"", "\\", "$", "1", "é", ".", "int"];
    let mut state = 1_u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..state % 12 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            text.push_str(pieces[(state >> 33) as usize % pieces.len()]);
        }
        state = state.wrapping_add(0x9e37_79b9);
        for syntax in [Syntax::C, Syntax::Cpp, Syntax::Rust] {
            if let Err(error) = parse(&text, syntax, &Program) {
                error.render(&text);
            }
        }
    }
}

#[test]
fn members_are_pointed_to_in_cpp_and_arrays_and_tuples_written_in_rust() {
    check(
        Syntax::Cpp,
        &[
            ("a.*b", "(ToMember a b)"),
            ("*a->*b * 2", "(Multiply (ToMember (Dereference a) b) 2)"),
            ("a.*b[1]", "(ToMember a b[1])"),
            ("(a, b)", "(Comma a b)"),
        ],
    );
    check(
        Syntax::Rust,
        &[
            ("[1, 2]", "[1,2]"),
            ("[1, a,][0]", "[1,a][0]"),
            ("[]", "[]"),
            ("[0u8; 4]", "[0u8;4]"),
            ("(1, a)", "(1,a,)"),
            ("(1,)", "(1,)"),
            ("()", "()"),
            ("(1, 2).1", "(1,2,).1"),
            ("(a)[1]", "a[1]"),
            ("[(1, 2), (3, 4)]", "[(1,2,),(3,4,)]"),
        ],
    );
}
