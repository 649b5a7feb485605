use super::{ApiError, ErrorCode};
use crate::shared::{Error, actor::Actor};
use async_graphql::{
    Context,
    dataloader::{DataLoader, Loader},
};
use std::{any::Any, hash::Hash};

/// What a resolver takes from its request.
pub trait ContextExt<'a> {
    /// Who asks; `UNAUTHENTICATED` where nobody said.
    fn actor(&self) -> Result<&'a Actor, ApiError>;

    /// A service, put into the schema where it is assembled.
    fn service<T: Any + Send + Sync>(&self) -> Result<&'a T, ApiError>;

    /// Loads by the request's batching loader `L`, which carries the actor.
    fn load<K, L>(&self, key: K) -> impl Future<Output = Result<Option<L::Value>, ApiError>> + Send
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        L: Loader<K, Error = ApiError>;
}

impl<'a> ContextExt<'a> for Context<'a> {
    fn actor(&self) -> Result<&'a Actor, ApiError> {
        self.data_opt().ok_or_else(|| {
            Error::Unauthenticated("send a credential: the header `Authorization: Bearer …` or `authorization` in connection_init").into()
        })
    }

    fn service<T: Any + Send + Sync>(&self) -> Result<&'a T, ApiError> {
        self.data_opt().ok_or_else(|| missing::<T>())
    }

    async fn load<K, L>(&self, key: K) -> Result<Option<L::Value>, ApiError>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        L: Loader<K, Error = ApiError>,
    {
        // Asked first, so that an anonymous caller is told so.
        self.actor()?;
        self.data_opt::<DataLoader<L>>().ok_or_else(|| missing::<L>())?.load_one(key).await
    }
}

fn missing<T>() -> ApiError {
    tracing::error!(missing = std::any::type_name::<T>(), "the schema was assembled without this");
    ApiError::new(ErrorCode::Internal, "internal error")
}
