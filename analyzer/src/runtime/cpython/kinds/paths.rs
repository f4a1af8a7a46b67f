//! Paths of the module `pathlib`, which each version keeps in another form.

use dpdb_snapshot::Avma;

use super::{Kind, Shown, Subject, call};
use crate::runtime::cpython::objects::Reader;
use crate::runtime::cpython::unreadable::Unreadable;
use crate::runtime::cpython::value::PythonValue;

pub(super) const KINDS: &[(&str, Kind)] = &[("pathlib.PurePath", path), ("pathlib._local.PurePath", path)];

/// Parts of a path.
const MOST_PARTS: u64 = 4096;

fn path(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let mut text = text_of(reader, of.at)?;
    if of.facts.simple_name().contains("Windows") {
        text = text.replace('\\', "/");
    }
    Ok(call(of.facts.simple_name(), vec![PythonValue::text(&text)]))
}

fn text_of(reader: &Reader<'_, '_>, at: Avma) -> Result<String, Unreadable> {
    // The text is kept once somebody has asked for it.
    if let Some(text) = reader.kept(at, "_str") {
        return reader.heap.name(text);
    }
    if let Some(parts) = reader.kept(at, "_raw_paths") {
        return Ok(normal(&texts(reader, parts)?));
    }
    if let Some(parts) = reader.kept(at, "_parts") {
        // Up to 3.11 the first part is the root.
        let parts = texts(reader, parts)?;
        return Ok(match parts.split_first() {
            None => ".".to_owned(),
            Some((root, rest)) if root.starts_with('/') => format!("{root}{}", rest.join("/")),
            Some(_) => parts.join("/"),
        });
    }
    Err(Unreadable::NotA { expected: "path", at })
}

fn texts(reader: &Reader<'_, '_>, list: Avma) -> Result<Vec<String>, Unreadable> {
    let parts = reader.heap.first_items(list, MOST_PARTS)?.items;
    parts.into_iter().map(|part| reader.heap.name(part)).collect()
}

/// What `pathlib` makes of the arguments of a path: joined, an absolute one drops those before, without what means
/// nothing; two slashes in front, and only two, are kept (POSIX, 4.13).
fn normal(raw: &[String]) -> String {
    let from = raw.iter().rposition(|part| part.starts_with('/')).unwrap_or(0);
    let joined = raw[from..].join("/");
    let root = match joined.len() - joined.trim_start_matches('/').len() {
        0 => "",
        2 => "//",
        _ => "/",
    };
    let parts: Vec<&str> = joined.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    match (root, parts.is_empty()) {
        ("", true) => ".".to_owned(),
        _ => format!("{root}{}", parts.join("/")),
    }
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn paths_are_joined_as_pathlib_joins_them() {
        let cases: [(&[&str], &str); 7] = [
            (&[], "."),
            (&["a", "b/../c"], "a/b/../c"),
            (&["a", "/b", "c"], "/b/c"),
            (&["a//b/./c/"], "a/b/c"),
            (&["//net/x"], "//net/x"),
            (&["///x"], "/x"),
            (&["/"], "/"),
        ];
        for (raw, expected) in cases {
            let raw: Vec<String> = raw.iter().map(|part| (*part).to_owned()).collect();
            assert_eq!(normal(&raw), expected);
        }
    }
}
