//! The whole of debugging information, over two files of 4 KB (`testdata/inlined.c` says how they were made).

use std::path::PathBuf;
use std::sync::Arc;

use super::exercise::exercise;
use super::{CallTarget, DebugInfo};
use crate::watch::Unwatched;
use crate::{ObjectFile, Svma};

const GCC: &[u8] = include_bytes!("../../testdata/inlined.gcc-dwarf5");
const CLANG: &[u8] = include_bytes!("../../testdata/inlined.clang-dwarf4");

fn debug_info(bytes: &[u8]) -> DebugInfo {
    let file = ObjectFile::from_bytes(PathBuf::from("inlined"), bytes.to_vec()).unwrap();
    DebugInfo::of(Arc::new(file), None, Vec::new(), Arc::new(Unwatched)).unwrap()
}

/// Every address of its code.
fn addresses(bytes: &[u8]) -> std::ops::Range<u64> {
    let file = ObjectFile::from_bytes(PathBuf::new(), bytes.to_vec()).unwrap();
    let text = file.section(".text").unwrap().clone();
    text.address.0..text.address.0 + text.size
}

fn names_at(info: &DebugInfo, address: u64) -> Vec<(String, bool)> {
    let place = info.view().place(Svma(address)).unwrap_or_default();
    place.functions.into_iter().map(|function| (function.name.unwrap_or_default(), function.inline)).collect()
}

fn address_of(info: &DebugInfo, name: &str) -> Svma {
    info.view().functions_named(name).into_iter().find_map(|function| function.address).unwrap()
}

/// A reader of the same sections for addr2line, an independent implementation.
fn addr2line_of(bytes: &[u8]) -> addr2line::Context<gimli::EndianReader<gimli::LittleEndian, std::rc::Rc<[u8]>>> {
    let file = ObjectFile::from_bytes(PathBuf::new(), bytes.to_vec()).unwrap();
    let section = |id: gimli::SectionId| {
        let data = file.section_data(id.name()).ok().flatten().unwrap_or_default();
        Ok::<_, gimli::Error>(gimli::EndianReader::new(data.into(), gimli::LittleEndian))
    };
    addr2line::Context::from_dwarf(gimli::Dwarf::load(section).unwrap()).unwrap()
}

#[test]
fn functions_and_inlined_calls_agree_with_addr2line_at_every_address() {
    for bytes in [GCC, CLANG] {
        let (info, context) = (debug_info(bytes), addr2line_of(bytes));
        let mut inlined = 0;
        for address in addresses(bytes) {
            let mut expected = Vec::new();
            let mut frames = context.find_frames(address).skip_all_loads().unwrap();
            while let Ok(Some(frame)) = frames.next() {
                expected.extend(frame.function.map(|function| function.raw_name().unwrap().into_owned()));
            }
            let found = names_at(&info, address);
            inlined += found.iter().filter(|(_, inline)| *inline).count();
            let found: Vec<String> = found.into_iter().map(|(name, _)| name).collect();
            assert_eq!(found, expected, "{address:#x}");
        }
        assert!(inlined > 10, "the file has inlined calls");
    }
}

#[test]
fn a_call_goes_on_at_the_line_where_it_was_inlined() {
    for bytes in [GCC, CLANG] {
        let info = debug_info(bytes);
        let places: Vec<_> = addresses(bytes).filter_map(|address| info.view().place(Svma(address))).collect();
        let deepest = places.iter().max_by_key(|place| place.functions.len()).unwrap();
        let lines: Vec<(&str, u32)> = deepest.functions[deepest.functions.len() - 2..]
            .iter()
            .map(|function| (function.name.as_deref().unwrap(), function.location.as_ref().unwrap().line))
            .collect();
        assert_eq!(lines, [("outer", 24), ("_start", 40)]);
        let location = deepest.location.as_ref().unwrap();
        assert_eq!((location.file.to_str(), (16..=18).contains(&location.line)), (Some("/src/inlined.c"), true));
    }
}

#[test]
fn a_function_in_two_parts_is_one_function() {
    let info = debug_info(GCC);
    let file = ObjectFile::from_bytes(PathBuf::new(), GCC.to_vec()).unwrap();
    let symbols = crate::SymbolTable::read(&[Arc::new(file)]);
    let cold = symbols.named("_start.cold").next().unwrap().address;
    assert_eq!(names_at(&info, cold.0).last().unwrap(), &("_start".to_owned(), false));
    assert_eq!(info.view().function_start(cold), Some(address_of(&info, "_start")));
}

#[test]
fn tail_calls_are_written_down() {
    let info = debug_info(GCC);
    let (jumps, last) = (address_of(&info, "jumps"), address_of(&info, "last"));
    let calls = info.view().calls_of(jumps, &|_, is_tail_call| is_tail_call).unwrap();
    assert!(calls.has_all_tail_calls);
    let [site] = &calls.sites[..] else { panic!("{calls:?}") };
    assert_eq!((site.is_tail_call, &site.target), (true, &CallTarget::Addresses(vec![last])));
}

#[test]
fn functions_and_files_are_found_by_name() {
    for bytes in [GCC, CLANG] {
        let info = debug_info(bytes);
        let found = info.view().functions_named("last");
        let declared = found[0].declared.as_ref().unwrap();
        assert_eq!((declared.file.to_str(), declared.line), (Some("/src/inlined.c"), 28));
        let (first, last) = info.view().function_lines(address_of(&info, "jumps")).unwrap();
        assert_eq!((first.line, last), (33, 35));
        assert_eq!(info.view().files_named("inlined.c".as_ref()), [PathBuf::from("/src/inlined.c")]);
        assert!(info.view().files_named("lined.c".as_ref()).is_empty());
        assert_eq!(info.view().functions_named("las"), []);
    }
}

/// xorshift64: the same mutations on every run.
fn random(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 16) as usize
}

#[test]
fn damaged_debug_information_never_panics_hangs_or_explodes() {
    for (bytes, mut state) in [(GCC, 0x9e37_79b9_7f4a_7c15), (CLANG, 0x0123_4567_89ab_cdef)] {
        let code = addresses(bytes);
        // Behind the code, where the sections are that we read.
        let start = bytes.len() / 8;
        for _ in 0..600 {
            let mut damaged = bytes.to_vec();
            for _ in 0..1 + random(&mut state) % 6 {
                let at = start + random(&mut state) % (bytes.len() - start);
                damaged[at] = match random(&mut state) % 4 {
                    0 => 0xff,
                    1 => 0,
                    2 => damaged[at].wrapping_add(1),
                    _ => random(&mut state) as u8,
                };
            }
            exercise(&damaged, code.clone());
        }
    }
}

#[test]
fn debug_information_cut_off_anywhere_is_read_as_far_as_it_goes() {
    for bytes in [GCC, CLANG] {
        let file = ObjectFile::from_bytes(PathBuf::new(), bytes.to_vec()).unwrap();
        let names = [".debug_info", ".debug_abbrev", ".debug_line", ".debug_str", ".debug_rnglists", ".debug_ranges"];
        for section in names.iter().filter_map(|name| file.section(name)) {
            for cut in (0..section.size).step_by(5) {
                let (start, end) = ((section.offset + cut) as usize, (section.offset + section.size) as usize);
                let mut cut_off = bytes.to_vec();
                cut_off[start..end].fill(0);
                exercise(&cut_off, addresses(bytes));
            }
        }
    }
}
