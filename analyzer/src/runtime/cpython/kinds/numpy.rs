//! Arrays and scalars of numpy, by the public structures `PyArrayObject` and `PyArray_Descr`
//! (numpy/core/include/numpy/ndarraytypes.h, from numpy 2 on numpy/_core).

use dpdb_snapshot::Avma;

use super::arrays::{float, native};
use super::{Kind, Shown, Subject};
use crate::runtime::cpython::objects::Reader;
use crate::runtime::cpython::unreadable::Unreadable;
use crate::runtime::cpython::value::{Items, PythonValue};

pub(super) const KINDS: &[(&str, Kind)] =
    &[("numpy.ndarray", array), ("numpy.generic", scalar), ("numpy.dtype", data_type), ("numpy.bool_", scalar)];

/// `NPY_MAXDIMS`, of both.
const MOST_DIMENSIONS: u32 = 64;
/// Fields of a structure.
const MOST_FIELDS: u64 = 64;
const DEEPEST: usize = 8;
/// Larger elements are damage, or texts that nobody reads.
const LARGEST_ELEMENT: u64 = 1 << 16;

/// An element type.
pub(super) struct DataType {
    at: Avma,
    /// `b i u f c m M O S U V`, and `B` for the upper half of a `float`, which numpy does not have.
    kind: u8,
    size: u64,
    /// Its bytes stand the other way round.
    swapped: bool,
    /// From numpy 2 on the structure is another one.
    two: bool,
}

/// Elements in memory.
pub(super) struct Elements {
    pub(super) data: Avma,
    pub(super) shape: Vec<u64>,
    /// In bytes.
    pub(super) strides: Vec<i64>,
    pub(super) kind: DataType,
}

fn word(reader: &Reader<'_, '_>, at: Avma, behind: u64) -> Result<u64, Unreadable> {
    Ok(reader.heap.memory.read_u64(reader.heap.field(at, "PyObject.sizeof")?.wrapping_add(behind))?)
}

fn read_type(reader: &Reader<'_, '_>, at: Avma) -> Result<DataType, Unreadable> {
    let damaged = || Unreadable::Damaged { what: "numpy dtype", at };
    let [kind, _, order, _, number @ ..] = word(reader, at, 8)?.to_le_bytes();
    let number = u32::from_le_bytes(number);
    let (low, wide) = (word(reader, at, 16)? & 0xffff_ffff, word(reader, at, 24)?);
    // Up to 1.x the size is an `int` and its alignment stands beside it; from 2 on flags stand there, and then both as
    // words: which of the two it is, the size of the numbers of a known type tells, else the alignment.
    let alignment = word(reader, at, 16)? >> 32;
    let known = match number {
        0..=2 => Some(1),
        3..=4 | 23 => Some(2),
        5..=6 | 11 => Some(4),
        7..=10 | 12 | 14 | 17 | 21..=22 => Some(8),
        13 | 15 => Some(16),
        16 => Some(32),
        _ => None,
    };
    let one = known.map_or(alignment.is_power_of_two() && alignment <= 16, |known| known == low && alignment != 0);
    let size = if one { low } else { wide };
    if size > LARGEST_ELEMENT {
        return Err(damaged());
    }
    Ok(DataType { at, kind, size, swapped: order == b'>', two: !one })
}

impl DataType {
    /// Numbers in the machine's own order.
    pub(super) fn of_numbers(kind: u8, size: u64) -> DataType {
        DataType { at: Avma(0), kind, size, swapped: false, two: false }
    }

    fn names(&self, reader: &Reader<'_, '_>) -> Result<Option<Avma>, Unreadable> {
        let names = Avma(word(reader, self.at, if self.two { 88 } else { 40 })?);
        Ok(Some(names).filter(|at| at.0 != 0 && reader.heap.expect(*at, "tuple").is_ok()))
    }

    fn fields(&self, reader: &Reader<'_, '_>) -> Result<Avma, Unreadable> {
        Ok(Avma(word(reader, self.at, if self.two { 80 } else { 32 })?))
    }

    /// The unit of dates and durations, and how many of it one is (`PyArray_DatetimeMetaData`).
    fn unit(&self, reader: &Reader<'_, '_>) -> Result<(i32, i32), Unreadable> {
        /// `NpyAuxData`, which stands in front.
        const AUXILIARY: u64 = 32;
        let metadata = Avma(word(reader, self.at, if self.two { 96 } else { 64 })?);
        let words: [u8; 8] = reader.heap.bytes(metadata.wrapping_add(AUXILIARY))?;
        let [a, b, c, d, rest @ ..] = words;
        Ok((i32::from_le_bytes([a, b, c, d]), i32::from_le_bytes(rest)))
    }

