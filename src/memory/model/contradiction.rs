//! What speaks against a memory.
use super::Memory;
use crate::shared::stored;

stored! {
    /// How one memory speaks against another.
    Contradiction {
        /// It denies what the other says.
        Denies = "DENIES",
        /// It has another number or date for the same.
        OtherNumber = "OTHER_NUMBER",
        /// It has another name for the same.
        OtherValue = "OTHER_VALUE",
        /// It cannot hold beside the other in another way.
        Other = "OTHER",
    }
}

/// Who found that a memory speaks against another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContradictionFinder {
    Rules,
    Model,
}

/// Words that cannot hold beside each other, as they stand in the two memories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quotes {
    /// Of the one that speaks against it.
    pub quote: String,
    /// Of the one that was asked about.
    pub against: String,
}

/// A memory that speaks against the one that was asked about.
#[derive(Clone, Debug)]
pub struct MemoryContradiction {
    pub memory: Memory,
    pub kind: Contradiction,
    /// One at least.
    pub found_by: Vec<ContradictionFinder>,
    /// Of a model.
    pub quotes: Option<Quotes>,
}

/// What rules and a model find against a memory.
#[derive(Clone, Debug, Default)]
pub struct ContradictionCheck {
    pub found: Vec<MemoryContradiction>,
    /// `None` where nothing is near, so that none was asked.
    pub model_answered: Option<bool>,
}
