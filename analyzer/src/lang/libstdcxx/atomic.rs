//! `atomic`, `atomic_base.h`.

use super::super::lens::{Lens, Looked, Object};
use super::super::{Shown, summary};
use crate::value::Logical;

/// Where versions and specialisations keep the value.
const PATHS: [&str; 6] = ["_M_b._M_p", "_M_base._M_i", "_M_i", "_M_fp", "__a_.__a_value", "__a_"];

/// As gdb: a few words with the value in them.
pub(super) fn atomic(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let value = lens.any_member(object, &PATHS)?;
    let of = lens.argument(object, 0)?;
    let text = summary::text(lens, &value, 0)?;
    let summary = format!("std::atomic<{}> = {{ {text} }}", lens.type_name(of));
    Ok(Logical::Object { summary, fields: Vec::new() }.into())
}
