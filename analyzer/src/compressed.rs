//! Compressed ELF sections, undone within bounds.

use flate2::{Decompress, FlushDecompress, Status};
use object::elf;

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
    let mut contents = with_room_for(size)?;
    let mut inflate = Decompress::new(true);
    let status = inflate.decompress_vec(data, &mut contents, FlushDecompress::Finish);
    match status.map_err(|error| error.to_string())? {
        Status::StreamEnd => check_length(contents, size),
        Status::Ok | Status::BufError => Err(format!("its zlib stream does not end after {} bytes", contents.len())),
    }
}

/// Several zstd frames may follow each other: lld compresses shards of a large section one by one.
fn zstd(data: &[u8], size: u64) -> Result<Vec<u8>, String> {
    use std::io::Read;
    let mut contents = with_room_for(size)?;
    let decoder = zstd::stream::Decoder::with_buffer(data).map_err(|error| error.to_string())?;
    decoder.take(size + 1).read_to_end(&mut contents).map_err(|error| error.to_string())?;
    check_length(contents, size)
}

fn with_room_for(size: u64) -> Result<Vec<u8>, String> {
    let mut contents = Vec::new();
    contents.try_reserve_exact(size as usize).map_err(|error| error.to_string())?;
    Ok(contents)
}

fn check_length(contents: Vec<u8>, size: u64) -> Result<Vec<u8>, String> {
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
    fn a_zlib_stream_that_is_cut_or_damaged_is_an_error() {
        let text = b"some debug information".repeat(100);
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, &text).unwrap();
        let whole = encoder.finish().unwrap();
        let size = text.len() as u64;
        assert_eq!(gabi(&gabi_section(1, size, &whole)).unwrap(), text);
        assert!(gabi(&gabi_section(1, size + 1, &whole)).unwrap_err().contains("and not to"));
        assert!(gabi(&gabi_section(1, size - 1, &whole)).is_err());
        for cut in 0..whole.len() {
            assert!(gabi(&gabi_section(1, size, &whole[..cut])).is_err(), "{cut}");
        }
        let mut damaged = whole.clone();
        damaged[whole.len() / 2] ^= 0xff;
        assert!(gabi(&gabi_section(1, size, &damaged)).is_err());
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
