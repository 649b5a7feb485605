//! Keyset pages in SQL: one statement for a list, one for the same list of many parents.
use super::Source;
use crate::shared::{
    Page, PageRequest, Result,
    page::{Key, NOT_OF_THIS_LIST, hash},
};
use chrono::{DateTime, Datelike, Utc};
use entity::FromRow;
use sea_orm::{
    ColumnTrait, ColumnType, Condition, ConnectionTrait, DbBackend, DbErr, EntityTrait, IdenStatic, JoinType,
    PaginatorTrait, QueryFilter, QueryOrder, QueryResult, QuerySelect, QueryTrait, RelationDef, Select,
    Statement, Value, Values,
    sea_query::{Alias, Expr, ExprTrait, Order},
};
use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
};
use uuid::Uuid;

/// A total order: a column, and the id where that ties.
#[derive(Clone, Copy, Debug)]
pub struct Keyset<C> {
    pub column: C,
    pub id: C,
    pub descending: bool,
}

impl<C: ColumnTrait> Keyset<C> {
    pub fn newest_first(column: C, id: C) -> Self {
        Self { column, id, descending: true }
    }

    pub fn oldest_first(column: C, id: C) -> Self {
        Self { column, id, descending: false }
    }

    /// The direction in which rows are read for this request.
    fn direction(&self, request: &PageRequest) -> Order {
        if self.descending == request.backward { Order::Asc } else { Order::Desc }
    }

    /// Rows on one side of a place.
    fn beyond(&self, key: &Key, rising: bool) -> Result<Condition> {
        let value = self.value(key.value)?;
        let (column, id) = (self.column, self.id);
        let (further, further_id) = if rising {
            (column.gt(value.clone()), id.gt(key.id))
        } else {
            (column.lt(value.clone()), id.lt(key.id))
        };
        Ok(Condition::any().add(further).add(Condition::all().add(column.eq(value)).add(further_id)))
    }

    /// An error where a cursor is of another list.
    fn within(&self, request: &PageRequest) -> Result<Condition> {
        let beyond =
            |key: Option<Key>, rising| key.map(|key| self.beyond(&key.of(self.list())?, rising)).transpose();
        let after = beyond(request.after, !self.descending)?;
        let before = beyond(request.before, self.descending)?;
        Ok(Condition::all().add_option(after).add_option(before))
    }

    /// Tells lists apart by what they list and by what they are ordered; their parents are told apart where cursors are
    /// read and shown.
    fn list(&self) -> u32 {
        hash(format!("{}.{}", self.column.entity_name(), self.column.as_str()).as_bytes())
    }

    /// An error where no row has such a time: the databases differ in which they take.
    fn value(&self, value: i64) -> Result<Value> {
        Ok(match self.column.def().get_column_type() {
            ColumnType::TimestampWithTimeZone => DateTime::<Utc>::from_timestamp_micros(value)
                .filter(|at| (0..=9999).contains(&at.year()))
                .ok_or(NOT_OF_THIS_LIST)?
                .into(),
            _ => value.into(),
        })
    }

    /// Puts rows into the order in which they are read for this request.
    fn sort<M>(&self, rows: &mut [(Key, M)], request: &PageRequest) {
        let falls = matches!(self.direction(request), Order::Desc);
        rows.sort_by(|(one, _), (other, _)| {
            let rising = (one.value, one.id).cmp(&(other.value, other.id));
            if falls { rising.reverse() } else { rising }
        });
    }

    /// How a row's place in this list is read from it.
    fn keys<R: FromRow>(&self) -> Keys {
        let kind = self.column.def().get_column_type().clone();
        Keys { list: self.list(), value: place_in::<R>(self.column), id: place_in::<R>(self.id), kind }
    }
}

/// Where a row has what its place in a list is told by.
struct Keys {
    list: u32,
    value: usize,
    id: usize,
    /// Of the value: PostgreSQL gives a number in its own width alone.
    kind: ColumnType,
}

impl Keys {
    fn key(&self, row: &QueryResult) -> Result<Key, DbErr> {
        let value = match self.kind {
            ColumnType::TimestampWithTimeZone => {
                row.try_get_by_index::<DateTime<Utc>>(self.value)?.timestamp_micros()
            }
            ColumnType::Integer => row.try_get_by_index::<i32>(self.value)?.into(),
            _ => row.try_get_by_index(self.value)?,
        };
        Ok(Key { list: self.list, value, id: row.try_get_by_index(self.id)? })
    }
}

/// Where a row has a column; past its end where it has none, which is an error where it is read.
fn place_in<R: FromRow>(column: impl IdenStatic) -> usize {
    R::COLUMNS.iter().position(|name| *name == column.as_str()).unwrap_or(usize::MAX)
}

