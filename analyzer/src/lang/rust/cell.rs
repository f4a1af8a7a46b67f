//! What can change behind a shared reference: `cell.rs`, `sync/poison/`, `sync/atomic.rs`; and `num/nonzero.rs`.

use super::super::Shown;
use super::super::lens::{Doubt, Lens, Looked, Object};
use crate::types::FieldKind;
use crate::value::Logical;

pub(super) fn cell(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let value = lens.member(object, "value.value")?;
    Ok(Logical::Cell { value: lens.show_object(&value), borrow: None }.into())
}

pub(super) fn ref_cell(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let borrow = lens.number_in(object, "borrow.value.value")? as i64;
    let value = lens.member(object, "value.value")?;
    Ok(Logical::Cell { value: lens.show_object(&value), borrow: Some(borrow) }.into())
}

/// `Ref` and `RefMut`, in the words of gdb's printers, which fail on them since they hold a `NonNull` (Rust 1.63).
pub(super) fn borrowed(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let value = lens.pointer(&super::sequence::unwrapped(lens, &lens.member(object, "value")?)?)?;
    let borrow = lens.pointer(&lens.any_member(object, &["borrow.borrow"])?)?;
    let borrow = lens.object_at(borrow.target, borrow.to)?;
    let count = lens.member(&borrow, "value.value")?;
    let number = lens.number(&count)? as i64;
    let summary = if number >= 0 { format!("Ref(borrow={number})") } else { format!("Ref(borrow_mut={})", -number) };
    let shown = lens.show_at(value.target, value.to);
    let fields = vec![("*value".to_owned(), shown), ("borrow".to_owned(), lens.show_object(&count))];
    Ok(Shown::Beside(Logical::Object { summary, fields }.into()))
}

pub(super) fn mutex(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let state = lens.any_member(object, &["inner.futex.v.value", "inner.futex.v.value.__0"])?;
    let state = match lens.number(&state)? {
        0 => "unlocked",
        1 => "locked",
        2 => "locked, others wait",
        _ => "in no state that a lock has",
    };
    lock(lens, object, "Mutex", state.to_owned())
}

pub(super) fn rw_lock(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    // `sys/sync/rwlock/futex.rs`: the low 30 bits count the readers.
    const WRITTEN: u64 = (1 << 30) - 1;
    let state = lens.number(&lens.any_member(object, &["inner.state.v.value", "inner.state.v.value.__0"])?)?;
    let state = match state & WRITTEN {
        0 => "unlocked".to_owned(),
        WRITTEN => "locked for writing".to_owned(),
        readers => format!("locked by {readers} readers"),
    };
    lock(lens, object, "RwLock", state)
}

fn lock(lens: &mut Lens<'_, '_, '_>, object: &Object, kind: &str, state: String) -> Looked<Shown> {
    let poison = lens.any_member(object, &["poison.failed.v.value", "poison.failed.v.value.__0"]);
    let poisoned = poison.is_ok_and(|poison| lens.number(&poison).is_ok_and(|failed| failed != 0));
    let value = lens.member(object, "data.value")?;
    let fields = vec![("data".to_owned(), lens.show_object(&value))];
    let summary = format!("{kind} ({state}{})", if poisoned { ", poisoned" } else { "" });
    Ok(Shown::Beside(Logical::Object { summary, fields }.into()))
}

pub(super) fn atomic(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let value = lens.any_member(object, &["v.value", "p.value"])?;
    Ok(Shown::Instead(lens.show_object(&innermost(lens, value))))
}

pub(super) fn non_zero(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let inner = innermost(lens, object.clone());
    if inner.record().is_some() {
        return Err(Doubt::OtherShape);
    }
    Ok(Shown::Instead(lens.show_object(&inner)))
}

/// What is inside records of one member each.
fn innermost(lens: &Lens<'_, '_, '_>, object: Object) -> Object {
    let mut current = object;
    for _ in 0..4 {
        let Some([field]) = current.record().map(|record| record.fields.as_slice()) else { break };
        match lens.field(&current, field) {
            Ok(inner) if field.kind == FieldKind::Member => current = inner,
            _ => break,
        }
    }
    current
}
