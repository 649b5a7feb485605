//! A question to what is remembered, and what came of it.
use super::RecallRequest;
use crate::{
    gateway::Usage,
    memory::Remembered,
    shared::{id::DocumentChunkId, stored},
};

#[derive(Clone, Debug)]
pub struct AnswerRequest {
    /// Its query is the question.
    pub recall: RecallRequest,
    /// The route to the model that answers.
    pub route: String,
}

stored! {
    /// Why there is no answer.
    Abstention {
        /// Nothing recalled has enough to do with the question.
        NoEvidence = "NO_EVIDENCE",
        /// What was recalled does not answer it.
        NotInSources = "NOT_IN_SOURCES",
        /// A guardrail, or the model's own rules, do not let it be answered.
        ContentPolicy = "CONTENT_POLICY",
    }
}

#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub text: String,
    pub citations: Vec<Citation>,
    /// Whether each quote stands in its source, there is one, and no number came from elsewhere.
    pub grounded: bool,
    pub abstention: Option<Abstention>,
    pub usage: Usage,
    /// What was recalled costs so many tokens, about.
    pub used_tokens: usize,
}

/// A part of something remembered that an answer quotes word for word; offsets count UTF-16 code units of its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Citation {
    pub from: Remembered,
    /// The part of the document.
    pub chunk: Option<DocumentChunkId>,
    pub quote: String,
    pub start: usize,
    pub end: usize,
}
