//! Decompressed sections, kept: inflating a C library's debugging information takes longer than all else that is
//! done for the backtrace of a small program.
//!
//! ```text
//! header    64 bytes: MAGIC, fingerprint of the compressed section, bytes of contents (u64)
//! contents
//! sums
//! ```
//! The fingerprint is of the section's length, start and end, where zlib has the checksum of what was compressed.

use super::{CacheDirectory, sums};
use crate::BuildId;
use crate::image::Image;

const MAGIC: [u8; 16] = *b"DPDB section v1\0";
const HEADER: usize = 64;

/// What is looked at of each end of a compressed section.
const ENDS: usize = 512;

/// Sections smaller than this are inflated in less time than a file takes to open.
const SMALLEST: usize = 64 << 10;

/// A section's decompressed contents.
#[derive(Debug)]
pub(crate) enum Contents {
    /// In a file of the cache.
    Cached(Image),
    /// In memory.
    Owned(Box<[u8]>),
}

impl Contents {
    /// All of it.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Contents::Cached(image) => contents(image).unwrap_or_default(),
            Contents::Owned(bytes) => bytes,
        }
    }
}

/// The contents of the section `name` of the file with this build-id, which `decompress` gets out of `compressed`
/// where the cache does not have them.
///
/// # Errors
/// Those of `decompress`.
pub(crate) fn decompressed(
    cache: Option<(&CacheDirectory, &BuildId)>,
    name: &[u8],
    compressed: &[u8],
    decompress: impl FnOnce(&[u8]) -> Result<Vec<u8>, String>,
) -> Result<Contents, String> {
    let place = cache.and_then(|(cache, id)| Some((cache, file_name(id, name)?)));
    let fingerprint = fingerprint(compressed);
    if let Some((cache, file)) = &place
        && let Some(image) = cache.load(file).filter(|image| is_whole(image, fingerprint))
    {
        return Ok(Contents::Cached(image));
    }
    let bytes = decompress(compressed)?;
    if let Some((cache, file)) = place.filter(|_| bytes.len() >= SMALLEST) {
        let mut header = [&MAGIC[..], &fingerprint.to_le_bytes(), &(bytes.len() as u64).to_le_bytes()].concat();
        header.resize(HEADER, 0);
        // A cache that cannot be written is no cache.
        let _ = cache.store(&file, &[&header, &bytes, &sums::of(&bytes)]);
    }
    Ok(Contents::Owned(bytes.into()))
}

/// Only debugging information is kept, whose sections have plain names.
fn file_name(id: &BuildId, section: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(section).ok()?;
    let plain = name.strip_prefix(".debug_")?.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    (plain && name.len() < 40).then(|| format!("{id}{name}.section"))
}

fn fingerprint(compressed: &[u8]) -> u64 {
    let end = compressed.len().saturating_sub(ENDS);
    let start = &compressed[..compressed.len().min(ENDS)];
    sums::sum(&[&(compressed.len() as u64).to_le_bytes(), start, &compressed[end..]].concat())
}

fn is_whole(image: &Image, fingerprint: u64) -> bool {
    let bytes = image.bytes();
    let header = bytes.starts_with(&MAGIC) && bytes.get(16..24) == Some(&fingerprint.to_le_bytes());
    let Some(contents) = contents(image).filter(|_| header) else { return false };
    let is_whole = sums::check(contents, &bytes[HEADER + contents.len()..], 0, contents.len()).is_ok();
    image.give_pages_back();
    is_whole
}

/// The contents of such a file, if its length is right.
fn contents(image: &Image) -> Option<&[u8]> {
    let bytes = image.bytes();
    let length = usize::try_from(u64::from_le_bytes(*bytes.get(24..32)?.first_chunk()?)).ok()?;
    let whole = length.checked_add(HEADER)?.checked_add(sums::length_for(length))?;
    (whole == bytes.len()).then(|| &bytes[HEADER..HEADER + length])
}

/// Opens `bytes` as such a file, whatever they are: for the fuzzer.
pub(super) fn exercise(bytes: &[u8]) {
    let fingerprint =
        bytes.get(16..24).and_then(|eight| eight.first_chunk()).map_or(0, |eight| u64::from_le_bytes(*eight));
    let image = Image::Owned(bytes.to_vec());
    let _ = (is_whole(&image, fingerprint), Contents::Cached(image).bytes().len());
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn a_section_is_inflated_once_and_again_when_its_file_is_damaged_or_anothers() {
        let home = tempfile::tempdir().unwrap();
        let cache = CacheDirectory::new(home.path().join("cache"), std::fs::metadata(&home).unwrap().uid());
        let id = BuildId::parse_hex("abcd").unwrap();
        let text: Vec<u8> = (0..100_000_u32).map(|number| (number % 251) as u8).collect();
        let get = |compressed: &[u8], inflated: &[u8]| {
            let mut times = 0;
            let inflate = |_: &[u8]| {
                times += 1;
                Ok(inflated.to_vec())
            };
            let found = decompressed(Some((&cache, &id)), b".debug_info", compressed, inflate).unwrap();
            assert_eq!(found.bytes(), inflated);
            times
        };
        assert_eq!([get(b"one", &text), get(b"one", &text), get(b"two", &text[..99_000])], [1, 0, 1]);
        let path = home.path().join("cache/abcd.debug_info.section");
        let whole = std::fs::read(&path).unwrap();
        for at in (0..32).chain((64..whole.len()).step_by(997)) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            std::fs::write(&path, damaged).unwrap();
            assert_eq!(get(b"two", &text[..99_000]), 1, "{at}");
        }
        std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert_eq!(get(b"two", &text[..99_000]), 1);
    }

    #[test]
    fn only_debugging_information_has_a_place_in_the_cache() {
        let id = BuildId::parse_hex("abcd").unwrap();
        assert_eq!(file_name(&id, b".debug_str"), Some("abcd.debug_str.section".to_owned()));
        for name in [&b".text"[..], b".debug_/../x", b"", &[b'.'; 100]] {
            assert_eq!(file_name(&id, name), None);
        }
    }
}
