//! Rows of action items, and what they quote. Each is its owner's alone.
use super::{REDACTED_AT_ONCE, each_its_own};
use crate::{
    coaching::{
        borrowed::redact,
        model::{ActionItem, ActionItemFilter, ActionItemStatus, Borrowed},
    },
    db::{self, Source, page},
    memory::Remembered,
    shared::{
        Error, Page, PageRequest, Result,
        actor::{AtLeast, Grant, Read, Scope, Write},
        id::{ActionItemId, CoachingSessionId, GoalId, TurnId, UserId, WorkspaceId},
    },
};
use entity::{action_item as item, action_item_quote as quote};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select, Set,
    sea_query::{Expr, ExprTrait, LockType},
};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

pub async fn insert_action_item(
    tx: &impl Source,
    grant: &Grant<Write>,
    item: &ActionItem,
    client_hash: Option<Vec<u8>>,
) -> Result<()> {
    let row = item::Model {
        id: item.id.uuid(),
        workspace_id: grant.workspace().uuid(),
        owner_id: grant.principal().uuid(),
        session_id: item.session.map(CoachingSessionId::uuid),
        goal_id: item.goal.map(GoalId::uuid),
        turn_id: item.turn.map(TurnId::uuid),
        text: item.text.clone(),
        due_at: item.due_at,
        status: item.status.name().to_owned(),
        version: item.version.into(),
        client_id: item.client_id,
        client_hash,
        created_at: item.created_at,
        updated_at: item.updated_at,
        completed_at: item.completed_at,
    };
    db::insert(tx, row).await
}

