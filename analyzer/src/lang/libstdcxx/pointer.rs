//! Pointers: `unique_ptr.h`, `shared_ptr_base.h`, `refwrap.h`, `exception_ptr.h`.

use dpdb_snapshot::Avma;

use super::super::lens::{Doubt, Lens, Looked, Object, Pointer, broken};
use super::super::{Shown, bare, libcxx};
use crate::types::{self, TypeKind, TypeRef};
use crate::value::{Logical, SmartPointer, ValueTree};

/// Owners of one object that are believed.
const MOST_OWNERS: u64 = 1 << 31;
/// How far before an exception object its `std::type_info` stands: `__cxa_exception` (Itanium C++ ABI, exceptions,
/// 2.2.1) with what it has in front in `unwind-cxx.h`.
const EXCEPTION_TYPE: u64 = 112;

pub(super) fn unique(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    // The pointer and the deleter are a tuple, which newer versions wrap once more.
    let inner = match lens.any_member(object, &["_M_t._M_t", "_M_t"]) {
        Ok(inner) => inner,
        Err(_) => return libcxx::unique(lens, object),
    };
    let implementation = lens.bases(&inner).into_iter().next().ok_or(Doubt::OtherShape)?;
    let first = lens.bases(&implementation).into_iter().find(|base| bare(base.name()) == "_Head_base");
    let head = lens.member(&first.ok_or(Doubt::OtherShape)?, "_M_head_impl")?;
    let pointer = lens.pointer(&head)?;
    Ok(owner(lens, "unique_ptr", pointer, None))
}

/// What a pointer that owns has to show.
pub(in super::super) fn owner(
    lens: &mut Lens<'_, '_, '_>,
    kind: &'static str,
    pointer: Pointer,
    counts: Option<(u64, u64)>,
) -> Shown {
    let alive = counts.is_none_or(|(owners, _)| owners > 0);
    let value = alive.then(|| pointee(lens, pointer)).flatten();
    let (use_count, weak_count) = (counts.map(|counts| counts.0), counts.map(|counts| counts.1));
    Logical::SmartPointer(SmartPointer { kind, to: pointer.to, use_count, weak_count, value }).into()
}

fn pointee(lens: &mut Lens<'_, '_, '_>, pointer: Pointer) -> Option<ValueTree> {
    let target: TypeRef = pointer.target;
    let (_, of) = types::strip(lens.view(), target)?;
    let shown = pointer.to.0 != 0 && !matches!(of.kind, TypeKind::Unspecified);
    shown.then(|| lens.show_at(target, pointer.to))
}

pub(super) fn shared(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    counted(lens, object, "shared_ptr")
}

pub(super) fn weak(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    counted(lens, object, "weak_ptr")
}

fn counted(lens: &mut Lens<'_, '_, '_>, object: &Object, kind: &'static str) -> Looked<Shown> {
    let Ok(pointer) = lens.member(object, "_M_ptr") else { return libcxx::counted(lens, object, kind) };
    let pointer = lens.pointer(&pointer)?;
    let counts = lens.pointer_in(object, "_M_refcount._M_pi")?;
    if counts.to.0 == 0 {
        return Ok(owner(lens, kind, pointer, None));
    }
    let block = lens.object_at(counts.target, counts.to)?;
    let owners = lens.number_in(&block, "_M_use_count")?;
    let observers = lens.number_in(&block, "_M_weak_count")?;
    // All owners together count as one observer of the counts.
    let together = u64::from(owners > 0);
    if owners > MOST_OWNERS || observers > MOST_OWNERS || observers < together {
        return broken(format!("it counts {owners} owners and {observers} observers"));
    }
    Ok(owner(lens, kind, pointer, Some((owners, observers - together))))
}

pub(super) fn reference_wrapper(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let pointer = lens.pointer(&lens.any_member(object, &["_M_data", "__f_"])?)?;
    let value = Box::new(lens.show_at(pointer.target, pointer.to));
    Ok(Shown::Beside(ValueTree::Reference { to: Some(pointer.to), value }))
}

pub(super) fn exception(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let thrown = lens.any_member(object, &["_M_exception_object", "__ptr_"])?;
    let thrown = lens.pointer(&thrown)?.to;
    let summary = match thrown.0 {
        0 => "no exception".to_owned(),
        _ => {
            let type_info = lens.word(thrown.wrapping_sub(EXCEPTION_TYPE))?;
            let symbol = lens.context().session.symbol_at(Avma(type_info)).filter(|symbol| symbol.offset == 0);
            match symbol.as_ref().and_then(|symbol| symbol.name.strip_prefix("typeinfo for ")) {
                Some(name) => format!("an exception of type {name} at {thrown}"),
                None => format!("an exception at {thrown}"),
            }
        }
    };
    Ok(Shown::Beside(Logical::Object { summary, fields: Vec::new() }.into()))
}
