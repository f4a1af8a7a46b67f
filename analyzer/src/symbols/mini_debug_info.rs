//! MiniDebugInfo: the symbol table that Fedora and its kin leave in stripped files, compressed.

use std::io::Read;

use crate::ObjectFile;

/// The largest file that may come out. Those of a whole distribution are under 10 MiB.
const LARGEST: u64 = 256 << 20;

/// What the decoder may take for its dictionary, in KiB; `xz -9` wants 64 MiB.
const DECODER_MEMORY_KIB: u32 = 128 << 10;

/// The ELF file that stands xz-compressed in `.gnu_debugdata` (gdb, "Debugging information in a special section"),
/// which holds only the symbols that `.dynsym` lacks. `None` where there is none; why not, where it is damaged.
pub(crate) fn read(object: &ObjectFile) -> Result<Option<ObjectFile>, String> {
    let failed = |reason: &dyn std::fmt::Display| format!("{}: .gnu_debugdata: {reason}", object.path().display());
    let Some(data) = object.section_data(".gnu_debugdata").map_err(|error| error.to_string())? else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    let decoder = lzma_rust2::XzReader::new_mem_limit(data, true, DECODER_MEMORY_KIB);
    decoder.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    if bytes.len() as u64 > LARGEST {
        return Err(failed(&"it decompresses to more than 256 MiB"));
    }
    let path = std::path::PathBuf::from(format!("{}[.gnu_debugdata]", object.path().display()));
    ObjectFile::from_bytes(path, bytes).map(Some).map_err(|error| failed(&error))
}
