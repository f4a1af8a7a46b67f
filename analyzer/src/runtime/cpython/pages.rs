//! Memory as objects are read: a few bytes here, a few there, of few pages.

use std::cell::RefCell;

use dpdb_snapshot::{Absent, Avma, Memory};

const PAGE: usize = 4096;
/// Pages that are kept: of those whose numbers agree in the lowest bits the last one that was read.
const KEPT: usize = 256;

/// The memory of a process whose last pages are kept beside the reader. To find a page in a snapshot takes longer than to
/// read a word of it, and the fields of an object lie side by side.
pub(super) struct Pages<'a> {
    memory: &'a dyn Memory,
    kept: RefCell<Vec<Option<Page>>>,
}

struct Page {
    number: u64,
    bytes: Box<[u8; PAGE]>,
}

impl<'a> Pages<'a> {
    pub(super) fn new(memory: &'a dyn Memory) -> Pages<'a> {
        Pages { memory, kept: RefCell::default() }
    }

    /// As [`Memory::read`].
    pub(super) fn read(&self, at: Avma, buf: &mut [u8]) -> Result<(), Absent> {
        let inside = at.0 as usize % PAGE;
        let kept = inside + buf.len() <= PAGE
            && self.with_page(at.0 / PAGE as u64, |page| {
                buf.copy_from_slice(&page[inside..inside + buf.len()]);
            });
        if kept { Ok(()) } else { self.memory.read(at, buf) }
    }

    /// As [`Memory::read_u64`].
    pub(super) fn read_u64(&self, at: Avma) -> Result<u64, Absent> {
        let mut word = [0; 8];
        self.read(at, &mut word)?;
        Ok(u64::from_le_bytes(word))
    }

    /// As [`Memory::read_c_string`].
    pub(super) fn read_c_string(&self, at: Avma, limit: usize) -> Result<(Vec<u8>, bool), Absent> {
        self.memory.read_c_string(at, limit)
    }

    /// Does something with a page, and returns whether all of it is there.
    fn with_page(&self, number: u64, work: impl FnOnce(&[u8; PAGE])) -> bool {
        let mut kept = self.kept.borrow_mut();
        if kept.is_empty() {
            kept.resize_with(KEPT, || None);
        }
        let place = &mut kept[number as usize % KEPT];
        if place.as_ref().is_none_or(|page| page.number != number) {
            let mut bytes = place.take().map_or_else(|| Box::new([0; PAGE]), |page| page.bytes);
            let start = Avma(number.wrapping_mul(PAGE as u64));
            if self.memory.read(start, &mut bytes[..]).is_err() {
                return false;
            }
            *place = Some(Page { number, bytes });
        }
        if let Some(page) = place {
            work(&page.bytes);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use dpdb_snapshot::{Absent, Avma, Memory};

    use super::{PAGE, Pages};

    /// Each byte is the number of its page; the second page is cut off in its middle.
    #[derive(Default)]
    struct Numbered(AtomicUsize);

    impl Memory for Numbered {
        fn read_some(&self, at: Avma, buf: &mut [u8]) -> Result<usize, Absent> {
            self.0.fetch_add(1, Ordering::Relaxed);
            let page = at.0 / PAGE as u64;
            let end = if page == 1 { PAGE as u64 * 3 / 2 } else { (page + 1) * PAGE as u64 };
            let there = (end.saturating_sub(at.0) as usize).min(buf.len());
            if there == 0 {
                return Err(Absent::NotMapped(at));
            }
            buf[..there].fill(page as u8);
            Ok(there)
        }
    }

    #[test]
    fn a_page_is_read_once_and_one_that_is_not_whole_as_far_as_it_goes() {
        let memory = Numbered::default();
        let pages = Pages::new(&memory);
        let read = |at: u64, length: usize| {
            let mut bytes = vec![0; length];
            pages.read(Avma(at), &mut bytes).map(|()| bytes)
        };
        assert_eq!(read(0x2010, 4), Ok(vec![2; 4]));
        assert_eq!((read(0x2800, 2), memory.0.load(Ordering::Relaxed)), (Ok(vec![2; 2]), 1));
        assert_eq!(read(0x2fff, 2), Ok(vec![2, 3]), "across two pages");
        assert_eq!(read(0x1700, 3), Ok(vec![1; 3]), "what there is of a page");
        assert_eq!(read(0x17ff, 2), Err(Absent::NotMapped(Avma(0x1800))));
        assert_eq!(read(0x2000 + 256 * 0x1000, 1), Ok(vec![2]), "another page takes the place of the first");
    }
}
