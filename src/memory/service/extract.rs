//! Finds what of a session or a text is worth remembering, and proposes it.
use super::{MemoryService, event, ingest, policy, store};
use crate::{
    db::idempotency::{self, Claimed, Key},
    event::Tx,
    gateway::{Action, ChatRequest, Check, Gateway, Guardrail, Masks, OnError, Policy, Rule, Stage},
    memory::{
        Memory, MemorySource, MemoryStatus, Succession,
        extraction::{
            Candidate, Passage,
            gate::{self, Against, Known},
            propose, told,
        },
        model::{Content, Extraction, ExtractionSource, Holds, MAX_CANDIDATES, MAX_SOURCE, NewExtraction},
        partition::Partition,
        port::Said,
        store::Stored,
    },
    shared::{
        Error, Result,
        actor::{Actor, Grant, Write},
        id::{CoachingSessionId, MemoryId},
    },
};
use std::collections::HashSet;

/// Memories near a candidate that it is held against.
const NEAR: usize = 5;
/// Open and refused proposals that a candidate is held against, the newest.
const PROPOSED: u64 = 1_000;

impl MemoryService {
    /// What is worth remembering. Unless it is a dry run, what passes the gate is kept as CANDIDATE: nobody recalls it
    /// before it is accepted.
    pub async fn extract(
        &self,
        gateway: &Gateway,
        actor: &Actor,
        new: NewExtraction,
        key: Option<String>,
    ) -> Result<Extraction> {
        let grant = actor.may::<policy::ExtractMemories>(new.workspace)?;
        new.check()?;
        let key = key.map(|key| Key::new("extractMemories", key, &new)).transpose()?;
        if let Some(memories) = self.extracted_before(actor, key.as_ref()).await? {
            return Ok(Extraction { memories, ..Extraction::default() });
        }
        let (session, said) = self.said(&grant, &new.source).await?;
        if said.leaves_nothing {
            return Err(Error::invalid(
                "source.sessionId",
                "this session is to leave nothing: nothing of it is remembered",
            ));
        }
        let Said { passages, recalled, instructions, .. } = said;
        let from_model = match &new.route {
            Some(route) if !passages.is_empty() => self.told(gateway, actor, &new, route, &passages).await?,
            _ => None,
        };
        let used_model = from_model.is_some();
        let found = in_background({
            let passages = passages.clone();
            move || merged(from_model.unwrap_or_default(), propose(&passages))
        })
        .await?;
        let truncated = found.len() > MAX_CANDIDATES;
        let candidates: Vec<_> = found.into_iter().take(MAX_CANDIDATES).collect();
        let texts: Vec<_> = candidates.iter().map(|candidate| candidate.text.clone()).collect();
        let mut known = known_of(self.near(&grant, actor, &texts, NEAR).await?);
        let partition = Partition::of_scope(&grant, new.scope, session);
        known.extend(known_of(store::candidate::list(&self.db, &partition, PROPOSED).await?));
        let seen: HashSet<_> = known.iter().map(|known| known.id).collect();
        let guardrail = self.injection()?;
        let (passages, candidates, refused) = in_background(move || {
            let is_attack =
                |text: &str| guardrail.evaluate(text, &mut Masks::default(), None).action == Action::Block;
            let against = Against {
                passages: &passages,
                known: &known,
                recalled: &recalled,
                prompts: &instructions,
                is_attack: &is_attack,
            };
            let (candidates, refused) = gate::judge(candidates, &against);
            (passages, candidates, refused)
        })
        .await?;
        let mut extraction =
            Extraction { passages, session, candidates, refused, memories: vec![], used_model, truncated };
        if !new.dry_run {
            self.propose(actor, &grant, &new, &mut extraction, &seen, key.as_ref()).await?;
        }
        Ok(extraction)
    }

    /// What an earlier call with the same key kept, as it is now.
    async fn extracted_before(&self, actor: &Actor, key: Option<&Key>) -> Result<Option<Vec<Memory>>> {
        if key.is_none() {
            return Ok(None);
        }
        let tx = self.log.begin().await?;
        match idempotency::claim(&tx, &self.ambient, actor.principal(), key).await? {
            Claimed::Replay(ids) => {
                let ids: Vec<MemoryId> = ids;
                Ok(Some(self.replayed(&tx, actor, &ids).await?))
            }
            // The claim goes with the transaction: a model is asked outside of any.
            Claimed::New(_) => Ok(None),
        }
    }

    async fn said(
        &self,
        grant: &Grant<Write>,
        source: &ExtractionSource,
    ) -> Result<(Option<CoachingSessionId>, Said)> {
        match source {
            ExtractionSource::Session(session) => {
                let read = match &self.ports.transcript {
                    Some(transcript) => transcript.read(&self.db, grant, *session, MAX_SOURCE).await?,
                    None => None,
                };
                Ok((Some(*session), read.ok_or(Error::NotFound("session"))?))
            }
            ExtractionSource::Text { text, speaker, at } => {
                let speaker = speaker.as_deref().map(|name| name.trim().to_owned());
                let passage = Passage { text: text.clone(), message: None, speaker, at: *at };
                Ok((None, Said { passages: vec![passage], ..Said::default() }))
            }
        }
    }

