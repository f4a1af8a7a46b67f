//! Sums by which a damaged file of ours is noticed: one for each block of its contents, which can be checked alone.

/// The bytes that one sum is of: a page, since that is what looking at one byte costs.
const BLOCK: usize = 4096;

/// A block is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damaged;

/// The sums of `contents`, eight bytes each.
pub(crate) fn of(contents: &[u8]) -> Vec<u8> {
    contents.chunks(BLOCK).flat_map(|block| sum(block).to_le_bytes()).collect()
}

/// The bytes that the sums of so long contents take.
pub(crate) fn length_for(contents: usize) -> usize {
    contents.div_ceil(BLOCK) * 8
}

/// Whether the blocks of `contents` that `start..end` lies in are those that `sums` were made of.
pub(crate) fn check(contents: &[u8], sums: &[u8], start: usize, end: usize) -> Result<(), Damaged> {
    let blocks = start / BLOCK..end.div_ceil(BLOCK);
    let sums = sums.as_chunks::<8>().0.get(blocks.clone()).ok_or(Damaged)?;
    let is_whole = |(number, known): (usize, &[u8; 8])| {
        let block = contents.get(number * BLOCK..((number + 1) * BLOCK).min(contents.len()));
        block.is_some_and(|block| sum(block) == u64::from_le_bytes(*known))
    };
    if blocks.zip(sums).all(is_whole) { Ok(()) } else { Err(Damaged) }
}

/// FNV's step (Fowler, Noll and Vo) on words in place of bytes, and on four of them side by side, since a processor
/// multiplies faster than it waits for a product. It is to notice accidents: that nobody else wrote the file is known
/// from its owner.
pub(crate) fn sum(block: &[u8]) -> u64 {
    let (rows, rest) = block.as_chunks::<32>();
    let mut lanes = [0xcbf2_9ce4_8422_2325, 1, 2, 3];
    for row in rows {
        let words = row.as_chunks::<8>().0;
        lanes.iter_mut().zip(words).for_each(|(lane, word)| *lane = step(*lane, u64::from_le_bytes(*word)));
    }
    let rest = rest.iter().fold(rest.len() as u64, |sum, byte| step(sum, u64::from(*byte)));
    lanes.into_iter().fold(rest, step)
}

fn step(sum: u64, word: u64) -> u64 {
    let mixed = (sum ^ word).wrapping_mul(0x0000_0100_0000_01b3);
    mixed ^ mixed >> 29
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_byte_is_noticed_where_it_is() {
        let contents: Vec<u8> = (0..BLOCK * 2 + 11).map(|number| number as u8).collect();
        let sums = of(&contents);
        assert_eq!(sums.len(), length_for(contents.len()));
        assert_eq!(check(&contents, &sums, 0, contents.len()), Ok(()));
        for at in (0..contents.len()).step_by(97) {
            let mut damaged = contents.clone();
            damaged[at] ^= 1;
            assert_eq!(check(&damaged, &sums, at, at + 1), Err(Damaged), "{at}");
        }
        let mut damaged = contents.clone();
        damaged[0] ^= 1;
        assert_eq!(check(&damaged, &sums, BLOCK, contents.len()), Ok(()));
        assert_eq!(check(&contents, &sums[..8], 0, contents.len()), Err(Damaged));
    }
}
