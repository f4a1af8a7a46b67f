//! How much of a value is shown: the defaults, what the command line says, and what a command says for itself.

use std::time::Duration;

use clap::Args;
use dpdb_analyzer::{ValueLimits, ValueStyle};

use super::CommandError;

/// As much of a value as people read; the numbers are gdb's.
const READ: ValueLimits = ValueLimits {
    elements: 200,
    bytes: 200,
    depth: 20,
    nodes: LEAST_NODES,
    time: Duration::from_secs(5),
    words: false,
    symbols: true,
    style: ValueStyle::Pretty,
};
/// As much of an argument as fits into a line of `bt`.
const BRIEF: ValueLimits = ValueLimits { elements: 8, bytes: 32, depth: 3, nodes: 40, ..READ };
/// Values inside one value: so many, and more where more elements are asked for.
const LEAST_NODES: usize = 4000;
/// More elements or bytes than these nobody reads, and a terminal hardly takes.
const MOST: u64 = 1 << 20;
/// Deeper than this a value is a list, and the stack that it is written with has an end.
const DEEPEST: usize = 100;

/// Limits that differ from the defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
pub struct LimitOptions {
    /// Show at most so many elements of an array or container [default: 200]
    #[arg(long, value_name = "N")]
    pub elements: Option<u64>,
    /// Show at most so many bytes of a string [default: 200]
    #[arg(long, value_name = "N")]
    pub bytes: Option<u64>,
    /// Show values inside values so deep [default: 20]
    #[arg(long, value_name = "N")]
    pub depth: Option<usize>,
    /// Spend at most so many milliseconds on one value [default: 5000]
    #[arg(long = "ms", value_name = "N")]
    pub milliseconds: Option<u64>,
}

impl LimitOptions {
    /// These where they say something, else `self`.
    #[must_use]
    fn with(self, over: LimitOptions) -> LimitOptions {
        LimitOptions {
            elements: over.elements.or(self.elements),
            bytes: over.bytes.or(self.bytes),
            depth: over.depth.or(self.depth),
            milliseconds: over.milliseconds.or(self.milliseconds),
        }
    }

    /// `limits` with these in place.
    pub fn applied(self, limits: ValueLimits) -> ValueLimits {
        let elements = self.elements.map_or(limits.elements, |elements| elements.min(MOST));
        let nodes = limits.nodes.max(self.elements.map_or(0, |_| elements as usize * 16));
        ValueLimits {
            elements,
            bytes: self.bytes.map_or(limits.bytes, |bytes| bytes.min(MOST)),
            depth: self.depth.map_or(limits.depth, |depth| depth.min(DEEPEST)),
            time: self.milliseconds.map_or(limits.time, Duration::from_millis),
            nodes,
            ..limits
        }
    }

    /// Sets the limit of this name, one of gdb's or of ours; `unlimited` is as much as there ever is. `None` where no
    /// limit has the name.
    ///
    /// # Errors
    /// The value is no number.
    pub fn set(&mut self, name: &str, value: &str) -> Option<Result<(), CommandError>> {
        let number = || match value {
            "unlimited" | "-1" => Ok(u64::MAX),
            value => value.parse().map_err(|_| {
                CommandError::refused(format!("-{name} takes a number or 'unlimited', and '{value}' is neither"))
            }),
        };
        let slot: &mut dyn FnMut(u64) = match name {
            "elements" | "n" => &mut |number| self.elements = Some(number),
            "bytes" | "characters" => &mut |number| self.bytes = Some(number),
            "depth" | "max-depth" | "d" => &mut |number| self.depth = Some(number.min(DEEPEST as u64) as usize),
            "ms" => &mut |number| self.milliseconds = Some(number),
            _ => return None,
        };
        Some(number().map(slot))
    }
}

/// How `p` and its like show a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Show {
    /// gdb's format letter.
    pub format: Option<char>,
    /// As a tree.
    pub tree: bool,
    /// As it is laid out, whatever it means.
    pub raw: bool,
    /// Limits of its own.
    pub limits: LimitOptions,
}

