//! Telling programs that check for leaks at their end, by LeakSanitizer, from others.

use std::collections::HashMap;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use object::read::elf::ElfFile64;
use object::{Object, ObjectSection, ReadCache};

use crate::proc;

/// A string table larger than this is not looked at: bytes.
const LARGEST_TABLE: u64 = 64 << 20;

/// What is known about the programs that ran.
#[derive(Debug, Default)]
pub(crate) struct LeakSanitizer {
    /// By device and inode number.
    known: HashMap<(u64, u64), bool>,
    /// The user was told once.
    pub(crate) warned: bool,
}

impl LeakSanitizer {
    /// Whether process `pid`, which has just called exec, will check for leaks.
    pub(crate) fn is_in(&mut self, pid: i32) -> bool {
        let directory = proc::proc_dir(pid);
        let program = directory.join("exe");
        let Ok(file) = fs::metadata(&program) else { return false };
        let known = self.known.entry((file.dev(), file.ino())).or_insert_with(|| links_it(&program));
        *known && !is_switched_off(&fs::read(directory.join("environ")).unwrap_or_default())
    }
}

/// Whether the dynamic string table names the sanitizer: as a library that is needed (gcc), or by the symbols that the
/// statically linked runtime exports (clang).
fn links_it(program: &Path) -> bool {
    let table = || {
        let cache = ReadCache::new(File::open(program).ok()?);
        let elf = ElfFile64::<object::Endianness, _>::parse(&cache).ok()?;
        let section = elf.section_by_name(".dynstr").filter(|section| section.size() <= LARGEST_TABLE)?;
        section.data().ok().map(names_it)
    };
    table().unwrap_or(false)
}

fn names_it(table: &[u8]) -> bool {
    table.split(|&byte| byte == 0).any(|name| {
        name.starts_with(b"liblsan.so") || name.starts_with(b"libasan.so") || name == b"__lsan_do_leak_check"
    })
}

fn is_switched_off(environment: &[u8]) -> bool {
    environment.split(|&byte| byte == 0).any(|variable| {
        (variable.starts_with(b"ASAN_OPTIONS=") || variable.starts_with(b"LSAN_OPTIONS="))
            && variable.windows(14).any(|window| window == b"detect_leaks=0")
    })
}

#[cfg(test)]
mod tests {
    use super::{is_switched_off, links_it, names_it};

    #[test]
    fn a_program_is_known_by_its_dynamic_strings() {
        assert!(names_it(b"\0libasan.so.8\0libc.so.6\0"));
        assert!(names_it(b"\0printf\0__lsan_do_leak_check\0"));
        assert!(!names_it(b"\0libc.so.6\0my_libasan.so\0"));
        assert!(!links_it(std::path::Path::new("/proc/self/exe")));
        assert!(!links_it(std::path::Path::new("/proc/version")));
    }

    #[test]
    fn detect_leaks_0_switches_it_off() {
        assert!(is_switched_off(b"A=1\0ASAN_OPTIONS=verbosity=1:detect_leaks=0\0"));
        assert!(!is_switched_off(b"A=1\0ASAN_OPTIONS=verbosity=1\0X=detect_leaks=0\0"));
    }
}
