//! `list` and `longlist`: source text.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dpdb_analyzer::{Frame, FrameKind, FrameRegisters, FrameTrust, Language, SourceFrame, SourceLocation, SourceText};
use dpdb_snapshot::{Avma, Text};
use serde::Serialize;

use super::{CommandError, Engine, Reply};

/// Some lines of one file.
#[derive(Debug, Serialize)]
pub struct SourceListing {
    /// The file, as the compiler named it.
    pub file: Text,
    /// The lines.
    pub lines: Vec<SourceLine>,
    /// The line of the selected frame, where it is in this file.
    pub current: Option<u32>,
    /// A warning, where the file is newer than the program, or is not what it was and the snapshot's own lines are shown.
    pub stale: Option<String>,
}

/// One line.
#[derive(Debug, Serialize)]
pub struct SourceLine {
    /// Its number, from 1 on.
    pub number: u32,
    /// Its text without the newline.
    pub text: Text,
}

/// Where `list` goes on.
#[derive(Clone, Debug, Default)]
pub struct ListState {
    shown: Option<Shown>,
}

#[derive(Clone, Debug)]
struct Shown {
    file: PathBuf,
    first: u32,
    last: u32,
    /// The line in the middle that was asked for.
    line: Option<u32>,
}

/// Of a longer function, `longlist` looks at so many instructions.
const MOST_INSTRUCTIONS: usize = 20_000;

impl Engine {
    /// Source text: around the selected line, onward from the last listing, or where the arguments say.
    ///
    /// # Errors
    /// There is no such place, or its file is not to be had.
    pub fn list(&mut self, arguments: &str) -> Result<Reply, CommandError> {
        let (file, first, last) = match arguments {
            "" => self.onward()?,
            "-" => self.backward()?,
            "." => around(self.current()?, self.preferences.list_lines),
            place => self.place(place)?,
        };
        let listing = self.lines(&file, first, last)?;
        if listing.lines.is_empty() {
            return Err(CommandError::refused(self.no_line(&file, first)));
        }
        let last = listing.lines.last().map_or(last, |line| line.number);
        self.list.shown = Some(Shown { file, first, last, line: None });
        Ok(Reply::Source(listing))
    }

    /// The whole function of the selected frame.
    ///
    /// # Errors
    /// Its lines or its file are not to be had.
    pub fn long_list(&mut self) -> Result<Reply, CommandError> {
        let current = self.current()?;
        let (tid, number) = (self.tid, self.selected_frame(self.tid));
        let (frame, source) = self.frame_at(tid, number)?;
        let lines = match self.python_function_lines()? {
            Some(lines) => Some(lines),
            None => self.function_lines(frame.lookup_address(), &source),
        };
        let (first, last) = lines.unwrap_or((current.line, current.line));
        Ok(Reply::Source(self.lines_of(&current.file, first, last)?))
    }

    /// These lines of a file, from which `list` goes on.
    pub(super) fn lines_of(&mut self, file: &Path, first: u32, last: u32) -> Result<SourceListing, CommandError> {
        let listing = self.lines(file, first, last)?;
        let last = listing.lines.last().map_or(first, |line| line.number);
        self.list.shown = Some(Shown { file: file.into(), first, last, line: None });
        Ok(listing)
    }

    /// The file that was listed last and the line in it that was asked for; at first those of the selected frame.
    pub(super) fn listed_line(&mut self) -> Result<(PathBuf, u32), CommandError> {
        match self.list.shown.clone() {
            Some(shown) => Ok((shown.file, shown.line.unwrap_or(shown.last))),
            None => self.current().map(|location| (location.file, location.line)),
        }
    }

    /// Lists the lines around one of a file.
    pub(super) fn list_around(&mut self, file: &Path, line: u32) -> Result<Reply, CommandError> {
        let place = SourceLocation { file: file.into(), line, column: 0 };
        let (_, first, last) = around(place, self.preferences.list_lines);
        let listing = self.lines_of(file, first, last)?;
        if let Some(shown) = &mut self.list.shown {
            shown.line = Some(line);
        }
        Ok(Reply::Source(listing))
    }

