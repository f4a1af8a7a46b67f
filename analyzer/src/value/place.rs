//! Where the bits of a value are, and why some of them are nowhere.

use std::fmt;
use std::sync::Arc;

use dpdb_snapshot::{Absent, Avma, Memory};

use crate::dwarf::DieRef;

/// The most bytes that are read for one value at once.
pub(crate) const MOST_BYTES: u64 = 1 << 20;

/// Why a value, or a part of it, cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missing {
    /// The compiler kept it nowhere at this pc.
    OptimizedOut,
    /// It has an enum in it, and the compiler kept neither at any pc: not even its fields can be told.
    VariantLost,
    /// It is in a register of an upper frame that none of its callees saved.
    NotSaved(&'static str),
    /// It is in memory that is absent.
    Memory(Absent),
    /// It is part of something that a location describes without saying where it is.
    NoAddress,
    /// It is thread-local, and its thread has no copy of its module's variables yet.
    NotAllocated,
    /// The debugging information uses what is not supported, which is named.
    Unsupported(String),
    /// The debugging information is damaged.
    Malformed(String),
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Missing::OptimizedOut => write!(f, "optimized out"),
            Missing::VariantLost => write!(f, "optimized out, and so is which variant it is"),
            Missing::NotSaved(register) => write!(f, "{register} was not saved"),
            Missing::Memory(absent) => write!(f, "{absent}"),
            Missing::NoAddress => write!(f, "it has no address"),
            Missing::NotAllocated => write!(f, "not allocated: this thread has used no variable of that module yet"),
            Missing::Unsupported(what) => write!(f, "unsupported: {what}"),
            Missing::Malformed(what) => write!(f, "damaged debugging information: {what}"),
        }
    }
}

impl From<Absent> for Missing {
    fn from(absent: Absent) -> Missing {
        Missing::Memory(absent)
    }
}

/// Where the bits of a value begin. A part of a value is the same storage, further in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    storage: Arc<Storage>,
    /// How many bits into the storage.
    bit: u64,
}

#[derive(Debug, PartialEq)]
enum Storage {
    Memory(Avma),
    Pieces(Vec<Piece>),
    Missing(Missing),
}

/// A stretch of a value that is kept in one place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Piece {
    /// How many bits; the last piece may be `u64::MAX`: all that is left.
    pub(crate) bits: u64,
    /// How many bits into its source it begins.
    pub(crate) offset: u64,
    pub(crate) source: Source,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Source {
    Memory(Avma),
    /// What a register holds.
    Register(Arc<[u8]>),
    /// A constant. Where a piece is longer, zeros follow: clang describes 16 zero bytes as the number 0.
    Constant(Arc<[u8]>),
    /// A pointer to an object that is nowhere itself, but whose value may be known (`DW_OP_implicit_pointer`).
    ImplicitPointer {
        target: DieRef,
        offset: i64,
    },
    Missing(Missing),
}

impl Place {
    pub(crate) fn memory(at: Avma) -> Place {
        Place { storage: Arc::new(Storage::Memory(at)), bit: 0 }
    }

    pub(crate) fn pieces(pieces: Vec<Piece>) -> Place {
        Place { storage: Arc::new(Storage::Pieces(pieces)), bit: 0 }
    }

    pub(crate) fn bytes(bytes: impl Into<Arc<[u8]>>) -> Place {
        Place::pieces(vec![Piece { bits: u64::MAX, offset: 0, source: Source::Constant(bytes.into()) }])
    }

    /// Nowhere; every part of it is missing for the same reason.
    pub(crate) fn missing(missing: Missing) -> Place {
        Place { storage: Arc::new(Storage::Missing(missing)), bit: 0 }
    }

    /// The place so many bits further in.
    pub(crate) fn skip_bits(&self, bits: u64) -> Place {
        Place { storage: self.storage.clone(), bit: self.bit.saturating_add(bits) }
    }

    /// The place so many bytes further in.
    pub(crate) fn skip(&self, bytes: u64) -> Place {
        match &*self.storage {
            // Addresses wrap as the processor's do: `array[-1]` is a valid thing to ask for.
            Storage::Memory(at) => Place { storage: Arc::new(Storage::Memory(at.wrapping_add(bytes))), bit: self.bit },
            _ => self.skip_bits(bytes.saturating_mul(8)),
        }
    }

