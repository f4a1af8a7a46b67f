//! Names for the stubs of the procedure linkage table, which no symbol table has: `puts@plt`, as GNU tools say (BFD's
//! `elf_x86_64_get_synthetic_symtab`).

use std::collections::HashMap;

use object::elf;

use super::demangle::STUB_SUFFIX;
use super::entry::c_string;
use crate::{ObjectFile, Section, Svma};

/// The bytes of an `Elf64_Rela` and of an `Elf64_Sym` (gABI).
const RELOCATION_SIZE: usize = 24;
const SYMBOL_SIZE: usize = 24;

/// Relocations and stubs that are looked at. A Chromium has some 3,000 stubs, and a million relocations that are none
/// of theirs.
const MOST_RELOCATIONS: usize = 4_000_000;
const MOST_STUBS: usize = 1 << 18;

/// The indirect jump through a slot of the global offset table: `jmp *slot(%rip)`.
const JUMP: [u8; 2] = [0xff, 0x25];
/// `endbr64`, the first instruction of a stub where indirect branches are tracked.
const ENDBR64: [u8; 4] = [0xf3, 0x0f, 0x1e, 0xfa];

/// A stub: code that jumps to wherever the dynamic linker found a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stub {
    pub(super) address: Svma,
    pub(super) size: u64,
    pub(super) name: Vec<u8>,
}

/// The stubs of `object`. An entry of `.plt` that jumps through no slot of its own has no name: the header, and under
/// branch tracking those that only push a number, since calls go to `.plt.sec` then.
pub(super) fn stubs(object: &ObjectFile) -> Vec<Stub> {
    let tables: Vec<(&Section, &[u8])> = [".plt", ".plt.sec", ".plt.got"]
        .iter()
        .filter_map(|name| Some((object.section(name)?, object.section_data(name).ok()??)))
        .collect();
    if tables.is_empty() {
        return Vec::new();
    }
    let slots = slots(object);
    let all = tables.into_iter().flat_map(|(section, code)| {
        // Where no symbol is bound lazily and no branch tracked, an entry is the jump alone, filled up to 8 bytes.
        let size = if section.name == b".plt.got" && !code.starts_with(&ENDBR64) { 8 } else { 16 };
        let starts = (section.address.0..).step_by(size);
        let slots = &slots;
        code.chunks_exact(size).zip(starts).filter_map(move |(entry, start)| {
            let name = slots.get(&slot_of(entry, start)?)?;
            Some(Stub { address: Svma(start), size: size as u64, name: [name, STUB_SUFFIX.as_bytes()].concat() })
        })
    });
    all.take(MOST_STUBS).collect()
}

/// The slot that the code of a stub at `start` jumps through.
fn slot_of(entry: &[u8], start: u64) -> Option<u64> {
    let jump = entry.windows(6).position(|bytes| bytes.starts_with(&JUMP))?;
    let distance = entry[jump + 2..].first_chunk::<4>()?;
    let after = start.checked_add(jump as u64 + 6)?;
    Some(after.wrapping_add_signed(i32::from_le_bytes(*distance).into()))
}

/// The functions whose addresses the dynamic linker writes, by the slot that it writes them to.
fn slots(object: &ObjectFile) -> HashMap<u64, Vec<u8>> {
    let mut slots = HashMap::new();
    for section in object.sections().filter(|section| section.kind == elf::SHT_RELA.0) {
        let symbols = object.sections().find(|symbols| symbols.index == section.link as usize);
        let Some(symbols) = symbols.filter(|symbols| symbols.kind == elf::SHT_DYNSYM.0) else { continue };
        let data = |index| object.section_data_at(index).ok().flatten().unwrap_or_default();
        let (entries, names) = (data(symbols.index), data(symbols.link as usize));
        for relocation in data(section.index).chunks_exact(RELOCATION_SIZE).take(MOST_RELOCATIONS) {
            if let Some((slot, name)) = function_of(relocation, entries, names) {
                slots.insert(slot, name);
            }
        }
    }
    slots
}

