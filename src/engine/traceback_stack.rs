//! The stack that an exception went through: the frames of its traceback, and beneath them those of the thread that
//! called the outermost of them.
//!
//! What the thread has done since stays in the list, folded: what runs in the `except` block, and what prints.

use dpdb_analyzer::PythonFrame;

use super::merge::Level;

/// What of a thread's own stack is needed here.
#[derive(Clone, Copy, Debug)]
pub struct OwnStack<'a> {
    /// Its levels, innermost first.
    pub levels: &'a [Level],
    /// Its Python frames, which the levels refer to.
    pub python: &'a [PythonFrame],
    /// The exception has just come to the innermost of those, which is not in its traceback yet.
    pub raised: bool,
}

/// Puts a traceback, innermost frame first, on a thread's stack. Its frames are numbered behind the thread's own Python
/// frames. `internal` tells of a level whether it is the interpreter's own code.
pub fn join(own: OwnStack<'_>, traceback: &[PythonFrame], internal: impl Fn(&Level) -> bool) -> Vec<Level> {
    let called_from = traceback.last().and_then(|outermost| {
        own.levels.iter().position(|level| {
            level.python.and_then(|index| own.python.get(index)).is_some_and(|frame| frame.at == outermost.at)
        })
    });
    let folded = match called_from {
        Some(at) => at + 1,
        None if own.raised => own.levels.iter().position(|level| level.python.is_some()).unwrap_or(own.levels.len()),
        // Without a Python frame the native code that called the interpreter is still what called the outermost.
        None if own.python.is_empty() => own.levels.iter().rposition(internal).map_or(0, |at| at + 1),
        None => own.levels.len(),
    };
    let physical = called_from.and_then(|at| own.levels.get(at)).map_or(0, |level| level.physical);
    let unwound = (0..traceback.len()).map(|index| Level {
        physical,
        level: 0,
        python: Some(own.python.len() + index),
        folded: false,
    });
    let since = own.levels[..folded].iter().map(|level| Level { folded: true, ..*level });
    unwound.chain(since).chain(own.levels[folded..].iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Level, OwnStack, join};
    use dpdb_analyzer::PythonFrame;
    use dpdb_snapshot::{Avma, Text};

    /// Frames at the addresses of the letters.
    fn python(letters: &str) -> Vec<PythonFrame> {
        let frame = |letter: u8| PythonFrame {
            function: Text::default(),
            name: Text::default(),
            file: Text::default(),
            line: None,
            generator: false,
            entry: false,
            traceback: false,
            at: Avma(letter.into()),
            code: Avma(0),
            instruction: 0,
        };
        letters.bytes().map(frame).collect()
    }

    /// The own stack: capitals are its Python frames, `i` the interpreter, others native code; then what is joined, with
    /// folded levels in brackets.
    fn picture(own: &str, traceback: &str) -> String {
        picture_of(own, traceback, false)
    }

    fn picture_of(own: &str, traceback: &str, raised: bool) -> String {
        let of_python: String = own.chars().filter(char::is_ascii_uppercase).collect();
        let place = |letter: char| letter.is_ascii_uppercase().then(|| of_python.find(letter)).flatten();
        let level = |(physical, letter)| Level { physical, level: 0, python: place(letter), folded: false };
        let levels: Vec<Level> = own.chars().enumerate().map(level).collect();
        let frames = python(&of_python);
        let internal = |level: &Level| own.as_bytes()[level.physical] == b'i';
        let joined = join(OwnStack { levels: &levels, python: &frames, raised }, &python(traceback), internal);
        let all = of_python.clone() + traceback;
        let show = |level: Level| {
            let letter = match level.python {
                Some(index) => all.as_bytes()[index],
                None => own.as_bytes()[level.physical],
            };
            let letter = char::from(letter);
            if level.folded { format!("({letter})") } else { letter.to_string() }
        };
        joined.into_iter().map(show).collect()
    }

    #[test]
    fn what_handles_the_exception_is_folded_and_the_callers_stay() {
        // M called B, which raised in X and handles that in H.
        assert_eq!(picture("cHBMu", "XB"), "XB(c)(H)(B)Mu");
    }

    #[test]
    fn an_unwound_traceback_stands_above_the_code_that_called_the_interpreter() {
        assert_eq!(picture("iciu", "XM"), "XM(i)(c)(i)u");
        assert_eq!(picture("", "XM"), "XM");
    }

    #[test]
    fn an_exception_in_flight_stands_above_the_frame_that_it_comes_to() {
        assert_eq!(picture_of("tiHMu", "XY", true), "XY(t)(i)HMu");
    }

    #[test]
    fn a_traceback_of_another_stack_stands_alone() {
        assert_eq!(picture("cHu", "XM"), "XM(c)(H)(u)");
    }
}
