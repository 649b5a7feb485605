//! Changes of what has a version: what stays, what goes, and what comes of a change that was made from an older one.
use super::{Problems, text};

/// A field of a change.
#[derive(Clone, Debug, PartialEq)]
pub enum Patch<T> {
    /// It was left out: what is there stays.
    Keep,
    /// It was null.
    Clear,
    Set(T),
}

impl<T> Patch<T> {
    /// The new value of what may be absent.
    pub fn over(self, old: Option<T>) -> Option<T> {
        match self {
            Self::Keep => old,
            Self::Clear => None,
            Self::Set(new) => Some(new),
        }
    }

    /// The new value of what must be there; null is a problem.
    pub fn over_required(self, problems: &mut Problems, path: &str, old: T) -> T {
        match self {
            Self::Keep => old,
            Self::Clear => {
                problems.invalid(path, "this cannot be removed: give a value, or leave it out to keep it");
                old
            }
            Self::Set(new) => new,
        }
    }
}

impl Patch<String> {
    /// With the new name trimmed and within its bound; a blank one is a problem.
    pub fn checked(self, problems: &mut Problems, path: &str, max: usize) -> Self {
        match self {
            Self::Set(new) => Self::Set(text::name(problems, path, &new, max)),
            other => other,
        }
    }
}

/// What came of a change of a `C`; mostly that is the thing itself.
#[derive(Clone, Debug)]
pub enum Edited<T, C = T> {
    /// As it is now: changed, or so already.
    Done(T),
    /// Nothing was done: the thing has another version by now than the change was made from.
    Stale { current: C, version: i32 },
}

/// Whether a change was made from another version than the one that is there.
pub fn is_stale(expected: Option<i32>, version: i32) -> bool {
    expected.is_some_and(|expected| expected != version)
}
