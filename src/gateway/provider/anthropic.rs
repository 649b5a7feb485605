//! The wire format of Anthropic's messages.
use super::{
    super::model::{
        ChatRequest, Failure, FailureKind, FinishReason, MAX_TOOLS, Speaker, ToolSpec, ToolUse, Usage,
    },
    ModelCall, Provider, ProviderEvent, ProviderStream,
    http::{Endpoint, Events, MAX_ARGUMENTS, by_words, names, send, tool_use},
    prompt,
};
use futures_util::{FutureExt, StreamExt, future::BoxFuture};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const VERSION: &str = "2023-06-01";

#[derive(Clone, Debug)]
pub(super) struct Anthropic(pub(super) Endpoint);

impl Anthropic {
    fn authorised(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        self.0.with_key(request.header("anthropic-version", VERSION), "x-api-key")
    }
}

impl Provider for Anthropic {
    fn chat(&self, call: ModelCall) -> ProviderStream {
        let request = self.authorised(self.0.ask("/messages", &call, &body(&call, self.continues(&call))));
        async_stream::try_stream! {
            let mut events = Events::new(send(request).await?);
            let mut answer = Answer::default();
            while let Some(data) = events.next().await? {
                if let Some(event) = answer.take(&data)? {
                    yield event;
                }
                if answer.ended {
                    break;
                }
            }
            yield answer.end()?;
        }
        .boxed()
    }

    /// It takes no last message that ends in blanks.
    fn continues(&self, call: &ModelCall) -> bool {
        self.0.continues(call) && !call.prefill.ends_with(char::is_whitespace)
    }

    fn models(&self) -> BoxFuture<'static, Result<Vec<String>, Failure>> {
        names(self.authorised(self.0.get("/models")), "data", "id").boxed()
    }
}

fn body(call: &ModelCall, continues: bool) -> Value {
    let request = &call.request;
    let messages: Vec<_> = prompt::messages(call, continues)
        .iter()
        .map(|message| match &message.speaker {
            Speaker::User => json!({ "role": "user", "content": message.text }),
            Speaker::Tool { id } => json!({ "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": id, "content": message.text } ] }),
            Speaker::Assistant { tools } => {
                let text =
                    (!message.text.is_empty()).then(|| json!({ "type": "text", "text": message.text }));
                let tools = tools.iter().map(|tool| {
                    json!({ "type": "tool_use", "id": tool.id, "name": tool.name, "input": tool.arguments })
                });
                json!({ "role": "assistant", "content": text.into_iter().chain(tools).collect::<Vec<_>>() })
            }
        })
        .collect();
    let mut body = json!({
        "model": call.model,
        "messages": messages,
        "max_tokens": call.max_output_tokens,
        "stream": true,
    });
    let system = prompt::system(request);
    if !system.is_empty() {
        body["system"] = system.into();
    }
    let known = known_tools(request);
    if request.tools.is_empty() && !known.is_empty() {
        // It takes no conversation about tools that it does not know, also where none may be used any more.
        let tool = |name: &&str| json!({ "name": name, "input_schema": { "type": "object" } });
        body["tools"] = known.iter().map(tool).collect();
        body["tool_choice"] = json!({ "type": "none" });
    }
    if !request.tools.is_empty() {
        let tool = |tool: &ToolSpec| json!({ "name": tool.name, "description": tool.description, "input_schema": tool.parameters });
        body["tools"] = request.tools.iter().map(tool).collect();
    }
    if let Some(schema) = &request.output_schema {
        body["output_config"] = json!({ "format": { "type": "json_schema", "schema": schema } });
    }
    body
}

/// Those of which the conversation tells.
fn known_tools(request: &ChatRequest) -> BTreeSet<&str> {
    let tools = request.messages.iter().flat_map(|message| match &message.speaker {
        Speaker::Assistant { tools } => tools.as_slice(),
        Speaker::User | Speaker::Tool { .. } => &[],
    });
    tools.map(|tool| tool.name.as_str()).collect()
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart {
        message: Message,
    },
    ContentBlockStart {
        index: usize,
        content_block: Block,
    },
    ContentBlockDelta {
        index: usize,
        delta: Delta,
    },
    ContentBlockStop {
        index: usize,
    },
    MessageDelta {
        delta: MessageEnd,
        #[serde(default)]
        usage: Counted,
    },
    MessageStop,
    Error {
        error: Value,
    },
    /// A ping, or what a later version knows.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    usage: Counted,
}