    /// Lists another file from its start on; a part of its path that begins behind a slash is enough.
    ///
    /// # Errors
    /// No file is called so, or it is not to be had.
    pub fn list_file(&mut self, name: &str) -> Result<Reply, CommandError> {
        let file = self.find_file(name);
        Ok(Reply::Source(self.lines_of(&file, 1, self.preferences.list_lines)?))
    }

    /// Where the text of a place is on this machine, and its line: for an editor.
    ///
    /// # Errors
    /// There is no such place, or its file is not on this machine.
    pub fn place_of_text(&mut self, place: &str) -> Result<(PathBuf, u32), CommandError> {
        let (file, line) = match place {
            "" => self.listed_line()?,
            place => self.line_of(place)?,
        };
        let text = self.source_text(&file)?;
        match text.is_carried() {
            true => Err(CommandError::refused(format!("{} is in the snapshot only", file.display()))),
            false => Ok((text.path().to_owned(), line)),
        }
    }

    /// The lines around a frame's own, where its source is to be had.
    pub fn source_around(&mut self, tid: i32, number: usize, context: u32) -> Option<SourceListing> {
        let location = self.frame_at(tid, number).ok()?.1.location?;
        let first = location.line.saturating_sub(context).max(1);
        let listing = self.lines(&location.file, first, location.line.saturating_add(context)).ok()?;
        (!listing.lines.is_empty()).then_some(listing)
    }

    /// The line of source of an address.
    pub(super) fn location_at(&self, at: Avma) -> Option<SourceLocation> {
        self.functions_at(at).into_iter().next()?.location
    }

    /// The functions at an address of code, innermost first.
    fn functions_at(&self, at: Avma) -> Vec<SourceFrame> {
        let frame = Frame {
            index: 0,
            pc: at,
            cfa: None,
            registers: FrameRegisters::new(),
            trust: FrameTrust::Context,
            kind: FrameKind::Normal,
            module: self.session.module_at(at).map(dpdb_analyzer::Module::index),
            returns_to_pc: false,
        };
        self.session.symbolize(&frame)
    }

    fn current(&mut self) -> Result<SourceLocation, CommandError> {
        let (tid, number) = (self.tid, self.selected_frame(self.tid));
        let (_, source) = self.frame_at(tid, number)?;
        source.location.ok_or_else(|| {
            CommandError::refused(format!("frame {number} has no line of source: its module has no debug information"))
        })
    }

    fn onward(&mut self) -> Result<(PathBuf, u32, u32), CommandError> {
        match self.list.shown.clone() {
            Some(shown) => Ok((shown.file, shown.last + 1, shown.last.saturating_add(self.preferences.list_lines))),
            None => Ok(around(self.current()?, self.preferences.list_lines)),
        }
    }

    fn backward(&mut self) -> Result<(PathBuf, u32, u32), CommandError> {
        let lines = self.preferences.list_lines;
        let Some(shown) = self.list.shown.clone() else {
            let (file, first, _) = around(self.current()?, lines);
            return before(file, first, lines);
        };
        before(shown.file, shown.first, lines)
    }

    /// `LINE`, `A,B`, `FILE:LINE` or a function's name.
    fn place(&mut self, text: &str) -> Result<(PathBuf, u32, u32), CommandError> {
        if let Some((first, last)) = text.split_once(',') {
            let (file, first) = self.line_of(first.trim())?;
            let last = last.trim();
            let last = if last.is_empty() {
                first.saturating_add(self.preferences.list_lines - 1)
            } else {
                self.line_of(last)?.1
            };
            if last < first {
                return Err(CommandError::refused(format!("line {last} comes before line {first}")));
            }
            return Ok((file, first, last));
        }
        let (file, line) = self.line_of(text)?;
        Ok(around(SourceLocation { file, line, column: 0 }, self.preferences.list_lines))
    }

    fn line_of(&mut self, text: &str) -> Result<(PathBuf, u32), CommandError> {
        if let Ok(line) = text.parse() {
            let file = match &self.list.shown {
                Some(shown) => shown.file.clone(),
                None => self.current()?.file,
            };
            return Ok((file, line));
        }
        if let Some((file, line)) = text.rsplit_once(':')
            && let Ok(line) = line.parse()
        {
            return Ok((self.find_file(file), line));
        }
        let location = self.function_place(text)?;
        Ok((location.file, location.line))
    }

