//! Text: `basic_string.h`, `cow_string.h`, `string_view`, `fs_path.h`.

use dpdb_snapshot::Avma;

use super::super::lens::{Doubt, Lens, Looked, Object, Pointer, broken};
use super::super::{Shown, TextUnit, libcxx};
use crate::value::{Logical, ValuePlace as Place, ValueTree};

/// The bytes inside a string object for text that is short.
const LOCAL_BYTES: u64 = 16;
/// What stands before the text of an old, copy-on-write string: length, capacity, reference count.
const OLD_HEADER: u64 = 24;
/// The lowest two bits of a path's pointer to its components say what the path is where it has none.
const PATH_KIND: u64 = 3;

pub(super) fn string(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    if lens.has(object, "_M_dataplus._M_p") {
        return Ok(text(lens, object)?.into());
    }
    if lens.has(object, "_M_string_length") {
        return without_type_of_pointer(lens, object).map(|meaning| Shown::Beside(meaning.into()));
    }
    libcxx::string(lens, object)
}

fn text(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Logical> {
    let data = lens.pointer_in(object, "_M_dataplus._M_p")?;
    let unit = lens.text_unit(data.target)?;
    if !lens.has(object, "_M_string_length") {
        return old(lens, data, unit);
    }
    let length = lens.number_in(object, "_M_string_length")?;
    checked(lens, object, data.to, length, unit)
}

fn checked(lens: &mut Lens<'_, '_, '_>, object: &Object, data: Avma, length: u64, unit: TextUnit) -> Looked<Logical> {
    let local = lens.member(object, "_M_local_buf")?.place.address();
    let capacity = match local {
        Some(local) if local == data => Some(LOCAL_BYTES / unit.width.max(1) - 1),
        _ => lens.check_number_in(object, "_M_allocated_capacity")?,
    };
    if capacity.is_some_and(|capacity| length > capacity) {
        return broken(format!("its length is {length} and its capacity {}", capacity.unwrap_or_default()));
    }
    lens.text(data, length, unit)
}

/// The pointer to the text is in a class that clang describes only where the whole class is instantiated, in
/// libstdc++.so: see clang's `-fstandalone-debug`. It stands first all the same.
fn without_type_of_pointer(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Logical> {
    let holder = lens.member(object, "_M_dataplus")?;
    let unit = lens.text_unit(lens.argument(object, 0)?)?;
    let word = holder.place.read(lens.memory(), 8)?;
    let length = lens.number_in(object, "_M_string_length")?;
    checked(lens, object, Avma(crate::value::integer(&word, false) as u64), length, unit)
}

/// The copy-on-write string of `_GLIBCXX_USE_CXX11_ABI=0`.
fn old(lens: &mut Lens<'_, '_, '_>, data: Pointer, unit: TextUnit) -> Looked<Logical> {
    let header = data.to.wrapping_sub(OLD_HEADER);
    let (length, capacity) = (lens.word(header)?, lens.word(header.wrapping_add(8))?);
    if length > capacity {
        return broken(format!("its length is {length} and its capacity {capacity}"));
    }
    lens.text(data.to, length, unit)
}

pub(super) fn view(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let data = lens.pointer(&lens.any_member(object, &["_M_str", "__data_", "__data"])?)?;
    let length = lens.number(&lens.any_member(object, &["_M_len", "__size_", "__size"])?)?;
    let unit = lens.text_unit(data.target)?;
    if length > 0 {
        let Some(last) = data.to.checked_add((length - 1).saturating_mul(unit.width)) else {
            return broken(format!("its length is {length}"));
        };
        lens.expect_mapped(data.to, "its text")?;
        lens.expect_mapped(last, "the end of its text")?;
    }
    Ok(lens.text(data.to, length, unit)?.into())
}

/// As gdb: the text, with the components as its children.
pub(super) fn path(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let Ok(name) = lens.member(object, "_M_pathname") else {
        let name = lens.any_member(object, &["__pn_"])?;
        return string(lens, &name);
    };
    let whole = text(lens, &name)?;
    let Logical::Text { text, .. } = &whole else { return Err(Doubt::OtherShape) };
    // clang leaves the class of the components out unless it is asked for it.
    if lens.member(object, "_M_cmpts._M_impl").is_err() {
        return Ok(whole.into());
    }
    let summary = format!("filesystem::path {text:?}");
    let fields = components(lens, object).unwrap_or_default();
    Ok(Logical::Object { summary, fields }.into())
}

/// `path::_List::_Impl` is only declared: a size and a capacity of four bytes each, then `_Cmpt`s, which begin with
/// a path.
fn components(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Vec<(String, ValueTree)>> {
    let implementation = component_list(lens, object)?;
    if implementation & PATH_KIND != 0 || implementation == 0 {
        return Ok(Vec::new());
    }
    let counts = lens.word(Avma(implementation))?;
    let (size, capacity) = (counts & u64::from(u32::MAX), counts >> 32);
    if size > capacity {
        return broken(format!("it has {size} components and room for {capacity}"));
    }
    let whole = lens.size(object.type_ref())?;
    // A component is a path with its position in the text.
    let stride = (whole + 8).next_multiple_of(8);
    let first = Avma(implementation).wrapping_add(8);
    let name = lens.member(object, "_M_pathname")?;
    let mut components = Vec::new();
    for index in 0..size.min(lens.limits().elements) {
        let at = first.wrapping_add(index * stride);
        let component = Object { place: Place::memory(at), ..object.clone() };
        // `path::_Type`: several components, the name of a root, a root directory, a file's name.
        let label = match component_list(lens, &component)? & PATH_KIND {
            1 => "[root-name]".to_owned(),
            2 => "[root-directory]".to_owned(),
            _ => format!("[{index}]"),
        };
        components.push((label, lens.show_at(name.type_ref(), at)));
    }
    Ok(components)
}

/// The pointer to a path's components, with what the path is in its lowest bits.
fn component_list(lens: &Lens<'_, '_, '_>, object: &Object) -> Looked<u64> {
    lens.word_of(&lens.member(object, "_M_cmpts._M_impl")?)
}
