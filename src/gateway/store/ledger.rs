//! The accounts of budgets' periods, and the leases of processes. Whatever changes a lease's amount holds its account's
//! row.
use crate::{
    db::{Db, Source},
    gateway::budget::{Settlement, Wanted, Written},
    shared::{Error, Result, amount::Amount, id::BudgetId},
};
use chrono::{DateTime, Utc};
use entity::{budget as row, budget_account as account, budget_lease as lease_row};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, LockType, OnConflict},
};
use uuid::Uuid;

/// Leases ended at once.
const SWEPT: u64 = 100;

/// The account of a period, made where there is none as `new`; and whether a call did not fit into it yet.
pub async fn open_account(
    db: &Db,
    budget: BudgetId,
    period: DateTime<Utc>,
    new: Uuid,
) -> Result<(Uuid, bool)> {
    let which = || {
        account::Entity::rows()
            .filter(account::Column::BudgetId.eq(budget.uuid()))
            .filter(account::Column::PeriodStart.eq(period))
    };
    if let Some(row) = which().one(db.connection()).await? {
        return Ok((row.id, row.exceeded_at.is_some()));
    }
    let tx = db.begin().await?;
    let row = account::Model {
        id: new,
        budget_id: budget.uuid(),
        period_start: period,
        leased: 0,
        spent: 0,
        exceeded_at: None,
    };
    let unique = [account::Column::BudgetId, account::Column::PeriodStart];
    account::Entity::insert(row.into_active_model())
        .on_conflict(OnConflict::columns(unique).do_nothing().to_owned())
        .exec_without_returning(tx.connection())
        .await?;
    let row = which().one(tx.connection()).await?.ok_or(Error::NotFound("budget"))?;
    tx.commit().await?;
    Ok((row.id, row.exceeded_at.is_some()))
}

/// What came of [`lease`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leased {
    Granted(Amount),
    Refused,
    /// Somebody has ended the lease.
    Lost,
}

/// Makes a lease greater, or makes one: by the best amount, or by what is missing at least, or not at all. An error tells
/// whether it may have been written all the same.
pub async fn lease(
    db: &Db,
    of: Uuid,
    lease: Uuid,
    wanted: Wanted,
    until: DateTime<Utc>,
) -> Result<Leased, (Error, Written)> {
    let tx = db.begin().await.map_err(nothing)?;
    let outcome = lease_in(&tx, of, lease, wanted, until).await.map_err(nothing)?;
    if matches!(outcome, Leased::Granted(_)) {
        tx.commit().await.map_err(|error| (error, Written::Unknown))?;
    }
    Ok(outcome)
}

/// Before the commit was sent.
fn nothing(error: Error) -> (Error, Written) {
    (error, Written::Nothing)
}

async fn lease_in(
    tx: &impl Source,
    of: Uuid,
    lease: Uuid,
    wanted: Wanted,
    until: DateTime<Utc>,
) -> Result<Leased> {
    let mut granted = wanted.best;
    if !grow(tx, of, granted).await? {
        granted = wanted.missing;
        if wanted.best == wanted.missing || !grow(tx, of, granted).await? {
            return Ok(Leased::Refused);
        }
    }
    if wanted.lease.is_some() {
        let grown = lease_row::Entity::update_many()
            .col_expr(
                lease_row::Column::Amount,
                Expr::col(lease_row::Column::Amount).add(granted.billionths()),
            )
            .col_expr(lease_row::Column::LeaseUntil, Expr::value(until))
            .filter(lease_row::Column::Id.eq(lease))
            .exec(tx.connection())
            .await?;
        if grown.rows_affected == 0 {
            return Ok(Leased::Lost);
        }
    } else {
        let row =
            lease_row::Model { id: lease, account_id: of, amount: granted.billionths(), lease_until: until };
        lease_row::Entity::insert(row.into_active_model()).exec_without_returning(tx.connection()).await?;
    }
    Ok(Leased::Granted(granted))
}

/// The condition is in the statement: of two processes at once the second sees what the first has left.
async fn grow(tx: &impl Source, of: Uuid, by: Amount) -> Result<bool> {
    let by = by.billionths();
    let limit = row::Entity::find()
        .select_only()
        .column(row::Column::Limit)
        .filter(
            Expr::col((row::Entity, row::Column::Id)).equals((account::Entity, account::Column::BudgetId)),
        )
        .into_query();
    let left = Expr::SubQuery(None, Box::new(limit.into()))
        .sub(Expr::col(account::Column::Leased))
        .sub(Expr::col(account::Column::Spent));
    let grown = account::Entity::update_many()
        .col_expr(account::Column::Leased, Expr::col(account::Column::Leased).add(by))
        .filter(account::Column::Id.eq(of))
        .filter(left.gte(by))
        .exec(tx.connection())
        .await?;
    Ok(grown.rows_affected == 1)
}

