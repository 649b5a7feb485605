//! Vectors of a provider's model beside the entries of a copy.
use super::Replica;
use crate::memory::store::VectorRow;
use std::{mem::size_of, sync::Arc};

/// Models whose vectors a copy has at once: the one in use, and the one before, by which somebody may still rank.
const MODELS: usize = 2;

/// Of one model.
#[derive(Debug, Default)]
pub struct Embeddings {
    /// Provider and model.
    model: Arc<str>,
    /// Numbers of a vector; rows of another length are passed over.
    dimensions: usize,
    /// Rows up to this revision are in.
    revision: i64,
    /// Of each entry, one after the other; shorter where the last ones have none.
    vectors: Vec<i8>,
    /// Of each entry the length of its vector; zero where it has none.
    lengths: Vec<f32>,
}

impl Embeddings {
    fn of(model: &Arc<str>, dimensions: usize) -> Self {
        Self { model: model.clone(), dimensions, ..Self::default() }
    }

    /// With its length. `None` where the entry has none, or one that points nowhere.
    pub fn get(&self, entry: u32) -> Option<(&[i8], f32)> {
        let (entry, dimensions) = (entry as usize, self.dimensions);
        let length = self.lengths.get(entry).copied().filter(|length| *length > 0.0)?;
        Some((self.vectors.get(entry * dimensions..(entry + 1) * dimensions)?, length))
    }

    fn set(&mut self, entry: u32, vector: &[i8]) {
        if vector.len() != self.dimensions {
            return;
        }
        let entry = entry as usize;
        if self.lengths.len() <= entry {
            self.lengths.resize(entry + 1, 0.0);
            self.vectors.resize((entry + 1) * self.dimensions, 0);
        }
        self.lengths[entry] = length(vector);
        self.vectors[entry * self.dimensions..(entry + 1) * self.dimensions].copy_from_slice(vector);
    }

    fn remove(&mut self, entry: u32) {
        let (entry, dimensions) = (entry as usize, self.dimensions);
        if let Some(length) = self.lengths.get_mut(entry) {
            *length = 0.0;
            self.vectors[entry * dimensions..(entry + 1) * dimensions].fill(0);
        }
    }

    /// The same for entries that have other numbers now.
    fn renumbered(&self, number: impl Fn(u32) -> Option<u32>) -> Self {
        let mut kept = Self::of(&self.model, self.dimensions);
        kept.revision = self.revision;
        for old in (0..).take(self.lengths.len()) {
            if let (Some(new), Some((vector, _))) = (number(old), self.get(old)) {
                kept.set(new, vector);
            }
        }
        kept
    }

    fn bytes(&self) -> usize {
        self.vectors.capacity() + self.lengths.capacity() * size_of::<f32>()
    }
}

/// Of whole numbers, so it is the same on every machine.
pub fn length(vector: &[i8]) -> f32 {
    let square: i64 = vector.iter().map(|number| i64::from(*number) * i64::from(*number)).sum();
    (square as f64).sqrt() as f32
}

impl Replica {
    pub fn embeddings(&self, model: &str) -> Option<&Embeddings> {
        self.embeddings.iter().find(|embeddings| &*embeddings.model == model)
    }

    /// Rows of the model's vectors up to this revision are in.
    pub fn embedded_until(&self, model: &str) -> i64 {
        self.embeddings(model).map_or(0, |embeddings| embeddings.revision)
    }

    /// Takes vectors of entries that it has; all up to `until` are among these and those before.
    pub fn embed(&mut self, model: &Arc<str>, dimensions: usize, rows: &[VectorRow], until: Option<i64>) {
        // Whoever gives a name to another model gives it vectors of another length.
        self.embeddings.retain(|known| known.model != *model || known.dimensions == dimensions);
        let known = self.embeddings.iter().position(|known| known.model == *model);
        let mut embeddings = match known {
            Some(place) => self.embeddings.remove(place),
            None => Embeddings::of(model, dimensions),
        };
        for row in rows {
            let entry = self.number(row.item).filter(|entry| self.is_of_row(*entry, row));
            if let Some(entry) = entry {
                embeddings.set(entry, &row.vector);
            }
        }
        embeddings.revision = until.unwrap_or(embeddings.revision).max(embeddings.revision);
        // The one that was used last stands last.
        self.embeddings.push(embeddings);
        if self.embeddings.len() > MODELS {
            self.embeddings.remove(0);
        }
    }

    /// Not of a text that the entry had before.
    fn is_of_row(&self, entry: u32, vector: &VectorRow) -> bool {
        self.get(entry).is_some_and(|held| held.revision <= vector.revision)
    }

    pub(super) fn drop_embeddings_of(&mut self, entry: u32) {
        self.embeddings.iter_mut().for_each(|embeddings| embeddings.remove(entry));
    }

    pub(super) fn renumbered_embeddings(&self, number: impl Fn(u32) -> Option<u32>) -> Vec<Embeddings> {
        self.embeddings.iter().map(|embeddings| embeddings.renumbered(&number)).collect()
    }

    pub(super) fn bytes_of_embeddings(&self) -> usize {
        self.embeddings.iter().map(Embeddings::bytes).sum()
    }
}