fn function_of(relocation: &[u8], symbols: &[u8], names: &[u8]) -> Option<(u64, Vec<u8>)> {
    let word = |at: usize| relocation[at..].first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes));
    let (slot, info, addend) = (word(0)?, word(8)?, word(16)?);
    let kind = object::elf::RelocationType(info as u32);
    if ![elf::R_X86_64_JUMP_SLOT, elf::R_X86_64_GLOB_DAT, elf::R_X86_64_IRELATIVE].contains(&kind) {
        return None;
    }
    let at = ((info >> 32) as usize).checked_mul(SYMBOL_SIZE)?;
    let name = symbols.get(at..).and_then(|symbol| symbol.first_chunk::<4>());
    let name = name.map(|name| c_string(names, u32::from_le_bytes(*name))).unwrap_or_default();
    match name {
        // A function of this file that picks itself at load time is known by where its resolver is.
        [] if addend != 0 => Some((slot, format!("*ABS*+{addend:#x}").into_bytes())),
        [] => None,
        name => Some((slot, name.to_vec())),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use object::elf;

    use super::{Stub, stubs};
    use crate::testing::{TestSection, elf as make_elf, symbol};
    use crate::{ObjectFile, Svma};

    /// `jmp *slot(%rip)` at `at` in 16 bytes, behind `prefix`.
    fn entry(prefix: &[u8], at: u64, slot: u64) -> Vec<u8> {
        let after = at + prefix.len() as u64 + 6;
        let mut code = [prefix, &[0xff, 0x25], &(slot.wrapping_sub(after) as u32).to_le_bytes()].concat();
        code.resize(16, 0x90);
        code
    }

    fn relocation(slot: u64, symbol: u64, kind: u32, addend: u64) -> Vec<u8> {
        [slot, symbol << 32 | u64::from(kind), addend].map(u64::to_le_bytes).concat()
    }

    fn file(relocations: &[u8]) -> ObjectFile {
        let loaded = |address, section: TestSection| TestSection { flags: 6, address, ..section };
        let header = entry(&[0xff, 0x35, 0, 0, 0, 0], 0x1000, 0x4000);
        let lazy = [header, entry(&[], 0x1010, 0x4008), entry(&[], 0x1020, 0x4010)].concat();
        let tracked = entry(&super::ENDBR64, 0x2000, 0x4018);
        let bytes = make_elf(&[
            loaded(0x1000, TestSection::new(".plt", 1, lazy)),
            loaded(0x2000, TestSection::new(".plt.sec", 1, tracked)),
            loaded(0x3000, TestSection::new(".plt.got", 1, &entry(&[], 0x3000, 0x4020)[..8])),
            TestSection {
                link: 5,
                ..TestSection::new(
                    ".dynsym",
                    elf::SHT_DYNSYM.0,
                    [symbol(0, 0, 0, 0, 0, 0), symbol(1, 2, 1, 0, 0, 0), symbol(6, 2, 1, 0, 0, 0)].concat(),
                )
            },
            TestSection::new(".dynstr", elf::SHT_STRTAB.0, b"\0puts\0_ZN2ns1fEv\0"),
            TestSection { link: 4, ..TestSection::new(".rela.plt", elf::SHT_RELA.0, relocations) },
        ]);
        ObjectFile::from_bytes(PathBuf::new(), bytes).unwrap()
    }

    #[test]
    fn a_stub_has_the_name_of_the_function_whose_slot_it_jumps_through() {
        let (slot, data, pick) = (elf::R_X86_64_JUMP_SLOT.0, elf::R_X86_64_GLOB_DAT.0, elf::R_X86_64_IRELATIVE.0);
        let relocations = [
            relocation(0x4008, 1, slot, 0),
            relocation(0x4010, 0, pick, 0x1234),
            relocation(0x4018, 2, slot, 0),
            relocation(0x4020, 1, data, 0),
            relocation(0x4000, 9, slot, 0),
        ];
        let stub = |address, size, name: &str| Stub { address: Svma(address), size, name: name.into() };
        let expected = [
            stub(0x1010, 16, "puts@plt"),
            stub(0x1020, 16, "*ABS*+0x1234@plt"),
            stub(0x2000, 16, "_ZN2ns1fEv@plt"),
            stub(0x3000, 8, "puts@plt"),
        ];
        assert_eq!(stubs(&file(&relocations.concat())), expected);
        assert_eq!(stubs(&file(&[0xff; 50])), []);
    }
}
