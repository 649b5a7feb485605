//! Carries out one turn: recall, answer, stream, checkpoint, end.
use super::{
    event::{Delta, delta_topic, interrupt_topic},
    model::{
        Citation, Ending, MAX_MESSAGE, Message, MessageRole, MessageStatus, StopReason, TokenUsage, Turn,
        TurnStatus,
    },
    service::chat_message,
    speech::Speech,
    store::{self, message as messages, turn as turns},
    tracker::length,
    worker::{Worker, upkeep},
};
use crate::{
    event::Signal,
    gateway::{
        ChatEvent, ChatMessage, ChatRequest, DEFAULT_ROUTE, FailureKind, FinishReason, GroundingSource,
        Origin, Quote, Speaker, TOOL_ROUNDS, TOOLS_AT_ONCE, Task, Told, ToolUse,
    },
    memory::{Item, RecallRequest, Remembered},
    shared::{
        Error, Result,
        actor::{Actor, Principal, Read},
        id::DocumentChunkId,
        text::slice_utf16,
    },
};
use futures_util::{StreamExt, stream::BoxStream};
use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

/// How often what was said so far is kept: what a crash can take back.
const CHECKPOINT: Duration = Duration::from_millis(250);
/// Memories that a reply may draw on, and the tokens that they may cost together.
const RECALLED: usize = 10;
const RECALL_TOKENS: usize = 2_000;
/// Characters of a message that are looked for in memory.
const QUERY: usize = 2_000;
/// Messages of the conversation that the coach is told, the latest, and their characters in all: more than one
/// message may have, so the latest is always among them, and far less than the gateway takes.
const HISTORY: u64 = 40;
const HISTORY_CHARACTERS: usize = 3 * MAX_MESSAGE;

pub(super) const INSTRUCTIONS: &str = "You are a coach. Follow the GROW conversation: goal, reality, options, will. Be warm, brief \
    and concrete; end with one question. Quote what is remembered word for word, and say so when nothing is.";

/// What was said so far, shared with whoever keeps it.
type Said = Arc<Mutex<Speech>>;

/// Where the reply is.
struct Spoken {
    topic: String,
    /// In UTF-16 code units.
    offset: u32,
    /// Whether what comes next is a paragraph of its own.
    pause: bool,
}

/// What came of one answer of a model.
enum Heard {
    Ended(Ending),
    /// It waits for these.
    Asked {
        tools: Vec<ToolUse>,
        usage: TokenUsage,
    },
}

/// Why a turn has to stop.
enum Stop {
    Asked,
    /// It has ended by itself.
    Over,
    /// It is in other hands.
    Lost,
}

impl Worker {
    pub(super) async fn carry_out(&self, turn: Turn, drained: CancellationToken) {
        let said = Said::default();
        let ending = match self.answer(&turn, &said, drained).await {
            Ok(None) => return,
            Ok(Some(ending)) => ending,
            Err(error) => {
                tracing::error!(turn = %turn.id, error = %error.for_log(), "a turn failed");
                Ending::broken(StopReason::ProviderFailed, so_far(&said))
            }
        };
        // Where this fails too, the lease runs out and the turn is ended as interrupted.
        if let Err(error) = self.finish(&turn, ending).await {
            tracing::error!(turn = %turn.id, error = %error.for_log(), "a turn could not be ended; it will be when its lease is over");
        }
    }

    /// `None` where the turn was lost to other hands.
    async fn answer(&self, turn: &Turn, said: &Said, drained: CancellationToken) -> Result<Option<Ending>> {
        // Listening comes before the first look at the row, so that no word is missed.
        let asked = self.asked_to_stop(turn).await;
        let deadline = Instant::now() + self.parts.config.turn_timeout();
        let speaking = async {
            let (actor, request, told) = self.prepare(turn).await?;
            self.speak(turn, said, &actor, request, told).await
        };
        // A task of its own: a transaction is never dropped in its midst.
        let over = CancellationToken::new();
        let mut keeper = tokio::spawn(self.clone().keep(turn.clone(), said.clone(), over.clone()));
        let interrupted = |reason| Ok(Some(Ending::interrupted(reason, Some(so_far(said)))));
        let mut stopped = false;
        let ending = tokio::select! {
            ending = speaking => ending.map(Some),
            stop = &mut keeper => {
                stopped = true;
                match stop {
                    Ok(Stop::Lost) => Ok(None),
                    Ok(Stop::Asked | Stop::Over) => interrupted(StopReason::Interrupted),
                    Err(panic) => Err(Error::internal(panic)),
                }
            }
            () = asked => interrupted(StopReason::Interrupted),
            () = drained.cancelled() => interrupted(StopReason::ServerRestarted),
            () = sleep_until(deadline) => Ok(Some(Ending::broken(StopReason::Timeout, so_far(said)))),
        };
        over.cancel();
        if !stopped && let Err(error) = keeper.await {
            tracing::error!(turn = %turn.id, %error, "the keeper of a turn failed");
        }
        ending
    }

