//! Mangled names as people write them, without parameters, return types and hashes.

use std::fmt::{self, Write};

/// The longest mangled name that is looked at. Templates of templates reach some 30 KiB in real programs.
const LONGEST_MANGLED: usize = 64 << 10;

/// The longest name that is written. A C++ name doubles with each substitution, so that 100 bytes can stand for
/// gigabytes; such a name stays mangled.
const LONGEST_NAME: usize = 64 << 10;

/// What BFD, and so every GNU tool, puts behind a function's name for its stub in the procedure linkage table.
pub const STUB_SUFFIX: &str = "@plt";

/// Nesting that the C++ demangler follows before it gives up; it recurses on our stack.
const DEEPEST: u32 = 96;

/// The name a symbol stands for, without parameters: `ns::Class::method`, `core::ops::FnOnce::call_once`. What is not
/// mangled, or cannot be demangled within bounds, comes back as it is; a symbol version (`@GLIBC_2.34`) never. The
/// `@plt` of a stub of the procedure linkage table stays.
pub fn demangle(symbol: &str) -> String {
    if let Some(function) = symbol.strip_suffix(STUB_SUFFIX) {
        return demangle(function) + STUB_SUFFIX;
    }
    let symbol = without_version(symbol);
    try_demangle(symbol).unwrap_or_else(|| symbol.to_owned())
}

/// As [`demangle`], but `None` where the symbol is not a mangled name or cannot be demangled within bounds.
pub fn try_demangle(symbol: &str) -> Option<String> {
    if symbol.len() > LONGEST_MANGLED || !is_mangled(symbol) {
        return None;
    }
    if is_rust(symbol) { rust(symbol) } else { cpp(symbol) }
}

/// A symbol's name without its version: `memcpy@@GLIBC_2.14` is `memcpy`.
pub fn without_version(symbol: &str) -> &str {
    match symbol.find('@').filter(|_| !symbol.ends_with(STUB_SUFFIX)) {
        Some(at) if at > 0 => &symbol[..at],
        _ => symbol,
    }
}

fn is_mangled(symbol: &str) -> bool {
    symbol.starts_with("_Z") || symbol.starts_with("_R") || symbol.starts_with("_GLOBAL_")
}

/// Rust's legacy scheme borrows C++'s and ends in a hash of its own: `17h` and 16 hex digits before the final `E`,
/// after which only a suffix of LLVM (`.llvm.123`) may stand.
fn is_rust(symbol: &str) -> bool {
    if symbol.starts_with("_R") {
        return true;
    }
    symbol.match_indices("17h").any(|(at, _)| {
        let hash = &symbol.as_bytes()[at + 3..];
        hash.len() > 16
            && hash[..16].iter().all(u8::is_ascii_hexdigit)
            && hash[16] == b'E'
            && (hash.len() == 17 || hash[17] == b'.')
    })
}

fn rust(symbol: &str) -> Option<String> {
    let demangled = rustc_demangle::try_demangle(symbol).ok()?;
    let mut name = Bounded::default();
    write!(name, "{demangled:#}").ok()?;
    Some(name.0)
}

fn cpp(symbol: &str) -> Option<String> {
    let parse = cpp_demangle::ParseOptions::default().recursion_limit(DEEPEST);
    let show = cpp_demangle::DemangleOptions::new().no_params().no_return_type().recursion_limit(DEEPEST);
    let parsed = cpp_demangle::Symbol::new_with_options(symbol.as_bytes(), &parse).ok()?;
    let mut name = Bounded::default();
    parsed.structured_demangle(&mut name, &show).ok()?;
    (!name.0.is_empty()).then_some(name.0)
}

/// A string that refuses to grow without bound.
#[derive(Default)]
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        if self.0.len() + part.len() > LONGEST_NAME {
            return Err(fmt::Error);
        }
        self.0.push_str(part);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::demangle;

    #[test]
    fn names_come_without_parameters_return_types_and_hashes() {
        for (mangled, name) in [
            ("main", "main"),
            ("memcpy@@GLIBC_2.14", "memcpy"),
            ("_ZN7Machine4workEi", "Machine::work"),
            ("_ZNKSt8functionIFiiEEclEi", "std::function<int (int)>::operator()"),
            ("_ZN12_GLOBAL__N_14evilEv", "(anonymous namespace)::evil"),
            ("_Z3maxIiET_S0_S0_", "max<int>"),
            ("_ZN11rs_closures5apply17h75ac9ea660a95836E", "rs_closures::apply"),
            ("_ZN11rs_closures5apply17h75ac9ea660a95836E.llvm.12", "rs_closures::apply"),
            ("_RNvNtCsjrHSEGnQ3l9_3std7process5abort", "std::process::abort"),
            ("_ZN", "_ZN"),
            ("_Rust_is_not_mangled", "_Rust_is_not_mangled"),
        ] {
            assert_eq!(demangle(mangled), name, "{mangled}");
        }
    }

    #[test]
    fn a_name_that_would_explode_or_nest_without_end_stays_mangled() {
        // Each S_ repeats all that came before it.
        let mut exploding = String::from("_Z1fI");
        for _ in 0..60 {
            exploding.push_str("St4pairIS_S_E");
        }
        exploding.push_str("EvT_");
        let deep = format!("_Z1f{}i", "P".repeat(50_000));
        let wide = format!("_ZN1aIi{}EEvv", "S_S0_S1_".repeat(20_000));
        for name in [&exploding, &deep, &wide] {
            assert!(demangle(name).len() <= name.len().max(super::LONGEST_NAME));
        }
    }
}
