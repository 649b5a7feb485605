//! Workflows and their versions.
use super::{NO_WORKFLOW, WorkflowService};
use crate::{
    db::{
        self,
        idempotency::{self, Claimed, Key},
    },
    shared::{
        ClientId, Edited, Error, Problem, Problems, Result,
        actor::{Actor, Grant, Read, Write},
        edit,
        id::WorkflowId,
        text,
    },
    workflow::{
        event::{workflow_created, workflow_published, workflow_updated},
        graph::{self, Graph},
        model::{
            Draft, Drawn, MAX_NAME, NewWorkflow, Plan, Version, Workflow, WorkflowUpdate, is_slug, slug_from,
        },
        policy, store,
        validate::{self, GraphProblem},
    },
};

use serde::Serialize;
use serde_json::Value;
use tokio::task::spawn_blocking;

/// Tries at a free slug made from a name.
const SLUGS: u32 = 100;

impl WorkflowService {
    /// A new workflow with a draft. A graph that could not run is stored all the same, with what is wrong with it;
    /// only what is too large is refused. The same client id again gives the same workflow.
    pub async fn create(&self, actor: &Actor, new: NewWorkflow, key: Option<String>) -> Result<Workflow> {
        let grant = actor.may::<policy::CreateWorkflow>(new.workspace)?;
        let key = key.map(|key| Key::new("createWorkflow", key, &new)).transpose()?;
        let mut problems = Problems::default();
        let name = text::name(&mut problems, "name", &new.name, MAX_NAME);
        if new.slug.as_deref().is_some_and(|slug| !is_slug(slug)) {
            problems.invalid("slug", "a–z, 0–9 and hyphens between them, at most 50 characters");
        }
        validate::check_bounds(&mut problems, &new.graph, new.input_schema.as_ref());
        let content = Content {
            name: &name,
            slug: new.slug.as_deref(),
            graph: &new.graph,
            input_schema: new.input_schema.as_ref(),
        };
        let client_id = ClientId::checked(&mut problems, new.client_id.as_deref(), &content)?;
        problems.finish()?;
        // Compiling takes a moment: before the transaction, for there is one writer.
        let found = problems_of(&new.graph, new.input_schema.as_ref()).await?;
        let draft = Draft { problems: found, version: 1 };
        let workflow = Workflow {
            id: self.ambient.ids.next(),
            workspace: new.workspace,
            slug: new.slug.clone().unwrap_or_else(|| slug_of(&name)),
            name,
            draft,
            published: None,
            version: 1,
            client_id: client_id.as_ref().map(|client| client.id),
            created_at: self.ambient.now(),
        };
        let drawn = Drawn { workflow, graph: new.graph, input_schema: new.input_schema };
        let new = New { drawn, slug_given: new.slug.is_some(), client_id, key };
        match self.create_once(actor, &grant, new.clone()).await {
            // Another call with this client id was faster: its workflow is there now.
            Err(error) if db::is_unique_violation(&error) => self.create_once(actor, &grant, new).await,
            outcome => outcome,
        }
    }

    async fn create_once(&self, actor: &Actor, grant: &Grant<Write>, new: New) -> Result<Workflow> {
        let New { mut drawn, slug_given, client_id, key } = new;
        let mut tx = self.log.begin().await?;
        let claim = match idempotency::claim(&tx, &self.ambient, actor.principal(), key.as_ref()).await? {
            Claimed::Replay(id) => {
                let found = store::find_workflow(&tx, &actor.scope::<Read>(), id).await?;
                return Ok(found.ok_or(NO_WORKFLOW)?.0);
            }
            Claimed::New(claim) => claim,
        };
        if let Some(client_id) = &client_id
            && let Some((made, hash)) = store::find_workflow_by_client_id(&tx, grant, client_id.id).await?
        {
            client_id.require_same(hash.as_deref())?;
            claim.keep(&tx, &made.id).await?;
            tx.commit().await?;
            return Ok(made);
        }
        let hash = client_id.as_ref().map(|client| &*client.hash);
        let base = drawn.workflow.slug.clone();
        let mut number = 1;
        while !store::insert_workflow(&tx, grant, &drawn, hash).await? {
            number += 1;
            if slug_given {
                let message = "another workflow has this slug: choose a different one";
                return Err(Error::conflict("slug", message));
            }
            if number > SLUGS {
                return Err(Error::conflict("slug", "many workflows have this name: choose a slug"));
            }
            drawn.workflow.slug = format!("{}-{number}", base.get(..40).unwrap_or(&base));
        }
        let workflow = drawn.workflow;
        claim.keep(&tx, &workflow.id).await?;
        tx.record(grant, workflow_created(workflow.id));
        tx.commit().await?;
        Ok(workflow)
    }

