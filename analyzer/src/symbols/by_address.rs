//! The entries of symbol tables by their addresses, without their names.

use crate::buckets::Buckets;

/// Entries of one kind, by number, and where each stands.
#[derive(Debug, Default)]
pub(super) struct ByAddress {
    addresses: Vec<u64>,
    entries: Vec<u32>,
    buckets: Buckets,
}

impl ByAddress {
    /// Makes room for so many entries more.
    pub(super) fn reserve(&mut self, entries: usize) {
        self.addresses.reserve(entries);
        self.entries.reserve(entries);
    }

    /// One more entry. It is found once all were [`ByAddress::deal`]t.
    pub(super) fn push(&mut self, address: u64, entry: u32) {
        // The last address of all would be a range without an end.
        if address != u64::MAX {
            self.addresses.push(address);
            self.entries.push(entry);
        }
    }

    /// Makes entries findable.
    pub(super) fn deal(&mut self) {
        self.buckets = Buckets::deal(self.addresses.iter().map(|address| *address..address + 1));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries at and below `address`, from the nearest down: those at one address together.
    pub(super) fn down_from(&self, address: u64) -> impl Iterator<Item = Vec<u32>> {
        let places = self.buckets.place(address).into_iter().flat_map(|top| (0..=top).rev());
        places.flat_map(move |place| {
            let numbers = self.buckets.at(place).iter().map(|number| *number as usize);
            let mut below: Vec<(u64, u32)> = numbers
                .filter(|number| self.addresses[*number] <= address)
                .map(|number| (self.addresses[number], self.entries[number]))
                .collect();
            below.sort_unstable_by_key(|(address, _)| std::cmp::Reverse(*address));
            let groups: Vec<Vec<u32>> = below
                .chunk_by(|one, other| one.0 == other.0)
                .map(|group| group.iter().map(|(_, entry)| *entry).collect())
                .collect();
            groups
        })
    }
}