    /// The file that the user means: the selected frame's, if its path ends so, else one that a module was made from.
    fn find_file(&mut self, name: &str) -> PathBuf {
        let current = self.current().ok().map(|location| location.file).filter(|file| file.ends_with(name));
        let known = || self.session.source_files_named(Path::new(name)).into_iter().next();
        current.or_else(known).unwrap_or_else(|| name.into())
    }

    /// The place of a function, by its declaration or else its code.
    fn function_place(&mut self, name: &str) -> Result<SourceLocation, CommandError> {
        let declared = self.session.functions_named(name).into_iter().find_map(|function| function.declared);
        if let Some(declared) = declared {
            return Ok(declared);
        }
        let at = self.address(name)?;
        self.location_at(at).ok_or_else(|| CommandError::refused(format!("'{name}' has no line of source")))
    }

    fn lines(&mut self, file: &Path, first: u32, last: u32) -> Result<SourceListing, CommandError> {
        let text = self.source_text(file)?;
        // Of lines that the snapshot carries some may be missing in between.
        let lines =
            text.lines(first.max(1), last).map(|(number, line)| SourceLine { number, text: Text(line.to_vec()) });
        let lines = lines.collect();
        let (tid, number) = (self.tid, self.selected_frame(self.tid));
        let source = self.frame_at(tid, number).ok().map(|(_, source)| source).unwrap_or_default();
        let current = source.location.filter(|location| location.file == file).map(|location| location.line);
        let module = source.module.filter(|_| current.is_some());
        let stale = match source.language {
            _ if text.is_carried() => self.session.source_doubt(file, &text),
            // The interpreter compiled the text itself, when it ran.
            Some(Language::Python) if current.is_some() => self.session.source_doubt(file, &text),
            _ => module.and_then(|module| self.session.stale_source(&text, module)),
        };
        self.stale.extend(stale.clone());
        Ok(SourceListing { file: file.into(), lines, current, stale })
    }

    /// Why a file has no line of this number.
    fn no_line(&self, file: &Path, number: u32) -> String {
        let file_name = file.display();
        match self.source_text(file) {
            Ok(text) if text.is_carried() => {
                format!("the snapshot carries no line {number} of {file_name}, and the file itself is not to be had")
            }
            _ => format!("{file_name} ends before line {number}"),
        }
    }

    /// The text of a source file that the compiler named so.
    pub(super) fn source_text(&self, file: &Path) -> Result<Arc<SourceText>, CommandError> {
        self.session.source_text(file).map_err(|error| {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            CommandError::Refused(format!("{error}{}", cause.unwrap_or_default()))
        })
    }

    /// The first and the last line of the function at `at`. Of an inlined one, those that were inlined here.
    fn function_lines(&self, at: Avma, function: &SourceFrame) -> Option<(u32, u32)> {
        let here = function.location.as_ref()?;
        if !function.inline {
            let lines = self.session.function_lines(at).filter(|lines| lines.file == here.file);
            return lines.map(|lines| (lines.first.min(here.line), lines.last.max(here.line)));
        }
        let name = &function.function.as_ref()?.name;
        let range = self.session.function_range(at)?;
        let code = self.session.disassemble(range, MOST_INSTRUCTIONS);
        let places = code.instructions.iter().filter_map(|instruction| {
            let mut functions = self.functions_at(instruction.address).into_iter();
            functions.find(|found| found.function.as_ref().is_some_and(|found| found.name == *name))?.location
        });
        let own = places.filter(|place| place.file == here.file && place.line != 0);
        Some(own.fold((here.line, here.line), |(first, last), place| (first.min(place.line), last.max(place.line))))
    }
}

/// So many lines with that of `location` in their middle.
fn around(location: SourceLocation, lines: u32) -> (PathBuf, u32, u32) {
    let first = location.line.saturating_sub(lines / 2).max(1);
    (location.file, first, first.saturating_add(lines - 1))
}

fn before(file: PathBuf, first: u32, lines: u32) -> Result<(PathBuf, u32, u32), CommandError> {
    if first <= 1 {
        return Err(CommandError::refused("this is the beginning of the file"));
    }
    Ok((file, first.saturating_sub(lines).max(1), first - 1))
}
