//! A partition's index in memory, made from its rows. Entries are numbered as they came; those that are gone keep
//! their number until a compaction.
mod embeddings;
mod links;

pub use embeddings::{Embeddings, length};
pub use links::Place;

use super::{
    ItemId, ItemKind, Times,
    collections::{Collection, Collections, NONE},
    digest::{self, NAMED, named_by},
    words::{MAX_ENTRIES, Posting, Words},
};
use crate::{
    memory::{
        MemoryKind,
        embedding::{DIMENSIONS, Vector},
        extraction::named::EntityKind,
        store::Row,
    },
    shared::{Error, Result},
};
use hashbrown::HashTable;
use std::mem::size_of;
use uuid::Uuid;

#[derive(Debug, Default)]
pub struct Replica {
    /// Rows up to this revision are in.
    revision: i64,
    /// What was removed up to this revision is out.
    removals: i64,
    entries: Vec<Held>,
    /// Of each entry.
    places: Vec<Place>,
    /// Of each entry; all zero for one that is gone.
    vectors: Vec<Vector>,
    /// Of each vector.
    signs: Vec<Signs>,
    /// By model.
    embeddings: Vec<Embeddings>,
    by_id: HashTable<u32>,
    words: Words,
    collections: Collections,
    statistics: Statistics,
}

/// An entry.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    id: Uuid,
    /// Of its row.
    revision: i64,
    /// Microseconds since 1970.
    pub at: i64,
    pub times: Times,
    item: ItemKind,
    pub kind: Option<MemoryKind>,
    /// 0 to 1, where it was told.
    pub importance: Option<f32>,
}

impl Held {
    pub fn item(&self) -> ItemId {
        ItemId { id: self.id, kind: self.item }
    }

    fn key(&self) -> (i64, Uuid) {
        (self.at, self.id)
    }
}

/// Of the entries that are live.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Statistics {
    pub entries: u64,
    /// Words of all entries.
    pub length: u64,
    /// Words of all windows: of each entry with its neighbours.
    pub windows_length: u64,
    pub collections: u64,
    /// Words of all entries that are in a collection.
    pub collections_length: u64,
}

impl Replica {
    /// Empty, of a partition that stands at this revision: what was removed until then never comes in.
    pub fn begun_at(revision: i64) -> Self {
        Self { removals: revision, ..Self::default() }
    }

    pub fn revision(&self) -> i64 {
        self.revision
    }

    pub fn removals(&self) -> i64 {
        self.removals
    }

    pub fn entries(&self) -> &[Held] {
        &self.entries
    }

    pub fn get(&self, entry: u32) -> Option<&Held> {
        self.entries.get(entry as usize)
    }

