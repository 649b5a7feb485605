//! Policies of a workspace: set, removed, listed, tried out.
use super::{Gateway, route::TOPIC};
use crate::{
    account::AuditAction,
    gateway::{
        guard::{Guard, GuardrailPolicy, Layer},
        guardrail::{Action, Decision, Masks, OnError, Policy, Rule, Stage},
        policy, store,
    },
    shared::{
        Edited, Error, Problem, ProblemCode, Problems, Result,
        actor::Actor,
        edit,
        id::{AnyId, WorkspaceId},
        text,
    },
};
use serde_json::json;
use std::{collections::HashMap, sync::Arc};

/// Policies of one workspace.
const MAX_POLICIES: u64 = 20;
/// Characters of a policy's name, and of a route's.
const MAX_NAME: usize = 100;
/// Routes that one policy names.
const MAX_ROUTES: usize = 20;
/// Characters of a text on which policies are tried.
const MAX_TRIED: usize = 20_000;

/// A policy as somebody writes it.
#[derive(Clone, Debug)]
pub struct NewGuardrailPolicy {
    pub workspace: WorkspaceId,
    pub name: String,
    pub stage: Stage,
    pub routes: Vec<String>,
    pub rules: Vec<Rule>,
    pub on_error: OnError,
    pub expected_version: Option<i32>,
}

/// What policies make of a text.
#[derive(Debug)]
pub struct Tried {
    /// What would be done with it.
    pub action: Action,
    /// As it would go on; empty where it would not.
    pub text: String,
    /// What each policy finds in the text as it is, by the policies' names.
    pub decisions: Vec<(String, Decision)>,
}

impl Gateway {
    /// Makes the policy of this name, or puts it in the place of the one that is there.
    pub async fn set_guardrail_policy(
        &self,
        actor: &Actor,
        new: NewGuardrailPolicy,
    ) -> Result<Edited<GuardrailPolicy>> {
        let grant = actor.may::<policy::SetGuardrailPolicy>(new.workspace)?;
        let expected = new.expected_version;
        let policy = self.checked(new).await?;
        let mut tx = self.events.begin().await?;
        let id = self.ambient.ids.uuid();
        let policy = if store::insert_guardrail_policy(&tx, &grant, id, &policy).await? {
            if expected.is_some() {
                return Err(Error::conflict("expectedVersion", "there is no such policy (any more)"));
            }
            if store::count_guardrail_policies(&tx, &grant).await? > MAX_POLICIES {
                let message = format!("a workspace has at most {MAX_POLICIES} policies");
                return Err(Error::Refused(vec![Problem::new(ProblemCode::LimitReached, "name", message)]));
            }
            policy
        } else {
            let old = store::lock_guardrail_policy(&tx, &grant, &policy.name).await?;
            let old = old.ok_or(Error::Unavailable("the policy was removed at this moment: try again"))?;
            if edit::is_stale(expected, old.version) {
                return Ok(Edited::Stale { version: old.version, current: old });
            }
            if (&old.routes, &old.policy) == (&policy.routes, &policy.policy) {
                return Ok(Edited::Done(old));
            }
            let policy = GuardrailPolicy { version: old.version + 1, ..policy };
            store::update_guardrail_policy(&tx, &grant, &policy).await?;
            policy
        };
        let data = json!({ "name": policy.name, "stage": policy.policy.stage, "version": policy.version });
        let (by, subject) = (Some(actor.principal()), AnyId::Workspace(policy.workspace));
        let (action, workspace) = (AuditAction::GuardrailPolicySet, Some(policy.workspace));
        self.account.audit(&mut tx, by, workspace, action, subject, data).await?;
        // What was answered before is not held against it.
        store::advance(&tx, &grant).await?;
        tx.tell(TOPIC, policy.workspace.uuid().as_bytes().to_vec());
        tx.commit().await?;
        self.forget_held(policy.workspace);
        Ok(Edited::Done(policy))
    }

    /// The name of what is gone.
    pub async fn remove_guardrail_policy(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        name: &str,
    ) -> Result<String> {
        let grant = actor.may::<policy::RemoveGuardrailPolicy>(workspace)?;
        let mut problems = Problems::default();
        let name = text::required(&mut problems, "name", name, MAX_NAME);
        problems.finish()?;
        let mut tx = self.events.begin().await?;
        if !store::delete_guardrail_policy(&tx, &grant, &name).await? {
            return Err(Error::NotFound("guardrail policy"));
        }
        let (by, subject) = (Some(actor.principal()), AnyId::Workspace(workspace));
        let (action, data) = (AuditAction::GuardrailPolicyRemoved, json!({ "name": name }));
        self.account.audit(&mut tx, by, Some(workspace), action, subject, data).await?;
        store::advance(&tx, &grant).await?;
        tx.tell(TOPIC, workspace.uuid().as_bytes().to_vec());
        tx.commit().await?;
        self.forget_held(workspace);
        Ok(name)
    }

    /// Those of each workspace that the actor administers.
    pub async fn find_guardrail_policies(
        &self,
        actor: &Actor,
        workspaces: &[WorkspaceId],
    ) -> Result<HashMap<WorkspaceId, Vec<GuardrailPolicy>>> {
        store::find_guardrail_policies(&self.db, &actor.scope(), workspaces).await
    }

    /// What the policies that hold on a route make of a text.
    pub async fn test_guardrails(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        route: &str,
        stage: Stage,
        text: String,
    ) -> Result<Tried> {
        actor.may::<policy::SetGuardrailPolicy>(workspace)?;
        let length = text.chars().count();
        if length > MAX_TRIED {
            return Err(Error::BadInput(format!(
                "text: {length} characters: at most {MAX_TRIED} are possible"
            )));
        }
        // As they are now, not as they were before another server changed them a moment ago.
        self.held.forget(workspace);
        let held = self.held(workspace).await?;
        let found = self.known_route(&held, route)?;
        let layers = self.policies.of(&held.policies, &[(route, &*found)]);
        let policies = self.policies.clone();
        // Long enough to hold others up.
        let tried = tokio::task::spawn_blocking(move || {
            let of_stage = layers.iter().filter(|layer| layer.stage() == stage);
            let decide = |layer: &Arc<Layer>| {
                (layer.name.clone(), layer.whole.evaluate(&text, &mut Masks::default(), None))
            };
            let decisions = of_stage.map(decide).collect();
            let (action, text) = Guard::try_on(&policies, &layers, stage, &text);
            Tried { action, text, decisions }
        });
        tried.await.map_err(Error::internal)
    }

    async fn checked(&self, new: NewGuardrailPolicy) -> Result<GuardrailPolicy> {
        let held = self.held(new.workspace).await?;
        let mut problems = Problems::default();
        let name = text::required(&mut problems, "name", &new.name, MAX_NAME);
        if new.routes.len() > MAX_ROUTES {
            problems
                .invalid("routes", format!("at most {MAX_ROUTES} routes are possible; name none for all"));
        }
        for (place, route) in new.routes.iter().enumerate().take(MAX_ROUTES) {
            if self.known_route(&held, route).is_err() {
                problems.invalid(format!("routes.{place}"), "there is no such route");
            }
        }
        problems.finish()?;
        let policy = Policy { stage: new.stage, rules: new.rules, on_error: new.on_error };
        policy.validate()?;
        let updated_at = self.ambient.now();
        Ok(GuardrailPolicy {
            workspace: new.workspace,
            name,
            routes: new.routes,
            policy,
            version: 1,
            updated_at,
        })
    }
}
