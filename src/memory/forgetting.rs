//! Forgetting: what is asked for and what was made of it, in one transaction, with one receipt.
//!
//! Quotes, outputs of runs and cached answers are emptied where they lie (`Derived`). A memory that a run wrote after
//! it read what is forgotten goes with it, and so does what other runs made of that one. What others write while this
//! looks cannot slip through: who writes down what derives from a memory takes its partition first, and here all
//! partitions are taken before it is decided what goes.
use super::{
    Erased, ErasureReceipt, MemoryService, Remembered, event, filing, ingest,
    partition::Partition,
    policy,
    store::{self, Stored, document as documents, document::StoredDocument},
};
use crate::{
    event::Tx,
    shared::{
        Error, Result,
        actor::{Actor, Grant, Write},
        id::{DocumentId, ErasureReceiptId, MemoryId},
    },
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// Tries of a forgetting that finds, once it has all its partitions, that it needs another.
const TRIES: usize = 5;

/// Memories of runs that go with one forgetting.
const MAX_DERIVED: usize = 2_000;

/// All that goes, whoever's it is.
#[derive(Default)]
struct Doomed {
    memories: Vec<Stored>,
    documents: Vec<StoredDocument>,
    /// What runs made of those.
    derived: Vec<Stored>,
}

/// What is no longer in the tables, by where it lay.
type Gone = HashMap<Partition, Vec<Uuid>>;

/// Numbers by kind, in the order in which the kinds came.
#[derive(Default)]
struct Counts(Vec<Erased>);

impl Counts {
    fn add(&mut self, kind: &str, count: u64) {
        match self.0.iter_mut().find(|erased| erased.kind == kind) {
            Some(erased) => erased.count += count,
            None => self.0.push(Erased { kind: kind.to_owned(), count }),
        }
    }
}

impl MemoryService {
    /// Erases a memory, its entry in the index and what derives from it, for good; its external id stays taken.
    pub async fn forget(&self, actor: &Actor, id: MemoryId) -> Result<ErasureReceipt> {
        self.forget_all(actor, &[Remembered::Memory(id)]).await?.ok_or(Error::NotFound("memory"))
    }

    /// Erases a document, all its chunks, a file that is still to be read, and what derives from them, for good.
    pub async fn forget_document(&self, actor: &Actor, id: DocumentId) -> Result<ErasureReceipt> {
        self.forget_all(actor, &[Remembered::Document(id)]).await?.ok_or(Error::NotFound("document"))
    }

    /// Erases these, which lie in one workspace, as far as they are there; `None` where none is.
    pub(super) async fn forget_all(
        &self,
        actor: &Actor,
        asked: &[Remembered],
    ) -> Result<Option<ErasureReceipt>> {
        let mut partitions = BTreeSet::new();
        for _ in 0..TRIES {
            let mut tx = self.log.begin().await?;
            let Some((grant, doomed)) = self.doomed(&tx, actor, asked).await? else { return Ok(None) };
            partitions.extend(doomed.partitions());
            let salts = self.lock(&tx, partitions.iter().copied()).await?;
            // It may have changed, or gone, while others held the locks.
            let Some((_, doomed)) = self.doomed(&tx, actor, asked).await? else { return Ok(None) };
            if !doomed.partitions().all(|partition| salts.contains_key(&partition)) {
                continue;
            }
            let memories = doomed.memories.iter().chain(&doomed.derived);
            store::hold_to_erase(&tx, &grant, memories, &doomed.documents).await?;
            let (receipt, gone) = self.erase(&mut tx, &grant, &salts, &doomed).await?;
            tx.commit().await?;
            self.has_forgotten(&gone).await;
            return Ok(Some(receipt));
        }
        Err(Error::Unavailable("too much is being written from what is to be forgotten: try again"))
    }

    /// What goes, as it is now; `Forbidden` where some of it may only be seen.
    async fn doomed(
        &self,
        tx: &Tx,
        actor: &Actor,
        asked: &[Remembered],
    ) -> Result<Option<(Grant<Write>, Doomed)>> {
        let (memories, documents) = Remembered::apart(asked);
        let scope = actor.scope::<policy::ForgetMemory>();
        let mut doomed = Doomed {
            memories: store::find_stored(tx, &scope, &memories).await?,
            documents: documents::find_stored(tx, &actor.scope::<policy::ForgetDocument>(), &documents)
                .await?,
            derived: vec![],
        };
        let Some(first) = doomed.partitions().next() else { return Ok(None) };
        let grant = scope.grant(first.workspace().uuid())?;
        doomed.derived = self.made_of(tx, &grant, asked).await?;
        Ok(Some((grant, doomed)))
    }

    /// What runs wrote that had read any of these, or anything that was written so.
    async fn made_of(&self, tx: &Tx, grant: &Grant<Write>, asked: &[Remembered]) -> Result<Vec<Stored>> {
        let mut known: HashSet<Remembered> = asked.iter().copied().collect();
        let mut found = Vec::new();
        let mut latest = asked.to_vec();
        while !latest.is_empty() {
            let mut runs = Vec::new();
            for derived in &self.ports.derived {
                runs.extend(derived.runs(tx, grant, &latest).await?);
            }
            let written = store::find_of_runs(tx, grant, &runs).await?;
            let new = |stored: &Stored| known.insert(Remembered::Memory(stored.memory.id));
            let written: Vec<Stored> = written.into_iter().filter(new).collect();
            latest = written.iter().map(|stored| Remembered::Memory(stored.memory.id)).collect();
            found.extend(written);
            if found.len() > MAX_DERIVED {
                let message = format!("more than {MAX_DERIVED} memories of runs derive from it");
                return Err(Error::conflict("memoryId", message + ": forget some of those first"));
            }
        }
        Ok(found)
    }

    async fn erase(
        &self,
        tx: &mut Tx,
        grant: &Grant<Write>,
        salts: &BTreeMap<Partition, Vec<u8>>,
        doomed: &Doomed,
    ) -> Result<(ErasureReceipt, Gone)> {
        let receipt: ErasureReceiptId = self.ambient.ids.next();
        let (mut counts, mut gone) = (Counts::default(), Gone::new());
        let remembered: Vec<_> = doomed.remembered().collect();
        for derived in &self.ports.derived {
            for erased in derived.erase(tx, grant, &remembered).await? {
                counts.add(&erased.kind, erased.count);
            }
        }
        let (mut entries, mut reasons) = (0, 0);
        for (kind, memories) in [("MEMORY", &doomed.memories), ("DERIVED_MEMORY", &doomed.derived)] {
            for (partition, salt) in salts {
                let here: Vec<_> = memories.iter().filter(|stored| stored.partition == *partition).collect();
                if here.is_empty() {
                    continue;
                }
                let erased = ingest::erase(tx, &self.ambient, (partition, salt.as_slice()), &here).await?;
                counts.add(kind, erased.memories);
                entries += erased.entries;
                reasons += erased.reasons;
                gone.entry(*partition).or_default().extend(here.iter().map(|stored| stored.memory.id.uuid()));
                // Whoever else's it is does not see the receipt.
                let receipt = doomed.is_shown_to(partition).then_some(receipt);
                for stored in here {
                    ingest::record(tx, grant, partition, event::FORGOTTEN, &stored.memory, receipt);
                }
            }
        }
        for stored in &doomed.documents {
            let Some(salt) = salts.get(&stored.partition) else { continue };
            let Some(removed) = filing::erase(tx, &self.ambient, salt, stored).await? else { continue };
            counts.add("DOCUMENT", 1);
            counts.add("CHUNK", u64::try_from(removed.chunks.len()).unwrap_or(u64::MAX));
            entries += removed.entries;
            gone.entry(stored.partition).or_default().extend(removed.chunks);
            filing::record(tx, grant, stored, event::DOCUMENT_FORGOTTEN, Some(receipt));
        }
        counts.add("INDEX_ENTRY", entries);
        if reasons > 0 {
            counts.add("REASON", reasons);
        }
        let receipt = ErasureReceipt { id: receipt, erased: counts.0, at: self.ambient.now() };
        let subject = doomed.remembered().next().map_or_else(Uuid::nil, Remembered::uuid);
        store::insert_receipt(tx, grant, doomed.user(), subject, &receipt).await?;
        Ok((receipt, gone))
    }

    /// After the commit: what is not in the tables.
    async fn has_forgotten(&self, gone: &Gone) {
        for (partition, items) in gone {
            self.index.drop_copies(partition, items).await;
        }
        if let Some(workspace) = gone.keys().next().map(Partition::workspace) {
            self.ports.derived.iter().for_each(|derived| derived.erased(workspace));
        }
        // The text is out of reach; what is left of it in the write-ahead log goes now, or in a moment.
        match self.db.checkpoint().await {
            Ok(true) => {}
            Ok(false) => tracing::info!("the write-ahead log is being read: it is emptied in a moment"),
            Err(error) => {
                tracing::warn!(error = %error.for_log(), "the write-ahead log was not emptied; it is tried again")
            }
        }
    }
}

impl Doomed {
    fn partitions(&self) -> impl Iterator<Item = Partition> {
        let memories = self.memories.iter().chain(&self.derived).map(|stored| stored.partition);
        memories.chain(self.documents.iter().map(|stored| stored.partition))
    }

    fn remembered(&self) -> impl Iterator<Item = Remembered> {
        let memories = self.memories.iter().chain(&self.derived);
        let memories = memories.map(|stored| Remembered::Memory(stored.memory.id));
        memories.chain(self.documents.iter().map(|stored| Remembered::Document(stored.document.id)))
    }

    /// Who alone sees the receipt: whoever asked, if something private was among it.
    fn user(&self) -> Option<Uuid> {
        let memories = self.memories.iter().map(|stored| stored.partition.user());
        memories.chain(self.documents.iter().map(|stored| stored.partition.user())).flatten().next()
    }

    fn is_shown_to(&self, partition: &Partition) -> bool {
        self.user().is_none() || partition.user() == self.user()
    }
}
