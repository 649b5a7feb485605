//! Gives items their vectors, and moves workspaces from one model to another.
//!
//! Nothing is kept of what is under way but the rows themselves: a vector is written with the number up to which its partition
//! was looked at, in one transaction, so whoever is killed leaves work undone and nothing half done. Workspaces take turns of
//! some batches; a turn is held for a while, so that two processes do not ask for the same.
use super::{ProviderEmbeddings, quantised};
use crate::{
    db::Source,
    gateway::{
        Egress, EmbedError, EmbedPurpose, EmbedRequest, EmbedText, Embedded, EmbeddingModel, Failure,
        FailureKind,
    },
    memory::{
        MemoryService,
        partition::Partition,
        store::{
            self, embedding as rows, embedding::Indexed, embedding_progress as progress,
            embedding_state as states,
        },
    },
    shared::{
        Error, Result,
        actor::{Grant, Principal, Write},
        id::{UserId, WorkspaceId},
    },
};
use chrono::TimeDelta;
use futures_util::{FutureExt, StreamExt, stream};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// From one look to the next where nothing was left to do.
const EVERY: Duration = Duration::from_secs(1);
/// From one look at all workspaces to the next: whether their routes lead to another model, and what is left of an old one.
const SURVEY: Duration = Duration::from_secs(60);
/// How long a workspace is one process's without a word: where its provider is slower than this, another process may ask for
/// the same, which costs and does no harm.
const LEASE: TimeDelta = TimeDelta::seconds(15);
/// Workspaces of one look, and of those at once.
const LOOKED_AT: u64 = 100;
const AT_ONCE: usize = 4;
/// Batches of one turn, and partitions that it goes through.
const TURN: usize = 8;
const PARTITIONS: u64 = 100;
/// A model that lacks no more vectors than this when a turn begins, and none of those when it ends, is complete: what is
/// written meanwhile goes by the embedded model for a moment, as it does ever after.
const LITTLE: u64 = 256;
/// Rounds of one turn.
const ROUNDS: usize = 4;
/// How long the vectors of the model before are kept: by them may still rank who looked before the change, and servers
/// that are started one after the other with another route do not have it all made anew.
const GRACE: TimeDelta = TimeDelta::minutes(10);
/// Vectors that are deleted in one transaction.
const DELETED: u64 = 1_000;
/// How long to wait after a failure, doubled with each that follows.
const WAIT: TimeDelta = TimeDelta::seconds(1);
const LONGEST_WAIT: TimeDelta = TimeDelta::seconds(60);
/// Turns of a workspace that failed one after the other, after which it may be a text that a provider stumbles over.
const STUBBORN: u32 = 4;
/// Texts of a batch, and batches of a turn, where it may be so: each may be waited for in vain.
const FEW: usize = 8;
const FEW_BATCHES: usize = 1;
/// A text that every model takes: where it does not, it is not the text.
const PROBE: &str = "word";

/// What is sent: an item, as the index has it, and its text.
type Sent = (Indexed, EmbedText);
/// An item with its vector.
type Answered = (Indexed, Vec<i8>);
/// What was answered, and what kept the rest from it.
type Asked = (Vec<Answered>, Option<Error>);

impl MemoryService {
    /// Works until `stop`, where the operator names a route. Any number of processes may.
    pub async fn keep_embedded(self, stop: CancellationToken) {
        if self.ports.embeddings.is_none() {
            return;
        }
        if let Err(error) = self.take_over().await {
            tracing::warn!(%error, "workspaces that were left in the midst of their turn wait for its end");
        }
        let (mut surveyed, mut after) = (None::<Instant>, None);
        while !stop.is_cancelled() {
            if surveyed.is_none_or(|at| at.elapsed() >= SURVEY) {
                if let Err(error) = self.survey_embeddings().await {
                    tracing::warn!(%error, "which models are wanted could not be looked at; it is tried again");
                }
                surveyed = Some(Instant::now());
            }
            let more = match self.embed_some(&mut after, &stop).await {
                Ok(more) => more,
                Err(error) => {
                    tracing::warn!(%error, "what lacks vectors was not found; it is tried again");
                    false
                }
            };
            if !more {
                let _ = stop.run_until_cancelled(sleep(EVERY)).await;
            }
        }
    }

    /// One SQLite file has one server, and this is it: whoever had a turn is gone.
    async fn take_over(&self) -> Result<()> {
        if !self.db.is_sqlite() {
            return Ok(());
        }
        let tx = self.log.begin().await?;
        states::release_all(&tx).await?;
        tx.commit().await
    }

    /// Gives vectors to all that lacks them now, as far as providers give some.
    pub async fn embed_due(&self) -> Result<()> {
        let stop = CancellationToken::new();
        let mut after = None;
        while self.embed_some(&mut after, &stop).await? {}
        Ok(())
    }

