//! What makes snapshots by itself: the clock, numbers that grow too large, signals, crashes.
//!
//! The engine is told the time and what was measured, and says what to take: it looks at no clock and no process itself.

mod measures;
mod spec;

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use dpdb_snapshot::process::Signal;

use crate::RunningProcess;

pub(crate) use measures::{Sample, Wanted};
pub use spec::{Trigger, When};

/// How often processes are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// At least so often within the time over which something is measured, and at most so often at all.
const LOOKS_PER_TIME: u32 = 4;
const SHORTEST_LOOK: Duration = Duration::from_millis(20);

/// What is to be snapshot, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fired {
    Process(RunningProcess, String),
    Tree(String),
}

/// The triggers of a run.
#[derive(Debug, Default)]
pub(crate) struct Triggers {
    armed: Vec<Armed>,
    /// How often to look, where a trigger has to be looked for.
    pace: Option<Duration>,
    next_look: Option<Instant>,
    /// Processor time of each process, oldest first, over the longest time that is asked for.
    loads: HashMap<RunningProcess, VecDeque<(Instant, Duration)>>,
    /// What the tree looked like when it last got on, and when.
    progress: Option<(Instant, Vec<(RunningProcess, Duration)>)>,
}

/// One trigger.
#[derive(Debug)]
struct Armed {
    trigger: Trigger,
    fired: u64,
    /// When it may fire again: of a process, or of all.
    still: HashMap<Option<RunningProcess>, Instant>,
    /// When its time comes, where it is about time.
    due: Option<Instant>,
}

impl Triggers {
    pub(crate) fn new(triggers: &[Trigger], now: Instant) -> Triggers {
        let arm = |trigger: &Trigger| Armed {
            trigger: trigger.clone(),
            fired: 0,
            still: HashMap::new(),
            due: match trigger.when {
                When::Every(period) => now.checked_add(period),
                _ => None,
            },
        };
        let pace = triggers.iter().filter_map(|trigger| pace(trigger.when)).min();
        let armed = triggers.iter().map(arm).collect();
        Triggers { armed, pace, next_look: pace.map(|pace| now + pace), ..Triggers::default() }
    }

