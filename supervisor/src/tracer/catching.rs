//! Stops at catchpoints: where they are set, and how a thread goes on that met one.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dpdb_snapshot::process::{CaughtException, Cause, ExceptionLanguage, Fate, Signal};

use crate::capture::{MappedMemory, read_mapping_table};
use crate::catch::{Catchpoint, Hit, Judges, Mechanism, PassedOver, Planter, Program, Programs, Site, Verdict};
use crate::sys::{self, Errno};
use crate::tree::{Reaction, State};
use crate::{Options, RunningProcess, Stop, proc};

use super::Tracer;
use super::sparing::{Chain, Disarmed};

/// A judge that has not answered by then is not waited for: the thread goes on.
const PATIENCE: Duration = Duration::from_secs(10);
/// All that is known of catchpoints.
#[derive(Debug)]
pub(super) struct Catching {
    /// `None` where nothing is to be caught, or can be.
    programs: Option<Programs>,
    pub(super) planter: Planter,
    judges: Judges,
    pending: HashMap<u64, Pending>,
    pub(super) disarmed: Disarmed,
    /// The user was told that there is no room for all of them.
    told_of_room: bool,
}

/// A thread that waits for a judge.
#[derive(Debug)]
struct Pending {
    process: RunningProcess,
    hit: Hit,
    deadline: Instant,
}

impl Catching {
    pub(super) fn new(options: &Options, judges: Judges) -> Catching {
        let list = &options.catch;
        Catching {
            programs: list.has_exceptions().then(|| Programs::new(list.clone())),
            planter: Planter::default(),
            judges,
            pending: HashMap::new(),
            disarmed: Disarmed::default(),
            told_of_room: false,
        }
    }

    /// Sets no more catchpoints.
    pub(super) fn give_up(&mut self) {
        self.programs = None;
    }

    /// When the loop has to wake up though nothing happens.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let judged = self.pending.values().map(|pending| pending.deadline);
        judged.chain(self.disarmed.next_deadline()).min()
    }
}

impl Tracer {
    /// Process `pid` has become another program: sets what its file has catchpoints for. The kernel has taken away
    /// those of the program before.
    pub(super) fn catch_in_program(&mut self, pid: i32) {
        if let Some(process) = self.tree.process_mut(pid) {
            process.planted.clear();
            process.passed_over = PassedOver::default();
        }
        let Some(programs) = &mut self.catching.programs else { return };
        let directory = proc::proc_dir(pid);
        let program = programs.at(&directory.join("exe"));
        let linker = program.may_load.then(|| linker_of(programs, &directory, &program)).flatten();
        if program.sites.is_empty() && linker.is_none() {
            return;
        }
        let Ok(auxv) = fs::read(directory.join("auxv")) else { return };
        let Some(entry) = auxiliary(&auxv, libc::AT_ENTRY) else { return };
        let bias = entry.wrapping_sub(program.entry);
        self.plant(pid, &program.sites, bias, 0);
        let is_python = program.sites.iter().any(|site| site.catchpoint == Catchpoint::PrintEx);
        if let Some(linker) = linker
            && let Some((site, data)) = linker.loader
            && (!is_python || self.options.catch.has_native())
        {
            let base = auxiliary(&auxv, libc::AT_BASE).filter(|base| *base != 0).unwrap_or(bias);
            self.plant(pid, &[site], base, data);
        }
    }

    /// The dynamic linker has loaded or dropped libraries: sets what those have catchpoints for.
    fn catch_in_libraries(&mut self, pid: i32, tid: i32, debug: u64) {
        /// `r_state` of `struct r_debug` (link.h); zero is `RT_CONSISTENT`.
        const R_STATE: u64 = 24;
        let mut state = [0; 4];
        if sys::read_process_memory(tid, debug.wrapping_add(R_STATE), &mut state).is_err() || state != [0; 4] {
            return;
        }
        self.catch_in_mapped_libraries(pid, tid);
        if self.catching.planter.mechanism == Mechanism::Registers
            && let Some(process) = self.tree.process_mut(pid)
        {
            // Once at the start, which no breakpoint that outlives us may be met after.
            process.planted.retain(|planted| !planted.has(Catchpoint::Loader));
        }
    }

    /// Sets what the libraries have catchpoints for that are loaded in process `pid`, of which `tid` is a thread.
    pub(super) fn catch_in_mapped_libraries(&mut self, pid: i32, tid: i32) {
        let directory = proc::proc_dir(tid);
        let Ok(maps) = fs::read(directory.join("maps")) else { return };
        let Ok(table) = read_mapping_table(maps.as_slice()) else { return };
        let Some(programs) = &mut self.catching.programs else { return };
        let code = table.mappings.iter().filter(|mapped| mapped.mapping.permissions.execute && is_candidate(mapped));
        let found: Vec<(Arc<Program>, u64)> =
            code.filter_map(|mapped| in_library(programs, &directory, mapped)).collect();
        for (program, bias) in found {
            let known = self.tree.process(pid).map_or(&[][..], |process| process.planted.as_slice());
            let is_new = |site: &&Site| !known.iter().any(|planted| planted.has(site.catchpoint));
            let sites: Vec<Site> = program.sites.iter().filter(is_new).copied().collect();
            if sites.is_empty() {
                continue;
            }
            if !self.options.catch.has_native()
                && let Some(process) = self.tree.process_mut(pid)
            {
                process.planted.retain(|planted| !planted.has(Catchpoint::Loader));
            }
            self.plant(pid, &sites, bias, 0);
        }
    }

