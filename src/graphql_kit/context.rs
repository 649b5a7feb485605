use super::{
    ApiError, ErrorCode, Loaded, Loader,
    loader::{Batches, Key},
};
use crate::shared::{Error, actor::Actor};
use async_graphql::Context;
use std::{any::Any, sync::Arc};

/// What a resolver takes from its request.
pub trait ContextExt<'a> {
    /// Who asks; `UNAUTHENTICATED` where nobody said.
    fn actor(&self) -> Result<&'a Actor, ApiError>;

    /// A service, put into the schema where it is assembled.
    fn service<T: Any + Send + Sync>(&self) -> Result<&'a T, ApiError>;

    /// Loads by the request's batching loader `L`, which carries the actor.
    fn load<K: Key, L: Loader<K>>(&self, key: K) -> impl Future<Output = Loaded<Option<L::Value>>> + Send;
}

impl<'a> ContextExt<'a> for Context<'a> {
    fn actor(&self) -> Result<&'a Actor, ApiError> {
        self.data_opt().ok_or_else(|| Error::anonymous().into())
    }

    fn service<T: Any + Send + Sync>(&self) -> Result<&'a T, ApiError> {
        self.data_opt().ok_or_else(|| missing::<T>())
    }

    async fn load<K: Key, L: Loader<K>>(&self, key: K) -> Loaded<Option<L::Value>> {
        // Asked first, so that an anonymous caller is told so.
        self.actor()?;
        let loader = self.data_opt::<Arc<L>>().ok_or_else(|| missing::<L>())?;
        self.data_opt::<Batches>().ok_or_else(missing::<Batches>)?.load(loader, key).await
    }
}

fn missing<T>() -> ApiError {
    tracing::error!(missing = std::any::type_name::<T>(), "the schema was assembled without this");
    ApiError::new(ErrorCode::Internal, "internal error")
}
