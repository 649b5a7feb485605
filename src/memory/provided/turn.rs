//! One turn of a workspace: which model its items go by, and a batch for each partition that lacks vectors.
use super::{ProviderEmbeddings, ask::Answered};
use crate::{
    db::Source,
    gateway::{EmbeddingModel, FailureKind},
    memory::{
        MemoryService,
        partition::Partition,
        store::{
            self, embedding as rows, embedding::Indexed, embedding_progress as progress,
            embedding_state as states,
        },
    },
    shared::{Error, Result, id::WorkspaceId},
};
use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long a workspace is one process's without a word: where its provider is slower than this, another process may ask for
/// the same, which costs and does no harm.
pub(super) const LEASE: TimeDelta = TimeDelta::seconds(15);
/// Partitions that a turn goes through.
const PARTITIONS: u64 = 100;
/// A model that lacks no more vectors than this when a turn begins, and none of those when it ends, is complete: what is
/// written meanwhile goes by the embedded model for a moment, as it does ever after.
const LITTLE: u64 = 256;
/// Rounds of one turn.
const ROUNDS: usize = 4;
/// Turns of a workspace that failed one after the other, after which it may be a text that a provider stumbles over.
const STUBBORN: u32 = 4;

/// Whoever has a workspace's turn.
pub(super) struct Turn<'a> {
    pub(super) memories: &'a MemoryService,
    pub(super) embeddings: &'a ProviderEmbeddings,
    pub(super) workspace: WorkspaceId,
    pub(super) manner: Manner,
    pub(super) stop: &'a CancellationToken,
}

/// How a turn goes about it.
#[derive(Clone, Copy)]
pub(super) enum Manner {
    Usual,
    /// It went wrong often enough to ask whether single texts are why: each may be waited for in vain.
    Careful,
}

impl Manner {
    pub(super) fn after(failures: u32) -> Self {
        if failures < STUBBORN { Self::Usual } else { Self::Careful }
    }

    fn batches(self) -> usize {
        match self {
            Self::Usual => 8,
            Self::Careful => 1,
        }
    }

    /// Texts of a batch.
    fn texts(self, most: usize) -> usize {
        match self {
            Self::Usual => most,
            Self::Careful => most.min(8),
        }
    }

    /// Whether a text may be why: where another one is taken, it is.
    pub(super) fn suspects_text(self, kind: FailureKind) -> bool {
        match kind {
            FailureKind::Rejected => true,
            FailureKind::Provider
            | FailureKind::Malformed
            | FailureKind::TooLong
            | FailureKind::CutOff
            | FailureKind::Timeout => matches!(self, Self::Careful),
            _ => false,
        }
    }
}

