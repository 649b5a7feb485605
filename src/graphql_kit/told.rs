//! What many who follow the same are told in the same words is put into words once: what an event itself tells. As soon as
//! something has to be loaded for it, each is told alone.
use super::Sight;
use crate::{
    event::{self, Shares},
    shared::{actor::Actor, id::WorkspaceId},
};
use async_graphql::{
    ContextSelectionSet, OutputType, Positioned, Response, ServerError, ServerResult, Value,
    indexmap::IndexMap, parser::types::Field, registry::Registry,
};
use chrono::Utc;
use std::{
    borrow::Cow,
    fmt,
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    task::Poll,
    time::Duration,
};

/// How long words are kept: until the slowest of those who hear the same has come to them.
const KEPT_FOR: Duration = Duration::from_millis(500);
/// Longer words are kept by nobody: what is kept has a bound.
const MAX_BYTES: usize = 16_384;
/// Whatever the log says since: they tell of nothing but the event.
const ANY: i64 = 0;

/// What a follower is told of an event, as it is written on every wire. Without errors: those name the request.
#[derive(Debug)]
pub struct Told {
    /// The answer.
    pub json: String,
    /// The event's cursor, where it was asked for under that name.
    pub cursor: Option<String>,
}

/// What was told a moment ago. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tellings(Shares<(Sight, [u8; 32], Moment), Arc<Told>>);

impl Default for Tellings {
    fn default() -> Self {
        Self(Shares::kept_for(KEPT_FOR))
    }
}

type Write = dyn Fn(Response) -> serde_json::Result<Told> + Send + Sync;

/// How one subscription has its events told, in its request's data.
#[derive(Clone)]
pub struct Telling(Arc<Inner>);

struct Inner {
    words: [u8; 32],
    /// Of the subscription's actor in the workspace that it follows.
    sight: OnceLock<(WorkspaceId, Sight)>,
    write: Box<Write>,
    told: Mutex<Option<Arc<Told>>>,
}

impl Telling {
    /// `words` is equal for subscriptions that tell the same event to the same reader in the same words.
    pub fn new(
        words: [u8; 32],
        write: impl Fn(Response) -> serde_json::Result<Told> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner {
            words,
            sight: OnceLock::new(),
            write: Box::new(write),
            told: Mutex::default(),
        }))
    }

    /// What the event that was executed last is told as, where others are told the same; then there is nothing in its
    /// response.
    pub fn take(&self) -> Option<Arc<Told>> {
        self.0.told.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn sight(&self, ctx: &ContextSelectionSet<'_>, workspace: WorkspaceId) -> Option<Sight> {
        let seen = || Some(Sight::of(ctx.data_opt::<Actor>()?, workspace));
        match self.0.sight.get() {
            Some((of, sight)) if *of == workspace => Some(*sight),
            Some(_) => seen(),
            None => seen().inspect(|sight| {
                let _ = self.0.sight.set((workspace, *sight));
            }),
        }
    }

    fn put(&self, told: Arc<Told>) {
        *self.0.told.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
    }
}

impl fmt::Debug for Telling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Telling")
    }
}

/// What makes the events of two followers the same: of a reply's text, where it begins and ends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Moment {
    pub cursor: event::Cursor,
    pub begin: i32,
    pub at: chrono::DateTime<Utc>,
}

/// An event that many may be told at this moment; shown as what is in it.
#[derive(Debug)]
pub struct OfMany<T> {
    pub event: T,
    /// `None` where each has it put into words alone.
    pub moment: Option<Moment>,
}

impl<T: OutputType> OutputType for OfMany<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn introspection_type_name(&self) -> Cow<'static, str> {
        self.event.introspection_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let shared = (self.moment, ctx.data_opt::<Telling>(), ctx.data_opt::<Tellings>());
        let (Some(moment), Some(telling), Some(tellings)) = shared else {
            return self.event.resolve(ctx, field).await;
        };
        let workspace = moment.cursor.workspace;
        let Some(sight) = telling.sight(ctx, workspace) else {
            return self.event.resolve(ctx, field).await;
        };
        let alike = (sight, telling.0.words, moment);
        if let Some(told) = tellings.0.find(workspace, ANY, alike) {
            telling.put(told);
            return Ok(Value::Null);
        }
        let mut resolving = pin!(self.event.resolve(ctx, field));
        let value = match poll_fn(|task| Poll::Ready(resolving.as_mut().poll(task))).await {
            Poll::Ready(value) => value?,
            // What has to be loaded is shown to each as it is then.
            Poll::Pending => return resolving.await,
        };
        // An error is told with the request that met it.
        if !ctx.query_env.errors.lock().is_ok_and(|errors| errors.is_empty()) {
            return Ok(value);
        }
        let key = field.node.response_key().node.clone();
        let response = Response::new(Value::Object(IndexMap::from([(key, value)])));
        let told = (telling.0.write)(response);
        let told = Arc::new(told.map_err(|error| ServerError::new(error.to_string(), Some(field.pos)))?);
        if told.json.len() <= MAX_BYTES {
            tellings.0.keep(workspace, ANY, alike, Arc::clone(&told));
        }
        telling.put(told);
        Ok(Value::Null)
    }
}