impl Show {
    /// The format letter in the `/FMT` of `p/x`.
    ///
    /// # Errors
    /// It is no format that a value can have.
    pub fn parse(modifier: &str) -> Result<Show, CommandError> {
        let mut show = Show::default();
        for letter in modifier.chars() {
            match letter {
                'r' => show.raw = true,
                letter if "xduotcasfz".contains(letter) && show.format.is_none() => show.format = Some(letter),
                _ => {
                    let text = format!("'{modifier}' is no format; formats are x d u o t c a s f z, and r for raw");
                    return Err(CommandError::refused(text));
                }
            }
        }
        Ok(show)
    }

    /// The options at the start of a command's arguments, and what stands behind them: `-elements 3 -pretty -- EXPR`.
    /// What is no option is left, since `-x` is an expression too.
    ///
    /// # Errors
    /// An option has no value, or a wrong one.
    pub fn options(mut self, arguments: &str) -> Result<(Show, &str), CommandError> {
        let mut rest = arguments.trim();
        while let Some(option) = rest.strip_prefix('-') {
            let (name, after) = word(option);
            match name {
                "-" => return Ok((self, after)),
                "pretty" => self.tree = true,
                "raw" | "raw-values" => self.raw = true,
                name => {
                    let (value, behind) = word(after);
                    // `-n` and `-d` may be the negatives of variables.
                    if name.len() == 1 && value.parse::<u64>().is_err() {
                        break;
                    }
                    match self.limits.set(name, value) {
                        None => break,
                        Some(set) => set?,
                    }
                    rest = behind;
                    continue;
                }
            }
            rest = after;
        }
        Ok((self, rest))
    }
}

/// The first word, and what follows it.
fn word(text: &str) -> (&str, &str) {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

impl super::Engine {
    /// The limits of values from now on, where they are not the defaults.
    pub fn limit_values(&mut self, limits: LimitOptions) {
        self.preferences.limits = self.preferences.limits.with(limits);
    }

    /// The limits of a value that is read by somebody.
    pub(super) fn readable(&self, show: Show) -> ValueLimits {
        let limits = self.preferences.limits.with(show.limits).applied(READ);
        let style = if show.raw || self.preferences.raw { ValueStyle::Raw } else { READ.style };
        ValueLimits { words: show.format.is_some_and(|letter| letter != 's'), style, ..limits }
    }

    /// The limits of a value in a line of `bt`.
    pub(super) fn brief(&self) -> ValueLimits {
        ValueLimits { time: self.preferences.limits.applied(READ).time, ..BRIEF }
    }
}

#[cfg(test)]
mod tests {
    use super::{LimitOptions, READ, Show};

    #[test]
    fn options_end_where_the_expression_begins() {
        let parsed = |text| Show::default().options(text).map(|(show, rest)| (show.limits.elements, show.tree, rest));
        assert_eq!(parsed("-elements 3 -pretty -- -x").ok(), Some((Some(3), true, "-x")));
        assert_eq!(parsed("-n 5 v").ok(), Some((Some(5), false, "v")));
        assert_eq!(parsed("-x + 1").ok(), Some((None, false, "-x + 1")));
        assert_eq!(parsed("-n + 5").ok(), Some((None, false, "-n + 5")));
        assert_eq!(parsed("-1").ok(), Some((None, false, "-1")));
        assert_eq!(parsed("-elements unlimited v").ok(), Some((Some(u64::MAX), false, "v")));
        assert!(parsed("-elements v").is_err());
    }

    #[test]
    fn limits_have_limits() {
        let all = LimitOptions { elements: Some(u64::MAX), depth: Some(usize::MAX), ..LimitOptions::default() };
        let limits = all.applied(READ);
        assert_eq!((limits.elements, limits.depth, limits.bytes), (1 << 20, 100, 200));
        assert!(limits.nodes > limits.elements as usize);
    }

    #[test]
    fn a_format_is_one_letter_and_perhaps_r() {
        assert_eq!(Show::parse("rx").map(|show| (show.format, show.raw)).ok(), Some((Some('x'), true)));
        assert!(Show::parse("xx").is_err() && Show::parse("q").is_err());
    }
}
