//! The usage log, read and written.
use super::Gateway;
use crate::{
    account::AuditAction,
    event::Cursor,
    gateway::{
        event::CallEnded,
        guardrail::Action,
        period::UsagePeriod,
        record::{Ended, LlmCall},
        store::{self, CallFilter, CallOrder, UsageGroup, UsageSum, Whose},
    },
    shared::{
        Page, PageRequest, Result,
        actor::{Actor, Administer, Read, Write},
        id::{AnyId, LlmCallId, WorkspaceId},
    },
};
use futures_util::{Stream, StreamExt};
use serde_json::json;
use std::collections::HashMap;
use tokio_util::sync::CancellationToken;

impl Gateway {
    /// The calls of a workspace: everybody's for who administers it, the actor's own for the others.
    pub async fn list_calls(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        filter: &CallFilter,
        order: CallOrder,
        descending: bool,
        request: &PageRequest,
    ) -> Result<Page<LlmCall>> {
        let grant = actor.may::<Read>(workspace)?;
        let whose = whose(actor, workspace);
        store::list_calls(&self.db, &grant, whose, filter, order, descending, request).await
    }

    /// Those of the calls that the actor may see.
    pub async fn find_calls(&self, actor: &Actor, ids: &[LlmCallId]) -> Result<HashMap<LlmCallId, LlmCall>> {
        let administered = actor.scope::<Administer>();
        store::find_calls(&self.db, &actor.scope(), administered.allowed(), ids).await
    }

    /// What was used in this period so far, of the calls that the actor may see.
    pub async fn usage(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        period: UsagePeriod,
    ) -> Result<UsageSum> {
        let grant = actor.may::<Read>(workspace)?;
        let since = period.began(self.ambient.now());
        store::sum_usage(&self.db, &grant, whose(actor, workspace), since).await
    }

    /// The same, told apart; those with the most calls first.
    pub async fn usage_by(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        period: UsagePeriod,
        by: UsageGroup,
    ) -> Result<Vec<(Option<String>, UsageSum)>> {
        let grant = actor.may::<Read>(workspace)?;
        let since = period.began(self.ambient.now());
        store::group_usage(&self.db, &grant, whose(actor, workspace), since, by).await
    }

    /// The calls that ended after a place, from now on without one, then those that end; never ends. For who makes some:
    /// a viewer has none.
    pub async fn follow_calls(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        after: Option<Cursor>,
    ) -> Result<impl Stream<Item = Result<CallEnded>> + Send + use<>> {
        let grant = actor.may::<Write>(workspace)?;
        let begin = match after {
            Some(after) => self.events.begin_after(&grant, Some(&after)).await?,
            None => self.events.head(&self.db, workspace).await?,
        };
        let (whose, principal) = (whose(actor, workspace), actor.principal());
        let events = self.events.follow(&grant, None, begin);
        Ok(events.filter_map(move |event| {
            let sees = |ended: &CallEnded| whose == Whose::Everybodys || ended.principal == principal;
            let ended = event.map(|event| CallEnded::of(&event).filter(sees)).transpose();
            std::future::ready(ended)
        }))
    }

    /// Writes calls that have ended, until `stop`.
    pub async fn write_log(self, stop: CancellationToken) {
        self.log.clone().write(self, stop).await;
    }

    /// Writes what budgets have used, until `stop`.
    pub async fn keep_budgets(self, stop: CancellationToken) {
        self.ledger.keep(stop).await;
    }

    /// Ends what dead processes hold of budgets, until `stop`.
    pub async fn sweep_budgets(self, stop: CancellationToken) {
        self.ledger.sweep(stop).await;
    }

    /// Writes what waits.
    pub async fn flush_log(&self) {
        self.log.flush(self).await;
    }

    /// The same, and gives back what is left of budgets.
    pub async fn close(&self) {
        self.log.close(self).await;
        self.ledger.close().await;
    }

    /// Writes calls that have ended; what guardrails want somebody to look at goes into the audit trail with them.
    pub(in crate::gateway) async fn keep_calls(&self, calls: &[Ended]) -> Result<()> {
        let mut tx = self.events.begin().await?;
        let new = store::insert_calls(&mut tx, calls).await?;
        store::insert_contents(&tx, &new, self.ambient.now()).await?;
        for Ended { call, .. } in new {
            for it in call.guardrails.iter().filter(|it| it.action == Action::Escalate && it.count > 0) {
                let data =
                    json!({ "stage": it.stage, "check": it.check, "count": it.count, "route": call.route });
                let (by, workspace) = (Some(call.principal), Some(call.workspace));
                let (action, subject) = (AuditAction::GuardrailEscalated, AnyId::LlmCall(call.id));
                self.account.audit(&mut tx, by, workspace, action, subject, data).await?;
            }
        }
        tx.commit().await
    }
}

fn whose(actor: &Actor, workspace: WorkspaceId) -> Whose {
    match actor.may::<Administer>(workspace) {
        Ok(_) => Whose::Everybodys,
        Err(_) => Whose::Own,
    }
}
