//! A delta made whole.

use std::fs::File;

use super::Snapshot;
use super::segments::Place;
use crate::{
    AddressRange, CaptureReport, Content, Course, PlannedRange, Progress, WriteError, WriteOptions, Written,
    add_sources, write_snapshot,
};

/// Why a snapshot is not made whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// It, or its base, is damaged; what is missing would look like a choice.
    #[error("{0}")]
    Damaged(String),
    /// The new file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl Snapshot {
    /// Writes the same snapshot so that it needs no base, into the empty file `out`, and returns how many bytes that has.
    ///
    /// # Errors
    /// Where anything is missing, or writing fails.
    pub fn pack(&self, out: &mut File, options: &WriteOptions) -> Result<u64, PackError> {
        if let Some(damage) = self.damage.first() {
            return Err(PackError::Damaged(damage.to_string()));
        }
        let process = crate::Process { base: None, ..self.process.clone() };
        let memory_at = self.headers.loads.iter().map(|load| load.offset).min().unwrap_or_default();
        let report = self.capture.clone().unwrap_or_default();
        let mut course = Again { report, memory_at };
        let written = write_snapshot(&process, &self.plan(), self, out, options, &mut course)?;
        let added = if self.sources.is_empty() { Ok(0) } else { add_sources(out, &self.sources, u64::MAX) };
        Ok(written.file_bytes + added.map_err(WriteError::Io)?)
    }

    /// What became of each part of the memory.
    fn plan(&self) -> Vec<PlannedRange> {
        let mut plan = Vec::new();
        for mapping in &self.process.mappings {
            let mut at = mapping.range.start;
            while at < mapping.range.end {
                let (end, content) = match self.segments.find(at) {
                    Some(Place::Bytes { range, .. }) => (range.end, Content::Captured),
                    Some(Place::Zero { end }) => (end, Content::Zero),
                    Some(Place::Absent { range, reason }) => (range.end, Content::LeftOut(reason.to_owned())),
                    None => break,
                };
                let end = end.min(mapping.range.end);
                if end <= at {
                    break;
                }
                plan.push(PlannedRange { range: AddressRange { start: at, end }, content });
                at = end;
            }
        }
        plan
    }
}

/// A capture that is told again.
struct Again {
    report: CaptureReport,
    /// Where the memory begins in the core that is read.
    memory_at: u64,
}

impl Course for Again {
    fn go_on(&mut self, progress: &Progress) -> Result<(), String> {
        let cut = self.report.cut_at.filter(|&at| progress.memory_bytes.saturating_add(self.memory_at) >= at);
        match cut {
            Some(_) => Err(self.report.cut.clone().unwrap_or_default()),
            None => Ok(()),
        }
    }

    fn report(&mut self, _: &Written) -> CaptureReport {
        self.report.clone()
    }
}