    /// Of each entry.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    pub fn place(&self, entry: u32) -> Option<&Place> {
        self.places.get(entry as usize)
    }

    /// Of each entry.
    pub fn vectors(&self) -> &[Vector] {
        &self.vectors
    }

    /// Of each entry.
    pub fn signs(&self) -> &[Signs] {
        &self.signs
    }

    /// Of entries that are live.
    pub fn postings(&self, word: &str) -> impl Iterator<Item = Posting> {
        self.words.postings(word).filter(|posting| self.places[posting.entry() as usize].is_live())
    }

    /// All postings of a word, in the order of the entries, those of entries that are gone among them: in two lists, one behind
    /// the other.
    pub fn lists(&self, word: &str) -> [&[Posting]; 2] {
        self.words.lists(word)
    }

    /// What live entries name: how it is written there, with those entries; in no order, and one may come twice.
    pub fn named(&self) -> impl Iterator<Item = (EntityKind, &str, impl Iterator<Item = &Held>)> {
        self.words.beginning(NAMED).filter_map(|(term, postings)| {
            let (kind, name) = named_by(term)?;
            let live = |posting: &Posting| self.place(posting.entry()).is_some_and(Place::is_live);
            let entries = postings.iter().filter(move |posting| live(posting));
            Some((kind, name, entries.filter_map(|posting| self.get(posting.entry()))))
        })
    }

    pub fn collection(&self, number: u32) -> Option<&Collection> {
        self.collections.get(number)
    }

    pub fn collections(&self) -> &[Collection] {
        self.collections.all()
    }

    pub fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// Takes rows in the order of their revisions; one whose item is known replaces it.
    pub fn insert(&mut self, rows: &[Row]) -> Result<()> {
        let mut unlinked = vec![];
        let inserted: Result<()> = rows.iter().try_for_each(|row| {
            self.insert_row(row, &mut unlinked)?;
            self.revision = self.revision.max(row.revision);
            Ok(())
        });
        self.link(&unlinked);
        inserted
    }

    /// All but [`Self::link`], which is for many at once.
    fn insert_row(&mut self, row: &Row, unlinked: &mut Vec<u32>) -> Result<()> {
        if let Some(known) = self.find(row.item.id) {
            if known.revision > row.revision {
                return Ok(());
            }
            // It may be one of them, and only what is linked can be removed.
            self.link(unlinked);
            unlinked.clear();
            self.remove(row.item.id);
        }
        if self.entries.len() >= MAX_ENTRIES {
            return Err(Error::Unavailable("there is too much in one place for one index: forget some"));
        }
        let number = u32::try_from(self.entries.len()).map_err(Error::internal)?;
        let collection = row.collection.as_deref().map_or(NONE, |name| self.collections.number(name));
        self.entries.push(Held {
            id: row.item.id,
            revision: row.revision,
            at: row.at.timestamp_micros(),
            times: row.times,
            item: row.item.kind,
            kind: row.kind,
            importance: row.importance,
        });
        self.places.push(Place { collection, previous: NONE, next: NONE, length: row.length.min(NONE - 1) });
        let vector = row.vector.unwrap_or([0; DIMENSIONS]);
        self.vectors.push(vector);
        self.signs.push(signs(&vector));
        let words = &mut self.words;
        digest::unpack(&row.terms, |word, frequency| words.add(word, number, frequency))?;
        unlinked.push(number);
        let entries = &self.entries;
        self.by_id.insert_unique(hash(row.item.id), number, |other| hash(entries[*other as usize].id));
        Ok(())
    }

    /// Takes out what was removed, save what came back since; all removals until that revision are among them.
    pub fn remove_all(&mut self, removals: &[(Uuid, i64)], until: i64) {
        for (id, revision) in removals {
            if self.find(*id).is_some_and(|held| held.revision < *revision) {
                self.remove(*id);
            }
        }
        self.removals = self.removals.max(until);
        self.revision = self.revision.max(until);
    }

    fn find(&self, id: Uuid) -> Option<&Held> {
        self.get(self.number(id)?)
    }

    /// Of the entry with this id.
    pub fn number(&self, id: Uuid) -> Option<u32> {
        let entries = &self.entries;
        self.by_id.find(hash(id), |number| entries[*number as usize].id == id).copied()
    }

    pub fn remove(&mut self, id: Uuid) {
        let entries = &self.entries;
        let Ok(found) = self.by_id.find_entry(hash(id), |number| entries[*number as usize].id == id) else {
            return;
        };
        let (number, _) = found.remove();
        self.unlink(number);
        let place = &mut self.places[number as usize];
        (place.length, place.previous, place.next) = (NONE, NONE, NONE);
        self.vectors[number as usize] = [0; DIMENSIONS];
        self.signs[number as usize] = Signs::default();
        self.drop_embeddings_of(number);
    }

    /// Whether a compaction pays: much is gone, or much is new.
    pub fn is_loose(&self) -> bool {
        let gone = self.entries.len() - self.by_id.len();
        gone > self.entries.len() / 4 + 16 || self.words.is_loose()
    }

    /// The same without what is gone, and with the words packed.
    pub fn compacted(&self) -> Self {
        let mut kept = Self {
            revision: self.revision,
            removals: self.removals,
            statistics: self.statistics,
            ..Self::default()
        };
        let live = self.by_id.len();
        kept.entries.reserve_exact(live);
        kept.places.reserve_exact(live);
        kept.vectors.reserve_exact(live);
        kept.signs.reserve_exact(live);
        let mut numbers = vec![NONE; self.entries.len()];
        for (old, (held, place)) in self.entries.iter().zip(&self.places).enumerate() {
            if place.is_live() {
                numbers[old] = kept.entries.len() as u32;
                kept.entries.push(*held);
                kept.places.push(*place);
                kept.vectors.push(self.vectors[old]);
                kept.signs.push(self.signs[old]);
            }
        }
        let number = |old: u32| numbers.get(old as usize).copied().unwrap_or(NONE);
        for place in &mut kept.places {
            (place.previous, place.next, place.collection) =
                (number(place.previous), number(place.next), NONE);
        }
        for collection in self.collections.all().iter().filter(|collection| !collection.order.is_empty()) {
            let new = kept.collections.number(&collection.name);
            if let Some(place) = kept.collections.get_mut(new) {
                place.length = collection.length;
                place.order = collection.order.iter().map(|old| number(*old)).collect();
                place.order.iter().for_each(|entry| kept.places[*entry as usize].collection = new);
            }
        }
        let kept_as = |old: u32| Some(number(old)).filter(|new| *new != NONE);
        kept.words = self.words.compacted(kept_as);
        kept.embeddings = self.renumbered_embeddings(kept_as);
        kept.by_id.reserve(live, |_| 0);
        for (number, held) in kept.entries.iter().enumerate() {
            let hasher = |other: &u32| hash(kept.entries[*other as usize].id);
            kept.by_id.insert_unique(hash(held.id), number as u32, hasher);
        }
        kept
    }

    /// What it takes of memory, about.
    pub fn bytes(&self) -> usize {
        let vectors = self.vectors.capacity() * DIMENSIONS + self.signs.capacity() * size_of::<Signs>();
        let places = self.places.capacity() * size_of::<Place>();
        let entries = self.entries.capacity() * size_of::<Held>() + places + vectors;
        let by_id = self.by_id.capacity() * 6;
        let words = self.words.bytes() + self.collections.bytes();
        size_of::<Self>() + entries + by_id + words + self.bytes_of_embeddings()
    }
}

