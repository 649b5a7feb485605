//! Rows of files that may come, and of those that came and are to be read.
use super::document::count;
use crate::{
    db::Source,
    gateway::Egress,
    memory::{
        model::{Described, MediaType, MemoryScope, Upload},
        partition::Partition,
    },
    shared::{
        Error, Result,
        actor::{Grant, Write},
        id::{DocumentId, WorkspaceId},
    },
};
use chrono::{DateTime, Utc};
use entity::{document_upload, document_upload_piece, server_key};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Select, Set,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use uuid::Uuid;

/// An upload, and whose work it is at the moment.
#[derive(Clone, Debug)]
pub(in crate::memory) struct StoredUpload {
    pub(in crate::memory) upload: Upload,
    pub(in crate::memory) partition: Partition,
    /// Once the file came.
    pub(in crate::memory) document: Option<DocumentId>,
    pub(in crate::memory) fence: i64,
    /// Workers that had it.
    pub(in crate::memory) attempts: i64,
}

pub(in crate::memory) async fn insert(
    tx: &impl Source,
    grant: &Grant<Write>,
    partition: &Partition,
    upload: &Upload,
) -> Result<()> {
    let described = &upload.described;
    let row = document_upload::Model {
        id: upload.id,
        workspace_id: grant.workspace().uuid(),
        owner_id: partition.owner(),
        user_id: partition.user(),
        scope: partition.scope().name().to_owned(),
        principal_id: grant.principal().uuid(),
        external_id: described.external_id.clone(),
        title: described.title.clone(),
        media_type: described.media_type.name().to_owned(),
        egress: described.egress.name().to_owned(),
        size: count(upload.size)?,
        document_id: None,
        fence: 0,
        attempts: 0,
        lease_until: None,
        created_at: upload.created_at,
        expires_at: upload.expires_at,
        received_at: None,
    };
    document_upload::Entity::insert(row.into_active_model()).exec_without_returning(tx.connection()).await?;
    Ok(())
}

/// Those that a principal may still use.
pub(in crate::memory) async fn count_open(
    tx: &impl Source,
    grant: &Grant<Write>,
    now: DateTime<Utc>,
) -> Result<u64> {
    let open = document_upload::Entity::rows()
        .filter(document_upload::Column::PrincipalId.eq(grant.principal().uuid()))
        .filter(document_upload::Column::ReceivedAt.is_null())
        .filter(document_upload::Column::ExpiresAt.gt(now));
    Ok(open.count(tx.connection()).await?)
}

