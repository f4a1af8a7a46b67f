//! Starting threads for the one that speaks ptrace, which must not start them itself: they would share its table of
//! descriptors. Breakpoints are descriptors, and have to be gone before that thread is (exit_files comes before
//! exit_notify, which detaches: kernel/exit.c); a process that meets one untraced dies of SIGTRAP.

use std::sync::mpsc::{Sender, channel};
use std::thread::Builder;

/// A thread that starts others.
#[derive(Clone, Debug)]
pub(crate) struct ThreadStarter(Sender<Start>);

struct Start {
    name: String,
    work: Box<dyn FnOnce() + Send>,
    started: Sender<bool>,
}

impl ThreadStarter {
    /// Starts it.
    ///
    /// # Errors
    /// EAGAIN.
    pub(crate) fn new() -> std::io::Result<ThreadStarter> {
        let (sender, inbox) = channel::<Start>();
        Builder::new().name("starter".to_owned()).spawn(move || {
            for Start { name, work, started } in inbox {
                let _ = started.send(Builder::new().name(name).spawn(work).is_ok());
            }
        })?;
        Ok(ThreadStarter(sender))
    }

    /// Starts a thread; whether there was one to be had (a pids limit, no memory).
    pub(crate) fn start(&self, name: &str, work: impl FnOnce() + Send + 'static) -> bool {
        let (started, answer) = channel();
        let start = Start { name: name.to_owned(), work: Box::new(work), started };
        self.0.send(start).is_ok() && answer.recv().unwrap_or(false)
    }
}
