//! What is asked for vectors, and what is answered.
use super::model::{ChatRequest, Egress, Failure, GroundingSource, MAX_INPUT, Task};
use crate::{
    config::Target,
    shared::{Error, Problems, id::WorkspaceId},
};
use std::fmt;

/// Texts of one call.
pub const MAX_EMBEDDED: usize = 128;

/// A model of a provider that makes vectors. Those of two models cannot be compared, so this names them wherever they are
/// kept: as `provider/model`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EmbeddingModel {
    pub provider: String,
    pub model: String,
}

impl EmbeddingModel {
    /// `None` of what [`fmt::Display`] has not written.
    pub fn parse(name: &str) -> Option<Self> {
        let (provider, model) = name.split_once('/')?;
        Some(Self { provider: provider.to_owned(), model: model.to_owned() })
    }

    pub(super) fn target(&self) -> Target {
        Target { provider: self.provider.clone(), model: self.model.clone(), weight: 1 }
    }
}

impl fmt::Display for EmbeddingModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

/// What the vectors are for: it decides which guardrails see the texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmbedPurpose {
    /// Somebody asks: the stage INPUT.
    Query,
    /// It is kept, to be found: the stage RETRIEVAL.
    Kept,
}

#[derive(Clone, Debug)]
pub struct EmbedText {
    pub text: String,
    pub egress: Egress,
}

/// Texts that vectors are wanted of.
#[derive(Clone, Debug)]
pub struct EmbedRequest {
    pub workspace: WorkspaceId,
    /// Whose time limits, retries and guardrails hold, and by which the call is logged.
    pub route: String,
    pub model: EmbeddingModel,
    pub purpose: EmbedPurpose,
    /// At most [`MAX_EMBEDDED`].
    pub texts: Vec<EmbedText>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedded {
    /// In the order of the texts, all of one length; `None` for a text that may not go to this provider.
    pub vectors: Vec<Option<Vec<f32>>>,
}

/// Why there are no vectors.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// The call was not made.
    #[error(transparent)]
    Refused(#[from] Error),
    /// It was, or something stood in its way.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl EmbedRequest {
    pub(super) fn check(&self) -> Result<(), Error> {
        let mut problems = Problems::default();
        let count = self.texts.len();
        if !(1..=MAX_EMBEDDED).contains(&count) {
            problems.invalid("texts", format!("{count} texts: 1 to {MAX_EMBEDDED} are possible"));
        }
        let length: usize = self.texts.iter().map(|text| text.text.chars().count()).sum();
        if length > MAX_INPUT {
            problems.invalid("texts", format!("{length} characters: at most {MAX_INPUT} are possible"));
        }
        problems.finish()
    }

    /// The same as guardrails, budgets and the log know requests: each text is a source, by its place.
    pub(super) fn into_chat(self) -> ChatRequest {
        let sources = self.texts.into_iter().enumerate().map(|(place, text)| GroundingSource {
            id: place.to_string(),
            text: text.text,
            speaker: None,
            occurred_at: None,
            egress: text.egress,
        });
        let mut request = ChatRequest {
            task: Task::Embed(self.purpose),
            messages: vec![],
            max_output_tokens: Some(0),
            ..ChatRequest::prompt(self.workspace, self.route, "")
        };
        request.sources = sources.collect();
        request
    }
}
