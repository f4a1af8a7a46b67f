//! What `str()` makes of an exception, by structure.

use dpdb_snapshot::Avma;

use super::super::heap::{EXCEPTION, HEAP_TYPE, Heap, STR};
use super::super::objects::Reader;
use super::super::unreadable::Unreadable;
use super::super::value::PythonValue;
use crate::value::ValueLimits;

/// A message that is longer is cut.
const LONGEST: u64 = 1 << 16;
/// Arguments that are written out.
const MOST_ARGUMENTS: u64 = 64;
/// An exception whose argument is an exception whose argument is …
const DEEPEST: usize = 16;

/// How built-in exceptions make their text (Objects/exceptions.c).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    Arguments,
    Key,
    Os,
    Syntax,
    Encode,
    Decode,
    Translate,
    Group,
    /// The class has a `__str__` written in Python.
    Own,
}

/// The text of an exception, and whether its class has a `__str__` of its own instead.
pub(super) fn of(heap: &Heap<'_>, at: Avma) -> Result<(String, bool), Unreadable> {
    Texts { heap, reader: Reader::new(heap, ValueLimits::default()) }.of(at, 0)
}

/// The text of an exception that was not made yet: of the arguments for it.
pub(super) fn of_arguments(heap: &Heap<'_>, args: &[Avma]) -> String {
    Texts { heap, reader: Reader::new(heap, ValueLimits::default()) }.arguments(args, 0)
}

/// The text of an object as `str()` makes it, for texts; of others as `repr()` does.
pub(super) fn of_object(heap: &Heap<'_>, at: Avma) -> String {
    Texts { heap, reader: Reader::new(heap, ValueLimits::default()) }.str(at, 0)
}

struct Texts<'h, 'a> {
    heap: &'h Heap<'a>,
    reader: Reader<'h, 'a>,
}

impl Texts<'_, '_> {
    fn of(&self, at: Avma, depth: usize) -> Result<(String, bool), Unreadable> {
        let args = self.heap.object(at, "PyBaseExceptionObject.args")?;
        let args = self.heap.first_items(args, MOST_ARGUMENTS)?.items;
        let rule = self.rule(at)?;
        let text = match rule {
            Rule::Key if args.len() == 1 => Some(self.repr(args[0])),
            Rule::Os => self.os_error(at)?,
            Rule::Syntax => self.syntax_error(at)?,
            Rule::Encode | Rule::Decode | Rule::Translate => self.unicode_error(rule, &args),
            Rule::Group => self.group(at)?,
            Rule::Own => Some(self.reprs(&args)),
            Rule::Key | Rule::Arguments => None,
        };
        Ok((text.unwrap_or_else(|| self.arguments(&args, depth)), rule == Rule::Own))
    }

    /// By the first class in the order of resolution that has a rule.
    fn rule(&self, at: Avma) -> Result<Rule, Unreadable> {
        for class in self.heap.mro(self.heap.type_of(at)?.at)? {
            let class = self.heap.class(class)?;
            if class.has(HEAP_TYPE) {
                let dict = self.heap.pointer(class.at, "PyTypeObject.tp_dict")?;
                if dict.is_some_and(|dict| self.heap.dict_get(dict, "__str__").is_some()) {
                    return Ok(Rule::Own);
                }
                continue;
            }
            let rule = match class.name.as_str() {
                "KeyError" => Rule::Key,
                "OSError" => Rule::Os,
                "SyntaxError" => Rule::Syntax,
                "UnicodeEncodeError" => Rule::Encode,
                "UnicodeDecodeError" => Rule::Decode,
                "UnicodeTranslateError" => Rule::Translate,
                "BaseExceptionGroup" => Rule::Group,
                "BaseException" => Rule::Arguments,
                _ => continue,
            };
            return Ok(rule);
        }
        Ok(Rule::Arguments)
    }

    /// `BaseException_str`: nothing, the argument, or all of them as a tuple.
    fn arguments(&self, args: &[Avma], depth: usize) -> String {
        match args {
            [] => String::new(),
            [only] => self.str(*only, depth),
            all => self.reprs(all),
        }
    }

    fn reprs(&self, args: &[Avma]) -> String {
        let texts: Vec<String> = args.iter().map(|arg| self.repr(*arg)).collect();
        let comma = if texts.len() == 1 { "," } else { "" };
        format!("({}{comma})", texts.join(", "))
    }

    fn repr(&self, at: Avma) -> String {
        self.reader.value(at).to_string()
    }

    fn str(&self, at: Avma, depth: usize) -> String {
        let Ok(facts) = self.heap.type_of(at) else { return self.repr(at) };
        if facts.has(STR) {
            return self.heap.characters(at, LONGEST).map_or_else(|_| self.repr(at), |text| text.lossy());
        }
        if facts.has(EXCEPTION)
            && depth < DEEPEST
            && let Ok((text, false)) = self.of(at, depth + 1)
        {
            return text;
        }
        self.repr(at)
    }

