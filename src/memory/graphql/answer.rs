//! A question to what is remembered, and its answer.
use super::MemoryScope;
use crate::{
    coaching::{self, CitationNode},
    gateway::DEFAULT_ROUTE,
    graphql_kit::{DateTime, each_once},
    memory::model,
    shared::{Error, id::WorkspaceId},
};
use async_graphql::{Enum, InputObject, SimpleObject};

/// A question to what is remembered.
#[derive(InputObject, Debug)]
pub struct AnswerInput {
    /// In plain words, at most 10,000 characters.
    question: String,
    /// How many memories at most the answer is made from, 1 to 100.
    #[graphql(default = 10)]
    limit: i32,
    /// How many tokens the texts of all of them together may have, as `usedTokens` counts them.
    #[graphql(default = 2000)]
    token_budget: i32,
    /// Where to look: USER and WORKSPACE if nothing is said; SESSION adds the caller's own coaching sessions.
    scopes: Option<Vec<MemoryScope>>,
    /// Only memories in a collection whose name begins so, upper and lower case being different.
    collection_prefix: Option<String>,
    /// From what was so at this time, as `RecallInput.trueAt`.
    true_at: Option<DateTime>,
    /// From what was known here at this time, as `RecallInput.knownAt`.
    known_at: Option<DateTime>,
    /// The route to the model that answers. As the server comes, `default` leads to one that quotes and needs no model.
    #[graphql(default_with = "DEFAULT_ROUTE.to_owned()")]
    route: String,
}

impl AnswerInput {
    pub(super) fn request(self, workspace: WorkspaceId) -> Result<model::AnswerRequest, Error> {
        let count = |name: &str, value: i32| {
            usize::try_from(value)
                .map_err(|_| Error::BadInput(format!("{name} is {value}: it cannot be negative")))
        };
        let recall = model::RecallRequest {
            token_budget: Some(count("tokenBudget", self.token_budget)?),
            scopes: self.scopes.map(each_once),
            collection_prefix: self.collection_prefix,
            true_at: self.true_at.map(|at| at.0),
            known_at: self.known_at.map(|at| at.0),
            has_phrases: true,
            ..model::RecallRequest::new(workspace, self.question, count("limit", self.limit)?)
        };
        Ok(model::AnswerRequest { recall, route: self.route })
    }
}

/// Why there is no answer. New reasons may come.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::Abstention")]
pub enum AnswerAbstention {
    /// Nothing that is remembered has enough to do with the question: no model was asked.
    NoEvidence,
    /// What was recalled does not answer it.
    NotInSources,
    /// A guardrail, or the model's own rules, do not let it be answered.
    ContentPolicy,
}

/// An answer from what is remembered.
#[derive(SimpleObject, Debug)]
pub struct Answer {
    /// In plain words; where `abstained`, that there is none.
    text: String,
    /// What it quotes. A quote that does not stand in its source word for word is left out.
    citations: Vec<CitationNode>,
    /// Whether the answer can be held against its citations: there is one at least, none had to be left out, and no
    /// number in the text came from elsewhere.
    grounded: bool,
    /// Whether there is no answer, since the evidence for one is not there.
    abstained: bool,
    /// Why there is none; null where there is one.
    abstained_for: Option<AnswerAbstention>,
    /// What the model cost in tokens; nothing where none was asked.
    usage: AnswerUsage,
    /// What the recalled texts cost a language model, about: a quarter of each one's characters, rounded up.
    used_tokens: i32,
}

/// What an answer cost in tokens: as the provider counted them, or estimated as a quarter of the characters.
#[derive(SimpleObject, Debug)]
pub struct AnswerUsage {
    /// Of the question, the instructions and what was recalled.
    input_tokens: i32,
    /// Of the answer.
    output_tokens: i32,
}

impl From<model::Answer> for Answer {
    fn from(answer: model::Answer) -> Self {
        let shown = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
        let citation = |citation: model::Citation| {
            let model::Citation { from, chunk, quote, start, end } = citation;
            CitationNode::from(coaching::Citation { from, chunk, quote, start, end })
        };
        Self {
            text: answer.text,
            citations: answer.citations.into_iter().map(citation).collect(),
            grounded: answer.grounded,
            abstained: answer.abstention.is_some(),
            abstained_for: answer.abstention.map(AnswerAbstention::from),
            usage: AnswerUsage {
                input_tokens: shown(answer.usage.input_tokens),
                output_tokens: shown(answer.usage.output_tokens),
            },
            used_tokens: i32::try_from(answer.used_tokens).unwrap_or(i32::MAX),
        }
    }
}
