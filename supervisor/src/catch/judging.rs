//! The thread on which a judge is asked.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};

use super::{Hit, Judge, Verdict};
use crate::sys::Bell;
use crate::thread_starter::ThreadStarter;

/// An answer, and the number of the question.
pub(crate) type Judged = (u64, Verdict);

/// Where a judge is asked.
pub(crate) struct Judges {
    /// Before its thread was started.
    judge: Option<Box<dyn Judge>>,
    starter: ThreadStarter,
    bell: Bell,
    asked: Option<Sender<(u64, Hit)>>,
    answers: (Sender<Judged>, Receiver<Judged>),
    last: u64,
}

impl std::fmt::Debug for Judges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Judges").field("last", &self.last).finish_non_exhaustive()
    }
}

impl Judges {
    pub(crate) fn new(judge: Option<Box<dyn Judge>>, starter: ThreadStarter, bell: Bell) -> Judges {
        Judges { judge, starter, bell, asked: None, answers: channel(), last: 0 }
    }

    /// Asks, and returns the number of the question; `None` where nobody can be asked.
    pub(crate) fn ask(&mut self, hit: Hit) -> Option<u64> {
        if let Some(judge) = self.judge.take() {
            self.asked = self.start(judge);
        }
        self.last += 1;
        self.asked.as_ref()?.send((self.last, hit)).ok()?;
        Some(self.last)
    }

    /// The next answer.
    pub(crate) fn answer(&self) -> Option<Judged> {
        self.answers.1.try_recv().ok()
    }

    fn start(&self, mut judge: Box<dyn Judge>) -> Option<Sender<(u64, Hit)>> {
        let (asked, questions) = channel::<(u64, Hit)>();
        let (answers, bell) = (self.answers.0.clone(), self.bell.clone());
        let is_started = self.starter.start("judge", move || {
            for (number, hit) in questions {
                // What it reads is hostile: a defect in reading it must not cost more than this one answer.
                let verdict = catch_unwind(AssertUnwindSafe(|| judge.judge(&hit))).unwrap_or_default();
                if answers.send((number, verdict)).is_err() {
                    return;
                }
                bell.ring();
            }
        });
        is_started.then_some(asked)
    }
}