    /// Resolves when somebody wants the turn to stop. A word that is lost is found in the row by the keeper.
    async fn asked_to_stop(&self, turn: &Turn) -> impl Future<Output = ()> + use<> {
        let mut asked = self.parts.bus.subscribe(&interrupt_topic(turn.id)).await;
        async move { while !matches!(asked.next().await, Signal::Message(_)) {} }
    }

    /// Recalls what is remembered, and puts together what a model is asked, as the person whose turn it is; and what it is
    /// told of memories and documents with that, earlier replies among it.
    async fn prepare(&self, turn: &Turn) -> Result<(Actor, ChatRequest, Vec<Told>)> {
        let grant = upkeep(turn);
        let actor = self.parts.account.actor_for(Principal::User(turn.owner)).await?;
        let actor = actor.with_key(turn.key).with_trace(turn.trace);
        let scope = actor.scope::<Read>();
        let session = store::find_session(&self.parts.db, &scope, turn.session).await?;
        let (session, _) = session.ok_or(Error::NotFound("session"))?;
        let goal = match session.goal {
            Some(goal) => store::find_goal(&self.parts.db, &grant, goal).await?.map(|goal| goal.title),
            None => None,
        };
        // Before the replies: what is forgotten in between is then found to be gone.
        let cited = messages::cited(&self.parts.db, &grant, turn.session, turn.number, HISTORY).await?;
        let conversation =
            messages::conversation(&self.parts.db, &grant, turn.session, turn.number, HISTORY).await?;
        let messages: Vec<_> = conversation
            .iter()
            .filter(|message| message.status != MessageStatus::Streaming && !message.text.is_empty())
            .collect();
        let asked = messages.iter().rev().filter(|message| message.role == MessageRole::User);
        let asked: Vec<&str> = asked.map(|message| message.text.as_str()).collect();
        let query = query(&asked, goal.as_deref(), session.topic.as_deref());
        let request = RecallRequest {
            token_budget: Some(RECALL_TOKENS),
            origin: Some(Origin::Turn(turn.id)),
            ..RecallRequest::new(turn.workspace, query, RECALLED)
        };
        let recall = self.parts.memory.recall(&actor, &request).await?;
        let sources: Vec<_> = recall.hits.into_iter().map(|hit| grounding(hit.item)).collect();
        let cited = cited.into_iter().map(|it| Told { of: it.from.id(), text: it.quote });
        let told = sources.iter().filter_map(told).chain(cited).collect();
        let request = ChatRequest {
            workspace: turn.workspace,
            route: DEFAULT_ROUTE.to_owned(),
            task: Task::Coach { topic: session.topic, goal },
            system: INSTRUCTIONS.to_owned(),
            messages: latest(&messages, HISTORY_CHARACTERS).iter().copied().map(chat_message).collect(),
            sources,
            tools: vec![],
            output_schema: None,
            max_output_tokens: None,
            origin: Some(Origin::Turn(turn.id)),
            workflow: None,
        };
        Ok((actor, request, told))
    }

