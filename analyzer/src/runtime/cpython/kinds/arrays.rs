//! Plain memory: `array.array`, `memoryview`, `BytesIO`.

use dpdb_snapshot::Avma;

use super::{Kind, Shown, Subject};
use crate::runtime::cpython::objects::Reader;
use crate::runtime::cpython::unreadable::Unreadable;
use crate::runtime::cpython::value::{Items, PythonValue};

pub(super) const KINDS: &[(&str, Kind)] = &[("array.array", array), ("memoryview", memory_view)];

/// `array('i', [1, 2])`; those of characters have a text.
fn array(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let heap = reader.heap;
    let [code] = heap.bytes::<1>(heap.object(of.at, "arrayobject.ob_descr")?)?;
    let length = heap.word(of.at, "PyVarObject.ob_size")?;
    let code_text = PythonValue::text(&char::from(code).to_string());
    let args = match length {
        0 => vec![code_text],
        _ => {
            let start = heap.object(of.at, "arrayobject.ob_item")?;
            vec![code_text, elements(reader, code, start, length)?]
        }
    };
    Ok(super::call(of.facts.simple_name(), args))
}

fn elements(reader: &Reader<'_, '_>, code: u8, start: Avma, length: u64) -> Shown {
    if matches!(code, b'u' | b'w') {
        let bytes = reader.heap.read(start, length.min(reader.limits.bytes) * 4)?;
        let points = bytes.chunks_exact(4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]));
        return Ok(PythonValue::Str { points: points.collect(), length });
    }
    let size = size_of(code).ok_or(Unreadable::Damaged { what: "array", at: start })?;
    let bytes = reader.heap.read(start, length.min(reader.limits.elements) * size as u64)?;
    let items = bytes.chunks_exact(size).filter_map(|item| native(code, item)).collect();
    Ok(PythonValue::Items { kind: Items::List, items, length })
}

/// The size of a number of the C type that a letter stands for (the module `struct`, native sizes on 64-bit Linux).
pub(super) fn size_of(code: u8) -> Option<usize> {
    Some(match code {
        b'b' | b'B' | b'?' | b'c' => 1,
        b'h' | b'H' | b'e' => 2,
        b'i' | b'I' | b'f' => 4,
        b'l' | b'L' | b'q' | b'Q' | b'd' | b'n' | b'N' | b'P' => 8,
        _ => return None,
    })
}

/// The number that little-endian bytes are in the C type of the letter.
pub(super) fn native(code: u8, bytes: &[u8]) -> Option<PythonValue> {
    let mut wide = [0; 8];
    wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
    let unsigned = u64::from_le_bytes(wide);
    let shift = 64 - 8 * u32::try_from(bytes.len()).ok()?;
    let signed = || (unsigned << shift) as i64 >> shift;
    Some(match code {
        b'?' => PythonValue::Bool(unsigned != 0),
        b'c' => PythonValue::Bytes { bytes: bytes.to_vec(), length: 1, array: false },
        b'e' | b'f' | b'd' => PythonValue::Float(float(bytes)?),
        b'b' | b'h' | b'i' | b'l' | b'q' | b'n' => PythonValue::Int(signed().into()),
        _ => PythonValue::Int(unsigned.into()),
    })
}

/// A floating-point number of two, four or eight bytes, with the fewest digits that tell it from its neighbours of
/// the same size.
pub(super) fn float(bytes: &[u8]) -> Option<f64> {
    Some(match *bytes {
        [a, b] => half(u16::from_le_bytes([a, b])),
        [a, b, c, d] => shortest(f32::from_le_bytes([a, b, c, d])),
        _ => f64::from_le_bytes(bytes.try_into().ok()?),
    })
}

fn shortest(value: f32) -> f64 {
    if value.is_finite() { value.to_string().parse().unwrap_or(value.into()) } else { value.into() }
}

/// IEEE 754 binary16.
fn half(bits: u16) -> f64 {
    let (sign, exponent, fraction) = (bits >> 15, bits >> 10 & 31, f64::from(bits & 1023));
    let magnitude = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2f64.powi(i32::from(exponent) - 25),
    };
    if sign == 0 { magnitude } else { -magnitude }
}

fn memory_view(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let heap = reader.heap;
    let length = heap.word(of.at, "PyMemoryViewObject.view.len")?;
    let bytes = match heap.pointer(of.at, "PyMemoryViewObject.view.buf")? {
        Some(start) => heap.read(start, length.min(reader.limits.bytes))?,
        None => Vec::new(),
    };
    let first = PythonValue::Bytes { bytes, length, array: false };
    let PythonValue::Object { type_name, at, text, .. } = reader.plain(of, format!("<memory at {}>", of.at)) else {
        return Err(Unreadable::NotA { expected: "memoryview", at: of.at });
    };
    Ok(PythonValue::Object { type_name, at, text, attributes: vec![("memory".to_owned(), first)] })
}

#[cfg(test)]
mod tests {
    use super::{float, native};

    #[test]
    fn numbers_of_every_size_keep_their_sign_and_shortest_digits() {
        assert_eq!(native(b'b', &[0xff]).map(|value| value.to_string()).as_deref(), Some("-1"));
        assert_eq!(native(b'H', &[0xff, 0xff]).map(|value| value.to_string()).as_deref(), Some("65535"));
        assert_eq!(float(&0.1f32.to_le_bytes()), Some(0.1));
        assert_eq!(float(&[0x00, 0x3c]), Some(1.0));
        assert_eq!(float(&[0x01, 0x80]), Some(-(2f64.powi(-24))));
    }
}
