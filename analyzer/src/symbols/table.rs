//! The symbols of one ELF file, looked up by address or by name.

use std::cmp::Reverse;
use std::sync::{Arc, OnceLock};

use object::elf;

use super::by_address::ByAddress;
use super::demangle::{demangle, without_version};
use super::entry::{ENTRY_SIZE, Entry, Home, Symbol, c_string};
use super::linkage_table::{self, Stub};
use crate::{ObjectFile, Svma};

/// Symbols that are looked at per module. Chromium with symbols has under three million.
const MOST_SYMBOLS: usize = 20_000_000;

/// Symbols without a size that a lookup steps over to find one that has it.
const MOST_STEPS: usize = 10_000;

/// The functions and data objects that an ELF file and its debug files name.
///
/// A large program has half a million symbols with names of a hundred bytes each. An address reads the names of its
/// neighbours only; a name that is asked for reads them all.
#[derive(Debug, Default)]
pub struct SymbolTable {
    sections: Vec<SymbolSection>,
    /// The stubs of procedure linkage tables.
    stubs: Vec<Symbol>,
    names: Vec<Names>,
    by_address: OnceLock<ByKind<ByAddress>>,
    sorted: OnceLock<ByKind<Vec<Symbol>>>,
}

/// A section of type `SHT_SYMTAB` or `SHT_DYNSYM`.
#[derive(Debug)]
struct SymbolSection {
    object: Arc<ObjectFile>,
    index: usize,
    /// Entries that are looked at, so that all sections together have [`MOST_SYMBOLS`].
    most: usize,
    homes: Vec<Home>,
    /// The string table in [`SymbolTable::names`].
    table: u16,
}

/// What there is of code and of data.
#[derive(Debug, Default)]
struct ByKind<T> {
    code: T,
    data: T,
}

/// A symbol that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SymbolRef<'a> {
    /// Its name as it stands in the file, with its version taken off; the bytes may be anything.
    pub name: &'a [u8],
    /// Where it is.
    pub address: Svma,
    /// Its size in bytes; zero where the file does not say.
    pub size: u64,
    /// Whether it is a function's that picks the real one at load time (`STT_GNU_IFUNC`).
    pub is_ifunc: bool,
}

impl SymbolRef<'_> {
    /// The name as its table has it, invalid bytes replaced.
    pub fn linkage_name(&self) -> String {
        String::from_utf8_lossy(self.name).into_owned()
    }

    /// The name as people write it, without parameters.
    pub fn display_name(&self) -> String {
        demangle(&self.linkage_name())
    }
}

/// Where the names of some symbols stand, each ended by a NUL.
#[derive(Debug)]
enum Names {
    /// The string table that a symbol section is linked to: a section's number.
    Section(Arc<ObjectFile>, usize),
    /// Names that no file has.
    Made(Vec<u8>),
}

impl Names {
    fn bytes(&self) -> &[u8] {
        match self {
            Names::Section(object, strings) => object.section_data_at(*strings).ok().flatten().unwrap_or_default(),
            Names::Made(names) => names,
        }
    }
}

impl SymbolTable {
    /// The symbols in `.symtab` and `.dynsym` of all `objects`, which are views of one file: itself, its separate debug
    /// file, its `.gnu_debugdata`; and the stubs of its procedure linkage table by name. What is damaged is left out.
    pub fn read(objects: &[Arc<ObjectFile>]) -> SymbolTable {
        let mut table = SymbolTable::default();
        for object in objects {
            let sections =
                object.sections().filter(|section| [elf::SHT_SYMTAB.0, elf::SHT_DYNSYM.0].contains(&section.kind));
            for section in sections {
                table.add_section(object, section.index, section.link as usize);
            }
            table.add_stubs(linkage_table::stubs(object));
        }
        table
    }

    fn add_section(&mut self, object: &Arc<ObjectFile>, index: usize, strings: usize) {
        let Some(table) = self.add_names(Names::Section(object.clone(), strings)) else { return };
        let known: usize = self.sections.iter().map(|section| section.entries().len()).sum();
        let (most, homes) = (MOST_SYMBOLS.saturating_sub(known), object.sections().map(Home::of).collect());
        self.sections.push(SymbolSection { object: object.clone(), index, most, homes, table });
    }

    fn add_stubs(&mut self, stubs: Vec<Stub>) {
        let (mut names, mut added) = (Vec::new(), Vec::new());
        for Stub { address, size, name: text } in stubs {
            let Ok(name) = u32::try_from(names.len()) else { break };
            names.extend_from_slice(&text);
            names.push(0);
            let section_end = Svma(address.0.saturating_add(size));
            added.push(Symbol { address, size, section_end, name, table: 0, rank: 0, is_ifunc: false });
        }
        if let Some(table) = self.add_names(Names::Made(names)) {
            self.stubs.extend(added.into_iter().map(|symbol| Symbol { table, ..symbol }));
        }
    }

    fn add_names(&mut self, names: Names) -> Option<u16> {
        let number = u16::try_from(self.names.len()).ok()?;
        self.names.push(names);
        Some(number)
    }

