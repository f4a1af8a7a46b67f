//! Compressed ELF sections, undone within bounds.

use object::elf;
use object::read::{CompressedData, CompressionFormat};

/// No section may become larger than this. The largest `.debug_info` known to us, a Chromium's, is under 3 GiB.
const MAX_SIZE: u64 = 4 << 30;

/// How many bytes one compressed byte may claim to become. It is what deflate can reach at most; zstd can claim
/// more, but no debug section comes near it, and a hostile one would buy 4 GiB for a few bytes.
const MAX_RATIO: u64 = 1032;

/// What any section may become, however small it is compressed.
const SMALL: u64 = 1 << 20;

/// The contents of a `SHF_COMPRESSED` section, whose `Elf64_Chdr` says how it was compressed (gABI, "Section
/// Compression").
pub(crate) fn gabi(section: &[u8]) -> Result<Vec<u8>, String> {
    let (header, data) = section.split_at_checked(24).ok_or("its compression header is cut off")?;
    let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let size = u64::from(word(8)) | u64::from(word(12)) << 32;
    check_size(size, data)?;
    match elf::CompressionType(word(0)) {
        elf::ELFCOMPRESS_ZLIB => zlib(data, size),
        elf::ELFCOMPRESS_ZSTD => zstd(data, size),
        other => Err(format!("it is compressed in an unknown way ({})", other.0)),
    }
}

/// The contents of a `.zdebug_*` section: `ZLIB`, a big-endian size, and a zlib stream.
pub(crate) fn gnu(section: &[u8]) -> Result<Vec<u8>, String> {
    let after = section.strip_prefix(b"ZLIB").ok_or("it lacks the ZLIB mark of a .zdebug section")?;
    let (size, data) = after.split_first_chunk::<8>().ok_or("its compression header is cut off")?;
    let size = u64::from_be_bytes(*size);
    check_size(size, data)?;
    zlib(data, size)
}

fn check_size(size: u64, data: &[u8]) -> Result<(), String> {
    let limit = (data.len() as u64).saturating_mul(MAX_RATIO).clamp(SMALL, MAX_SIZE);
    if size > limit {
        return Err(format!("its {} bytes claim to decompress to {size}", data.len()));
    }
    Ok(())
}

fn zlib(data: &[u8], size: u64) -> Result<Vec<u8>, String> {
    let data = CompressedData { format: CompressionFormat::Zlib, data, uncompressed_size: size };
    data.decompress().map(std::borrow::Cow::into_owned).map_err(|error| error.to_string())
}

/// Several zstd frames may follow each other: lld compresses shards of a large section one by one.
fn zstd(data: &[u8], size: u64) -> Result<Vec<u8>, String> {
    use std::io::Read;
    let mut contents = Vec::new();
    contents.try_reserve_exact(size as usize).map_err(|error| error.to_string())?;
    let decoder = zstd::stream::Decoder::with_buffer(data).map_err(|error| error.to_string())?;
    decoder.take(size + 1).read_to_end(&mut contents).map_err(|error| error.to_string())?;
    if contents.len() as u64 != size {
        return Err(format!("it decompresses to {} bytes and not to {size}", contents.len()));
    }
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use super::{gabi, gnu};

    fn gabi_section(kind: u32, size: u64, data: &[u8]) -> Vec<u8> {
        let mut section = kind.to_le_bytes().to_vec();
        section.extend_from_slice(&[0; 4]);
        section.extend_from_slice(&size.to_le_bytes());
        section.extend_from_slice(&1u64.to_le_bytes());
        section.extend_from_slice(data);
        section
    }

    #[test]
    fn zstd_frames_in_a_row_are_one_section() {
        let text = b"some debug information".repeat(100);
        let (first, second) = text.split_at(700);
        let mut data = zstd::encode_all(first, 3).unwrap();
        data.extend(zstd::encode_all(second, 3).unwrap());
        assert_eq!(gabi(&gabi_section(2, text.len() as u64, &data)).unwrap(), text);
    }

    #[test]
    fn a_size_that_is_not_true_is_an_error_and_no_allocation() {
        let data = zstd::encode_all(&[7; 1000][..], 3).unwrap();
        for size in [999, 1001, u64::MAX, 3 << 30] {
            assert!(gabi(&gabi_section(2, size, &data)).is_err(), "{size}");
            assert!(gabi(&gabi_section(1, size, &data)).is_err(), "{size}");
        }
        assert!(gabi(&gabi_section(9, 10, &data)).unwrap_err().contains("unknown way"));
        let mut bomb = b"ZLIB".to_vec();
        bomb.extend_from_slice(&u64::MAX.to_be_bytes());
        assert!(gnu(&bomb).unwrap_err().contains("claim"));
    }
}