/// Those of a workspace that may still come, or came and are still to be read.
pub(in crate::memory) async fn count_waiting(
    tx: &impl Source,
    grant: &Grant<Write>,
    now: DateTime<Utc>,
) -> Result<u64> {
    let may_come = document_upload::Column::ExpiresAt.gt(now);
    let waiting = document_upload::Entity::rows()
        .filter(document_upload::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(Condition::any().add(document_upload::Column::ReceivedAt.is_not_null()).add(may_come));
    Ok(waiting.count(tx.connection()).await?)
}

/// Those of a principal that were never used.
pub(in crate::memory) async fn delete_expired(
    tx: &impl Source,
    grant: &Grant<Write>,
    now: DateTime<Utc>,
) -> Result<()> {
    document_upload::Entity::delete_many()
        .filter(document_upload::Column::PrincipalId.eq(grant.principal().uuid()))
        .filter(document_upload::Column::ReceivedAt.is_null())
        .filter(document_upload::Column::ExpiresAt.lte(now))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// For upkeep, of all tenants: whether some were never used, and ended before then.
pub(in crate::memory) async fn has_unused(source: &impl Source, before: DateTime<Utc>) -> Result<bool> {
    let unused = document_upload::Entity::rows().filter(unused(before)).one(source.connection()).await?;
    Ok(unused.is_some())
}

/// Those of `has_unused`.
pub(in crate::memory) async fn delete_unused(tx: &impl Source, before: DateTime<Utc>) -> Result<()> {
    document_upload::Entity::delete_many().filter(unused(before)).exec(tx.connection()).await?;
    Ok(())
}

fn unused(before: DateTime<Utc>) -> Condition {
    Condition::all()
        .add(document_upload::Column::ReceivedAt.is_null())
        .add(document_upload::Column::ExpiresAt.lt(before))
}

/// One whose file has not come yet. In a transaction, nobody else has it until that ends.
pub(in crate::memory) async fn find_open(
    source: &impl Source,
    id: Uuid,
    lock: bool,
) -> Result<Option<StoredUpload>> {
    let mut select =
        document_upload::Entity::find_by_id(id).filter(document_upload::Column::ReceivedAt.is_null());
    if lock {
        select = select.lock_exclusive();
    }
    select.one(source.connection()).await?.map(from_row).transpose()
}

/// The one that was answered to an idempotency key.
pub(in crate::memory) async fn find_made(
    tx: &impl Source,
    grant: &Grant<Write>,
    id: Uuid,
) -> Result<Option<StoredUpload>> {
    let row = document_upload::Entity::find_by_id(id)
        .filter(document_upload::Column::PrincipalId.eq(grant.principal().uuid()))
        .one(tx.connection())
        .await?;
    row.map(from_row).transpose()
}

/// The file came: it is to be read for this document.
pub(in crate::memory) async fn receive(
    tx: &impl Source,
    upload: &Upload,
    document: DocumentId,
    now: DateTime<Utc>,
) -> Result<()> {
    document_upload::Entity::update_many()
        .col_expr(document_upload::Column::ReceivedAt, Expr::value(now))
        .col_expr(document_upload::Column::DocumentId, Expr::value(document.uuid()))
        .filter(document_upload::Column::Id.eq(upload.id))
        .exec(tx.connection())
        .await?;
    Ok(())
}

pub(in crate::memory) async fn insert_piece(
    tx: &impl Source,
    upload: &Upload,
    number: usize,
    bytes: Vec<u8>,
) -> Result<()> {
    let row = document_upload_piece::ActiveModel {
        upload_id: Set(upload.id),
        number: Set(count(number)?),
        bytes: Set(bytes),
    };
    document_upload_piece::Entity::insert(row).exec_without_returning(tx.connection()).await?;
    Ok(())
}

pub(in crate::memory) async fn find_piece(
    source: &impl Source,
    upload: &Upload,
    number: usize,
) -> Result<Option<Vec<u8>>> {
    let piece = document_upload_piece::Entity::find_by_id((upload.id, count(number)?))
        .one(source.connection())
        .await?;
    Ok(piece.map(|piece| piece.bytes))
}

/// For workers, of all tenants: workspaces with files that came and that nobody reads; with `everything`, whoever did.
pub(in crate::memory) async fn list_waiting(
    source: &impl Source,
    now: DateTime<Utc>,
    everything: bool,
) -> Result<Vec<WorkspaceId>> {
    let ids: Vec<Uuid> = due(now, everything)
        .select_only()
        .column(document_upload::Column::WorkspaceId)
        .distinct()
        .into_tuple()
        .all(source.connection())
        .await?;
    Ok(ids.into_iter().map(WorkspaceId::from_uuid).collect())
}

fn due(now: DateTime<Utc>, everything: bool) -> Select<document_upload::Entity> {
    let free = (!everything).then(|| free(now));
    document_upload::Entity::rows()
        .filter(document_upload::Column::ReceivedAt.is_not_null())
        .filter(Condition::all().add_option(free))
}

/// Those of one workspace, oldest first.
pub(in crate::memory) async fn list_due(
    source: &impl Source,
    workspace: WorkspaceId,
    now: DateTime<Utc>,
    everything: bool,
    limit: u64,
) -> Result<Vec<StoredUpload>> {
    let rows = due(now, everything)
        .filter(document_upload::Column::WorkspaceId.eq(workspace.uuid()))
        .order_by_asc(document_upload::Column::ReceivedAt)
        .order_by_asc(document_upload::Column::Id)
        .limit(limit)
        .all(source.connection())
        .await?;
    rows.into_iter().map(from_row).collect()
}

fn free(now: DateTime<Utc>) -> Condition {
    let until = document_upload::Column::LeaseUntil;
    Condition::any().add(until.is_null()).add(until.lt(now))
}

/// Takes it to be read; `None` where another worker was faster.
pub(in crate::memory) async fn claim(
    tx: &impl Source,
    due: &StoredUpload,
    until: DateTime<Utc>,
) -> Result<Option<StoredUpload>> {
    use document_upload::Column::{Attempts, Fence, Id, LeaseUntil};
    let rows = document_upload::Entity::update_many()
        .col_expr(Fence, Expr::col(Fence).add(1))
        .col_expr(Attempts, Expr::col(Attempts).add(1))
        .col_expr(LeaseUntil, Expr::value(until))
        .filter(Id.eq(due.upload.id))
        .filter(Fence.eq(due.fence))
        .exec_with_returning(tx.connection())
        .await?;
    rows.into_iter().next().map(from_row).transpose()
}

/// Holds on to it; `false` where it is lost.
pub(in crate::memory) async fn renew(
    tx: &impl Source,
    held: &StoredUpload,
    until: DateTime<Utc>,
) -> Result<bool> {
    let renewed = document_upload::Entity::update_many()
        .col_expr(document_upload::Column::LeaseUntil, Expr::value(until))
        .filter(held_by(held))
        .exec(tx.connection())
        .await?;
    Ok(renewed.rows_affected > 0)
}

/// Gives it back unread, as if nobody had had it.
pub(in crate::memory) async fn release(tx: &impl Source, held: &StoredUpload) -> Result<()> {
    use document_upload::Column::{Attempts, LeaseUntil};
    document_upload::Entity::update_many()
        .col_expr(LeaseUntil, Expr::value(None::<DateTime<Utc>>))
        .col_expr(Attempts, Expr::col(Attempts).sub(1))
        .filter(held_by(held))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// It was read: the file goes. `false` where it is in other hands: then nothing is to be written.
pub(in crate::memory) async fn finish(tx: &impl Source, held: &StoredUpload) -> Result<bool> {
    let deleted = document_upload::Entity::delete_many().filter(held_by(held)).exec(tx.connection()).await?;
    Ok(deleted.rows_affected > 0)
}

fn held_by(held: &StoredUpload) -> Condition {
    Condition::all()
        .add(document_upload::Column::Id.eq(held.upload.id))
        .add(document_upload::Column::Fence.eq(held.fence))
}

/// Files that are still to be read for a document, which nobody waits for any more.
pub(in crate::memory) async fn delete_of(tx: &impl Source, document: DocumentId) -> Result<()> {
    document_upload::Entity::delete_many()
        .filter(document_upload::Column::DocumentId.eq(document.uuid()))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// The key that uploads are signed with: this one, or an older one.
pub(in crate::memory) async fn signing_key(tx: &impl Source, fresh: [u8; 32]) -> Result<Vec<u8>> {
    const NAME: &str = "uploads";
    let row = server_key::ActiveModel { name: Set(NAME.to_owned()), value: Set(fresh.to_vec()) };
    server_key::Entity::insert(row)
        .on_conflict(OnConflict::column(server_key::Column::Name).do_nothing().to_owned())
        .exec_without_returning(tx.connection())
        .await?;
    let row = server_key::Entity::find_by_id(NAME).one(tx.connection()).await?;
    row.map(|row| row.value).ok_or_else(|| Error::internal("a key is there and is not"))
}

fn from_row(row: document_upload::Model) -> Result<StoredUpload> {
    let workspace = WorkspaceId::from_uuid(row.workspace_id);
    let scope = MemoryScope::from_name(&row.scope)?;
    let described = Described {
        workspace,
        scope,
        external_id: row.external_id,
        title: row.title,
        media_type: MediaType::from_name(&row.media_type)?,
        egress: Egress::from_name(&row.egress)?,
    };
    let upload = Upload {
        id: row.id,
        principal: row.principal_id,
        described,
        size: usize::try_from(row.size).map_err(Error::internal)?,
        created_at: row.created_at,
        expires_at: row.expires_at,
    };
    Ok(StoredUpload {
        upload,
        partition: Partition::of_row(workspace, scope, row.owner_id, row.user_id),
        document: row.document_id.map(DocumentId::from_uuid),
        fence: row.fence,
        attempts: row.attempts,
    })
}