    /// Has a model answer, and does for it what it asks for; a tool that was used is followed by more of the answer.
    async fn speak(
        &self,
        turn: &Turn,
        said: &Said,
        actor: &Actor,
        mut request: ChatRequest,
        mut told: Vec<Told>,
    ) -> Result<Ending> {
        let (sources, mut used) = (request.sources.clone(), TokenUsage::default());
        let mut spoken = Spoken { topic: delta_topic(turn.session), offset: 0, pause: false };
        for round in 0..=TOOL_ROUNDS {
            // Once there were enough, it has to do without.
            request.tools = if round < TOOL_ROUNDS { self.parts.tools.specs() } else { vec![] };
            let before = so_far(said).text.len();
            let events = self.parts.gateway.chat(actor, request.clone()).await?;
            match self.hear(turn, said, &sources, &mut spoken, events).await? {
                Heard::Ended(mut ending) => {
                    ending.usage = ending.usage.map(|usage| used.plus(usage));
                    return Ok(ending);
                }
                // It asks for what it was not offered any more.
                Heard::Asked { .. } if round == TOOL_ROUNDS => break,
                Heard::Asked { tools, usage } => {
                    used = used.plus(usage);
                    let text = so_far(said).text.get(before..).unwrap_or_default().to_owned();
                    spoken.pause = spoken.offset > 0;
                    let speaker = Speaker::Assistant { tools: tools.clone() };
                    request.messages.push(ChatMessage { speaker, text });
                    for tool in tools {
                        let id = tool.id.clone();
                        let (text, read) = self.use_tool(turn, actor, told.clone(), tool).await?;
                        told.extend(read);
                        request.messages.push(ChatMessage { speaker: Speaker::Tool { id }, text });
                    }
                }
            }
        }
        Ok(Ending::broken(StopReason::ProviderFailed, so_far(said)))
    }

    /// Passes on what the model says, and tells how it ended.
    async fn hear(
        &self,
        turn: &Turn,
        said: &Said,
        sources: &[GroundingSource],
        spoken: &mut Spoken,
        mut events: BoxStream<'static, ChatEvent>,
    ) -> Result<Heard> {
        let mut tools = vec![];
        while let Some(event) = events.next().await {
            match event {
                ChatEvent::Delta { mut text } => {
                    if mem::take(&mut spoken.pause) {
                        text.insert_str(0, "\n\n");
                    }
                    said.lock().unwrap_or_else(PoisonError::into_inner).text.push_str(&text);
                    let (offset, at) = (spoken.offset, self.parts.ambient.now());
                    spoken.offset += length(&text);
                    let delta = Delta { turn: turn.id, at, offset, text };
                    let delta = serde_json::to_vec(&delta).map_err(Error::internal)?;
                    self.parts.bus.publish(&spoken.topic, delta).await;
                }
                ChatEvent::Tool(tool) if tools.len() < TOOLS_AT_ONCE => tools.push(tool),
                ChatEvent::Tool(_) => {}
                ChatEvent::Citation(quote) => {
                    let quoted = citation(quote, sources);
                    said.lock().unwrap_or_else(PoisonError::into_inner).citations.extend(quoted);
                }
                ChatEvent::Finished { reason: FinishReason::ToolUse, usage } if !tools.is_empty() => {
                    let usage =
                        TokenUsage { input_tokens: usage.input_tokens, output_tokens: usage.output_tokens };
                    return Ok(Heard::Asked { tools, usage });
                }
                ChatEvent::Finished { reason, usage } => {
                    let (status, reason) = match reason {
                        FinishReason::EndOfTurn | FinishReason::ToolUse => {
                            (TurnStatus::Completed, StopReason::EndOfTurn)
                        }
                        FinishReason::Length => (TurnStatus::Incomplete, StopReason::Length),
                        FinishReason::ContentPolicy => (TurnStatus::Incomplete, StopReason::ContentPolicy),
                    };
                    let usage =
                        TokenUsage { input_tokens: usage.input_tokens, output_tokens: usage.output_tokens };
                    let (speech, usage) = (Some(so_far(said)), Some(usage));
                    return Ok(Heard::Ended(Ending { status, reason, speech, usage }));
                }
                ChatEvent::Failed(failure) => {
                    tracing::warn!(turn = %turn.id, %failure, "the provider failed");
                    let reason = match failure.kind {
                        FailureKind::Timeout => StopReason::Timeout,
                        FailureKind::ContentPolicy | FailureKind::Guardrail => StopReason::ContentPolicy,
                        FailureKind::Budget | FailureKind::NoPrice => StopReason::BudgetExceeded,
                        _ => StopReason::ProviderFailed,
                    };
                    return Ok(Heard::Ended(Ending::broken(reason, so_far(said))));
                }
            }
        }
        Err(Error::internal("the gateway ended a stream without a terminal event"))
    }

