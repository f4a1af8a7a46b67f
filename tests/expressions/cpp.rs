//! Expressions of C++ over `fixtures/targets/expressions.cpp`.

use super::{Row, cpp, give, says};

/// What the source gives its variables.
pub(super) const VALUES: &[Row] = &[
    ("n", "2"),
    ("at.x", "3"),
    ("copy", "{x = 3, y = -4}"),
    ("count + 1", "22"),
    ("&count == 0", "false"),
    ("own", "11"),
    ("this->own", "11"),
    ("base_value", "7"),
    ("other_value", "9"),
    ("this->base_value + this->other_value", "16"),
    ("flag", "true"),
    ("box", "{value = 5, items = {6, 7}}"),
    ("box.items[1]", "7"),
    ("geo::scale", "10"),
    ("geo::inner::depth", "3"),
    ("Derived::shared", "13"),
    ("(int)color", "5"),
    ("color == Color::Green", "true"),
    ("Color::Red", "Red"),
    ("wide", "233 U'é'"),
    ("nothing", "(int *) 0x0"),
    ("base->base_value", "7"),
    ("((Derived *)base)->own", "11"),
    ("sizeof(geo::Point)", "8"),
    ("sizeof(Box<int, 2>)", "12"),
    ("n == 2", "true"),
    ("!flag", "false"),
    ("true && false", "false"),
    ("static_cast<char>(66)", "66 'B'"),
    ("at.y", "-4"),
    ("(Box<int,2> *)&box", "(Box<int, 2> *) 0x…"),
    ("Base::base_value", "7"),
    ("this->Base::base_value", "7"),
    ("::geo::scale", "10"),
    ("sizeof(at)", "8"),
    ("&this->own == &own", "true"),
    ("static_cast<Derived *>(base)->own", "11"),
    ("reinterpret_cast<long>(base) == (long)base", "true"),
    ("this->box.items[1]", "7"),
    ("true + 1", "2"),
    ("main", "{int (void)} 0x… <main>"),
    ("letters", r#"L"aé€\n""#),
    ("padded", r#"L"hi", '\000' <repeats 37 times>"#),
    ("pairs", r#"u"a😀\xd800\142""#),
    ("utf16", "0x… u\"x😀\""),
    ("utf32", "{0x… U\"z\", 0x0}"),
    ("utf32[1]", "0x0"),
    ("letter", r"39 L'\''"),
    ("none", r"-1 L'\xffffffff'"),
    ("*utf16@3", "u\"x😀\""),
    ("letters[0]@2", "L\"aé\""),
    ("letters[1]", "233 L'é'"),
    ("/x letters", "{0x61, 0xe9, 0x20ac, 0xa, 0x0}"),
    ("L\"ab\\x7f\"", r#"L"ab\177""#),
    ("sizeof(L\"ab\")", "12"),
    ("sizeof(u\"a😀\")", "8"),
    ("this->*member", "11"),
    ("(*this).*member + 1", "12"),
    ("*&(this->*member)", "11"),
    ("this->*value_of_base", "7"),
    ("base->*value_of_base", "7"),
    ("this->*function", "{int (const Derived *)} 0x… <Derived::id>"),
    ("base->*of_base", "{int (const Base *)} 0x… <Derived::id>"),
    ("L'e'", "101 L'e'"),
    ("(wchar_t)97", "97 L'a'"),
];

#[test]
fn types_of_cpp_are_told_with_their_namespaces() {
    for (command, wanted) in [
        ("whatis at", "type = const geo::Point &"),
        ("whatis copy", "type = geo::Point"),
        ("whatis count", "type = int &"),
        ("whatis 1 == 1", "type = bool"),
        ("whatis *base", "type = Base"),
        ("whatis this", "type = Derived * const"),
        ("p nullptr == nothing", "$1 = true"),
    ] {
        says(cpp(), command, wanted);
    }
}

#[test]
fn values_of_cpp_are_what_the_source_says() {
    give(cpp(), VALUES);
}

#[test]
fn mistakes_with_pointers_to_members_are_told() {
    for (command, wanted) in [
        ("p this->*nowhere", "this->*nowhere\n^~~~~~~~~~~~~~\nthe pointer to a member is null"),
        ("p copy.*member", "copy.*member\n^~~~~~~~~~~~\nDerived is no base of geo::Point"),
        ("p this->*n", "this->*n\n^~~~~~~~\nint is no pointer to a member"),
    ] {
        says(cpp(), command, wanted);
    }
}

#[test]
fn classes_are_declared_with_labels_that_say_who_may_use_their_members() {
    for (command, wanted) in DECLARATIONS {
        says(cpp(), command, wanted);
    }
}

/// Held against gdb, too.
pub(super) const DECLARATIONS: &[Row] = &[
    (
        "ptype guard",
        "type = class Guarded {\n  public:\n    int open;\n  protected:\n    int guarded;\n  private:\n    \
         static int hidden;\n    int closed;\n\n  public:\n    int sum(void) const;\n}",
    ),
    (
        "ptype closed",
        "type = class Closed : private Guarded, protected virtual geo::Point {\n  private:\n    int own;\n\n    \
         int twice(void);\n}",
    ),
    ("ptype either", "type = union Either {\n  private:\n    int left;\n  public:\n    float right;\n}"),
    ("ptype empty", "type = struct Nothing {\n    <no data fields>\n}"),
    ("ptype copy", "type = struct geo::Point {\n    int x;\n    int y;\n}"),
    (
        "ptype/o guard",
        "/* offset      |    size */  type = class Guarded {\n                             public:\n\
         /*      0      |       4 */    int open;\n                             protected:\n\
         /*      4      |       4 */    int guarded;\n                             private:\n                               \
         static int hidden;\n/*      8      |       4 */    int closed;\n\n                               \
         /* total size (bytes):   12 */\n                             }",
    ),
];
