//! Text: `string.rs`, `os_str.rs`, `path.rs`, `c_str.rs`.

use super::super::lens::{Lens, Looked, Object, broken};
use super::super::{Shown, TextUnit};
use super::sequence::raw;
use crate::value::Logical;

/// The text in a `Vec<u8>`.
fn of_vec(lens: &mut Lens<'_, '_, '_>, vec: &Object) -> Looked<Logical> {
    let raw = raw(lens, vec, lens.argument(vec, 0)?)?;
    let length = lens.number_in(vec, "len")?;
    raw.check(length)?;
    lens.text(raw.first.to, length, TextUnit::BYTE)
}

pub(super) fn string(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let vec = lens.member(object, "vec")?;
    Ok(of_vec(lens, &vec)?.into())
}

pub(super) fn os_string(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let vec = lens.member(object, "inner.inner")?;
    Ok(of_vec(lens, &vec)?.into())
}

pub(super) fn path_buf(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let inner = lens.member(object, "inner")?;
    os_string(lens, &inner)
}

/// A boxed slice with the NUL at its end.
pub(super) fn c_string(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let length = lens.number_in(object, "inner.length")?;
    let data = lens.pointer_in(object, "inner.data_ptr")?.to;
    let Some(length) = length.checked_sub(1) else { return broken("it has no NUL") };
    Ok(Shown::Beside(lens.text(data, length, TextUnit::BYTE)?.into()))
}