    /// Keeps what was said and holds on to the turn, until it has to stop or is over.
    async fn keep(self, turn: Turn, said: Said, over: CancellationToken) -> Stop {
        let (mut kept, mut cited, mut renewed) = (0, 0, Instant::now());
        loop {
            tokio::select! {
                () = over.cancelled() => return Stop::Over,
                () = sleep(CHECKPOINT) => {}
            }
            let speech = so_far(&said);
            let due = renewed.elapsed() >= self.parts.config.renewal();
            if speech.text.len() == kept && !due {
                continue;
            }
            match self.keep_once(&turn, &speech, cited).await {
                Ok(Some(stop)) => return stop,
                Ok(None) => {
                    (kept, cited, renewed) = (speech.text.len(), speech.citations.len(), Instant::now());
                }
                Err(error) => {
                    tracing::warn!(turn = %turn.id, error = %error.for_log(), "a checkpoint failed; trying again")
                }
            }
        }
    }

    /// `None` where the turn may go on.
    async fn keep_once(&self, turn: &Turn, speech: &Speech, cited: usize) -> Result<Option<Stop>> {
        let grant = upkeep(turn);
        let lease_until = self.parts.ambient.now() + self.parts.config.lease();
        let tx = self.parts.log.begin().await?;
        match turns::renew(&tx, turn, lease_until).await? {
            None => return Ok(Some(Stop::Lost)),
            Some(true) => return Ok(Some(Stop::Asked)),
            Some(false) => {}
        }
        let quoted: Vec<_> = speech.citations.iter().map(|citation| citation.from).collect();
        let there = self.parts.memory.hold(&tx, &grant, &quoted).await?;
        if quoted.iter().any(|from| !there.contains(from)) {
            // Forgotten while the coach speaks of it: it says no more.
            return Ok(Some(Stop::Asked));
        }
        if let Some(reply) = turn.reply {
            messages::checkpoint(&tx, reply, speech, cited).await?;
        }
        tx.commit().await?;
        Ok(None)
    }
}

/// What is looked for in memory: what was said last; where that is a word or two, with what came before.
fn query(asked_latest_first: &[&str], goal: Option<&str>, topic: Option<&str>) -> String {
    let mut query = asked_latest_first.first().copied().unwrap_or_default().to_owned();
    if query.split_whitespace().count() < 4 {
        for more in asked_latest_first.get(1).copied().into_iter().chain(goal).chain(topic) {
            query.push('\n');
            query.push_str(more);
        }
    }
    query.chars().take(QUERY).collect()
}

/// Of the messages, as many from the end as have no more characters together.
fn latest<'a, 'b>(messages: &'a [&'b Message], characters: usize) -> &'a [&'b Message] {
    let mut left = characters;
    let told = messages.iter().rev().take_while(|message| {
        let count = message.text.chars().count();
        let fits = count <= left;
        left = left.saturating_sub(count);
        fits
    });
    &messages[messages.len() - told.count()..]
}

/// A quote that a provider got wrong is left out.
fn citation(quote: Quote, sources: &[GroundingSource]) -> Option<Citation> {
    let source = sources.iter().find(|source| source.id == quote.source)?;
    let text = slice_utf16(&source.text, quote.start, quote.end).filter(|text| !text.is_empty())?;
    let (from, chunk) = named(&source.id)?;
    Some(Citation { from, chunk, quote: text.to_owned(), start: quote.start, end: quote.end })
}

fn grounding(item: Item) -> GroundingSource {
    match item {
        Item::Memory(memory) => GroundingSource {
            id: memory.id.to_string(),
            text: memory.content.text,
            speaker: memory.content.speaker,
            occurred_at: memory.content.occurred_at,
            egress: memory.content.egress,
        },
        Item::Chunk(chunk, document) => GroundingSource {
            id: format!("{} {}", document.id, chunk.id),
            text: chunk.text,
            speaker: None,
            occurred_at: None,
            egress: document.egress,
        },
    }
}

fn told(source: &GroundingSource) -> Option<Told> {
    let (of, _) = named(&source.id)?;
    Some(Told { of: of.id(), text: source.text.clone() })
}

/// What a source is called: a memory by its id, a chunk by its document's and its own.
fn named(source: &str) -> Option<(Remembered, Option<DocumentChunkId>)> {
    match source.split_once(' ') {
        None => Some((Remembered::Memory(source.parse().ok()?), None)),
        Some((document, chunk)) => {
            Some((Remembered::Document(document.parse().ok()?), Some(chunk.parse().ok()?)))
        }
    }
}

fn so_far(said: &Said) -> Speech {
    said.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
