//! Threads as text.

use std::fmt::Write as _;

use super::style::{Role, Style, clean, clean_str};
use super::{frames, text};
use crate::engine::{Applied, ThreadLine, Threads};

/// All threads, a line each.
pub fn threads(threads: &Threads, style: &Style) -> String {
    let number = threads.threads.len().to_string().len();
    let name = threads.threads.iter().map(|thread| head(thread).chars().count()).max().unwrap_or(0);
    threads.threads.iter().map(|thread| line(thread, (number, name), style) + "\n").collect()
}

/// One thread as a line; the widths are those of its number and its name.
pub fn line(thread: &ThreadLine, (number, name): (usize, usize), style: &Style) -> String {
    let marker = if thread.selected { style.paint(Role::Strong, ">").to_string() } else { " ".to_owned() };
    let mut out = format!("{marker} {:>number$}  {:<name$}", thread.number, head(thread));
    if let Some(signal) = &thread.signal {
        let _ = write!(out, "  {}", style.paint(Role::Error, signal));
    }
    if let Some(frame) = &thread.frame {
        let _ = write!(out, "  in {}", frames::place(frame, style));
    }
    if let Some(wchan) = thread.wchan.as_deref().filter(|wchan| !wchan.is_empty() && *wchan != "0") {
        let _ = write!(out, " {}", style.paint(Role::Faint, format!("[{}]", clean_str(wchan))));
    }
    out
}

/// `thread 1240 "worker"`, and what Python calls it, as Python writes a text: `thread 1240 "python3" ('loader')`.
fn head(thread: &ThreadLine) -> String {
    let kernel = thread.name.as_ref().map(|name| format!(" \"{}\"", clean(name)));
    let python = thread.python_name.as_ref().map(|name| format!(" ('{}')", clean_str(name)));
    format!("thread {}{}{}", thread.tid, kernel.unwrap_or_default(), python.unwrap_or_default())
}

/// What a command said in each thread.
pub fn applied(applied: &Applied, style: &Style) -> String {
    let mut out = String::new();
    for (index, answer) in applied.answers.iter().enumerate() {
        let gap = if index == 0 { "" } else { "\n" };
        let title = format!("{} (number {}):", head(&answer.thread), answer.thread.number);
        let _ = writeln!(out, "{gap}{}", style.paint(Role::Strong, title));
        if let Some(reply) = &answer.reply {
            out += &text(reply, style);
        }
        if let Some(error) = &answer.error {
            let _ = writeln!(out, "{}", style.paint(Role::Error, clean_str(error)));
        }
    }
    out
}
