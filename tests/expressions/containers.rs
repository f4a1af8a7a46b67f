//! Containers, smart pointers and optionals of the C++ and Rust standard libraries, indexed and asked.

use super::{Row, containers_of_cpp, containers_of_libcxx, containers_of_rust, give, says};

/// Whichever library they are of.
const INDEXED: &[Row] = &[
    ("v[2]", "3"),
    ("v.size()", "4"),
    ("v.empty()", "false"),
    ("v.front() + v.back()", "5"),
    ("v.at(1)", "2"),
    ("*v.data()@2", "{1, 2}"),
    ("v[1:3]", "{2, 3}"),
    ("v[0]@3", "{1, 2, 3}"),
    ("&v[1] - v.data()", "1"),
    ("text[1]", "101 'e'"),
    ("text[0:5]", "\"hello\""),
    ("text.size()", "44"),
    ("text.c_str()", "0x… \"hello, world: a text that is not kept inside\""),
    ("empty.empty()", "true"),
    ("nested[1][2]", "5"),
    ("nested[1].size()", "3"),
    ("bits[1]", "false"),
    ("bits.size()", "3"),
    ("items[1].name", "\"b\""),
    ("items[1].field + 1", "3"),
    ("m[\"key\"]", "7"),
    ("m[\"a long key that is not kept inside\"]", "9"),
    ("m.at(\"other\") * 2", "16"),
    ("m.size()", "3"),
    ("m.contains(\"nope\")", "false"),
    ("it->second", "9"),
    ("deep[\"key\"][2].field", "3"),
    ("deep[\"key\"][1].name", "\"y\""),
    ("by_color[Color::Green]", "55"),
    ("by_number[-3]", "0x… \"minus three\""),
    ("by_number[v[3]]", "0x… \"four\""),
    ("several[1]", "10"),
    ("several.count(1)", "2"),
    ("h[30]", "10"),
    ("h.count(31)", "0"),
    ("words[\"two\"]", "2"),
    ("s.contains(3)", "true"),
    ("s.count(4)", "0"),
    ("us.contains(\"red\")", "true"),
    ("d[0]", "-5"),
    ("d[304]", "299"),
    ("d[1:3]", "{-4, -3}"),
    ("l[2]", "3"),
    ("l.size()", "3"),
    ("f[1]", "5"),
    ("a[1]", "7"),
    ("a.size()", "3"),
    ("sp[1]", "2"),
    ("view[2]", "101 'e'"),
    ("wide[1]", "239 u'ï'"),
    ("wide", "u\"wïde\""),
    ("stack.top()", "2"),
    ("queue.front()", "3"),
    ("pv->size()", "0"),
];

const LOOKED_THROUGH: &[Row] = &[
    ("*some", "3"),
    ("some.has_value()", "true"),
    ("none.value_or(9)", "9"),
    ("*u", "{name = \"owned\", field = 12}"),
    ("u->field", "12"),
    ("u->name.size()", "5"),
    ("u.get()->field", "12"),
    ("sh->name", "\"shared\""),
    ("sh.use_count()", "2"),
    ("shared[0]->field", "13"),
    ("numbers[1]", "21"),
    ("variant.index()", "1"),
    ("std::get<1>(variant)", "\"text\""),
    ("std::get<2>(t)", "\"three\""),
    ("p.second", "\"second\""),
    ("Holder<int>::bar", "17"),
    ("holder.value", "4"),
    ("hidden", "31"),
    ("(anonymous namespace)::hidden", "31"),
];

/// Templates whose last arguments are left to their defaults.
const OF_TYPES: &[Row] = &[
    ("((std::vector<int> *)&v)->size()", "4"),
    ("sizeof(std::map<std::string, int>) == sizeof(m)", "true"),
    ("sizeof(std::map<std::string,std::vector<Item>>) == sizeof(deep)", "true"),
    ("sizeof(std::list<int>) == sizeof(l)", "true"),
    ("(*(std::unique_ptr<Item> *)&u)->field", "12"),
    ("sizeof(std::unordered_map<std::string, int>) == sizeof(words)", "true"),
];

#[test]
fn types_of_the_library_need_no_arguments_that_it_has_by_default() {
    give(containers_of_cpp(), OF_TYPES);
    give(containers_of_libcxx(), OF_TYPES);
}

#[test]
fn containers_of_libstdcxx_are_indexed_by_number_and_key() {
    give(containers_of_cpp(), INDEXED);
}

