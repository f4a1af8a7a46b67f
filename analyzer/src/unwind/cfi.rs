//! Call frame information: `.eh_frame` through `.eh_frame_hdr`, and `.debug_frame`.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use dpdb_snapshot::{AddressRange, Avma, Memory};
use gimli::{BaseAddresses, CfaRule as GimliCfaRule, CieOrFde, DebugFrame, EhFrame, EndianSlice, LittleEndian};
use gimli::{FrameDescriptionEntry, RegisterRule, UnwindContext, UnwindExpression, UnwindSection};
use object::elf;

use super::eh_frame_hdr::EhFrameHdr;
use super::rules::{CfaRule, Rule, Rules};
use crate::arch::x86_64::REGISTER_COUNT;
use crate::module::Module;
use crate::object_file::ObjectFile;
use crate::svma::Svma;

type Slice<'a> = EndianSlice<'a, LittleEndian>;
type Fde<'a> = FrameDescriptionEntry<Slice<'a>>;

/// An entry (FDE) longer than this is no compiler's; its rows would only cost time.
const LONGEST_ENTRY: usize = 1 << 20;

/// As much of an `.eh_frame` is read out of a process's memory where its file is missing.
const LARGEST_IN_MEMORY: u64 = 64 << 20;

/// How many addresses' rules are kept. A stack has far fewer different return addresses, however deep it is.
const KEPT_ROWS: usize = 1 << 16;

/// The call frame information of all modules, read as it is needed.
#[derive(Debug)]
pub(crate) struct CallFrameInfo {
    modules: Vec<ModuleTables>,
    rows: Mutex<HashMap<Avma, Lookup>>,
}

/// The sections of one module, in the order in which they are asked.
#[derive(Debug, Default)]
struct ModuleTables {
    own: OnceLock<Vec<Table>>,
    /// The separate debug file's, which is looked for only when the module's own do not cover an address.
    separate: OnceLock<Vec<Table>>,
}

/// What there is for an address: rules; nothing; or an entry that is damaged, with the complaint.
pub(crate) type Lookup = Result<Option<Arc<Rules>>, String>;

impl CallFrameInfo {
    pub(crate) fn new(modules: &[Module]) -> CallFrameInfo {
        CallFrameInfo { modules: modules.iter().map(|_| ModuleTables::default()).collect(), rows: Mutex::default() }
    }

    /// The rules for the code at `at`, which is a frame's lookup address in `module`. `debug_file` finds the module's
    /// separate debug file, where there is one.
    pub(crate) fn rules(
        &self,
        at: Avma,
        module: &Module,
        memory: &dyn Memory,
        debug_file: &dyn Fn(&Module) -> Option<Arc<ObjectFile>>,
    ) -> Lookup {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = rows.get(&at) {
            return known.clone();
        }
        let Some(svma) = module.to_svma(at) else { return Ok(None) };
        let found = self.tables(module, memory, debug_file).find_map(|table| table.rules(svma).transpose()).transpose();
        if rows.len() >= KEPT_ROWS {
            rows.clear();
        }
        rows.insert(at, found.clone());
        found
    }

    /// The addresses that the entry for `at` covers.
    pub(crate) fn entry_range(
        &self,
        at: Avma,
        module: &Module,
        memory: &dyn Memory,
        debug_file: &dyn Fn(&Module) -> Option<Arc<ObjectFile>>,
    ) -> Option<AddressRange> {
        let svma = module.to_svma(at)?;
        let covered = self.tables(module, memory, debug_file).find_map(|table| table.covered(svma))?;
        Some(AddressRange { start: module.to_avma(Svma(covered.start)), end: module.to_avma(Svma(covered.end)) })
    }

    fn tables<'a>(
        &'a self,
        module: &'a Module,
        memory: &'a dyn Memory,
        debug_file: &'a dyn Fn(&Module) -> Option<Arc<ObjectFile>>,
    ) -> impl Iterator<Item = &'a Table> {
        let tables = self.modules.get(module.index());
        let own = move |tables: &'a ModuleTables| tables.own.get_or_init(|| own_tables(module, memory)).iter();
        let separate = move |tables: &'a ModuleTables| {
            let of_file = || debug_file(module).and_then(debug_frame_of).into_iter().collect();
            tables.separate.get_or_init(of_file).iter()
        };
        tables.into_iter().flat_map(own).chain(tables.into_iter().flat_map(separate))
    }
}

/// One section of call frame information.
#[derive(Debug)]
struct Table {
    bytes: Bytes,
    address: Svma,
    kind: Kind,
    bases: BaseAddresses,
    /// `.eh_frame_hdr`, if it is there and usable.
    hdr: Option<(Bytes, Svma)>,
    /// All entries, where there is no such header: found by reading through the section once.
    index: OnceLock<Vec<Entry>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    EhFrame,
    DebugFrame,
}

/// An entry (FDE) of the section: the addresses it covers, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    start: u64,
    end: u64,
    offset: usize,
}

