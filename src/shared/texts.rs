//! Documents in memory, as many as their texts leave room for.
use quick_cache::{
    DefaultHashBuilder, OptionsBuilder, Weighter,
    sync::{Cache, DefaultLifecycle},
};
use std::{hash::Hash, sync::Arc};

/// Whatever stands for a text counts as long as it.
pub trait Text: Clone {
    fn bytes(&self) -> u64;
}

impl Text for Arc<str> {
    fn bytes(&self) -> u64 {
        self.len() as u64
    }
}

#[derive(Clone, Debug)]
pub struct ByText;

/// What an entry takes beside its text: more than the longest key.
const BESIDE: u64 = 256;
/// A guess; the weights decide.
const TEXTS: usize = 1_000;

impl<K, V: Text> Weighter<K, V> for ByText {
    fn weight(&self, _: &K, text: &V) -> u64 {
        BESIDE + text.bytes()
    }
}

/// Of so many bytes, in parts that can be read beside each other. A text is kept in one of them, so none is smaller
/// than what the `longest` takes; left to itself the cache would make as many as the machine has use for.
pub fn cache_of_texts<K: Eq + Hash, V: Text>(bytes: u64, longest: usize) -> Cache<K, V, ByText> {
    // A part keeps nothing that would fill it (97 %).
    let part = (longest as u64 + BESIDE) * 16 / 15;
    let parts = 1 << (bytes / part).clamp(1, 32).ilog2();
    #[expect(clippy::expect_used, reason = "these two are what it has to be given")]
    let options = OptionsBuilder::new()
        .shards(parts)
        .weight_capacity(bytes)
        .estimated_items_capacity(TEXTS)
        .build()
        .expect("bytes and items are given");
    Cache::with_options(options, ByText, DefaultHashBuilder::default(), DefaultLifecycle::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: usize = 131_072;

    #[test]
    fn the_longest_text_is_kept_wherever_there_is_room_for_it() {
        for bytes in [150_000, 300_000, 1 << 20, 4 << 20, 1 << 30] {
            let cache = cache_of_texts(bytes, LONGEST);
            let text: Arc<str> = "x".repeat(LONGEST).into();
            // Each finds a part of its own, or pushes another out.
            for key in 0..100 {
                cache.insert(key, Arc::clone(&text));
                assert!(cache.get(&key).is_some(), "{key} of {bytes}");
            }
            assert!(cache.weight() <= bytes);
        }
    }

    #[test]
    fn a_cache_smaller_than_the_longest_text_keeps_short_ones() {
        let cache = cache_of_texts(10_000, LONGEST);
        cache.insert(1, Arc::<str>::from("x".repeat(9_000)));
        assert!(cache.get(&1).is_some());
    }
}
