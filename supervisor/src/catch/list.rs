//! What is to be caught.

/// What leaves a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatchList {
    /// Deaths by signals, as [`crate::SignalSet`] says.
    pub signals: bool,
    /// Python exceptions that nobody handles, or that a worker hands on.
    pub python: bool,
    /// Those too whose report is only written or made.
    pub python_logged: bool,
    /// Patterns of types of Python exceptions that are taken as they are raised, handled or not.
    pub python_raised: Vec<String>,
    /// Patterns of the files of code that is the program's own though it is installed, as far as those are concerned.
    pub own_code: Vec<String>,
    /// So many of those are taken of each place of a program that raises some, in each process.
    pub per_place: usize,
    /// Types of Python exceptions that are taken though they are no failures.
    pub python_types: Vec<String>,
    /// Patterns of types of exceptions that are not taken.
    pub ignored: Vec<String>,
    /// C++ exceptions that end in `std::terminate`.
    pub cxx: bool,
    /// Every C++ exception as it is thrown.
    pub cxx_throw: bool,
    /// Rust panics.
    pub rust_panic: bool,
}

/// What is wrong with a list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is nothing that can be caught: say signals, python, python-logged, python-all, python-all:GLOB, python:TYPE, \
     cxx, cxx-throw or rust-panic"
)]
pub struct CatchError(pub String);

/// Exceptions by which a program ends, or is asked to, and those that end a loop: no failures.
const NO_FAILURES: [&str; 5] =
    ["SystemExit", "KeyboardInterrupt", "GeneratorExit", "StopIteration", "StopAsyncIteration"];
/// By this a task of asyncio is ended. It is a failure where it is reported, but not where it is raised.
const CANCELLED: &str = "asyncio.exceptions.CancelledError";

impl Default for CatchList {
    fn default() -> CatchList {
        CatchList { signals: true, python: true, ..CatchList::nothing() }
    }
}

impl CatchList {
    fn nothing() -> CatchList {
        CatchList {
            signals: false,
            python: false,
            python_logged: false,
            python_raised: Vec::new(),
            own_code: Vec::new(),
            per_place: 1,
            python_types: Vec::new(),
            ignored: Vec::new(),
            cxx: false,
            cxx_throw: false,
            rust_panic: false,
        }
    }

    /// Reads a list such as `signals,python`. Items that start with `+` or `-` change the default: `+cxx,-python`.
    ///
    /// # Errors
    /// The first item that is nothing which can be caught.
    pub fn parse(list: &str) -> Result<CatchList, CatchError> {
        let items = || list.split(',').map(str::trim).filter(|item| !item.is_empty());
        let changes = items().next().is_some() && items().all(|item| item.starts_with(['+', '-']));
        let mut found = if changes { CatchList::default() } else { CatchList::nothing() };
        for item in items() {
            let name = item.strip_prefix(['+', '-']).unwrap_or(item);
            found.set(name, !item.starts_with('-')).ok_or_else(|| CatchError(name.to_owned()))?;
        }
        Ok(found)
    }

    fn set(&mut self, name: &str, on: bool) -> Option<()> {
        match name {
            "signals" => self.signals = on,
            "python" => self.python = on,
            "python-logged" => {
                self.python_logged = on;
                self.python |= on;
            }
            "python-all" => self.set_raised("*", on),
            "cxx" => self.cxx = on,
            "cxx-throw" => self.cxx_throw = on,
            "rust-panic" => self.rust_panic = on,
            _ if name.starts_with("python-all:") => {
                let glob = name.strip_prefix("python-all:").filter(|glob| !glob.is_empty())?;
                self.set_raised(glob, on);
            }
            _ => {
                let wanted = name.strip_prefix("python:").filter(|wanted| !wanted.is_empty())?;
                self.python |= on;
                self.python_types.retain(|known| known != wanted);
                self.python_types.extend(on.then(|| wanted.to_owned()));
            }
        }
        Some(())
    }

    fn set_raised(&mut self, glob: &str, on: bool) {
        self.python |= on;
        self.python_raised.retain(|known| known != glob);
        self.python_raised.extend(on.then(|| glob.to_owned()));
    }

    /// Whether exceptions of C++ or Rust are caught.
    pub fn has_native(&self) -> bool {
        self.cxx || self.cxx_throw || self.rust_panic
    }

    /// Whether anything but signals is caught.
    pub fn has_exceptions(&self) -> bool {
        self.python || self.has_native()
    }

    /// Whether a Python exception is to be taken. `types` are the names of its class and of those that the class comes
    /// of, outermost first, as `module.Name` or plain for built-in ones.
    pub fn takes_python(&self, types: &[&str]) -> bool {
        let is_ignored = types.first().is_some_and(|name| self.ignored.iter().any(|glob| names(glob, name)));
        let is_asked_for = types.iter().any(|name| self.python_types.iter().any(|asked| names(asked, name)));
        let is_failure = !types.iter().any(|name| NO_FAILURES.contains(name));
        !is_ignored && (is_failure || is_asked_for)
    }

