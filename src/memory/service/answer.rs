//! Answers a question from what is remembered: recall, a model or the built-in extracts, and a check of each quote.
use super::MemoryService;
use crate::{
    gateway::{Answered, ChatRequest, Completion, FinishReason, Gateway, GroundingSource, Task, Usage},
    memory::{
        Item, Remembered,
        answer::{self, Quoted},
        model::{Abstention, Answer, AnswerRequest, Citation, Hit},
    },
    shared::{
        Error, Result,
        actor::{Actor, Write},
        id::DocumentChunkId,
    },
};
use std::collections::HashSet;

/// Cosine of a question and a text that may answer it in other words.
const ALIKE: f64 = 0.5;

impl MemoryService {
    /// An answer with quotes that were held against their sources; where nothing answers, none is made up.
    pub async fn answer(&self, gateway: &Gateway, actor: &Actor, request: &AnswerRequest) -> Result<Answer> {
        // A model is asked as by every other call: who may only read asks none.
        actor.may::<Write>(request.recall.workspace)?;
        let recall = self.recall(actor, &request.recall).await?;
        let (question, used_tokens) = (&request.recall.query, recall.used_tokens);
        let evidence = |hit: &Hit| {
            let speaker = hit.item.speaker();
            hit.vector >= ALIKE || answer::is_evidence(question, hit.item.text(), speaker)
        };
        if !recall.hits.iter().any(evidence) {
            return Ok(Answer { used_tokens, ..abstained(Abstention::NoEvidence, Usage::default()) });
        }
        let origins: Vec<_> =
            recall.hits.iter().map(|hit| (hit.item.remembered(), hit.item.chunk())).collect();
        let sources: Vec<_> = recall.hits.into_iter().map(source).collect();
        let asked = ChatRequest {
            task: Task::Answer,
            system: answer::INSTRUCTIONS.to_owned(),
            sources: sources.clone(),
            output_schema: Some(Answered::schema()),
            ..ChatRequest::prompt(request.recall.workspace, &request.route, question)
        };
        let Completion { text, reason, usage, .. } = gateway.complete(actor, asked).await?;
        self.require_all(actor, &origins).await?;
        if reason == FinishReason::ContentPolicy {
            return Ok(Answer { used_tokens, ..abstained(Abstention::ContentPolicy, usage) });
        }
        let answered = answer::read(&text);
        if !answered.answered || answered.answer.trim().is_empty() {
            return Ok(Answer { used_tokens, ..abstained(Abstention::NotInSources, usage) });
        }
        let (quoted, grounded) = answer::checked(&answered, question, &sources);
        let citation = |Quoted { source, quote, start, end }: Quoted| {
            let (from, chunk) = *origins.get(source)?;
            Some(Citation { from, chunk, quote, start, end })
        };
        let citations = quoted.into_iter().filter_map(citation).collect();
        Ok(Answer {
            text: answered.answer.trim().to_owned(),
            citations,
            grounded,
            abstention: None,
            usage,
            used_tokens,
        })
    }

    /// What was forgotten while a model spoke of it is not told.
    async fn require_all(
        &self,
        actor: &Actor,
        origins: &[(Remembered, Option<DocumentChunkId>)],
    ) -> Result<()> {
        let of: HashSet<_> = origins.iter().map(|(from, _)| *from).collect();
        let of: Vec<_> = of.into_iter().collect();
        if self.find_remembered_in(&self.db, actor, &of).await?.len() < of.len() {
            return Err(Error::Unavailable(
                "something that the answer is made of was forgotten meanwhile: ask again",
            ));
        }
        Ok(())
    }
}

fn source(hit: Hit) -> GroundingSource {
    let (egress, speaker) = (hit.item.egress(), hit.item.speaker().map(str::to_owned));
    let (id, text, occurred_at) = match hit.item {
        Item::Memory(memory) => (memory.id.to_string(), memory.content.text, memory.content.occurred_at),
        Item::Chunk(chunk, _) => (chunk.id.to_string(), chunk.text, None),
    };
    GroundingSource { id, text, speaker, occurred_at, egress }
}

fn abstained(why: Abstention, usage: Usage) -> Answer {
    Answer { text: answer::NOTHING.to_owned(), abstention: Some(why), usage, ..Answer::default() }
}
