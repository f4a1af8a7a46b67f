//! `whatat`: what an address is in.

use dpdb_snapshot::{Avma, Text};
use serde::Serialize;

use super::frames::FrameLine;
use super::mappings::MappingLine;
use super::{CommandError, Engine, Hex, Reply};

/// All that is known of an address.
#[derive(Debug, Serialize)]
pub struct WhatAt {
    /// The address.
    pub address: Hex,
    /// The symbol it lies in or behind, with its size.
    pub symbol: Option<SymbolPlace>,
    /// The module.
    pub module: Option<ModulePlace>,
    /// The line of source, where it is code.
    pub source: Option<SourcePlace>,
    /// The mapping.
    pub mapping: Option<MappingLine>,
    /// The nearest mappings, where it lies in none.
    pub neighbours: Vec<Neighbour>,
    /// The frame on whose stack it is.
    pub stack: Option<StackPlace>,
    /// Registers of the selected frame that hold it.
    pub registers: Vec<&'static str>,
    /// Why its memory cannot be read, if so.
    pub absent: Option<String>,
}

/// A symbol and where in it.
#[derive(Debug, Serialize)]
pub struct SymbolPlace {
    /// Its name.
    pub name: String,
    /// Bytes behind its first.
    pub offset: u64,
    /// Its size in bytes; zero if unknown.
    pub size: u64,
}

/// A module and where in its file.
#[derive(Debug, Serialize)]
pub struct ModulePlace {
    /// Its path.
    pub path: Text,
    /// The address as the file has it.
    pub address_in_file: Hex,
}

/// A place in the source.
#[derive(Debug, Serialize)]
pub struct SourcePlace {
    /// The file.
    pub file: Text,
    /// The line.
    pub line: u32,
}

/// A mapping nearby.
#[derive(Debug, Serialize)]
pub struct Neighbour {
    /// Bytes between it and the address.
    pub distance: u64,
    /// It lies above the address.
    pub above: bool,
    /// The mapping.
    pub mapping: MappingLine,
}

/// A place on a thread's stack.
#[derive(Debug, Serialize)]
pub struct StackPlace {
    /// The thread.
    pub tid: i32,
    /// The frame it lies in, as far as that can be told.
    pub frame: Option<FrameLine>,
}

impl Engine {
    /// All that is known of an address.
    ///
    /// # Errors
    /// The address makes no sense.
    pub fn whatat(&mut self, text: &str) -> Result<Reply, CommandError> {
        let at = self.address(text)?;
        let symbol = self.session.symbol_at(at);
        let module = self.session.module_at(at).and_then(|module| {
            let address_in_file = Hex(module.to_svma(at)?.0);
            Some(ModulePlace { path: module.path().clone(), address_in_file })
        });
        let executable = self.process().mapping_at(at).is_some_and(|mapping| mapping.permissions.execute);
        let source = if executable { self.location_at(at) } else { None };
        let registers = self.selected_registers();
        let stack = self.stack_place(at);
        let process = self.process();
        let mapping = process.mapping_at(at);
        Ok(Reply::Whatat(Box::new(WhatAt {
            address: at.into(),
            symbol: symbol.map(|hit| SymbolPlace { name: hit.name, offset: hit.offset, size: hit.size }),
            module,
            source: source.map(|location| SourcePlace { file: location.file.as_path().into(), line: location.line }),
            mapping: mapping.map(MappingLine::from),
            neighbours: if mapping.is_some() { Vec::new() } else { neighbours(process, at) },
            stack,
            registers: registers.iter().filter(|line| line.value == Some(Hex(at.0))).map(|line| line.name).collect(),
            absent: self.session.memory().read(at, &mut [0]).err().map(|absent| absent.to_string()),
        })))
    }

    /// The thread and frame on whose stack an address lies: a thread's stack is the mapping its stack pointer is in.
    fn stack_place(&mut self, at: Avma) -> Option<StackPlace> {
        let process = self.process();
        let mapping = process.mapping_at(at)?.range;
        let owner = process.threads.iter().find(|thread| {
            thread.registers.as_ref().is_some_and(|registers| mapping.contains(Avma(registers.general.rsp)))
        })?;
        let tid = owner.tid;
        let stack = self.stack(tid, 0).ok()?;
        let lowest = stack.physical.first()?.stack_pointer()?;
        let inside =
            stack.physical.iter().position(|frame| frame.cfa.is_some_and(|cfa| at < cfa)).filter(|_| at >= lowest);
        let number = inside.and_then(|inside| stack.numbered.iter().rposition(|level| level.physical == inside));
        let frame = number.and_then(|number| self.frame_line(tid, number).ok());
        Some(StackPlace { tid, frame })
    }
}

fn neighbours(process: &dpdb_snapshot::Process, at: Avma) -> Vec<Neighbour> {
    let (below, above) = process.neighbours_of(at);
    let below = below.map(|mapping| Neighbour {
        distance: at.0.saturating_sub(mapping.range.end.0),
        above: false,
        mapping: mapping.into(),
    });
    let above = above.map(|mapping| Neighbour {
        distance: mapping.range.start.0.saturating_sub(at.0),
        above: true,
        mapping: mapping.into(),
    });
    below.into_iter().chain(above).collect()
}