    /// When [`Triggers::look`] is to be called.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let due = self.armed.iter().filter(|armed| !armed.is_used_up()).filter_map(|armed| armed.due);
        let is_looked_for = |armed: &Armed| !armed.is_used_up() && pace(armed.trigger.when).is_some();
        due.chain(self.next_look.filter(|_| self.armed.iter().any(is_looked_for))).min()
    }

    /// Whether processes have to be looked at now, and what of them is wanted.
    pub(crate) fn wants_samples(&self, now: Instant) -> Option<Wanted> {
        self.next_look.filter(|look| *look <= now)?;
        let is_armed = |is: fn(&When) -> bool| self.armed.iter().any(|it| !it.is_used_up() && is(&it.trigger.when));
        Some(Wanted {
            fds: is_armed(|when| matches!(when, When::FdsOver(_))),
            cgroup: is_armed(|when| matches!(when, When::CgroupOver(_))),
        })
    }

    /// Says what is to be snapshot now. `samples` are of all processes of the tree, where they were wanted.
    pub(crate) fn look(&mut self, now: Instant, samples: Option<&[(RunningProcess, Sample)]>) -> Vec<Fired> {
        let mut fired = Vec::new();
        for armed in &mut self.armed {
            if let (When::Every(period), Some(due)) = (armed.trigger.when, armed.due)
                && due <= now
            {
                // One that is late is not made up for.
                armed.due = now.checked_add(period);
                fired.extend(armed.fire(None, now).then(|| Fired::Tree(armed.trigger.spelled.clone())));
            }
        }
        let Some(samples) = samples else { return fired };
        self.next_look = self.pace.map(|pace| now + pace);
        self.remember(now, samples);
        let idle_since = self.progress.as_ref().map_or(now, |(since, _)| *since);
        for armed in &mut self.armed {
            let spelled = armed.trigger.spelled.clone();
            match armed.trigger.when {
                When::Idle(time) if now.saturating_duration_since(idle_since) >= time => {
                    fired.extend(armed.fire(None, now).then_some(Fired::Tree(spelled)));
                }
                When::CgroupOver(most) => {
                    let fullest = samples.iter().map(|(_, sample)| sample.cgroup).max().unwrap_or(0);
                    if fullest > most && armed.fire(None, now) {
                        fired.push(Fired::Tree(format!("{spelled} ({fullest}%)")));
                    }
                }
                when => {
                    for &(process, sample) in samples {
                        let load = self.loads.get(&process);
                        if let Some(value) = exceeds(when, sample, load, now)
                            && armed.fire(Some(process), now)
                        {
                            fired.push(Fired::Process(process, format!("{spelled} ({value})")));
                        }
                    }
                }
            }
        }
        fired
    }

    /// Keeps what later looks are compared with.
    fn remember(&mut self, now: Instant, samples: &[(RunningProcess, Sample)]) {
        let longest = self.armed.iter().filter_map(|armed| match armed.trigger.when {
            When::CpuOver(_, time) => Some(time),
            _ => None,
        });
        if let Some(longest) = longest.max() {
            self.loads.retain(|process, _| samples.iter().any(|(there, _)| there == process));
            for (process, sample) in samples {
                let loads = self.loads.entry(*process).or_default();
                loads.push_back((now, sample.cpu));
                // One that is old enough is kept.
                while loads.get(1).is_some_and(|(at, _)| now.saturating_duration_since(*at) >= longest) {
                    loads.pop_front();
                }
            }
        }
        let tree: Vec<(RunningProcess, Duration)> = samples.iter().map(|(process, it)| (*process, it.cpu)).collect();
        if self.progress.as_ref().is_none_or(|(_, last)| *last != tree) {
            self.progress = Some((now, tree));
        }
    }

    /// Whether process `process`, about to take `signal`, is to be snapshot, and by what.
    pub(crate) fn on_signal(&mut self, process: RunningProcess, signal: Signal, now: Instant) -> Option<String> {
        self.event(When::OnSignal(signal), Some(process), now)
    }

    /// Whether a trigger is about this signal.
    pub(crate) fn is_about(&self, signal: Signal) -> bool {
        self.armed.iter().any(|armed| armed.trigger.when == When::OnSignal(signal) && !armed.is_used_up())
    }

    /// Whether a process that somebody has killed is to be snapshot.
    pub(crate) fn on_kill(&mut self, process: RunningProcess, now: Instant) -> bool {
        self.event(When::OnKill, Some(process), now).is_some()
    }

    /// Whether all others are to be snapshot, now that a process crashes.
    pub(crate) fn on_crash(&mut self, now: Instant) -> Option<String> {
        self.event(When::OnCrash, None, now)
    }

    fn event(&mut self, when: When, process: Option<RunningProcess>, now: Instant) -> Option<String> {
        let armed = self.armed.iter_mut().find(|armed| armed.trigger.when == when)?;
        armed.fire(process, now).then(|| armed.trigger.spelled.clone())
    }
}

impl Armed {
    fn is_used_up(&self) -> bool {
        self.trigger.limit.is_some_and(|limit| self.fired >= limit)
    }

    /// Fires, unless it has done so too often or just now.
    fn fire(&mut self, process: Option<RunningProcess>, now: Instant) -> bool {
        self.still.retain(|_, until| *until > now);
        if self.is_used_up() || self.still.contains_key(&process) {
            return false;
        }
        self.fired += 1;
        if let Some(until) = now.checked_add(self.trigger.cooldown) {
            self.still.insert(process, until);
        }
        true
    }
}

/// How often processes have to be looked at for this; `None` where they have not.
fn pace(when: When) -> Option<Duration> {
    match when {
        When::Every(_) | When::OnSignal(_) | When::OnKill | When::OnCrash => None,
        When::Idle(time) | When::CpuOver(_, time) => Some((time / LOOKS_PER_TIME).clamp(SHORTEST_LOOK, LOOK)),
        When::CgroupOver(_) | When::RssOver(_) | When::ThreadsOver(_) | When::FdsOver(_) => Some(LOOK),
    }
}

/// The value that a process exceeds a limit by, in words.
fn exceeds(when: When, sample: Sample, load: Option<&VecDeque<(Instant, Duration)>>, now: Instant) -> Option<String> {
    match when {
        When::RssOver(most) if sample.rss > most => Some(format!("{} MiB", sample.rss >> 20)),
        When::ThreadsOver(most) if sample.threads > most => Some(format!("{} threads", sample.threads)),
        When::FdsOver(most) if sample.fds > most => Some(format!("{} files", sample.fds)),
        When::CpuOver(most, time) => {
            let then = load?.iter().rev().find(|(at, _)| now.saturating_duration_since(*at) >= time)?;
            let passed = now.saturating_duration_since(then.0).as_millis().max(1);
            let percent = sample.cpu.saturating_sub(then.1).as_millis() * 100 / passed;
            (percent > u128::from(most)).then(|| format!("{percent}%"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