/// What can be changed of it.
pub async fn update_action_item(tx: &impl Source, grant: &Grant<Write>, item: &ActionItem) -> Result<()> {
    let changed = item::ActiveModel {
        text: Set(item.text.clone()),
        due_at: Set(item.due_at),
        status: Set(item.status.name().to_owned()),
        version: Set(item.version.into()),
        updated_at: Set(item.updated_at),
        completed_at: Set(item.completed_at),
        ..Default::default()
    };
    item::Entity::update_many()
        .set(changed)
        .filter(item::Column::Id.eq(item.id.uuid()))
        .filter(item::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(item::Column::OwnerId.eq(grant.principal().uuid()))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// The item that a client gave this id to, and the hash of what was sent with it.
pub async fn find_action_item_by_client_id(
    tx: &impl Source,
    grant: &Grant<Write>,
    client_id: Uuid,
) -> Result<Option<(ActionItem, Option<Vec<u8>>)>> {
    let row = own(grant).filter(item::Column::ClientId.eq(client_id)).one(tx.connection()).await?;
    row.map(|mut row| {
        let hash = row.client_hash.take();
        Ok((item_of(row)?, hash))
    })
    .transpose()
}

/// The item, and the grant for the workspace that it lies in; others that change it wait until the transaction ends.
pub async fn find_action_item_to_change<A>(
    tx: &impl Source,
    scope: &Scope<A>,
    id: ActionItemId,
) -> Result<Option<(ActionItem, Grant<A>)>> {
    let select = item::Entity::rows()
        .filter(item::Column::Id.eq(id.uuid()))
        .filter(item::Column::WorkspaceId.is_in(scope.workspaces()))
        .filter(item::Column::OwnerId.eq(scope.principal().uuid()))
        .lock(LockType::NoKeyUpdate);
    let Some(row) = db::one::<item::Model>(tx, select).await? else { return Ok(None) };
    let grant = scope.grant(row.workspace_id)?;
    Ok(Some((item_of(row)?, grant)))
}

pub async fn find_action_items(
    source: &impl Source,
    scope: &Scope<impl AtLeast<Read>>,
    ids: &[ActionItemId],
) -> Result<HashMap<ActionItemId, ActionItem>> {
    let select = visible(scope).filter(item::Column::Id.is_in(ids.iter().map(|id| id.uuid())));
    let rows = db::all(source, select).await?;
    rows.into_iter().map(|row| item_of(row).map(|item| (item.id, item))).collect()
}

/// The item, where it lies in the grant's workspace and is the principal's own.
pub async fn find_action_item(
    source: &impl Source,
    grant: &Grant<Write>,
    id: ActionItemId,
) -> Result<Option<ActionItem>> {
    let row = own(grant).filter(item::Column::Id.eq(id.uuid())).one(source.connection()).await?;
    row.map(item_of).transpose()
}

/// The principal's own, the newest first.
pub async fn list_action_items(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
    filter: &ActionItemFilter,
    request: &PageRequest,
) -> Result<Page<ActionItem>> {
    let mut select = own(grant);
    if let Some(status) = &filter.status {
        select = select.filter(db::named(item::Column::Status, status.iter().map(|status| status.name())));
    }
    if let Some(goal) = filter.goal {
        select = select.filter(item::Column::GoalId.eq(goal.uuid()));
    }
    let order = page::Keyset::newest_first(item::Column::CreatedAt, item::Column::Id);
    page::list(source, select, &order, request).await?.try_map(item_of)
}

/// The same page of what came from each session, oldest first, in one statement.
pub async fn list_action_items_of(
    source: &impl Source,
    scope: &Scope<impl AtLeast<Read>>,
    sessions: &[CoachingSessionId],
    request: &PageRequest,
) -> Result<HashMap<CoachingSessionId, Page<ActionItem>>> {
    let order = page::Keyset::oldest_first(item::Column::CreatedAt, item::Column::Id);
    let parents: Vec<Uuid> = sessions.iter().map(|id| id.uuid()).collect();
    let select = visible(scope);
    let pages: HashMap<Uuid, Page<item::Model>> =
        page::list_by(source, select, item::Column::SessionId, &parents, &order, request).await?;
    pages
        .into_iter()
        .map(|(id, page)| Ok((CoachingSessionId::from_uuid(id), page.try_map(item_of)?)))
        .collect()
}

/// What the item quotes of what was remembered.
pub async fn insert_item_quotes(tx: &impl Source, item: ActionItemId, quotes: &[Borrowed]) -> Result<()> {
    let rows = (1..).zip(quotes).map(|(place, borrowed)| quote::ActiveModel {
        action_item_id: Set(item.uuid()),
        place: Set(place),
        memory_id: Set(borrowed.from.uuid()),
        quote: Set(borrowed.quote.clone()),
    });
    if !quotes.is_empty() {
        quote::Entity::insert_many(rows).exec_without_returning(tx.connection()).await?;
    }
    Ok(())
}

/// Takes the words of memories and documents out of every item that quotes them; gives the items, with whose they are, and
/// the number of quotes. Another member's items too: a memory of the workspace may be quoted to everybody.
pub async fn erase_item_quotes(
    tx: &impl Source,
    grant: &Grant<Write>,
    from: &[Remembered],
) -> Result<(Vec<(ActionItemId, UserId)>, u64)> {
    let connection = tx.connection();
    let of_these = quote::Column::MemoryId.is_in(from.iter().map(|from| from.uuid()));
    let quoting = quote::Entity::find()
        .select_only()
        .column(quote::Column::ActionItemId)
        .filter(of_these.clone())
        .into_query();
    // Whatever else these items quote may overlap it.
    let quotes = quote::Entity::rows()
        .filter(quote::Column::ActionItemId.in_subquery(quoting))
        .all(connection)
        .await?;
    // Locked, in one order: another forgetting may rewrite the same item at the same time.
    let items = item::Entity::rows()
        .filter(db::among(item::Column::WorkspaceId, [grant.workspace().uuid()]))
        .filter(item::Column::Id.is_in(quotes.iter().map(|quote| quote.action_item_id)))
        .order_by_asc(item::Column::Id)
        .lock(LockType::NoKeyUpdate)
        .all(connection)
        .await?;
    let gone: HashSet<Uuid> = from.iter().map(|from| from.uuid()).collect();
    let redacted = |item: item::Model| {
        let of_item = quotes.iter().filter(|quote| quote.action_item_id == item.id);
        let of_item = of_item.map(|quote| (quote.quote.as_str(), gone.contains(&quote.memory_id)));
        let text = redact(&item.text, of_item);
        // The person may have written it anew since.
        (text != item.text).then_some(item::Model { text, ..item })
    };
    let redacted: Vec<_> = items.into_iter().filter_map(redacted).collect();
    for items in redacted.chunks(REDACTED_AT_ONCE) {
        let texts = items.iter().map(|item| (item.id, item.text.clone()));
        item::Entity::update_many()
            .col_expr(item::Column::Text, each_its_own(item::Column::Id, texts))
            .col_expr(item::Column::Version, Expr::col(item::Column::Version).add(1))
            .filter(item::Column::Id.is_in(items.iter().map(|item| item.id)))
            .exec(connection)
            .await?;
    }
    let erased = quote::Entity::delete_many().filter(of_these).exec(connection).await?;
    let items = redacted.iter().map(|row| (ActionItemId::from_uuid(row.id), UserId::from_uuid(row.owner_id)));
    Ok((items.collect(), erased.rows_affected))
}

fn own(grant: &Grant<impl AtLeast<Read>>) -> Select<item::Entity> {
    item::Entity::rows()
        .filter(item::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(item::Column::OwnerId.eq(grant.principal().uuid()))
}

fn visible(scope: &Scope<impl AtLeast<Read>>) -> Select<item::Entity> {
    item::Entity::rows()
        .filter(db::among(item::Column::WorkspaceId, scope.workspaces()))
        .filter(db::checked(item::Column::OwnerId.eq(scope.principal().uuid())))
}

fn item_of(row: item::Model) -> Result<ActionItem> {
    Ok(ActionItem {
        id: ActionItemId::from_uuid(row.id),
        workspace: WorkspaceId::from_uuid(row.workspace_id),
        session: row.session_id.map(CoachingSessionId::from_uuid),
        goal: row.goal_id.map(GoalId::from_uuid),
        turn: row.turn_id.map(TurnId::from_uuid),
        text: row.text,
        due_at: row.due_at,
        status: ActionItemStatus::from_name(&row.status)?,
        version: i32::try_from(row.version).map_err(Error::internal)?,
        client_id: row.client_id,
        created_at: row.created_at,
        updated_at: row.updated_at,
        completed_at: row.completed_at,
    })
}