    /// A turn for each workspace behind `after` that has something to do; false where there was none.
    async fn embed_some(&self, after: &mut Option<WorkspaceId>, stop: &CancellationToken) -> Result<bool> {
        let begun = *after;
        let due = states::list_due(&self.db, self.ambient.now(), begun, LOOKED_AT).await?;
        *after = due.last().copied().filter(|_| due.len() as u64 == LOOKED_AT);
        let count = due.len();
        let turns: Vec<_> = due.into_iter().map(|workspace| self.embed_turn(workspace, stop)).collect();
        stream::iter(turns).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
        Ok(count > 0 || begun.is_some())
    }

    async fn embed_turn(&self, workspace: WorkspaceId, stop: &CancellationToken) {
        if let Err(error) = self.take_turn(workspace, stop).await {
            tracing::warn!(%workspace, %error, "a turn did not end in order; it ends by itself");
        }
    }

    async fn take_turn(&self, workspace: WorkspaceId, stop: &CancellationToken) -> Result<()> {
        let Some(embeddings) = &self.ports.embeddings else { return Ok(()) };
        if stop.is_cancelled() {
            return Ok(());
        }
        let now = self.ambient.now();
        let tx = self.log.begin().await?;
        let state = states::take(&tx, workspace, now, now + LEASE).await?;
        tx.commit().await?;
        let Some(state) = state else { return Ok(()) };
        let stumbles = state.failures >= STUBBORN;
        let worker = Worker { memories: self, embeddings, workspace, stumbles, stop };
        let (not_before, failures) = match worker.work(&state).boxed().await {
            Ok(()) => (None, 0),
            Err(error) => {
                let wait = (WAIT * 2_i32.pow(state.failures.min(6))).min(LONGEST_WAIT);
                tracing::warn!(%workspace, %error, seconds = wait.num_seconds(), "no vectors; it is tried again");
                (Some(self.ambient.now() + wait), state.failures.saturating_add(1))
            }
        };
        let tx = self.log.begin().await?;
        states::give_back(&tx, workspace, not_before, failures).await?;
        tx.commit().await
    }

    /// Looks at all workspaces that have vectors: notes which model each wants, and deletes what is left of others.
    pub async fn survey_embeddings(&self) -> Result<()> {
        let Some(embeddings) = &self.ports.embeddings else { return Ok(()) };
        let mut after = None;
        loop {
            let page = states::list_after(&self.db, after, LOOKED_AT).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(*last);
            for (workspace, state) in page {
                match embeddings.gateway.embedding_model(workspace, &embeddings.config.route).await {
                    Ok(model) => self.survey_one(workspace, &state, &model.to_string()).await?,
                    Err(error) => tracing::warn!(%workspace, %error, "no model is wanted"),
                }
            }
        }
    }

    async fn survey_one(&self, workspace: WorkspaceId, state: &states::State, wanted: &str) -> Result<()> {
        if state.wanted.as_deref() != Some(wanted) {
            return self.want(workspace, wanted, true).await;
        }
        let is_over = state.switched_at.is_some_and(|at| at + GRACE <= self.ambient.now());
        if state.active.as_deref() != Some(wanted) || !is_over {
            return Ok(());
        }
        loop {
            let tx = self.log.begin().await?;
            // Somebody may have led the route back meanwhile.
            if !states::lock_settled(&tx, workspace, wanted).await? {
                return Ok(());
            }
            let is_last = rows::delete_others(&tx, workspace, wanted, DELETED).await? < DELETED;
            if is_last {
                states::forget_switch(&tx, workspace).await?;
            }
            tx.commit().await?;
            if is_last {
                return Ok(());
            }
        }
    }

    /// `at_once`: whatever failed with another one.
    async fn want(&self, workspace: WorkspaceId, model: &str, at_once: bool) -> Result<()> {
        let tx = self.log.begin().await?;
        let dimensions = rows::dimensions_of(&tx, workspace, model).await?;
        states::want(&tx, workspace, model, dimensions).await?;
        if at_once {
            states::give_back(&tx, workspace, None, 0).await?;
        }
        tx.commit().await
    }
}

/// Who has a workspace's turn.
struct Worker<'a> {
    memories: &'a MemoryService,
    embeddings: &'a ProviderEmbeddings,
    workspace: WorkspaceId,
    /// It went wrong often enough to ask whether single texts are why.
    stumbles: bool,
    stop: &'a CancellationToken,
}