    pub(super) fn plant(&mut self, pid: i32, sites: &[Site], bias: u64, data: u64) {
        let sites = self.sites_worth_it(sites);
        let Some(process) = self.tree.process_mut(pid) else { return };
        if sites.is_empty() {
            return;
        }
        let tids: Vec<i32> = process.threads.keys().copied().collect();
        let (planted, trouble) = self.catching.planter.plant(&tids, &sites, bias, data);
        process.planted.extend(planted);
        match trouble {
            None => {}
            Some(Errno::ENOSPC) => self.tell_of_room(pid),
            Some(errno) => {
                self.use_debug_registers(errno);
                self.plant(pid, &sites, bias, data);
            }
        }
    }

    pub(super) fn tell_of_room(&mut self, pid: i32) {
        if !std::mem::replace(&mut self.catching.told_of_room, true) {
            self.notice(format!(
                "process {pid} has no debug registers left for all that --catch asks for, so some is not caught"
            ));
        }
    }

    /// Process `child`, which has not run yet, is a copy of `parent`: it gets the same catchpoints.
    pub(super) fn catch_in_copy(&mut self, child: i32, parent: i32) {
        let known = self.tree.process(parent).map_or(&[][..], |process| process.planted.as_slice());
        let planter = &mut self.catching.planter;
        let planted = known.iter().filter_map(|planted| planted.copy(planter, child)).collect();
        if let Some(process) = self.tree.process_mut(child) {
            process.planted = planted;
        }
    }

    /// How a thread goes on that is stopped by SIGTRAP, where that is a breakpoint of ours. Such a signal is never
    /// delivered.
    pub(super) fn at_catchpoint(&mut self, pid: i32, tid: i32) -> Option<Reaction> {
        let info = sys::signal_info(tid).ok()?;
        let met = match sys::breakpoint_cookie(&info).filter(|cookie| Planter::is_ours(*cookie)) {
            Some(cookie) => self.catching.planter.find(cookie),
            None => self.met_in_debug_registers(pid, tid, &info)?,
        };
        let go_on = Some(Reaction::Continue(0));
        let Some((planted, catchpoint)) = met else { return go_on };
        let is_busy = self.tree.process(pid).is_none_or(|process| process.dying.is_some() || process.settled);
        if catchpoint == Catchpoint::Loader {
            // `r_debug`; the breakpoint must be free to go.
            let at = planted.data.wrapping_add(planted.bias);
            drop(planted);
            self.catch_in_libraries(pid, tid, at);
            return go_on;
        }
        let Ok(Some(registers)) = sys::general_registers(tid) else { return go_on };
        if is_busy || self.is_chained(tid, registers.rdi) {
            return go_on;
        }
        // The kernel sends the signal later to a thread that had blocked it (Linux 5.19), which is somewhere else by then.
        if !planted.is_at(catchpoint, registers.rip) {
            return go_on;
        }
        let hit = Hit { pid, tid, catchpoint, registers, raises: 0 };
        if let Some(exception) = native(&hit) {
            if let Some(thread) = self.tree.thread_mut(tid) {
                thread.threw = exception.fate == Fate::Death;
            }
            self.begin_snapshot(pid, tid, Cause::Exception(exception), false, false);
            return go_on;
        }
        let raises = self.count_raise(pid, tid, catchpoint, registers.rdi);
        let hit = Hit { raises, ..hit };
        if !self.is_worth_judging(&hit, &planted) {
            return go_on;
        }
        let process = self.tree.process(pid)?.id;
        let Some(number) = self.catching.judges.ask(hit.clone()) else { return go_on };
        self.catching.pending.insert(number, Pending { process, hit, deadline: Instant::now() + PATIENCE });
        Some(Reaction::Hold)
    }

    /// Whether a stop is one at a breakpoint of ours, which is not to be delivered.
    pub(super) fn at_catchpoint_of_ours(&self, tid: i32, stop: Stop) -> bool {
        let Some(info) = (stop == Stop::Delivery(Signal::TRAP)).then(|| sys::signal_info(tid).ok()).flatten() else {
            return false;
        };
        sys::breakpoint_cookie(&info).is_some_and(Planter::is_ours) || self.is_at_debug_register(tid, &info)
    }