    /// Whether it holds no symbol.
    pub fn is_empty(&self) -> bool {
        let placed = self.by_address();
        placed.code.is_empty() && placed.data.is_empty()
    }

    /// Where the symbols are, each by its number: stubs first, then the entries of one section after the other.
    fn by_address(&self) -> &ByKind<ByAddress> {
        self.by_address.get_or_init(|| {
            let mut placed: ByKind<ByAddress> = ByKind::default();
            (0..).zip(&self.stubs).for_each(|(number, stub)| placed.code.push(stub.address.0, number));
            let mut numbers = self.stubs.len() as u32..;
            for section in &self.sections {
                let entries = section.entries();
                // Most are functions. What is not needed is never touched.
                placed.code.reserve(entries.len());
                for (entry, number) in entries.iter().map(Entry).zip(numbers.by_ref()) {
                    match entry.is_code(&section.homes) {
                        Some(true) => placed.code.push(entry.address(), number),
                        Some(false) => placed.data.push(entry.address(), number),
                        None => {}
                    }
                }
                section.object.give_back(entries.as_flattened());
            }
            placed.code.deal();
            placed.data.deal();
            placed
        })
    }

    /// The symbol with this number, where it has a name.
    fn numbered(&self, number: u32) -> Option<Symbol> {
        let mut number = number as usize;
        if let Some(stub) = self.stubs.get(number) {
            return Some(*stub);
        }
        number -= self.stubs.len();
        for section in &self.sections {
            let entries = section.entries();
            match entries.get(number) {
                Some(entry) => return Entry(entry).symbol(self.bytes_of(section.table), section.table, &section.homes),
                None => number -= entries.len(),
            }
        }
        None
    }

    /// All symbols, sorted by their addresses.
    fn sorted(&self) -> &ByKind<Vec<Symbol>> {
        self.sorted.get_or_init(|| {
            let mut sorted = ByKind { code: self.stubs.clone(), data: Vec::new() };
            for section in &self.sections {
                let (names, entries) = (self.bytes_of(section.table), section.entries());
                for entry in entries.iter().map(Entry) {
                    let Some(symbol) = entry.symbol(names, section.table, &section.homes) else { continue };
                    let kind =
                        if entry.is_code(&section.homes) == Some(true) { &mut sorted.code } else { &mut sorted.data };
                    kind.push(symbol);
                }
                section.object.give_back(entries.as_flattened());
                section.object.give_back(names);
            }
            sorted.code.sort_unstable_by_key(Symbol::order);
            sorted.data.sort_unstable_by_key(Symbol::order);
            sorted
        })
    }

    /// The function that `at` lies in. A symbol without a size reaches to the next symbol or the end of its section;
    /// one with a size never beyond it (gdb's minsyms.c, `lookup_minimal_symbol_by_pc_section`).
    pub fn function_at(&self, at: Svma) -> Option<SymbolRef<'_>> {
        self.find(&self.by_address().code, at)
    }

    /// The data object that `at` lies in.
    pub fn data_at(&self, at: Svma) -> Option<SymbolRef<'_>> {
        self.find(&self.by_address().data, at)
    }

    fn find(&self, symbols: &ByAddress, at: Svma) -> Option<SymbolRef<'_>> {
        let at_one_address = |numbers: Vec<u32>| {
            let mut symbols: Vec<Symbol> = numbers.into_iter().filter_map(|number| self.numbered(number)).collect();
            symbols.sort_unstable_by_key(|symbol| Reverse(symbol.order()));
            symbols
        };
        let mut below = symbols.down_from(at.0).flat_map(at_one_address).take(MOST_STEPS).peekable();
        let unsized_one = below.peek().copied().filter(|symbol| symbol.size == 0 && at < symbol.section_end);
        let sized = below.by_ref().find(|symbol| symbol.size != 0);
        // A function may contain another symbol of its own size that has ended before `at`: look one further back.
        let found =
            sized.filter(|symbol| symbol.covers(at)).or_else(|| below.next().filter(|symbol| symbol.covers(at)));
        found.or(unsized_one).map(|symbol| self.reference(&symbol))
    }

    /// Every symbol with this name: as the file has it, or as people write it (`ns::Class::method`).
    pub fn named<'a>(&'a self, name: &str) -> impl Iterator<Item = SymbolRef<'a>> {
        let name = name.to_owned();
        // Demangling is what costs, and a mangled name contains each word of what it stands for.
        let word = name.rsplit("::").next().unwrap_or_default().split(['<', '(', ' ']).next().unwrap_or_default();
        let word = word.as_bytes().to_vec();
        self.sorted().code.iter().chain(&self.sorted().data).map(|symbol| self.reference(symbol)).filter(
            move |symbol| {
                symbol.name == name.as_bytes()
                    || (symbol.name.starts_with(b"_")
                        && !word.is_empty()
                        && symbol.name.windows(word.len()).any(|part| part == word)
                        && symbol.display_name() == name)
            },
        )
    }

    /// The global symbol with exactly this linkage name, else a local one.
    pub fn by_linkage_name(&self, name: &str) -> Option<SymbolRef<'_>> {
        // Most names are another from their first bytes on, and a version is behind what is compared.
        let may_match = |symbol: &&Symbol| self.raw_name(symbol).starts_with(name.as_bytes());
        let matching = |symbol: &&Symbol| may_match(symbol) && self.name_of(symbol) == name.as_bytes();
        self.sorted().code.iter().filter(matching).max_by_key(|symbol| symbol.rank).map(|symbol| self.reference(symbol))
    }

    fn reference<'a>(&'a self, symbol: &Symbol) -> SymbolRef<'a> {
        SymbolRef { name: self.name_of(symbol), address: symbol.address, size: symbol.size, is_ifunc: symbol.is_ifunc }
    }

    /// The string table from the symbol's name on.
    fn raw_name(&self, symbol: &Symbol) -> &[u8] {
        self.bytes_of(symbol.table).get(symbol.name as usize..).unwrap_or_default()
    }

    fn name_of(&self, symbol: &Symbol) -> &[u8] {
        let name = c_string(self.raw_name(symbol), 0);
        std::str::from_utf8(name).map_or(name, |name| without_version(name).as_bytes())
    }

    fn bytes_of(&self, table: u16) -> &[u8] {
        self.names[usize::from(table)].bytes()
    }
}

