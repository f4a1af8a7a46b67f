//! Where a thread's own variables are (Drepper, "ELF Handling For Thread-Local Storage", variant II).

use dpdb_snapshot::{Absent, Avma, Memory};

use super::context::Context;
use super::place::Missing;
use crate::module::Module;
use crate::session::Session;

/// `AT_PHDR` and `AT_PHNUM` say where the executable's program headers are (getauxval(3)).
const AT_PHDR: u64 = 3;
const AT_PHNUM: u64 = 5;
const DT_DEBUG: u64 = 21;
const PT_DYNAMIC: u32 = 2;
const PT_TLS: u32 = 7;

/// Loaded objects that the dynamic linker's list is followed through.
const MOST_OBJECTS: usize = 10_000;
/// How much of glibc's private `struct link_map` is searched for the fields about TLS; it has some 1,150 bytes.
const LINK_MAP_SIZE: usize = 0x600;
/// `l_tls_offset` of an object whose block is not in the static area (`NO_TLS_OFFSET`, `FORCED_DYNAMIC_TLS_OFFSET`).
const DYNAMIC: [u64; 3] = [0, u64::MAX, u64::MAX - 1];
/// An entry of the thread's vector of blocks that is not allocated yet (`TLS_DTV_UNALLOCATED`).
const UNALLOCATED: u64 = u64::MAX;

/// The address of the thread-local variable `offset` bytes into the block of the context's module, in the context's
/// thread.
pub(super) fn address(context: Context<'_, '_>, offset: u64) -> Result<Avma, Missing> {
    let thread = context.frame.ok_or(Missing::NoAddress)?.thread;
    let fs_base = thread.registers.as_ref().ok_or(Missing::NotSaved("fs_base"))?.general.fs_base;
    let segment = segment(context.module).ok_or_else(|| unsupported("a module without thread-local storage"))?;
    let memory = context.memory();
    let block = match find_link_map(context.session, context.module) {
        Ok(Some(link_map)) => block_of(memory, fs_base, &fields(memory, link_map, context.module, segment)?)?,
        // A static executable has no list of objects, and one block.
        Ok(None) => fs_base.wrapping_sub(segment.size.next_multiple_of(segment.align.max(1))),
        Err(absent) => return Err(Missing::Memory(absent)),
    };
    Ok(Avma(block.wrapping_add(offset)))
}

fn unsupported(what: &str) -> Missing {
    Missing::Unsupported(what.to_owned())
}

#[derive(Clone, Copy)]
struct TlsSegment {
    address: u64,
    file_size: u64,
    size: u64,
    align: u64,
}

fn segment(module: &Module) -> Option<TlsSegment> {
    let found = module.segments().iter().find(|segment| segment.kind == PT_TLS)?;
    let align = found.align.min(1 << 20);
    Some(TlsSegment { address: found.address.0, file_size: found.file_size, size: found.memory_size, align })
}

/// What glibc keeps about an object's block.
struct TlsFields {
    offset: u64,
    id: u64,
}

/// The dynamic linker's entry for `module`, by its load address; `None` where there is no list at all.
fn find_link_map(session: &Session, module: &Module) -> Result<Option<Avma>, Absent> {
    let memory = session.memory();
    let Some(debug) = r_debug(session)? else { return Ok(None) };
    let mut entry = memory.read_u64(debug.wrapping_add(8))?;
    for _ in 0..MOST_OBJECTS {
        if entry == 0 {
            break;
        }
        if memory.read_u64(Avma(entry))? == module.bias() {
            return Ok(Some(Avma(entry)));
        }
        entry = memory.read_u64(Avma(entry).wrapping_add(24))?;
    }
    Ok(None)
}

/// The dynamic linker's `struct r_debug` (link.h), which the executable's `DT_DEBUG` points to.
fn r_debug(session: &Session) -> Result<Option<Avma>, Absent> {
    let (process, memory) = (session.process(), session.memory());
    let (Some(table), Some(count)) = (process.auxv(AT_PHDR), process.auxv(AT_PHNUM)) else { return Ok(None) };
    let Some(bias) = session.module_at(Avma(table)).map(Module::bias) else { return Ok(None) };
    for index in 0..count.min(1000) {
        let header = Avma(table).wrapping_add(index * 56);
        if memory.read_u64(header)? as u32 == PT_DYNAMIC {
            let dynamic = Avma(memory.read_u64(header.wrapping_add(16))?.wrapping_add(bias));
            return debug_entry(memory, dynamic);
        }
    }
    Ok(None)
}

fn debug_entry(memory: &dyn Memory, dynamic: Avma) -> Result<Option<Avma>, Absent> {
    for index in 0..1000 {
        let tag = memory.read_u64(dynamic.wrapping_add(index * 16))?;
        let value = memory.read_u64(dynamic.wrapping_add(index * 16 + 8))?;
        match tag {
            0 => break,
            DT_DEBUG => return Ok((value != 0).then_some(Avma(value))),
            _ => {}
        }
    }
    Ok(None)
}

/// The fields about TLS in the private part of glibc's `struct link_map`. Where they are differs between versions,
/// but they begin with the address and the sizes of the initialization image, which are known (glibc,
/// include/link.h: `l_tls_initimage` to `l_tls_modid`).
fn fields(memory: &dyn Memory, link_map: Avma, module: &Module, segment: TlsSegment) -> Result<TlsFields, Missing> {
    let mut bytes = vec![0; LINK_MAP_SIZE];
    let got = memory.read_some(link_map, &mut bytes)?;
    let words: Vec<u64> = bytes[..got].chunks_exact(8).map(word).collect();
    let image = module.bias().wrapping_add(segment.address);
    let found = words.windows(7).find(|words| {
        words[..4] == [image, segment.file_size, segment.size, segment.align] && (1..1 << 20).contains(&words[6])
    });
    match found {
        Some(words) => Ok(TlsFields { offset: words[5], id: words[6] }),
        None => Err(unsupported("thread-local storage of another C library than glibc")),
    }
}

fn word(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// The start of the thread's block: at a fixed distance below the thread pointer, or where its vector of blocks says.
fn block_of(memory: &dyn Memory, fs_base: u64, fields: &TlsFields) -> Result<u64, Missing> {
    if !DYNAMIC.contains(&fields.offset) {
        return Ok(fs_base.wrapping_sub(fields.offset));
    }
    let vector = memory.read_u64(Avma(fs_base).wrapping_add(8))?;
    let block = memory.read_u64(Avma(vector).wrapping_add(fields.id * 16))?;
    if block == UNALLOCATED || block == 0 {
        return Err(Missing::NotAllocated);
    }
    Ok(block)
}
