//! The use case of recalling: partitions, copies, ranking, rows.
use super::{
    Group, GroupBy, Hit, Item, Memory, MemoryKind, MemoryScope, MemoryService, Recall, RecallRequest,
    index::{ItemId, ItemKind, Moment},
    rank::{self, Order, Query, Ranked, Recency, Wanted},
    rerank::Reranker,
    store::{self, Standing},
};
use crate::shared::{
    Error, Result,
    actor::{Actor, AtLeast, Grant, Read, Write},
    id::{DocumentChunkId, MemoryId},
};
use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
    sync::Arc,
};
use tokio::task::spawn_blocking;

impl MemoryService {
    /// What answers the query best. Reads the actor's own memories and the workspace's; those of the actor's own sessions
    /// only where the scopes name them.
    pub async fn recall(&self, actor: &Actor, request: &RecallRequest) -> Result<Recall> {
        let grant = actor.may::<Read>(request.workspace)?;
        request.check()?;
        let query = if request.has_phrases { Query::of } else { Query::plain }(&request.query);
        let Some(query) = query else { return Ok(Recall::default()) };
        let scopes = request.scopes.as_deref().unwrap_or(&[MemoryScope::User, MemoryScope::Workspace]);
        // First: copies are to be as new as the answer, not as the question.
        let asked_vector = match &self.ports.embeddings {
            Some(embeddings) => {
                embeddings.query(&self.db, actor, request.workspace, &request.query).boxed().await?
            }
            None => None,
        };
        let standings = store::standings(&self.db, &grant, scopes).await?;
        if standings.is_empty() {
            return Ok(Recall::default());
        }
        let micros = |at: DateTime<Utc>| at.timestamp_micros();
        let moment = Moment {
            now: micros(self.ambient.now()),
            true_at: request.true_at.map(micros),
            known_at: request.known_at.map(micros),
        };
        let wanted = Wanted {
            kinds: request.kinds.clone(),
            collection_prefix: request.collection_prefix.clone(),
            moment: Some(moment),
        };
        let recency = request.recency.map(|recency| Recency {
            now: self.ambient.now(),
            half_life: recency.half_life,
            weight: recency.weight,
        });
        let mut order = Order { recency, diversity: request.diversity as f32, ..Order::default() };
        let (vector, vectors) = asked_vector.map(|asked| (asked.query, asked.vectors)).unzip();
        let embedded_by = vectors.as_ref().map(|vectors| vectors.model.to_string());
        let asked = Arc::new((query.with_vector(vector), wanted));
        if asked.0.has_phrases() {
            order.holding = self.holding(actor, &standings, &asked, order.clone()).await?;
        }
        let copies = self.index.copies_with(&standings, vectors.as_ref()).await?;
        let reranker = self.reranker(actor, request);
        let limit = reranker.map_or(request.limit, |reranker| request.limit.max(reranker.hits()));
        match request.group_by {
            GroupBy::None => {
                let mut ranked =
                    copies.rank(move |copies| rank::rank(copies, &asked.0, &asked.1, &order, limit)).await?;
                let mut items = self.items(actor, &ranked).await?;
                let mut reranked = None;
                if let Some(reranker) = reranker {
                    ranked.retain(|ranked| items.contains_key(&ranked.item));
                    reranked = rerank(reranker, actor, request, &mut ranked, &items).await;
                    // What was forgotten meanwhile is not told.
                    items = self.items(actor, &ranked).await?;
                }
                let hits = ranked.iter().filter_map(|ranked| hit(ranked, &mut items)).take(request.limit);
                Ok(Recall { reranked, embedded_by, ..Recall::of_hits(hits, request.token_budget) })
            }
            GroupBy::Collection => {
                let groups = copies
                    .rank(move |copies| rank::rank_groups(copies, &asked.0, &asked.1, &order, limit))
                    .await?;
                let ranked: Vec<Ranked> = groups.iter().flat_map(|group| group.best.clone()).collect();
                let mut items = self.items(actor, &ranked).await?;
                let groups = groups.iter().map(|group| Group {
                    collection: group.collection.to_string(),
                    score: group.score.into(),
                    hits: group.best.iter().filter_map(|ranked| hit(ranked, &mut items)).collect(),
                });
                Ok(Recall { embedded_by, ..Recall::of_groups(groups, request.token_budget) })
            }
        }
    }

    /// A model costs: who may only read asks none. It would undo a diverse choice.
    fn reranker(&self, actor: &Actor, request: &RecallRequest) -> Option<&Reranker> {
        let reranker = self.ports.reranker.as_ref()?;
        let is_plain = request.group_by == GroupBy::None && request.diversity == 0.0;
        (is_plain && actor.may::<Write>(request.workspace).is_ok()).then_some(reranker)
    }

    /// What holds phrases of the query, and how many, as far as it is looked at.
    async fn holding(
        &self,
        actor: &Actor,
        standings: &[Standing],
        asked: &Arc<(Query, Wanted)>,
        order: Order,
    ) -> Result<HashMap<ItemId, usize>> {
        let copies = self.index.copies(standings).await?;
        let by = asked.clone();
        let ranked = copies.rank(move |copies| rank::quoting(copies, &by.0, &by.1, &order)).await?;
        let items = self.items(actor, &ranked).await?;
        let (query, turn) = (asked.clone(), self.index.turn().await?);
        let look = move || {
            let _turn = turn;
            let held = items.into_iter().map(|(id, item)| (id, query.0.phrases_in(item.searched())));
            held.filter(|(_, phrases)| *phrases > 0).collect()
        };
        // Two hundred texts of ten thousand characters take their time.
        spawn_blocking(look).await.map_err(Error::internal)
    }