const TOTAL: &str = "total_of_list";

/// The page of one list. Which columns are read is R's to say, whatever `select` had; among them has to be what the list is
/// ordered by. The total, where wanted, comes with the rows when the page starts at an end, else by a second statement.
pub async fn list<R: FromRow>(
    source: &impl Source,
    select: Select<R::Entity>,
    order: &Keyset<ColumnOf<R>>,
    request: &PageRequest,
) -> Result<Page<R>> {
    read::<R, R>(source, select, R::of, order, request, |row| R::from_row(row, 0)).await
}

/// As [`list`], each with the row of another table that it refers to by `to`, if it does: in the same statement.
pub async fn list_with<R: FromRow, P: FromRow>(
    source: &impl Source,
    select: Select<R::Entity>,
    to: RelationDef,
    order: &Keyset<ColumnOf<R>>,
    request: &PageRequest,
) -> Result<Page<(R, Option<P>)>> {
    let with = |select| R::of(select).join(JoinType::LeftJoin, to).expr(Expr::cust(P::selected()));
    let both = |row: &QueryResult| Ok((R::from_row(row, 0)?, P::from_row_if_any(row, R::COLUMNS.len())?));
    read::<R, _>(source, select, with, order, request, both).await
}

/// The columns of the entity whose rows these are.
type ColumnOf<R> = <<R as FromRow>::Entity as EntityTrait>::Column;

/// Reads what `shown` makes of what is selected; the selection by itself is what is counted.
async fn read<R: FromRow, T>(
    source: &impl Source,
    select: Select<R::Entity>,
    shown: impl FnOnce(Select<R::Entity>) -> Select<R::Entity>,
    order: &Keyset<ColumnOf<R>>,
    request: &PageRequest,
    read_row: impl Fn(&QueryResult) -> Result<T, DbErr>,
) -> Result<Page<T>> {
    let within = order.within(request)?;
    let total_alone = request.count && !request.is_unbounded();
    let mut total = if total_alone { Some(select.clone().count(source.connection()).await?) } else { None };
    let mut page = shown(select).filter(within);
    if request.count && !total_alone {
        page = page.expr_as(Expr::cust("COUNT(*) OVER ()"), TOTAL);
    }
    let connection = source.connection();
    let page = first(connection.get_database_backend(), page, order, request);
    let rows = connection.query_all_raw(page).await?;
    let keys = order.keys::<R>();
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        if request.count && total.is_none() {
            total = Some(row.try_get::<i64>("", TOTAL)?.unsigned_abs());
        }
        found.push((keys.key(&row)?, read_row(&row)?));
    }
    Ok(Page::cut(found, request, if request.count { total.or(Some(0)) } else { None }))
}

/// As many in this order as the page has, and one that tells whether there are more.
///
/// PostgreSQL is kept from seeing how many. Where it does, it finds a plan for this number alone cheaper than one for all, and
/// plans each execution anew, which takes longer than the page; and where it believes that a list is no longer than that, it
/// sorts the whole of it. Not knowing, it reads the first rows in the order of an index. SQLite is told: it looks at what is
/// bound there, and prepares the statement again each time.
fn first<E: EntityTrait>(
    backend: DbBackend,
    select: Select<E>,
    order: &Keyset<E::Column>,
    request: &PageRequest,
) -> Statement {
    let direction = order.direction(request);
    let ordered = select.order_by(order.column, direction.clone()).order_by(order.id, direction);
    let Statement { mut sql, values, db_backend } = ordered.build(backend);
    let (mut values, rows) = (values.unwrap_or(Values(vec![])), request.limit as i64 + 1);
    if backend == DbBackend::Postgres {
        values.0.push(rows.into());
        sql.push_str(&format!(" LIMIT (SELECT ${})", values.0.len()));
    } else {
        sql.push_str(&format!(" LIMIT {rows}"));
    }
    Statement { sql, values: Some(values), db_backend }
}

