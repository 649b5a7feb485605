//! Which entries of one copy are shown.
use super::Wanted;
use crate::memory::index::{Held, Replica};

#[derive(Debug)]
pub struct Filter<'a> {
    copy: &'a Replica,
    wanted: &'a Wanted,
    /// By collection: whether its name fits. `None` where every one does.
    names_fit: Option<Vec<bool>>,
}

impl<'a> Filter<'a> {
    pub fn of(copy: &'a Replica, wanted: &'a Wanted) -> Self {
        let prefix = wanted.collection_prefix.as_deref().filter(|prefix| !prefix.is_empty());
        let names = copy.collections().iter().map(|collection| &collection.name);
        let names_fit = prefix.map(|prefix| names.map(|name| name.starts_with(prefix)).collect());
        Self { copy, wanted, names_fit }
    }

    pub fn is_wanted(&self, entry: u32) -> bool {
        let both = self.copy.place(entry).zip(self.copy.get(entry));
        both.is_some_and(|(place, held)| {
            place.is_live() && self.has_collection(place.collection) && self.has_kind(held) && self.fits(held)
        })
    }

    fn has_kind(&self, held: &Held) -> bool {
        match (&self.wanted.kinds, held.kind) {
            (Some(kinds), Some(kind)) => kinds.contains(&kind),
            (Some(_), None) => false,
            (None, _) => true,
        }
    }

    fn fits(&self, held: &Held) -> bool {
        self.wanted.moment.as_ref().is_none_or(|moment| held.times.fit(moment))
    }

    fn has_collection(&self, collection: u32) -> bool {
        let fits = |names_fit: &Vec<bool>| names_fit.get(collection as usize).is_some_and(|fits| *fits);
        self.names_fit.as_ref().is_none_or(fits)
    }
}
