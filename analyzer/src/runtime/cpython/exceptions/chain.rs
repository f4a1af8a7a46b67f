//! Causes, contexts and groups: which exceptions Python prints together, and in which order
//! (Lib/traceback.py, `TracebackException`).

use std::collections::HashSet;

use dpdb_snapshot::{Avma, Text};

use super::super::heap::Heap;
use super::super::objects::Reader;
use super::found::{Found, is_exception};
use super::{Before, Link, PythonException, PythonExceptions, message, syntax_error, traceback};
use crate::value::ValueLimits;

/// More exceptions than these are not read.
const MOST: usize = 1 << 10;
/// Notes of one exception.
const MOST_NOTES: u64 = 1 << 10;
/// Arguments of one.
const MOST_ARGUMENTS: u64 = 64;

/// The exception that was found, and all that Python prints with it.
pub(super) fn read(heap: &Heap<'_>, found: &Found) -> PythonExceptions {
    let root = match found.value.filter(|value| is_exception(heap, *value)) {
        Some(at) => exception(heap, at, found.traceback),
        None => unmade(heap, found),
    };
    let mut nodes = Nodes { heap, all: vec![root], seen: HashSet::new(), cut: false };
    nodes.grow();
    let end = nodes.cut.then(|| format!("more exceptions follow the first {MOST}"));
    let (all, raised) = in_printed_order(nodes.all);
    PythonExceptions { state: found.state, all, raised, end }
}

struct Nodes<'h, 'a> {
    heap: &'h Heap<'a>,
    all: Vec<PythonException>,
    /// Each exception is printed once, so that cycles end.
    seen: HashSet<Avma>,
    cut: bool,
}

impl Nodes<'_, '_> {
    /// Adds what the exceptions came of and the members of groups.
    fn grow(&mut self) {
        self.seen.extend(self.all[0].at);
        let mut next = vec![0];
        while let Some(index) = next.pop() {
            let Some(at) = self.all[index].at else { continue };
            let related = |field| {
                let found = self.heap.pointer(at, field).ok().flatten()?;
                is_exception(self.heap, found).then_some(found)
            };
            let cause = related("PyBaseExceptionObject.cause");
            let context = related("PyBaseExceptionObject.context");
            let hidden = self.heap.byte(at, "PyBaseExceptionObject.suppress_context").is_ok_and(|flag| flag != 0);
            let before = match cause.and_then(|cause| self.add(cause)) {
                Some(number) => Some(Before { number, link: Link::Cause }),
                None if hidden => {
                    let context = context.filter(|_| cause.is_none());
                    let context = context.filter(|context| self.seen.insert(*context));
                    let context = context.map(|context| exception(self.heap, context, None).headline());
                    self.all[index].suppressed = context;
                    None
                }
                None => {
                    let number = context.and_then(|context| self.add(context));
                    number.map(|number| Before { number, link: Link::Context })
                }
            };
            self.all[index].before = before;
            let members = self.members(at);
            next.extend(before.map(|before| before.number));
            next.extend(members.iter().flatten());
            self.all[index].members = members;
        }
    }

    fn add(&mut self, at: Avma) -> Option<usize> {
        if self.all.len() >= MOST {
            self.cut = true;
            return None;
        }
        if !self.seen.insert(at) {
            return None;
        }
        self.all.push(exception(self.heap, at, None));
        Some(self.all.len() - 1)
    }

    /// The members of a group, those that were met before left out.
    fn members(&mut self, at: Avma) -> Option<Vec<usize>> {
        if !self.heap.layout.has("PyBaseExceptionGroupObject.excs") {
            return None;
        }
        self.heap.expect_subtype(at, "BaseExceptionGroup").ok()?;
        let members = self.heap.object(at, "PyBaseExceptionGroupObject.excs").ok()?;
        let members = self.heap.first_items(members, MOST as u64).ok()?.items;
        Some(members.into_iter().filter(|at| is_exception(self.heap, *at)).filter_map(|at| self.add(at)).collect())
    }
}

