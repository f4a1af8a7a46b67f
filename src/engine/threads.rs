//! `threads`, `thread` and `thread apply`.

use dpdb_snapshot::{Text, Thread};
use serde::Serialize;

use super::displays::Displayed;
use super::frames::FrameLine;
use super::{CommandError, Engine, Reply};

/// All threads.
#[derive(Debug, Serialize)]
pub struct Threads {
    /// The one that met the cause comes first, as in the file.
    pub threads: Vec<ThreadLine>,
}

/// One thread.
#[derive(Debug, Serialize)]
pub struct ThreadLine {
    /// Its number in the list, from 1 on.
    pub number: usize,
    /// The kernel's thread id.
    pub tid: i32,
    /// Its name, which an ELF core does not know.
    pub name: Option<Text>,
    /// What Python code calls it (`threading.Thread(name=)`), where that is not the kernel's name.
    pub python_name: Option<String>,
    /// The state letter before the stop.
    pub state: Option<char>,
    /// It is selected.
    pub selected: bool,
    /// It met the cause.
    pub crashed: bool,
    /// The signal it was stopped with.
    pub signal: Option<String>,
    /// The number of the system call it was in.
    pub syscall: Option<i64>,
    /// The kernel function it slept in.
    pub wchan: Option<String>,
    /// Its innermost frame, or the selected one.
    pub frame: Option<FrameLine>,
}

/// The thread that is now selected.
#[derive(Debug, Serialize)]
pub struct SelectedThread {
    /// The thread.
    pub thread: ThreadLine,
    /// What `display` shows here.
    pub displays: Vec<Displayed>,
}

/// What a command said in each of several threads.
#[derive(Debug, Serialize)]
pub struct Applied {
    /// The command line.
    pub command: String,
    /// One answer for each thread.
    pub answers: Vec<AppliedAnswer>,
}

/// What a command said in one thread.
#[derive(Debug, Serialize)]
pub struct AppliedAnswer {
    /// The thread.
    pub thread: ThreadLine,
    /// The reply, if there was one.
    pub reply: Option<Box<Reply>>,
    /// The error, if there was one.
    pub error: Option<String>,
}

/// A command that can be run in one thread after the other.
pub type PerThread<'a> = &'a mut dyn FnMut(&mut Engine) -> Result<Reply, CommandError>;

impl Engine {
    /// All threads, with a frame each.
    ///
    /// # Errors
    /// The file has no threads.
    pub fn threads(&mut self) -> Result<Reply, CommandError> {
        let tids = self.tids();
        if tids.is_empty() {
            return Err(CommandError::refused("the file holds no threads"));
        }
        let threads = tids.into_iter().map(|tid| self.thread_line(tid)).collect::<Result<_, _>>()?;
        Ok(Reply::Threads(Threads { threads }))
    }

    /// The selected thread.
    ///
    /// # Errors
    /// The file has no threads.
    pub fn show_thread(&mut self) -> Result<Reply, CommandError> {
        let thread = self.thread_line(self.tid)?;
        let displays = self.displayed();
        Ok(Reply::Thread(SelectedThread { thread, displays }))
    }

    /// Selects a thread by its number in the list or by its kernel id; the list's number wins.
    ///
    /// # Errors
    /// There is no such thread.
    pub fn select_thread(&mut self, wanted: &str) -> Result<Reply, CommandError> {
        self.tid = self.find_thread(wanted)?;
        self.list = Default::default();
        self.show_thread()
    }

    /// Runs a command in each of several threads; the selection is as before afterwards.
    ///
    /// # Errors
    /// One of the threads does not exist. What the command itself answers is in the reply, errors and all.
    pub fn apply(&mut self, ids: &str, command: &str, run: PerThread<'_>) -> Result<Reply, CommandError> {
        let tids = match ids {
            "all" => self.tids(),
            ids => ids
                .split([',', ' '])
                .filter(|id| !id.is_empty())
                .map(|id| self.find_thread(id))
                .collect::<Result<_, _>>()?,
        };
        let before = self.tid;
        let mut answers = Vec::with_capacity(tids.len());
        for tid in tids {
            self.tid = tid;
            let thread = self.thread_line(tid)?;
            let (reply, error) = match run(self) {
                Ok(reply) => (Some(Box::new(reply)), None),
                Err(error) => (None, Some(error.to_string())),
            };
            answers.push(AppliedAnswer { thread, reply, error });
        }
        self.tid = before;
        Ok(Reply::Applied(Applied { command: command.to_owned(), answers }))
    }

    fn tids(&self) -> Vec<i32> {
        self.process().threads.iter().map(|thread| thread.tid).collect()
    }

    fn find_thread(&self, wanted: &str) -> Result<i32, CommandError> {
        let threads = &self.process().threads;
        let number: Option<i32> = wanted.parse().ok();
        let by_number = number.and_then(|number| threads.get(usize::try_from(number).ok()?.checked_sub(1)?));
        let by_tid = || threads.iter().find(|thread| Some(thread.tid) == number);
        by_number.or_else(by_tid).map(|thread| thread.tid).ok_or_else(|| {
            CommandError::refused(format!("no thread has the number or id '{wanted}'; 'threads' lists them"))
        })
    }

    fn thread_line(&mut self, tid: i32) -> Result<ThreadLine, CommandError> {
        let frame = self.frame_line(tid, self.selected_frame(tid)).ok();
        let threads = &self.process().threads;
        let position = threads.iter().position(|thread| thread.tid == tid);
        let index = position.ok_or_else(|| CommandError::refused("the file holds no threads"))?;
        let thread: &Thread = &threads[index];
        let crashed = index == 0 && self.process().cause.as_ref().is_some_and(|cause| cause.signal().is_some());
        Ok(ThreadLine {
            number: index + 1,
            tid,
            name: thread.name.clone(),
            python_name: self.python_name(thread),
            state: thread.state,
            selected: tid == self.tid,
            crashed,
            signal: thread.siginfo.as_ref().filter(|_| crashed).map(|info| info.signal().to_string()),
            syscall: thread.syscall.as_ref().map(|syscall| syscall.number),
            wchan: thread.wchan.clone(),
            frame,
        })
    }

    fn python_name(&self, thread: &Thread) -> Option<String> {
        let names = self.python_names.get_or_init(|| self.session.python_thread_names());
        names
            .get(&thread.tid)
            .filter(|name| thread.name.as_ref().is_none_or(|kernel| kernel.as_bytes() != name.as_bytes()))
            .cloned()
    }
}
