//! Idempotency keys: the same key and input give the same answer for 24 hours, another input a conflict. The key
//! is claimed in the transaction of the change, so a crash leaves both or neither; what is kept is the input's
//! hash and the ids of the result, never a text or a secret.
use super::Source;
use crate::shared::{Ambient, Error, Problem, ProblemCode, Result, actor::Principal};
use chrono::{DateTime, TimeDelta, Utc};
use entity::idempotency_key as row;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, Set, sea_query::OnConflict};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Characters of a key.
pub const MAX_KEY: usize = 200;
const KEPT: TimeDelta = TimeDelta::hours(24);

/// What a client gave as `idempotencyKey`, bound to one operation and its input.
#[derive(Clone, Debug)]
pub struct Key {
    operation: &'static str,
    key: String,
    input_hash: Vec<u8>,
}

/// Either this call does the work and then says what came of it, or an earlier one did.
#[derive(Debug)]
pub enum Claimed<T> {
    New(Claim),
    Replay(T),
}

#[derive(Debug)]
pub struct Claim(Option<Uuid>);

impl Key {
    /// `input` is everything that makes the call what it is, the key aside.
    pub fn new(operation: &'static str, key: String, input: &impl Serialize) -> Result<Self> {
        if key.is_empty() || key.chars().count() > MAX_KEY {
            return Err(Error::invalid("idempotencyKey", format!("1 to {MAX_KEY} characters are possible")));
        }
        let input = serde_json::to_vec(input).map_err(Error::internal)?;
        Ok(Self { operation, key, input_hash: Sha256::digest(input).to_vec() })
    }
}

/// Claims `key` for the principal, or tells what the earlier call with it gave. Two calls at once take turns: the
/// second waits for the first one's transaction. Without a key every call is new.
pub async fn claim<T: DeserializeOwned>(
    tx: &impl Source,
    ambient: &Ambient,
    principal: Principal,
    key: Option<&Key>,
) -> Result<Claimed<T>> {
    let Some(key) = key else {
        return Ok(Claimed::New(Claim(None)));
    };
    let now = ambient.now();
    forget_expired(tx, principal, now).await?;
    let id = ambient.ids.uuid();
    let claim = row::ActiveModel {
        id: Set(id),
        principal_id: Set(principal.uuid()),
        operation: Set(key.operation.to_owned()),
        key: Set(key.key.clone()),
        input_hash: Set(key.input_hash.clone()),
        result: Set(serde_json::Value::Null),
        created_at: Set(now),
    };
    let unique = [row::Column::PrincipalId, row::Column::Operation, row::Column::Key];
    let inserted = row::Entity::insert(claim)
        .on_conflict(OnConflict::columns(unique).do_nothing().to_owned())
        .exec_without_returning(tx.connection())
        .await?;
    if inserted == 1 {
        return Ok(Claimed::New(Claim(Some(id))));
    }
    let earlier =
        of(principal, key).one(tx.connection()).await?.ok_or_else(|| Error::internal("claim vanished"))?;
    if earlier.input_hash != key.input_hash {
        return Err(Error::Refused(vec![Problem::new(
            ProblemCode::IdempotencyConflict,
            "idempotencyKey",
            "this key was used with another input: use a new key for a new request",
        )]));
    }
    serde_json::from_value(earlier.result).map(Claimed::Replay).map_err(Error::internal)
}

impl Claim {
    /// Keeps what a repeated call is to be given.
    pub async fn keep(self, tx: &impl Source, result: &impl Serialize) -> Result<()> {
        let Some(id) = self.0 else { return Ok(()) };
        let result = serde_json::to_value(result).map_err(Error::internal)?;
        row::ActiveModel { id: Set(id), result: Set(result), ..Default::default() }
            .update(tx.connection())
            .await?;
        Ok(())
    }
}

fn of(principal: Principal, key: &Key) -> sea_orm::Select<row::Entity> {
    row::Entity::rows()
        .filter(row::Column::PrincipalId.eq(principal.uuid()))
        .filter(row::Column::Operation.eq(key.operation))
        .filter(row::Column::Key.eq(&key.key))
}

/// The principal's own: so the table stays as large as a day's keys of those who come, and no two principals meet.
async fn forget_expired(tx: &impl Source, principal: Principal, now: DateTime<Utc>) -> Result<()> {
    row::Entity::delete_many()
        .filter(row::Column::PrincipalId.eq(principal.uuid()))
        .filter(row::Column::CreatedAt.lt(now - KEPT))
        .exec(tx.connection())
        .await?;
    Ok(())
}
