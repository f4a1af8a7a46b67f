//! Addresses as they are typed: numbers, `$register`, symbol names, `+`, `-`, `*` (the word there) and parentheses.

use super::CommandError;

/// What an address may refer to.
pub trait Scope {
    /// The value of a register in the selected frame.
    ///
    /// # Errors
    /// A sentence: no such register, or it is not saved.
    fn register(&self, name: &str) -> Result<u64, CommandError>;
    /// The address of a symbol.
    ///
    /// # Errors
    /// A sentence: there is none.
    fn symbol(&self, name: &str) -> Result<u64, CommandError>;
    /// The 64-bit word at an address.
    ///
    /// # Errors
    /// Why it is not there.
    fn word(&self, at: u64) -> Result<u64, CommandError>;
}

/// The value of an address as typed.
///
/// # Errors
/// A sentence about the place where it makes no sense, or the scope's own.
pub fn evaluate(text: &str, scope: &dyn Scope) -> Result<u64, CommandError> {
    let mut parser = Parser { rest: text, scope, depth: 0 };
    let value = parser.sum()?;
    match parser.rest.trim() {
        "" => Ok(value),
        rest => Err(CommandError::refused(format!("cannot make sense of '{rest}' in the address '{text}'"))),
    }
}

struct Parser<'a> {
    rest: &'a str,
    scope: &'a dyn Scope,
    depth: usize,
}

/// Deeper nesting is a mistake, and must not end the stack.
const DEEPEST: usize = 64;

impl<'a> Parser<'a> {
    fn sum(&mut self) -> Result<u64, CommandError> {
        let mut value = self.term()?;
        loop {
            if self.eat("+") {
                value = value.wrapping_add(self.term()?);
            } else if self.eat("-") {
                value = value.wrapping_sub(self.term()?);
            } else {
                return Ok(value);
            }
        }
    }

    fn term(&mut self) -> Result<u64, CommandError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(CommandError::refused("the address is nested too deeply"));
        }
        let value = self.term_inside();
        self.depth -= 1;
        value
    }

    fn term_inside(&mut self) -> Result<u64, CommandError> {
        if self.eat("(") {
            let value = self.sum()?;
            return if self.eat(")") { Ok(value) } else { Err(CommandError::refused("a ')' is missing")) };
        }
        if self.eat("*") {
            let at = self.term()?;
            return self.scope.word(at);
        }
        if self.eat("-") {
            return Ok(self.term()?.wrapping_neg());
        }
        if self.eat("$") {
            let name = self.take(|c| c.is_ascii_alphanumeric() || c == '_');
            return self.scope.register(name);
        }
        // `&main` is the address of main, which is what a name stands for here anyway.
        self.eat("&");
        self.rest = self.rest.trim_start();
        match self.rest.chars().next() {
            Some(first) if first.is_ascii_digit() => self.number(),
            Some(first) if is_name(first) => {
                let name = self.take(is_name);
                self.scope.symbol(name)
            }
            Some(other) => Err(CommandError::refused(format!("an address cannot begin with '{other}'"))),
            None => Err(CommandError::refused("an address is missing")),
        }
    }

    fn number(&mut self) -> Result<u64, CommandError> {
        let digits = self.take(|c| c.is_ascii_alphanumeric() || c == '_').replace('_', "");
        let parsed = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
            Some(hex) => u64::from_str_radix(hex, 16),
            None => digits.parse(),
        };
        parsed.map_err(|_| CommandError::refused(format!("'{digits}' is not a number of at most 64 bits")))
    }

    fn eat(&mut self, token: &str) -> bool {
        let rest = self.rest.trim_start();
        rest.strip_prefix(token).is_some_and(|after| {
            self.rest = after;
            true
        })
    }

    fn take(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }
}

/// Letters of a symbol's name, qualified C++ and Rust names among them.
fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '~' | '<' | '>' | '@' | '#' | '{' | '}')
}

#[cfg(test)]
mod tests {
    use super::{Scope, evaluate};
    use crate::engine::CommandError;

    struct Fake;

    impl Scope for Fake {
        fn register(&self, name: &str) -> Result<u64, CommandError> {
            (name == "rsp").then_some(0x7000).ok_or_else(|| CommandError::refused("no such register"))
        }
        fn symbol(&self, name: &str) -> Result<u64, CommandError> {
            (name == "ns::f").then_some(0x400).ok_or_else(|| CommandError::refused("no such symbol"))
        }
        fn word(&self, at: u64) -> Result<u64, CommandError> {
            Ok(at / 2)
        }
    }

    #[test]
    fn addresses_are_sums_of_numbers_registers_and_symbols() {
        for (text, value) in [
            ("0x10", 0x10),
            ("16", 16),
            ("$rsp", 0x7000),
            ("$rsp - 8 + 0x10", 0x7008),
            (" ns::f+2", 0x402),
            ("&ns::f", 0x400),
            ("*$rsp+1", 0x3801),
            ("*($rsp+2)", 0x3801),
            ("-1", u64::MAX),
            ("0x7fff_0000", 0x7fff_0000),
        ] {
            assert_eq!(evaluate(text, &Fake).unwrap_or_else(|error| panic!("{text}: {error}")), value, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_in_a_sentence() {
        for text in
            ["", "12zz", "0x", "$rax", "nothing", "(1", "1)", "1+", "^", &"(".repeat(1000), "99999999999999999999"]
        {
            assert!(evaluate(text, &Fake).is_err(), "{text}");
        }
    }
}
