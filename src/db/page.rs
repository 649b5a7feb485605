//! Keyset pages in SQL: one statement for a list, one for the same list of many parents.
use super::Source;
use crate::shared::{
    Page, PageRequest, Result,
    page::{Key, NOT_OF_THIS_LIST, hash},
};
use chrono::{DateTime, Datelike, Utc};
use entity::FromRow;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, DbErr, EntityTrait, IdenStatic, JoinType, ModelTrait,
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
        use sea_orm::ColumnType;
        Ok(match self.column.def().get_column_type() {
            ColumnType::TimestampWithTimeZone | ColumnType::Timestamp | ColumnType::DateTime => {
                DateTime::<Utc>::from_timestamp_micros(value)
                    .filter(|at| (0..=9999).contains(&at.year()))
                    .ok_or(NOT_OF_THIS_LIST)?
                    .into()
            }
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

    /// In the list that [`Self::list`] tells.
    fn key<M>(&self, list: u32, model: &M) -> Key
    where
        M: ModelTrait,
        M::Entity: EntityTrait<Column = C>,
    {
        let value = match model.get(self.column) {
            Value::ChronoDateTimeUtc(Some(at)) => at.timestamp_micros(),
            Value::BigInt(Some(value)) => value,
            Value::Int(Some(value)) => value.into(),
            _ => 0,
        };
        let id = match model.get(self.id) {
            Value::Uuid(Some(id)) => id,
            _ => Uuid::nil(),
        };
        Key { list, value, id }
    }
}

const TOTAL: &str = "total_of_list";

/// The page of one list. The total, where wanted, comes with the rows when the page starts at an end, else by a
/// second statement.
pub async fn list<E>(
    source: &impl Source,
    select: Select<E>,
    order: &Keyset<E::Column>,
    request: &PageRequest,
) -> Result<Page<E::Model>>
where
    E: EntityTrait,
    E::Model: FromRow + ModelTrait<Entity = E> + Send + Sync,
{
    let model = |row: &QueryResult| Ok((E::Model::from_row(row, 0)?, ()));
    let page = read(source, select.clone(), select, order, request, model).await?;
    Ok(page.map(|(model, ())| model))
}

/// As [`list`], each with the row of another table that it refers to by `to`, if it does: in the same statement.
pub async fn list_with<E, P>(
    source: &impl Source,
    select: Select<E>,
    to: RelationDef,
    order: &Keyset<E::Column>,
    request: &PageRequest,
) -> Result<Page<(E::Model, Option<P::Model>)>>
where
    E: EntityTrait,
    E::Model: FromRow + ModelTrait<Entity = E> + Send + Sync,
    P: EntityTrait,
    P::Model: FromRow,
{
    let with = select.clone().join(JoinType::LeftJoin, to).expr(Expr::cust(P::Model::selected()));
    let columns = E::Model::COLUMNS.len();
    let models =
        |row: &QueryResult| Ok((E::Model::from_row(row, 0)?, P::Model::from_row_if_any(row, columns)?));
    read(source, select, with, order, request, models).await
}

/// `all` counts what `select` reads a page of.
async fn read<E, T>(
    source: &impl Source,
    all: Select<E>,
    select: Select<E>,
    order: &Keyset<E::Column>,
    request: &PageRequest,
    model: impl Fn(&QueryResult) -> Result<(E::Model, T), DbErr>,
) -> Result<Page<(E::Model, T)>>
where
    E: EntityTrait,
    E::Model: FromRow + ModelTrait<Entity = E> + Send + Sync,
{
    let within = order.within(request)?;
    let total_alone = request.count && !request.is_unbounded();
    let total = if total_alone { Some(all.count(source.connection()).await?) } else { None };
    let mut page = select.filter(within);
    if request.count && !total_alone {
        page = page.expr_as(Expr::cust("COUNT(*) OVER ()"), TOTAL);
    }
    let connection = source.connection();
    let page = first(connection.get_database_backend(), page, order, request);
    let rows = connection.query_all_raw(page).await?;
    let (mut total, list) = (total, order.list());
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        if request.count && total.is_none() {
            total = Some(row.try_get::<i64>("", TOTAL)?.unsigned_abs());
        }
        let (model, more) = model(&row)?;
        found.push((order.key(list, &model), (model, more)));
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

/// The same page of the list of each parent, in one statement. Totals are a second one on SQLite, and wherever a cursor is
/// given, for they count what lies before it, too.
pub async fn list_by<E, P>(
    source: &impl Source,
    select: Select<E>,
    parent: E::Column,
    parents: &[P],
    order: &Keyset<E::Column>,
    request: &PageRequest,
) -> Result<HashMap<P, Page<E::Model>>>
where
    E: EntityTrait,
    E::Model: FromRow + ModelTrait<Entity = E> + Send + Sync,
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
    let lists = Lists { select: select.filter(order.within(request)?), parent, ids: &ids };
    let total_within = request.count && !total_alone;
    let page = match source.is_sqlite() {
        true => lists.by_ids(order, request),
        false => lists.one_by_one(order, request, total_within),
    };
    let list = order.list();
    let mut found: Vec<Vec<(Key, E::Model)>> = ids.iter().map(|_| vec![]).collect();
    for row in source.connection().query_all_raw(page).await? {
        let model = E::Model::from_row(&row, 0)?;
        let Value::Uuid(Some(id)) = model.get(parent) else { continue };
        let Ok(place) = ids.binary_search(&id) else { continue };
        if total_within {
            totals.insert(id, row.try_get::<i64>("", TOTAL)?.unsigned_abs());
        }
        found[place].push((order.key(list, &model), model));
    }
    let total = |id| request.count.then(|| totals.get(&id).copied().unwrap_or(0));
    let page = |(id, mut rows): (Uuid, Vec<_>)| {
        order.sort(&mut rows, request);
        (P::from(id), Page::cut(rows, request, total(id)))
    };
    Ok(ids.iter().copied().zip(found).map(page).collect())
}

/// The lists of some parents, in one statement.
struct Lists<'a, E: EntityTrait> {
    select: Select<E>,
    parent: E::Column,
    ids: &'a [Uuid],
}

