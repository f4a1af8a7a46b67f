//! Numbers out of their objects.

use dpdb_snapshot::Avma;
use num_bigint::{BigInt, BigUint, Sign};

use super::heap::Heap;
use super::layout::Minor;
use super::unreadable::Unreadable;

/// Bits of a digit of an `int` (`PyLong_SHIFT`, Include/cpython/longintrepr.h).
const SHIFT: u64 = 30;
/// An integer of more digits is not read; Python itself refuses to write one out at about the same length
/// (`sys.set_int_max_str_digits`).
pub(super) const MOST_DIGITS: u64 = 480;
/// More digits than fit into memory.
const DAMAGE: u64 = 1 << 40;

/// How large an `int` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IntSize {
    pub(super) negative: bool,
    /// Digits of 30 bits.
    pub(super) digits: u64,
}

impl Heap<'_> {
    /// The value of an `int` or of an object of a derived type, such as a `bool`.
    pub(super) fn integer(&self, object: Avma) -> Result<BigInt, Unreadable> {
        let size = self.int_size(object)?;
        if size.digits > MOST_DIGITS {
            return Err(Unreadable::TooLarge { what: "int", at: object });
        }
        let start = self.layout.any_of(&["PyLongObject.long_value.ob_digit", "PyLongObject.ob_digit"])?;
        let bytes = self.read(object.wrapping_add(start), size.digits * 4)?;
        let mut magnitude = BigUint::default();
        for digit in bytes.rchunks_exact(4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]])) {
            if digit >> SHIFT != 0 {
                return Err(Unreadable::Damaged { what: "int object", at: object });
            }
            magnitude = (magnitude << SHIFT) | BigUint::from(digit);
        }
        Ok(BigInt::from_biguint(if size.negative { Sign::Minus } else { Sign::Plus }, magnitude))
    }

    /// The value of an `int` that is known to be small: an index, a file descriptor.
    pub(super) fn small_integer(&self, object: Avma) -> Result<i64, Unreadable> {
        self.expect_subtype(object, "int")?;
        let value = self.integer(object)?;
        value.try_into().map_err(|_| Unreadable::TooLarge { what: "int", at: object })
    }

    /// The sign of an `int`, and how many digits it has.
    pub(super) fn int_size(&self, object: Avma) -> Result<IntSize, Unreadable> {
        let (negative, digits) = if self.layout.minor < Minor(12) {
            let size = self.word(object, "PyVarObject.ob_size")? as i64;
            (size < 0, size.unsigned_abs())
        } else {
            // Since 3.12 the lowest two bits are 1 minus the sign, the third is a flag.
            let tag = self.word(object, "PyLongObject.long_value.lv_tag")?;
            (tag & 3 == 2, if tag & 3 == 1 { 0 } else { tag >> 3 })
        };
        if digits > DAMAGE {
            return Err(Unreadable::Damaged { what: "int object", at: object });
        }
        Ok(IntSize { negative, digits })
    }

    /// The value of a `float`.
    pub(super) fn float(&self, object: Avma) -> Result<f64, Unreadable> {
        self.double(self.field(object, "PyFloatObject.ob_fval")?)
    }

    /// The real and the imaginary part of a `complex`.
    pub(super) fn complex(&self, object: Avma) -> Result<(f64, f64), Unreadable> {
        let real = self.double(self.field(object, "PyComplexObject.cval.real")?)?;
        Ok((real, self.double(self.field(object, "PyComplexObject.cval.imag")?)?))
    }

    fn double(&self, at: Avma) -> Result<f64, Unreadable> {
        Ok(f64::from_le_bytes(self.bytes(at)?))
    }
}
