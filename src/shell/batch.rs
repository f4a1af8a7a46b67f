//! Commands without a prompt: from the command line, a script, or a pipe.

use std::io::{self, BufRead, Write};

use super::{Flow, Shell};

/// What is remembered of a batch for the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchEnd {
    /// Every command was answered.
    Clean,
    /// One of them failed, or could not be read.
    Failed,
}

impl Shell {
    /// Runs lines until one says `quit`. A failing one does not stop those after it. An empty line repeats nothing
    /// here: nobody presses Return in a script.
    ///
    /// # Errors
    /// The lines could not be read, or the replies not be written.
    pub fn batch(&mut self, lines: impl Iterator<Item = io::Result<String>>) -> io::Result<BatchEnd> {
        let mut end = BatchEnd::Clean;
        for line in lines {
            let line = line?;
            if line.trim().is_empty() {
                continue;
            }
            match self.line(&line)? {
                Flow::Done => {}
                Flow::Failed => end = BatchEnd::Failed,
                Flow::Leave => break,
            }
        }
        Ok(end)
    }

    /// Whether an expression holds where the lines before have led; what is wrong with it is told.
    pub fn holds(&mut self, expression: &str) -> Option<bool> {
        match self.engine_mut().holds(expression) {
            Ok(holds) => Some(holds),
            Err(error) => {
                let _ = self.print(expression, Err(error));
                None
            }
        }
    }

    /// Shows the crash and why it came, and of each thread the stack with all variables, at most so many frames of it.
    ///
    /// # Errors
    /// The replies could not be written.
    pub fn tell_all(&mut self, most_frames: usize) -> io::Result<()> {
        for command in ["info", "why", &format!("thread apply all bt full {most_frames}")] {
            self.line(command)?;
            writeln!(io::stdout())?;
        }
        Ok(())
    }

    /// Runs the lines of a stream.
    ///
    /// # Errors
    /// As [`Shell::batch`].
    pub fn batch_from(&mut self, stream: impl BufRead) -> io::Result<BatchEnd> {
        // Bytes that are no UTF-8 make an unknown command, not the end of the batch.
        let lines = stream.split(b'\n').map(|line| line.map(|line| String::from_utf8_lossy(&line).into_owned()));
        self.batch(lines)
    }
}
