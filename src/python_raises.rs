//! Which of the exceptions that Python code raises leave a snapshot as they are raised, where all were asked for.
//!
//! Of Python's own library they do not: it raises and handles many for itself. One that leaves the library is met where it
//! comes to other code. Each place of a program gives a few only: a loop that raises the same again tells nothing new.

use std::collections::HashMap;

use dpdb_analyzer::PythonFrame;
use dpdb_snapshot::Text;

use crate::engine::is_users_python;

/// So many are taken of a process.
const MOST: usize = 32;
/// A place that was judged so often without giving one is not judged again.
const MOST_IN_VAIN: usize = 16;
/// So many places of a process are remembered.
const MOST_PLACES: usize = 1 << 14;

/// What was taken of a process.
#[derive(Debug, Default)]
pub struct Raised {
    taken: usize,
    places: HashMap<(Text, Option<u32>), Place>,
}

#[derive(Debug, Default)]
struct Place {
    taken: usize,
    in_vain: usize,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// It leaves a snapshot.
    pub take: bool,
    /// What comes from there need not be judged again.
    pub pass_over: bool,
    /// No other of the process need be judged.
    pub enough: bool,
}

impl Raised {
    /// An exception was raised in `frame`, or came to it through those of its `traceback`. `is_wanted` says that its type
    /// was asked for; of one place `per_place` are taken.
    pub fn judge(
        &mut self,
        frame: Option<&PythonFrame>,
        traceback: &[PythonFrame],
        is_wanted: bool,
        per_place: usize,
    ) -> Judged {
        let pass_over = Judged { pass_over: true, ..Judged::default() };
        let Some(frame) = frame.filter(|frame| is_users_python(frame)) else { return pass_over };
        // It was met further in.
        if traceback.iter().any(is_users_python) || self.places.len() >= MOST_PLACES {
            return pass_over;
        }
        let place = self.places.entry((frame.file.clone(), frame.line)).or_default();
        let take = is_wanted && place.taken < per_place;
        if take {
            place.taken += 1;
            self.taken += 1;
        } else {
            place.in_vain += 1;
        }
        let pass_over = place.taken >= per_place || place.in_vain >= MOST_IN_VAIN;
        Judged { take, pass_over, enough: self.taken >= MOST }
    }
}

/// What the user is told when a process has left as many as it may.
pub fn notice(pid: i32) -> String {
    format!(
        "process {pid} has left {MOST} snapshots of exceptions that it raised; from now on only those that nobody handles"
    )
}

#[cfg(test)]
mod tests {
    use super::{Judged, MOST, MOST_IN_VAIN, PythonFrame, Raised, Text};
    use dpdb_snapshot::Avma;

    fn frame(file: &str, line: u32) -> PythonFrame {
        PythonFrame {
            function: Text::from("f"),
            name: Text::from("f"),
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
    const LIBRARY: &str = "/usr/lib/python3.11/json/decoder.py";
    const PASS_OVER: Judged = Judged { take: false, pass_over: true, enough: false };

    #[test]
    fn what_the_library_raises_is_met_where_it_comes_to_other_code() {
        let mut raised = Raised::default();
        let inside = [frame(LIBRARY, 355)];
        assert_eq!(raised.judge(Some(&inside[0]), &[], true, 1), PASS_OVER);
        assert!(raised.judge(Some(&frame("/app/main.py", 7)), &inside, true, 1).take);
        let through = [frame("/app/main.py", 7), frame(LIBRARY, 355)];
        assert_eq!(raised.judge(Some(&frame("/app/run.py", 3)), &through, true, 1), PASS_OVER, "its caller");
        assert_eq!(raised.judge(None, &[], true, 1), PASS_OVER);
    }

    #[test]
    fn a_place_gives_so_many_and_a_process_so_many() {
        let mut raised = Raised::default();
        let place = frame("/app/main.py", 7);
        let of_place = [(); 3].map(|()| raised.judge(Some(&place), &[], true, 2));
        assert_eq!(
            of_place.map(|judged| (judged.take, judged.pass_over)),
            [(true, false), (true, true), (false, true)]
        );
        let others = (8..100).map(|line| raised.judge(Some(&frame("/app/main.py", line)), &[], true, 1));
        let others: Vec<Judged> = others.take_while(|judged| !judged.enough).collect();
        assert_eq!(others.len(), MOST - 3);
        let mut in_vain = Raised::default();
        let judged: Vec<bool> =
            (0..MOST_IN_VAIN).map(|_| in_vain.judge(Some(&place), &[], false, 1).pass_over).collect();
        assert!(judged[..MOST_IN_VAIN - 1].iter().all(|pass_over| !pass_over) && judged[MOST_IN_VAIN - 1]);
    }
}
