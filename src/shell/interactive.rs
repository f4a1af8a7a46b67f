//! The prompt.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use dpdb_supervisor::sys;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor};

use super::completion::{Typing, joined};
use super::hooks::HookPoint;
use super::{Flow, Shell};
use crate::base_directories;
use crate::render::clean_str;

/// Shows the crash, then reads and runs lines until Ctrl-D or `quit`. Ctrl-C drops the line being typed, and ends long
/// work of a command; a second one ends us.
///
/// # Errors
/// The terminal is gone.
pub fn talk(mut shell: Shell) -> io::Result<()> {
    shell.greet()?;
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .max_history_size(shell.options.history_lines)
        .map_err(other)?
        .build();
    let mut editor: Editor<Typing, FileHistory> = Editor::with_config(config).map_err(other)?;
    let history = base_directories::history_file();
    if let Some(history) = &history {
        // The first time there is none.
        let _ = editor.load_history(history);
        shell.history.continue_from(editor.history().iter().cloned());
    }
    let shell = Rc::new(RefCell::new(shell));
    editor.set_helper(Some(Typing(Rc::clone(&shell))));
    sys::hold_interrupts();
    let end = read_lines(&shell, &mut editor);
    if let Some(history) = &history {
        // Without a place for it, history lasts as long as the session; that is no reason to fail.
        let _ = save(&mut editor, history);
    }
    end
}

fn read_lines(shell: &RefCell<Shell>, editor: &mut Editor<Typing, FileHistory>) -> io::Result<()> {
    loop {
        shell.borrow_mut().run_hook(HookPoint::PrePrompt)?;
        let prompt = shell.borrow().prompt();
        match editor.readline(&prompt) {
            Ok(line) => {
                sys::forget_interrupt();
                let line = joined(&line);
                // A dumb terminal's lines are not added by themselves.
                let _ = editor.add_history_entry(line.trim());
                let mut shell = shell.borrow_mut();
                shell.run_hook(HookPoint::PostPrompt)?;
                if shell.typed(&line)? == Flow::Leave {
                    return Ok(());
                }
            }
            Err(ReadlineError::Interrupted) => shell.borrow_mut().again = None,
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(other(error)),
        }
    }
}

impl Shell {
    /// What a person sees before the first prompt.
    fn greet(&mut self) -> io::Result<()> {
        self.output.pages = true;
        if self.options.theme.is_none() {
            self.ask_for_theme();
        }
        for told in self.run_rc_files() {
            self.warn(&told);
        }
        let opening = self.run.opening();
        self.print("", opening)?;
        self.run_hook(HookPoint::Stop)
    }

    /// Runs a line that somebody typed, or the one of the history that it means.
    fn typed(&mut self, line: &str) -> io::Result<Flow> {
        let line = match self.history.recall(line) {
            Some(Ok(recalled)) => {
                let recalled = recalled.to_owned();
                println!("{}", clean_str(&recalled));
                recalled
            }
            Some(Err(error)) => return self.print(line, Err(error)),
            None => line.to_owned(),
        };
        self.history.add(line.trim());
        if self.output.is_recorded() {
            self.output.record(&format!("{}{line}\n", self.prompt()));
        }
        self.line(&line)
    }

    /// `[rank 3 1234/1240] `: the process with its rank where it has one, and the thread where it is another.
    fn prompt(&self) -> String {
        if self.defining.is_some() {
            return "> ".to_owned();
        }
        let engine = self.run.engine();
        let (pid, tid) = (engine.process().pid, engine.tid());
        let rank = engine.process().rank.rank.map(|rank| format!("rank {rank} ")).unwrap_or_default();
        let thread = if pid == tid { String::new() } else { format!("/{tid}") };
        format!("[{rank}{pid}{thread}] ")
    }
}

/// Writes the history where only its owner can read it: it tells what was looked at.
fn save(editor: &mut Editor<Typing, FileHistory>, history: &std::path::Path) -> rustyline::Result<()> {
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
