//! One entry of an ELF symbol table, and which of several at one address is the best.

use object::elf;

use crate::{Section, Svma};

/// The bytes of an `Elf64_Sym` (gABI, "Symbol Table").
pub(super) const ENTRY_SIZE: usize = 24;

/// A function, label or data object in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Symbol {
    pub(super) address: Svma,
    pub(super) size: u64,
    /// The end of the section it is defined in, beyond which a symbol without a size does not reach.
    pub(super) section_end: Svma,
    /// Where in its string table its name stands.
    pub(super) name: u32,
    /// Which string table that is.
    pub(super) table: u16,
    /// The higher, the better among symbols at one address.
    pub(super) rank: u8,
    pub(super) is_ifunc: bool,
}

impl Symbol {
    /// What symbols are sorted by. A later name in the string table wins among equals, as in gdb, where it is the order
    /// of pointers.
    pub(super) fn order(&self) -> (Svma, u8, u32) {
        (self.address, self.rank, self.name)
    }

    pub(super) fn covers(&self, at: Svma) -> bool {
        at.0.checked_sub(self.address.0).is_some_and(|offset| offset < self.size)
    }
}

/// What of a section matters to the symbols in it.
#[derive(Debug)]
pub(super) struct Home {
    end: Svma,
    is_code: bool,
    is_loaded: bool,
}

impl Home {
    pub(super) fn of(section: &Section) -> Home {
        Home {
            end: Svma(section.address.0.saturating_add(section.size)),
            is_code: section.flags & elf::SHF_EXECINSTR.0 != 0,
            is_loaded: section.flags & elf::SHF_ALLOC.0 != 0,
        }
    }
}

/// An entry of a symbol table as it stands there.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a>(pub(super) &'a [u8; ENTRY_SIZE]);

impl Entry<'_> {
    fn half(self, at: usize) -> u16 {
        u16::from_le_bytes([self.0[at], self.0[at + 1]])
    }

    fn word(self, at: usize) -> u32 {
        u32::from(self.half(at)) | u32::from(self.half(at + 2)) << 16
    }

    fn long(self, at: usize) -> u64 {
        u64::from(self.word(at)) | u64::from(self.word(at + 4)) << 32
    }

    fn kind(self) -> u8 {
        self.0[4] & 0xf
    }

    /// `st_value`.
    pub(super) fn address(self) -> u64 {
        self.long(8)
    }

    /// Whether it is code; `None` for what is not in memory, or is neither function, label nor data object. Undefined,
    /// absolute and common symbols have section numbers that no section has.
    pub(super) fn is_code(self, homes: &[Home]) -> Option<bool> {
        self.home(homes).map(|home| home.is_code)
    }

    fn home(self, homes: &[Home]) -> Option<&Home> {
        let shown = [elf::STT_FUNC.0, elf::STT_GNU_IFUNC.0, elf::STT_NOTYPE.0, elf::STT_OBJECT.0];
        let section = usize::from(self.half(6));
        homes.get(section).filter(|home| section != 0 && home.is_loaded && shown.contains(&self.kind()))
    }

    /// The symbol, whose name is in `names`, the string table with the number `table`. `None` where it has none that a
    /// user would know.
    pub(super) fn symbol(self, names: &[u8], table: u16, homes: &[Home]) -> Option<Symbol> {
        let (home, name) = (self.home(homes)?, self.word(0));
        let text = c_string(names, name);
        (!text.is_empty() && !is_label(text)).then(|| Symbol {
            address: Svma(self.address()),
            size: self.long(16),
            section_end: home.end,
            name,
            table,
            rank: rank(self.kind(), self.0[4] >> 4, text),
            is_ifunc: self.kind() == elf::STT_GNU_IFUNC.0,
        })
    }
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