/// What came of [`settle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    Done,
    /// Somebody has ended the lease.
    Lost,
    /// The budget was removed.
    Gone,
}

/// Writes for each of these accounts what was used, and gives back what is free, all in one transaction; what came of
/// each. An error tells whether it may have been written all the same. The accounts come in the order of their ids, so
/// that of two processes one waits for the other.
pub async fn settle(
    db: &Db,
    settlements: &[(Uuid, Settlement)],
    until: DateTime<Utc>,
) -> Result<Vec<Settled>, (Error, Written)> {
    let tx = db.begin().await.map_err(nothing)?;
    let mut outcomes = Vec::with_capacity(settlements.len());
    for (of, settlement) in settlements {
        outcomes.push(settle_in(&tx, *of, *settlement, until).await.map_err(nothing)?);
    }
    tx.commit().await.map_err(|error| (error, Written::Unknown))?;
    Ok(outcomes)
}

async fn settle_in(
    tx: &impl Source,
    of: Uuid,
    settlement: Settlement,
    until: DateTime<Utc>,
) -> Result<Settled> {
    use lease_row::Column::{Amount as LeaseAmount, Id, LeaseUntil};
    let released = settlement.released().billionths();
    let spent = settlement.used.saturating_add(settlement.over).billionths();
    if !post(tx, of, released, spent).await? {
        return Ok(Settled::Gone);
    }
    let Some(lease) = settlement.lease else { return Ok(Settled::Done) };
    let changed = if settlement.last {
        lease_row::Entity::delete_many().filter(Id.eq(lease)).exec(tx.connection()).await?.rows_affected
    } else {
        lease_row::Entity::update_many()
            .col_expr(LeaseAmount, Expr::col(LeaseAmount).sub(released))
            .col_expr(LeaseUntil, Expr::value(until))
            .filter(Id.eq(lease))
            .exec(tx.connection())
            .await?
            .rows_affected
    };
    if changed == 1 {
        return Ok(Settled::Done);
    }
    // All of the lease counts as spent already; what none covered does not.
    let over = settlement.over.billionths();
    post(tx, of, -released, over - spent).await?;
    Ok(Settled::Lost)
}

/// What is leased no more, and what was spent; false where the account is gone.
async fn post(tx: &impl Source, of: Uuid, released: i64, spent: i64) -> Result<bool> {
    let written = account::Entity::update_many()
        .col_expr(account::Column::Leased, Expr::col(account::Column::Leased).sub(released))
        .col_expr(account::Column::Spent, Expr::col(account::Column::Spent).add(spent))
        .filter(account::Column::Id.eq(of))
        .exec(tx.connection())
        .await?;
    Ok(written.rows_affected == 1)
}

/// One that has ended stays so.
pub async fn renew(db: &Db, leases: &[Uuid], until: DateTime<Utc>) -> Result<()> {
    if leases.is_empty() {
        return Ok(());
    }
    let tx = db.begin().await?;
    lease_row::Entity::update_many()
        .col_expr(lease_row::Column::LeaseUntil, Expr::value(until))
        .filter(lease_row::Column::Id.is_in(leases.iter().copied()))
        .exec(tx.connection())
        .await?;
    tx.commit().await
}

/// What processes held that are dead counts as spent.
pub async fn end_leases(db: &Db, now: DateTime<Utc>) -> Result<()> {
    let over = lease_row::Entity::rows()
        .filter(lease_row::Column::LeaseUntil.lt(now))
        .limit(SWEPT)
        .all(db.connection())
        .await?;
    for lease in over {
        end_lease(db, &lease, now).await?;
    }
    Ok(())
}

async fn end_lease(db: &Db, over: &lease_row::Model, now: DateTime<Utc>) -> Result<()> {
    let tx = db.begin().await?;
    account::Entity::find_by_id(over.account_id).lock(LockType::NoKeyUpdate).one(tx.connection()).await?;
    // As it is now that nobody else changes it.
    let which =
        Condition::all().add(lease_row::Column::Id.eq(over.id)).add(lease_row::Column::LeaseUntil.lt(now));
    let Some(lease) = lease_row::Entity::rows().filter(which.clone()).one(tx.connection()).await? else {
        return Ok(());
    };
    if lease_row::Entity::delete_many().filter(which).exec(tx.connection()).await?.rows_affected == 0 {
        return Ok(());
    }
    post(&tx, lease.account_id, lease.amount, lease.amount).await?;
    tx.commit().await
}

/// Whether it was this call that noted it.
pub async fn mark_exceeded(tx: &impl Source, of: Uuid, now: DateTime<Utc>) -> Result<bool> {
    let marked = account::Entity::update_many()
        .col_expr(account::Column::ExceededAt, Expr::value(now))
        .filter(account::Column::Id.eq(of))
        .filter(account::Column::ExceededAt.is_null())
        .exec(tx.connection())
        .await?;
    Ok(marked.rows_affected == 1)
}