#[test]
fn pointers_and_optionals_of_libstdcxx_are_looked_through() {
    give(containers_of_cpp(), LOOKED_THROUGH);
}

#[test]
fn containers_of_libcxx_are_indexed_by_number_and_key() {
    give(containers_of_libcxx(), INDEXED);
}

#[test]
fn pointers_and_optionals_of_libcxx_are_looked_through() {
    give(containers_of_libcxx(), LOOKED_THROUGH);
}

#[test]
fn containers_of_rust_are_indexed_by_number_and_key() {
    give(
        containers_of_rust(),
        &[
            ("v[2]", "3"),
            ("v.len()", "4"),
            ("v[1..3]", "[2, 3]"),
            ("&v[1..]", "[2, 3, 4]"),
            ("v[..2]", "[1, 2]"),
            ("v[1..=2]", "[2, 3]"),
            ("text.len()", "6"),
            ("text[1]", "195"),
            ("words[0]", "\"alpha\""),
            ("words[1].len()", "4"),
            ("words.len()", "2"),
            ("nested[1][2]", "5"),
            ("array[1][0]", "3"),
            ("items[1].name", "\"b\""),
            ("items[0].name.len() + 1", "2"),
            ("map[\"key\"]", "7"),
            ("map.get(\"other\")", "8"),
            ("map.contains_key(\"nope\")", "false"),
            ("map.len()", "3"),
            ("deep[\"key\"][2].field", "3"),
            ("tree[10]", "\"even\""),
            ("tree.contains_key(&11)", "false"),
            ("tree.len()", "100"),
            ("ids[7]", "120 'x'"),
            ("set.contains(&3)", "true"),
            ("ordered.contains(\"red\")", "true"),
            ("deque[0]", "-1"),
            ("deque[7]", "6"),
            ("deque.back()", "6"),
            ("slice[0]", "2"),
            ("boxed[1]", "9"),
            ("boxed.len()", "2"),
        ],
    );
}

#[test]
fn pointers_cells_and_enums_of_rust_are_looked_through() {
    give(
        containers_of_rust(),
        &[
            ("rc.field", "12"),
            ("*rc", "Item {name: \"counted\", field: 12}"),
            ("Rc::strong_count(&rc)", "2"),
            ("rc_str.len()", "12"),
            ("shared[\"key\"]", "7"),
            ("shared.lock().unwrap().len()", "3"),
            ("cell.get()", "5"),
            ("ref_cell[1]", "2"),
            ("ref_cell.borrow()[0]", "1"),
            ("some.0.field", "14"),
            ("some.unwrap().name", "\"some\""),
            ("some.is_some()", "true"),
            ("none.is_none()", "true"),
            ("ok.0", "6"),
            ("ok.is_ok()", "true"),
            ("err.0", "\"broken\""),
            ("opt_ref.unwrap()[0].field", "1"),
            ("pair.1.0", "2.5"),
            ("inner::COUNT", "91"),
        ],
    );
}

#[test]
fn what_a_container_does_not_have_is_said_in_its_words() {
    for (command, wanted) in [
        ("p v[9]", "v[9]\n^~~\nthere is no element 9: it has 4 elements"),
        ("p v[-1]", "v[-1]\n^~~~\nthere is no element -1: it has 4 elements"),
        ("p m[\"nope\"]", "m[\"nope\"]\n^~~~~~~~\nno key \"nope\" in the map of 3 entries"),
        ("p h[31]", "h[31]\n^~~~\nno key 31 in the map of 50 entries"),
        ("p m[1.5]", "m[1.5]\n^~~~~\ndouble is no key that can be looked up: give a number, a character or a text"),
        ("p *none", "*none\n ^~~~\nit holds nothing"),
        ("p null->field", "null->field\n^~~~~~~~~~~\nit holds nothing"),
        ("p std::get<0>(variant)", "std::get<0>(variant)\n^~~~~~~~~~~~~~~~~~~~\nit holds alternative 1 and not 0"),
        ("p l[0:2]", "l[0:2]\n^~~~~~\nits elements do not lie side by side: ask for them one by one"),
        (
            "p v.push_back(3)",
            "v.push_back(3)\n^~~~~~~~~~~~~~\ncalling a function needs a running process, and this one is dead; \
             methods that only look are known, such as size(), at(), contains(), get()",
        ),
    ] {
        says(containers_of_cpp(), command, wanted);
    }
    says(containers_of_rust(), "p none.unwrap()", "none.unwrap()\n^~~~~~~~~~~~~\nit is None");
}