/// Bytes of a file or out of memory.
#[derive(Debug)]
enum Bytes {
    Section(Arc<ObjectFile>, &'static str),
    Loaded(Arc<ObjectFile>, Svma),
    Owned(Vec<u8>),
}

impl Bytes {
    fn get(&self) -> &[u8] {
        match self {
            Bytes::Section(object, name) => object.section_data(name).ok().flatten().unwrap_or_default(),
            Bytes::Loaded(object, at) => object.loaded_from(*at).unwrap_or_default(),
            Bytes::Owned(bytes) => bytes,
        }
    }
}

fn own_tables(module: &Module, memory: &dyn Memory) -> Vec<Table> {
    let of_file = module.object().and_then(eh_frame_of);
    let eh_frame = of_file.or_else(|| eh_frame_in_memory(module, memory));
    eh_frame.into_iter().chain(module.object().cloned().and_then(debug_frame_of)).collect()
}

fn eh_frame_of(object: &Arc<ObjectFile>) -> Option<Table> {
    let hdr = object.segments().iter().find(|segment| segment.kind == elf::PT_GNU_EH_FRAME.0);
    let hdr = hdr.map(|segment| (Bytes::Loaded(Arc::clone(object), segment.address), segment.address));
    let (bytes, address) = match object.section(".eh_frame").filter(|section| section.kind != elf::SHT_NOBITS.0) {
        Some(section) => (Bytes::Section(Arc::clone(object), ".eh_frame"), section.address),
        // Section headers can be stripped away (sstrip, UPX); the program headers cannot.
        None => {
            let (bytes, address) = hdr.as_ref()?;
            let start = EhFrameHdr::parse(bytes.get(), *address)?.eh_frame();
            (Bytes::Loaded(Arc::clone(object), start), start)
        }
    };
    let text = object.section(".text").map(|section| section.address);
    Some(Table::eh_frame(bytes, address, hdr, text))
}

/// The loader maps `.eh_frame` for the sake of exceptions, so it may have been captured where the file is gone.
fn eh_frame_in_memory(module: &Module, memory: &dyn Memory) -> Option<Table> {
    let segments = module.segments();
    let hdr = segments.iter().find(|segment| segment.kind == elf::PT_GNU_EH_FRAME.0)?;
    let hdr_bytes = read_up_to(memory, module.to_avma(hdr.address), hdr.memory_size);
    let start = EhFrameHdr::parse(&hdr_bytes, hdr.address)?.eh_frame();
    let segment = segments.iter().find(|segment| segment.is_load() && segment.contains(start))?;
    let length = segment.memory_size - (start.0 - segment.address.0);
    let bytes = read_up_to(memory, module.to_avma(start), length);
    let hdr = Some((Bytes::Owned(hdr_bytes), hdr.address));
    Some(Table::eh_frame(Bytes::Owned(bytes), start, hdr, None))
}

fn read_up_to(memory: &dyn Memory, start: Avma, length: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let length = length.min(LARGEST_IN_MEMORY) as usize;
    let mut chunk = vec![0; 64 << 10];
    while bytes.len() < length {
        let want = chunk.len().min(length - bytes.len());
        let Ok(got) = memory.read_some(start.wrapping_add(bytes.len() as u64), &mut chunk[..want]) else { break };
        bytes.extend_from_slice(&chunk[..got]);
    }
    bytes
}

fn debug_frame_of(object: Arc<ObjectFile>) -> Option<Table> {
    object.section(".debug_frame")?;
    Some(Table {
        bytes: Bytes::Section(object, ".debug_frame"),
        address: Svma(0),
        kind: Kind::DebugFrame,
        bases: BaseAddresses::default(),
        hdr: None,
        index: OnceLock::new(),
    })
}

impl Table {
    fn eh_frame(bytes: Bytes, address: Svma, hdr: Option<(Bytes, Svma)>, text: Option<Svma>) -> Table {
        let mut bases = BaseAddresses::default().set_eh_frame(address.0);
        if let Some((_, hdr)) = &hdr {
            bases = bases.set_eh_frame_hdr(hdr.0);
        }
        if let Some(text) = text {
            bases = bases.set_text(text.0);
        }
        let hdr = hdr.filter(|(bytes, address)| EhFrameHdr::parse(bytes.get(), *address).is_some());
        Table { bytes, address, kind: Kind::EhFrame, bases, hdr, index: OnceLock::new() }
    }

    fn rules(&self, at: Svma) -> Lookup {
        match self.kind {
            Kind::EhFrame => self.rules_in(&self.eh_frame_section(), at),
            Kind::DebugFrame => self.rules_in(&self.debug_frame_section(), at),
        }
    }

    fn covered(&self, at: Svma) -> Option<Range<u64>> {
        let entry = match self.kind {
            Kind::EhFrame => self.entry_in(&self.eh_frame_section(), at),
            Kind::DebugFrame => self.entry_in(&self.debug_frame_section(), at),
        };
        entry.ok()?.map(|entry| entry.initial_address()..entry.end_address())
    }

    fn eh_frame_section(&self) -> EhFrame<Slice<'_>> {
        EhFrame::from(EndianSlice::new(self.bytes.get(), LittleEndian))
    }