/// One exception by itself.
fn exception(heap: &Heap<'_>, at: Avma, beside: Option<Avma>) -> PythonException {
    let reader = Reader::new(heap, ValueLimits::default());
    let (message, own_str) = message::of(heap, at).unwrap_or_else(|why| (format!("<{why}>"), false));
    let args = heap.object(at, "PyBaseExceptionObject.args").and_then(|args| heap.first_items(args, MOST_ARGUMENTS));
    let args = args.unwrap_or_default().items;
    let own = heap.pointer(at, "PyBaseExceptionObject.traceback").ok().flatten();
    // Up to 3.11 one in flight has the traceback that an earlier handler gave it, and beside it the one that grows.
    let own = beside.or(own).filter(|own| heap.expect(*own, "traceback").is_ok());
    let (frames, traceback_end) = traceback::frames(heap, own);
    let kind = heap.object(at, "PyObject.ob_type").ok();
    PythonException {
        type_name: kind.map(|kind| type_name(heap, kind)).unwrap_or_default(),
        bases: kind.map(|kind| bases(heap, kind)).unwrap_or_default(),
        message: Text::from(message.as_str()),
        own_str,
        args: args.into_iter().map(|arg| reader.value(arg)).collect(),
        notes: notes(heap, at),
        syntax: syntax_error::read(heap, at),
        traceback: frames,
        traceback_end,
        raised: own.is_some(),
        before: None,
        suppressed: None,
        members: None,
        at: Some(at),
    }
}

/// One that is in flight and was not made into an object yet.
fn unmade(heap: &Heap<'_>, found: &Found) -> PythonException {
    let reader = Reader::new(heap, ValueLimits::default());
    let args = match found.value {
        None => Vec::new(),
        Some(value) if heap.expect(value, "tuple").is_ok() => {
            heap.first_items(value, MOST_ARGUMENTS).unwrap_or_default().items
        }
        Some(value) => vec![value],
    };
    let beside = found.traceback.filter(|at| heap.expect(*at, "traceback").is_ok());
    let (frames, traceback_end) = traceback::frames(heap, beside);
    PythonException {
        type_name: found.kind.map(|kind| type_name(heap, kind)).unwrap_or_default(),
        bases: found.kind.map(|kind| bases(heap, kind)).unwrap_or_default(),
        message: Text::from(message::of_arguments(heap, &args).as_str()),
        own_str: false,
        args: args.into_iter().map(|arg| reader.value(arg)).collect(),
        notes: Vec::new(),
        syntax: None,
        traceback: frames,
        traceback_end,
        raised: beside.is_some(),
        before: None,
        suppressed: None,
        members: None,
        at: None,
    }
}

fn type_name(heap: &Heap<'_>, kind: Avma) -> Text {
    let name = match heap.class(kind) {
        Ok(facts) if facts.module.as_deref() == Some("__main__") => facts.name.clone(),
        Ok(facts) => facts.full_name(),
        Err(why) => format!("<{why}>"),
    };
    Text::from(name.as_str())
}

fn bases(heap: &Heap<'_>, kind: Avma) -> Vec<Text> {
    heap.mro(kind).unwrap_or_default().into_iter().map(|base| type_name(heap, base)).collect()
}

/// `__notes__`: a list that stands among the exception's attributes.
fn notes(heap: &Heap<'_>, at: Avma) -> Vec<Text> {
    let list = || {
        let dict = heap.pointer(at, "PyBaseExceptionObject.dict").ok()??;
        let list = heap.dict_get(dict, "__notes__")?;
        Some(heap.first_items(list, MOST_NOTES).ok()?.items)
    };
    let notes = list().unwrap_or_default().into_iter();
    notes.map(|note| Text::from(message::of_object(heap, note).as_str())).collect()
}

/// The exceptions in the order of their printing, numbered by it, and the number of the first of `all`.
fn in_printed_order(all: Vec<PythonException>) -> (Vec<PythonException>, usize) {
    let mut order = Vec::with_capacity(all.len());
    print(&all, 0, &mut order);
    let mut number = vec![0; all.len()];
    for (place, index) in order.iter().enumerate() {
        number[*index] = place;
    }
    let mut sorted: Vec<(usize, PythonException)> = number.iter().copied().zip(all).collect();
    sorted.sort_by_key(|(place, _)| *place);
    let renumbered = sorted.into_iter().map(|(_, one)| PythonException {
        before: one.before.map(|before| Before { number: number[before.number], ..before }),
        members: one.members.map(|members| members.into_iter().map(|member| number[member]).collect()),
        ..one
    });
    (renumbered.collect(), number[0])
}

/// Adds an exception behind what it came of, and the members of groups behind those.
fn print(all: &[PythonException], top: usize, order: &mut Vec<usize>) {
    let mut chain = vec![top];
    while let Some(before) = chain.last().and_then(|last| all[*last].before) {
        chain.push(before.number);
    }
    for index in chain.into_iter().rev() {
        order.push(index);
        for member in all[index].members.iter().flatten() {
            print(all, *member, order);
        }
    }
}
