//! Writes events to the log.
use super::NewEvent;
use crate::{
    db::{self, Source},
    shared::{Error, Result, id::WorkspaceId},
};
use chrono::{DateTime, Utc};
use entity::{event, event_head};
use sea_orm::{
    ColumnTrait, ConnectionTrait, ExprTrait,
    sea_query::{
        CommonTableExpression, Expr, InsertStatement, Query, SimpleExpr, UnionType, UpdateStatement,
        WithClause,
    },
};

/// Numbers events behind the workspace's last one and writes them; its head is locked until the transaction is over.
pub(super) async fn append(
    tx: &db::Tx,
    workspace: WorkspaceId,
    events: &[NewEvent],
    at: DateTime<Utc>,
) -> Result<()> {
    let count = i64::try_from(events.len()).map_err(Error::internal)?;
    let mut advance = Query::update();
    advance
        .table(event_head::Entity)
        .value(event_head::Column::Position, Expr::col(event_head::Column::Position).add(count))
        .and_where(event_head::Column::WorkspaceId.eq(workspace.uuid()))
        .returning_col(event_head::Column::Position);
    let rows = |last: SimpleExpr| {
        let rows = (1..).zip(events);
        rows.map(move |(place, event)| row(workspace, last.clone().add(place - count), event, at))
    };
    let is_there = if tx.is_sqlite() {
        append_in_two(tx, &advance, rows).await?
    } else {
        append_in_one(tx, advance, rows).await?
    };
    if is_there { Ok(()) } else { Err(Error::NotFound("workspace")) }
}

/// SQLite changes nothing inside of another statement.
async fn append_in_two<R: Iterator<Item = Row>>(
    tx: &db::Tx,
    advance: &UpdateStatement,
    rows: impl FnOnce(SimpleExpr) -> R,
) -> Result<bool> {
    let Some(advanced) = tx.connection().query_one(advance).await? else { return Ok(false) };
    let last: i64 = advanced.try_get_by_index(0)?;
    let mut insert = into_log();
    for row in rows(last.into()) {
        insert.values(row).map_err(Error::internal)?;
    }
    tx.connection().execute(&insert).await?;
    Ok(true)
}

/// On PostgreSQL a statement is a round trip, for whose time the head would be locked.
async fn append_in_one<R: Iterator<Item = Row>>(
    tx: &db::Tx,
    advance: UpdateStatement,
    rows: impl FnOnce(SimpleExpr) -> R,
) -> Result<bool> {
    let head = CommonTableExpression::new().table_name(HEAD).query(advance).to_owned();
    let last = Expr::col((HEAD, event_head::Column::Position));
    let rows = rows(last).map(|row| Query::select().exprs(row).from(HEAD).take());
    let Some(rows) = rows.reduce(|mut all, next| all.union(UnionType::All, next).take()) else {
        return Ok(true);
    };
    let insert = into_log().select_from(rows).map_err(Error::internal)?.take();
    let done = tx.connection().execute(&insert.with(WithClause::new().cte(head).to_owned())).await?;
    Ok(done.rows_affected() > 0)
}

const HEAD: &str = "head";

fn into_log() -> InsertStatement {
    Query::insert().into_table(event::Entity).columns(COLUMNS).take()
}

const COLUMNS: [event::Column; 7] = [
    event::Column::WorkspaceId,
    event::Column::Position,
    event::Column::Kind,
    event::Column::SubjectId,
    event::Column::OwnerId,
    event::Column::Data,
    event::Column::At,
];

/// In the order of [`COLUMNS`].
type Row = [SimpleExpr; COLUMNS.len()];

fn row(workspace: WorkspaceId, position: SimpleExpr, event: &NewEvent, at: DateTime<Utc>) -> Row {
    [
        workspace.uuid().into(),
        position,
        event.kind.into(),
        event.subject.into(),
        event.owner.into(),
        event.data.clone().into(),
        at.into(),
    ]
}
