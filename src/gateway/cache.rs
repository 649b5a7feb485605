//! Answers in memory: the same request along the same route, in the same workspace, is answered again without a model.
//! Only complete answers are kept, for as long as the route says, and as many as there is room for; none outlives a
//! change of a route or a forgetting in its workspace.
use super::model::{ChatEvent, ChatRequest, FinishReason, MAX_OUTPUT};
use crate::{
    config::Route,
    shared::{
        Clock,
        id::WorkspaceId,
        texts::{ByText, Text, cache_of_texts},
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};
use std::{
    fmt::{self, Write as _},
    mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Bytes of one answer; a longer one is not kept.
const MAX_BYTES: usize = MAX_OUTPUT;

#[derive(Clone)]
pub(super) struct Answers {
    kept: Arc<Cache<Key, Arc<Answer>, ByText>>,
    /// How often something was forgotten: an answer that was under way then is not kept.
    forgotten: Arc<AtomicU64>,
    clock: Clock,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    workspace: WorkspaceId,
    request: [u8; 32],
}

/// What a model said, to its end.
pub(super) struct Answer {
    /// The number by which things held in the workspace when it was asked for.
    version: i64,
    until: DateTime<Utc>,
    /// Without the terminal one.
    pub(super) events: Vec<ChatEvent>,
    bytes: usize,
}

impl Text for Arc<Answer> {
    fn bytes(&self) -> u64 {
        self.bytes as u64
    }
}

/// The place of an answer.
pub(super) struct Place {
    answers: Answers,
    key: Key,
    version: i64,
    forgotten: u64,
    life: TimeDelta,
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answers")
    }
}

impl Answers {
    pub(super) fn new(bytes: u64, clock: Clock) -> Self {
        Self { kept: Arc::new(cache_of_texts(bytes, MAX_BYTES)), forgotten: Arc::default(), clock }
    }

    /// Where the answer to a request stands; `None` where the route keeps none. `version` is the number by which things
    /// hold in its workspace now.
    pub(super) fn place(&self, route: &Route, request: &ChatRequest, version: i64) -> Option<Place> {
        let life = TimeDelta::seconds(route.cache_seconds?.into());
        let key = Key { workspace: request.workspace, request: hash(route, request) };
        let forgotten = self.forgotten.load(Ordering::Acquire);
        Some(Place { answers: self.clone(), key, version, forgotten, life })
    }

    pub(super) fn forget(&self, workspace: WorkspaceId) {
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        self.kept.retain(|key, _| key.workspace != workspace);
    }
}

impl Place {
    pub(super) fn find(&self) -> Option<Arc<Answer>> {
        let answer = self.answers.kept.get(&self.key)?;
        (answer.version == self.version && answer.until > self.answers.clock.now()).then_some(answer)
    }

    pub(super) fn keeping(self) -> Keeping {
        Keeping { place: self, said: vec![], bytes: 0 }
    }

    fn insert(&self, events: Vec<ChatEvent>, bytes: usize) {
        let until = self.answers.clock.now() + self.life;
        let answer = Answer { version: self.version, until, events, bytes };
        self.answers.kept.insert(self.key, Arc::new(answer));
        // Asked after it was put there: else a forgetting could pass between.
        if self.answers.forgotten.load(Ordering::Acquire) != self.forgotten {
            self.answers.kept.remove(&self.key);
        }
    }
}

/// An answer that is kept once it is complete.
pub(super) struct Keeping {
    place: Place,
    said: Vec<ChatEvent>,
    bytes: usize,
}

impl Keeping {
    /// What the answer's owner is told, in order.
    pub(super) fn take(&mut self, event: &ChatEvent) {
        match event {
            ChatEvent::Delta { text } => self.bytes += text.len(),
            ChatEvent::Citation(quote) => self.bytes += quote.source.len() + size_of::<ChatEvent>(),
            // What a tool is to do is not done by an answer from memory.
            ChatEvent::Tool(_) | ChatEvent::Failed(_) => self.bytes = MAX_BYTES + 1,
            ChatEvent::Finished { .. } => {}
        }
        match event {
            _ if self.bytes > MAX_BYTES => self.said.clear(),
            ChatEvent::Finished { reason: FinishReason::EndOfTurn, .. } => {
                self.place.insert(mem::take(&mut self.said), self.bytes);
            }
            ChatEvent::Delta { text } => match self.said.last_mut() {
                Some(ChatEvent::Delta { text: before }) => before.push_str(text),
                _ => self.said.push(event.clone()),
            },
            _ => self.said.push(event.clone()),
        }
    }
}

/// Of all that an answer depends on: what is new in a request has to be put in here, or left out knowingly.
fn hash(route: &Route, request: &ChatRequest) -> [u8; 32] {
    let ChatRequest {
        workspace,
        route: name,
        task,
        system,
        messages,
        sources,
        tools,
        output_schema,
        max_output_tokens,
        // What it is for changes nothing.
        origin: _,
        workflow: _,
    } = request;
    let mut hash = Hash(Sha256::new());
    // Texts are in quotes there, with theirs escaped: two requests never read the same.
    let parts = (workspace, name, route, task, system, messages, sources, tools, output_schema);
    let _ = write!(hash, "{parts:?}{max_output_tokens:?}");
    hash.0.finalize().into()
}

struct Hash(Sha256);

impl fmt::Write for Hash {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        gateway::model::{ChatMessage, Failure, FailureKind, Usage},
        shared::Ambient,
    };
    use uuid::Uuid;

    fn route() -> Route {
        Route { cache_seconds: Some(60), ..Route::to("p", "m") }
    }

    fn request(prompt: &str) -> ChatRequest {
        ChatRequest::prompt(WorkspaceId::from_uuid(Uuid::nil()), "default", prompt)
    }

    fn said(text: &str) -> ChatEvent {
        ChatEvent::Delta { text: text.to_owned() }
    }

    fn finished(reason: FinishReason) -> ChatEvent {
        ChatEvent::Finished { reason, usage: Usage::default() }
    }

    fn answers() -> Answers {
        Answers::new(1 << 20, Ambient::system().clock)
    }

    fn keep(answers: &Answers, prompt: &str, events: &[ChatEvent]) {
        let mut keeping = answers.place(&route(), &request(prompt), 1).unwrap().keeping();
        events.iter().for_each(|event| keeping.take(event));
    }

    fn found(answers: &Answers, prompt: &str, version: i64) -> Option<Vec<ChatEvent>> {
        let found = answers.place(&route(), &request(prompt), version).unwrap().find();
        found.map(|answer| answer.events.clone())
    }

    #[test]
    fn a_complete_answer_is_found_again_in_one_piece() {
        let answers = answers();
        let events = vec![said("Good "), said("morning"), finished(FinishReason::EndOfTurn)];
        keep(&answers, "Hi", &events);
        assert_eq!(found(&answers, "Hi", 1), Some(vec![said("Good morning")]));
        assert_eq!(found(&answers, "Hi!", 1), None);
        assert_eq!(found(&answers, "Hi", 2), None, "something was forgotten since");
        answers.forget(WorkspaceId::from_uuid(Uuid::from_u128(1)));
        assert!(found(&answers, "Hi", 1).is_some(), "of another workspace");
        answers.forget(WorkspaceId::from_uuid(Uuid::nil()));
        assert_eq!(found(&answers, "Hi", 1), None);
    }

    #[test]
    fn what_is_not_whole_is_not_kept() {
        let answers = answers();
        let failed = ChatEvent::Failed(Failure { kind: FailureKind::CutOff, retry_after: None });
        keep(&answers, "cut", &[said("Good"), failed]);
        keep(&answers, "long", &[said("Good"), finished(FinishReason::Length)]);
        let much = said(&"x".repeat(MAX_BYTES + 1));
        keep(&answers, "much", &[much, finished(FinishReason::EndOfTurn)]);
        for prompt in ["cut", "long", "much"] {
            assert_eq!(found(&answers, prompt, 1), None, "{prompt}");
        }
    }

    #[test]
    fn whatever_differs_in_a_request_makes_it_another() {
        let (one, route) = (request("Hi"), route());
        let others = [
            ChatRequest { route: "other".into(), ..one.clone() },
            ChatRequest { workspace: WorkspaceId::from_uuid(Uuid::from_u128(1)), ..one.clone() },
            ChatRequest { system: "Be brief".into(), ..one.clone() },
            ChatRequest { messages: vec![ChatMessage::assistant("Hi")], ..one.clone() },
            ChatRequest { max_output_tokens: Some(1), ..one.clone() },
            ChatRequest { output_schema: Some(true.into()), ..one.clone() },
        ];
        for other in others {
            assert_ne!(hash(&route, &other), hash(&route, &one), "{other:?}");
        }
        let model = Route { cache_seconds: Some(60), ..Route::to("p", "other") };
        assert_ne!(hash(&model, &one), hash(&route, &one));
    }
}
