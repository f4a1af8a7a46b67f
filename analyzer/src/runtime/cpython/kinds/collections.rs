//! The containers of the module `collections`.

use dpdb_snapshot::Avma;

use super::{Kind, Shown, Subject, call};
use crate::runtime::cpython::containers::Members;
use crate::runtime::cpython::heap::Heap;
use crate::runtime::cpython::layout::Minor;
use crate::runtime::cpython::objects::Reader;
use crate::runtime::cpython::unreadable::Unreadable;
use crate::runtime::cpython::value::{Items, PythonValue};

pub(super) const KINDS: &[(&str, Kind)] = &[
    ("collections.deque", deque),
    ("collections.defaultdict", defaultdict),
    ("collections.OrderedDict", ordered_dict),
    ("collections.Counter", counter),
    ("collections.ChainMap", chain_map),
];

/// Nodes of an ordered dictionary that are followed past the limit.
const MOST_NODES: u64 = 1 << 16;
/// Entries of a counter that are put in the order of their numbers.
const MOST_SORTED: u64 = 1 << 12;

fn deque(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let heap = reader.heap;
    let Members { items, length } = heap.deque(of.at, reader.limits.elements)?;
    let items = items.into_iter().map(|item| reader.nested(item, of.path)).collect();
    let items = PythonValue::Items { kind: Items::List, items, length };
    let mut args = vec![(None, items)];
    let bound = heap.word(of.at, "dequeobject.maxlen")? as i64;
    if bound >= 0 {
        args.push((Some("maxlen".to_owned()), PythonValue::Int(bound.into())));
    }
    Ok(PythonValue::Call { callee: of.facts.simple_name(), args })
}

fn defaultdict(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let factory = match reader.heap.pointer(of.at, "defdictobject.default_factory")? {
        Some(factory) => reader.nested(factory, of.path),
        None => PythonValue::Constant("None"),
    };
    let entries = reader.dict(of.at, of.path)?;
    Ok(call(of.facts.simple_name(), vec![factory, entries]))
}

/// In the order of its list, which `move_to_end` changes and the dictionary's table does not know.
fn ordered_dict(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let (pairs, length) = ordered_pairs(reader.heap, of.at, reader.limits.elements)?;
    let callee = of.facts.simple_name();
    if length == 0 {
        return Ok(call(callee, Vec::new()));
    }
    let entries: Vec<_> =
        pairs.into_iter().map(|(key, value)| (reader.nested(key, of.path), reader.nested(value, of.path))).collect();
    if reader.heap.layout.minor >= Minor(12) {
        return Ok(call(callee, vec![PythonValue::Dict { entries, length }]));
    }
    let pair = |(key, value)| PythonValue::Items { kind: Items::Tuple, items: vec![key, value], length: 2 };
    let items = entries.into_iter().map(pair).collect();
    Ok(call(callee, vec![PythonValue::Items { kind: Items::List, items, length }]))
}

/// Keys and values of an ordered dictionary in the order of its list, at most `limit` of them, and how many it has.
pub(in crate::runtime::cpython) fn ordered_pairs(
    heap: &Heap<'_>,
    at: Avma,
    limit: u64,
) -> Result<(Vec<(Avma, Avma)>, u64), Unreadable> {
    let entries = heap.dict(at, MOST_NODES)?;
    let values: std::collections::HashMap<Avma, Avma> = entries.pairs.into_iter().collect();
    let mut pairs = Vec::new();
    let mut next = heap.pointer(at, "PyODictObject.od_first")?;
    for _ in 0..MOST_NODES {
        let Some(node) = next.filter(|_| (pairs.len() as u64) < entries.length.min(limit)) else {
            break;
        };
        let key = heap.object(node, "_odictnode.key")?;
        pairs.extend(values.get(&key).map(|value| (key, *value)));
        next = heap.pointer(node, "_odictnode.next")?;
    }
    Ok((pairs, entries.length))
}

/// The most common first, as `Counter.most_common` sorts them.
fn counter(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let found = reader.heap.dict(of.at, MOST_SORTED)?;
    let callee = of.facts.simple_name();
    if found.length == 0 {
        return Ok(call(callee, Vec::new()));
    }
    let mut pairs = found.pairs;
    let whole = pairs.len() as u64 == found.length;
    let number = |at: Avma| reader.heap.expect(at, "int").ok().and_then(|()| reader.heap.integer(at).ok());
    if whole && pairs.iter().all(|(_, count)| number(*count).is_some()) {
        pairs.sort_by_cached_key(|(_, count)| std::cmp::Reverse(number(*count)));
    }
    let shown = pairs.into_iter().take(reader.limits.elements as usize);
    let entries = shown.map(|(key, value)| (reader.nested(key, of.path), reader.nested(value, of.path))).collect();
    Ok(call(callee, vec![PythonValue::Dict { entries, length: found.length }]))
}

fn chain_map(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let maps = reader.kept(of.at, "maps").ok_or(Unreadable::NotA { expected: "ChainMap", at: of.at })?;
    let maps = reader.heap.first_items(maps, reader.limits.elements)?.items;
    Ok(call(of.facts.simple_name(), maps.into_iter().map(|map| reader.nested(map, of.path)).collect()))
}
