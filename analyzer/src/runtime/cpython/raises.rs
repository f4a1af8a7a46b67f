//! By what one call of `PyTraceBack_Here` (Python/traceback.c) is told from another. The interpreter calls it for each
//! frame that an exception comes to, with the frame object, before the frame is in the traceback.

use dpdb_snapshot::Avma;

use super::Session;
use super::layout::{Layout, Minor};
use super::threads::PythonThread;
use super::unreadable::Unreadable;

/// Where the words stand that tell calls of a thread apart. A way is offsets: at each but the last stands the address
/// that the next counts from, at the last the word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PythonRaise {
    /// The ways from the frame object to words that are the same for each raise at one place of the program, and for no
    /// other: the code object, and the instruction in it.
    pub place: [Vec<u64>; 2],
    /// Where the way to the traceback begins, which is zero where the exception was raised in this very frame.
    pub thread: Avma,
    /// That way.
    pub traceback: Vec<u64>,
}

impl Session {
    /// How calls of `PyTraceBack_Here` are told apart in a thread; `None` where the interpreter does not know the thread.
    pub fn python_raise(&self, tid: i32) -> Option<PythonRaise> {
        let thread = self.python_threads().into_iter().find(|thread| thread.tid == Some(tid))?;
        raise(&self.python().ok()?.layout, &thread).ok()
    }
}

fn raise(layout: &Layout, thread: &PythonThread) -> Result<PythonRaise, Unreadable> {
    let place = match layout.minor {
        Minor(..=10) => [vec![layout.offset("PyFrameObject.f_code")?], vec![layout.offset("PyFrameObject.f_lasti")?]],
        _ => {
            let frame = layout.offset("PyFrameObject.f_frame")?;
            let code = layout.any_of(&["_PyInterpreterFrame.f_executable", "_PyInterpreterFrame.f_code"])?;
            let at = layout.any_of(&["_PyInterpreterFrame.instr_ptr", "_PyInterpreterFrame.prev_instr"])?;
            [vec![frame, code], vec![frame, at]]
        }
    };
    let traceback = if layout.has("PyThreadState.current_exception") {
        let exception = layout.offset("PyThreadState.current_exception")?;
        vec![exception, layout.offset("PyBaseExceptionObject.traceback")?]
    } else {
        vec![layout.offset("PyThreadState.curexc_traceback")?]
    };
    Ok(PythonRaise { place, thread: thread.state, traceback })
}

#[cfg(test)]
mod tests {
    use super::{Layout, Minor, PythonThread, raise};
    use dpdb_snapshot::Avma;

    #[test]
    fn every_version_has_ways_to_place_and_traceback() {
        let thread = PythonThread { tid: Some(1), holds_gil: true, state: Avma(64), interpreter: 0 };
        for minor in Minor::ALL {
            let layout = Layout::of(minor, false).expect("a table");
            let found = raise(&layout, &thread).expect("all fields are there");
            let steps = found.place.iter().chain([&found.traceback]).map(Vec::len);
            let expected = match minor {
                Minor(..=10) => [1, 1, 1],
                Minor(11) => [2, 2, 1],
                _ => [2, 2, 2],
            };
            assert_eq!(steps.collect::<Vec<_>>(), expected, "{minor}");
        }
    }
}