    /// What is remembered near each of these texts, whoever's it is of what the actor may recall: for each the nearest,
    /// at most `limit`. With what is expired or superseded left out.
    pub(super) async fn near(
        &self,
        grant: &Grant<impl AtLeast<Read>>,
        actor: &Actor,
        texts: &[String],
        limit: usize,
    ) -> Result<Vec<Memory>> {
        let queries: Vec<_> = texts.iter().filter_map(|text| Query::plain(text)).collect();
        let scopes = [MemoryScope::User, MemoryScope::Workspace, MemoryScope::Session];
        let standings = store::standings(&self.db, grant, &scopes).await?;
        if queries.is_empty() || standings.is_empty() {
            return Ok(vec![]);
        }
        let now = self.ambient.now().timestamp_micros();
        let moment = Some(Moment { now, true_at: None, known_at: None });
        // Chunks of documents are not memories, and are not to take their places.
        let wanted = Wanted { moment, kinds: Some(MemoryKind::ALL.to_vec()), ..Wanted::default() };
        let order = Order::default();
        let copies = self.index.copies(&standings).await?;
        let mut ranked = copies
            .rank(move |copies| {
                let ranked =
                    queries.iter().flat_map(|query| rank::rank(copies, query, &wanted, &order, limit));
                ranked.collect::<Vec<_>>()
            })
            .await?;
        ranked.sort_by_key(|ranked| ranked.item);
        ranked.dedup_by_key(|ranked| ranked.item);
        let items = self.items(actor, &ranked).await?;
        Ok(items.into_values().filter_map(Item::into_memory).collect())
    }

    /// What was ranked, as it is now and as far as the actor may see it.
    async fn items(&self, actor: &Actor, ranked: &[Ranked]) -> Result<HashMap<ItemId, Item>> {
        let of_kind =
            |kind: ItemKind| ranked.iter().map(|ranked| ranked.item).filter(move |item| item.kind == kind);
        let memories: Vec<_> = of_kind(ItemKind::Memory).map(|item| MemoryId::from_uuid(item.id)).collect();
        let mut items = HashMap::new();
        if !memories.is_empty() {
            let memories = store::find_many(&self.db, &actor.scope(), &memories).await?;
            items.extend(memories.into_iter().map(|(id, memory)| {
                (ItemId { id: id.uuid(), kind: ItemKind::Memory }, Item::Memory(memory))
            }));
        }
        let chunks: Vec<_> =
            of_kind(ItemKind::Chunk).map(|item| DocumentChunkId::from_uuid(item.id)).collect();
        if !chunks.is_empty() {
            let chunks = store::document::find_chunks(&self.db, &actor.scope(), &chunks).await?;
            let documents: BTreeSet<_> = chunks.values().map(|chunk| chunk.document).collect();
            let documents: Vec<_> = documents.into_iter().collect();
            let documents = store::document::find_many(&self.db, &actor.scope(), &documents).await?;
            items.extend(chunks.into_iter().filter_map(|(id, chunk)| {
                let document = documents.get(&chunk.document)?.clone();
                Some((ItemId { id: id.uuid(), kind: ItemKind::Chunk }, Item::Chunk(chunk, document)))
            }));
        }
        Ok(items)
    }
}

/// Puts the best in a model's order, and says whether that was done; not at all where there is nothing to put in order. What
/// holds more of the query's phrases stays before what holds less.
async fn rerank(
    reranker: &Reranker,
    actor: &Actor,
    request: &RecallRequest,
    ranked: &mut [Ranked],
    items: &HashMap<ItemId, Item>,
) -> Option<bool> {
    let best: Vec<_> = ranked.iter().copied().take(reranker.hits()).collect();
    let told: Vec<_> = best.iter().filter_map(|ranked| items.get(&ranked.item)).collect();
    if told.len() < 2 {
        return None;
    }
    let order = match reranker.order(actor, request, &told).await {
        Ok(order) => order,
        Err(error) => {
            tracing::warn!(error = %error.for_log(), "hits were not put in order");
            return Some(false);
        }
    };
    let mut ordered: Vec<_> = order.iter().filter_map(|place| best.get(*place)).collect();
    ordered.sort_by_key(|ranked| Reverse(ranked.phrases));
    ranked.iter_mut().zip(ordered).for_each(|(ranked, best)| *ranked = *best);
    Some(true)
}

/// `None` where it was forgotten a moment ago.
fn hit(ranked: &Ranked, items: &mut HashMap<ItemId, Item>) -> Option<Hit> {
    Some(Hit {
        item: items.remove(&ranked.item)?,
        score: ranked.score.into(),
        lexical: ranked.lexical.into(),
        vector: ranked.vector.into(),
        recency: ranked.recency.map(f64::from),
        phrases: ranked.phrases,
    })
}
