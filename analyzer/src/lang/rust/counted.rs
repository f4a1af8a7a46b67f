//! Shared owners: `rc.rs`, `sync.rs`.

use dpdb_snapshot::Avma;

use super::super::lens::{Lens, Looked, Object, Pointer, broken};
use super::super::{Shown, TextUnit};
use super::sequence::unwrapped;
use super::wide::{aligned, behind_vtable};
use crate::types::TypeKind;
use crate::value::{Logical, SmartPointer, ValueTree};

/// More owners than `usize::MAX / 2` abort the program.
const MOST_OWNERS: u64 = i64::MAX as u64;
/// The bytes of the counts, in front of what is shared.
const COUNTS: u64 = 16;

/// What is shared, with its counts in front.
struct Shared {
    to: Avma,
    owners: u64,
    /// All owners together count as one.
    observers: u64,
    value: ValueTree,
}

fn shared(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shared> {
    let pointer = unwrapped(lens, &lens.member(object, "ptr")?)?;
    let wide = lens.any_member(&pointer, &["data_ptr", "pointer"]).ok();
    let thin = lens.pointer(wide.as_ref().unwrap_or(&pointer))?;
    let block = lens.object_at(thin.target, thin.to)?;
    let (strong, weak) = if lens.has(&block, "strong") {
        (lens.member(&block, "strong")?, lens.member(&block, "weak")?)
    } else {
        // What has no size of its own is pointed to by the address of its first byte.
        return broken("the type of what it points to has no counts");
    };
    let (owners, observers) = (counter(lens, &strong)?, counter(lens, &weak)?);
    let together = u64::from(owners > 0);
    if owners > MOST_OWNERS || observers > MOST_OWNERS || observers < together {
        return broken(format!("it counts {owners} owners and {observers} observers"));
    }
    let inner = lens.any_member(&block, &["value", "data"])?;
    let is_dyn = lens.has(&pointer, "vtable");
    let to = match is_dyn {
        true => thin.to.wrapping_add(aligned(lens, &pointer, COUNTS)?),
        false => inner.place.address().unwrap_or(thin.to),
    };
    let value = match (owners, &wide) {
        (0, _) => None,
        (_, None) => Some(lens.show_object(&inner)),
        (_, Some(_)) if is_dyn => Some(behind_vtable(lens, &pointer, to)?),
        (_, Some(_)) => Some(unsized_value(lens, object, &pointer, &inner)?),
    };
    Ok(Shared { to, owners, observers: observers - together, value: value.unwrap_or(ValueTree::Void) })
}

/// A count in a `Cell` or an atomic.
fn counter(lens: &Lens<'_, '_, '_>, object: &Object) -> Looked<u64> {
    lens.number(&lens.any_member(object, &["value.value", "v.value", "v.value.__0"])?)
}

/// `str` and slices, whose length the pointer has.
fn unsized_value(lens: &mut Lens<'_, '_, '_>, object: &Object, pointer: &Object, inner: &Object) -> Looked<ValueTree> {
    let length = lens.number_in(pointer, "length")?;
    let at = inner.place.address().unwrap_or_default();
    let target = match &inner.of.kind {
        TypeKind::Array(array) => array.element,
        _ => inner.type_ref(),
    };
    if object.name().contains("<str") {
        return Ok(lens.text(at, length, TextUnit::BYTE)?.into());
    }
    Ok(lens.elements(Pointer { target, to: at }, length)?.into())
}

fn shown(shared: Shared, kind: &'static str) -> Logical {
    let Shared { to, owners, observers, value } = shared;
    let value = (owners > 0).then_some(value);
    Logical::SmartPointer(SmartPointer { kind, to, use_count: Some(owners), weak_count: Some(observers), value })
}

pub(super) fn rc(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    Ok(shown(shared(lens, object)?, "Rc").into())
}

pub(super) fn arc(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    Ok(shown(shared(lens, object)?, "Arc").into())
}

pub(super) fn weak(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let pointer = unwrapped(lens, &lens.member(object, "ptr")?)?;
    if lens.word_of(&pointer)? == u64::MAX {
        // `Weak::new` points nowhere.
        let none = SmartPointer { kind: "Weak", use_count: Some(0), weak_count: Some(0), ..SmartPointer::default() };
        return Ok(Shown::Beside(Logical::SmartPointer(none).into()));
    }
    Ok(Shown::Beside(shown(shared(lens, object)?, "Weak").into()))
}