    /// As `dtype.name` has it.
    fn name(&self, reader: &Reader<'_, '_>) -> Result<String, Unreadable> {
        let bits = self.size * 8;
        let name = match self.kind {
            b'b' => "bool".to_owned(),
            b'i' => format!("int{bits}"),
            b'u' => format!("uint{bits}"),
            b'f' => format!("float{bits}"),
            b'c' => format!("complex{bits}"),
            b'O' => "object".to_owned(),
            b'S' => format!("bytes{bits}"),
            b'U' => format!("str{bits}"),
            b'M' => format!("datetime64[{}]", unit_name(self.unit(reader)?)),
            b'm' => format!("timedelta64[{}]", unit_name(self.unit(reader)?)),
            b'V' => format!("void{bits}"),
            other => format!("{}{bits}", char::from(other).escape_default()),
        };
        Ok(name)
    }
}

/// `NPY_DATETIMEUNIT`.
const UNITS: [&str; 15] = ["Y", "M", "W", "B", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as", "generic"];

fn unit_name((unit, count): (i32, i32)) -> String {
    let name = usize::try_from(unit).ok().and_then(|unit| UNITS.get(unit)).copied().unwrap_or("?");
    if count == 1 { name.to_owned() } else { format!("{count}{name}") }
}

/// The elements in nested lists, the shape and the type: what numpy writes, without its columns.
fn array(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let elements = elements(reader, of.at)?;
    let type_name = elements.kind.name(reader)?;
    let shape: Vec<PythonValue> = elements.shape.iter().map(|&size| PythonValue::Int(size.into())).collect();
    let length = shape.len() as u64;
    let shape = PythonValue::Items { kind: Items::Tuple, items: shape, length };
    let first = dimension(reader, &elements, 0, elements.data, of.path)?;
    let at = elements.kind.at;
    let type_name =
        PythonValue::Object { type_name: "numpy.dtype".to_owned(), at, text: Some(type_name), attributes: Vec::new() };
    let args = vec![(None, first), (Some("shape".to_owned()), shape), (Some("dtype".to_owned()), type_name)];
    let callee = if of.facts.full_name() == "numpy.ndarray" { "array".to_owned() } else { of.facts.simple_name() };
    Ok(PythonValue::Call { callee, args })
}

fn elements(reader: &Reader<'_, '_>, at: Avma) -> Result<Elements, Unreadable> {
    let dimensions = word(reader, at, 8)? as u32;
    if dimensions > MOST_DIMENSIONS {
        return Err(Unreadable::Damaged { what: "numpy array", at });
    }
    let words = |behind: u64| match dimensions {
        0 => Ok(Vec::new()),
        _ => reader.heap.words(Avma(word(reader, at, behind)?), dimensions.into()),
    };
    let strides = words(24)?.into_iter().map(|stride| stride as i64).collect();
    let kind = read_type(reader, Avma(word(reader, at, 40)?))?;
    Ok(Elements { data: Avma(word(reader, at, 0)?), shape: words(16)?, strides, kind })
}

/// The elements along an axis from `at` on, in lists as deep as there are further axes.
pub(super) fn dimension(
    reader: &Reader<'_, '_>,
    of: &Elements,
    axis: usize,
    at: Avma,
    path: &mut Vec<Avma>,
) -> Result<PythonValue, Unreadable> {
    let (Some(&length), Some(&stride)) = (of.shape.get(axis), of.strides.get(axis)) else {
        return element(reader, &of.kind, at, path, 0);
    };
    let mut items = Vec::new();
    for index in 0..length.min(reader.limits.elements) {
        if !reader.spend() {
            items.push(PythonValue::Truncated("nodes"));
            break;
        }
        let at = at.wrapping_add((index as i64).wrapping_mul(stride) as u64);
        let item = dimension(reader, of, axis + 1, at, path).unwrap_or_else(PythonValue::Missing);
        let ends = matches!(item, PythonValue::Missing(_));
        items.push(item);
        // What follows is absent for the same reason.
        if ends {
            break;
        }
    }
    Ok(PythonValue::Items { kind: Items::List, items, length })
}

fn element(reader: &Reader<'_, '_>, kind: &DataType, at: Avma, path: &mut Vec<Avma>, depth: usize) -> Shown {
    let heap = reader.heap;
    if kind.kind == b'V'
        && let Some(names) = kind.names(reader)?
    {
        return structure(reader, kind, names, at, path, depth);
    }
    if kind.kind == b'O' {
        let object = Avma(heap.memory.read_u64(at)?);
        return Ok(if object.0 == 0 { PythonValue::Constant("None") } else { reader.nested(object, path) });
    }
    let mut bytes = heap.read(at, kind.size)?;
    if kind.swapped {
        let unit = match kind.kind {
            b'c' => kind.size as usize / 2,
            b'U' => 4,
            b'S' | b'V' => 1,
            _ => kind.size as usize,
        };
        bytes.chunks_mut(unit.max(1)).for_each(<[u8]>::reverse);
    }
    Ok(match kind.kind {
        b'S' => {
            let length = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
            bytes.truncate(length);
            PythonValue::Bytes { length: bytes.len() as u64, bytes, array: false }
        }
        b'U' => {
            let points = bytes.chunks_exact(4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]));
            let mut points: Vec<u32> = points.collect();
            points.truncate(points.iter().rposition(|&point| point != 0).map_or(0, |last| last + 1));
            PythonValue::Str { length: points.len() as u64, points }
        }
        b'M' | b'm' => moment(kind, kind.unit(reader)?, i64::from_le_bytes(heap_word(&bytes))),
        b'c' => {
            let (real, imaginary) = bytes.split_at(bytes.len() / 2);
            PythonValue::Complex(number(real), number(imaginary))
        }
        b'f' => PythonValue::Float(number(&bytes)),
        b'B' => PythonValue::Float(f32::from_bits((u64::from_le_bytes(heap_word(&bytes)) as u32) << 16).into()),
        b'b' => PythonValue::Bool(bytes.iter().any(|&byte| byte != 0)),
        b'i' => native(b'q', &bytes).unwrap_or(PythonValue::Truncated("element")),
        b'u' => native(b'Q', &bytes).unwrap_or(PythonValue::Truncated("element")),
        _ => PythonValue::Bytes { length: bytes.len() as u64, bytes, array: false },
    })
}

