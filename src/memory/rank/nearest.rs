//! The first of many by a key of each: in passes over the keys alone, which lie together, for all else of an entry is
//! somewhere else in memory.

/// Places of the wanted ones with the least keys: `count`, with all that equal the last of them, in no order.
pub fn nearest<K: Copy + Ord>(keys: &[K], count: usize, is_wanted: impl Fn(usize) -> bool) -> Vec<usize> {
    // Mostly nearly all are wanted, and it is looked at few.
    let some = least(keys, count + count / 4, |_| true);
    let are_all = some.len() == keys.len();
    let wanted: Vec<_> = some.into_iter().filter(|(_, place)| is_wanted(*place)).collect();
    let wanted = if wanted.len() >= count || are_all {
        let mut least = Least { count, kept: wanted, last: None };
        least.cut();
        least.kept
    } else {
        least(keys, count, is_wanted)
    };
    wanted.into_iter().map(|(_, place)| place).collect()
}

fn least<K: Copy + Ord>(keys: &[K], count: usize, is_wanted: impl Fn(usize) -> bool) -> Vec<(K, usize)> {
    let mut least = Least { count, kept: vec![], last: None };
    let mut full = count * 2;
    for (place, key) in keys.iter().enumerate() {
        if least.last.is_none_or(|last| *key <= last) && is_wanted(place) {
            least.kept.push((*key, place));
            if least.kept.len() >= full {
                least.cut();
                // All may be equal: the work stays linear.
                full = least.kept.len() * 2;
            }
        }
    }
    least.cut();
    least.kept
}

#[derive(Debug)]
struct Least<K> {
    count: usize,
    kept: Vec<(K, usize)>,
    /// The last key that is among the least, where there are as many.
    last: Option<K>,
}

impl<K: Copy + Ord> Least<K> {
    fn cut(&mut self) {
        if self.kept.len() <= self.count || self.count == 0 {
            return;
        }
        let (_, (last, _), _) = self.kept.select_nth_unstable_by_key(self.count - 1, |(key, _)| *key);
        let last = *last;
        self.kept.retain(|(key, _)| *key <= last);
        self.last = Some(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_nearest_are_those_of_a_sort(
            keys in prop::collection::vec(0_u16..40, 0..400), count in 1_usize..50, every in 1_usize..20,
        ) {
            let is_wanted = |place: usize| place.is_multiple_of(every);
            let mut found = nearest(&keys, count, is_wanted);
            found.sort_unstable();
            let mut all: Vec<_> = keys.iter().enumerate().filter(|(place, _)| is_wanted(*place)).collect();
            all.sort_by_key(|(_, key)| **key);
            let last = all.get(count - 1).map_or(u16::MAX, |(_, key)| **key);
            let mut expected: Vec<_> =
                all.iter().filter(|(_, key)| **key <= last).map(|(place, _)| *place).collect();
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }
}
