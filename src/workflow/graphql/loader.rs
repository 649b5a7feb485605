use super::super::{WorkflowService, model};
use crate::{
    graphql_kit::{Key, Loaded, Loader, each},
    shared::{
        Page, PageRequest, Result,
        actor::Actor,
        id::{ApprovalId, Id, RunId, StepRunId, WorkflowId, WorkflowVersionId},
    },
};
use async_graphql::Request;
use std::{collections::HashMap, sync::Arc};
use uuid::Uuid;

/// Puts the slice's batching loader into a request.
pub fn request_data(request: Request, workflows: &WorkflowService, actor: &Actor) -> Request {
    let loader = WorkflowLoader { workflows: workflows.clone(), actor: actor.clone() };
    request.data(Arc::new(loader))
}

/// One per request: it carries the request's actor.
#[derive(Clone, Debug)]
pub struct WorkflowLoader {
    workflows: WorkflowService,
    actor: Actor,
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

fn keyed<K, T>(
    request: PageRequest,
    parents: Vec<Id<K>>,
    pages: Result<HashMap<Uuid, Page<T>>>,
) -> Vec<(PageOf<Id<K>>, Loaded<Page<T>>)>
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