    /// Whether the code of a file is the program's own though it is installed.
    pub fn is_own_code(&self, file: &[u8]) -> bool {
        self.own_code.iter().any(|glob| matches(glob.as_bytes(), file))
    }

    /// Whether a Python exception is to be taken as it is raised: as [`CatchList::takes_python`], and what the patterns
    /// say of one of its types.
    pub fn takes_raised(&self, types: &[&str]) -> bool {
        let is_wanted = types.iter().any(|name| self.python_raised.iter().any(|glob| names(glob, name)));
        is_wanted && !types.contains(&CANCELLED) && self.takes_python(types)
    }
}

/// Whether a pattern names a type: wholly, or without its module where the pattern has none.
fn names(glob: &str, name: &str) -> bool {
    let bare = name.rsplit_once('.').map_or(name, |(_, bare)| bare);
    matches(glob.as_bytes(), name.as_bytes()) || (!glob.contains('.') && matches(glob.as_bytes(), bare.as_bytes()))
}

/// Whether `text` is what `glob` describes, in which `*` stands for any text and `?` for any byte.
fn matches(glob: &[u8], text: &[u8]) -> bool {
    // Where the last `*` was, and how much of the text it has taken so far: going back further is never needed.
    let (mut at, mut from, mut star) = (0, 0, None);
    while from < text.len() {
        match glob.get(at) {
            Some(b'*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(&wanted) if wanted == b'?' || wanted == text[from] => {
                at += 1;
                from += 1;
            }
            _ => {
                let Some((place, taken)) = star else { return false };
                star = Some((place, taken + 1));
                at = place + 1;
                from = taken + 1;
            }
        }
    }
    glob[at..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::{CatchList, matches};

    #[test]
    fn a_list_replaces_the_default_and_signs_change_it() {
        assert_eq!(CatchList::parse("signals,python").unwrap(), CatchList::default());
        let only = CatchList::parse("cxx, rust-panic").unwrap();
        assert!(only.cxx && only.rust_panic && !only.python && !only.signals);
        let changed = CatchList::parse("+cxx,-python").unwrap();
        assert!(changed.cxx && changed.signals && !changed.python);
        assert!(CatchList::parse("python-logged").unwrap().python);
        assert!(CatchList::parse("python:").is_err() && CatchList::parse("python-all:").is_err());
        let error = CatchList::parse("python,exceptions").unwrap_err().to_string();
        assert!(error.starts_with("\"exceptions\" is nothing that can be caught"), "{error}");
    }

    #[test]
    fn what_is_no_failure_is_taken_when_asked_for_and_what_is_ignored_is_not() {
        let list = CatchList::default();
        assert!(list.takes_python(&["ValueError", "Exception", "BaseException"]));
        assert!(!list.takes_python(&["SystemExit", "BaseException"]));
        assert!(!list.takes_python(&["app.Quit", "SystemExit", "BaseException"]), "a kind of SystemExit");
        let asked = CatchList::parse("python:KeyboardInterrupt").unwrap();
        assert!(asked.takes_python(&["KeyboardInterrupt", "BaseException"]));
        assert!(!asked.takes_python(&["SystemExit", "BaseException"]));
        let ignoring = CatchList { ignored: vec!["app.*".to_owned(), "Key?rror".to_owned()], ..CatchList::default() };
        assert!(!ignoring.takes_python(&["app.Lost", "Exception"]));
        assert!(!ignoring.takes_python(&["KeyError", "LookupError"]));
        assert!(ignoring.takes_python(&["other.Lost", "Exception"]));
    }

    #[test]
    fn what_is_raised_is_taken_by_type_and_never_what_only_steers_a_program() {
        let all = CatchList::parse("+python-all").unwrap();
        assert!(all.python && all.takes_raised(&["KeyError", "LookupError", "Exception"]));
        assert!(!all.takes_raised(&["StopIteration", "Exception"]));
        assert!(!all.takes_raised(&["asyncio.exceptions.CancelledError", "BaseException"]));
        let some = CatchList::parse("python-all:Lookup*,python-all:app.*").unwrap();
        assert!(some.takes_raised(&["KeyError", "LookupError", "Exception"]), "by a type that it comes of");
        assert!(some.takes_raised(&["app.Lost", "Exception"]) && !some.takes_raised(&["ValueError", "Exception"]));
        assert!(!CatchList::default().takes_raised(&["KeyError", "LookupError"]));
        assert!(CatchList::parse("+python-all,-python-all").unwrap().python_raised.is_empty());
    }

    #[test]
    fn a_pattern_has_stars_and_question_marks() {
        for (glob, text, expected) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abcb", false),
            ("*Error", "TimeoutError", true),
            ("*a*b*", "xxaxxbxx", true),
            ("?", "", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(glob.as_bytes(), text.as_bytes()), expected, "{glob} {text}");
        }
    }
}
