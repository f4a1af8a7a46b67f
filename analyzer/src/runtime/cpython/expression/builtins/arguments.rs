//! The arguments of a call, and the errors for those that do not fit.

use num_bigint::BigInt;
use num_traits::ToPrimitive;

use crate::runtime::cpython::expression::fault::{Result, type_error};
use crate::runtime::cpython::expression::objects::Objects;
use crate::runtime::cpython::expression::value::Value;

/// The arguments of a call of a built-in function.
#[derive(Clone, Copy, Debug)]
pub(in crate::runtime::cpython::expression) struct Arguments<'a> {
    pub(in crate::runtime::cpython::expression) function: &'a str,
    pub(in crate::runtime::cpython::expression) positional: &'a [Value],
    pub(in crate::runtime::cpython::expression) keywords: &'a [(String, Value)],
}

impl<'a> Arguments<'a> {
    /// The only argument.
    pub(in crate::runtime::cpython::expression) fn one(&self) -> Result<&'a Value> {
        self.no_keywords()?;
        match self.positional {
            [only] => Ok(only),
            all => type_error(format!("{}() takes exactly one argument ({} given)", self.function, all.len())),
        }
    }

    /// From `least` to `most` arguments without names.
    pub(in crate::runtime::cpython::expression) fn between(&self, least: usize, most: usize) -> Result<&'a [Value]> {
        self.no_keywords()?;
        let (function, given) = (self.function, self.positional.len());
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        if least == most && given != least {
            return type_error(format!("{function} expected {least} argument{}, got {given}", plural(least)));
        }
        if given < least {
            return type_error(format!("{function} expected at least {least} argument{}, got {given}", plural(least)));
        }
        if given > most {
            return type_error(format!("{function} expected at most {most} argument{}, got {given}", plural(most)));
        }
        Ok(self.positional)
    }

    fn no_keywords(&self) -> Result<()> {
        self.known_keywords(&[])
    }

    /// Fails for names that the function does not take.
    pub(in crate::runtime::cpython::expression) fn known_keywords(&self, known: &[&str]) -> Result<()> {
        match self.keywords.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some(_) if known.is_empty() => type_error(format!("{}() takes no keyword arguments", self.function)),
            Some((name, _)) => type_error(format!("{}() got an unexpected keyword argument '{name}'", self.function)),
            None => Ok(()),
        }
    }

    /// The argument of this name.
    pub(in crate::runtime::cpython::expression) fn named(&self, name: &str) -> Option<&'a Value> {
        self.keywords.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

impl Objects<'_> {
    /// An argument that is an integer.
    pub(in crate::runtime::cpython::expression) fn integer(&self, value: &Value) -> Result<BigInt> {
        match self.load(value)?.as_int() {
            Some(value) => Ok(value),
            None => {
                let found = self.type_name(value)?;
                type_error(format!("'{found}' object cannot be interpreted as an integer"))
            }
        }
    }

    /// An argument that is an integer of ordinary size; larger ones are cut to it.
    pub(in crate::runtime::cpython::expression) fn small_integer(&self, value: &Value) -> Result<i64> {
        let value = self.integer(value)?;
        let limit = if value < BigInt::ZERO { i64::MIN } else { i64::MAX };
        Ok(value.to_i64().unwrap_or(limit))
    }
}
