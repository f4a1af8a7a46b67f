//! Numbers as text, by themselves and in gdb's output formats.

use dpdb_analyzer::WordKind;

use super::value_string::character;

/// A double: the shortest text that gives the same one again.
pub fn float(value: f64, rust: bool) -> String {
    spelled(value.is_finite(), value, &format!("{value:e}"), &format!("{value}"), rust)
}

/// A `float`: the shortest text that gives the same one again.
pub fn single(value: f32, rust: bool) -> String {
    spelled(value.is_finite(), value.into(), &format!("{value:e}"), &format!("{value}"), rust)
}

fn spelled(finite: bool, value: f64, scientific: &str, plain: &str, rust: bool) -> String {
    let size = value.abs();
    if !finite {
        return plain.to_ascii_lowercase();
    }
    if size != 0.0 && !(1e-5..1e16).contains(&size) {
        // C writes an exponent with its sign and at least two digits.
        let (digits, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        return if rust { scientific.to_owned() } else { format!("{digits}e{exponent:+03}") };
    }
    if rust && !plain.contains('.') { format!("{plain}.0") } else { plain.to_owned() }
}

/// The bits of a number in one of the formats `x d u o t c a f z`.
pub fn formatted(bits: u128, width: u32, kind: WordKind, format: char, rust: bool) -> String {
    let signed = || {
        let unused = 128 - width.clamp(1, 128);
        (bits << unused) as i128 >> unused
    };
    match format {
        'x' | 'a' => format!("{bits:#x}"),
        'z' => format!("{bits:#0digits$x}", digits = width.div_ceil(4) as usize + 2),
        'o' if bits == 0 => "0".to_owned(),
        'o' => format!("0{bits:o}"),
        't' => format!("{bits:b}"),
        'u' => bits.to_string(),
        'd' => signed().to_string(),
        'c' => match kind {
            WordKind::Unsigned => character((bits & 0xff) as i128, 1, ""),
            _ => character(((bits & 0xff) as u8 as i8).into(), 1, ""),
        },
        'f' if width == 32 => single(f32::from_bits(bits as u32), rust),
        'f' if width == 64 => float(f64::from_bits(bits as u64), rust),
        _ if kind == WordKind::Unsigned => bits.to_string(),
        _ => signed().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{float, formatted, single};
    use dpdb_analyzer::WordKind;

    #[test]
    fn floats_are_the_shortest_text_that_means_them() {
        assert_eq!(float(0.1, false), "0.1");
        assert_eq!(single(0.1, false), "0.1");
        assert_eq!(float(f64::from(0.1_f32), false), "0.10000000149011612");
        assert_eq!((float(1.0, false), float(1.0, true)), ("1".to_owned(), "1.0".to_owned()));
        assert_eq!(float(1e100, false), "1e+100");
        assert_eq!(float(-2.5e-7, false), "-2.5e-07");
        assert_eq!((float(f64::NAN, false), float(f64::NEG_INFINITY, false)), ("nan".to_owned(), "-inf".to_owned()));
    }

    #[test]
    fn formats_are_gdbs() {
        let signed = |format| formatted(0xffff_fffb, 32, WordKind::Signed, format, false);
        assert_eq!(signed('x'), "0xfffffffb");
        assert_eq!(signed('d'), "-5");
        assert_eq!(signed('u'), "4294967291");
        assert_eq!(signed('o'), "037777777773");
        assert_eq!(formatted(5, 8, WordKind::Signed, 't', false), "101");
        assert_eq!(formatted(5, 32, WordKind::Signed, 'z', false), "0x00000005");
        assert_eq!(formatted(65, 32, WordKind::Signed, 'c', false), "65 'A'");
        assert_eq!(formatted(1.5_f64.to_bits().into(), 64, WordKind::Signed, 'f', false), "1.5");
    }
}
