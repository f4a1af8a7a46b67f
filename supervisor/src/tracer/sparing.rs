//! Sparing a process stops at catchpoints, and judgements of them: calls that need none are passed over, and a process that is
//! stopped too often is not stopped for a while.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::catch::{Catchpoint, Hit, Likeness, Planted};
use crate::sys;

use super::Tracer;

/// How many stops of a process are judged at once, and how many per second when those are used up. A judgement takes a
/// tenth of a millisecond, so that the time that a process loses stays under two percent.
const STOPS: f64 = 500.0;
const STOPS_PER_SECOND: f64 = 100.0;
/// What a stop counts that needs no judgement: it takes some twenty microseconds, and is only there where every raised
/// exception was asked for, which may cost a tenth of the time.
const UNJUDGED: f64 = 0.025;
/// For so long, a process that stops more often is not stopped where nothing need be wrong.
const PAUSE: Duration = Duration::from_secs(1);

/// The elements of a chain that a function is being called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    /// The next element whose call is passed over.
    next: u64,
    /// Where in an element the address of its next stands.
    offset: u64,
}

impl Chain {
    /// What follows `element`, in the memory of thread `tid`.
    pub(super) fn behind(tid: i32, element: u64, offset: u64) -> Option<Chain> {
        let next = word(tid, element.wrapping_add(offset))?;
        (next != 0).then_some(Chain { next, offset })
    }
}

fn word(tid: i32, at: u64) -> Option<u64> {
    let mut word = [0; 8];
    let read = sys::read_process_memory(tid, at, &mut word).ok()?;
    (read == word.len()).then(|| u64::from_ne_bytes(word))
}

/// How often a process may still be stopped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    left: f64,
    at: Instant,
}

impl Allowance {
    pub(crate) fn new() -> Allowance {
        Allowance { left: STOPS, at: Instant::now() }
    }

    fn take(&mut self, cost: f64) -> bool {
        let now = Instant::now();
        self.left = (self.left + now.duration_since(self.at).as_secs_f64() * STOPS_PER_SECOND).min(STOPS);
        self.at = now;
        let is_left = self.left >= cost;
        self.left -= if is_left { cost } else { 0.0 };
        is_left
    }
}

/// Breakpoints that are disarmed for a while.
#[derive(Debug, Default)]
pub(super) struct Disarmed {
    /// Until when.
    all: Vec<(Arc<Planted>, Instant)>,
    /// The user was told that some are passed over.
    told: bool,
}

impl Disarmed {
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.all.iter().map(|(_, until)| *until).min()
    }

    /// Arms those again whose time has come; whether there were any.
    pub(super) fn arm(&mut self, now: Instant) -> bool {
        let before = self.all.len();
        self.all.retain(|(planted, until)| {
            let is_over = *until <= now;
            if is_over {
                planted.arm_frequent(true);
            }
            !is_over
        });
        self.all.len() < before
    }
}

impl Tracer {
    /// Whether the call is one for a chain of which an earlier element was judged.
    pub(super) fn is_chained(&mut self, tid: i32, argument: u64) -> bool {
        let Some(thread) = self.tree.thread_mut(tid) else { return false };
        let Some(chain) = thread.chain.take().filter(|chain| chain.next == argument) else { return false };
        thread.chain = Chain::behind(tid, argument, chain.offset);
        true
    }

    /// Counts the exceptions that are raised, where all are met, and returns how many that were.
    pub(super) fn count_raise(&mut self, pid: i32, tid: i32, catchpoint: Catchpoint, argument: u64) -> u64 {
        let came_from_elsewhere = self
            .tree
            .thread(tid)
            .and_then(|thread| thread.likeness.as_ref())
            .is_some_and(|likeness| likeness.key(argument, |at| word(tid, at)).is_some_and(|(_, came)| came));
        let Some(process) = self.tree.process_mut(pid) else { return 0 };
        process.raises += u64::from(catchpoint == Catchpoint::TracebackHere && !came_from_elsewhere);
        process.raises
    }

    /// Whether a stop is to be judged: no like one was that is enough for all, and the process was not stopped too often.
    /// Where it was, its breakpoints are disarmed for a while, but for those that nothing but a death meets.
    pub(super) fn is_worth_judging(&mut self, hit: &Hit, planted: &Arc<Planted>) -> bool {
        if !hit.catchpoint.is_frequent() {
            return true;
        }
        let likeness = self.tree.thread(hit.tid).and_then(|thread| thread.likeness.as_ref());
        let key = likeness.and_then(|likeness| likeness.key(hit.registers.rdi, |at| word(hit.tid, at)));
        let Some(process) = self.tree.process_mut(hit.pid) else { return false };
        let is_known =
            hit.catchpoint == Catchpoint::TracebackHere && key.is_some_and(|key| process.passed_over.has(&key));
        if process.allowance.take(if is_known { UNJUDGED } else { 1.0 }) {
            return !is_known;
        }
        // What is raised meanwhile is not counted, but it is another exception.
        process.raises += 1;
        planted.arm_frequent(false);
        self.catching.disarmed.all.push((Arc::clone(planted), Instant::now() + PAUSE));
        if !std::mem::replace(&mut self.catching.disarmed.told, true) {
            let does =
                if hit.catchpoint == Catchpoint::TracebackHere { "raises exceptions" } else { "prints tracebacks" };
            self.notice(format!(
                "process {} {does} so often that some are passed over, so that it need not wait for us",
                hit.pid
            ));
        }
        false
    }

    /// Does as a verdict says: calls like this one, or all of the function, are not judged in this process again.
    pub(super) fn spare(&mut self, hit: &Hit, likeness: Option<Likeness>, pass_over: bool, enough: bool) {
        if enough {
            return self.plant_without(hit.pid, hit.catchpoint);
        }
        let Some(likeness) = likeness else { return };
        let key = pass_over.then(|| likeness.key(hit.registers.rdi, |at| word(hit.tid, at))).flatten();
        if let Some(thread) = self.tree.thread_mut(hit.tid) {
            thread.likeness = Some(likeness);
        }
        if let Some((key, process)) = key.zip(self.tree.process_mut(hit.pid)) {
            process.passed_over.add(key);
        }
    }

    /// Sets the breakpoints of a process again, without those of one kind.
    fn plant_without(&mut self, pid: i32, catchpoint: Catchpoint) {
        let Some(process) = self.tree.process_mut(pid) else { return };
        let all = std::mem::take(&mut process.planted);
        for planted in all {
            let sites: Vec<_> = planted.sites().iter().filter(|site| site.catchpoint != catchpoint).copied().collect();
            let (bias, data) = (planted.bias, planted.data);
            // Its registers are free again before others are set.
            drop(planted);
            self.plant(pid, &sites, bias, data);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Allowance, STOPS, UNJUDGED};

    #[test]
    fn an_allowance_is_used_up_by_a_burst() {
        for cost in [1.0, UNJUDGED] {
            let mut allowance = Allowance::new();
            let most = (STOPS / cost) as usize;
            let taken = (0..most * 2).filter(|_| allowance.take(cost)).count();
            assert!(taken >= most && taken < most * 2, "{taken}");
        }
    }
}