impl SymbolSection {
    fn entries(&self) -> &[[u8; ENTRY_SIZE]] {
        let data = self.object.section_data_at(self.index).ok().flatten().unwrap_or_default();
        let (entries, _) = data.as_chunks();
        &entries[..entries.len().min(self.most)]
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use object::elf;

    use super::SymbolTable;
    use crate::testing::{TestSection, elf as make_elf, symbol};
    use crate::{ObjectFile, Svma};

    const NAMES: &[u8] = b"\0outer\0inner\0label\0__alias\0alias\0data\0_ZN2ns1fEv\0versioned@@V_2\0";

    fn name(text: &str) -> u32 {
        let with_nul = format!("\0{text}\0");
        NAMES.windows(with_nul.len()).position(|part| part == with_nul.as_bytes()).unwrap() as u32 + 1
    }

    fn table() -> SymbolTable {
        let (func, global, local, weak) = (elf::STT_FUNC.0, elf::STB_GLOBAL.0, elf::STB_LOCAL.0, elf::STB_WEAK.0);
        let symbols = [
            symbol(name("outer"), func, global, 1, 0x1000, 0x100),
            symbol(name("inner"), func, local, 1, 0x1010, 0x10),
            symbol(name("label"), 0, local, 1, 0x1180, 0),
            symbol(name("__alias"), func, global, 1, 0x1200, 8),
            symbol(name("alias"), func, weak, 1, 0x1200, 8),
            symbol(name("_ZN2ns1fEv"), elf::STT_GNU_IFUNC.0, global, 1, 0x1240, 4),
            symbol(name("versioned@@V_2"), func, global, 1, 0x1250, 4),
            symbol(name("data"), elf::STT_OBJECT.0, global, 2, 0x2000, 16),
            symbol(name("outer"), func, global, 0, 0x3000, 16),
        ];
        let loaded = |flags, address, section: TestSection| TestSection { flags, address, ..section };
        let file = make_elf(&[
            loaded(6, 0x1000, TestSection::new(".text", 1, vec![0; 0x300])),
            loaded(3, 0x2000, TestSection::new(".data", 1, vec![0; 16])),
            TestSection { link: 4, ..TestSection::new(".symtab", elf::SHT_SYMTAB.0, symbols.concat()) },
            TestSection::new(".strtab", elf::SHT_STRTAB.0, NAMES),
        ]);
        SymbolTable::read(&[Arc::new(ObjectFile::from_bytes(PathBuf::new(), file).unwrap())])
    }

    #[test]
    fn sizes_decide_which_function_an_address_is_in() {
        let table = table();
        for (address, expected) in [
            (0xfff, None),
            (0x1000, Some("outer")),
            (0x1018, Some("inner")),
            (0x1020, Some("outer")),
            (0x1100, None),
            (0x1180, Some("label")),
            (0x11ff, Some("label")),
            (0x1200, Some("alias")),
            (0x1208, None),
            (0x1240, Some("ns::f")),
            (0x1250, Some("versioned")),
            (0x2008, None),
        ] {
            let found = table.function_at(Svma(address)).map(|symbol| symbol.display_name());
            assert_eq!(found.as_deref(), expected, "{address:#x}");
        }
        assert_eq!(table.data_at(Svma(0x2008)).unwrap().display_name(), "data");
        assert_eq!(table.data_at(Svma(0x2010)), None);
    }

    #[test]
    fn names_are_found_mangled_and_as_people_write_them() {
        let table = table();
        for (name, address) in [("outer", 0x1000), ("ns::f", 0x1240), ("_ZN2ns1fEv", 0x1240), ("data", 0x2000)] {
            assert_eq!(table.named(name).next().unwrap().address, Svma(address), "{name}");
        }
        assert_eq!(table.named("f").next(), None);
        assert_eq!(table.by_linkage_name("versioned").unwrap().address, Svma(0x1250));
    }
}
