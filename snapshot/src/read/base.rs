//! The base of a delta: pages that stand there are read from there.

use std::path::Path;

use super::notes::Beside;
use super::{OpenError, Snapshot};
use crate::elf::PAGE;
use crate::{Absent, AddressRange, Avma, Base, Memory, Text};

/// What a delta shares with its base.
#[derive(Debug)]
pub(super) struct Shared {
    /// The base's name.
    name: Text,
    /// The base, or why it is not to be had.
    base: Result<Box<Snapshot>, String>,
    /// The ranges that stand there, ascending and apart; `None` where the file is cut off before it says which.
    ranges: Option<Vec<AddressRange>>,
}

impl Shared {
    /// Opens the base of the delta at `path`.
    pub(super) fn open(path: &Path, base: &Base, beside: &Beside) -> Shared {
        let ranges = beside.shared.as_ref().map(|note| {
            let mut ranges: Vec<_> = note.runs.ranges(note.page).filter(|range| !range.is_empty()).collect();
            ranges.sort_by_key(|range| range.start);
            ranges.dedup_by(|next, previous| next.start < previous.end);
            ranges
        });
        Shared { name: base.name.clone(), base: open(path, base).map(Box::new), ranges }
    }

    /// Why the base is not to be had.
    pub(super) fn trouble(&self) -> Option<String> {
        self.base.as_ref().err().cloned()
    }

    /// Reads at `at`: from the base, or by `own` what the delta itself has, which reads the bytes at an address of the same page
    /// or further up.
    pub(super) fn read(
        &self,
        at: Avma,
        buf: &mut [u8],
        own: impl Fn(Avma, &mut [u8]) -> Result<usize, Absent>,
    ) -> Result<usize, Absent> {
        let Some(ranges) = &self.ranges else { return self.read_undecided(at, buf, own) };
        let after = ranges.partition_point(|range| range.end <= at);
        match ranges.get(after) {
            Some(range) if range.contains(at) => {
                let count = super::clamp(range.end, at, buf);
                self.read_base(at, *range, &mut buf[..count])
            }
            Some(next) => {
                let count = super::clamp(next.start, at, buf);
                own(at, &mut buf[..count])
            }
            None => own(at, buf),
        }
    }

    fn read_base(&self, at: Avma, range: AddressRange, buf: &mut [u8]) -> Result<usize, Absent> {
        let absent = |why: &dyn std::fmt::Display| Absent::NotCaptured {
            range,
            reason: format!("it stands in the base {}: {why}", self.name),
        };
        let base = self.base.as_ref().map_err(|why| absent(why))?;
        base.read_some(at, buf).map_err(|gone| match gone {
            Absent::NotMapped(_) => absent(&"it was not mapped there"),
            Absent::NotCaptured { reason, .. } | Absent::Unreadable { reason, .. } => absent(&reason),
        })
    }

    /// A page of zeros may be one that stands in the base: zeros of its own are in no delta's bytes, but for a few.
    fn read_undecided(
        &self,
        at: Avma,
        buf: &mut [u8],
        own: impl Fn(Avma, &mut [u8]) -> Result<usize, Absent>,
    ) -> Result<usize, Absent> {
        let page = AddressRange { start: Avma(at.0 & !(PAGE - 1)), end: Avma((at.0 | (PAGE - 1)).saturating_add(1)) };
        let mut whole = [0; PAGE as usize];
        let got = own(page.start, &mut whole).unwrap_or(0);
        let into = (at.0 - page.start.0) as usize;
        let bytes = whole[..got].get(into..).unwrap_or_default();
        if bytes.is_empty() || whole[..got].iter().all(|&byte| byte == 0) {
            let reason = format!("the file is cut off; it may stand in the base {}", self.name);
            return Err(Absent::NotCaptured { range: page, reason });
        }
        let count = bytes.len().min(buf.len());
        buf[..count].copy_from_slice(&bytes[..count]);
        Ok(count)
    }

    /// Puts what stands in the base into `buf`, the bytes from `at` on as the delta has them. Returns how many bytes could not be had, and
    /// why the first of them.
    pub(super) fn complete(&self, at: Avma, buf: &mut [u8]) -> (u64, Option<String>) {
        let (mut lost, mut reason) = (0, None);
        let mut done = 0;
        while done < buf.len() {
            let here = at.wrapping_add(done as u64);
            // What is the delta's own stays as it is.
            let own = |_: Avma, rest: &mut [u8]| Ok(rest.len());
            let got = match &self.ranges {
                None => Ok(buf.len() - done),
                Some(_) => self.read(here, &mut buf[done..], own),
            };
            done += got.unwrap_or_else(|absent| {
                let next = Avma((here.0 | (PAGE - 1)).saturating_add(1));
                let count = super::clamp(next, here, &buf[done..]).max(1);
                lost += count as u64;
                reason.get_or_insert_with(|| absent.to_string());
                count
            });
        }
        (lost, reason)
    }
}

/// Opens a base, and makes sure that it is the file that the delta was taken beyond.
fn open(delta: &Path, base: &Base) -> Result<Snapshot, String> {
    let name = base.name.to_string();
    let is_name = !name.is_empty() && !name.contains(['/', '\0']) && name != "." && name != "..";
    if !is_name {
        return Err(format!("the base {name:?} is not in the directory of the file"));
    }
    // Of a link, and of one in /proc, the directory is the file's own.
    let delta = delta.canonicalize().map_err(|error| format!("the base {name} is not to be found: {error}"))?;
    let path = delta.with_file_name(&name);
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Err(format!("the base {name} is no file")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(format!("the base {name} is not there"));
        }
        Err(error) => return Err(format!("the base {name} cannot be read: {error}")),
    }
    let identity = std::fs::File::open(&path).and_then(|file| Base::of(&file, base.name.clone()));
    if !identity.is_ok_and(|found| found == *base) {
        return Err(format!("the base {name} is another file than it was, or was changed"));
    }
    let found = Snapshot::open_alone(&path).map_err(|error: OpenError| format!("the base {name}: {error}"))?;
    match found.process.base {
        None => Ok(found),
        Some(_) => Err(format!("the base {name} is a delta itself")),
    }
}
