//! Values of the C++ and Rust standard libraries by what they mean.
//!
//! A formatter is found by the type's name without template arguments and inline namespaces, and by the members that
//! it has: libraries and their versions lay the same type out differently. It believes nothing: counts, ends,
//! capacities and links between nodes have to agree, walks are bounded, and elements are read only as far as they
//! are shown. What does not hold together is shown as it is laid out, with a remark that says why.
//!
//! Where gdb's printers show a type as it is laid out, its meaning goes beside that, so that the two tools can be
//! compared.

mod elements;
mod lens;
mod libcxx;
mod libstdcxx;
mod parts;
mod rust;
mod summary;

use std::sync::Arc;

use lens::{Doubt, Lens, Looked, Object};
pub(crate) use parts::{Collector, Key, MOST_WALKED, Part, Parts, TextPlace, TextUnit, Wanted, parts};

use crate::dwarf::DieRef;
use crate::types::{Type, TypeRef};
use crate::value::{Builder, Logical, Missing, Remark, ValuePlace as Place, ValueTree};

/// A value by its meaning.
enum Shown {
    /// In place of how it is laid out.
    Instead(ValueTree),
    /// As a remark on how it is laid out.
    Beside(ValueTree),
}

impl From<Logical> for Shown {
    fn from(logical: Logical) -> Shown {
        Shown::Instead(logical.into())
    }
}

type Formatter = fn(&mut Lens<'_, '_, '_>, &Object) -> Looked<Shown>;

/// The types of a library by name: the beginning of the path of namespaces or modules that each is declared in, and
/// how it is shown.
type Formatters = [(&'static str, &'static [&'static str], Formatter)];

/// How a record of a library is shown in place of `plain`, how it is laid out; `None` where it is none or just that.
pub(crate) fn record<'c, 'a>(
    builder: &mut Builder<'c, 'a>,
    die: DieRef,
    of: &Arc<Type>,
    place: &Place,
    depth: usize,
    plain: &mut dyn FnMut(&mut Builder<'c, 'a>) -> ValueTree,
) -> Option<ValueTree> {
    let object = Object { die, of: of.clone(), place: place.clone(), bits: None };
    let formatter = formatter(builder, &object)?;
    let left = builder.left;
    let shown = formatter(&mut Lens { builder, depth }, &object);
    let remark = match shown {
        Ok(Shown::Instead(value)) => return Some(value),
        Ok(Shown::Beside(meaning)) => Remark::Meaning(meaning),
        Err(doubt) => {
            builder.left = left;
            Remark::Doubt(sentence(doubt)?)
        }
    };
    let value = Box::new(plain(builder));
    Some(ValueTree::Remarked { value, remark: Box::new(remark) })
}

/// A pointer with a remark on what it points to, where its type does not say it all.
pub(crate) fn pointer(
    builder: &mut Builder<'_, '_>,
    of: &Type,
    target: TypeRef,
    plain: ValueTree,
    depth: usize,
) -> ValueTree {
    let ValueTree::Pointer { to, .. } = plain else { return plain };
    let mut lens = Lens { builder, depth };
    let remark = rust::boxed(&mut lens, of, target, to).or_else(|| libstdcxx::dynamic_type(&lens, target, to));
    match remark {
        Some(meaning) => {
            let remark = Box::new(Remark::Meaning(meaning));
            ValueTree::Remarked { value: Box::new(plain), remark }
        }
        None => plain,
    }
}

/// What a doubt says to the user; nothing where the value's own fields say as much.
fn sentence(doubt: Doubt) -> Option<String> {
    match doubt {
        Doubt::Broken(why) => Some(why),
        Doubt::OtherShape | Doubt::Missing(Missing::OptimizedOut) => None,
        Doubt::Missing(missing) => Some(missing.to_string()),
    }
}

fn formatter(builder: &Builder<'_, '_>, object: &Object) -> Option<Formatter> {
    let name = bare(object.name());
    if let Some(formatter) = rust::wide_pointer(name) {
        return Some(formatter);
    }
    let mut named = [rust::FORMATTERS, libstdcxx::FORMATTERS, libcxx::FORMATTERS]
        .into_iter()
        .flatten()
        .filter(|entry| entry.0 == name);
    // Most records have another name, and then nobody asks for the path.
    let first = named.next()?;
    let home = without_inline(builder.context.view.path_of(object.die));
    let is_home = |prefix: &[&str]| home.len() >= prefix.len() && home.iter().zip(prefix).all(|(a, b)| a == b);
    std::iter::once(first).chain(named).find(|(_, prefix, _)| is_home(prefix)).map(|(_, _, formatter)| *formatter)
}

/// A type's name without template arguments: `vector<int, std::allocator<int> >` is `vector`.
fn bare(name: &str) -> &str {
    name.split('<').next().unwrap_or_default()
}

/// Namespaces without those that libraries put around their types to tell versions apart. Names that begin with two
/// underscores are the implementation's own (C++, [lex.name]).
fn without_inline(path: Vec<String>) -> Vec<String> {
    let inline = |index: usize, name: &str| index > 0 && (name.starts_with("__") || name == "_V2");
    path.into_iter().enumerate().filter(|(index, name)| !inline(*index, name)).map(|(_, name)| name).collect()
}
