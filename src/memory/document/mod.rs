//! Documents apart from the database: bytes become text, and text becomes chunks. Pure: nothing is executed, nothing
//! fetched, and the time for a text is in proportion to its length.
//!
//! What a chunk's offsets count in is the *readable* text: of plain text and Markdown the source itself, of HTML and
//! PDF what was taken out of it.
mod chunk;
mod extract;
mod html;
mod markdown;
mod pdf;

pub use chunk::{Piece, pieces};
pub use extract::{MAX_READABLE, extract};

use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A document's text, and where its headings stand in it, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readable {
    pub text: String,
    pub headings: Vec<Heading>,
}

/// Bytes of the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// Where its section begins, marks included.
    pub at: usize,
    /// Its words.
    pub title: Range<usize>,
}