    /// The address in memory, where there is one, of the byte that holds the first bit.
    pub(crate) fn address(&self) -> Option<Avma> {
        match &*self.storage {
            Storage::Memory(at) => Some(at.wrapping_add(self.bit / 8)),
            _ => None,
        }
    }

    /// The object that an implicit pointer here points to, and the offset into it.
    pub(crate) fn implicit_pointer(&self) -> Option<(DieRef, i64)> {
        let Storage::Pieces(pieces) = &*self.storage else { return None };
        let (piece, into) = find(pieces, self.bit)?;
        match &piece.source {
            Source::ImplicitPointer { target, offset } if into == 0 => Some((*target, *offset)),
            _ => None,
        }
    }

    /// Reads `size` bytes.
    pub(crate) fn read(&self, memory: &dyn Memory, size: u64) -> Result<Vec<u8>, Missing> {
        self.read_bits(memory, size.saturating_mul(8))
    }

    /// Reads `bits` bits into as many bytes as hold them, the first bit lowest; the bits above are zero.
    pub(crate) fn read_bits(&self, memory: &dyn Memory, bits: u64) -> Result<Vec<u8>, Missing> {
        if bits > MOST_BYTES * 8 {
            return Err(Missing::Unsupported(format!("a value of {} bytes", bits / 8)));
        }
        match &*self.storage {
            Storage::Memory(at) => from_memory(memory, *at, self.bit, bits),
            Storage::Missing(missing) => Err(missing.clone()),
            Storage::Pieces(pieces) => from_pieces(memory, pieces, self.bit, bits),
        }
    }
}

fn from_memory(memory: &dyn Memory, at: Avma, bit: u64, bits: u64) -> Result<Vec<u8>, Missing> {
    let first = bit / 8;
    let last = bit.saturating_add(bits).div_ceil(8);
    let mut bytes = vec![0; (last - first) as usize];
    memory.read(at.wrapping_add(first), &mut bytes)?;
    Ok(extract(&bytes, bit % 8, bits))
}

fn from_pieces(memory: &dyn Memory, pieces: &[Piece], mut bit: u64, bits: u64) -> Result<Vec<u8>, Missing> {
    let mut whole = vec![0; bits.div_ceil(8) as usize];
    let mut done = 0;
    while done < bits {
        let (piece, into) = find(pieces, bit).ok_or(Missing::OptimizedOut)?;
        let count = (piece.bits - into).min(bits - done);
        let part = from_source(memory, piece, piece.offset.saturating_add(into), count)?;
        insert(&mut whole, done, &part, count);
        done += count;
        bit += count;
    }
    Ok(whole)
}

fn from_source(memory: &dyn Memory, piece: &Piece, bit: u64, bits: u64) -> Result<Vec<u8>, Missing> {
    match &piece.source {
        Source::Memory(at) => from_memory(memory, *at, bit, bits),
        Source::Missing(missing) => Err(missing.clone()),
        Source::ImplicitPointer { .. } => Err(Missing::NoAddress),
        Source::Register(bytes) => {
            let first = (bit / 8) as usize;
            let last = bit.saturating_add(bits).div_ceil(8) as usize;
            let part = bytes.get(first..last).ok_or(Missing::OptimizedOut)?;
            Ok(extract(part, bit % 8, bits))
        }
        Source::Constant(bytes) => {
            let first = bytes.len().min((bit / 8) as usize);
            let mut part = bytes[first..].to_vec();
            part.resize((bit % 8 + bits).div_ceil(8) as usize, 0);
            Ok(extract(&part, bit % 8, bits))
        }
    }
}

/// The piece that bit number `bit` of the value is in, and how far into it.
fn find(pieces: &[Piece], bit: u64) -> Option<(&Piece, u64)> {
    let mut start = 0_u64;
    for piece in pieces {
        let end = start.saturating_add(piece.bits);
        if bit < end {
            return Some((piece, bit - start));
        }
        start = end;
    }
    None
}

