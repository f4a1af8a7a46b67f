//! What a reader is willing to believe: every length that a file claims is checked against one of these.
//!
//! The numbers are far above what Linux produces, so that a real file never meets them; together they keep opening
//! any file under about half a GiB of memory.

/// Program headers that are looked at. Linux allows 65,530 mappings (`vm.max_map_count`) unless told otherwise, and
/// a mapping can be several segments.
pub const MAX_SEGMENTS: u64 = 1 << 20;

/// Note segments that are looked at; the kernel and gcore write one, a snapshot two.
pub const MAX_NOTE_SEGMENTS: usize = 16;

/// Notes that are looked at; a thread has three to six.
pub const MAX_NOTES: usize = 1 << 20;

/// Threads that are kept. The default `pid_max` of a large machine allows 32,768.
pub const MAX_THREADS: usize = 1 << 16;

/// Bytes of register notes that are kept of one thread; AVX-512 and AMX together take 11 KiB.
pub const MAX_REGISTER_NOTE: u64 = 64 << 10;

/// Bytes of register notes that are kept of all threads.
pub const MAX_REGISTER_NOTES: u64 = 256 << 20;

/// Bytes of the auxiliary vector that are kept; Linux has some 25 entries of 16.
pub const MAX_AUXV: u64 = 16 << 10;

/// Bytes of `NT_FILE` that are kept; the kernel's own limit is 4 MiB (`core_file_note_size_limit`).
pub const MAX_FILE_NOTE: u64 = 64 << 20;

/// Bytes of a JSON note that are parsed.
pub const MAX_JSON: u64 = 32 << 20;

/// Bytes of a skippable frame with notes that are looked at.
pub const MAX_NOTES_BESIDE: u64 = 16 << 20;

/// Objects and arrays in a JSON note; each may become a structure of some 150 bytes.
pub const MAX_JSON_CONTAINERS: usize = 1 << 20;

/// Commas in a JSON note, which bound its strings and numbers.
pub const MAX_JSON_VALUES: usize = 4 << 20;

/// Bytes that one frame may decompress to and still be read as a whole. A file with larger frames is decompressed
/// from its beginning into a temporary file.
pub const MAX_FRAME: u64 = 16 << 20;

/// Frames of a file that are indexed: at 128 KiB each, 2 TiB of memory.
pub const MAX_FRAMES: u64 = 16 << 20;

/// Bytes that the temporary file for a core without frames may grow to. Runs of zeros are holes in it.
pub const MAX_SPOOL: u64 = 64 << 30;

/// Bytes of decompressed frames that a reader keeps.
pub const CACHE: usize = 64 << 20;

/// Modules that are looked for in a core that does not list them; a large program has a thousand.
pub const MAX_MODULES: usize = 8 << 10;

/// Program headers of a module that are looked at; real ones have a dozen.
pub const MAX_MODULE_SEGMENTS: u16 = 128;

/// Note segments of a module that are looked at, and bytes of each.
pub const MAX_MODULE_NOTES: (usize, u64) = (4, 16 << 10);
