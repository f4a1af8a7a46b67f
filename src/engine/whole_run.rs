//! The snapshots of a whole run side by side: which processes there are, and the one that is being looked at.
//!
//! A run may have ten thousand snapshots. Their lines are read from their first frames; only what somebody selected
//! stays open, and what a command asks of the others is asked of one after the other.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use dpdb_analyzer::FileCache;
use dpdb_snapshot::process::ProcessLink;
use dpdb_snapshot::{OpenError, Process, Text};
use serde::Serialize;

use super::{CommandError, Engine, LimitOptions, Preferences, Reply, SnapshotLine};
use crate::cli::FileArgs;
use crate::failure::sentence;
use crate::waiting::Waiting;
use dpdb_analyzer::parallel;

/// The snapshots of a run, and the engine of the selected one.
#[derive(Debug)]
pub struct WholeRun {
    /// By time of death; what nobody knows the time of goes last.
    members: Vec<Member>,
    pub(super) engine: Engine,
    /// The index of the selected member.
    selected: usize,
    /// Those that were selected before, with what was selected in them.
    pub(super) others: HashMap<usize, Engine>,
    files: FileArgs,
    /// What is set for the answers about all of them.
    pub(super) preferences: Preferences,
    shared: FileCache,
    waiting: Waiting,
}

/// A snapshot of the run.
#[derive(Debug)]
struct Member {
    line: SnapshotLine,
    ppid: i32,
    /// The supervised tree as it was then.
    tree: Vec<ProcessLink>,
}

/// A process of the run that left a snapshot.
#[derive(Clone, Debug, Serialize)]
pub struct RunProcess {
    /// Its number in the order of death, from 1 on.
    pub number: usize,
    /// It is selected.
    pub selected: bool,
    /// It was the first to fail, which often is what the others died of.
    pub first_failure: bool,
    /// The process that started it.
    pub ppid: i32,
    /// Its file, and what died.
    #[serde(flatten)]
    pub line: SnapshotLine,
}

/// `processes`: the last to die comes first, and the first failure last, where the eye is.
#[derive(Debug, Serialize)]
pub struct Processes {
    /// Those that left a snapshot.
    pub processes: Vec<RunProcess>,
}

/// `processes -tree`: all processes that any snapshot knows of, parents before their children.
#[derive(Debug, Serialize)]
pub struct ProcessTree {
    /// The processes.
    pub nodes: Vec<ProcessNode>,
}

/// A process in the tree of the run.
#[derive(Debug, Serialize)]
pub struct ProcessNode {
    /// How many of its ancestors are in the tree.
    pub depth: usize,
    /// Its process id.
    pub pid: i32,
    /// Its parent's.
    pub ppid: i32,
    /// Its short name.
    pub comm: Text,
    /// Its snapshots, by time; a process that was snapped while it lived may have several.
    pub snapshots: Vec<RunProcess>,
}

/// What a command said of several processes.
#[derive(Debug, Serialize)]
pub struct AppliedToProcesses {
    /// The command line.
    pub command: String,
    /// One answer for each process.
    pub answers: Vec<ProcessAnswer>,
    /// Somebody interrupted it: processes are left out.
    pub given_up: bool,
}

/// What a command said of one process.
#[derive(Debug, Serialize)]
pub struct ProcessAnswer {
    /// The process.
    pub process: RunProcess,
    /// The reply, if there was one.
    pub reply: Option<Box<Reply>>,
    /// The error, if there was one.
    pub error: Option<String>,
}

/// Where a crash stands in its run.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PlaceInRun {
    /// Its number in the order of death, from 1 on.
    pub number: usize,
    /// How many snapshots there are.
    pub count: usize,
    /// It was the first to fail.
    pub first_failure: bool,
}

/// A command that can be run on one process after the other.
pub type PerProcess<'a> = &'a mut dyn FnMut(&mut Engine) -> Result<Reply, CommandError>;

/// Files of a run that could not be read, and why.
pub type Unreadable = Vec<(PathBuf, OpenError)>;