/// The `bits` bits from bit `shift` (0 to 7) on.
fn extract(bytes: &[u8], shift: u64, bits: u64) -> Vec<u8> {
    let mut out: Vec<u8> = if shift == 0 || bytes.is_empty() {
        bytes.to_vec()
    } else {
        let next = bytes[1..].iter().chain(std::iter::once(&0));
        bytes.iter().zip(next).map(|(low, high)| low >> shift | high << (8 - shift)).collect()
    };
    out.resize(bits.div_ceil(8) as usize, 0);
    if let (Some(last), extra @ 1..) = (out.last_mut(), bits % 8) {
        *last &= (1 << extra) - 1;
    }
    out
}

/// Puts `bits` bits at bit number `at`, where there are zeros so far.
fn insert(whole: &mut [u8], at: u64, part: &[u8], bits: u64) {
    if at.is_multiple_of(8) && bits.is_multiple_of(8) {
        let start = (at / 8) as usize;
        whole[start..start + part.len()].copy_from_slice(part);
        return;
    }
    for bit in 0..bits {
        let set = part[(bit / 8) as usize] >> (bit % 8) & 1;
        whole[((at + bit) / 8) as usize] |= set << ((at + bit) % 8);
    }
}

#[cfg(test)]
mod tests {
    use dpdb_snapshot::{Absent, Avma, Memory};

    use super::{Missing, Piece, Place, Source};

    /// Memory in which each byte is the low byte of its address, below 0x1000.
    struct Counting;

    impl Memory for Counting {
        fn read_some(&self, at: Avma, buf: &mut [u8]) -> Result<usize, Absent> {
            let left = 0x1000_u64.checked_sub(at.0).filter(|left| *left > 0).ok_or(Absent::NotMapped(at))?;
            let count = buf.len().min(left as usize);
            (0..count).for_each(|index| buf[index] = (at.0 + index as u64) as u8);
            Ok(count)
        }
    }

    fn piece(bits: u64, offset: u64, source: Source) -> Piece {
        Piece { bits, offset, source }
    }

    #[test]
    fn bits_come_out_of_memory_and_pieces_alike() {
        let memory = Place::memory(Avma(0x10));
        assert_eq!(memory.read(&Counting, 3), Ok(vec![0x10, 0x11, 0x12]));
        assert_eq!(memory.skip_bits(4).read_bits(&Counting, 8), Ok(vec![0x11]));
        assert_eq!(memory.skip_bits(12).read_bits(&Counting, 3), Ok(vec![0x1]));
        let pieces = Place::pieces(vec![
            piece(16, 0, Source::Memory(Avma(0x20))),
            piece(4, 4, Source::Register([0xab].as_slice().into())),
            piece(4, 0, Source::Constant([0xcd].as_slice().into())),
            piece(u64::MAX, 0, Source::Missing(Missing::OptimizedOut)),
        ]);
        assert_eq!(pieces.read(&Counting, 3), Ok(vec![0x20, 0x21, 0xda]));
        assert_eq!(pieces.read(&Counting, 4), Err(Missing::OptimizedOut));
        assert_eq!(pieces.skip(1).read(&Counting, 2), Ok(vec![0x21, 0xda]));
    }

    #[test]
    fn what_is_not_there_is_missing_and_never_too_much() {
        assert!(matches!(Place::memory(Avma(0xffe)).read(&Counting, 4), Err(Missing::Memory(_))));
        assert!(matches!(Place::memory(Avma(u64::MAX)).read(&Counting, 4), Err(Missing::Memory(_))));
        assert!(matches!(Place::memory(Avma(0)).read(&Counting, u64::MAX), Err(Missing::Unsupported(_))));
        assert_eq!(Place::bytes([1, 2]).read(&Counting, 4), Ok(vec![1, 2, 0, 0]));
        let register = Place::pieces(vec![piece(u64::MAX, 0, Source::Register([1, 2].as_slice().into()))]);
        assert_eq!(register.read(&Counting, 4), Err(Missing::OptimizedOut));
        assert_eq!(register.skip(u64::MAX).read(&Counting, 1), Err(Missing::OptimizedOut));
    }
}
