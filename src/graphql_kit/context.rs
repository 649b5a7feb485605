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

    /// Loads by the batching loader `L`, made for this request.
    fn load<K: Key, L: Loader<K> + OfRequest>(
        &self,
        key: K,
    ) -> impl Future<Output = Loaded<Option<L::Value>>> + Send;
}

/// What is made of a request where it is first needed.
pub trait OfRequest: Sized {
    fn of(ctx: &Context<'_>) -> Result<Self, ApiError>;
}

impl<'a> ContextExt<'a> for Context<'a> {
    fn actor(&self) -> Result<&'a Actor, ApiError> {
        self.data_opt().ok_or_else(|| Error::anonymous().into())
    }

    fn service<T: Any + Send + Sync>(&self) -> Result<&'a T, ApiError> {
        self.data_opt().ok_or_else(|| missing::<T>())
    }

    async fn load<K: Key, L: Loader<K> + OfRequest>(&self, key: K) -> Loaded<Option<L::Value>> {
        let batches = self.data_opt::<Batches>().ok_or_else(missing::<Batches>)?;
        batches.load(key, || Ok(Arc::new(L::of(self)?))).await
    }
}

fn missing<T>() -> ApiError {
    tracing::error!(missing = std::any::type_name::<T>(), "the schema was assembled without this");
    ApiError::new(ErrorCode::Internal, "internal error")
}