    /// Takes the answers of the judge, lets those go that had none in time, and arms what was disarmed for a while.
    pub(super) fn advance_catching(&mut self) {
        while let Some((number, verdict)) = self.catching.judges.answer() {
            if let Some(pending) = self.catching.pending.remove(&number) {
                self.judged(&pending, verdict);
            }
        }
        let now = Instant::now();
        let late: Vec<u64> =
            self.catching.pending.iter().filter(|(_, one)| one.deadline <= now).map(|(n, _)| *n).collect();
        for number in late {
            if let Some(pending) = self.catching.pending.remove(&number) {
                self.judged(&pending, Verdict::default());
            }
        }
        if self.catching.disarmed.arm(now) {
            self.arm_debug_registers();
        }
    }

    fn judged(&mut self, pending: &Pending, verdict: Verdict) {
        let Pending { process, hit, .. } = pending;
        if let Some(notice) = verdict.notice {
            self.notice(notice);
        }
        let Some(known) = self.tree.process(process.pid).filter(|known| known.id == *process) else { return };
        let is_busy = known.dying.is_some() || known.settled;
        let argument = hit.registers.rdi;
        let chain = verdict.chained_by.and_then(|offset| Chain::behind(hit.tid, argument, offset));
        self.spare(hit, verdict.likeness, verdict.pass_over, verdict.enough);
        let Some(thread) = self.tree.thread_mut(hit.tid) else { return };
        thread.chain = chain;
        // Where it is not held any more, it was killed: its next stop is another one.
        if is_busy || !matches!(thread.state, State::Held(Stop::Delivery(Signal::TRAP), _)) {
            return;
        }
        if let Some(exception) = verdict.take {
            self.begin_snapshot(hit.pid, hit.tid, Cause::Exception(exception), false, false);
        }
        let is_held = self.tree.process(hit.pid).is_some_and(|process| process.dying.is_some());
        if !is_held {
            self.apply(hit.tid, Reaction::Continue(0));
        }
    }

    /// Lets all go that wait for a judge, and takes every breakpoint away.
    pub(super) fn end_catching(&mut self) {
        for pending in std::mem::take(&mut self.catching.pending).into_values() {
            self.judged(&pending, Verdict::default());
        }
        self.catching.programs = None;
        self.catching.disarmed = Disarmed::default();
        self.tree.forget_planted();
    }
}

/// A C++ or Rust exception tells by its catchpoint alone what comes of it.
fn native(hit: &Hit) -> Option<CaughtException> {
    let (language, fate) = match hit.catchpoint {
        Catchpoint::CxxTerminate => (ExceptionLanguage::Cxx, Fate::Death),
        Catchpoint::CxxThrow => (ExceptionLanguage::Cxx, Fate::Raised),
        Catchpoint::RustPanic => (ExceptionLanguage::Rust, Fate::Death),
        _ => return None,
    };
    Some(CaughtException {
        language,
        fate,
        catchpoint: hit.catchpoint.to_string(),
        tid: hit.tid,
        object: None,
        summary: None,
    })
}

/// The program's dynamic linker, or the program itself where it is one.
fn linker_of(programs: &mut Programs, directory: &Path, program: &Arc<Program>) -> Option<Arc<Program>> {
    match &program.linker {
        Some(path) => Some(programs.at(&inside(directory, path))),
        None => program.loader.is_some().then(|| Arc::clone(program)),
    }
}

/// A path of the process, as seen from here: below its root directory.
fn inside(directory: &Path, path: &Path) -> PathBuf {
    directory.join("root").join(path.strip_prefix("/").unwrap_or(path))
}

/// Whether a mapping may be of a library or program with catchpoints: what is called otherwise is not even opened.
fn is_candidate(mapped: &MappedMemory) -> bool {
    let name = mapped.mapping.path.as_bytes().rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    name.windows(6).any(|window| window == b"python") || name.starts_with(b"libstdc++.so")
}

/// What is in the file of a mapping of its code, and how far up it is loaded.
fn in_library(programs: &mut Programs, directory: &Path, mapped: &MappedMemory) -> Option<(Arc<Program>, u64)> {
    let program = programs.at(&inside(directory, mapped.mapping.path.as_path()));
    let (offset, address) = program.code?;
    let bias = mapped.mapping.range.start.0.wrapping_sub(address);
    (mapped.mapping.offset == offset && !program.sites.is_empty()).then_some((program, bias))
}

/// An entry of the auxiliary vector (proc_pid_auxv(5)).
fn auxiliary(vector: &[u8], kind: u64) -> Option<u64> {
    let word = |bytes: &[u8]| bytes.first_chunk().copied().map(u64::from_ne_bytes);
    vector.chunks_exact(16).find(|entry| word(entry) == Some(kind)).and_then(|entry| word(&entry[8..]))
}

#[cfg(test)]
mod tests {
    use super::auxiliary;

    #[test]
    fn an_entry_of_the_auxiliary_vector_is_found() {
        let vector: Vec<u8> = [9u64, 0x1234, 7, 0x7f00, 0, 0].iter().flat_map(|word| word.to_ne_bytes()).collect();
        assert_eq!(auxiliary(&vector, libc::AT_ENTRY), Some(0x1234));
        assert_eq!(auxiliary(&vector, libc::AT_BASE), Some(0x7f00));
        assert_eq!(auxiliary(&vector[..20], libc::AT_BASE), None);
    }
}
