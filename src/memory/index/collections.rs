//! What belongs together, in its order.
use std::{collections::HashMap, sync::Arc};

/// Stands for no entry and no collection.
pub const NONE: u32 = u32::MAX;

#[derive(Clone, Debug)]
pub struct Collection {
    pub name: Arc<str>,
    /// Words of all its entries.
    pub length: u64,
    /// Its entries, by the time and then the id of each.
    pub order: Vec<u32>,
}

#[derive(Debug, Default)]
pub struct Collections {
    all: Vec<Collection>,
    by_name: HashMap<Arc<str>, u32>,
}

impl Collections {
    /// The number of a collection, new where it is not known.
    pub fn number(&mut self, name: &str) -> u32 {
        if let Some(known) = self.by_name.get(name) {
            return *known;
        }
        let number = u32::try_from(self.all.len()).unwrap_or(NONE);
        let name: Arc<str> = name.into();
        self.all.push(Collection { name: name.clone(), length: 0, order: vec![] });
        self.by_name.insert(name, number);
        number
    }

    pub fn get(&self, number: u32) -> Option<&Collection> {
        self.all.get(number as usize)
    }

    pub fn get_mut(&mut self, number: u32) -> Option<&mut Collection> {
        self.all.get_mut(number as usize)
    }

    /// Those without entries among them.
    pub fn all(&self) -> &[Collection] {
        &self.all
    }

    pub fn bytes(&self) -> usize {
        // With the map and the allocations, a collection takes some 120 bytes beside its name and its order.
        self.all.iter().map(|one| 120 + one.name.len() + one.order.capacity() * 4).sum()
    }
}
