//! Any text as an expression of each language, with any names taken for types: literals, operators, casts, templates.
#![no_main]

use dpdb_analyzer::expr::{Names, Syntax, parse};

struct AnyNames<'a>(&'a str);

impl Names for AnyNames<'_> {
    fn is_type(&self, name: &str) -> bool {
        name.len() % 2 == 0 || self.0.starts_with(name)
    }

    fn is_value(&self, name: &str) -> bool {
        name.len() % 3 == 0
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    for syntax in [Syntax::C, Syntax::Cpp, Syntax::Rust] {
        if let Err(error) = parse(&text, syntax, &AnyNames(&text)) {
            error.render(&text);
        }
    }
});
