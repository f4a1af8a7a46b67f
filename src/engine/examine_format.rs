//! The `NFU` of `x/NFU`: how many, in which format, of what unit.

use serde::Serialize;

use super::CommandError;

/// How a unit of memory is shown; the letters are gdb's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// `x`
    Hexadecimal,
    /// `z`
    PaddedHexadecimal,
    /// `d`
    Signed,
    /// `u`
    Unsigned,
    /// `o`
    Octal,
    /// `t`
    Binary,
    /// `c`
    Character,
    /// `a`
    Address,
    /// `f`
    Float,
    /// `s`
    String,
    /// `i`
    Instruction,
}

/// How much memory `x` shows, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExamineFormat {
    /// How many units.
    pub count: usize,
    /// How each is shown.
    pub format: Format,
    /// The bytes of a unit: 1, 2, 4 or 8. Strings and instructions have lengths of their own.
    pub size: usize,
}

impl Default for ExamineFormat {
    fn default() -> ExamineFormat {
        ExamineFormat { count: 1, format: Format::Hexadecimal, size: 4 }
    }
}

/// More units than this are more than anybody reads.
const MOST: usize = 100_000;

impl ExamineFormat {
    /// Reads `4gx`; letters in any order, and what is not given stays as it was, but for the count, which is 1.
    ///
    /// # Errors
    /// [`CommandError::Refused`] naming the letter.
    pub fn parse(text: &str, last: ExamineFormat) -> Result<ExamineFormat, CommandError> {
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (count, letters) = text.split_at(digits);
        let mut format = None;
        let mut size = None;
        for letter in letters.chars() {
            if let Some(found) = format_of(letter) {
                format = Some(found);
            } else if let Some(found) = size_of(letter) {
                size = Some(found);
            } else {
                return Err(CommandError::refused(format!(
                    "'{letter}' is neither a format (x z d u o t c a f s i) nor a unit (b h w g)"
                )));
            }
        }
        let count = if count.is_empty() { 1 } else { count.parse().unwrap_or(MOST).min(MOST) };
        let chosen = format.unwrap_or(last.format);
        let size = size.unwrap_or_else(|| usual_size(chosen, format.is_none(), last.size));
        Ok(ExamineFormat { count, format: chosen, size: legal_size(chosen, size) })
    }
}

fn format_of(letter: char) -> Option<Format> {
    Some(match letter {
        'x' => Format::Hexadecimal,
        'z' => Format::PaddedHexadecimal,
        'd' => Format::Signed,
        'u' => Format::Unsigned,
        'o' => Format::Octal,
        't' => Format::Binary,
        'c' => Format::Character,
        'a' => Format::Address,
        'f' => Format::Float,
        's' => Format::String,
        'i' => Format::Instruction,
        _ => return None,
    })
}

fn size_of(letter: char) -> Option<usize> {
    Some(match letter {
        'b' => 1,
        'h' => 2,
        'w' => 4,
        'g' => 8,
        _ => return None,
    })
}

fn usual_size(format: Format, kept: bool, last: usize) -> usize {
    match format {
        Format::Address => 8,
        Format::Character if !kept => 1,
        Format::Float if !kept => 8,
        _ => last,
    }
}

/// Half a float and a pointer of one byte do not exist.
fn legal_size(format: Format, size: usize) -> usize {
    match format {
        Format::Float if size < 4 => 4,
        Format::Address => 8,
        _ => size,
    }
}

#[cfg(test)]
mod tests {
    use super::{ExamineFormat, Format};

    #[test]
    fn counts_formats_and_units_come_in_any_order_and_stay_as_they_were() {
        let first = ExamineFormat::parse("4gx", ExamineFormat::default()).unwrap();
        assert_eq!(first, ExamineFormat { count: 4, format: Format::Hexadecimal, size: 8 });
        assert_eq!(
            ExamineFormat::parse("2d", first).unwrap(),
            ExamineFormat { count: 2, format: Format::Signed, size: 8 }
        );
        assert_eq!(ExamineFormat::parse("", first).unwrap(), ExamineFormat { count: 1, ..first });
        assert_eq!(ExamineFormat::parse("c", first).unwrap().size, 1);
        assert_eq!(ExamineFormat::parse("hf", first).unwrap().size, 4);
        assert!(ExamineFormat::parse("4q", first).is_err());
        assert!(ExamineFormat::parse("99999999999999999999x", first).unwrap().count <= 100_000);
    }
}