#[derive(Default, Deserialize)]
struct Counted {
    input_tokens: Option<u32>,
    cache_read_input_tokens: Option<u32>,
    cache_creation_input_tokens: Option<u32>,
    output_tokens: Option<u32>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    ToolUse {
        id: String,
        name: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Delta {
    #[serde(rename = "text_delta")]
    Text { text: String },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: String },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct MessageEnd {
    stop_reason: Option<String>,
}

#[derive(Default)]
struct Answer {
    finish: Option<FinishReason>,
    /// Of what was told, and of what was said; each `None` where it was not counted.
    read: Option<Usage>,
    said: Option<u32>,
    /// The block that is a tool, with its arguments so far.
    tool: Option<(usize, ToolUse, String)>,
    tools: usize,
    ended: bool,
}

impl Answer {
    fn take(&mut self, data: &str) -> Result<Option<ProviderEvent>, Failure> {
        let event: Event = serde_json::from_str(data).map_err(|_| FailureKind::Malformed.plain())?;
        match event {
            // What it has said is not counted before the end.
            Event::MessageStart { message } => self.count_read(&message.usage),
            Event::ContentBlockStart { index, content_block: Block::ToolUse { id, name } } => {
                self.tools += 1;
                if self.tools > MAX_TOOLS {
                    return Err(FailureKind::TooLong.plain());
                }
                self.tool = Some((index, tool_use(id, name, Value::Null)?, String::new()));
            }
            Event::ContentBlockDelta { delta: Delta::Text { text }, .. } if !text.is_empty() => {
                return Ok(Some(ProviderEvent::Delta { text }));
            }
            Event::ContentBlockDelta { index, delta: Delta::InputJson { partial_json } } => {
                if let Some((_, _, arguments)) = self.tool.as_mut().filter(|(at, ..)| *at == index) {
                    arguments.push_str(&partial_json);
                    if arguments.len() > MAX_ARGUMENTS {
                        return Err(FailureKind::TooLong.plain());
                    }
                }
            }
            Event::ContentBlockStop { index } => {
                if let Some((_, tool, arguments)) = self.tool.take_if(|(at, ..)| *at == index) {
                    let arguments = if arguments.is_empty() { "{}" } else { arguments.as_str() };
                    let arguments =
                        serde_json::from_str(arguments).map_err(|_| FailureKind::Malformed.plain())?;
                    return Ok(Some(ProviderEvent::Tool(tool_use(tool.id, tool.name, arguments)?)));
                }
            }
            Event::MessageDelta { delta, usage } => {
                self.count_read(&usage);
                self.said = usage.output_tokens.or(self.said);
                self.finish = delta.stop_reason.as_deref().map(|reason| match reason {
                    "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
                    "refusal" => FinishReason::ContentPolicy,
                    "tool_use" => FinishReason::ToolUse,
                    _ => FinishReason::EndOfTurn,
                });
            }
            Event::MessageStop => self.ended = true,
            Event::Error { error } => {
                return Err(by_words(&error.to_string()).unwrap_or(FailureKind::Provider).plain());
            }
            Event::ContentBlockStart { .. } | Event::ContentBlockDelta { .. } | Event::Other => {}
        }
        Ok(None)
    }

    /// `input_tokens` leaves the cached ones out; ours has them.
    fn count_read(&mut self, counted: &Counted) {
        if let Some(input) = counted.input_tokens {
            let read = counted.cache_read_input_tokens.unwrap_or(0);
            let written = counted.cache_creation_input_tokens.unwrap_or(0);
            self.read = Some(Usage {
                input_tokens: input.saturating_add(read).saturating_add(written),
                cached_input_tokens: read,
                output_tokens: 0,
            });
        }
    }

    fn end(self) -> Result<ProviderEvent, Failure> {
        let reason = self.finish.filter(|_| self.ended).ok_or(FailureKind::CutOff.plain())?;
        let usage = self.read.zip(self.said).map(|(read, said)| Usage { output_tokens: said, ..read });
        Ok(ProviderEvent::Finished { reason, usage })
    }
}