    /// Changes name and draft. A graph that could not run is kept as a draft all the same, as by [`Self::create`].
    pub async fn update(&self, actor: &Actor, update: WorkflowUpdate) -> Result<Edited<Workflow>> {
        let scope = actor.scope::<policy::UpdateWorkflow>();
        let found = store::find_drawn_workflow(&self.db, &scope, update.workflow).await?;
        let (seen, _) = found.ok_or(NO_WORKFLOW)?;
        // Compiling takes a moment: before the transaction, for there is one writer.
        let expected = apply(&update, &seen)?;
        let problems = problems_of(&expected.graph, expected.input_schema.as_ref()).await?;

        let mut tx = self.log.begin().await?;
        let found = store::find_workflow_to_change(&tx, &scope, update.workflow).await?;
        let (old, grant) = found.ok_or(NO_WORKFLOW)?;
        if edit::is_stale(update.expected_version, old.workflow.version) {
            return Ok(Edited::Stale { version: old.workflow.version, current: old.workflow });
        }
        let mut changed = apply(&update, &old)?;
        let redrawn = !changed.does_as(&old);
        if !redrawn && changed.workflow.name == old.workflow.name {
            return Ok(Edited::Done(old.workflow));
        }
        if redrawn {
            changed.workflow.draft.version += 1;
            changed.workflow.draft.problems = match changed.does_as(&expected) {
                true => problems,
                // The other half of the draft was changed meanwhile.
                false => problems_of(&changed.graph, changed.input_schema.as_ref()).await?,
            };
        }
        changed.workflow.version += 1;
        store::update_workflow(&tx, &grant, &changed, self.ambient.now()).await?;
        tx.record(&grant, workflow_updated(changed.workflow.id));
        tx.commit().await?;
        Ok(Edited::Done(changed.workflow))
    }

    /// Makes the draft a version that runs can use, and that the actor answers for: its runs may do no more than the
    /// actor may. A draft that the actor has published already gives the same version again.
    pub async fn publish(
        &self,
        actor: &Actor,
        id: WorkflowId,
        expected_version: Option<i32>,
    ) -> Result<Edited<Version, Workflow>> {
        let mut tx = self.log.begin().await?;
        let (drawn, grant) =
            store::find_workflow_to_change(&tx, &actor.scope::<policy::PublishWorkflow>(), id)
                .await?
                .ok_or(NO_WORKFLOW)?;
        let Drawn { workflow, graph, input_schema } = drawn;
        if edit::is_stale(expected_version, workflow.version) {
            return Ok(Edited::Stale { version: workflow.version, current: workflow });
        }
        if !workflow.draft.problems.is_empty() {
            let problems = workflow.draft.problems.iter();
            return Err(Error::Refused(problems.map(|p| Problem::invalid(&p.path, &p.message)).collect()));
        }
        let now = self.ambient.now();
        let last = store::touch_for_publishing(&tx, &grant, id, now).await?;
        let checksum = graph::checksum(&graph, input_schema.as_ref()).map_err(Error::internal)?;
        let published = store::find_plan(&tx, &grant, &workflow, (last > 0).then_some(last)).await?;
        let publisher = actor.principal().uuid();
        if let Some(plan) = published
            && plan.version.checksum == checksum
            && plan.publisher == publisher
        {
            return Ok(Edited::Done(plan.version));
        }
        let version = Version {
            id: self.ambient.ids.next(),
            workflow: id,
            number: last + 1,
            checksum,
            published_at: now,
        };
        let plan = Plan { version: version.clone(), publisher, graph, input_schema };
        store::insert_version(&tx, &grant, &plan).await?;
        tx.record(&grant, workflow_published(&version));
        tx.commit().await?;
        Ok(Edited::Done(version))
    }
}

/// What makes a workflow what it is, where a client gives it an id of its own.
#[derive(Serialize)]
struct Content<'a> {
    name: &'a str,
    slug: Option<&'a str>,
    graph: &'a Graph,
    input_schema: Option<&'a Value>,
}

/// A workflow to be stored, by a request that may be a repeat.
#[derive(Clone)]
struct New {
    drawn: Drawn,
    slug_given: bool,
    client_id: Option<ClientId>,
    key: Option<Key>,
}

async fn problems_of(graph: &Graph, input_schema: Option<&Value>) -> Result<Vec<GraphProblem>> {
    let (graph, input_schema) = (graph.clone(), input_schema.cloned());
    let found = spawn_blocking(move || validate::problems(&graph, input_schema.as_ref()));
    found.await.map_err(Error::internal)
}

/// The workflow as it would be, with the versions and the problems that it has.
fn apply(update: &WorkflowUpdate, old: &Drawn) -> Result<Drawn> {
    let WorkflowUpdate { name, graph, input_schema, .. } = update.clone();
    let mut problems = Problems::default();
    let name = name.checked(&mut problems, "name", MAX_NAME);
    let name = name.over_required(&mut problems, "name", old.workflow.name.clone());
    let graph = graph.over_required(&mut problems, "graph", old.graph.clone());
    let input_schema = input_schema.over(old.input_schema.clone());
    validate::check_bounds(&mut problems, &graph, input_schema.as_ref());
    problems.finish()?;
    Ok(Drawn { workflow: Workflow { name, ..old.workflow.clone() }, graph, input_schema })
}

fn slug_of(name: &str) -> String {
    Some(slug_from(name)).filter(|slug| !slug.is_empty()).unwrap_or_else(|| "workflow".to_owned())
}