impl Worker<'_> {
    async fn work(&self, state: &states::State) -> Result<()> {
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
            tracing::warn!(%workspace, model = %active, %error, "the model that is in use gives no vectors");
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
        let (mut left, mut exceeded) = (if self.stumbles { FEW_BATCHES } else { TURN }, false);
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
        let most = if self.stumbles { FEW } else { usize::MAX };
        let size = self.embeddings.config.batch.min(most) as u64;
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

    /// Vectors of those that have none and may go to the provider.
    async fn ask(
        &self,
        partition: &Partition,
        model: &EmbeddingModel,
        indexed: Vec<Indexed>,
    ) -> Result<Asked> {
        let missing: Vec<_> = indexed.into_iter().filter(|indexed| !indexed.is_embedded).collect();
        let items: Vec<_> = missing.iter().map(|indexed| indexed.item).collect();
        let mut texts = rows::texts(&self.memories.db, partition, &items).await?;
        let is_internal = self.embeddings.gateway.is_internal(model);
        let with_text = missing.into_iter().filter_map(|indexed| {
            let EmbedText { text, egress } = texts.remove(&indexed.item.id)?;
            Some((indexed, EmbedText { text: self.embeddings.cut(&text), egress }))
        });
        let sent: Vec<Sent> =
            with_text.filter(|(_, text)| is_internal || text.egress == Egress::Allowed).collect();
        if sent.is_empty() {
            return Ok((vec![], None));
        }
        let principal = self.principal(partition).await?;
        let grant = Grant::<Write>::upkeep(self.workspace, principal);
        if self.stumbles {
            // A provider that is down need not be asked for each; one that is back is not left alone any longer.
            self.embed(&grant, model, vec![probe()]).await.map_err(told)?;
        }
        match self.call(&grant, model, &sent).await {
            Err(EmbedError::Failed(failure))
                if is_of_text(failure.kind) || self.may_be_of_text(failure.kind) =>
            {
                Ok(self.ask_one_by_one(&grant, model, sent).await)
            }
            answered => Ok((answered.map_err(told)?, None)),
        }
    }

    /// One of them is not taken: the others are not to suffer for it, and that one goes by the embedded model.
    async fn ask_one_by_one(&self, grant: &Grant<Write>, model: &EmbeddingModel, sent: Vec<Sent>) -> Asked {
        let mut answered = vec![];
        for one in sent {
            let item = one.0.item.id;
            match self.ask_one(grant, model, one).await {
                Ok(Ok(mut vector)) => answered.append(&mut vector),
                Ok(Err(failure)) => {
                    tracing::warn!(workspace = %self.workspace, %item, %failure, "an item gets no vector");
                }
                Err(error) => return (answered, Some(error)),
            }
        }
        (answered, None)
    }

    /// The inner failure is the text's own.
    async fn ask_one(
        &self,
        grant: &Grant<Write>,
        model: &EmbeddingModel,
        one: Sent,
    ) -> Result<Result<Vec<Answered>, Failure>> {
        let tx = self.memories.log.begin().await?;
        states::renew(&tx, self.workspace, self.memories.ambient.now() + LEASE).await?;
        tx.commit().await?;
        match self.call(grant, model, &[one]).await {
            Ok(vector) => Ok(Ok(vector)),
            Err(EmbedError::Failed(failure)) if is_of_text(failure.kind) => Ok(Err(failure)),
            Err(EmbedError::Failed(failure)) if self.may_be_of_text(failure.kind) => {
                self.embed(grant, model, vec![probe()]).await.map_err(told)?;
                Ok(Err(failure))
            }
            Err(error) => Err(told(error)),
        }
    }

    /// Whether it may be the text: where another one is taken, it is.
    fn may_be_of_text(&self, kind: FailureKind) -> bool {
        match kind {
            FailureKind::Rejected => true,
            FailureKind::Provider
            | FailureKind::Malformed
            | FailureKind::TooLong
            | FailureKind::CutOff
            | FailureKind::Timeout => self.stumbles,
            _ => false,
        }
    }

    async fn call(
        &self,
        grant: &Grant<Write>,
        model: &EmbeddingModel,
        sent: &[Sent],
    ) -> Result<Vec<Answered>, EmbedError> {
        let texts = sent.iter().map(|(_, text)| text.clone()).collect();
        let embedded = self.embed(grant, model, texts).await?;
        let pairs = sent.iter().zip(embedded.vectors);
        Ok(pairs.filter_map(|((indexed, _), vector)| Some((*indexed, quantised(&vector?)))).collect())
    }

    async fn embed(
        &self,
        grant: &Grant<Write>,
        model: &EmbeddingModel,
        texts: Vec<EmbedText>,
    ) -> Result<Embedded, EmbedError> {
        let request = EmbedRequest {
            workspace: self.workspace,
            route: self.embeddings.config.route.clone(),
            model: model.clone(),
            purpose: EmbedPurpose::Kept,
            texts,
        };
        let embedded =
            self.stop.run_until_cancelled(self.embeddings.gateway.embed_kept(grant, request)).await;
        embedded.ok_or(Error::Unavailable("the server stops"))?
    }

    /// Who bears the cost: whose it is; what everybody reads is nobody's.
    async fn principal(&self, partition: &Partition) -> Result<Principal> {
        match partition.user() {
            Some(user) => Ok(self.embeddings.account.actor_with(user).await?.principal()),
            None => Ok(Principal::User(UserId::from_uuid(self.workspace.uuid()))),
        }
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

fn probe() -> EmbedText {
    EmbedText { text: PROBE.to_owned(), egress: Egress::Allowed }
}

/// Whether it is the text that is not taken, and will not be.
fn is_of_text(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::Guardrail | FailureKind::ContextWindow | FailureKind::ContentPolicy)
}

fn told(error: EmbedError) -> Error {
    match error {
        EmbedError::Refused(error) => error,
        EmbedError::Failed(failure) => failure.into(),
    }
}
