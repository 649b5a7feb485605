//! One memory says otherwise than another: the other is kept with its history, and is recalled for its time alone.
use super::{MemoryService, event, ingest, policy, store};
use crate::{
    db::idempotency::{self, Claimed, Key},
    event::Tx,
    memory::{
        Memory, MemoryStatus,
        index::{self, Digest},
        model::{
            Content, Holds, MemoryChange, MemoryChanged, NewItem, NewSuccession, Succession, SupersededBy,
        },
        store::Stored,
    },
    shared::{
        Error, Result,
        actor::{Actor, Grant, Read, Scope, Write},
        id::MemoryId,
    },
};
use std::collections::HashMap;

const GONE: Error = Error::NotFound("memory");

impl MemoryService {
    /// The memory that was superseded, and the one that says otherwise.
    pub async fn supersede(
        &self,
        actor: &Actor,
        new: NewSuccession,
        key: Option<String>,
    ) -> Result<(Memory, Memory)> {
        let scope = actor.scope::<policy::SupersedeMemory>();
        let new = new.checked()?;
        let key = key.map(|key| Key::new("supersedeMemory", key, &new)).transpose()?;
        // Outside of the transaction: what is written is digested before it begins.
        let (old, grant) = store::find(&self.db, &scope, new.memory).await?.ok_or(GONE)?;
        let (prepared, proposed) = match &new.by {
            SupersededBy::Text(text) => (Some(successor(&old.memory, text, &new)), None),
            SupersededBy::Memory(id) => {
                let (other, _) = store::find(&self.db, &scope, *id).await?.ok_or(GONE)?;
                (None, Some(ingest::digest(&other.memory.content)))
            }
        };
        let mut tx = self.log.begin().await?;
        let claim = match idempotency::claim(&tx, &self.ambient, actor.principal(), key.as_ref()).await? {
            Claimed::Replay(ids) => {
                let ids: [MemoryId; 2] = ids;
                let mut memories = self.replayed(&tx, actor, &ids).await?.into_iter();
                return memories.next().zip(memories.next()).ok_or(GONE);
            }
            Claimed::New(claim) => claim,
        };
        store::lock_partition(&tx, &old.partition, self.ambient.random.bytes()).await?;
        let old = self.superseded(&tx, &scope, new.memory).await?;
        let by = match (&new.by, prepared) {
            (SupersededBy::Text(_), Some(prepared)) => {
                let written = ingest::write(
                    &mut tx,
                    &self.ambient,
                    &grant,
                    &old.partition,
                    vec![prepared],
                    None,
                    |_| String::new(),
                );
                written.await?.pop().map(|(memory, _)| memory).ok_or(GONE)?
            }
            (SupersededBy::Memory(id), _) => {
                self.successor(&mut tx, &scope, &grant, &old, *id, proposed).await?
            }
            (SupersededBy::Text(_), None) => return Err(GONE),
        };
        let old = self.succeed(&mut tx, &grant, old, &by, &new).await?;
        claim.keep(&tx, &[old.id, by.id]).await?;
        tx.commit().await?;
        Ok((old, by))
    }

    /// The memory, which must be in use. Its partition is locked.
    async fn superseded(&self, tx: &Tx, scope: &Scope<Write>, id: MemoryId) -> Result<Stored> {
        let (old, _) = store::find(tx, scope, id).await?.ok_or(GONE)?;
        match old.memory.status {
            MemoryStatus::Active => Ok(old),
            MemoryStatus::Superseded => Err(Error::conflict("memoryId", "it is superseded already")),
            status => Err(Error::invalid("memoryId", format!("it is {}, and not in use", status.name()))),
        }
    }

    /// The memory that says otherwise, which lies beside the old one. A proposed one is accepted by that.
    async fn successor(
        &self,
        tx: &mut Tx,
        scope: &Scope<Write>,
        grant: &Grant<Write>,
        old: &Stored,
        id: MemoryId,
        digest: Option<Digest>,
    ) -> Result<Memory> {
        let (by, _) = store::find(tx, scope, id).await?.ok_or(GONE)?;
        if by.partition != old.partition {
            return Err(Error::invalid(
                "by.memoryId",
                "the two are read by different people: their scopes must be one",
            ));
        }
        match (by.memory.status, digest) {
            (MemoryStatus::Active, _) => Ok(by.memory),
            (MemoryStatus::Candidate, Some(digest)) => {
                let partition = by.partition;
                let accepted =
                    ingest::accept(tx, &self.ambient, grant, &partition, vec![(by, digest)]).await?;
                accepted.into_iter().next().ok_or(GONE)
            }
            (status, _) => {
                Err(Error::invalid("by.memoryId", format!("it is {}, and not in use", status.name())))
            }
        }
    }

    async fn succeed(
        &self,
        tx: &mut Tx,
        grant: &Grant<Write>,
        old: Stored,
        by: &Memory,
        new: &NewSuccession,
    ) -> Result<Memory> {
        let now = self.ambient.now();
        let succession = Succession {
            superseded_at: Some(now),
            superseded_from: new.since,
            superseded_by: Some(by.id),
            ..old.memory.succession
        };
        let (id, partition) = (old.memory.id, old.partition);
        store::course::supersede(tx, grant, id, &succession, now).await?;
        let (status, updated_at) = (MemoryStatus::Superseded, now);
        let memory = Memory { status, succession, updated_at, ..old.memory };
        let entry = ingest::entry(&memory, ingest::digest(&memory.content)).of_same_text();
        index::insert(tx, &partition, &[entry]).await?;
        let change = |what, other| MemoryChange {
            what,
            reason: new.reason.clone(),
            other: Some(other),
            by: Some(grant.principal().uuid()),
            at: now,
        };
        let changes =
            [(id, change(MemoryChanged::Superseded, by.id)), (by.id, change(MemoryChanged::Supersedes, id))];
        store::course::note(tx, &changes).await?;
        ingest::record(tx, grant, &partition, event::SUPERSEDED, &memory, None);
        ingest::record(tx, grant, &partition, event::UPDATED, by, None);
        Ok(memory)
    }

    /// What was done with these memories, as far as the actor may see them.
    pub async fn find_changes(
        &self,
        actor: &Actor,
        ids: &[MemoryId],
    ) -> Result<HashMap<MemoryId, Vec<MemoryChange>>> {
        actor.key_allows::<Read>()?;
        store::course::changes_of(&self.db, &actor.scope(), ids).await
    }
}

/// A new memory in the place of the old one.
fn successor(old: &Memory, text: &str, new: &NewSuccession) -> ingest::Prepared {
    let holds = Holds { valid_from: new.since, ..Holds::default() };
    let content = Content { text: text.to_owned(), holds, occurred_at: None, ..old.content.clone() };
    ingest::Prepared::new(NewItem { external_id: None, content })
}
