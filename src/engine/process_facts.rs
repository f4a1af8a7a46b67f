//! `fds`, `env`, `limits`, `tree` and `auxv`: what `/proc` told.

use dpdb_snapshot::Text;
use dpdb_snapshot::process::{FileDescriptor, Limit, ProcessLink};
use serde::Serialize;

use super::{CommandError, Engine, Hex, Reply};

/// The open files.
#[derive(Debug, Serialize)]
pub struct FileDescriptors {
    /// By number.
    pub fds: Vec<FileDescriptor>,
}

/// The environment as it was when the program started.
#[derive(Debug, Serialize)]
pub struct Environment {
    /// `NAME=value` each, in the process's order.
    pub variables: Vec<Text>,
}

/// Resource limits.
#[derive(Debug, Serialize)]
pub struct Limits {
    /// In the kernel's order.
    pub limits: Vec<Limit>,
}

/// The processes of the supervised tree at that instant.
#[derive(Debug, Serialize)]
pub struct Tree {
    /// The process that this file is about.
    pub pid: i32,
    /// All of them, parents before children.
    pub processes: Vec<ProcessLink>,
}

/// The auxiliary vector.
#[derive(Debug, Serialize)]
pub struct AuxiliaryVector {
    /// In the kernel's order.
    pub entries: Vec<AuxiliaryEntry>,
}

/// One entry of it.
#[derive(Debug, Serialize)]
pub struct AuxiliaryEntry {
    /// Its number.
    pub number: u64,
    /// Its name in elf.h, where it is known.
    pub name: Option<&'static str>,
    /// Its value.
    pub value: Hex,
}

/// getauxval(3) and elf.h.
const AUXV_NAMES: [(u64, &str); 24] = [
    (2, "AT_EXECFD"),
    (3, "AT_PHDR"),
    (4, "AT_PHENT"),
    (5, "AT_PHNUM"),
    (6, "AT_PAGESZ"),
    (7, "AT_BASE"),
    (8, "AT_FLAGS"),
    (9, "AT_ENTRY"),
    (11, "AT_UID"),
    (12, "AT_EUID"),
    (13, "AT_GID"),
    (14, "AT_EGID"),
    (15, "AT_PLATFORM"),
    (16, "AT_HWCAP"),
    (17, "AT_CLKTCK"),
    (23, "AT_SECURE"),
    (24, "AT_BASE_PLATFORM"),
    (25, "AT_RANDOM"),
    (26, "AT_HWCAP2"),
    (27, "AT_RSEQ_FEATURE_SIZE"),
    (28, "AT_RSEQ_ALIGN"),
    (31, "AT_EXECFN"),
    (33, "AT_SYSINFO_EHDR"),
    (51, "AT_MINSIGSTKSZ"),
];

impl Engine {
    /// The open files.
    ///
    /// # Errors
    /// The file does not list them.
    pub fn file_descriptors(&self) -> Result<Reply, CommandError> {
        let fds = told(&self.process().fds, "open files")?;
        Ok(Reply::FileDescriptors(FileDescriptors { fds }))
    }

    /// The environment; given a word, the variables that have it in their name.
    ///
    /// # Errors
    /// The file does not tell it, or nothing matches.
    pub fn environment(&self, filter: &str) -> Result<Reply, CommandError> {
        let mut variables = told(&self.process().environment, "environment")?;
        variables.retain(|variable| {
            let name = variable.as_bytes().split(|&byte| byte == b'=').next().unwrap_or_default();
            filter.is_empty() || name.windows(filter.len()).any(|part| part.eq_ignore_ascii_case(filter.as_bytes()))
        });
        if variables.is_empty() {
            return Err(CommandError::refused(format!("no variable is called '{filter}'")));
        }
        Ok(Reply::Environment(Environment { variables }))
    }

    /// The resource limits.
    ///
    /// # Errors
    /// The file does not tell them.
    pub fn limits(&self) -> Result<Reply, CommandError> {
        Ok(Reply::Limits(Limits { limits: told(&self.process().limits, "resource limits")? }))
    }

    /// The tree of processes.
    ///
    /// # Errors
    /// The file does not tell it.
    pub fn tree(&self) -> Result<Reply, CommandError> {
        let processes = told(&self.process().tree, "other processes")?;
        Ok(Reply::Tree(Tree { pid: self.process().pid, processes }))
    }

    /// The auxiliary vector.
    ///
    /// # Errors
    /// The file does not hold it.
    pub fn auxiliary_vector(&self) -> Result<Reply, CommandError> {
        let pairs = told(&self.process().auxv, "auxiliary vector")?;
        let entries = pairs.into_iter().map(|(number, value)| AuxiliaryEntry {
            number,
            name: AUXV_NAMES.iter().find(|(known, _)| *known == number).map(|(_, name)| *name),
            value: Hex(value),
        });
        Ok(Reply::AuxiliaryVector(AuxiliaryVector { entries: entries.collect() }))
    }
}

fn told<T: Clone>(facts: &[T], what: &str) -> Result<Vec<T>, CommandError> {
    if facts.is_empty() {
        return Err(CommandError::refused(format!("this file does not tell the {what}")));
    }
    Ok(facts.to_vec())
}
