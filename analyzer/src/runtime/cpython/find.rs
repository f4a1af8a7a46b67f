//! Finding the interpreter in a process, and its version.

use dpdb_snapshot::{Avma, Memory};

use super::heap::Heap;
use super::layout::{Layout, Minor};
use super::locate::{COOKIE, Located, is_named_python, locate};
use super::{Python, PythonAbsent};
use crate::module::Module;
use crate::session::Session;

/// `PY_RELEASE_LEVEL_FINAL`, in bits 4 to 7 of `PY_VERSION_HEX`.
const FINAL: u64 = 0xf;

/// What is said of a runtime without an interpreter.
const NOT_RUNNING: &str = "Python was not initialised yet, or had ended already: it ran no code";

/// Looks for an interpreter, and tells its version.
pub(super) fn find(session: &Session) -> Result<Python, PythonAbsent> {
    let Located { module, runtime, minor } = locate(session).ok_or_else(|| absent(session))?;
    let memory = session.memory();
    let described = memory.read_u64(runtime).is_ok_and(|word| word.to_le_bytes() == *COOKIE);
    let stated = if described {
        memory.read_u64(runtime.wrapping_add(8)).ok()
    } else {
        session.address_of(module, "Py_Version").and_then(|at| memory.read_u64(at).ok())
    };
    let free_threaded = described && memory.read_u64(runtime.wrapping_add(16)).is_ok_and(|threaded| threaded != 0);
    if let Some(version) = stated {
        return of_version(memory, module.index(), runtime, version, described, free_threaded);
    }
    guessed(memory, module, runtime, minor)
}

/// Why none was found. The names of built-in types are constants in an interpreter's file, which a snapshot refers to
/// and does not hold.
fn absent(session: &Session) -> PythonAbsent {
    let gone = session.modules().iter().find(|module| module.object().is_none() && is_named_python(module));
    gone.map_or(PythonAbsent::None, |module| refused(format!("its file {} is not here", module.path())))
}

fn refused(reason: impl Into<String>) -> PythonAbsent {
    PythonAbsent::Refused(reason.into())
}

/// The interpreter says its version itself: `Py_Version` from 3.11 on, `_Py_DebugOffsets` from 3.13 on.
fn of_version(
    memory: &dyn Memory,
    module: usize,
    runtime: Avma,
    version: u64,
    described: bool,
    free_threaded: bool,
) -> Result<Python, PythonAbsent> {
    let [_, micro, minor, major, ..] = version.to_le_bytes();
    let text = format!("{major}.{minor}.{micro}");
    if version >> 4 & 0xf != FINAL {
        return Err(refused(format!("{text} is a pre-release, whose structures may still have changed")));
    }
    let layout = (major == 3).then(|| Layout::of(Minor(minor), free_threaded)).flatten();
    let Some(mut layout) = layout else {
        return Err(refused(format!("there is no table of the structures of CPython {text}")));
    };
    let mut notes = Vec::new();
    if described {
        let corrected = correct(memory, runtime, &mut layout);
        if !corrected.is_empty() {
            notes.push(format!("this build of CPython {text} has its own offsets of {}", corrected.join(", ")));
        }
    }
    match confirmed(memory, &layout, runtime) {
        Some(hex) if hex >> 16 == version >> 16 => {}
        Some(_) => notes.push(format!("sys.hexversion disagrees with the interpreter's version {text}")),
        None if is_empty(memory, &layout, runtime) => notes.push(NOT_RUNNING.to_owned()),
        None => notes.push("the interpreter's state is damaged: what is shown of it may be wrong".to_owned()),
    }
    Ok(Python { module, runtime, layout, version: text, notes })
}

/// Up to 3.10, and where symbols are gone, only the names of files tell, and `sys.hexversion`, which can be read under
/// the right layout only.
fn guessed(memory: &dyn Memory, module: &Module, runtime: Avma, known: Option<Minor>) -> Result<Python, PythonAbsent> {
    let named = known.or_else(|| minor_of_name(module));
    let candidates = Minor::ALL.into_iter().filter(|minor| *minor < Minor(13));
    let ordered = named.into_iter().chain(candidates.filter(|minor| Some(*minor) != named));
    for minor in ordered {
        let Some(layout) = Layout::of(minor, false) else { continue };
        let Some(hex) = confirmed(memory, &layout, runtime) else { continue };
        if hex >> 16 & 0xff == u64::from(minor.0) {
            let version = format!("{minor}.{}", hex >> 8 & 0xff);
            return Ok(Python { module: module.index(), runtime, layout, version, notes: Vec::new() });
        }
    }
    let layout = named.and_then(|minor| Layout::of(minor, false));
    let layout = layout.ok_or_else(|| refused("nothing tells the version of its interpreter"))?;
    let mut notes = vec!["the interpreter's version was told by the name of its file only".to_owned()];
    if is_empty(memory, &layout, runtime) {
        notes.push(NOT_RUNNING.to_owned());
    }
    Ok(Python { module: module.index(), runtime, version: layout.minor.to_string(), layout, notes })
}