fn heap_word(bytes: &[u8]) -> [u8; 8] {
    let mut word = [0; 8];
    word.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    word
}

/// A floating-point number; those of 80 bits are rounded.
fn number(bytes: &[u8]) -> f64 {
    if bytes.len() <= 8 {
        return float(bytes).unwrap_or(f64::NAN);
    }
    let mantissa = u64::from_le_bytes(heap_word(bytes));
    let head = u16::from_le_bytes([bytes[8], bytes[9]]);
    let magnitude = match head & 0x7fff {
        0x7fff if mantissa << 1 == 0 => f64::INFINITY,
        0x7fff => f64::NAN,
        exponent => mantissa as f64 * 2f64.powi(i32::from(exponent) - 16383 - 63),
    };
    if head >> 15 == 0 { magnitude } else { -magnitude }
}

fn structure(
    reader: &Reader<'_, '_>,
    kind: &DataType,
    names: Avma,
    at: Avma,
    path: &mut Vec<Avma>,
    depth: usize,
) -> Shown {
    let heap = reader.heap;
    let fields = kind.fields(reader)?;
    if depth > DEEPEST {
        return Ok(PythonValue::Truncated("depth"));
    }
    let mut items = Vec::new();
    for name in heap.first_items(names, MOST_FIELDS)?.items {
        let damaged = || Unreadable::Damaged { what: "numpy dtype", at: kind.at };
        // Since numpy 1.14 a proxy of a dictionary is handed out, and the dictionary itself is kept.
        let field = heap.dict_get(fields, &heap.name(name)?).ok_or_else(damaged)?;
        let field = heap.first_items(field, 2)?.items;
        let [of, offset] = field[..] else { return Err(damaged()) };
        let place = at.wrapping_add(heap.small_integer(offset)? as u64);
        items.push(element(reader, &read_type(reader, of)?, place, path, depth + 1)?);
    }
    let length = items.len() as u64;
    Ok(PythonValue::Items { kind: Items::Tuple, items, length })
}

