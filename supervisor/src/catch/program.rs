//! What programs and libraries have in them that is worth a catchpoint. Each file is looked at once.

use std::collections::HashMap;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use object::read::elf::{ElfFile64, FileHeader, ProgramHeader};
use object::{Endianness, Object, ObjectSection, ReadCache, ReadRef};

use super::{CatchList, Catchpoint, ElfImage, Site, python_sites, runtime_sites};

/// Larger files are not looked at: bytes. Interpreters have some ten megabytes.
const LARGEST_FILE: u64 = 1 << 30;
/// Larger string tables are not looked at: bytes.
const LARGEST_TABLE: u64 = 64 << 20;
/// The longest path of a dynamic linker.
const LONGEST_PATH: usize = 4096;
const PAGE: u64 = 4096;

/// An executable file or library.
#[derive(Debug, Default)]
pub(crate) struct Program {
    /// Its catchpoints.
    pub(crate) sites: Vec<Site>,
    /// What it takes to be told when libraries are loaded, where it is the dynamic linker: the function at which it
    /// stops, and the address of its `r_debug`.
    pub(crate) loader: Option<(Site, u64)>,
    /// Libraries with catchpoints may be loaded after it was.
    pub(crate) may_load: bool,
    /// The address at which it begins to run, as the file counts.
    pub(crate) entry: u64,
    /// The path of its dynamic linker.
    pub(crate) linker: Option<PathBuf>,
    /// The first page of code: its place in the file, and its address as the file counts.
    pub(crate) code: Option<(u64, u64)>,
}

/// Device, inode number, size and time of the last change.
type FileId = (u64, u64, u64, i64);

/// The files that were looked at.
#[derive(Debug)]
pub(crate) struct Programs {
    list: CatchList,
    known: HashMap<FileId, Arc<Program>>,
}

impl Programs {
    pub(crate) fn new(list: CatchList) -> Programs {
        Programs { list, known: HashMap::new() }
    }

    /// What is in the file at `path`; nothing where it cannot be read.
    pub(crate) fn at(&mut self, path: &Path) -> Arc<Program> {
        let Ok(file) = fs::metadata(path) else { return Arc::default() };
        if !file.is_file() || file.len() > LARGEST_FILE {
            return Arc::default();
        }
        let id = (file.dev(), file.ino(), file.size(), file.mtime());
        let list = &self.list;
        Arc::clone(self.known.entry(id).or_insert_with(|| Arc::new(look_at(path, list).unwrap_or_default())))
    }
}

/// The names that make a file worth a closer look.
struct Names {
    python: bool,
    cxx: bool,
    linker: bool,
    loads: bool,
}

impl Names {
    fn of(table: &[u8], list: &CatchList) -> Names {
        let mut names = Names { python: false, cxx: false, linker: false, loads: false };
        let first_chance = list.cxx_throw;
        for name in table.split(|&byte| byte == 0) {
            match name {
                b"_PyRuntime" => names.python |= list.python,
                b"_ZSt9terminatev" => names.cxx |= list.cxx,
                b"__cxa_throw" => names.cxx |= first_chance,
                b"_dl_debug_state" => names.linker = true,
                b"dlopen" => names.loads = true,
                _ if name.starts_with(b"libpython") => names.loads |= list.python,
                _ if name.starts_with(b"libstdc++.so") => names.loads |= list.cxx || first_chance,
                _ => {}
            }
        }
        names
    }
}

fn look_at(path: &Path, list: &CatchList) -> Option<Program> {
    let cache = ReadCache::new(File::open(path).ok()?);
    let elf = ElfFile64::<Endianness, _>::parse(&cache).ok()?;
    let endian = elf.endian();
    let mut program = Program { entry: elf.elf_header().e_entry(endian), ..Program::default() };
    for header in elf.elf_program_headers() {
        let (kind, offset) = (header.p_type(endian), header.p_offset(endian));
        let is_code = kind == object::elf::PT_LOAD && header.p_flags(endian).contains(object::elf::PF_X);
        if kind == object::elf::PT_INTERP {
            program.linker = linker(&cache, offset, header.p_filesz(endian));
        } else if is_code && program.code.is_none() {
            program.code = Some((offset / PAGE * PAGE, header.p_vaddr(endian) / PAGE * PAGE));
        }
    }
    let table = elf.section_by_name(".dynstr").filter(|section| section.size() <= LARGEST_TABLE);
    let names = Names::of(table.and_then(|section| section.data().ok()).unwrap_or_default(), list);
    // The linker itself is run as a command, with the program behind it.
    program.may_load = names.loads || names.linker;
    // What is linked statically is in the symbol table only.
    let is_static = list.rust_panic || (table_is_missing(&elf) && (list.cxx || list.cxx_throw));
    if names.python || names.cxx || names.linker || is_static {
        let wanted = |name: &str| python_sites::is_wanted(name) || runtime_sites::is_wanted(name);
        let image = ElfImage::parse(&fs::read(path).ok()?, wanted)?;
        program.sites = sites(&image, list);
        program.loader = runtime_sites::loader_sites(&image);
    }
    Some(program)
}

fn table_is_missing<'data, R: ReadRef<'data>>(elf: &ElfFile64<'data, Endianness, R>) -> bool {
    elf.section_by_name(".dynstr").is_none()
}

fn linker<'data>(file: impl ReadRef<'data>, offset: u64, size: u64) -> Option<PathBuf> {
    let size = usize::try_from(size).ok().filter(|size| *size <= LONGEST_PATH)?;
    let bytes = file.read_bytes_at(offset, size as u64).ok()?;
    let path = bytes.strip_suffix(&[0])?;
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(path)))
}

/// The catchpoints of an image, those first that are worth most: there are four debug registers.
fn sites(image: &ElfImage, list: &CatchList) -> Vec<Site> {
    let mut sites = Vec::new();
    if list.cxx || list.cxx_throw {
        let cxx = runtime_sites::cxx_sites(image, list.cxx_throw);
        sites.extend(cxx.into_iter().filter(|site| list.cxx || site.catchpoint == Catchpoint::CxxThrow));
    }
    if list.rust_panic {
        sites.extend(runtime_sites::rust_sites(image));
    }
    if list.python {
        // As it is raised, every exception is met before a hook is given it.
        let raised = !list.python_raised.is_empty();
        let other = if raised { Catchpoint::Unraisablehook } else { Catchpoint::TracebackHere };
        sites.extend(python_sites::python_sites(image).into_iter().filter(|site| site.catchpoint != other));
    }
    sites
}
