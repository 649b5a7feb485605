//! Writes events to the log.
use super::NewEvent;
use crate::{
    db::{self, Source},
    shared::{Error, Result, id::WorkspaceId},
};
use chrono::{DateTime, Utc};
use entity::{event, event_head};
use sea_orm::{
    ColumnTrait, ConnectionTrait, ExprTrait, Value,
    sea_query::{
        Alias, CommonTableExpression, Expr, InsertStatement, Query, UpdateStatement, ValueTuple, WithClause,
    },
};

/// Numbers events, one at least, behind the workspace's last one and writes them; its head is locked until the transaction is
/// over. On PostgreSQL these rows are written with them.
pub(super) async fn append(
    tx: &db::Tx,
    workspace: WorkspaceId,
    events: &[NewEvent],
    at: DateTime<Utc>,
    rows: Vec<InsertStatement>,
) -> Result<()> {
    let count = i64::try_from(events.len()).map_err(Error::internal)?;
    let mut advance = Query::update();
    advance
        .table(event_head::Entity)
        .value(event_head::Column::Position, Expr::col(event_head::Column::Position).add(count))
        .and_where(event_head::Column::WorkspaceId.eq(workspace.uuid()))
        .returning_col(event_head::Column::Position);
    let events = (1 - count..).zip(events).map(|(behind, event)| row(workspace, behind, event, at));
    let is_there = if tx.is_sqlite() {
        append_in_two(tx, &advance, events).await?
    } else {
        append_in_one(tx, advance, events, rows).await?
    };
    if is_there { Ok(()) } else { Err(Error::NotFound("workspace")) }
}

/// SQLite changes nothing inside of another statement.
async fn append_in_two(
    tx: &db::Tx,
    advance: &UpdateStatement,
    events: impl Iterator<Item = Row>,
) -> Result<bool> {
    let Some(advanced) = tx.connection().query_one(advance).await? else { return Ok(false) };
    let last: i64 = advanced.try_get_by_index(0)?;
    let mut insert = into_log();
    for (behind, rest) in events {
        let row = [Expr::val(last + behind)].into_iter().chain(rest.map(Expr::val));
        insert.values(row).map_err(Error::internal)?;
    }
    tx.connection().execute(&insert).await?;
    Ok(true)
}

/// On PostgreSQL a statement is a round trip, for whose time the head would be locked.
async fn append_in_one(
    tx: &db::Tx,
    advance: UpdateStatement,
    events: impl Iterator<Item = Row>,
    rows: Vec<InsertStatement>,
) -> Result<bool> {
    let head = CommonTableExpression::new().table_name(HEAD).query(advance).to_owned();
    let mut with = WithClause::new().cte(head).to_owned();
    for (place, row) in rows.into_iter().enumerate() {
        let name = Alias::new(format!("row{place}"));
        with.cte(CommonTableExpression::new().table_name(name).query(row).to_owned());
    }
    let values = events.map(|(behind, rest)| {
        let values = [Value::from(behind)].into_iter().chain(rest);
        ValueTuple::Many(values.collect())
    });
    // PostgreSQL's own names for the columns of a list of values.
    let column = |number: usize| Expr::col((NEW, Alias::new(format!("column{number}"))));
    let position = Expr::col((HEAD, event_head::Column::Position)).add(column(1));
    let mut select = Query::select();
    select.expr(position).exprs((2..=COLUMNS.len()).map(column)).from(HEAD).from_values(values, NEW);
    let insert = into_log().select_from(select).map_err(Error::internal)?.take();
    let done = tx.connection().execute(&insert.with(with)).await?;
    Ok(done.rows_affected() > 0)
}

const HEAD: &str = "head";
const NEW: &str = "new";

fn into_log() -> InsertStatement {
    Query::insert().into_table(event::Entity).columns(COLUMNS).take()
}

const COLUMNS: [event::Column; 7] = [
    event::Column::Position,
    event::Column::WorkspaceId,
    event::Column::Kind,
    event::Column::SubjectId,
    event::Column::OwnerId,
    event::Column::Data,
    event::Column::At,
];

/// What its position is beside the last one of all (0 or less), and the values of the other [`COLUMNS`].
type Row = (i64, [Value; COLUMNS.len() - 1]);

fn row(workspace: WorkspaceId, behind: i64, event: &NewEvent, at: DateTime<Utc>) -> Row {
    let rest = [
        workspace.uuid().into(),
        event.kind.into(),
        event.subject.into(),
        event.owner.into(),
        event.data.clone().into(),
        at.into(),
    ];
    (behind, rest)
}
