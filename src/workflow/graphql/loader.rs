use super::super::{WorkflowService, model};
use crate::{
    graphql_kit::{ApiError, ContextExt, Key, Loaded, Loader, OfRequest, each},
    shared::{
        Page, PageRequest, Result,
        actor::Actor,
        id::{ApprovalId, Id, RunId, StepRunId, WorkflowId, WorkflowVersionId},
    },
};
use async_graphql::Context;
use std::collections::HashMap;
use uuid::Uuid;

/// Made of a request, whose actor it carries.
#[derive(Clone, Debug)]
pub struct WorkflowLoader {
    workflows: WorkflowService,
    actor: Actor,
}

impl OfRequest for WorkflowLoader {
    fn of(ctx: &Context<'_>) -> Result<Self, ApiError> {
        Ok(Self { actor: ctx.actor()?.clone(), workflows: ctx.service::<WorkflowService>()?.clone() })
    }
}

macro_rules! by_id {
    ($($id:ty => $value:ty, $find:ident;)*) => { $(
        impl Loader<$id> for WorkflowLoader {
            type Value = $value;

            async fn load(&self, ids: &[$id]) -> Loaded<HashMap<$id, Self::Value>> {
                Ok(self.workflows.$find(&self.actor, ids).await?)
            }
        }
    )* };
}

by_id! {
    WorkflowId => model::Workflow, find_workflows;
    WorkflowVersionId => model::Version, find_versions;
    RunId => model::Run, find_runs;
    StepRunId => model::StepRun, find_steps;
    ApprovalId => model::Approval, find_approvals;
}

/// A page of what belongs to something.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PageOf<P> {
    pub of: P,
    pub request: PageRequest,
}

/// Groups by the request: each is one statement for all parents.
fn by_request<K>(keys: &[PageOf<Id<K>>]) -> HashMap<PageRequest, Vec<Id<K>>>
where
    Id<K>: Copy,
{
    let mut grouped: HashMap<PageRequest, Vec<Id<K>>> = HashMap::new();
    for key in keys {
        grouped.entry(key.request).or_default().push(key.of);
    }
    grouped
}

/// A page that was asked for, or why there is none.
type Keyed<P, T> = (PageOf<P>, Loaded<Page<T>>);

fn keyed<K, T>(
    request: PageRequest,
    parents: Vec<Id<K>>,
    pages: Result<HashMap<Uuid, Page<T>>>,
) -> Vec<Keyed<Id<K>, T>>
where
    PageOf<Id<K>>: Key,
{
    let pages = pages.map(|pages| {
        pages.into_iter().map(move |(of, page)| (PageOf { of: Id::from_uuid(of), request }, page))
    });
    each(parents.into_iter().map(|of| PageOf { of, request }), pages)
}

impl Loader<PageOf<RunId>> for WorkflowLoader {
    type Value = Loaded<Page<model::StepRun>>;

    async fn load(&self, keys: &[PageOf<RunId>]) -> Loaded<HashMap<PageOf<RunId>, Self::Value>> {
        let mut loaded = HashMap::new();
        for (request, runs) in by_request(keys) {
            let pages = self.workflows.list_steps(&self.actor, &runs, &request).await;
            loaded.extend(keyed(request, runs, pages));
        }
        Ok(loaded)
    }
}

impl Loader<PageOf<StepRunId>> for WorkflowLoader {
    type Value = Loaded<Page<model::StepAttempt>>;

    async fn load(&self, keys: &[PageOf<StepRunId>]) -> Loaded<HashMap<PageOf<StepRunId>, Self::Value>> {
        let mut loaded = HashMap::new();
        for (request, steps) in by_request(keys) {
            let pages = self.workflows.list_attempts(&self.actor, &steps, &request).await;
            loaded.extend(keyed(request, steps, pages));
        }
        Ok(loaded)
    }
}
