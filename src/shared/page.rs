//! Pages of a list by keyset: a cursor is the place of a row in a total order, so a page costs the same wherever
//! it lies, and rows that come or go elsewhere do not move it.
use super::{Error, Result};
use uuid::Uuid;

pub const DEFAULT_PAGE: usize = 25;
pub const MAX_PAGE: usize = 100;

/// The place of a row: what the list is ordered by (microseconds since 1970 for a time), then its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// What is listed, of whom, and by what it is ordered, hashed: a place in one list is none in another.
    pub list: u32,
    pub value: i64,
    pub id: Uuid,
}

/// What part of a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PageRequest {
    pub limit: usize,
    /// From the end: `last` was given.
    pub backward: bool,
    pub after: Option<Key>,
    pub before: Option<Key>,
    /// Whether the number of all rows is wanted.
    pub count: bool,
}

impl PageRequest {
    /// The first rows.
    pub fn first(limit: usize) -> Self {
        Self { limit, backward: false, after: None, before: None, count: false }
    }

    /// By Relay's rules: `first` or `last`, not both, at most [`MAX_PAGE`].
    pub fn from_args(
        first: Option<i32>,
        after: Option<&str>,
        last: Option<i32>,
        before: Option<&str>,
        count: bool,
    ) -> Result<Self> {
        let (limit, backward) = match (first, last) {
            (Some(_), Some(_)) => {
                return Err(Error::BadInput("give first or last, not both".into()));
            }
            (Some(first), None) => (limit("first", first)?, false),
            (None, Some(last)) => (limit("last", last)?, true),
            (None, None) => (DEFAULT_PAGE, before.is_some() && after.is_none()),
        };
        let key = |text: Option<&str>| text.map(Key::decode).transpose();
        Ok(Self { limit, backward, after: key(after)?, before: key(before)?, count })
    }

    /// As it came for a list of this parent: from here on its cursors are as those of the rows.
    pub fn of_parent(mut self, parent: Uuid) -> Self {
        let unbound = |key: Option<Key>| key.map(|key| key.bound_to(parent));
        self.after = unbound(self.after);
        self.before = unbound(self.before);
        self
    }

    /// Whether the page starts at an end of the list.
    pub fn is_unbounded(&self) -> bool {
        self.after.is_none() && self.before.is_none()
    }
}

fn limit(name: &str, value: i32) -> Result<usize> {
    match usize::try_from(value) {
        Ok(value) if value <= MAX_PAGE => Ok(value),
        _ => Err(Error::BadInput(format!("{name} is {value}: 0 to {MAX_PAGE} are possible"))),
    }
}

impl Key {
    /// Opaque to clients.
    pub fn encode(self) -> String {
        let mut bytes = [0; 28];
        bytes[..4].copy_from_slice(&self.list.to_be_bytes());
        bytes[4..12].copy_from_slice(&self.value.to_be_bytes());
        bytes[12..].copy_from_slice(self.id.as_bytes());
        super::text::base64url(&bytes)
    }

    pub fn decode(text: &str) -> Result<Self> {
        let bytes: [u8; 28] = super::text::from_base64url(text)
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(NOT_OF_THIS_LIST)?;
        let (list, place) = bytes.split_at(4);
        let (value, id) = place.split_at(8);
        Ok(Self {
            list: list.try_into().map(u32::from_be_bytes).map_err(Error::internal)?,
            value: value.try_into().map(i64::from_be_bytes).map_err(Error::internal)?,
            id: Uuid::from_slice(id).map_err(Error::internal)?,
        })
    }

    /// A row's key as the place of a list of that parent; and back again, where the parent is the same.
    pub fn bound_to(mut self, parent: Uuid) -> Self {
        self.list ^= hash(parent.as_bytes());
        self
    }

    /// Whether it is a place of that list.
    pub fn of(self, list: u32) -> Result<Self> {
        if self.list == list { Ok(self) } else { Err(NOT_OF_THIS_LIST) }
    }
}

