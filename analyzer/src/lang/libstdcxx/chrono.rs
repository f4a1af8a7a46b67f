//! Time: `chrono.h`.

use super::super::Shown;
use super::super::lens::{Doubt, Lens, Looked, Object};
use crate::value::{Logical, ValueTree};

/// The units that have a name, as parts of a second.
const UNITS: [(i64, i64, &str); 9] = [
    (1, 1_000_000_000, "ns"),
    (1, 1_000_000, "us"),
    (1, 1000, "ms"),
    (1, 1, "s"),
    (60, 1, "min"),
    (3600, 1, "h"),
    (86400, 1, "d"),
    (604_800, 1, "weeks"),
    (31_556_952, 1, "years"),
];

pub(super) fn duration(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let summary = text(lens, object)?;
    Ok(Shown::Beside(Logical::Object { summary, fields: Vec::new() }.into()))
}

pub(super) fn time_point(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let since = lens.any_member(object, &["__d", "__d_"])?;
    let clock = lens.type_name(lens.argument(object, 0)?);
    let clock = clock.rsplit("::").next().unwrap_or_default();
    let summary = format!("{} since the epoch of {clock}", text(lens, &since)?);
    Ok(Shown::Beside(Logical::Object { summary, fields: Vec::new() }.into()))
}

fn text(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<String> {
    let count = lens.any_member(object, &["__r", "__rep_"])?;
    let count = match lens.show_object(&count).plain() {
        ValueTree::Integer(count) => count.to_string(),
        ValueTree::Float(count) => count.to_string(),
        _ => return Err(Doubt::OtherShape),
    };
    let period = lens.object(lens.argument(object, 1)?, object.place.clone())?;
    let part = |index: usize| lens.arguments(&period).get(index).and_then(|argument| argument.value);
    let (Some(numerator), Some(denominator)) = (part(0), part(1)) else { return Err(Doubt::OtherShape) };
    let unit = UNITS.iter().find(|unit| (unit.0, unit.1) == (numerator, denominator)).map(|unit| unit.2);
    Ok(match unit {
        Some(unit) => format!("{count} {unit}"),
        None => format!("{count} × {numerator}/{denominator} s"),
    })
}
