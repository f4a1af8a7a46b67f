//! The notes with our own owner name, `DPDB`: versioned JSON about what an ELF core has no place for.
//!
//! A reader ignores fields it does not know and note types it does not know; a field that is missing has its default.
//! What is no longer compatible gets a new note type, so `version` only tells a human which writer it was.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::elf::PAGE;
use crate::limits::{MAX_JSON, MAX_JSON_CONTAINERS, MAX_JSON_VALUES};
use crate::{AddressRange, Avma, Process, SourceFile};

/// The owner of all our notes.
pub(crate) const OWNER: &str = "DPDB";

/// `type` of the note with the [`Process`].
///
/// Our types are far from the kernel's, although the owner should tell them apart: gdb and readelf (binutils,
/// `elfcore_grok_note`) take type 2 of any owner they do not know for a thread's floating point registers.
pub(crate) const NT_DPDB_PROCESS: u32 = 0x4450_4401;
/// `type` of the note with the ranges that are zero or left out.
pub(crate) const NT_DPDB_MEMORY: u32 = 0x4450_4402;
/// `type` of the note at the end of the file, the [`crate::CaptureReport`].
pub(crate) const NT_DPDB_CAPTURE: u32 = 0x4450_4403;
/// `type` of the note with source text, compressed with zstd. It stands beside the core, in a skippable frame.
pub(crate) const NT_DPDB_SOURCES: u32 = 0x4450_4404;

/// `type` of the note with the pages that stand in the base of a delta, compressed and beside the core as well.
pub(crate) const NT_DPDB_SHARED: u32 = 0x4450_4405;

/// What this version writes into `version`.
pub(crate) const VERSION: u32 = 1;

/// The process but for its registers, which stand in the kernel's notes.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ProcessNote {
    pub(crate) version: u32,
    pub(crate) process: Process,
    /// Threads whose `NT_PRSTATUS` holds zeros because their registers could not be read.
    pub(crate) without_registers: Vec<i32>,
}

/// A [`ProcessNote`] as it is written. It borrows: a process with 60,000 mappings takes tens of megabytes.
#[derive(Debug, Serialize)]
pub(crate) struct ProcessNoteToWrite<'a> {
    pub(crate) version: u32,
    pub(crate) process: &'a Process,
    pub(crate) without_registers: Vec<i32>,
}

/// What of the memory has no bytes in the file, and why.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MemoryNote {
    pub(crate) version: u32,
    /// Bytes of the unit that `runs` count in.
    pub(crate) page: u64,
    /// Pages that held nothing but zeros.
    pub(crate) zero: Runs,
    pub(crate) left_out: Vec<LeftOut>,
}

/// Ranges that are not in the file for one reason.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LeftOut {
    pub(crate) reason: String,
    pub(crate) runs: Runs,
}

/// Source text.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SourcesNote {
    pub(crate) version: u32,
    pub(crate) files: Vec<SourceFile>,
}

/// The pages that a delta shares with its base.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SharedNote {
    pub(crate) version: u32,
    pub(crate) page: u64,
    pub(crate) runs: Runs,
}

/// Ascending ranges, as a list of numbers by turns: pages between the end of the last range (at first address 0) and
/// the start of the next, then pages in that.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Runs(Vec<u64>);

impl Runs {
    /// Appends a range behind all others; one that touches the last extends it.
    pub(crate) fn push(&mut self, end_of_last: &mut u64, range: AddressRange) {
        let (start, pages) = (range.start.0 / PAGE, range.len() / PAGE);
        let gap = start.saturating_sub(*end_of_last);
        match self.0.last_mut() {
            Some(last) if gap == 0 => *last += pages,
            _ => self.0.extend([gap, pages]),
        }
        *end_of_last = start + pages;
    }

    /// Ascending ranges that are apart.
    pub(crate) fn of(ranges: &[AddressRange]) -> Runs {
        let (mut runs, mut end) = (Runs::default(), 0);
        ranges.iter().for_each(|range| runs.push(&mut end, *range));
        runs
    }

    /// The ranges, as far as they lie inside the address space.
    pub(crate) fn ranges(&self, page: u64) -> impl Iterator<Item = AddressRange> {
        let mut end = 0u64;
        self.0.chunks_exact(2).map_while(move |run| {
            let start = end.checked_add(run[0])?;
            end = start.checked_add(run[1])?;
            let (start, end) = (start.checked_mul(page)?, end.checked_mul(page)?);
            Some(AddressRange { start: Avma(start), end: Avma(end) })
        })
    }
}

/// Parses a JSON note that is allowed to be as large as the limits say.
///
/// # Errors
/// What is wrong with it, as the end of a sentence.
pub(crate) fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, String> {
    // The trailer is padded with spaces, sixty thousand of them.
    let end = json.iter().rposition(|byte| !matches!(byte, b' ' | b'\0')).map_or(0, |last| last + 1);
    let json = &json[..end];
    let (mut containers, mut values) = (0, 0);
    for byte in json {
        match byte {
            b'[' | b'{' => containers += 1,
            b',' => values += 1,
            _ => {}
        }
    }
    if json.len() as u64 > MAX_JSON || containers > MAX_JSON_CONTAINERS || values > MAX_JSON_VALUES {
        return Err("it is larger than this version is willing to read".to_owned());
    }
    serde_json::from_slice(json).map_err(|error| error.to_string())
}

/// A value of a kind that a newer version may have more of: what is unknown becomes `None`.
pub(crate) fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: DeserializeOwned,
{
    Ok(serde_json::from_value(serde_json::Value::deserialize(deserializer)?).ok())
}

#[cfg(test)]
mod tests {
    use super::{ProcessNote, Runs, parse};
    use crate::AddressRange;

    #[test]
    fn runs_come_back_as_the_ranges_they_were() {
        let ranges =
            [(0x1000, 0x3000), (0x3000, 0x4000), (0x10000, 0x11000), (0xffff_ffff_ff60_0000, 0xffff_ffff_ff60_1000)];
        let (mut runs, mut end) = (Runs::default(), 0);
        for (start, stop) in ranges {
            runs.push(&mut end, AddressRange::new(start, stop));
        }
        let back: Vec<_> = runs.ranges(4096).map(|range| (range.start.0, range.end.0)).collect();
        assert_eq!(back, [(0x1000, 0x4000), ranges[2], ranges[3]]);
        assert_eq!(Runs(vec![u64::MAX, 1, 1, 1]).ranges(4096).count(), 0, "past the end of the address space");
    }

    #[test]
    fn a_newer_writers_fields_and_causes_are_ignored() {
        let json = br#"{"version": 9, "new": [1, {"deep": null}], "without_registers": [7],
            "process": {"pid": 5, "colour": "red", "cause": {"kind": "eclipse", "sun": 1},
                        "soft_errors": [{"step": "dance", "tid": null, "errno": null, "message": "m", "x": 1}]}}  "#;
        let note: ProcessNote = parse(json).unwrap();
        assert_eq!((note.version, note.process.pid, note.process.cause), (9, 5, None));
        assert_eq!(note.process.soft_errors[0].step, crate::process::Step::Other);
        assert_eq!(note.without_registers, [7]);
    }

    #[test]
    fn a_note_of_too_many_values_is_refused_before_it_is_parsed() {
        let json = format!("{{\"process\":{{\"modules\":[{}{{}}]}}}}", "{},".repeat(2 << 20));
        assert!(parse::<ProcessNote>(json.as_bytes()).unwrap_err().contains("larger"));
    }
}
