//! What every slice stands on and what knows no slice: errors, ids, pages, time, and who asks.
pub mod actor;
mod ambient;
pub mod amount;
pub mod duration;
mod error;
pub mod id;
pub mod page;
mod stored;
pub mod text;

pub use ambient::{Ambient, Clock, Ids, Random};
pub use error::{Error, Problem, ProblemCode, Problems, Result};
pub use page::{Page, PageRequest};
pub(crate) use stored::stored;
