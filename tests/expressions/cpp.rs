//! Expressions of C++ over `fixtures/targets/expressions.cpp`.

use super::{cpp, give};

#[test]
fn values_of_cpp_are_what_the_source_says() {
    give(
        cpp(),
        &[
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
        ],
    );
}
