mod answer;
mod contradict;
mod expire;
mod extract;
mod settle;
mod supersede;

pub(super) use extract::source_of;

use super::{
    ErasureReceipt, Imported, Memory, MemoryFilter, MemoryScope, MemorySource, NewImport, NewItem, NewMemory,
    Outcome, Ports, Remembered,
    about::Readings,
    event,
    index::Index,
    ingest::{self, Prepared},
    partition::Partition,
    policy, store,
};
use crate::{
    db::{
        Db, Source,
        idempotency::{self, Claimed, Key},
    },
    event::{Log, Tx},
    gateway::Gateway,
    shared::{
        Ambient, ClientId, Error, Page, PageRequest, Problem, ProblemCode, Problems, Result,
        actor::{Actor, Grant, Read, Write},
        id::{CoachingSessionId, ErasureReceiptId, MemoryId, WorkspaceId},
    },
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};
use tokio::{
    sync::{OnceCell, Semaphore, SemaphorePermit},
    task::spawn_blocking,
};

#[derive(Clone, Debug)]
pub struct MemoryService {
    pub(super) db: Db,
    pub(super) log: Log,
    pub(super) ambient: Ambient,
    pub(super) ports: Ports,
    pub(super) index: Index,
    pub(super) imports: Arc<Semaphore>,
    pub(super) signing: Arc<OnceCell<Vec<u8>>>,
    pub(super) readings: Readings,
}

/// Who writes more items than these at once writes for so long that others take turns.
const LARGE: usize = 50;

impl MemoryService {
    pub fn new(db: Db, log: Log, ambient: Ambient, ports: Ports, index: Index, readings: Readings) -> Self {
        // One SQLite file has one writer: what is small gets between two imports, not behind all of them.
        let imports = Arc::new(Semaphore::new(if db.is_sqlite() { 1 } else { 4 }));
        Self { db, log, ambient, ports, index, imports, signing: Arc::default(), readings }
    }

    /// The same, with this gateway for the order of hits and for vectors where one is asked.
    pub fn answered_by(mut self, gateway: Gateway) -> Self {
        let embeddings = self.ports.embeddings;
        self.ports.embeddings = embeddings.map(|embeddings| embeddings.answered_by(gateway.clone()));
        self.ports.reranker = self.ports.reranker.map(|reranker| reranker.answered_by(gateway));
        self
    }

    /// Writes one memory. The same external id again is the same memory, changed where its content differs.
    pub async fn remember(
        &self,
        actor: &Actor,
        new: NewMemory,
        idempotency_key: Option<String>,
    ) -> Result<Memory> {
        actor.may::<policy::Remember>(new.workspace)?;
        let key = idempotency_key.map(|key| Key::new("remember", key, &new)).transpose()?;
        let mut tx = self.log.begin().await?;
        let memory = match idempotency::claim(&tx, &self.ambient, actor.principal(), key.as_ref()).await? {
            Claimed::Replay(id) => self.replayed(&tx, actor, &[id]).await?.remove(0),
            Claimed::New(claim) => {
                let memory = self.remember_in(&mut tx, actor, new).await?;
                claim.keep(&tx, &memory.id).await?;
                memory
            }
        };
        tx.commit().await?;
        Ok(memory)
    }

    /// As [`Self::remember`], in the caller's transaction, which has the idempotency key.
    pub async fn remember_in(&self, tx: &mut Tx, actor: &Actor, new: NewMemory) -> Result<Memory> {
        let grant = actor.may::<policy::Remember>(new.workspace)?;
        let mut problems = Problems::default();
        let item = new.item.checked(&mut problems, "");
        let client_id = ClientId::checked(&mut problems, new.client_id.as_deref(), &item)?;
        match (new.scope, new.session) {
            (MemoryScope::Session, None) => {
                problems.invalid("sessionId", "a memory of scope SESSION needs its session")
            }
            (MemoryScope::User | MemoryScope::Workspace, Some(_)) => {
                problems.invalid("sessionId", "only a memory of scope SESSION has one");
            }
            _ => {}
        }
        problems.finish()?;
        let partition = self.partition(tx, &grant, new.scope, new.session).await?;
        let batch = vec![Prepared::new(item).of_run(new.run)];
        let name = |_| String::new();
        let mut written =
            ingest::write(tx, &self.ambient, &grant, &partition, batch, client_id, name).await?;
        written.pop().map(|(memory, _)| memory).ok_or_else(|| Error::internal("an item was lost"))
    }

