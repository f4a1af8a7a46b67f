//! What code a value leads to: `std_function.h`, and the vtable of an object with virtual functions.

use dpdb_snapshot::Avma;

use super::super::lens::{Doubt, Lens, Looked, Object};
use super::super::{Shown, bare, libcxx};
use crate::types::{self, TypeKind, TypeRef};
use crate::value::{Logical, ValueTree};

/// The class of which the function at an address is a member.
pub(in super::super) fn class_of_function(lens: &Lens<'_, '_, '_>, at: Avma) -> Option<Object> {
    let context = lens.context();
    let session = context.session;
    let module = session.module_at(at)?;
    // Types of one file's debugging information cannot be looked at with another's.
    let (unit, function) =
        (module.index() == context.module.index()).then(|| lens.view())?.physical_function(module.to_svma(at)?.0)?;
    let class = lens.view().home_of_function(unit.die(function))?;
    lens.object_at(Some(class), Avma(0)).ok()
}

/// Which function a `std::function` calls is told by the one that calls it.
pub(super) fn function(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let Ok(invoker) = lens.pointer_in(object, "_M_invoker") else { return libcxx::function(lens, object) };
    let invoker = invoker.to;
    let summary = if lens.pointer_in(object, "_M_manager")?.to.0 == 0 {
        "no function".to_owned()
    } else {
        target(lens, object, invoker)?
    };
    Ok(Shown::Beside(Logical::Object { summary, fields: Vec::new() }.into()))
}

fn target(lens: &Lens<'_, '_, '_>, object: &Object, invoker: Avma) -> Looked<String> {
    let by_symbol = || {
        let symbol = lens.symbol(invoker).ok_or(Doubt::OtherShape)?;
        Ok(functor_in(&symbol).unwrap_or(&symbol).to_owned())
    };
    let Some(handler) = class_of_function(lens, invoker).filter(|class| bare(class.name()) == "_Function_handler")
    else {
        return by_symbol();
    };
    let Ok(functor) = lens.argument(&handler, 1) else { return by_symbol() };
    match types::strip(lens.view(), functor).map(|(_, of)| of.kind.clone()) {
        Some(TypeKind::Pointer(_)) => {
            let pointer = lens.word_of(&lens.member(object, "_M_functor")?)?;
            Ok(lens.symbol(Avma(pointer)).unwrap_or_else(|| format!("{pointer:#x}")))
        }
        Some(TypeKind::Record(_)) => by_symbol(),
        _ => Ok(lens.type_name(functor)),
    }
}

/// The functor's type in `std::_Function_handler<SIGNATURE, FUNCTOR>::_M_invoke`: debugging information has no name
/// for a lambda.
fn functor_in(symbol: &str) -> Option<&str> {
    let arguments = symbol.strip_prefix("std::_Function_handler<")?;
    let arguments = &arguments[..arguments.rfind(">::_M_invoke")?];
    let functor = arguments[first_argument(arguments).len()..].strip_prefix(',')?;
    Some(functor.trim())
}

/// The first of the arguments of a template, which commas part.
pub(in super::super) fn first_argument(arguments: &str) -> &str {
    let mut depth = 0_usize;
    let comma = arguments.char_indices().find(|(_, character)| {
        match character {
            '<' | '(' | '{' => depth += 1,
            '>' | ')' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && *character == ','
    });
    &arguments[..comma.map_or(arguments.len(), |(at, _)| at)]
}

/// The class of the object that a pointer leads to, where that is another than the pointer's type says: the vtable
/// knows it (Itanium C++ ABI, 2.5.2).
pub(in super::super) fn dynamic_type(lens: &Lens<'_, '_, '_>, target: TypeRef, to: Avma) -> Option<ValueTree> {
    let object = lens.object_at(target, to).ok()?;
    let polymorphic = |object: &Object| object.record().is_some_and(|record| record.polymorphic);
    let has_vtable = polymorphic(&object) || lens.bases(&object).iter().any(polymorphic);
    if to.0 == 0 || !has_vtable {
        return None;
    }
    let table = lens.word(to).ok()?;
    let symbol = lens.context().session.symbol_at(Avma(table))?;
    let class = class_of_vtable(&symbol.name)?;
    let mut known = lens.view().path_of(object.die);
    known.push(object.name().to_owned());
    let differs = bare(class) != bare(&known.join("::"));
    differs.then(|| Logical::Object { summary: class.to_owned(), fields: Vec::new() }.into())
}

/// Demanglers write a vtable's name in one of two ways.
pub(in super::super) fn class_of_vtable(symbol: &str) -> Option<&str> {
    let braced = || symbol.strip_prefix("{vtable(")?.strip_suffix(")}");
    symbol.strip_prefix("vtable for ").or_else(braced)
}

impl Lens<'_, '_, '_> {
    /// The name of the code or data at an address.
    pub(in super::super) fn symbol(&self, at: Avma) -> Option<String> {
        self.context().session.symbol_at(at).filter(|symbol| symbol.offset == 0).map(|symbol| symbol.name)
    }

    /// The name of the code or data that an address is in.
    pub(in super::super) fn symbol_near(&self, at: Avma) -> Option<String> {
        self.context().session.symbol_at(at).map(|symbol| symbol.name)
    }

    /// The first eight bytes of something.
    pub(in super::super) fn word_of(&self, object: &Object) -> Looked<u64> {
        Ok(crate::value::integer(&object.place.read(self.memory(), 8)?, false) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::functor_in;

    #[test]
    fn a_functor_is_named_by_the_function_that_calls_it() {
        let symbol = "std::_Function_handler<int (int, char), zoo(std::vector<int>)::{lambda(int)#1}>::_M_invoke";
        assert_eq!(functor_in(symbol), Some("zoo(std::vector<int>)::{lambda(int)#1}"));
        assert_eq!(functor_in("main"), None);
    }
}
