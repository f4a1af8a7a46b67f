//! Which of the exceptions that Python code raises leave a snapshot as they are raised, where all were asked for.
//!
//! Those of Python's own library and of installed packages do not: they raise and handle many for themselves. One that leaves
//! them is met where it comes to the program's own code. Each place of a program gives a few only: a loop that raises the same again tells nothing new.

use std::collections::HashMap;

use dpdb_analyzer::PythonFrame;
use dpdb_snapshot::Text;
use dpdb_supervisor::catch::CatchList;

use crate::engine::{is_installed_python, is_users_python};

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
    /// was asked for.
    pub fn judge(
        &mut self,
        frame: Option<&PythonFrame>,
        traceback: &[PythonFrame],
        is_wanted: bool,
        list: &CatchList,
    ) -> Judged {
        let per_place = list.per_place;
        let is_own = |frame: &PythonFrame| {
            is_users_python(frame) && (!is_installed_python(frame) || list.is_own_code(frame.file.as_bytes()))
        };
        let pass_over = Judged { pass_over: true, ..Judged::default() };
        let Some(frame) = frame.filter(|frame| is_own(frame)) else { return pass_over };
        // It was met further in.
        if traceback.iter().any(is_own) || self.places.len() >= MOST_PLACES {
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
    use super::{CatchList, Judged, MOST, MOST_IN_VAIN, PythonFrame, Raised};
    use crate::python_callers;

    fn frame(file: &str, line: u32) -> PythonFrame {
        python_callers::tests::frame(file, "f", line)
    }

    const LIBRARY: &str = "/usr/lib/python3.11/json/decoder.py";
    const PASS_OVER: Judged = Judged { take: false, pass_over: true, enough: false };

    fn most(per_place: usize) -> CatchList {
        CatchList { per_place, ..CatchList::default() }
    }

    #[test]
    fn what_the_library_raises_is_met_where_it_comes_to_other_code() {
        let mut raised = Raised::default();
        let inside = [frame(LIBRARY, 355)];
        assert_eq!(raised.judge(Some(&inside[0]), &[], true, &most(1)), PASS_OVER);
        assert!(raised.judge(Some(&frame("/app/main.py", 7)), &inside, true, &most(1)).take);
        let through = [frame("/app/main.py", 7), frame(LIBRARY, 355)];
        assert_eq!(raised.judge(Some(&frame("/app/run.py", 3)), &through, true, &most(1)), PASS_OVER, "its caller");
        assert_eq!(raised.judge(None, &[], true, &most(1)), PASS_OVER);
    }

    #[test]
    fn installed_code_is_the_programs_own_where_that_is_said() {
        let installed = frame("/v/lib/python3.11/site-packages/app/main.py", 7);
        assert_eq!(Raised::default().judge(Some(&installed), &[], true, &most(1)), PASS_OVER);
        let list = CatchList { own_code: vec!["*/site-packages/app/*".to_owned()], ..CatchList::default() };
        assert!(Raised::default().judge(Some(&installed), &[], true, &list).take);
    }

    #[test]
    fn a_place_gives_so_many_and_a_process_so_many() {
        let mut raised = Raised::default();
        let place = frame("/app/main.py", 7);
        let of_place = [(); 3].map(|()| raised.judge(Some(&place), &[], true, &most(2)));
        assert_eq!(
            of_place.map(|judged| (judged.take, judged.pass_over)),
            [(true, false), (true, true), (false, true)]
        );
        let others = (8..100).map(|line| raised.judge(Some(&frame("/app/main.py", line)), &[], true, &most(1)));
        let others: Vec<Judged> = others.take_while(|judged| !judged.enough).collect();
        assert_eq!(others.len(), MOST - 3);
        let mut in_vain = Raised::default();
        let judged: Vec<bool> =
            (0..MOST_IN_VAIN).map(|_| in_vain.judge(Some(&place), &[], false, &most(1)).pass_over).collect();
        assert!(judged[..MOST_IN_VAIN - 1].iter().all(|pass_over| !pass_over) && judged[MOST_IN_VAIN - 1]);
    }
}
