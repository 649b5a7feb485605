//! What every slice stands on and what knows no slice: errors, ids, pages, time, and who asks.
pub mod actor;
mod ambient;
pub mod amount;
mod client_id;
pub mod duration;
pub mod edit;
mod error;
pub mod explain;
pub mod http;
pub mod id;
pub mod json;
pub mod moment;
pub mod page;
pub mod sentence;
mod stored;
pub mod text;
pub mod texts;
mod trace;

pub use ambient::{Ambient, Clock, Ids, Random};
pub use client_id::ClientId;
pub use edit::{Edited, Patch};
pub use error::{Error, Problem, ProblemCode, Problems, Result};
pub use page::{Page, PageRequest};
pub(crate) use stored::stored;
pub use trace::TraceId;
