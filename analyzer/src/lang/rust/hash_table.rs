//! Hash tables: hashbrown's `raw/mod.rs`. A byte for each bucket says whether it is full, and the buckets stand
//! before those bytes, the first one last.

use dpdb_snapshot::Avma;

use super::super::Shown;
use super::super::lens::{Lens, Looked, Object, broken};
use super::sequence::unwrapped;
use crate::types::TypeRef;
use crate::value::{Logical, ValueTree};

/// The bit of a control byte that says that the bucket is free.
const FREE: u8 = 0x80;
/// Control bytes that are read for one table; in a sane one every other bucket is full.
const MOST_CONTROL_BYTES: u64 = 1 << 20;
const CHUNK: u64 = 4096;

struct Table {
    buckets: Vec<Avma>,
    count: u64,
    element: TypeRef,
}

fn table(lens: &Lens<'_, '_, '_>, raw: &Object) -> Looked<Table> {
    let inner = lens.any_member(raw, &["table"]).unwrap_or_else(|_| raw.clone());
    let mask = lens.number_in(&inner, "bucket_mask")?;
    let count = lens.number_in(&inner, "items")?;
    let control = lens.pointer(&unwrapped(lens, &lens.member(&inner, "ctrl")?)?)?.to;
    let element = lens.argument(raw, 0)?;
    let size = lens.size(element)?;
    let Some(buckets) = mask.checked_add(1).filter(|buckets| buckets.is_power_of_two() && count <= *buckets) else {
        return broken(format!("it counts {count} elements in buckets with the mask {mask:#x}"));
    };
    if count > 0 {
        lens.expect_mapped(control, "its table of buckets")?;
    }
    let most = count.min(lens.limits().elements);
    let full = full_buckets(lens, control, buckets, most)?;
    if (full.len() as u64) < most {
        return broken(format!("it counts {count} elements and has {}", full.len()));
    }
    let bucket = |index: &u64| control.wrapping_sub((index + 1).wrapping_mul(size));
    Ok(Table { buckets: full.iter().map(bucket).collect(), count, element })
}

/// The numbers of the first `most` buckets that are full.
fn full_buckets(lens: &Lens<'_, '_, '_>, control: Avma, buckets: u64, most: u64) -> Looked<Vec<u64>> {
    let mut full = Vec::new();
    let end = buckets.min(MOST_CONTROL_BYTES);
    let mut start = 0;
    while start < end && (full.len() as u64) < most {
        let mut chunk = vec![0; CHUNK.min(end - start) as usize];
        lens.memory().read(control.wrapping_add(start), &mut chunk)?;
        let here = (start..).zip(&chunk).filter(|(_, byte)| **byte & FREE == 0).map(|(index, _)| index);
        full.extend(here.take(most as usize - full.len()));
        start += CHUNK;
    }
    Ok(full)
}

fn entries(lens: &mut Lens<'_, '_, '_>, raw: &Object) -> Looked<Logical> {
    let table = table(lens, raw)?;
    let mut entries = Vec::new();
    for bucket in &table.buckets {
        if lens.is_spent() {
            break;
        }
        entries.push(lens.show_pair(table.element, *bucket, ["__0", "__1"])?);
    }
    Ok(Logical::Map { entries, length: table.count, unordered: true })
}

/// The keys of a table whose values are `()`.
fn keys(lens: &mut Lens<'_, '_, '_>, raw: &Object) -> Looked<Logical> {
    let table = table(lens, raw)?;
    let pair = lens.object_at(table.element, Avma(0))?;
    let key = lens.member(&pair, "__0")?;
    let offset = key.place.address().unwrap_or_default();
    let items: Vec<ValueTree> = lens.take(table.buckets.len() as u64, |lens, index| {
        lens.show_at(key.type_ref(), table.buckets[index as usize].wrapping_add(offset.0))
    });
    Ok(Logical::Set { items, length: table.count, unordered: true })
}

pub(super) fn map(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let raw = lens.member(object, "base.table")?;
    Ok(entries(lens, &raw)?.into())
}

pub(super) fn set(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    // Until 1.48 it was made of a std map.
    let raw = lens.any_member(object, &["base.map.table", "map.base.table"])?;
    Ok(keys(lens, &raw)?.into())
}

pub(super) fn bare_map(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let raw = lens.member(object, "table")?;
    Ok(Shown::Beside(entries(lens, &raw)?.into()))
}

pub(super) fn bare_set(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let raw = lens.member(object, "map.table")?;
    Ok(Shown::Beside(keys(lens, &raw)?.into()))
}
