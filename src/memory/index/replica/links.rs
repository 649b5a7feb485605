//! Where entries stand: in their collections, between their neighbours.
use super::Replica;
use crate::memory::index::NONE;

/// What a ranking needs of every entry that a word of the query is in or near: apart, so that it reads no more.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Or [`NONE`], as its neighbours there.
    pub collection: u32,
    pub previous: u32,
    pub next: u32,
    /// Words; [`NONE`] of one that is gone.
    pub length: u32,
}

impl Place {
    pub fn is_live(&self) -> bool {
        self.length != NONE
    }
}

impl Replica {
    /// Puts entries into their places in their collections, and counts them.
    pub(super) fn link(&mut self, numbers: &[u32]) {
        let place = |number: &u32| {
            let at = *number as usize;
            (self.places[at].collection, self.entries[at].key(), *number)
        };
        let mut places: Vec<_> = numbers.iter().map(place).collect();
        places.sort_unstable();
        for together in places.chunk_by(|one, other| one.0 == other.0) {
            let sorted: Vec<_> = together.iter().map(|(.., number)| *number).collect();
            self.link_sorted(&sorted);
        }
    }

    /// Those of one collection, or of none, in its order.
    fn link_sorted(&mut self, numbers: &[u32]) {
        let Some(first) = numbers.first() else { return };
        let (entries, places, statistics) = (&self.entries, &mut self.places, &mut self.statistics);
        let length: u64 = numbers.iter().map(|number| u64::from(places[*number as usize].length)).sum();
        statistics.entries += numbers.len() as u64;
        statistics.length += length;
        let Some(collection) = self.collections.get_mut(places[*first as usize].collection) else {
            // Without neighbours, each is in its own window alone.
            statistics.windows_length += length;
            return;
        };
        statistics.collections += u64::from(collection.order.is_empty());
        statistics.collections_length += length;
        collection.length += length;
        let order = &mut collection.order;
        let (mut end, mut next) = (order.len(), NONE);
        order.resize(end + numbers.len(), NONE);
        // From the last to the first, so that what was there moves once for all of them; `order[..end]` has not moved
        // yet, and `next` is what comes behind it.
        for (ahead, number) in numbers.iter().copied().enumerate().rev() {
            let key = entries[number as usize].key();
            let place = order[..end].partition_point(|other| entries[*other as usize].key() < key);
            if place < end {
                next = order[place];
            }
            let previous = place.checked_sub(1).map_or(NONE, |place| order[place]);
            statistics.windows_length -= windows(places, previous) + windows(places, next);
            join(places, previous, number);
            join(places, number, next);
            statistics.windows_length +=
                windows(places, previous) + windows(places, number) + windows(places, next);
            order.copy_within(place..end, place + ahead + 1);
            order[place + ahead] = number;
            (end, next) = (place, number);
        }
    }

    /// Undoes [`Self::link`] of one.
    pub(super) fn unlink(&mut self, number: u32) {
        let (entries, places, statistics) = (&self.entries, &mut self.places, &mut self.statistics);
        let Place { collection, previous, next, length } = places[number as usize];
        statistics.entries -= 1;
        statistics.length -= u64::from(length);
        statistics.windows_length -=
            windows(places, previous) + windows(places, number) + windows(places, next);
        join(places, previous, next);
        statistics.windows_length += windows(places, previous) + windows(places, next);
        let Some(collection) = self.collections.get_mut(collection) else { return };
        let key = entries[number as usize].key();
        let place = collection.order.partition_point(|other| entries[*other as usize].key() < key);
        collection.order.remove(place);
        collection.length -= u64::from(length);
        statistics.collections_length -= u64::from(length);
        statistics.collections -= u64::from(collection.order.is_empty());
    }
}

/// Makes two entries neighbours; where one is [`NONE`], the other is the first or the last of its collection.
fn join(places: &mut [Place], previous: u32, next: u32) {
    if let Some(place) = places.get_mut(previous as usize) {
        place.next = next;
    }
    if let Some(place) = places.get_mut(next as usize) {
        place.previous = previous;
    }
}

/// How many words an entry adds to all windows together: it is in its own and in those of its neighbours.
fn windows(places: &[Place], number: u32) -> u64 {
    let Some(place) = places.get(number as usize) else { return 0 };
    let windows = 1 + u64::from(place.previous != NONE) + u64::from(place.next != NONE);
    windows * u64::from(place.length)
}
