//! One value or several, as a value: `stl_pair.h`, `tuple`, `optional`, `variant`, `any`, `complex`, `compare`.

use dpdb_snapshot::Avma;

use super::super::lens::{Doubt, Lens, Looked, Object, broken};
use super::super::{Shown, bare, libcxx};
use super::callable::class_of_function;
use crate::types::{TypeKind, TypeRef};
use crate::value::{Logical, Remark, ValueTree};

/// Elements of a tuple that are looked for.
const MOST_ELEMENTS: usize = 1000;

pub(super) fn pair(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let (first, second) = (lens.member(object, "first")?, lens.member(object, "second")?);
    Ok(Logical::Tuple(vec![lens.show_object(&first), lens.show_object(&second)]).into())
}

/// Each element is in a `_Head_base`, in a `_Tuple_impl` that is a base of the one for the element before.
pub(super) fn tuple(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let mut next = lens.bases(object).into_iter().find(|base| bare(base.name()) == "_Tuple_impl");
    let no_members = object.record().is_some_and(|record| record.fields.is_empty());
    if next.is_none() && !no_members {
        return libcxx::tuple(lens, object);
    }
    let mut heads = Vec::new();
    while let Some(current) = next.take().filter(|_| heads.len() < MOST_ELEMENTS) {
        for base in lens.bases(&current) {
            match bare(base.name()) {
                "_Tuple_impl" => next = Some(base),
                _ => heads.push(head(lens, base)),
            }
        }
    }
    let items = lens.take(heads.len() as u64, |lens, index| lens.show_object(&heads[index as usize]));
    Ok(Logical::Tuple(items).into())
}

/// An element that is an empty class is a base of its `_Head_base` in old versions, and a member in new ones.
fn head(lens: &Lens<'_, '_, '_>, base: Object) -> Object {
    let member = lens.member(&base, "_M_head_impl").ok();
    member.or_else(|| lens.bases(&base).into_iter().next()).unwrap_or(base)
}

pub(super) fn optional(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let Ok(engaged) = lens.member(object, "_M_payload._M_engaged") else { return libcxx::optional(lens, object) };
    let value = lens.any_member(object, &["_M_payload._M_payload._M_value", "_M_payload._M_payload"])?;
    held(lens, &engaged, &value)
}

/// A value that is there if a flag says so.
pub(in super::super) fn held(lens: &mut Lens<'_, '_, '_>, engaged: &Object, value: &Object) -> Looked<Shown> {
    match lens.number(engaged)? {
        0 => Ok(Logical::Optional(None).into()),
        1 => Ok(Logical::Optional(Some(lens.show_object(value))).into()),
        other => broken(format!("the flag that says whether it has a value is {other}")),
    }
}

pub(super) fn variant(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let Ok(index) = lens.member(object, "_M_index") else { return libcxx::variant(lens, object) };
    let storage = lens.member(object, "_M_u")?;
    alternative(lens, object, &index, &storage)
}

/// The alternative with the number `index`, all of which begin where `storage` does.
pub(in super::super) fn alternative(
    lens: &mut Lens<'_, '_, '_>,
    object: &Object,
    index: &Object,
    storage: &Object,
) -> Looked<Shown> {
    let none = u64::MAX >> (64 - 8 * lens.size(index.type_ref())?.clamp(1, 8));
    let number = lens.number(index)?;
    if number == none {
        return Ok(Logical::Alternative(None).into());
    }
    let arguments = lens.arguments(object);
    let Some(chosen) = usize::try_from(number).ok().and_then(|number| arguments.get(number)) else {
        // None of them, then: its bytes would say no more.
        let doubt = format!("it says that it holds alternative {number} of {}", arguments.len());
        let value = Box::new(Logical::Alternative(None).into());
        return Ok(Shown::Instead(ValueTree::Remarked { value, remark: Box::new(Remark::Doubt(doubt)) }));
    };
    let value = lens.show(chosen.of, &storage.place);
    Ok(Logical::Alternative(Some((number, value))).into())
}

/// Which type an `any` holds is told by the function that copies and destroys it.
pub(super) fn any(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let Ok(manager) = lens.member(object, "_M_manager") else { return libcxx::any(lens, object) };
    let manager = lens.pointer(&manager)?.to;
    if manager.0 == 0 {
        return Ok(no_value());
    }
    let class = class_of_function(lens, manager).ok_or(Doubt::OtherShape)?;
    let of = lens.argument(&class, 0)?;
    let value = match bare(class.name()) {
        "_Manager_internal" => {
            let buffer = lens.member(object, "_M_storage._M_buffer")?;
            lens.show(of, &buffer.place)
        }
        "_Manager_external" => {
            let at = lens.pointer_in(object, "_M_storage._M_ptr")?.to;
            lens.show_at(of, at)
        }
        _ => return broken("the function that manages its value is none of any's"),
    };
    Ok(any_of(lens, of, value))
}

pub(in super::super) fn no_value() -> Shown {
    let summary = "std::any [no contained value]".to_owned();
    Logical::Object { summary, fields: Vec::new() }.into()
}

pub(in super::super) fn any_of(lens: &Lens<'_, '_, '_>, of: TypeRef, value: ValueTree) -> Shown {
    let summary = format!("std::any containing {}", lens.type_name(of));
    Logical::Object { summary, fields: vec![("[contained value]".to_owned(), value)] }.into()
}

pub(super) fn complex(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let Ok(value) = lens.member(object, "_M_value") else { return libcxx::complex(lens, object) };
    match lens.show_object(&value) {
        shown @ ValueTree::Complex(..) => Ok(Shown::Instead(shown)),
        _ => Err(Doubt::OtherShape),
    }
}

/// What `<=>` gives.
pub(super) fn ordering(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let value = lens.any_member(object, &["_M_value", "__value_"])?;
    let name = match (lens.number(&value)? as u8 as i8, object.name()) {
        (0, "strong_ordering") => "equal",
        (0, _) => "equivalent",
        (-1, _) => "less",
        (1, _) => "greater",
        (2, "partial_ordering") | (-127, "partial_ordering") => "unordered",
        (other, _) => return broken(format!("its value is {other}")),
    };
    let summary = format!("std::{}::{name}", object.name());
    Ok(Logical::Object { summary, fields: Vec::new() }.into())
}

impl Lens<'_, '_, '_> {
    /// A type's name with its namespaces, as gdb writes it.
    pub(in super::super) fn type_name(&self, of: TypeRef) -> String {
        let Ok(object) = self.object_at(of, Avma(0)) else { return "void".to_owned() };
        let mut path = self.view().path_of(object.die);
        path.push(match (&object.of.kind, object.name()) {
            (TypeKind::Pointer(target), "") => {
                let target = self.type_name(*target);
                return format!("{target}{}*", if target.ends_with('*') { "" } else { " " });
            }
            (TypeKind::Base(_), name) => plain_base(name).to_owned(),
            (_, name) => name.to_owned(),
        });
        path.join("::")
    }
}

/// `long int` is gcc's name for what gdb, and clang, call `long`.
fn plain_base(name: &str) -> &str {
    match name {
        "long int" => "long",
        "long long int" => "long long",
        "short int" => "short",
        "long unsigned int" => "unsigned long",
        "long long unsigned int" => "unsigned long long",
        "short unsigned int" => "unsigned short",
        name => name,
    }
}