impl<E> Lists<'_, E>
where
    E: EntityTrait,
    E::Model: FromRow,
{
    /// A page of each by itself, which an index gives without the rest of the list. How many parents there are is hidden from
    /// the planner: else it takes each number of them for a case of its own, and plans it anew.
    fn one_by_one(self, order: &Keyset<E::Column>, request: &PageRequest, with_total: bool) -> Statement {
        let of = Expr::col(Alias::new("of_parent"));
        let mut page = self.select.filter(Expr::col((self.parent.entity_name(), self.parent)).eq(of));
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
    fn by_ids(self, order: &Keyset<E::Column>, request: &PageRequest) -> Statement {
        let of = Expr::col((Alias::new("parents"), Alias::new("column1")));
        let page = self
            .select
            .filter(Expr::col((self.parent.entity_name(), self.parent)).eq(of))
            .select_only()
            .column(order.id);
        let Statement { sql, values, .. } = first(DbBackend::Sqlite, page, order, request);
        let mut all: Vec<Value> = self.ids.iter().copied().map(Value::from).collect();
        all.extend(values.into_iter().flat_map(|values| values.0));
        let (columns, table, id) = (E::Model::selected(), E::default(), order.id.as_str());
        let (table, parents) = (table.as_str(), vec!["(?)"; self.ids.len()].join(", "));
        let sql = format!(
            r#"SELECT {columns} FROM (VALUES {parents}) AS "parents" CROSS JOIN "{table}" WHERE "{table}"."{id}" IN ({sql})"#
        );
        Statement { sql, values: Some(Values(all)), db_backend: DbBackend::Sqlite }
    }
}
