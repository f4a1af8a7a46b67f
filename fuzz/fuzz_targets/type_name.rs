//! Any text where the name of a type stands: in `sizeof (…)`, in a cast and between the brackets of a template.
#![no_main]

use dpdb_analyzer::expr::{Names, Syntax, parse};

/// Whatever is asked for is a type.
struct Types;

impl Names for Types {
    fn is_type(&self, _: &str) -> bool {
        true
    }

    fn is_value(&self, _: &str) -> bool {
        false
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    for syntax in [Syntax::C, Syntax::Cpp, Syntax::Rust] {
        for whole in [format!("sizeof ({text})"), format!("({text})0"), format!("static_cast<{text}>(0)")] {
            let _ = parse(&whole, syntax, &Types);
        }
    }
});