    /// What a model finds; `None` where its answer is none of the form that was asked for.
    async fn told(
        &self,
        gateway: &Gateway,
        actor: &Actor,
        new: &NewExtraction,
        route: &str,
        passages: &[Passage],
    ) -> Result<Option<Vec<Candidate>>> {
        let request = ChatRequest {
            system: told::INSTRUCTIONS.to_owned(),
            output_schema: Some(told::schema()),
            ..ChatRequest::prompt(new.workspace, route, told::prompt(passages))
        };
        let completion = gateway.complete(actor, request).await?;
        Ok(told::read(&completion.text, passages))
    }

    fn injection(&self) -> Result<Guardrail> {
        let rules = vec![Rule { check: Check::Injection, action: Action::Block }];
        let policy = Policy { stage: Stage::Retrieval, rules, on_error: OnError::FailClosed };
        Guardrail::new(policy, self.ambient.clock.clone())
    }

    /// Keeps what passed the gate.
    async fn propose(
        &self,
        actor: &Actor,
        grant: &Grant<Write>,
        new: &NewExtraction,
        extraction: &mut Extraction,
        seen: &HashSet<MemoryId>,
        key: Option<&Key>,
    ) -> Result<()> {
        let mut tx = self.log.begin().await?;
        let claim = match idempotency::claim(&tx, &self.ambient, actor.principal(), key).await? {
            // Another call with this key was faster.
            Claimed::Replay(ids) => {
                let ids: Vec<MemoryId> = ids;
                extraction.memories = self.replayed(&tx, actor, &ids).await?;
                return Ok(());
            }
            Claimed::New(claim) => claim,
        };
        let partition = Partition::of_scope(grant, new.scope, extraction.session);
        store::lock_partition(&tx, &partition, self.ambient.random.bytes()).await?;
        self.refuse_proposed(&tx, &partition, extraction, seen).await?;
        let now = self.ambient.now();
        let rows: Vec<_> = extraction
            .candidates
            .iter()
            .map(|candidate| {
                let at = extraction.passages.get(candidate.passage).and_then(|passage| passage.at);
                let memory = Memory {
                    id: self.ambient.ids.next(),
                    workspace: new.workspace,
                    scope: new.scope,
                    external_id: None,
                    content: Content {
                        text: candidate.text.clone(),
                        kind: candidate.topic.kind(),
                        occurred_at: at,
                        speaker: candidate.speaker.clone(),
                        collection: None,
                        egress: new.egress,
                        importance: None,
                        holds: Holds::default(),
                    },
                    status: MemoryStatus::Candidate,
                    version: 1,
                    client_id: None,
                    confidence: Some(candidate.confidence),
                    succession: Succession::default(),
                    created_at: now,
                    updated_at: now,
                };
                let source = source_of(candidate, extraction);
                (Stored { memory, partition, client_hash: None, run: None }, source)
            })
            .collect();
        if !rows.is_empty() {
            store::candidate::insert(&tx, &rows).await?;
        }
        for (stored, _) in &rows {
            ingest::record(&mut tx, grant, &partition, event::PROPOSED, &stored.memory, None);
        }
        extraction.memories = rows.into_iter().map(|(stored, _)| stored.memory).collect();
        let ids: Vec<_> = extraction.memories.iter().map(|memory| memory.id).collect();
        claim.keep(&tx, &ids).await?;
        tx.commit().await
    }

    /// What another extraction proposed meanwhile, since these were `seen`, is not proposed again.
    async fn refuse_proposed(
        &self,
        tx: &Tx,
        partition: &Partition,
        extraction: &mut Extraction,
        seen: &HashSet<MemoryId>,
    ) -> Result<()> {
        let proposed = store::candidate::list(tx, partition, PROPOSED).await?;
        let known = known_of(proposed.into_iter().filter(|memory| !seen.contains(&memory.id)));
        let candidates = std::mem::take(&mut extraction.candidates);
        let against = Against {
            passages: &extraction.passages,
            known: &known,
            recalled: &[],
            prompts: &[],
            is_attack: &|_| false,
        };
        let (candidates, refused) = gate::judge(candidates, &against);
        extraction.candidates = candidates;
        extraction.refused.extend(refused);
        Ok(())
    }
}

/// Where a candidate comes from.
pub(in crate::memory) fn source_of(candidate: &Candidate, extraction: &Extraction) -> MemorySource {
    let offsets = candidate.offsets(&extraction.passages);
    MemorySource {
        session: extraction.session,
        message: extraction.passages.get(candidate.passage).and_then(|passage| passage.message),
        quote: candidate.quote(&extraction.passages).to_owned(),
        start: offsets.start,
        end: offsets.end,
    }
}

fn known_of(memories: impl IntoIterator<Item = Memory>) -> Vec<Known> {
    let known = memories.into_iter().map(|memory| Known {
        id: memory.id,
        text: memory.content.text,
        speaker: memory.content.speaker,
        is_used: memory.status == MemoryStatus::Active,
    });
    known.collect()
}

/// A model's candidates, and those of the rules that stand elsewhere.
fn merged(told: Vec<Candidate>, found: Vec<Candidate>) -> Vec<Candidate> {
    let is_new = |candidate: &Candidate| {
        !told.iter().any(|other| {
            let (a, b) = (&other.range, &candidate.range);
            other.passage == candidate.passage && a.start < b.end && b.start < a.end
        })
    };
    let found: Vec<_> = found.into_iter().filter(is_new).collect();
    told.into_iter().chain(found).collect()
}

/// Long texts do not hold up what else runs.
async fn in_background<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)
}
