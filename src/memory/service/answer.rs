//! Answers a question from what is remembered: recall, a model or the built-in extracts, and a check of each quote.
use super::MemoryService;
use crate::{
    gateway::{Answered, ChatRequest, Completion, FinishReason, Gateway, GroundingSource, Task, Usage},
    memory::{
        answer,
        model::{Abstention, Answer, AnswerRequest, Hit},
    },
    shared::{
        Error, Result,
        actor::{Actor, Write},
        id::MemoryId,
    },
};

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
            let speaker = hit.item.memory().and_then(|memory| memory.content.speaker.as_deref());
            hit.vector >= ALIKE || answer::is_evidence(question, hit.item.text(), speaker)
        };
        if !recall.hits.iter().any(evidence) {
            return Ok(Answer { used_tokens, ..abstained(Abstention::NoEvidence, Usage::default()) });
        }
        let sources: Vec<_> = recall.hits.into_iter().filter_map(source).collect();
        let asked = ChatRequest {
            task: Task::Answer,
            system: answer::INSTRUCTIONS.to_owned(),
            sources: sources.clone(),
            output_schema: Some(Answered::schema()),
            ..ChatRequest::prompt(request.recall.workspace, &request.route, question)
        };
        let Completion { text, reason, usage, .. } = gateway.complete(actor, asked).await?;
        self.require_all(actor, &sources).await?;
        if reason == FinishReason::ContentPolicy {
            return Ok(Answer { used_tokens, ..abstained(Abstention::ContentPolicy, usage) });
        }
        let answered = answer::read(&text);
        if !answered.answered || answered.answer.trim().is_empty() {
            return Ok(Answer { used_tokens, ..abstained(Abstention::NotInSources, usage) });
        }
        let (citations, grounded) = answer::checked(&answered, question, &sources);
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
    async fn require_all(&self, actor: &Actor, sources: &[GroundingSource]) -> Result<()> {
        let ids: Vec<MemoryId> = sources.iter().filter_map(|source| source.id.parse().ok()).collect();
        let there = self.find_many(actor, &ids).await?;
        if there.len() < ids.len() {
            return Err(Error::Unavailable(
                "something that the answer is made of was forgotten meanwhile: ask again",
            ));
        }
        Ok(())
    }
}

fn source(hit: Hit) -> Option<GroundingSource> {
    let memory = hit.item.into_memory()?;
    let content = memory.content;
    Some(GroundingSource {
        id: memory.id.to_string(),
        text: content.text,
        speaker: content.speaker,
        occurred_at: content.occurred_at,
        egress: content.egress,
    })
}

fn abstained(why: Abstention, usage: Usage) -> Answer {
    Answer { text: answer::NOTHING.to_owned(), abstention: Some(why), usage, ..Answer::default() }
}
