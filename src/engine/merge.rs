//! One stack out of two: the native frames of a thread, and the Python frames that some of them run.
//!
//! Every frame keeps its number whatever is shown of the stack, so that `frame 7` means the same after `bt` and
//! `bt -native`. The interpreter's own frames are folded: they stand in the list, and are left out unless asked for.

use dpdb_analyzer::PythonFrame;

/// A native frame, as far as merging needs to know it.
#[derive(Clone, Copy, Debug)]
pub struct NativeLevel {
    /// The physical frame.
    pub physical: usize,
    /// Which of the functions there.
    pub level: usize,
    /// It is the interpreter's evaluation loop.
    pub eval: bool,
    /// It is the interpreter's own code.
    pub internal: bool,
}

/// One frame of the merged stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// The physical frame; of a Python frame, that of the loop that runs it.
    pub physical: usize,
    /// Which of the functions there.
    pub level: usize,
    /// The number of the Python frame that it is.
    pub python: Option<usize>,
    /// It is the interpreter's machinery between Python frames.
    pub folded: bool,
}

/// Merges the stacks. `whole` says that the native stack is there down to its outermost frame: then the two are laid
/// beside each other from there, since a loop that was just entered has no Python frame yet.
pub fn merge(native: &[NativeLevel], python: &[PythonFrame], whole: bool) -> Vec<Level> {
    let loops = native.iter().enumerate().filter(|(at, frame)| is_new_loop(native, *at) && frame.eval).count();
    if loops == 0 {
        return beneath_the_first(native, python);
    }
    let mut groups = groups(python).into_iter();
    let mut bare = if whole { loops.saturating_sub(groups.len()) } else { 0 };
    let mut merged = Vec::with_capacity(native.len() + python.len());
    // What the interpreter does at the very top is where the thread is, not how it got there.
    let mut on_top = true;
    for (at, frame) in native.iter().enumerate() {
        if frame.eval && is_new_loop(native, at) {
            if bare > 0 {
                bare -= 1;
            } else if let Some(group) = groups.next() {
                on_top = false;
                merged.extend(group.map(|index| of_python(frame.physical, index)));
            }
        }
        on_top &= frame.internal;
        let folded = frame.internal && !on_top;
        merged.push(Level { physical: frame.physical, level: frame.level, python: None, folded });
    }
    let last = native.last().map_or(0, |frame| frame.physical);
    merged.extend(groups.flatten().map(|index| of_python(last, index)));
    merged
}

/// Where no frame is known to be a loop (a stripped interpreter whose loop is no exported function): which frame of the
/// interpreter runs which Python frame cannot be told, but all of them are what called the native frames on top.
fn beneath_the_first(native: &[NativeLevel], python: &[PythonFrame]) -> Vec<Level> {
    let top = native.iter().take_while(|frame| !frame.internal).count();
    let physical = native.get(top).or(native.last()).map_or(0, |frame| frame.physical);
    let of_native = |frame: &NativeLevel| Level {
        physical: frame.physical,
        level: frame.level,
        python: None,
        folded: frame.internal && !python.is_empty(),
    };
    let above = native[..top].iter().map(of_native);
    let middle = (0..python.len()).map(|index| of_python(physical, index));
    above.chain(middle).chain(native[top..].iter().map(of_native)).collect()
}

/// Whether the frame at `at` is the first of the functions of its physical frame.
fn is_new_loop(native: &[NativeLevel], at: usize) -> bool {
    at == 0 || native[at - 1].physical != native[at].physical
}

fn of_python(physical: usize, index: usize) -> Level {
    Level { physical, level: 0, python: Some(index), folded: false }
}

/// The Python frames that one call of the evaluation loop runs, each time.
fn groups(python: &[PythonFrame]) -> Vec<std::ops::Range<usize>> {
    let mut groups = Vec::new();
    let mut start = 0;
    for (index, frame) in python.iter().enumerate() {
        if frame.entry || index + 1 == python.len() {
            groups.push(start..index + 1);
            start = index + 1;
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::{Level, NativeLevel, merge};
    use dpdb_analyzer::PythonFrame;
    use dpdb_snapshot::{Avma, Text};

    /// `u`: user's native code, `i`: the interpreter's, `e`: its loop.
    fn native(letters: &str) -> Vec<NativeLevel> {
        let frame =
            |(physical, letter)| NativeLevel { physical, level: 0, eval: letter == 'e', internal: letter != 'u' };
        letters.chars().enumerate().map(frame).collect()
    }

    /// A frame for each letter, an entry where it is a capital.
    fn python(letters: &str) -> Vec<PythonFrame> {
        let frame = |letter: char| PythonFrame {
            function: Text::default(),
            name: Text::default(),
            file: Text::default(),
            line: None,
            generator: false,
            entry: letter.is_uppercase(),
            traceback: false,
            at: Avma(0),
            code: Avma(0),
            instruction: 0,
        };
        letters.chars().map(frame).collect()
    }

    /// Native frames by their letters, Python frames by `P`, folded ones in brackets.
    fn picture(letters: &str, frames: &str, whole: bool) -> String {
        let show = |level: Level| match (level.python, letters.as_bytes().get(level.physical)) {
            (Some(_), _) => "P".to_owned(),
            (None, Some(letter)) if level.folded => format!("({})", char::from(*letter)),
            (None, letter) => char::from(*letter.unwrap_or(&b'?')).to_string(),
        };
        merge(&native(letters), &python(frames), whole).into_iter().map(show).collect()
    }

    #[test]
    fn machinery_is_folded_into_the_python_frames_it_runs() {
        assert_eq!(picture("uuiieiieiu", "aBC", true), "uu(i)(i)PP(e)(i)(i)P(e)(i)u");
        assert_eq!(picture("ueuei", "AB", true), "uP(e)uP(e)(i)");
    }

    #[test]
    fn what_the_interpreter_itself_does_on_top_stays() {
        assert_eq!(picture("iiei", "A", true), "iiP(e)(i)");
    }

    #[test]
    fn a_loop_without_a_python_frame_yet_shifts_no_other() {
        assert_eq!(picture("eiei", "A", true), "eiP(e)(i)");
        assert_eq!(picture("eiei", "A", false), "P(e)(i)(e)(i)", "cut off: laid from the top");
    }

    #[test]
    fn without_a_loop_that_is_known_the_python_frames_stand_together() {
        assert_eq!(picture("uuiiu", "aBC", true), "uuPPP(i)(i)u");
        assert_eq!(picture("uiu", "", true), "uiu");
    }

    #[test]
    fn python_frames_beneath_a_broken_native_stack_are_kept() {
        assert_eq!(picture("ue", "ABC", false), "uP(e)PP");
        assert_eq!(picture("", "A", false), "P");
    }
}
