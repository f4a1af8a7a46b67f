//! The symbols of one ELF file, sorted once, looked up by address or by name.

use std::sync::Arc;

use object::elf;

use super::demangle::{demangle, without_version};
use super::linkage_table::{self, Stub};
use crate::{ObjectFile, Svma};

/// The bytes of an `Elf64_Sym` (gABI, "Symbol Table").
const ENTRY_SIZE: usize = 24;

/// Symbols that are looked at per file. Chromium with symbols has under three million.
const MOST_SYMBOLS: usize = 20_000_000;

/// Symbols without a size that a lookup steps over to find one that has it.
const MOST_STEPS: usize = 10_000;

/// The functions and data objects that an ELF file and its debug files name.
#[derive(Debug, Default)]
pub struct SymbolTable {
    names: Vec<Names>,
    code: Vec<Symbol>,
    data: Vec<Symbol>,
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

#[derive(Clone, Copy, Debug)]
struct Symbol {
    address: Svma,
    size: u64,
    /// The end of the section it is defined in, beyond which a symbol without a size does not reach.
    section_end: Svma,
    name: u32,
    table: u16,
    /// The higher, the better among symbols at one address.
    rank: u8,
    is_ifunc: bool,
}

impl Symbol {
    fn covers(&self, at: Svma) -> bool {
        at.0.checked_sub(self.address.0).is_some_and(|offset| offset < self.size)
    }
}

impl SymbolTable {
    /// Reads `.symtab` and `.dynsym` of all `objects`, which are views of one file: itself, its separate debug file,
    /// its `.gnu_debugdata`; and names the stubs of its procedure linkage table. What is damaged is left out.
    pub fn read(objects: &[Arc<ObjectFile>]) -> SymbolTable {
        let mut symbols = SymbolTable::default();
        for object in objects {
            let sections: Vec<(usize, usize)> = object
                .sections()
                .filter(|section| section.kind == elf::SHT_SYMTAB.0 || section.kind == elf::SHT_DYNSYM.0)
                .map(|section| (section.index, section.link as usize))
                .collect();
            for (section, strings) in sections {
                symbols.read_section(object, section, strings);
            }
            symbols.add_stubs(linkage_table::stubs(object));
        }
        symbols.sort();
        symbols
    }

    /// Whether it holds no symbol.
    pub fn is_empty(&self) -> bool {
        self.code.is_empty() && self.data.is_empty()
    }

    fn read_section(&mut self, object: &Arc<ObjectFile>, section: usize, strings: usize) {
        let Ok(Some(entries)) = object.section_data_at(section) else { return };
        let Ok(table) = u16::try_from(self.names.len()) else { return };
        self.names.push(Names::Section(object.clone(), strings));
        let names = object.section_data_at(strings).ok().flatten().unwrap_or_default();
        let homes: Vec<Home> = object.sections().map(Home::of).collect();
        for entry in entries.chunks_exact(ENTRY_SIZE).take(MOST_SYMBOLS) {
            let Some((symbol, is_code)) = parse(entry, names, table, &homes) else { continue };
            if is_code { self.code.push(symbol) } else { self.data.push(symbol) }
        }
    }

    fn add_stubs(&mut self, stubs: Vec<Stub>) {
        let Ok(table) = u16::try_from(self.names.len()) else { return };
        let mut names = Vec::new();
        for Stub { address, size, name: text } in stubs {
            let Ok(name) = u32::try_from(names.len()) else { break };
            names.extend_from_slice(&text);
            names.push(0);
            let section_end = Svma(address.0.saturating_add(size));
            self.code.push(Symbol { address, size, section_end, name, table, rank: 0, is_ifunc: false });
        }
        self.names.push(Names::Made(names));
    }

    fn sort(&mut self) {
        // A later name in the string table wins among equals, as in gdb, where it is the order of pointers.
        let key = |symbol: &Symbol| (symbol.address, symbol.rank, symbol.name);
        self.code.sort_unstable_by_key(key);
        self.data.sort_unstable_by_key(key);
    }

    /// The function that `at` lies in. A symbol without a size reaches to the next symbol or the end of its section;
    /// one with a size never beyond it (gdb's minsyms.c, `lookup_minimal_symbol_by_pc_section`).
    pub fn function_at(&self, at: Svma) -> Option<SymbolRef<'_>> {
        self.find(&self.code, at)
    }

