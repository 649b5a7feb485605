//! The usage log, read and written.
use super::Gateway;
use crate::{
    account::AuditAction,
    gateway::{
        guardrail::Action,
        record::LlmCall,
        store::{self, CallOrder, UsageSum, Whose},
    },
    shared::{
        Page, PageRequest, Result,
        actor::{Actor, Administer, Read},
        id::{AnyId, LlmCallId, WorkspaceId},
    },
};
use chrono::{DateTime, Datelike, NaiveTime, Utc};
use serde_json::json;
use std::collections::HashMap;
use tokio_util::sync::CancellationToken;

/// Over what usage is told: from the beginning, in UTC, until now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsagePeriod {
    Day,
    Month,
}

impl UsagePeriod {
    fn began(self, now: DateTime<Utc>) -> DateTime<Utc> {
        let day = now.date_naive();
        let first = match self {
            Self::Day => day,
            Self::Month => day.with_day(1).unwrap_or(day),
        };
        first.and_time(NaiveTime::MIN).and_utc()
    }
}

impl Gateway {
    /// The calls of a workspace: everybody's for who administers it, the actor's own for the others.
    pub async fn list_calls(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        order: CallOrder,
        descending: bool,
        request: &PageRequest,
    ) -> Result<Page<LlmCall>> {
        let grant = actor.may::<Read>(workspace)?;
        store::list_calls(&self.db, &grant, whose(actor, workspace), order, descending, request).await
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

    /// Writes calls that have ended, until `stop`.
    pub async fn write_log(self, stop: CancellationToken) {
        self.log.clone().write(self, stop).await;
    }

    /// Writes what waits.
    pub async fn flush_log(&self) {
        self.log.flush(self).await;
    }

    /// Writes calls that have ended; what guardrails want somebody to look at goes into the audit trail with them.
    pub(in crate::gateway) async fn keep_calls(&self, calls: &[LlmCall]) -> Result<()> {
        let mut tx = self.event_log.begin().await?;
        store::insert_calls(&tx, calls).await?;
        for call in calls {
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
