//! `.eh_frame_hdr`: the sorted table by which `.eh_frame` is searched (Linux Standard Base, "Exception Frames").

use crate::svma::Svma;

/// `DW_EH_PE_pcrel | DW_EH_PE_sdata4`.
const PC_RELATIVE: u8 = 0x1b;
/// `DW_EH_PE_udata4`.
const COUNT: u8 = 0x03;
/// `DW_EH_PE_datarel | DW_EH_PE_sdata4`.
const TABLE: u8 = 0x3b;

const HEADER: usize = 12;
const ROW: usize = 8;

/// The header and its table, in the one encoding that GNU ld, gold, lld, mold and the kernel's vdso use. Another one
/// is not an error: then `.eh_frame` is read through once instead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EhFrameHdr<'a> {
    address: Svma,
    eh_frame: Svma,
    rows: &'a [u8],
}

impl<'a> EhFrameHdr<'a> {
    /// The header in `bytes`, which stand at `address`. The table ends with the bytes, whatever its count claims.
    pub(crate) fn parse(bytes: &'a [u8], address: Svma) -> Option<EhFrameHdr<'a>> {
        let (header, table) = bytes.split_at_checked(HEADER)?;
        if header[..4] != [1, PC_RELATIVE, COUNT, TABLE] {
            return None;
        }
        let count = usize::try_from(word(header, 8) as u32).ok()?;
        let rows = table.get(..count.checked_mul(ROW)?.min(table.len() / ROW * ROW))?;
        let eh_frame = Svma(address.0.wrapping_add(4).wrapping_add_signed(i64::from(word(header, 4))));
        (!rows.is_empty()).then_some(EhFrameHdr { address, eh_frame, rows })
    }

    /// Where `.eh_frame` starts.
    pub(crate) fn eh_frame(&self) -> Svma {
        self.eh_frame
    }

    /// Where the entry (FDE) stands that covers `at` if any does.
    pub(crate) fn lookup(&self, at: Svma) -> Option<Svma> {
        let (mut low, mut high) = (0, self.rows.len() / ROW);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.relative(middle * ROW) <= at { low = middle + 1 } else { high = middle }
        }
        let row = low.checked_sub(1)?;
        Some(self.relative(row * ROW + 4))
    }

    fn relative(&self, position: usize) -> Svma {
        Svma(self.address.0.wrapping_add_signed(i64::from(word(self.rows, position))))
    }
}

fn word(bytes: &[u8], at: usize) -> i32 {
    i32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::EhFrameHdr;
    use crate::svma::Svma;

    fn header(count: u32, rows: &[(i32, i32)]) -> Vec<u8> {
        let mut bytes = vec![1, 0x1b, 0x03, 0x3b];
        bytes.extend_from_slice(&0x100i32.to_le_bytes());
        bytes.extend_from_slice(&count.to_le_bytes());
        for (start, entry) in rows {
            bytes.extend_from_slice(&start.to_le_bytes());
            bytes.extend_from_slice(&entry.to_le_bytes());
        }
        bytes
    }

    #[test]
    fn the_last_entry_that_starts_at_or_below_is_found() {
        let bytes = header(3, &[(-0x1000, 0x10), (0, 0x20), (0x500, 0x30)]);
        let header = EhFrameHdr::parse(&bytes, Svma(0x4000)).unwrap();
        assert_eq!(header.eh_frame(), Svma(0x4104));
        assert_eq!(header.lookup(Svma(0x2fff)), None);
        assert_eq!(header.lookup(Svma(0x3000)), Some(Svma(0x4010)));
        assert_eq!(header.lookup(Svma(0x44ff)), Some(Svma(0x4020)));
        assert_eq!(header.lookup(Svma(u64::MAX)), Some(Svma(0x4030)));
    }

    #[test]
    fn a_count_beyond_the_bytes_is_cut() {
        let bytes = header(u32::MAX, &[(0, 0x20)]);
        assert_eq!(EhFrameHdr::parse(&bytes, Svma(0)).unwrap().lookup(Svma(9)), Some(Svma(0x20)));
        assert!(EhFrameHdr::parse(&header(0, &[]), Svma(0)).is_none());
        assert!(EhFrameHdr::parse(&bytes[..11], Svma(0)).is_none());
    }
}
