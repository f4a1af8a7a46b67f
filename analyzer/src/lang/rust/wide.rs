//! Pointers that know more than an address: to slices and text, with a length, and to trait objects, with a vtable;
//! and `Box`, which the debugging information has for a plain pointer.

use dpdb_snapshot::Avma;

use super::super::lens::{Doubt, Lens, Looked, Object, broken};
use super::super::{Formatter, Shown, TextUnit, bare};
use crate::dwarf::{DieRef, NameKind};
use crate::types::{Type, TypeRef};
use crate::value::{Logical, SmartPointer, ValueTree};

/// Words of a vtable before the methods: the function that drops the value, its size, its alignment.
const METHODS: u64 = 3;
const ALIGNMENT: u64 = 16;
/// The reference, "Type layout": an alignment is at most 2^29.
const MOST_ALIGNED: u64 = 1 << 29;
/// Methods that are asked for the type they belong to.
const MOST_METHODS: u64 = 4;

/// How a record with this name is shown, if it is a reference, raw pointer or box that has two words.
pub(in super::super) fn wide_pointer(name: &str) -> Option<Formatter> {
    match name.as_bytes().first()? {
        b'&' => Some(reference),
        b'*' => Some(pointer),
        _ => (name.rsplit("::").next() == Some("Box")).then_some(pointer as Formatter),
    }
}

/// gdb shows `&str` and `&[T]` by their meaning, and no other.
fn reference(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let name = object.name().trim_start_matches('&').trim_start_matches("mut ");
    let meaning = meaning(lens, object)?;
    Ok(if name == "str" || name.starts_with('[') { Shown::Instead(meaning) } else { Shown::Beside(meaning) })
}

fn pointer(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    Ok(Shown::Beside(meaning(lens, object)?))
}

fn meaning(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<ValueTree> {
    if lens.has(object, "vtable") {
        return trait_object(lens, object);
    }
    let data = lens.pointer_in(object, "data_ptr")?;
    let length = lens.number_in(object, "length")?;
    let name = object.name();
    let is_text = ["str", "Path", "OsStr", "CStr"].iter().any(|text| mentions(name, text));
    if !is_text {
        return Ok(lens.elements(data, length)?.into());
    }
    if length > 0 {
        lens.expect_mapped(data.to, "its text")?;
    }
    // A `CStr` has its NUL for the last byte.
    let length = if mentions(name, "CStr") { length.saturating_sub(1) } else { length };
    Ok(lens.text(data.to, length, TextUnit::BYTE)?.into())
}

/// Whether what a pointer with this type's name points to is called `target`, in whatever module.
fn mentions(name: &str, target: &str) -> bool {
    let inner = match name.split_once("Box<") {
        Some((_, arguments)) => arguments.split([',', '>']).next().unwrap_or_default(),
        None => name,
    };
    inner.rsplit(['&', ' ', ':']).next() == Some(target)
}

fn trait_object(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<ValueTree> {
    let data = lens.pointer_in(object, "pointer")?.to;
    behind_vtable(lens, object, data)
}

/// The value at `data`, whose type the vtable tells that `pointer` has beside its address.
pub(super) fn behind_vtable(lens: &mut Lens<'_, '_, '_>, pointer: &Object, data: Avma) -> Looked<ValueTree> {
    let table = vtable(lens, pointer)?;
    let by_functions = concrete_type(lens, table);
    let context = lens.context();
    let described = context.module.to_svma(table).and_then(|at| context.view.owner_of_vtable(context.unit, at));
    // Of what another unit made a trait object, the functions tell the name; closures and futures have none there.
    let concrete = described.or_else(|| described_elsewhere(lens, pointer, table, by_functions.as_deref()?));
    let path = |die: DieRef| lens.view().full_path(die).join("::");
    let name = by_functions.or_else(|| concrete.map(path)).ok_or(Doubt::OtherShape)?;
    let fields = concrete.map(|die| ("value".to_owned(), lens.show_at(Some(die), data))).into_iter().collect();
    Ok(Logical::Object { summary: format!("{name} at {data}"), fields }.into())
}

/// The type of this name where it can be had without the names of all units: the unit that has code of the vtable
/// describes what that code is for.
fn described_elsewhere(lens: &Lens<'_, '_, '_>, pointer: &Object, table: Avma, name: &str) -> Option<DieRef> {
    let (view, module) = (lens.view(), lens.context().module);
    let near = view.unit(pointer.die.unit);
    view.find_at_hand(near.as_deref(), name, NameKind::Type(None)).or_else(|| {
        let functions = std::iter::once(0).chain(METHODS..METHODS + MOST_METHODS);
        functions.into_iter().find_map(|index| {
            let at = module.to_svma(Avma(lens.word(table.wrapping_add(index * 8)).ok()?))?;
            let (unit, _) = view.physical_function(at.0)?;
            view.find_in(&unit, name, NameKind::Type(None))
        })
    })
}

fn vtable(lens: &Lens<'_, '_, '_>, pointer: &Object) -> Looked<Avma> {
    let table = Avma(lens.word_of(&lens.member(pointer, "vtable")?)?);
    lens.expect_mapped(table, "its vtable")?;
    Ok(table)
}

/// Where the value begins that lies behind `front` bytes of others: its alignment is in the vtable.
pub(super) fn aligned(lens: &Lens<'_, '_, '_>, pointer: &Object, front: u64) -> Looked<u64> {
    let alignment = lens.word(vtable(lens, pointer)?.wrapping_add(ALIGNMENT))?;
    if !alignment.is_power_of_two() || alignment > MOST_ALIGNED {
        return broken(format!("its vtable says that it is aligned to {alignment}"));
    }
    Ok(front.next_multiple_of(alignment))
}

fn concrete_type(lens: &Lens<'_, '_, '_>, table: Avma) -> Option<String> {
    let function = |index: u64| {
        let at = lens.word(table.wrapping_add(index * 8)).ok()?;
        lens.symbol(Avma(at))
    };
    let dropped = function(0).and_then(|name| {
        let inner = name.split_once("drop_in_place<")?.1;
        Some(inner[..inner.rfind('>')?].to_owned())
    });
    dropped.or_else(|| {
        (METHODS..METHODS + MOST_METHODS).find_map(|index| {
            let name = function(index)?;
            Some(name.strip_prefix('<')?.split_once(" as ")?.0.to_owned())
        })
    })
}

/// What a `Box` holds; its type is a pointer's that is called `Box`.
pub(in super::super) fn boxed(lens: &mut Lens<'_, '_, '_>, of: &Type, target: TypeRef, to: Avma) -> Option<ValueTree> {
    if of.name.as_deref().is_none_or(|name| !name.ends_with('>') || bare(name).rsplit("::").next() != Some("Box")) {
        return None;
    }
    let value = Some(lens.show_at(target, to));
    let pointer = SmartPointer { kind: "Box", to, value, ..SmartPointer::default() };
    Some(Logical::SmartPointer(pointer).into())
}

#[cfg(test)]
mod tests {
    use super::mentions;

    #[test]
    fn text_is_told_from_slices_by_the_name_of_what_is_pointed_to() {
        assert!(mentions("&str", "str") && mentions("*const str", "str") && mentions("&mut str", "str"));
        assert!(
            mentions("alloc::boxed::Box<str, alloc::alloc::Global>", "str") && mentions("&std::path::Path", "Path")
        );
        assert!(!mentions("&[&str]", "str") && !mentions("&[u8]", "str"));
    }
}
