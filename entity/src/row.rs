//! Rows read by the places of their columns. By names, as sea-orm reads them, each value costs a look-up, and each null a
//! text that says so: together as much as all else that is done with a row.
use sea_orm::{
    DbErr, EntityTrait, IdenStatic, QueryResult, QuerySelect, RuntimeErr, Select,
    sea_query::Expr,
    sqlx::{self, ColumnIndex, Decode, Row, ValueRef},
};
use std::sync::Arc;

/// A row of an entity, or the part of it that somebody reads. Its columns stand in a statement's in their order, from `first`
/// on.
pub trait FromRow: Sized {
    /// Its rows are counted, too, which sea-orm does of those alone that threads can share.
    type Entity: EntityTrait<Model: Send + Sync>;

    /// The columns in their order.
    const COLUMNS: &'static [&'static str];

    /// All of them as a statement selects them: `"table"."column", …`.
    fn selected() -> &'static str;

    /// The statement with these columns alone, whichever it had.
    fn of(select: Select<Self::Entity>) -> Select<Self::Entity> {
        select.select_only().expr(Expr::cust(Self::selected()))
    }

    fn from_row(row: &QueryResult, first: usize) -> Result<Self, DbErr>;

    /// None where the row was joined and there is none: its first column, never null by itself, is null.
    fn from_row_if_any(row: &QueryResult, first: usize) -> Result<Option<Self>, DbErr> {
        if is_null(row, first)? { Ok(None) } else { Self::from_row(row, first).map(Some) }
    }
}

/// Reads the entity's rows by place; the fields have to be all, in their order.
macro_rules! in_order {
    ($($field:ident),* $(,)?) => {
        $crate::row::by_place!(Model: $($field),*);

        impl Entity {
            /// As `find`, with its columns written once and for all: a statement of many columns takes longer to put into
            /// words than to send.
            pub fn rows() -> ::sea_orm::Select<Self> {
                static ROWS: ::std::sync::LazyLock<::sea_orm::Select<Entity>> =
                    ::std::sync::LazyLock::new(|| <Model as $crate::FromRow>::of(Entity::find()));
                ROWS.clone()
            }
        }
    };
}
pub(crate) use in_order;

/// A part of the entity's rows, read by place: what many are read for at once, without what is not shown of them.
macro_rules! part {
    ($(#[$meta:meta])* pub struct $row:ident { $($(#[$of_field:meta])* pub $field:ident: $value:ty,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $row { $($(#[$of_field])* pub $field: $value,)* }

        $crate::row::by_place!($row: $($field),*);

        // It has the fields of a whole row, by name and by type.
        impl ::core::convert::From<Model> for $row {
            fn from(whole: Model) -> Self {
                Self { $($field: whole.$field),* }
            }
        }
    };
}
pub(crate) use part;

macro_rules! by_place {
    ($row:ident: $($field:ident),*) => {
        impl $crate::FromRow for $row {
            type Entity = Entity;

            const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),*];

            fn selected() -> &'static str {
                static SELECTED: ::std::sync::LazyLock<String> =
                    ::std::sync::LazyLock::new($crate::row::selected::<$row>);
                &SELECTED
            }

            fn from_row(row: &::sea_orm::QueryResult, first: usize) -> Result<Self, ::sea_orm::DbErr> {
                let mut places = first..;
                let mut place = || places.next().unwrap_or(usize::MAX);
                if let Some(row) = row.try_as_pg_row() {
                    return Ok(Self { $($field: $crate::row::value(row, place())?),* });
                }
                let row = $crate::row::sqlite(row)?;
                Ok(Self { $($field: $crate::row::value(row, place())?),* })
            }
        }
    };
}
pub(crate) use by_place;

pub(crate) fn selected<R: FromRow>() -> String {
    let table = R::Entity::default();
    let column = |column: &&str| format!("\"{}\".\"{column}\"", table.as_str());
    R::COLUMNS.iter().map(column).collect::<Vec<_>>().join(", ")
}

/// The value at a place. That its column has the field's type is not asked of each value: it is what the migrations made.
pub(crate) fn value<'r, R: Row, T: Decode<'r, R::Database>>(row: &'r R, place: usize) -> Result<T, DbErr>
where
    usize: ColumnIndex<R>,
{
    row.try_get_unchecked(place).map_err(failed)
}

fn is_null(row: &QueryResult, place: usize) -> Result<bool, DbErr> {
    fn of<R: Row>(row: &R, place: usize) -> Result<bool, DbErr>
    where
        usize: ColumnIndex<R>,
    {
        row.try_get_raw(place).map(|value| value.is_null()).map_err(failed)
    }
    match row.try_as_pg_row() {
        Some(row) => of(row, place),
        None => of(sqlite(row)?, place),
    }
}

pub(crate) fn sqlite(row: &QueryResult) -> Result<&sqlx::sqlite::SqliteRow, DbErr> {
    row.try_as_sqlite_row().ok_or_else(|| DbErr::Custom("a row of neither PostgreSQL nor SQLite".to_owned()))
}

fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(Arc::new(error)))
}
