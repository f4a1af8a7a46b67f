//! Errors, and what may have been meant.

use crate::expr::{ExprError, Span};

/// Names farther from the asked one than this are no suggestion.
const MOST_EDITS: usize = 2;

pub(super) fn at(span: Span, message: String) -> ExprError {
    ExprError::new(span, message)
}

pub(super) fn refused(span: Span, message: impl Into<String>) -> ExprError {
    ExprError::new(span, message)
}

/// `did you mean "counter"?`, where one of the names is close to what was asked for.
pub(super) fn suggestion<'n>(asked: &str, names: impl Iterator<Item = &'n str>) -> Option<String> {
    nearest_name(asked, names).map(|near| format!("did you mean {near:?}?"))
}

/// The name that is nearest to the asked one, and near enough: a few edits away, or one that begins as it does.
pub(crate) fn nearest_name<'n>(asked: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let is_begun = |name: &str| asked.chars().count() > 1 && name.starts_with(asked);
    let near = names
        .map(|name| (distance(asked, name), !is_begun(name), name))
        .min_by_key(|(edits, other, name)| (if *other { *edits } else { (*edits).min(MOST_EDITS) }, *other, *name))?;
    let limit = MOST_EDITS.min(asked.chars().count().saturating_sub(1) / 2);
    let (edits, other, name) = near;
    (edits > 0 && (edits <= limit || !other)).then_some(name)
}

/// The Levenshtein distance, given up where the lengths alone differ too much.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    if a.len().abs_diff(b.len()) > MOST_EDITS {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::suggestion;

    #[test]
    fn the_nearest_name_is_suggested_and_no_far_one() {
        let names = ["counter", "count", "total"];
        assert_eq!(suggestion("conuter", names.into_iter()).as_deref(), Some("did you mean \"counter\"?"));
        assert_eq!(suggestion("xyzzy", names.into_iter()), None);
        assert_eq!(suggestion("x", names.into_iter()), None);
    }
}