    fn debug_frame_section(&self) -> DebugFrame<Slice<'_>> {
        let mut section = DebugFrame::from(EndianSlice::new(self.bytes.get(), LittleEndian));
        section.set_address_size(8);
        section
    }

    fn rules_in<'a, S: UnwindSection<Slice<'a>>>(&self, section: &S, at: Svma) -> Lookup
    where
        S::Offset: From<usize>,
    {
        let complain = |error: gimli::Error| error.to_string();
        let Some(entry) = self.entry_in(section, at).map_err(complain)? else { return Ok(None) };
        if entry.entry_len() > LONGEST_ENTRY {
            return Err(format!("an entry of {} bytes", entry.entry_len()));
        }
        rules_of(section, &self.bases, &entry, at).map(|rules| Some(Arc::new(rules))).map_err(complain)
    }

    fn entry_in<'a, S: UnwindSection<Slice<'a>>>(&self, section: &S, at: Svma) -> gimli::Result<Option<Fde<'a>>>
    where
        S::Offset: From<usize>,
    {
        let Some(offset) = self.entry_at(section, at) else { return Ok(None) };
        let entry = section.fde_from_offset(&self.bases, S::Offset::from(offset), S::cie_from_offset)?;
        Ok(entry.contains(at.0).then_some(entry))
    }

    fn entry_at<'a, S: UnwindSection<Slice<'a>>>(&self, section: &S, at: Svma) -> Option<usize> {
        if let Some((bytes, address)) = &self.hdr {
            let entry = EhFrameHdr::parse(bytes.get(), *address)?.lookup(at)?;
            return usize::try_from(entry.0.checked_sub(self.address.0)?).ok();
        }
        let index = self.index.get_or_init(|| index_of(section, &self.bases));
        let after = index.partition_point(|entry| entry.start <= at.0);
        index[..after].last().filter(|entry| at.0 < entry.end).map(|entry| entry.offset)
    }
}

/// All entries of a section, ascending. What follows a damaged one is lost, as its length is not to be believed.
fn index_of<'a, S: UnwindSection<Slice<'a>>>(section: &S, bases: &BaseAddresses) -> Vec<Entry> {
    let mut index = Vec::new();
    let mut entries = section.entries(bases);
    while let Ok(Some(entry)) = entries.next() {
        let CieOrFde::Fde(partial) = entry else { continue };
        let Ok(entry) = partial.parse(S::cie_from_offset) else { continue };
        // What the linker dropped (--gc-sections) is left at address zero.
        if entry.initial_address() != 0 && entry.len() != 0 {
            index.push(Entry { start: entry.initial_address(), end: entry.end_address(), offset: entry.offset() });
        }
    }
    index.sort_unstable();
    index
}

/// gimli's own storage holds four remembered rows and 192 rules; compilers have nested deeper than the former, and
/// nothing uses the latter.
#[derive(Debug)]
struct Storage;

impl gimli::UnwindContextStorage<usize> for Storage {
    type Rules = [(gimli::Register, RegisterRule<usize>); 64];
    type Stack = Box<[gimli::UnwindTableRow<usize, Self>; 16]>;
}

fn rules_of<'a, S: UnwindSection<Slice<'a>>>(
    section: &S,
    bases: &BaseAddresses,
    entry: &Fde<'a>,
    at: Svma,
) -> gimli::Result<Rules> {
    let mut context = UnwindContext::<usize, Storage>::new_in();
    let row = entry.unwind_info_for_address(section, bases, &mut context, at.0)?;
    let bytes = |expression: &UnwindExpression<usize>| -> gimli::Result<Box<[u8]>> {
        Ok(expression.get(section)?.0.slice().into())
    };
    let cfa = match row.cfa() {
        GimliCfaRule::RegisterAndOffset { register, offset } => CfaRule::RegisterAndOffset(register.0, *offset),
        GimliCfaRule::Expression(expression) => CfaRule::Expression(bytes(expression)?),
    };
    let mut registers = [const { None }; REGISTER_COUNT];
    for &(register, ref rule) in row.registers() {
        let Some(slot) = registers.get_mut(usize::from(register.0)) else { continue };
        *slot = Some(match rule {
            // The architecture's own rule: x86-64 defines none, so nothing is known.
            RegisterRule::Undefined | RegisterRule::Architectural => Rule::Undefined,
            RegisterRule::SameValue => Rule::SameValue,
            RegisterRule::Offset(offset) => Rule::Offset(*offset),
            RegisterRule::ValOffset(offset) => Rule::ValOffset(*offset),
            RegisterRule::Register(other) => Rule::Register(other.0),
            RegisterRule::Expression(expression) => Rule::Expression(bytes(expression)?),
            RegisterRule::ValExpression(expression) => Rule::ValExpression(bytes(expression)?),
            RegisterRule::Constant(value) => Rule::Constant(*value),
        });
    }
    let return_address = entry.cie().return_address_register().0;
    Ok(Rules { cfa, registers, return_address, is_signal_frame: entry.is_signal_trampoline() })
}
