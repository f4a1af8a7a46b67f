//! The build-id, by which a file is known to be the one that a process ran.

use std::fmt;

/// The contents of a `NT_GNU_BUILD_ID` note. `Display` is lower-case hex, as `readelf -n` prints it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BuildId(Vec<u8>);

/// Linkers write 8 (lld's fast), 16 (md5, uuid) or 20 (sha1) bytes; `--build-id=0x…` any number. This bounds what a
/// hostile note may claim.
const LONGEST: usize = 64;

impl BuildId {
    /// The bytes of a note; none at all, or more than any linker writes, are no build-id.
    pub fn from_bytes(bytes: &[u8]) -> Option<BuildId> {
        (1..=LONGEST).contains(&bytes.len()).then(|| BuildId(bytes.to_vec()))
    }

    /// The bytes that hex digits spell.
    pub fn parse_hex(digits: &str) -> Option<BuildId> {
        if !digits.len().is_multiple_of(2) || !digits.is_ascii() {
            return None;
        }
        let bytes: Option<Vec<u8>> =
            (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok()).collect();
        BuildId::from_bytes(&bytes?)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The build-id among the notes of a `PT_NOTE` segment or `SHT_NOTE` section with this alignment (gABI, "Note
    /// Section"; 64-bit files align to 4 for GNU's notes, and to 8 where a property note is among them).
    pub fn among_notes(mut notes: &[u8], align: u64) -> Option<BuildId> {
        let align = if align == 8 { 8 } else { 4 };
        let padded = |length: usize| length.checked_next_multiple_of(align);
        loop {
            let (header, rest) = notes.split_at_checked(12)?;
            let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
            let (name_size, size, kind) = (word(0) as usize, word(4) as usize, word(8));
            // The name starts right after a header of 12 bytes, and the descriptor at the next multiple of `align`
            // counted from the note's start.
            let contents = padded(12 + name_size)? - 12;
            let name = rest.get(..name_size)?;
            let note = rest.get(contents..contents.checked_add(size)?)?;
            if kind == object::elf::NT_GNU_BUILD_ID.0 && name == b"GNU\0" {
                return BuildId::from_bytes(note);
            }
            notes = rest.get(padded(12 + contents + size)? - 12..)?;
        }
    }
}

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::BuildId;

    fn note(kind: u32, name: &[u8], contents: &[u8]) -> Vec<u8> {
        let mut note = Vec::new();
        for word in [name.len() as u32, contents.len() as u32, kind] {
            note.extend_from_slice(&word.to_le_bytes());
        }
        for part in [name, contents] {
            note.extend_from_slice(part);
            note.resize(note.len().next_multiple_of(4), 0);
        }
        note
    }

    #[test]
    fn a_build_id_is_found_behind_other_notes() {
        let mut notes = note(1, b"GNU\0", &[0; 16]);
        notes.extend(note(3, b"stapsdt\0", b"xy"));
        notes.extend(note(3, b"GNU\0", &[0xab, 0xcd, 1]));
        let id = BuildId::among_notes(&notes, 4).unwrap();
        assert_eq!(id.to_string(), "abcd01");
        assert_eq!(BuildId::parse_hex("abcd01"), Some(id));
    }

    #[test]
    fn damaged_notes_have_no_build_id() {
        let whole = note(3, b"GNU\0", &[1; 20]);
        for cut in 0..whole.len() {
            assert_eq!(BuildId::among_notes(&whole[..cut], 4), None, "{cut}");
        }
        assert_eq!(BuildId::among_notes(&[0xff; 64], 8), None);
        assert_eq!(BuildId::parse_hex("ä1"), None);
        assert_eq!(BuildId::parse_hex(""), None);
    }
}
