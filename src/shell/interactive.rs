//! The prompt.

use std::io;

use dpdb_supervisor::sys;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor};

use super::completion::Completion;
use super::{Flow, Shell};
use crate::base_directories;
use crate::engine::Reply;

impl Shell {
    /// Shows the crash, then reads and runs lines until Ctrl-D or `quit`. Ctrl-C drops the line being typed, and
    /// ends long work of a command; a second one ends us.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn interact(&mut self) -> io::Result<()> {
        let opening: Result<Reply, _> = self.run.opening();
        self.print("", opening)?;
        let config = Config::builder()
            .auto_add_history(true)
            .completion_type(CompletionType::List)
            .max_history_size(10_000)
            .map_err(other)?
            .build();
        let mut editor: Editor<Completion, FileHistory> = Editor::with_config(config).map_err(other)?;
        editor.set_helper(Some(Completion));
        let history = base_directories::history_file();
        if let Some(history) = &history {
            // The first time there is none.
            let _ = editor.load_history(history);
        }
        sys::hold_interrupts();
        let end = self.read_lines(&mut editor);
        if let Some(history) = &history {
            // Without a place for it, history lasts as long as the session; that is no reason to fail.
            let _ = save(&mut editor, history);
        }
        end
    }

    fn read_lines(&mut self, editor: &mut Editor<Completion, FileHistory>) -> io::Result<()> {
        loop {
            match editor.readline(&self.prompt()) {
                Ok(line) => {
                    sys::forget_interrupt();
                    if self.line(&line)? == Flow::Leave {
                        return Ok(());
                    }
                }
                Err(ReadlineError::Interrupted) => self.again = None,
                Err(ReadlineError::Eof) => return Ok(()),
                Err(error) => return Err(other(error)),
            }
        }
    }

    /// `[rank 3 1234/1240] `: the process with its rank where it has one, and the thread where it is another.
    fn prompt(&self) -> String {
        let engine = self.run.engine();
        let (pid, tid) = (engine.process().pid, engine.tid());
        let rank = engine.process().rank.rank.map(|rank| format!("rank {rank} ")).unwrap_or_default();
        let thread = if pid == tid { String::new() } else { format!("/{tid}") };
        format!("[{rank}{pid}{thread}] ")
    }
}

/// Writes the history where only its owner can read it: it tells what was looked at.
fn save(editor: &mut Editor<Completion, FileHistory>, history: &std::path::Path) -> rustyline::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if let Some(folder) = history.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    editor.append_history(history)
}

fn other(error: ReadlineError) -> io::Error {
    match error {
        ReadlineError::Io(error) => error,
        error => io::Error::other(error),
    }
}
