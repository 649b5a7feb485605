//! Rows of what calls asked and answered.
use crate::{
    db::{self, Source},
    gateway::{
        content::KeptContent,
        record::{Ended, LlmCall},
    },
    shared::{
        Error, Result,
        actor::{Administer, AtLeast, Grant, Principal, Read, Scope, Write},
        id::LlmCallId,
    },
};
use chrono::{DateTime, Utc};
use entity::{gateway_state, llm_call_content as row};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockType},
};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Rows of one INSERT, and of one DELETE.
const ROWS: usize = 100;
const DELETED: u64 = 100;

/// Those of calls that are new, where their workspaces still want them and nothing was forgotten there since they began.
/// The workspaces' rows are held: a forgetting comes before, and is seen, or comes after, and erases what is written.
pub(in crate::gateway) async fn insert_contents(
    tx: &impl Source,
    calls: &[&Ended],
    now: DateTime<Utc>,
) -> Result<()> {
    let mut by_workspace: BTreeMap<Uuid, Vec<&Ended>> = BTreeMap::new();
    for ended in calls.iter().copied().filter(|ended| ended.content.is_some()) {
        by_workspace.entry(ended.call.workspace.uuid()).or_default().push(ended);
    }
    for (workspace, calls) in by_workspace {
        let state = gateway_state::Entity::find_by_id(workspace).lock(LockType::Share);
        let state = state.one(tx.connection()).await?;
        let Some(state) = state.filter(|state| state.keeps_contents) else { continue };
        let rows: Vec<_> = calls.iter().filter_map(|ended| to_row(ended, state.version, now)).collect();
        for rows in rows.chunks(ROWS) {
            row::Entity::insert_many(rows.to_vec()).exec_without_returning(tx.connection()).await?;
        }
    }
    Ok(())
}

fn to_row(ended: &Ended, version: i64, now: DateTime<Utc>) -> Option<row::ActiveModel> {
    let content = ended.content.as_ref().filter(|content| content.version == version)?;
    let LlmCall { id, workspace, principal, .. } = &ended.call;
    Some(row::ActiveModel {
        call_id: Set(id.uuid()),
        workspace_id: Set(workspace.uuid()),
        principal_id: Set(principal.uuid()),
        is_service: Set(matches!(principal, Principal::Service(_))),
        asked: Set(content.asked.clone()),
        answer: Set(content.answer.clone()),
        kept_at: Set(now),
    })
}

/// What was asked and answered, and since when it is kept: the principal's own, and service accounts' of workspaces that
/// the principal administers. Nobody sees a person's but they.
pub(in crate::gateway) async fn find_contents(
    source: &impl Source,
    scope: &Scope<Read>,
    administered: &Scope<Administer>,
    ids: &[LlmCallId],
) -> Result<HashMap<LlmCallId, KeptContent>> {
    let own = row::Column::PrincipalId.eq(scope.principal().uuid());
    let of_services = Condition::all()
        .add(row::Column::IsService.eq(true))
        .add(row::Column::WorkspaceId.is_in(administered.allowed()));
    let rows = row::Entity::rows()
        .filter(row::Column::CallId.is_in(ids.iter().map(|id| id.uuid())))
        .filter(db::among(row::Column::WorkspaceId, scope.allowed()))
        .filter(Condition::any().add(own).add(of_services))
        .all(source.connection())
        .await?;
    rows.into_iter().map(|row| Ok((LlmCallId::from_uuid(row.call_id), from_row(row)?))).collect()
}

fn from_row(row: row::Model) -> Result<KeptContent> {
    let asked = serde_json::from_str(&row.asked).map_err(Error::internal)?;
    Ok(KeptContent { asked, answer: row.answer, kept_at: row.kept_at })
}

/// Whether that is a change. The workspace's row is taken before.
pub(in crate::gateway) async fn set_keeps_contents(
    tx: &impl Source,
    grant: &Grant<Administer>,
    keeps: bool,
) -> Result<bool> {
    let changed = gateway_state::Entity::update_many()
        .col_expr(gateway_state::Column::KeepsContents, Expr::value(keeps))
        .filter(gateway_state::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(gateway_state::Column::KeepsContents.ne(keeps))
        .exec(tx.connection())
        .await?;
    Ok(changed.rows_affected > 0)
}

/// All of a workspace.
pub(in crate::gateway) async fn delete_contents(
    tx: &impl Source,
    grant: &Grant<impl AtLeast<Write>>,
) -> Result<u64> {
    let deleted = row::Entity::delete_many()
        .filter(row::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .exec(tx.connection())
        .await?;
    Ok(deleted.rows_affected)
}

/// Some of those that were kept before; how many.
pub(in crate::gateway) async fn delete_contents_before(
    source: &impl Source,
    before: DateTime<Utc>,
) -> Result<u64> {
    let old: Vec<Uuid> = row::Entity::find()
        .select_only()
        .column(row::Column::CallId)
        .filter(row::Column::KeptAt.lt(before))
        .order_by_asc(row::Column::KeptAt)
        .limit(DELETED)
        .into_tuple()
        .all(source.connection())
        .await?;
    let deleted =
        row::Entity::delete_many().filter(row::Column::CallId.is_in(old)).exec(source.connection()).await?;
    Ok(deleted.rows_affected)
}