    /// Where memories of this scope are written; `NotFound` where the session is not the principal's own.
    async fn partition(
        &self,
        tx: &Tx,
        grant: &Grant<Write>,
        scope: MemoryScope,
        session: Option<CoachingSessionId>,
    ) -> Result<Partition> {
        if let (MemoryScope::Session, Some(session)) = (scope, session) {
            let is_own = match &self.ports.sessions {
                Some(sessions) => sessions.is_own(tx, grant, session).await?,
                None => false,
            };
            if !is_own {
                return Err(Error::NotFound("session"));
            }
        }
        Ok(Partition::of_scope(grant, scope, session))
    }

    /// Takes partitions until the transaction ends, and gives the keys of their hashes.
    pub(super) async fn lock(
        &self,
        tx: &Tx,
        partitions: impl IntoIterator<Item = Partition>,
    ) -> Result<BTreeMap<Partition, Vec<u8>>> {
        let mut salts = BTreeMap::new();
        for partition in partitions.into_iter().collect::<BTreeSet<_>>() {
            let salt = store::lock_partition(tx, &partition, self.ambient.random.bytes()).await?;
            salts.insert(partition, salt);
        }
        Ok(salts)
    }

    /// For who writes so many items: one of many takes turns with others, so that what is small comes in between.
    pub(super) async fn turn(&self, items: usize) -> Result<Option<SemaphorePermit<'_>>> {
        if items <= LARGE {
            return Ok(None);
        }
        self.imports.acquire().await.map(Some).map_err(Error::internal)
    }

    /// Takes of memory what a transaction needs that also changes other things, before it takes any of those: with
    /// `reads`, nothing that the actor may recall is forgotten until it ends; into the scopes of `writes` it may
    /// remember. A forgetting takes memory first, too, and everybody in the same order: so no two deadlock.
    pub async fn reserve_in(
        &self,
        tx: &Tx,
        actor: &Actor,
        workspace: WorkspaceId,
        reads: bool,
        writes: &[MemoryScope],
    ) -> Result<()> {
        let grant = actor.may::<Write>(workspace)?;
        for partition in [Partition::of_user(&grant), Partition::of_workspace(&grant)] {
            if writes.contains(&partition.scope()) {
                store::lock_partition(tx, &partition, self.ambient.random.bytes()).await?;
            } else if reads {
                store::share_partition(tx, &partition).await?;
            }
        }
        Ok(())
    }

    /// Of these, the ones that exist in the transaction, or where else it is read, and that the actor may see.
    pub async fn find_remembered_in(
        &self,
        source: &impl Source,
        actor: &Actor,
        of: &[Remembered],
    ) -> Result<HashSet<Remembered>> {
        let (memories, documents) = Remembered::apart(of);
        let mut found = HashSet::new();
        if !memories.is_empty() {
            let there = store::find_many(source, &actor.scope(), &memories).await?;
            found.extend(there.into_keys().map(Remembered::Memory));
        }
        if !documents.is_empty() {
            let there = store::document::find_many(source, &actor.scope(), &documents).await?;
            found.extend(there.into_keys().map(Remembered::Document));
        }
        Ok(found)
    }

    /// Writes up to a thousand memories, all or none.
    pub async fn import(
        &self,
        actor: &Actor,
        new: NewImport,
        idempotency_key: Option<String>,
    ) -> Result<Imported> {
        let grant = actor.may::<policy::ImportMemories>(new.workspace)?;
        let import = new.checked()?;
        let key = idempotency_key.map(|key| Key::new("importMemories", key, &import)).transpose()?;
        let partition = Partition::of_scope(&grant, import.scope, None);
        let (places, items) = (import.places, import.items);
        let batch = prepared(items).await?;
        let _turn = self.turn(batch.len()).await?;
        let mut tx = self.log.begin().await?;
        let memories = match idempotency::claim(&tx, &self.ambient, actor.principal(), key.as_ref()).await? {
            Claimed::Replay(outcomes) => {
                let outcomes: Vec<(MemoryId, Outcome)> = outcomes;
                let ids: Vec<_> = outcomes.iter().map(|(id, _)| *id).collect();
                let memories = self.replayed(&tx, actor, &ids).await?;
                memories.into_iter().zip(outcomes).map(|(memory, (_, outcome))| (memory, outcome)).collect()
            }
            Claimed::New(claim) => {
                let path = |index| format!("{}.", places.of(index));
                let written =
                    ingest::write(&mut tx, &self.ambient, &grant, &partition, batch, None, path).await?;
                let outcomes: Vec<_> =
                    written.iter().map(|(memory, outcome)| (memory.id, *outcome)).collect();
                claim.keep(&tx, &outcomes).await?;
                written
            }
        };
        tx.commit().await?;
        Ok(Imported { memories })
    }

    /// What an earlier call with the same idempotency key gave, as it is now.
    async fn replayed(&self, tx: &Tx, actor: &Actor, ids: &[MemoryId]) -> Result<Vec<Memory>> {
        let mut found = store::find_many(tx, &actor.scope(), ids).await?;
        let memories: Option<Vec<_>> = ids.iter().map(|id| found.remove(id)).collect();
        let message = "what this key made was forgotten since: use a new key to remember anew";
        memories.ok_or_else(|| {
            Error::Refused(vec![Problem::new(ProblemCode::Forgotten, "idempotencyKey", message)])
        })
    }

    /// All that the actor may see, newest first.
    pub async fn list(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        filter: &MemoryFilter,
        page: &PageRequest,
    ) -> Result<Page<Memory>> {
        store::list(&self.db, &actor.may::<Read>(workspace)?, filter, page).await
    }

    /// Of these, the ones that exist and that the actor may see.
    pub async fn find_many(&self, actor: &Actor, ids: &[MemoryId]) -> Result<HashMap<MemoryId, Memory>> {
        actor.key_allows::<Read>()?;
        store::find_many(&self.db, &actor.scope(), ids).await
    }

    /// Where these memories were taken from, as far as the actor may see them.
    pub async fn find_sources(
        &self,
        actor: &Actor,
        ids: &[MemoryId],
    ) -> Result<HashMap<MemoryId, Vec<MemorySource>>> {
        actor.key_allows::<Read>()?;
        store::candidate::sources_of(&self.db, &actor.scope(), ids).await
    }

    pub async fn find_receipts(
        &self,
        actor: &Actor,
        ids: &[ErasureReceiptId],
    ) -> Result<HashMap<ErasureReceiptId, ErasureReceipt>> {
        actor.key_allows::<Read>()?;
        store::find_receipts(&self.db, &actor.scope(), ids).await
    }

    /// Of these, the ones that exist; they stay until the transaction ends. Whoever writes down what derives from
    /// something holds it first: so either forgetting finds what was written, or the writer finds it gone.
    pub async fn hold(
        &self,
        tx: &Tx,
        grant: &Grant<Write>,
        of: &[Remembered],
    ) -> Result<HashSet<Remembered>> {
        store::hold(tx, grant, of).await
    }
}

/// Digests what is to be imported, on a thread for it where it takes its time.
async fn prepared(items: Vec<NewItem>) -> Result<Vec<Prepared>> {
    let is_large = items.len() > LARGE;
    let prepare = move || items.into_iter().map(Prepared::new).collect();
    match is_large {
        true => spawn_blocking(prepare).await.map_err(Error::internal),
        false => Ok(prepare()),
    }
}
