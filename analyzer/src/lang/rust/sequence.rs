//! Elements in an order: `vec/mod.rs`, `raw_vec.rs`, `vec_deque/mod.rs`, `binary_heap/mod.rs`, `linked_list.rs`.

use dpdb_snapshot::Avma;

use super::super::Shown;
use super::super::lens::{Doubt, Lens, Looked, Object, Pointer, broken};
use crate::types::{TypeKind, TypeRef};
use crate::value::Logical;

/// Wrappers around a pointer: `Unique`, `NonNull`.
const MOST_WRAPPERS: usize = 6;

/// The pointer inside `Unique`, `NonNull` and the like, which have one member that matters, and that first.
pub(super) fn unwrapped(lens: &Lens<'_, '_, '_>, object: &Object) -> Looked<Object> {
    let mut current = object.clone();
    for _ in 0..MOST_WRAPPERS {
        let is_wide = lens.has(&current, "data_ptr") || lens.has(&current, "vtable");
        if matches!(current.of.kind, TypeKind::Pointer(_)) || is_wide {
            return Ok(current);
        }
        current = match lens.member(&current, "pointer") {
            Ok(pointer) => pointer,
            Err(_) => {
                let fields = current.record().map(|record| record.fields.as_slice()).unwrap_or_default();
                lens.field(&current, fields.first().ok_or(Doubt::OtherShape)?)?
            }
        };
    }
    Err(Doubt::OtherShape)
}

/// What a vector is made of: `RawVec`, and a length.
pub(super) struct Raw {
    pub(super) first: Pointer,
    pub(super) capacity: Option<u64>,
}

/// The buffer of a `Vec<of>`. The capacity of elements without a size means nothing.
pub(super) fn raw(lens: &Lens<'_, '_, '_>, vec: &Object, of: TypeRef) -> Looked<Raw> {
    let pointer = unwrapped(lens, &lens.any_member(vec, &["buf.inner.ptr", "buf.ptr"])?)?;
    let to = lens.pointer(&pointer)?.to;
    let capacity = lens.any_member(vec, &["buf.inner.cap.__0", "buf.inner.cap", "buf.cap.__0", "buf.cap"])?;
    let sized = lens.size(of)? > 0;
    let capacity = match lens.number(&capacity) {
        Err(Doubt::Missing(crate::value::Missing::OptimizedOut)) => None,
        capacity => Some(capacity?).filter(|_| sized),
    };
    Ok(Raw { first: Pointer { target: of, to }, capacity })
}

impl Raw {
    pub(super) fn check(&self, length: u64) -> Looked<()> {
        match self.capacity {
            Some(capacity) if length > capacity => {
                broken(format!("its length is {length} and its capacity {capacity}"))
            }
            _ => Ok(()),
        }
    }
}

pub(super) fn vec(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let raw = raw(lens, object, lens.argument(object, 0)?)?;
    let length = lens.number_in(object, "len")?;
    raw.check(length)?;
    Ok(lens.elements(raw.first, length)?.into())
}

pub(super) fn vec_deque(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let element = lens.argument(object, 0)?;
    let raw = raw(lens, object, element)?;
    let head = lens.number_in(object, "head")?;
    // Until 1.66 it had the place behind the last element instead.
    let length = match lens.number_in(object, "len") {
        Ok(length) => length,
        Err(_) => {
            let tail = lens.number_in(object, "tail")?;
            return old_deque(lens, &raw, tail, head);
        }
    };
    raw.check(length)?;
    ring(lens, &raw, head, length)
}

fn old_deque(lens: &mut Lens<'_, '_, '_>, raw: &Raw, first: u64, end: u64) -> Looked<Shown> {
    let capacity = raw.capacity.unwrap_or(0);
    if first >= capacity.max(1) || end >= capacity.max(1) || !capacity.is_power_of_two() {
        return broken(format!("it goes from {first} to {end} in a ring of {capacity}"));
    }
    ring(lens, raw, first, end.wrapping_sub(first) & (capacity - 1))
}

fn ring(lens: &mut Lens<'_, '_, '_>, raw: &Raw, head: u64, length: u64) -> Looked<Shown> {
    let size = lens.size(raw.first.target)?;
    let capacity = raw.capacity.unwrap_or(u64::MAX);
    if length > 0 && (head >= capacity || size > 0 && capacity > i64::MAX as u64 / size) {
        return broken(format!("it begins at {head} in a ring of {capacity}"));
    }
    if length > 0 && size > 0 {
        lens.expect_mapped(raw.first.to, "its ring")?;
        lens.expect_mapped(raw.first.to.wrapping_add((capacity - 1) * size), "the end of its ring")?;
    }
    let items = lens.take(length, |lens, index| {
        let place = (head + index) % capacity;
        lens.show_at(raw.first.target, raw.first.to.wrapping_add(place.wrapping_mul(size)))
    });
    Ok(Logical::Sequence { items, length: Some(length) }.into())
}

/// In the order of the heap, which is not that of the elements.
pub(super) fn binary_heap(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let data = lens.member(object, "data")?;
    vec(lens, &data)
}

pub(super) fn linked_list(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let length = lens.number_in(object, "len")?;
    let head = unwrapped(lens, &lens.member(&lens.payload(&lens.member(object, "head")?, "Some")?, "__0")?)?;
    // `None` is the null pointer that no `NonNull` is.
    let head = lens.pointer(&head)?;
    let mut at = head.to;
    let mut elements = Vec::new();
    while at.0 != 0 && (elements.len() as u64) < lens.limits().elements.min(length) {
        let node = lens.object_at(head.target, at)?;
        elements.push(lens.member(&node, "element")?);
        let next = lens.payload(&lens.member(&node, "next")?, "Some")?;
        at = Avma(lens.number(&unwrapped(lens, &lens.member(&next, "__0")?)?)?);
    }
    let walked = elements.len() as u64;
    if walked < lens.limits().elements.min(length) || at.0 != 0 && walked == length {
        return broken(format!("it counts {length} elements and has {walked}"));
    }
    let items = lens.take(walked, |lens, index| lens.show_object(&elements[index as usize]));
    Ok(Shown::Beside(Logical::Sequence { items, length: Some(length) }.into()))
}