/// Whether each number of a vector is above zero, a bit each.
pub type Signs = [u64; DIMENSIONS / 64];

pub fn signs(vector: &Vector) -> Signs {
    let mut signs = Signs::default();
    for (signs, numbers) in signs.iter_mut().zip(vector.chunks(64)) {
        *signs = numbers.iter().rev().fold(0, |signs, number| signs << 1 | u64::from(*number > 0));
    }
    signs
}

/// Half of an id is random already.
fn hash(id: Uuid) -> u64 {
    let (high, low) = id.as_u64_pair();
    (high ^ low).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use proptest::prelude::*;

    fn row(revision: i64, id: u128, text: &str, collection: u8, at: i64) -> Row {
        let collection = (collection > 0).then(|| format!("c{collection}"));
        Row::of(revision, id, text, collection.as_deref(), DateTime::from_timestamp_micros(at).unwrap())
    }

    /// By ids, whatever the numbers are.
    fn told(replica: &Replica) -> (Vec<String>, Statistics) {
        let id = |number: u32| replica.get(number).map(|held| held.id.as_u128());
        let entries = replica.entries().iter().zip(replica.places()).zip(replica.vectors()).enumerate();
        let mut told: Vec<_> = entries
            .filter(|(_, ((_, place), _))| place.is_live())
            .map(|(number, ((held, place), vector))| {
                let postings = ["apple", "pear", "fig"].map(|word| {
                    replica
                        .postings(word)
                        .find(|posting| posting.entry() as usize == number)
                        .map(Posting::frequency)
                });
                let collection =
                    replica.collection(place.collection).map(|it| (it.name.to_string(), it.length));
                format!(
                    "{} {:?} {:?} {collection:?} {} {postings:?} {vector:?}",
                    held.id,
                    id(place.previous),
                    id(place.next),
                    place.length
                )
            })
            .collect();
        told.sort();
        (told, replica.statistics())
    }

    proptest! {
        #[test]
        fn a_copy_that_followed_is_as_one_made_of_what_is_there(
            steps in prop::collection::vec((0_u128..12, prop::option::weighted(0.7, ("(apple |pear |fig ){0,4}", 0_u8..3, 0_i64..4))), 0..40),
        ) {
            let (mut followed, mut compacted) = (Replica::default(), Replica::default());
            // As many rows at once as there are between removals.
            let (mut paged, mut page) = (Replica::default(), vec![]);
            let mut there = std::collections::BTreeMap::new();
            for (revision, (id, step)) in (1..).zip(&steps) {
                for replica in [&mut followed, &mut compacted] {
                    match step {
                        Some((text, collection, at)) => replica.insert(&[row(revision, *id, text, *collection, *at)]).unwrap(),
                        None => replica.remove_all(&[(Uuid::from_u128(*id), revision)], revision),
                    }
                    prop_assert_eq!(replica.revision(), revision);
                }
                compacted = compacted.compacted();
                match step {
                    Some((text, collection, at)) => page.push(row(revision, *id, text, *collection, *at)),
                    None => {
                        paged.insert(&page).unwrap();
                        page.clear();
                        paged.remove_all(&[(Uuid::from_u128(*id), revision)], revision);
                    }
                }
                there.remove(id);
                if let Some(step) = step {
                    there.insert(*id, (revision, step));
                }
            }
            paged.insert(&page).unwrap();
            let mut made = Replica::default();
            let mut rows: Vec<_> = there.into_iter().collect();
            rows.sort_by_key(|(_, (revision, _))| *revision);
            for (id, (revision, (text, collection, at))) in rows {
                made.insert(&[row(revision, id, text, *collection, *at)]).unwrap();
            }
            prop_assert_eq!(told(&followed), told(&made));
            prop_assert_eq!(told(&compacted), told(&made));
            prop_assert_eq!(told(&paged), told(&made));
            for collection in paged.collections() {
                prop_assert!(collection.order.is_sorted_by_key(|number| paged.entries[*number as usize].key()));
            }
        }
    }

    #[test]
    fn a_row_that_is_told_late_does_not_take_the_place_of_a_newer_one() {
        let mut replica = Replica::default();
        replica.insert(&[row(9, 1, "pear", 0, 0)]).unwrap();
        replica.insert(&[row(5, 1, "apple fig", 0, 0)]).unwrap();
        let mut newer = Replica::default();
        newer.insert(&[row(9, 1, "pear", 0, 0)]).unwrap();
        assert_eq!(told(&replica), told(&newer));
    }

    #[test]
    fn a_removal_that_is_told_late_does_not_take_what_came_back() {
        let mut replica = Replica::begun_at(4);
        replica.insert(&[row(9, 1, "apple", 0, 0)]).unwrap();
        replica.remove_all(&[(Uuid::from_u128(1), 7)], 9);
        assert_eq!(replica.statistics().entries, 1);
        replica.remove_all(&[(Uuid::from_u128(1), 10)], 10);
        assert_eq!((replica.statistics(), replica.revision()), (Statistics::default(), 10));
        assert!(replica.vectors().iter().all(|vector| *vector == [0; DIMENSIONS]));
    }
}
