//! How many elements an array has, where that is only known in a frame (C's variable-length arrays).

use gimli::{AttributeValue, LittleEndian};

use super::context::Context;
use super::evaluate;
use super::place::Missing;
use super::{scalar, variables};
use crate::dwarf::{DieRef, Slice};
use crate::types::{self, Array, Bound, Count, Type, TypeKind, TypeRef};

/// Arrays inside arrays that are followed.
const MOST_LEVELS: usize = 32;

/// The number of elements in each dimension.
pub(crate) fn counts(context: Context<'_, '_>, of: &Array) -> Result<Vec<u64>, Missing> {
    of.dimensions.iter().map(|dimension| count(context, &dimension.count)).collect()
}

fn count(context: Context<'_, '_>, count: &Count) -> Result<u64, Missing> {
    match count {
        Count::Constant(count) => Ok(*count),
        // A flexible array member: how many there are is the program's own business. gdb shows none.
        Count::Unknown => Ok(0),
        Count::Variable(bound, add) => {
            let found = match bound {
                Bound::Variable(die) => value_of(context, *die)?,
                Bound::Expression(expression) => evaluate::number(context, Slice::new(expression, LittleEndian), None)?,
                Bound::LocationList(offset) => {
                    let list = AttributeValue::LocationListsRef(gimli::LocationListsOffset(*offset));
                    let expression = evaluate::expression_at(context, list, context.lookup_address())?
                        .ok_or(Missing::OptimizedOut)?;
                    evaluate::number(context, expression, None)?
                }
            };
            // An uninitialised bound of -1 and below is an empty array, not a wild one.
            Ok(u64::try_from((found as i64).saturating_add(*add)).unwrap_or(0))
        }
    }
}

/// The value of the variable at `die`, which a compiler made for a bound.
fn value_of(context: Context<'_, '_>, die: DieRef) -> Result<u64, Missing> {
    let place = variables::place_of(context, die)?;
    let of = variables::type_of(context, die);
    let size = types::size(context.view, of, 0).unwrap_or(8).min(8);
    Ok(scalar::integer(&place.read(context.memory(), size)?, true) as u64)
}

/// The size in bytes of a type that holds an array of variable length.
pub(crate) fn size_of(context: Context<'_, '_>, of: TypeRef) -> Option<u64> {
    size_at(context, of, 0)
}

fn size_at(context: Context<'_, '_>, of: TypeRef, level: usize) -> Option<u64> {
    if level > MOST_LEVELS {
        return None;
    }
    let (die, found): (DieRef, std::sync::Arc<Type>) = types::strip(context.view, of)?;
    if let Some(size) = types::size(context.view, Some(die), 0) {
        return Some(size);
    }
    let TypeKind::Array(array) = &found.kind else { return None };
    let element = size_at(context, array.element, level + 1)?;
    counts(context, array).ok()?.iter().try_fold(element, |size, count| size.checked_mul(*count))
}
