use crate::{
    account::model::{AuditAction, AuditEntry},
    db::{
        self, Source,
        page::{self, Keyset},
    },
    shared::{
        Error, Page, PageRequest, Result,
        actor::{Administer, AtLeast, Grant, Principal, Scope},
        id::{AnyId, AuditEntryId, WorkspaceId},
    },
};
use entity::audit_entry as row;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};
use std::collections::HashMap;

/// Written in the transaction of what it tells of; `workspace` is none for what concerns a person alone.
pub(in crate::account) async fn insert_audit(
    tx: &impl Source,
    workspace: Option<WorkspaceId>,
    entry: &AuditEntry,
) -> Result<()> {
    let new = row::ActiveModel {
        id: Set(entry.id.uuid()),
        workspace_id: Set(workspace.map(|id| id.uuid())),
        actor: Set(entry.actor.map(|principal| principal.to_string())),
        action: Set(entry.action.name().to_owned()),
        subject: Set(entry.subject.to_string()),
        data: Set(entry.data.clone()),
        at: Set(entry.at),
    };
    row::Entity::insert(new).exec_without_returning(tx.connection()).await?;
    Ok(())
}

pub(in crate::account) async fn list_audit(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Administer>>,
    request: &PageRequest,
) -> Result<Page<AuditEntry>> {
    let select = row::Entity::rows().filter(row::Column::WorkspaceId.eq(grant.workspace().uuid()));
    let order = Keyset::newest_first(row::Column::At, row::Column::Id);
    page::list(source, select, &order, request).await?.try_map(entry)
}

pub(in crate::account) async fn find_audit_entries(
    source: &impl Source,
    scope: &Scope<Administer>,
    ids: &[AuditEntryId],
) -> Result<HashMap<AuditEntryId, AuditEntry>> {
    let rows = row::Entity::rows()
        .filter(row::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .filter(db::among(row::Column::WorkspaceId, scope.allowed()))
        .all(source.connection())
        .await?;
    rows.into_iter().map(|row| entry(row).map(|entry| (entry.id, entry))).collect()
}

fn entry(row: row::Model) -> Result<AuditEntry> {
    let actor = row.actor.map(|id| id.parse::<AnyId>()).transpose()?;
    Ok(AuditEntry {
        id: AuditEntryId::from_uuid(row.id),
        actor: match actor {
            Some(AnyId::User(id)) => Some(Principal::User(id)),
            Some(AnyId::ServiceAccount(id)) => Some(Principal::Service(id)),
            Some(_) => {
                return Err(Error::internal(
                    "an audit entry's actor is neither a person nor a service account",
                ));
            }
            None => None,
        },
        action: AuditAction::from_name(&row.action)?,
        subject: row.subject.parse()?,
        data: row.data,
        at: row.at,
    })
}