impl WholeRun {
    /// Opens the snapshots at `paths`, and of them the first failure. Those that cannot be read are returned beside the
    /// run, or alone where there is no other.
    ///
    /// # Errors
    /// None of them could be read.
    pub fn open(
        paths: &[PathBuf],
        files: &FileArgs,
        limits: LimitOptions,
    ) -> Result<(WholeRun, Unreadable), Unreadable> {
        let shared = FileCache::default();
        let (mut members, mut unreadable) = (Vec::new(), Unreadable::new());
        for (path, read) in paths.iter().zip(parallel::map(paths, || (), |(), path| SnapshotLine::read(path))) {
            match read {
                Ok((line, process)) => members.push(Member::new(line, &process)),
                Err(error) => unreadable.push((path.clone(), error)),
            }
        }
        members.sort_by_key(|member| (member.line.crash.time.unwrap_or(u64::MAX), member.line.crash.pid));
        let mut selected = members.iter().position(Member::is_failure).unwrap_or(0);
        // The notes of a file may be whole, and its memory not to be opened: then the next one is looked at.
        while let Some(member) = members.get(selected) {
            match Engine::open_sharing(&member.line.file, files, shared.clone()) {
                Ok(mut engine) => {
                    let preferences = Preferences { limits, ..Preferences::default() };
                    engine.prefer(preferences);
                    let run = WholeRun {
                        members,
                        engine,
                        selected,
                        others: HashMap::new(),
                        files: files.clone(),
                        preferences,
                        shared,
                        waiting: Waiting::default(),
                    };
                    return Ok((run, unreadable));
                }
                Err(error) => {
                    unreadable.push((members.remove(selected).line.file, error));
                    selected = members.iter().position(Member::is_failure).unwrap_or(0);
                }
            }
        }
        Err(unreadable)
    }

    /// A run of the one snapshot that `engine` has open.
    pub fn of_one(engine: Engine) -> WholeRun {
        let (file, process) = (&engine.file, engine.process());
        let line = SnapshotLine::new(&file.path, file.bytes, !file.damage.is_empty(), process);
        WholeRun {
            members: vec![Member::new(line, process)],
            engine,
            selected: 0,
            others: HashMap::new(),
            files: FileArgs::default(),
            preferences: Preferences::default(),
            shared: FileCache::default(),
            waiting: Waiting::default(),
        }
    }

    /// The file of the selected process.
    pub fn file(&self) -> &Path {
        &self.members[self.selected].line.file
    }

    /// The selected process.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The selected process, to be asked.
    pub fn engine_mut(&mut self) -> &mut Engine {
        &mut self.engine
    }

    /// All processes that left a snapshot.
    pub fn processes(&self) -> Reply {
        let mut processes: Vec<RunProcess> = (0..self.members.len()).map(|index| self.process(index)).collect();
        processes.sort_by_key(|process| (process.first_failure, Reverse(process.number)));
        Reply::Processes(Processes { processes })
    }

    /// The tree of all processes that any of the snapshots knows.
    pub fn tree(&self) -> Reply {
        let mut known: HashMap<i32, (i32, Text)> = HashMap::new();
        let mut snapshots: HashMap<i32, Vec<usize>> = HashMap::new();
        for (index, member) in self.members.iter().enumerate() {
            let crash = &member.line.crash;
            known.insert(crash.pid, (member.ppid, crash.comm.clone()));
            snapshots.entry(crash.pid).or_default().push(index);
        }
        for link in self.members.iter().flat_map(|member| &member.tree) {
            known.entry(link.pid).or_insert_with(|| (link.ppid, link.comm.clone()));
        }
        let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
        let mut roots = Vec::new();
        for (&pid, &(ppid, _)) in &known {
            match known.contains_key(&ppid) && ppid != pid {
                true => children.entry(ppid).or_default().push(pid),
                false => roots.push(pid),
            }
        }
        let mut nodes = Vec::new();
        let mut seen = HashSet::new();
        let mut open: Vec<(usize, i32)> = roots.into_iter().map(|pid| (0, pid)).collect();
        open.sort_by_key(|(_, pid)| Reverse(*pid));
        loop {
            // Files that lie about their parents may describe a ring, which has no root.
            let next = open
                .pop()
                .or_else(|| known.keys().copied().filter(|pid| !seen.contains(pid)).min().map(|pid| (0, pid)));
            let Some((depth, pid)) = next else { break };
            let Some((ppid, comm)) = known.get(&pid).filter(|_| seen.insert(pid)) else { continue };
            let of_it = snapshots.get(&pid).into_iter().flatten().map(|&index| self.process(index)).collect();
            nodes.push(ProcessNode { depth, pid, ppid: *ppid, comm: comm.clone(), snapshots: of_it });
            let mut below = children.get(&pid).cloned().unwrap_or_default();
            below.sort_unstable_by_key(|pid| Reverse(*pid));
            open.extend(below.into_iter().map(|child| (depth + 1, child)));
        }
        Reply::ProcessTree(ProcessTree { nodes })
    }

    /// What a person sees on opening the selected process, and where it stands in the run.
    ///
    /// # Errors
    /// As [`Engine::opening`].
    pub fn opening(&mut self) -> Result<Reply, CommandError> {
        let place = PlaceInRun {
            number: self.selected + 1,
            count: self.members.len(),
            first_failure: self.first_failure() == Some(self.selected),
        };
        let mut opening = self.engine.opening()?;
        if let Reply::Opening(opening) = &mut opening {
            opening.run = Some(place).filter(|place| place.count > 1);
        }
        Ok(opening)
    }