/// A date or a duration in its unit, dates as ISO 8601 writes them.
fn moment(kind: &DataType, unit: (i32, i32), value: i64) -> PythonValue {
    let name = if kind.kind == b'M' { "datetime64" } else { "timedelta64" };
    if value == i64::MIN {
        return super::call(name, vec![PythonValue::text("NaT")]);
    }
    if kind.kind == b'M'
        && let Some(text) = iso(unit, value)
    {
        return super::call(name, vec![PythonValue::text(&text)]);
    }
    super::call(name, vec![PythonValue::Int(value.into()), PythonValue::text(&unit_name(unit))])
}

fn iso((unit, count): (i32, i32), value: i64) -> Option<String> {
    let value = i128::from(value) * i128::from(count);
    let months = |value: i128| format!("{:04}-{:02}", 1970 + value.div_euclid(12), value.rem_euclid(12) + 1);
    let date = |days: i128| {
        let (year, month, day) = civil(days);
        format!("{year:04}-{month:02}-{day:02}")
    };
    let per_second: i128 = match unit {
        0 => return Some(format!("{:04}", 1970 + value)),
        1 => return Some(months(value)),
        2 => return Some(date(value * 7)),
        4 => return Some(date(value)),
        5 => return Some(format!("{}T{:02}", date(value.div_euclid(24)), value.rem_euclid(24))),
        6 => {
            let minutes = value.rem_euclid(1440);
            return Some(format!("{}T{:02}:{:02}", date(value.div_euclid(1440)), minutes / 60, minutes % 60));
        }
        7..=13 => 10i128.pow(3 * (u32::try_from(unit).ok()? - 7)),
        _ => return None,
    };
    let (seconds, fraction) = (value.div_euclid(per_second), value.rem_euclid(per_second));
    let of_day = seconds.rem_euclid(86400);
    let clock = format!("{:02}:{:02}:{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60);
    let digits = 3 * (usize::try_from(unit).ok()? - 7);
    let fraction = if digits == 0 { String::new() } else { format!(".{fraction:0digits$}") };
    Some(format!("{}T{clock}{fraction}", date(seconds.div_euclid(86400))))
}

/// The date that is so many days after 1970-01-01 in the Gregorian calendar: years begin in March, so that the leap
/// day is their last one.
fn civil(days: i128) -> (i128, i128, i128) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i128::from(month <= 2), month, day)
}

/// `np.float64(1.5)`, as numpy 2 writes them; the value stands behind the header.
fn scalar(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let at = reader.heap.field(of.at, "PyObject.sizeof")?;
    let name = of.facts.name.clone();
    let digits: u64 = name.trim_start_matches(char::is_alphabetic).parse().unwrap_or(64);
    let (kind, size) = match name.as_str() {
        "bool" | "bool_" => (b'b', 1),
        "longlong" | "intc" => (b'i', if name == "intc" { 4 } else { 8 }),
        "ulonglong" | "uintc" => (b'u', if name == "uintc" { 4 } else { 8 }),
        "longdouble" | "float128" => (b'f', 16),
        "clongdouble" | "complex256" => (b'c', 32),
        name if name.starts_with("int") => (b'i', digits / 8),
        name if name.starts_with("uint") => (b'u', digits / 8),
        name if name.starts_with("float") => (b'f', digits / 8),
        name if name.starts_with("complex") => (b'c', digits / 8),
        // Texts are those of `str` and `bytes`; dates, structures and objects have parts that are not read.
        _ => return Err(Unreadable::NoField { field: "numpy scalar", minor: reader.heap.layout.minor.0 }),
    };
    let kind = DataType::of_numbers(kind, size);
    let value = element(reader, &kind, at, of.path, 0)?;
    Ok(super::call(format!("np.{name}"), vec![value]))
}

fn data_type(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let name = read_type(reader, of.at)?.name(reader)?;
    Ok(super::call("dtype", vec![PythonValue::text(&name)]))
}

#[cfg(test)]
mod tests {
    use super::iso;

    #[test]
    fn dates_of_every_unit_are_written_by_iso_8601() {
        let cases = [
            ((0, 1), 50, "2020"),
            ((1, 1), -1, "1969-12"),
            ((4, 1), 18321, "2020-02-29"),
            ((4, 1), -719_529, "-001-12-31"),
            ((5, 1), 25, "1970-01-02T01"),
            ((7, 1), -1, "1969-12-31T23:59:59"),
            ((8, 25), 1, "1970-01-01T00:00:00.025"),
            ((10, 1), 1_582_934_400_000_000_001, "2020-02-29T00:00:00.000000001"),
        ];
        for (unit, value, expected) in cases {
            assert_eq!(iso(unit, value).as_deref(), Some(expected), "{unit:?}");
        }
    }
}
