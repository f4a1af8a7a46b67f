//! Notes: an owner's name, a type, and bytes, each padded to four (elf(5), "Notes").

use crate::bytes::{round_up, u32_at};

pub(crate) const NT_PRSTATUS: u32 = 1;
pub(crate) const NT_FPREGSET: u32 = 2;
pub(crate) const NT_PRPSINFO: u32 = 3;
pub(crate) const NT_AUXV: u32 = 6;
pub(crate) const NT_X86_XSTATE: u32 = 0x202;
pub(crate) const NT_SIGINFO: u32 = 0x5349_4749;
pub(crate) const NT_FILE: u32 = 0x4649_4c45;
/// `NT_GNU_BUILD_ID`, in a module's own notes.
pub(crate) const NT_GNU_BUILD_ID: u32 = 3;

/// Bytes of `namesz`, `descsz` and `type`.
pub(crate) const NOTE_HEADER: u64 = 12;

/// The head of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoteHeader {
    pub(crate) name_size: u32,
    pub(crate) desc_size: u32,
    pub(crate) kind: u32,
}

impl NoteHeader {
    pub(crate) fn parse(bytes: &[u8]) -> Option<NoteHeader> {
        Some(NoteHeader { name_size: u32_at(bytes, 0)?, desc_size: u32_at(bytes, 4)?, kind: u32_at(bytes, 8)? })
    }

    /// How far behind the head the bytes of the note begin.
    pub(crate) fn name_padded(&self) -> u64 {
        (u64::from(self.name_size) + 3) & !3
    }

    /// How long the whole note is, padding included.
    pub(crate) fn size(&self) -> u64 {
        NOTE_HEADER + self.name_padded() + ((u64::from(self.desc_size) + 3) & !3)
    }
}

/// Appends a note; its bytes are padded to four, as the kernel's `writenote` does.
pub(crate) fn append(out: &mut Vec<u8>, owner: &str, kind: u32, desc: &[u8]) {
    out.extend((owner.len() as u32 + 1).to_le_bytes());
    out.extend((desc.len() as u32).to_le_bytes());
    out.extend(kind.to_le_bytes());
    out.extend(owner.as_bytes());
    out.push(0);
    pad(out);
    out.extend(desc);
    pad(out);
}

fn pad(out: &mut Vec<u8>) {
    let padded = round_up(out.len() as u64, 4).unwrap_or_default() as usize;
    out.resize(padded.max(out.len()), 0);
}

/// The notes in a byte string that holds them all, each with its owner (without the NUL), type and bytes. It ends at
/// the first that does not fit.
pub(crate) fn in_bytes(bytes: &[u8]) -> impl Iterator<Item = (&[u8], u32, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let header = NoteHeader::parse(rest)?;
        let name = rest.get(NOTE_HEADER as usize..)?.get(..header.name_size as usize)?;
        let desc_at = usize::try_from(NOTE_HEADER + header.name_padded()).ok()?;
        let desc = rest.get(desc_at..)?.get(..header.desc_size as usize)?;
        rest = rest.get(usize::try_from(header.size()).ok()?..).unwrap_or_default();
        Some((name.strip_suffix(b"\0").unwrap_or(name), header.kind, desc))
    })
}
