//! What is to be extracted, and what came of it.
use super::{MAX_SPEAKER, Memory, MemoryScope};
use crate::{
    gateway::Egress,
    memory::extraction::{Candidate, Passage, gate::Refused},
    shared::{
        Problems, Result,
        id::{CoachingSessionId, WorkspaceId},
        text,
    },
};
use chrono::{DateTime, Utc};
use serde::Serialize;

/// Characters of the texts that one extraction reads.
pub const MAX_SOURCE: usize = 50_000;
/// Candidates of one extraction.
pub const MAX_CANDIDATES: usize = 100;

#[derive(Clone, Debug, Serialize)]
pub struct NewExtraction {
    pub workspace: WorkspaceId,
    pub source: ExtractionSource,
    /// Who is to read what is kept.
    pub scope: MemoryScope,
    pub egress: Egress,
    /// Nothing is kept.
    pub dry_run: bool,
    /// The route to a model that looks, too.
    pub route: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub enum ExtractionSource {
    /// One of the actor's own.
    Session(CoachingSessionId),
    Text {
        text: String,
        /// Whose words they are, where they are not the actor's.
        speaker: Option<String>,
        /// When it was said.
        at: Option<DateTime<Utc>>,
    },
}

/// What was found. `candidates` may be kept; `memories` are, in the same order.
#[derive(Clone, Debug, Default)]
pub struct Extraction {
    pub passages: Vec<Passage>,
    pub session: Option<CoachingSessionId>,
    pub candidates: Vec<Candidate>,
    pub refused: Vec<Refused>,
    pub memories: Vec<Memory>,
    /// Whether a model looked, and was understood.
    pub used_model: bool,
    /// Whether there was more than one extraction takes.
    pub truncated: bool,
}

impl NewExtraction {
    pub fn check(&self) -> Result<()> {
        let mut problems = Problems::default();
        match &self.source {
            ExtractionSource::Text { text, speaker, .. } => {
                text::required(&mut problems, "source.text.text", text, MAX_SOURCE);
                if let Some(speaker) = speaker {
                    text::name(&mut problems, "source.text.speaker", speaker, MAX_SPEAKER);
                }
                if self.scope == MemoryScope::Session {
                    problems.invalid("scope", "SESSION is for what is extracted from a session");
                }
            }
            ExtractionSource::Session(_) => {}
        }
        problems.finish()
    }
}
