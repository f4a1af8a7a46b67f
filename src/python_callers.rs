//! What comes of an exception, told by the Python code that makes its traceback into text.
//!
//! Whoever does that is about to report the exception, and each framework does it in one place of its own. That place
//! is the innermost frame which is not of the `traceback` module: further out are the frames of whoever called it, and
//! in a forked worker those of the parent, too.

use dpdb_analyzer::PythonFrame;
use dpdb_snapshot::process::Fate;

/// Library code that reports an exception: the end of its file's path, its function (`*` for any), and what comes of
/// the exception. CPython's own are from Lib/ of 3.8 to 3.15.
const REPORTERS: [(&str, &str, Fate); 16] = [
    ("multiprocessing/process.py", "_bootstrap", Fate::Death),
    ("multiprocessing/pool.py", "*", Fate::Forwarded),
    ("concurrent/futures/process.py", "*", Fate::Forwarded),
    ("concurrent/futures/interpreter.py", "*", Fate::Forwarded),
    ("billiard/process.py", "_bootstrap", Fate::Death),
    ("billiard/einfo.py", "*", Fate::Forwarded),
    ("loky/process_executor.py", "*", Fate::Forwarded),
    ("torch/multiprocessing/spawn.py", "_wrap", Fate::Death),
    ("multiprocessing/errors/error_handler.py", "*", Fate::Forwarded),
    ("tblib/pickling_support.py", "*", Fate::Forwarded),
    ("gunicorn/arbiter.py", "spawn_worker", Fate::Death),
    ("gunicorn/workers/base.py", "handle_error", Fate::Forwarded),
    ("gunicorn/workers/base.py", "load_wsgi", Fate::Death),
    // A request that fails, as gunicorn's: whoever sent it is told.
    ("flask/app.py", "log_exception", Fate::Forwarded),
    ("uvicorn/protocols/http/h11_impl.py", "run_asgi", Fate::Forwarded),
    ("uvicorn/protocols/http/httptools_impl.py", "run_asgi", Fate::Forwarded),
];

/// Modules that only make text of an exception.
const FORMATTERS: [&str; 4] = ["traceback.py", "contextlib.py", "logging/__init__.py", "gunicorn/glogging.py"];

/// What comes of an exception whose traceback is being read by the innermost of `frames`; `None` where no code but the
/// formatters' own is there, as when the interpreter prints it itself.
pub fn fate(frames: &[PythonFrame]) -> Option<Fate> {
    let is_formatter = |frame: &&PythonFrame| FORMATTERS.iter().any(|file| is_of(frame, file));
    let reporter = frames.iter().find(|frame| !is_formatter(frame))?;
    let known = REPORTERS.iter().find(|(file, function, _)| is_of(reporter, file) && is_called(reporter, function));
    Some(known.map_or(Fate::Logged, |(.., fate)| *fate))
}

/// Whether a frame is of the file whose path ends so.
fn is_of(frame: &PythonFrame, file: &str) -> bool {
    let path = frame.file.as_bytes();
    path.strip_suffix(file.as_bytes()).is_some_and(|before| before.is_empty() || before.ends_with(b"/"))
}

/// Whether a frame is of the function, whichever class that is in.
fn is_called(frame: &PythonFrame, function: &str) -> bool {
    let name = frame.function.as_bytes();
    let bare = name.rsplit(|&byte| byte == b'.').next().unwrap_or(name);
    function == "*" || bare == function.as_bytes()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Fate, PythonFrame, fate};
    use dpdb_snapshot::{Avma, Text};

    /// A frame in which only its place matters.
    pub(crate) fn frame(file: &str, function: &str, line: u32) -> PythonFrame {
        PythonFrame {
            function: Text::from(function),
            name: Text::from(function),
            file: Text::from(file),
            line: Some(line),
            generator: false,
            entry: false,
            traceback: false,
            at: Avma(0),
            code: Avma(0),
            instruction: 0,
        }
    }

    fn frames(places: &[(&str, &str)]) -> Vec<PythonFrame> {
        places.iter().map(|(file, function)| frame(file, function, 1)).collect()
    }

    #[test]
    fn who_asks_for_the_text_tells_what_comes_of_the_exception() {
        const LIB: &str = "/usr/lib/python3.11/";
        let lib = |file: &str| format!("{LIB}{file}");
        let (traceback, process) = (lib("traceback.py"), lib("multiprocessing/process.py"));
        let (pool, futures) = (lib("multiprocessing/pool.py"), lib("concurrent/futures/process.py"));
        let logging = lib("logging/__init__.py");
        let walk = (traceback.as_str(), "walk_tb");
        let cases = [
            (vec![walk, (&process, "BaseProcess._bootstrap"), ("/app/main.py", "<module>")], Some(Fate::Death)),
            (vec![walk, (&pool, "ExceptionWithTraceback.__init__"), (&pool, "worker")], Some(Fate::Forwarded)),
            (vec![walk, (&futures, "_ExceptionWithTraceback.__init__")], Some(Fate::Forwarded)),
            // In a worker's own code, logging is logging.
            (
                vec![walk, (&logging, "Formatter.formatException"), ("/app/job.py", "step"), (&process, "_bootstrap")],
                Some(Fate::Logged),
            ),
            (vec![walk, ("/app/job.py", "report"), (&process, "_bootstrap")], Some(Fate::Logged)),
            // A web framework's log of a request that failed is what the request ends with.
            (
                vec![
                    walk,
                    (&logging, "Formatter.formatException"),
                    ("/v/site-packages/flask/app.py", "Flask.log_exception"),
                ],
                Some(Fate::Forwarded),
            ),
            (vec![walk], None),
            (vec![], None),
            (vec![walk, ("/app/mymultiprocessing/process.py", "_bootstrap")], Some(Fate::Logged)),
        ];
        for (places, expected) in cases {
            assert_eq!(fate(&frames(&places)), expected, "{places:?}");
        }
    }
}