/// The version in a file name such as `libpython3.8.so.1.0` or `python3.10`.
pub(super) fn minor_of_name(module: &Module) -> Option<Minor> {
    let path = String::from_utf8_lossy(module.path().as_bytes()).into_owned();
    let (_, after) = path.rsplit_once("python3.")?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    Some(Minor(digits.parse().ok()?)).filter(|minor| Minor::ALL.contains(minor))
}

/// `sys.hexversion` as it reads under a layout: whether the layout fits.
pub(super) fn confirmed(memory: &dyn Memory, layout: &Layout, runtime: Avma) -> Option<u64> {
    let heap = Heap::new(memory, layout);
    let interpreter = heap.pointer(runtime, "_PyRuntimeState.interpreters.head").ok()??;
    let sys = heap.pointer(interpreter, "PyInterpreterState.sysdict").ok()??;
    heap.expect(sys, "dict").ok()?;
    let version = heap.dict_get(sys, "hexversion")?;
    heap.small_integer(version).ok()?.try_into().ok()
}

/// Whether there is no interpreter in the runtime: none was made yet, or the last has ended.
fn is_empty(memory: &dyn Memory, layout: &Layout, runtime: Avma) -> bool {
    let heap = Heap::new(memory, layout);
    matches!(heap.pointer(runtime, "_PyRuntimeState.interpreters.head"), Ok(None))
}

/// Takes the offsets that the process states itself, where they differ from the table: those of a debug build do.
fn correct(memory: &dyn Memory, runtime: Avma, layout: &mut Layout) -> Vec<&'static str> {
    const STATED: [(&str, &str); 22] = [
        ("_Py_DebugOffsets.runtime_state.interpreters_head", "_PyRuntimeState.interpreters.head"),
        ("_Py_DebugOffsets.interpreter_state.next", "PyInterpreterState.next"),
        ("_Py_DebugOffsets.interpreter_state.threads_head", "PyInterpreterState.threads.head"),
        ("_Py_DebugOffsets.interpreter_state.imports_modules", "PyInterpreterState.imports.modules"),
        ("_Py_DebugOffsets.interpreter_state.sysdict", "PyInterpreterState.sysdict"),
        ("_Py_DebugOffsets.interpreter_state.ceval_gil", "PyInterpreterState.ceval.gil"),
        ("_Py_DebugOffsets.thread_state.next", "PyThreadState.next"),
        ("_Py_DebugOffsets.thread_state.current_frame", "PyThreadState.current_frame"),
        ("_Py_DebugOffsets.thread_state.thread_id", "PyThreadState.thread_id"),
        ("_Py_DebugOffsets.thread_state.native_thread_id", "PyThreadState.native_thread_id"),
        ("_Py_DebugOffsets.interpreter_frame.previous", "_PyInterpreterFrame.previous"),
        ("_Py_DebugOffsets.interpreter_frame.executable", "_PyInterpreterFrame.f_executable"),
        ("_Py_DebugOffsets.interpreter_frame.instr_ptr", "_PyInterpreterFrame.instr_ptr"),
        ("_Py_DebugOffsets.interpreter_frame.localsplus", "_PyInterpreterFrame.localsplus"),
        ("_Py_DebugOffsets.interpreter_frame.owner", "_PyInterpreterFrame.owner"),
        ("_Py_DebugOffsets.code_object.filename", "PyCodeObject.co_filename"),
        ("_Py_DebugOffsets.code_object.qualname", "PyCodeObject.co_qualname"),
        ("_Py_DebugOffsets.code_object.linetable", "PyCodeObject.co_linetable"),
        ("_Py_DebugOffsets.code_object.firstlineno", "PyCodeObject.co_firstlineno"),
        ("_Py_DebugOffsets.code_object.localsplusnames", "PyCodeObject.co_localsplusnames"),
        ("_Py_DebugOffsets.code_object.localspluskinds", "PyCodeObject.co_localspluskinds"),
        ("_Py_DebugOffsets.code_object.co_code_adaptive", "PyCodeObject.co_code_adaptive"),
    ];
    /// No structure is larger.
    const MOST: u64 = 1 << 24;
    let mut corrected = Vec::new();
    for (stated, field) in STATED {
        let Ok(at) = layout.offset(stated) else { continue };
        let Ok(offset) = memory.read_u64(runtime.wrapping_add(at)) else { continue };
        if offset < MOST && layout.correct(field, offset) {
            corrected.push(field);
        }
    }
    corrected
}
