//! What a capture says of itself when it is over.

use serde::{Deserialize, Serialize};

use crate::{AddressRange, SoftError};

/// How a capture went: the last note of a snapshot, written when all memory is.
///
/// Durations are nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CaptureReport {
    /// The version of the note; [`crate::write_snapshot`] sets it.
    pub version: u32,
    /// How long the process was kept from dying, or from going on.
    pub pause_ns: u64,
    /// How long the capture took in all.
    pub capture_ns: u64,
    /// From the cause until the process was let go, where that was before the end of the capture.
    pub release_ns: Option<u64>,
    /// Bytes of memory that are in the file; [`crate::write_snapshot`] sets it.
    pub memory_bytes: u64,
    /// Of that, bytes that stand in the base of a delta; [`crate::write_snapshot`] sets it.
    #[serde(skip_serializing_if = "is_zero")]
    pub shared_bytes: u64,
    /// Places in memory, environment and command line that were replaced because they matched a pattern, or were copies of secrets.
    #[serde(skip_serializing_if = "is_zero")]
    pub replaced: u64,
    /// What failed after the notes at the beginning of the file were written.
    pub late_errors: Vec<SoftError>,
    /// Ranges that were to be captured and could not be read; [`crate::write_snapshot`] sets it. The file has zeros
    /// for them.
    pub unreadable: Vec<UnreadableRange>,
    /// Why not all of the planned memory was read, where the capture was ended early; [`crate::write_snapshot`] sets it.
    pub cut: Option<String>,
    /// Where in the core that was: the memory from this offset on is zeros in the file, and was not captured.
    /// [`crate::write_snapshot`] sets it.
    pub cut_at: Option<u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Memory that could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UnreadableRange {
    /// Where.
    pub range: AddressRange,
    /// Why, as a short phrase.
    pub reason: String,
}

/// Appends a range to ascending ones; one that touches the last for the same reason extends it.
pub(crate) fn push_unreadable(ranges: &mut Vec<UnreadableRange>, range: AddressRange, reason: String) {
    match ranges.last_mut() {
        Some(last) if last.range.end == range.start && last.reason == reason => last.range.end = range.end,
        _ => ranges.push(UnreadableRange { range, reason }),
    }
}

/// The report as JSON of at most `room` bytes, filled up with spaces.
///
/// Where it does not fit, texts go first; then unreadable ranges that lie close together become one, which calls bytes
/// between them unreadable that are not, but never the other way round.
pub(crate) fn to_padded_json(report: &CaptureReport, room: usize) -> Vec<u8> {
    let mut report = report.clone();
    loop {
        if let Ok(mut json) = serde_json::to_vec(&report)
            && json.len() <= room
        {
            json.resize(room, b' ');
            return json;
        }
        shorten_texts(&mut report);
        merge_half(&mut report.unreadable);
    }
}

/// How many late errors are kept, and how long a text may be, once a report is too long.
const KEPT_ERRORS: usize = 32;
const KEPT_TEXT: usize = 200;

fn shorten_texts(report: &mut CaptureReport) {
    let cut = |text: &mut String| {
        if let Some((at, _)) = text.char_indices().nth(KEPT_TEXT) {
            text.truncate(at);
        }
    };
    report.late_errors.truncate(KEPT_ERRORS);
    report.late_errors.iter_mut().for_each(|error| cut(&mut error.message));
    report.cut.iter_mut().for_each(cut);
    for range in &mut report.unreadable {
        "could not be read".clone_into(&mut range.reason);
    }
}

/// Closes the smaller half of the gaps between ascending ranges.
fn merge_half(ranges: &mut Vec<UnreadableRange>) {
    let gap = |lower: &UnreadableRange, upper: &UnreadableRange| upper.range.start.0.saturating_sub(lower.range.end.0);
    let mut gaps: Vec<u64> = ranges.windows(2).map(|pair| gap(&pair[0], &pair[1])).collect();
    if gaps.is_empty() {
        return;
    }
    let middle = gaps.len() / 2;
    let tolerance = *gaps.select_nth_unstable(middle).1;
    ranges.dedup_by(|next, last| {
        let close = gap(last, next) <= tolerance;
        if close {
            last.range.end = last.range.end.max(next.range.end);
        }
        close
    });
}

#[cfg(test)]
mod tests {
    use super::{CaptureReport, UnreadableRange, to_padded_json};
    use crate::{AddressRange, Avma};

    #[test]
    fn a_report_always_fits_and_never_forgets_an_unreadable_byte() {
        let unreadable: Vec<_> = (0..100_000u64)
            .map(|index| UnreadableRange {
                range: AddressRange::new(index * index * 0x2000, index * index * 0x2000 + 0x1000),
                reason: "Bad address".repeat(3),
            })
            .collect();
        let report = CaptureReport { unreadable, cut: Some("x".repeat(100_000)), ..CaptureReport::default() };
        let json = to_padded_json(&report, 10_000);
        assert_eq!(json.len(), 10_000);
        let back: CaptureReport = serde_json::from_slice(&json).unwrap();
        assert!(back.unreadable.len() > 10);
        for index in [0, 1, 500, 99_999u64] {
            let at = Avma(index * index * 0x2000);
            assert!(back.unreadable.iter().any(|gone| gone.range.contains(at)));
        }
    }
}