    fn number(&self, at: Avma) -> Option<u64> {
        match self.reader.value(at) {
            PythonValue::Int(number) => u64::try_from(number).ok(),
            _ => None,
        }
    }

    /// `[Errno 2] No such file or directory: 'a' -> 'b'`, where it has a number and a text.
    fn os_error(&self, at: Avma) -> Result<Option<String>, Unreadable> {
        let field = |field| self.heap.pointer(at, field);
        let (number, text) = (field("PyOSErrorObject.myerrno")?, field("PyOSErrorObject.strerror")?);
        let names = (field("PyOSErrorObject.filename")?, field("PyOSErrorObject.filename2")?);
        let or_none = |at: Option<Avma>| at.map_or("None".to_owned(), |at| self.str(at, DEEPEST));
        Ok(match (names, number.is_some() && text.is_some()) {
            ((Some(first), second), _) => {
                let second = second.map(|second| format!(" -> {}", self.repr(second))).unwrap_or_default();
                Some(format!("[Errno {}] {}: {}{second}", or_none(number), or_none(text), self.repr(first)))
            }
            ((None, _), true) => Some(format!("[Errno {}] {}", or_none(number), or_none(text))),
            _ => None,
        })
    }

    /// `invalid syntax (a.py, line 3)`.
    fn syntax_error(&self, at: Avma) -> Result<Option<String>, Unreadable> {
        let is_set = |field| Ok::<_, Unreadable>(self.heap.pointer(at, field)?.filter(|at| self.repr(*at) != "None"));
        let message = is_set("PySyntaxErrorObject.msg")?.map_or("None".to_owned(), |at| self.str(at, DEEPEST));
        let file = is_set("PySyntaxErrorObject.filename")?.map(|at| self.str(at, DEEPEST));
        let file = file.map(|file| file.rsplit('/').next().unwrap_or_default().to_owned());
        let line = is_set("PySyntaxErrorObject.lineno")?.and_then(|at| self.number(at));
        Ok(Some(match (file, line) {
            (Some(file), Some(line)) => format!("{message} ({file}, line {line})"),
            (Some(file), None) => format!("{message} ({file})"),
            (None, Some(line)) => format!("{message} (line {line})"),
            (None, None) => message,
        }))
    }

    /// `'utf-8' codec can't decode byte 0xff in position 0: invalid start byte`.
    fn unicode_error(&self, rule: Rule, args: &[Avma]) -> Option<String> {
        let (encoding, [object, start, end, reason]) = match (rule, args) {
            (Rule::Translate, &[object, start, end, reason]) => (None, [object, start, end, reason]),
            (_, &[encoding, object, start, end, reason]) => (Some(encoding), [object, start, end, reason]),
            _ => return None,
        };
        let codec = encoding.map(|at| format!("'{}' codec ", self.str(at, DEEPEST))).unwrap_or_default();
        let (start, end) = (self.number(start)?, self.number(end)?);
        let (what, unit) = match rule {
            Rule::Decode => ("decode", "byte"),
            Rule::Encode => ("encode", "character"),
            _ => ("translate", "character"),
        };
        let one = (end == start.saturating_add(1)).then(|| self.unit(rule, object, start)).flatten();
        let place = match one {
            Some(one) if rule == Rule::Decode => format!("{unit} 0x{one:02x} in position {start}"),
            Some(one) => format!("{unit} '{}' in position {start}", escaped(one)),
            None => format!("{unit}s in position {start}-{}", end.saturating_sub(1)),
        };
        Some(format!("{codec}can't {what} {place}: {}", self.str(reason, DEEPEST)))
    }

    /// The byte or the character at a position.
    fn unit(&self, rule: Rule, object: Avma, position: u64) -> Option<u32> {
        let index = usize::try_from(position).ok()?;
        if rule == Rule::Decode {
            return self.heap.byte_string(object, LONGEST).ok()?.0.get(index).copied().map(u32::from);
        }
        self.heap.characters(object, LONGEST).ok()?.points.get(index).copied()
    }

    /// `several failed (3 sub-exceptions)`.
    fn group(&self, at: Avma) -> Result<Option<String>, Unreadable> {
        let message = self.str(self.heap.object(at, "PyBaseExceptionGroupObject.msg")?, DEEPEST);
        let members = self.heap.object(at, "PyBaseExceptionGroupObject.excs")?;
        let count = self.heap.first_items(members, 0)?.length;
        let plural = if count == 1 { "" } else { "s" };
        Ok(Some(format!("{message} ({count} sub-exception{plural})")))
    }
}

/// As `UnicodeEncodeError` writes the character that it is about.
fn escaped(point: u32) -> String {
    match point {
        0..=0xff => format!("\\x{point:02x}"),
        0x100..=0xffff => format!("\\u{point:04x}"),
        _ => format!("\\U{point:08x}"),
    }
}