    /// Selects a process; what was selected in it before still is.
    ///
    /// # Errors
    /// There is no such process, or its file cannot be read any more.
    pub fn select(&mut self, wanted: &str) -> Result<Reply, CommandError> {
        let index = self.find(wanted)?;
        if index != self.selected {
            let engine = match self.others.remove(&index) {
                Some(engine) => engine,
                None => self.open_member(index)?,
            };
            let before = std::mem::replace(&mut self.engine, engine);
            self.others.insert(self.selected, before);
            self.selected = index;
        }
        self.opening()
    }

    /// Runs a command on several processes, or on all, by order of death; the selection is as before afterwards.
    ///
    /// # Errors
    /// One of the processes does not exist. What the command itself answers is in the reply, errors and all.
    pub fn apply(&mut self, wanted: &str, command: &str, run: PerProcess<'_>) -> Result<Reply, CommandError> {
        let indices = match wanted {
            "all" => self.all(),
            list => list
                .split([',', ' '])
                .filter(|name| !name.is_empty())
                .map(|name| self.find(name))
                .collect::<Result<Vec<_>, _>>()?,
        };
        let mut answers = Vec::new();
        let given_up = self.for_each(&indices, |process, engine| {
            let (reply, error) = match engine.and_then(&mut *run) {
                Ok(reply) => (Some(Box::new(reply)), None),
                Err(error) => (None, Some(error.to_string())),
            };
            answers.push(ProcessAnswer { process, reply, error });
        });
        Ok(Reply::AppliedToProcesses(AppliedToProcesses { command: command.to_owned(), answers, given_up }))
    }

    /// Asks one process after the other. What was not open is closed again. Whether Ctrl-C ended it.
    pub(super) fn for_each(
        &mut self,
        indices: &[usize],
        mut ask: impl FnMut(RunProcess, Result<&mut Engine, CommandError>),
    ) -> bool {
        let all = indices.len() as u64;
        let mut given_up = false;
        for (done, &index) in indices.iter().enumerate() {
            let goes_on = self.waiting.goes_on(|| "looking at processes".to_owned(), done as u64, all);
            if goes_on.is_break() {
                given_up = true;
                break;
            }
            let process = self.process(index);
            if index == self.selected {
                ask(process, Ok(&mut self.engine));
            } else if let Some(engine) = self.others.get_mut(&index) {
                ask(process, Ok(engine));
            } else {
                match self.open_member(index) {
                    Ok(mut engine) => ask(process, Ok(&mut engine)),
                    Err(error) => ask(process, Err(error)),
                }
            }
        }
        self.waiting.has_ended();
        given_up
    }

    /// The indices of all processes, by order of death.
    pub(super) fn all(&self) -> Vec<usize> {
        (0..self.members.len()).collect()
    }

    /// A process by its number in `processes`, by its pid, or as `rank=N`; the number wins.
    pub(super) fn find(&self, wanted: &str) -> Result<usize, CommandError> {
        let crashes = || self.members.iter().map(|member| &member.line.crash);
        let found = match wanted.strip_prefix("rank=") {
            Some(rank) => rank.parse().ok().and_then(|rank: u32| crashes().position(|crash| crash.rank == Some(rank))),
            None => {
                let number: Option<i32> = wanted.parse().ok();
                let by_number = number.and_then(|number| usize::try_from(number).ok()?.checked_sub(1));
                let by_pid = || crashes().position(|crash| Some(crash.pid) == number);
                by_number.filter(|&index| index < self.members.len()).or_else(by_pid)
            }
        };
        found.ok_or_else(|| {
            CommandError::refused(format!("no process has the number, pid or rank '{wanted}'; 'processes' lists them"))
        })
    }

    fn process(&self, index: usize) -> RunProcess {
        let member = &self.members[index];
        RunProcess {
            number: index + 1,
            selected: index == self.selected,
            first_failure: self.first_failure() == Some(index),
            ppid: member.ppid,
            line: member.line.clone(),
        }
    }

    /// Of a single crash nobody asks whether it was the first.
    fn first_failure(&self) -> Option<usize> {
        self.members.iter().position(Member::is_failure).filter(|_| self.members.len() > 1)
    }

    fn open_member(&self, index: usize) -> Result<Engine, CommandError> {
        let file = &self.members[index].line.file;
        let opened = Engine::open_sharing(file, &self.files, self.shared.clone());
        let mut engine =
            opened.map_err(|error| CommandError::refused(format!("{}: {}", file.display(), sentence(&error))))?;
        engine.prefer(self.preferences);
        Ok(engine)
    }
}

impl Member {
    fn new(line: SnapshotLine, process: &Process) -> Member {
        Member { line, ppid: process.ppid, tree: process.tree.clone() }
    }

    /// It died or raised something; a snapshot that somebody asked for is no failure.
    fn is_failure(&self) -> bool {
        let crash = &self.line.crash;
        crash.time.is_some() && (crash.death.is_some() || crash.exception.is_some())
    }
}