/// FNV-1a: the same in every process.
pub fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811C_9DC5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

pub const NOT_OF_THIS_LIST: Error =
    Error::InvalidCursor("not a cursor of this list: take it from pageInfo or an edge");

/// One page of a list, in the list's order.
#[derive(Clone, Debug)]
pub struct Page<T> {
    pub items: Vec<(Key, T)>,
    pub has_next: bool,
    pub has_previous: bool,
    /// Of all pages; only where it was asked for.
    pub total: Option<u64>,
}

impl<T> Page<T> {
    /// Takes what a query for `limit + 1` rows returned, in the order in which it was asked (reversed where
    /// the request is backward).
    pub fn cut(mut rows: Vec<(Key, T)>, request: &PageRequest, total: Option<u64>) -> Self {
        let more = rows.len() > request.limit;
        rows.truncate(request.limit);
        if request.backward {
            rows.reverse();
        }
        let (has_next, has_previous) =
            if request.backward { (request.before.is_some(), more) } else { (more, request.after.is_some()) };
        Self { items: rows, has_next, has_previous, total }
    }

    /// The part of a whole list, in its order, that was asked for; an error where a cursor is of another `list`.
    pub fn of(mut all: Vec<(Key, T)>, list: u32, request: &PageRequest) -> Result<Self> {
        let total = u64::try_from(all.len()).ok().filter(|_| request.count);
        let after = request.after.map(|key| key.of(list)).transpose()?;
        let before = request.before.map(|key| key.of(list)).transpose()?;
        all.retain(|(key, _)| {
            after.is_none_or(|after| *key > after) && before.is_none_or(|before| *key < before)
        });
        all.sort_unstable_by_key(|(key, _)| *key);
        if request.backward {
            all.reverse();
        }
        Ok(Self::cut(all, request, total))
    }

    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(|(key, item)| (key, f(item))).collect(),
            has_next: self.has_next,
            has_previous: self.has_previous,
            total: self.total,
        }
    }

    /// As [`Self::map`]; what is not there any more is left out.
    pub fn filter_map<U>(self, mut f: impl FnMut(T) -> Option<U>) -> Page<U> {
        Page {
            items: self.items.into_iter().filter_map(|(key, item)| Some((key, f(item)?))).collect(),
            has_next: self.has_next,
            has_previous: self.has_previous,
            total: self.total,
        }
    }

    /// As [`Self::map`], for what can fail.
    pub fn try_map<U>(self, mut f: impl FnMut(T) -> Result<U>) -> Result<Page<U>> {
        let items = self.items.into_iter().map(|(key, item)| Ok((key, f(item)?))).collect::<Result<_>>()?;
        Ok(Page { items, has_next: self.has_next, has_previous: self.has_previous, total: self.total })
    }

    pub fn empty(total: Option<u64>) -> Self {
        Self { items: vec![], has_next: false, has_previous: false, total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_key_survives_its_text(list: u32, value: i64, id: u128) {
            let key = Key { list, value, id: Uuid::from_u128(id) };
            prop_assert_eq!(Key::decode(&key.encode()).unwrap(), key);
        }

        #[test]
        fn a_key_is_good_for_its_parent_alone(list: u32, value: i64, id: u128, parent: u128, other: u128) {
            let key = Key { list, value, id: Uuid::from_u128(id) };
            let bound = key.bound_to(Uuid::from_u128(parent));
            prop_assert_eq!(bound.bound_to(Uuid::from_u128(parent)), key);
            prop_assert_eq!(bound.bound_to(Uuid::from_u128(other)) == key, parent == other);
        }

        #[test]
        fn any_text_is_a_key_or_an_invalid_cursor(text: String) {
            prop_assert!(matches!(Key::decode(&text), Ok(_) | Err(Error::InvalidCursor(_))));
        }
    }
}
