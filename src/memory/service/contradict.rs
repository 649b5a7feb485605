//! What is remembered beside a memory and speaks against it.
use super::{MemoryService, store};
use crate::{
    gateway::{ChatRequest, Contradicted, FinishReason, Gateway, GroundingSource, Task},
    memory::{
        Memory, MemoryStatus,
        contradiction::{self, told},
        model::{Contradiction, ContradictionCheck, ContradictionFinder, MemoryContradiction, Quotes},
    },
    shared::{
        Error, Result,
        actor::{Actor, AtLeast, Grant, Read, Write},
        id::{MemoryId, WorkspaceId},
    },
};
use std::collections::BTreeMap;

/// Neighbours that are looked at.
const NEAR: usize = 20;

const MESSAGE: &str = "Which sources cannot be true beside source 1?";

/// By the place among the neighbours.
type Found = BTreeMap<usize, (Contradiction, Quotes)>;

impl MemoryService {
    /// Memories in use near this one that cannot hold beside it, as far as their words tell. Nothing is changed.
    pub async fn contradictions(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        id: MemoryId,
    ) -> Result<Vec<MemoryContradiction>> {
        let grant = actor.may::<Read>(workspace)?;
        let (memory, near) = self.beside(actor, &grant, id).await?;
        Ok(joined(&memory, near, &Found::new()))
    }

    /// The same, with what the model of a route says: what it quotes right, beside what the rules find. Where it gives no
    /// answer that can be read, or cannot be asked, the rules' findings alone, and that is told.
    pub async fn check_contradictions(
        &self,
        gateway: &Gateway,
        actor: &Actor,
        workspace: WorkspaceId,
        id: MemoryId,
        route: &str,
    ) -> Result<ContradictionCheck> {
        // A model is asked as by every other call: who may only read asks none.
        let grant = actor.may::<Write>(workspace)?;
        let (memory, mut near) = self.beside(actor, &grant, id).await?;
        if near.is_empty() {
            return Ok(ContradictionCheck::default());
        }
        let said = match self.told_against(gateway, actor, &memory, &near, route).await {
            Ok(said) => said,
            Err(error @ (Error::Unavailable(_) | Error::RateLimited { .. })) => {
                tracing::warn!(error = %error.for_log(), "no model looked for contradictions");
                None
            }
            Err(error) => return Err(error),
        };
        let model_answered = Some(said.is_some());
        let found = joined(&memory, std::mem::take(&mut near), &said.unwrap_or_default());
        Ok(ContradictionCheck { found: self.still_there(actor, id, found).await?, model_answered })
    }

    /// A memory, and what is in use near it.
    async fn beside(
        &self,
        actor: &Actor,
        grant: &Grant<impl AtLeast<Read>>,
        id: MemoryId,
    ) -> Result<(Memory, Vec<Memory>)> {
        let mut found = store::find_many(&self.db, &actor.scope(), &[id]).await?;
        let memory = found.remove(&id).filter(|memory| memory.workspace == grant.workspace());
        let memory = memory.ok_or(Error::NotFound("memory"))?;
        let mut near = self.near(grant, actor, std::slice::from_ref(&memory.content.text), NEAR).await?;
        near.retain(|other| {
            other.id != id
                && other.status == MemoryStatus::Active
                && (other.content.speaker.is_none()
                    || memory.content.speaker.is_none()
                    || other.content.speaker == memory.content.speaker)
        });
        near.sort_by_key(|other| other.id);
        Ok((memory, near))
    }

    /// `None` where the answer cannot be read.
    async fn told_against(
        &self,
        gateway: &Gateway,
        actor: &Actor,
        memory: &Memory,
        near: &[Memory],
        route: &str,
    ) -> Result<Option<Found>> {
        let sources: Vec<_> = (1..)
            .zip(std::iter::once(memory).chain(near))
            .map(|(number, memory)| source(number, memory))
            .collect();
        let request = ChatRequest {
            task: Task::Contradict,
            system: told::INSTRUCTIONS.to_owned(),
            sources: sources.clone(),
            output_schema: Some(Contradicted::schema()),
            ..ChatRequest::prompt(memory.workspace, route, MESSAGE)
        };
        let answer = gateway.complete(actor, request).await?;
        if answer.reason != FinishReason::EndOfTurn {
            return Ok(None);
        }
        let mut texts = sources.iter().map(|source| source.text.as_str());
        let asked = texts.next().unwrap_or_default();
        Ok(told::read(&answer.text, asked, &texts.collect::<Vec<_>>()))
    }

    /// What was forgotten while a model spoke of it is not told.
    async fn still_there(
        &self,
        actor: &Actor,
        id: MemoryId,
        mut found: Vec<MemoryContradiction>,
    ) -> Result<Vec<MemoryContradiction>> {
        let ids: Vec<_> = found.iter().map(|one| one.memory.id).chain([id]).collect();
        let there = store::find_many(&self.db, &actor.scope(), &ids).await?;
        if !there.contains_key(&id) {
            return Err(Error::NotFound("memory"));
        }
        found.retain(|one| there.contains_key(&one.memory.id));
        Ok(found)
    }
}

fn source(number: usize, memory: &Memory) -> GroundingSource {
    GroundingSource {
        id: number.to_string(),
        text: memory.content.text.chars().take(told::TOLD).collect(),
        speaker: memory.content.speaker.clone(),
        occurred_at: memory.content.occurred_at,
        egress: memory.content.egress,
    }
}

/// What the rules find and what was told, as one. Where both found it, the rules say how.
fn joined(memory: &Memory, near: Vec<Memory>, told: &Found) -> Vec<MemoryContradiction> {
    let found = near.into_iter().enumerate().filter_map(|(place, other)| {
        let by_rules = contradiction::between(&memory.content.text, &other.content.text);
        let (by_model, quotes) = told.get(&place).cloned().unzip();
        let found_by =
            [by_rules.map(|_| ContradictionFinder::Rules), by_model.map(|_| ContradictionFinder::Model)];
        let found_by = found_by.into_iter().flatten().collect();
        Some(MemoryContradiction { kind: by_rules.or(by_model)?, memory: other, found_by, quotes })
    });
    found.collect()
}