/// The same page of the list of each parent, in one statement; of each row what [`list`] reads, and `parent` has to be of it.
/// Totals are a second one on SQLite, and wherever a cursor is given, for they count what lies before it, too.
pub async fn list_by<R, P>(
    source: &impl Source,
    select: Select<R::Entity>,
    parent: ColumnOf<R>,
    parents: &[P],
    order: &Keyset<ColumnOf<R>>,
    request: &PageRequest,
) -> Result<HashMap<P, Page<R>>>
where
    R: FromRow,
    P: Copy + Eq + Hash + Into<Uuid> + From<Uuid>,
{
    let ids: BTreeSet<Uuid> = parents.iter().map(|parent| (*parent).into()).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let total_alone = request.count && (!request.is_unbounded() || source.is_sqlite());
    let mut totals: HashMap<Uuid, u64> = HashMap::new();
    if total_alone {
        let counts = select
            .clone()
            .filter(parent.is_in(ids.iter().copied()))
            .select_only()
            .column_as(parent, "parent")
            .column_as(Expr::cust("COUNT(*)"), TOTAL)
            .group_by(parent)
            .into_query();
        for row in source.connection().query_all(&counts).await? {
            totals.insert(row.try_get("", "parent")?, row.try_get::<i64>("", TOTAL)?.unsigned_abs());
        }
    }
    let lists = Lists::<R> { select: select.filter(order.within(request)?), parent, ids: &ids };
    let total_within = request.count && !total_alone;
    let page = match source.is_sqlite() {
        true => lists.by_ids(order, request),
        false => lists.one_by_one(order, request, total_within),
    };
    let (keys, parent) = (order.keys::<R>(), place_in::<R>(parent));
    let mut found: Vec<Vec<(Key, R)>> = ids.iter().map(|_| vec![]).collect();
    for row in source.connection().query_all_raw(page).await? {
        let id: Uuid = row.try_get_by_index(parent)?;
        let Ok(list) = ids.binary_search(&id) else { continue };
        if total_within {
            totals.insert(id, row.try_get::<i64>("", TOTAL)?.unsigned_abs());
        }
        found[list].push((keys.key(&row)?, R::from_row(&row, 0)?));
    }
    let total = |id| request.count.then(|| totals.get(&id).copied().unwrap_or(0));
    let page = |(id, mut rows): (Uuid, Vec<_>)| {
        order.sort(&mut rows, request);
        (P::from(id), Page::cut(rows, request, total(id)))
    };
    Ok(ids.iter().copied().zip(found).map(page).collect())
}

/// The lists of some parents, in one statement.
struct Lists<'a, R: FromRow> {
    select: Select<R::Entity>,
    parent: ColumnOf<R>,
    ids: &'a [Uuid],
}

impl<R: FromRow> Lists<'_, R> {
    /// A page of each by itself, which an index gives without the rest of the list. How many parents there are is hidden from
    /// the planner: else it takes each number of them for a case of its own, and plans it anew.
    fn one_by_one(self, order: &Keyset<ColumnOf<R>>, request: &PageRequest, with_total: bool) -> Statement {
        let of = Expr::col(Alias::new("of_parent"));
        let mut page = R::of(self.select).filter(Expr::col((self.parent.entity_name(), self.parent)).eq(of));
        if with_total {
            page = page.expr_as(Expr::cust("COUNT(*) OVER ()"), TOTAL);
        }
        let Statement { sql, values, .. } = first(DbBackend::Postgres, page, order, request);
        let mut values = values.unwrap_or(Values(vec![]));
        values.0.push(self.ids.to_vec().into());
        let sql = format!(
            r#"SELECT "page".* FROM UNNEST((SELECT ${}::uuid[])) AS "of_parent" CROSS JOIN LATERAL ({sql}) AS "page""#,
            values.0.len()
        );
        Statement { sql, values: Some(values), db_backend: DbBackend::Postgres }
    }

    /// For SQLite, which has no lateral join: the ids of each page are found by themselves, and then their rows. The cross
    /// join keeps the parents outside; else SQLite may go through the table and ask for each row whether it is in a page.
    fn by_ids(self, order: &Keyset<ColumnOf<R>>, request: &PageRequest) -> Statement {
        let of = Expr::col((Alias::new("parents"), Alias::new("column1")));
        let page = self
            .select
            .filter(Expr::col((self.parent.entity_name(), self.parent)).eq(of))
            .select_only()
            .column(order.id);
        let Statement { sql, values, .. } = first(DbBackend::Sqlite, page, order, request);
        let mut all: Vec<Value> = self.ids.iter().copied().map(Value::from).collect();
        all.extend(values.into_iter().flat_map(|values| values.0));
        let (columns, table, id) = (R::selected(), R::Entity::default(), order.id.as_str());
        let (table, parents) = (table.as_str(), vec!["(?)"; self.ids.len()].join(", "));
        let sql = format!(
            r#"SELECT {columns} FROM (VALUES {parents}) AS "parents" CROSS JOIN "{table}" WHERE "{table}"."{id}" IN ({sql})"#
        );
        Statement { sql, values: Some(Values(all)), db_backend: DbBackend::Sqlite }
    }
}
