//! What every slice's `graphql.rs` uses: the caller and the services from the context, typed ids, scalars,
//! connections, batching loaders, and the only error a resolver returns.
mod connection;
mod context;
mod edit;
mod error;
mod id;
mod listed;
mod loader;
mod scalar;
mod sight;
mod told;
mod written;

pub use connection::{
    Connection, OrderDirection, TotalCount, connection, each_once, each_shows, page_request,
};
pub use context::{ContextExt, OfRequest};
pub use edit::{Shown, edited, patch, wants_cursor};
pub use error::{ApiError, ErrorCode, Loaded, UserError, UserErrorCode, is_bad_input, payload};
pub use listed::List;
use listed::Listed;
pub use loader::{Key, Loader, batching, each};
pub use scalar::{Cursor, DateTime, Decimal, Duration, Json, UPLOAD, Upload};
pub use sight::Sight;
pub use told::{Moment, OfMany, Telling, Tellings, Told};
pub use written::{AtOnce, whole};
