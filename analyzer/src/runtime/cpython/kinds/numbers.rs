//! Numbers beyond the built-in ones: `Decimal`, `Fraction`, `UUID`.

use dpdb_snapshot::Avma;

use super::{Kind, Shown, Subject, call};
use crate::runtime::cpython::objects::Reader;
use crate::runtime::cpython::unreadable::Unreadable;
use crate::runtime::cpython::value::PythonValue;

pub(super) const KINDS: &[(&str, Kind)] =
    &[("decimal.Decimal", decimal), ("fractions.Fraction", fraction), ("uuid.UUID", uuid)];

/// Bits of `mpd_t.flags` (Modules/_decimal/libmpdec/mpdecimal.h).
const NEGATIVE: u8 = 1;
const INFINITE: u8 = 2;
const NAN: u8 = 4;
const SIGNALLING: u8 = 8;
/// A word of the coefficient has so many decimal digits (`MPD_RDIGITS`).
const DIGITS: usize = 19;
/// Words of a coefficient that are written out.
const MOST_WORDS: u64 = 64;

fn decimal(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let heap = reader.heap;
    let flags = heap.byte(of.at, "PyDecObject.dec.flags")?;
    let words = heap.word(of.at, "PyDecObject.dec.len")?;
    if words > MOST_WORDS {
        return Err(Unreadable::TooLarge { what: "Decimal", at: of.at });
    }
    let coefficient = heap.words(heap.object(of.at, "PyDecObject.dec.data")?, words)?;
    let exponent = heap.word(of.at, "PyDecObject.dec.exp")? as i64;
    let mut digits = String::new();
    for word in coefficient.iter().rev() {
        digits += &format!("{word:0DIGITS$}");
    }
    let digits = digits.trim_start_matches('0');
    let sign = if flags & NEGATIVE != 0 { "-" } else { "" };
    let text = match flags {
        flags if flags & INFINITE != 0 => format!("{sign}Infinity"),
        flags if flags & NAN != 0 => format!("{sign}NaN{digits}"),
        flags if flags & SIGNALLING != 0 => format!("{sign}sNaN{digits}"),
        _ => format!("{sign}{}", scientific(if digits.is_empty() { "0" } else { digits }, exponent)),
    };
    Ok(reader.plain(of, format!("{}('{text}')", of.facts.name)))
}

/// To-scientific-string of the General Decimal Arithmetic Specification.
fn scientific(digits: &str, exponent: i64) -> String {
    let adjusted = exponent.saturating_add(digits.len() as i64 - 1);
    if exponent > 0 || adjusted < -6 {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        return format!("{first}{point}{rest}E{adjusted:+}");
    }
    let decimals = exponent.unsigned_abs() as usize;
    if decimals == 0 {
        return digits.to_owned();
    }
    let padded = format!("{digits:0>width$}", width = decimals + 1);
    let (whole, fraction) = padded.split_at(padded.len() - decimals);
    format!("{whole}.{fraction}")
}

fn fraction(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let part = |name| reader.kept(of.at, name).ok_or(Unreadable::NotA { expected: "Fraction", at: of.at });
    let (numerator, denominator) = (part("_numerator")?, part("_denominator")?);
    let args = vec![reader.nested(numerator, of.path), reader.nested(denominator, of.path)];
    Ok(call(of.facts.simple_name(), args))
}

fn uuid(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let number: Option<Avma> = reader.kept(of.at, "int");
    let number = number.ok_or(Unreadable::NotA { expected: "UUID", at: of.at })?;
    let number: u128 =
        (reader.heap.integer(number)?.try_into()).map_err(|_| Unreadable::Damaged { what: "UUID", at: of.at })?;
    let hex = format!("{number:032x}");
    let text = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
    Ok(call(of.facts.simple_name(), vec![PythonValue::text(&text)]))
}

#[cfg(test)]
mod tests {
    use super::scientific;

    #[test]
    fn decimals_have_an_exponent_where_python_writes_one() {
        let cases = [
            ("0", 0, "0"),
            ("15", -1, "1.5"),
            ("1", -6, "0.000001"),
            ("1", -7, "1E-7"),
            ("123", 2, "1.23E+4"),
            ("0", -3, "0.000"),
            ("0", 3, "0E+3"),
            ("1234567", -3, "1234.567"),
        ];
        for (digits, exponent, expected) in cases {
            assert_eq!(scientific(digits, exponent), expected);
        }
    }
}