impl Turn<'_> {
    pub(super) async fn work(&self, state: &states::State) -> Result<()> {
        let (memories, workspace) = (self.memories, self.workspace);
        let route = &self.embeddings.config.route;
        let wanted = self.embeddings.gateway.embedding_model(workspace, route).await?;
        let name = wanted.to_string();
        if state.wanted.as_deref() != Some(&name) {
            memories.want(workspace, &name, false).await?;
        }
        let active = state.active.as_deref().filter(|active| *active != name);
        // Until the other one is complete, recall goes by this one, also of what is new.
        if let Some(active) = active.and_then(EmbeddingModel::parse)
            && let Err(error) = self.catch_up(&active).await
        {
            tracing::warn!(%workspace, model = %active, error = %error.for_log(), "the model that is in use gives no vectors");
        }
        for _ in 0..ROUNDS {
            let lacking = self.lacking(&name).await?;
            if !self.catch_up(&wanted).await? {
                return Ok(());
            }
            if lacking <= LITTLE {
                return if state.active.as_deref() == Some(&name) {
                    Ok(())
                } else {
                    self.switch(&name).await
                };
            }
        }
        Ok(())
    }

    async fn switch(&self, model: &str) -> Result<()> {
        let tx = self.memories.log.begin().await?;
        states::switch(&tx, self.workspace, model, self.memories.ambient.now()).await?;
        tx.commit().await?;
        tracing::info!(workspace = %self.workspace, model, "recall goes by another model");
        Ok(())
    }

    /// Items that were not looked at for the model; counted up to a little more than [`LITTLE`].
    async fn lacking(&self, model: &str) -> Result<u64> {
        let db = &self.memories.db;
        let mut lacking = 0;
        for behind in progress::behind(db, self.workspace, model, PARTITIONS).await? {
            lacking += progress::count_after(db, &behind.partition, behind.until).await?;
            if lacking > LITTLE {
                break;
            }
        }
        Ok(lacking)
    }

    /// A batch for each partition in turn, until nothing is left, and true, or the turn is over.
    async fn catch_up(&self, model: &EmbeddingModel) -> Result<bool> {
        let name = model.to_string();
        let mut behind = progress::behind(&self.memories.db, self.workspace, &name, PARTITIONS).await?;
        let all = (behind.len() as u64) < PARTITIONS;
        // Whoever comes first by its id is not always the first.
        let first = u64::from_le_bytes(self.memories.ambient.random.bytes()) as usize;
        let by = first % behind.len().max(1);
        behind.rotate_left(by);
        let (mut left, mut exceeded) = (self.manner.batches(), false);
        while !behind.is_empty() {
            let mut still = vec![];
            for mut behind in behind {
                if left == 0 || self.stop.is_cancelled() {
                    return if exceeded { Err(Error::BudgetExceeded) } else { Ok(false) };
                }
                left -= 1;
                match self.batch(&behind.partition, model, behind.until).await {
                    Ok(Some(until)) => {
                        behind.until = until;
                        still.push(behind);
                    }
                    Ok(None) => {}
                    // One person's budget holds up nobody else's vectors in this turn.
                    Err(Error::BudgetExceeded) => exceeded = true,
                    Err(error) => return Err(error),
                }
            }
            behind = still;
        }
        if exceeded { Err(Error::BudgetExceeded) } else { Ok(all) }
    }

    /// Gives vectors to the next items of a partition; up to where it has looked, or `None` where nothing is left.
    async fn batch(&self, partition: &Partition, model: &EmbeddingModel, until: i64) -> Result<Option<i64>> {
        let (memories, name) = (self.memories, model.to_string());
        let size = self.manner.texts(self.embeddings.config.batch) as u64;
        let indexed = rows::indexed_after(&memories.db, partition, &name, until, size).await?;
        let last = indexed.last().map_or(until, |indexed| indexed.revision);
        let (answered, failed) = self.ask(partition, model, indexed).await?;
        let tx = memories.log.begin().await?;
        store::lock_partition(&tx, partition, memories.ambient.random.bytes()).await?;
        let vectors = still_so(&tx, partition, answered).await?;
        if let Some((_, vector)) = vectors.first() {
            let dimensions = vector.len();
            if !states::set_dimensions(&tx, self.workspace, &name, dimensions).await? {
                return Err(Error::Unavailable(
                    "the provider has another model under this name: its vectors have another length. Give it another name",
                ));
            }
            let raised = store::raise_revision(&tx, partition, 1).await?;
            rows::insert(&tx, partition, &name, &vectors, raised.revision).await?;
        }
        if let Some(error) = failed {
            // What was answered and paid for is kept; the rest is asked for again.
            tx.commit().await?;
            return Err(error);
        }
        let is_left = progress::has_after(&tx, partition, last).await?;
        let looked_at = if is_left { last } else { progress::revision_of(&tx, partition).await? };
        progress::set_progress(&tx, partition, &name, looked_at).await?;
        states::renew(&tx, self.workspace, memories.ambient.now() + LEASE).await?;
        tx.commit().await?;
        Ok(is_left.then_some(last))
    }
}

/// Those whose rows of the index are what they were: others were changed, forgotten or put out of use meanwhile.
async fn still_so(
    tx: &impl Source,
    partition: &Partition,
    answered: Vec<Answered>,
) -> Result<Vec<(Uuid, Vec<i8>)>> {
    let items: Vec<_> = answered.iter().map(|(indexed, _)| indexed.item.id).collect();
    let revisions = rows::revisions_of(tx, partition, &items).await?;
    let same = |indexed: &Indexed| revisions.get(&indexed.item.id) == Some(&indexed.revision);
    let kept = answered.into_iter().filter(|(indexed, _)| same(indexed));
    Ok(kept.map(|(indexed, vector)| (indexed.item.id, vector)).collect())
}