    /// The data object that `at` lies in.
    pub fn data_at(&self, at: Svma) -> Option<SymbolRef<'_>> {
        self.find(&self.data, at)
    }

    fn find<'a>(&'a self, symbols: &'a [Symbol], at: Svma) -> Option<SymbolRef<'a>> {
        let after = symbols.partition_point(|symbol| symbol.address <= at);
        let below = &symbols[..after];
        let unsized_one = below.last().filter(|symbol| symbol.size == 0 && at < symbol.section_end);
        let (place, sized) =
            below.iter().enumerate().rev().take(MOST_STEPS).find(|(_, symbol)| symbol.size != 0).unzip();
        // A function may contain another symbol of its own size that has ended before `at`: look one further back.
        let around = place.and_then(|place: usize| below[..place].last());
        let found = sized.into_iter().chain(around).find(|symbol| symbol.covers(at));
        found.or(unsized_one).map(|symbol| self.reference(symbol))
    }

    /// Every symbol with this name: as the file has it, or as people write it (`ns::Class::method`).
    pub fn named<'a>(&'a self, name: &str) -> impl Iterator<Item = SymbolRef<'a>> {
        let name = name.to_owned();
        // Demangling is what costs, and a mangled name contains each word of what it stands for.
        let word = name.rsplit("::").next().unwrap_or_default().split(['<', '(', ' ']).next().unwrap_or_default();
        let word = word.as_bytes().to_vec();
        self.code.iter().chain(&self.data).map(|symbol| self.reference(symbol)).filter(move |symbol| {
            symbol.name == name.as_bytes()
                || (symbol.name.starts_with(b"_")
                    && !word.is_empty()
                    && symbol.name.windows(word.len()).any(|part| part == word)
                    && symbol.display_name() == name)
        })
    }

    /// The global symbol with exactly this linkage name, else a local one.
    pub fn by_linkage_name(&self, name: &str) -> Option<SymbolRef<'_>> {
        // Most names are another from their first bytes on, and a version is behind what is compared.
        let may_match = |symbol: &&Symbol| self.raw_name(symbol).starts_with(name.as_bytes());
        let matching = |symbol: &&Symbol| may_match(symbol) && self.name_of(symbol) == name.as_bytes();
        self.code.iter().filter(matching).max_by_key(|symbol| symbol.rank).map(|symbol| self.reference(symbol))
    }

    fn reference<'a>(&'a self, symbol: &Symbol) -> SymbolRef<'a> {
        SymbolRef { name: self.name_of(symbol), address: symbol.address, size: symbol.size, is_ifunc: symbol.is_ifunc }
    }

    /// The string table from the symbol's name on.
    fn raw_name(&self, symbol: &Symbol) -> &[u8] {
        self.names[usize::from(symbol.table)].bytes().get(symbol.name as usize..).unwrap_or_default()
    }

    fn name_of(&self, symbol: &Symbol) -> &[u8] {
        let name = c_string(self.raw_name(symbol), 0);
        std::str::from_utf8(name).map_or(name, |name| without_version(name).as_bytes())
    }
}

/// What of a section matters to the symbols in it.
struct Home {
    end: Svma,
    is_code: bool,
    is_loaded: bool,
}

impl Home {
    fn of(section: &crate::Section) -> Home {
        Home {
            end: Svma(section.address.0.saturating_add(section.size)),
            is_code: section.flags & elf::SHF_EXECINSTR.0 != 0,
            is_loaded: section.flags & elf::SHF_ALLOC.0 != 0,
        }
    }
}

/// One entry, where it names something in memory; and whether that is code.
fn parse(entry: &[u8], names: &[u8], table: u16, homes: &[Home]) -> Option<(Symbol, bool)> {
    let half = |at: usize| u16::from_le_bytes([entry[at], entry[at + 1]]);
    let word = |at: usize| u32::from_le_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]]);
    let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
    let (name, kind, binding, section) = (word(0), entry[4] & 0xf, entry[4] >> 4, half(6));
    // Undefined, absolute and common symbols have section numbers that no section has.
    let home = homes.get(usize::from(section)).filter(|_| section != 0)?;
    let is_function = kind == elf::STT_FUNC.0 || kind == elf::STT_GNU_IFUNC.0;
    let is_other = kind == elf::STT_NOTYPE.0 || kind == elf::STT_OBJECT.0;
    let text = c_string(names, name);
    if !home.is_loaded || !(is_function || is_other) || text.is_empty() || is_label(text) {
        return None;
    }
    let symbol = Symbol {
        address: Svma(long(8)),
        size: long(16),
        section_end: home.end,
        name,
        table,
        rank: rank(kind, binding, text),
        is_ifunc: kind == elf::STT_GNU_IFUNC.0,
    };
    Some((symbol, home.is_code))
}

/// Labels that compilers keep for themselves.
fn is_label(name: &[u8]) -> bool {
    name.starts_with(b".L") || name.starts_with(b"$L")
}

/// Among symbols at one address a function is better than a label, a name that a programmer could have written than
/// one with underscores in front (`pause`, which is weak, than `__libc_pause`), and a global one than a local one.
fn rank(kind: u8, binding: u8, name: &[u8]) -> u8 {
    let typed = u8::from(kind != elf::STT_NOTYPE.0);
    let scope = match binding {
        binding if binding == elf::STB_GLOBAL.0 || binding == elf::STB_GNU_UNIQUE.0 => 2,
        binding if binding == elf::STB_WEAK.0 => 1,
        _ => 0,
    };
    typed << 3 | u8::from(!name.starts_with(b"__")) << 2 | scope
}

pub(super) fn c_string(strings: &[u8], at: u32) -> &[u8] {
    let rest = strings.get(at as usize..).unwrap_or_default();
    &rest[..rest.iter().position(|&byte| byte == 0).unwrap_or(rest.len())]
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
