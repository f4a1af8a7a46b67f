//! Dates and times (Include/datetime.h).

use dpdb_snapshot::Avma;

use super::{Kind, Shown, Subject, call};
use crate::runtime::cpython::objects::Reader;
use crate::runtime::cpython::unreadable::Unreadable;
use crate::runtime::cpython::value::PythonValue;

pub(super) const KINDS: &[(&str, Kind)] = &[
    ("datetime.date", date),
    ("datetime.datetime", date_and_time),
    ("datetime.time", time),
    ("datetime.timedelta", delta),
    ("datetime.timezone", timezone),
    ("zoneinfo.ZoneInfo", zone_info),
];

type Args = Vec<(Option<String>, PythonValue)>;

fn numbers(values: &[u32]) -> Args {
    values.iter().map(|value| (None, PythonValue::Int((*value).into()))).collect()
}

/// A subclass stands by its own name, the types themselves with their module.
fn named(of: &Subject<'_>, args: Args) -> PythonValue {
    let full = of.facts.full_name();
    let callee = if KINDS.iter().any(|(name, _)| *name == full) { full } else { of.facts.simple_name() };
    PythonValue::Call { callee, args }
}

fn date(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let [high, low, month, day] = reader.heap.bytes(reader.heap.field(of.at, "PyDateTime_Date.data")?)?;
    Ok(named(of, numbers(&[u16::from_be_bytes([high, low]).into(), month.into(), day.into()])))
}

fn date_and_time(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let [high, low, month, day, rest @ ..] =
        reader.heap.bytes::<10>(reader.heap.field(of.at, "PyDateTime_DateTime.data")?)?;
    let mut args = numbers(&[u16::from_be_bytes([high, low]).into(), month.into(), day.into()]);
    args.extend(clock(rest));
    let fields = ["PyDateTime_DateTime.fold", "PyDateTime_DateTime.hastzinfo", "PyDateTime_DateTime.tzinfo"];
    args.extend(fold_and_zone(reader, of, fields)?);
    Ok(named(of, args))
}

fn time(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let mut args = clock(reader.heap.bytes(reader.heap.field(of.at, "PyDateTime_Time.data")?)?);
    let fields = ["PyDateTime_Time.fold", "PyDateTime_Time.hastzinfo", "PyDateTime_Time.tzinfo"];
    args.extend(fold_and_zone(reader, of, fields)?);
    Ok(named(of, args))
}

/// Hour, minute, second and, big end first, microsecond; what is zero at the end is left out.
fn clock([hour, minute, second, rest @ ..]: [u8; 6]) -> Args {
    let micro = u32::from_be_bytes([0, rest[0], rest[1], rest[2]]);
    match (second, micro) {
        (0, 0) => numbers(&[hour.into(), minute.into()]),
        (_, 0) => numbers(&[hour.into(), minute.into(), second.into()]),
        _ => numbers(&[hour.into(), minute.into(), second.into(), micro]),
    }
}

fn fold_and_zone(
    reader: &Reader<'_, '_>,
    of: &mut Subject<'_>,
    [fold, has_zone, zone]: [&'static str; 3],
) -> Result<Args, Unreadable> {
    let mut args = Args::new();
    // Objects without a zone end in front of the field for one.
    if reader.heap.byte(of.at, has_zone)? != 0 {
        args.push((Some("tzinfo".to_owned()), reader.nested(reader.heap.object(of.at, zone)?, of.path)));
    }
    if reader.heap.byte(of.at, fold)? != 0 {
        args.push((Some("fold".to_owned()), PythonValue::Int(1.into())));
    }
    Ok(args)
}

fn parts(reader: &Reader<'_, '_>, at: Avma) -> Result<[i32; 3], Unreadable> {
    let part = |name| reader.heap.int(at, name);
    Ok([part("PyDateTime_Delta.days")?, part("PyDateTime_Delta.seconds")?, part("PyDateTime_Delta.microseconds")?])
}

fn delta(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let parts = ["days", "seconds", "microseconds"].into_iter().zip(parts(reader, of.at)?);
    let args: Args = parts
        .filter(|(_, value)| *value != 0)
        .map(|(name, value)| (Some(name.to_owned()), PythonValue::Int(value.into())))
        .collect();
    Ok(named(of, if args.is_empty() { numbers(&[0]) } else { args }))
}

/// Its offset and its name stand behind the header; UTC is the one with neither.
fn timezone(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let offset = reader.behind_header(of.at, 0)?;
    let name = reader.behind_header(of.at, 1)?;
    if name.0 == 0 && parts(reader, offset)? == [0; 3] {
        return Ok(reader.plain(of, "datetime.timezone.utc".to_owned()));
    }
    let mut args = vec![reader.nested(offset, of.path)];
    if name.0 != 0 {
        args.push(reader.nested(name, of.path));
    }
    Ok(call(of.facts.full_name(), args))
}

fn zone_info(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let key = reader.behind_header(of.at, 0)?;
    let args = vec![(Some("key".to_owned()), reader.nested(key, of.path))];
    Ok(PythonValue::Call { callee: of.facts.full_name(), args })
}
