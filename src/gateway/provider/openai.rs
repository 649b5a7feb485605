//! The wire format of OpenAI's chat completions, which most servers of models speak.
use super::{
    super::model::{Failure, FailureKind, FinishReason, MAX_TOOLS, Speaker, ToolUse, Usage},
    EmbedCall, Embeddings, ModelCall, Provider, ProviderEvent, ProviderStream,
    http::{Endpoint, Events, MAX_ARGUMENTS, by_words, names, send, tool_use, vectors},
    prompt,
};
use futures_util::{FutureExt, StreamExt, future::BoxFuture};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Clone, Debug)]
pub(super) struct OpenAi {
    pub(super) endpoint: Endpoint,
    /// How the greatest length of an answer is called there.
    pub(super) most: &'static str,
}

impl OpenAi {
    fn authorised(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        self.endpoint.with_bearer(request)
    }
}

impl Provider for OpenAi {
    fn chat(&self, call: ModelCall) -> ProviderStream {
        let mut body = body(&call, self.continues(&call));
        body[self.most] = call.max_output_tokens.into();
        let request = self.authorised(self.endpoint.ask("/chat/completions", &call, &body));
        async_stream::try_stream! {
            let mut events = Events::new(send(request).await?);
            let mut answer = Answer::default();
            loop {
                let data = match events.next().await {
                    Ok(Some(data)) if data != "[DONE]" => data,
                    Ok(_) => break,
                    // All was said; what was to come are counts.
                    Err(_) if answer.finish.is_some() => break,
                    Err(failure) => Err(failure)?,
                };
                if let Some(text) = answer.take(&data)? {
                    yield ProviderEvent::Delta { text };
                }
            }
            for event in answer.end()? {
                yield event;
            }
        }
        .boxed()
    }

    fn embed(&self, call: EmbedCall) -> BoxFuture<'static, Result<Embeddings, Failure>> {
        let count = call.texts.len();
        let body = json!({ "model": call.model, "input": call.texts });
        let request = self.authorised(self.endpoint.post("/embeddings", &body));
        async move {
            let answer: Vectors = vectors(request, &call.traceparent).await?;
            let mut data = answer.data;
            data.sort_by_key(|item| item.index);
            if data.iter().zip(0..).any(|(item, place)| item.index != place) {
                return Err(FailureKind::Malformed.plain());
            }
            let vectors = data.into_iter().map(|item| item.embedding).collect();
            Embeddings::checked(vectors, count, answer.usage.and_then(|usage| usage.prompt_tokens))
        }
        .boxed()
    }

    fn continues(&self, call: &ModelCall) -> bool {
        self.endpoint.continues(call)
    }

    fn models(&self) -> BoxFuture<'static, Result<Vec<String>, Failure>> {
        names(self.authorised(self.endpoint.get("/models")), "data", "id").boxed()
    }
}

fn body(call: &ModelCall, continues: bool) -> Value {
    let request = &call.request;
    let messages = prompt::messages_after_system(call, continues, |message| match &message.speaker {
        Speaker::User => json!({ "role": "user", "content": message.text }),
        Speaker::Tool { id } => json!({ "role": "tool", "tool_call_id": id, "content": message.text }),
        Speaker::Assistant { tools } if tools.is_empty() => {
            json!({ "role": "assistant", "content": message.text })
        }
        Speaker::Assistant { tools } => {
            let tools: Vec<_> = tools.iter().map(tool_call).collect();
            json!({ "role": "assistant", "content": message.text, "tool_calls": tools })
        }
    });
    let mut body = json!({
        "model": call.model,
        "messages": messages,
        "stream": true,
        "stream_options": { "include_usage": true },
    });
    if !request.tools.is_empty() {
        body["tools"] = prompt::functions(&request.tools);
    }
    if let Some(schema) = &request.output_schema {
        body["response_format"] =
            json!({ "type": "json_schema", "json_schema": { "name": "answer", "schema": schema } });
    }
    body
}

fn tool_call(tool: &ToolUse) -> Value {
    json!({ "id": tool.id, "type": "function",
        "function": { "name": tool.name, "arguments": tool.arguments.to_string() } })
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Counted>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Delta {
    content: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<ToolDelta>>,
}

#[derive(Deserialize)]
struct ToolDelta {
    #[serde(default)]
    index: usize,
    id: Option<String>,
    #[serde(default)]
    function: FunctionDelta,
}

#[derive(Default, Deserialize)]
struct FunctionDelta {
    name: Option<String>,
    arguments: Option<String>,
}

#[derive(Deserialize)]
struct Counted {
    prompt_tokens: Option<u32>,
    completion_tokens: Option<u32>,
    prompt_tokens_details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    #[serde(default)]
    cached_tokens: Option<u32>,
}

#[derive(Deserialize)]
struct Vectors {
    data: Vec<Vector>,
    usage: Option<Counted>,
}

#[derive(Deserialize)]
struct Vector {
    index: usize,
    embedding: Vec<f32>,
}

/// What a stream has told so far, beside its text.
#[derive(Default)]
struct Answer {
    finish: Option<FinishReason>,
    usage: Option<Usage>,
    tools: Vec<Asked>,
}

#[derive(Default)]
struct Asked {
    id: String,
    name: String,
    arguments: String,
}

impl Answer {
    /// The text of one chunk.
    fn take(&mut self, data: &str) -> Result<Option<String>, Failure> {
        let chunk: Chunk = serde_json::from_str(data).map_err(|_| FailureKind::Malformed.plain())?;
        if let Some(error) = chunk.error {
            return Err(by_words(&error.to_string()).unwrap_or(FailureKind::Provider).plain());
        }
        if let Some(Counted {
            prompt_tokens: Some(read),
            completion_tokens: Some(said),
            prompt_tokens_details,
        }) = chunk.usage
        {
            self.usage = Some(Usage {
                input_tokens: read,
                cached_input_tokens: prompt_tokens_details.and_then(|d| d.cached_tokens).unwrap_or(0),
                output_tokens: said,
            });
        }
        let Some(choice) = chunk.choices.into_iter().next() else { return Ok(None) };
        for delta in choice.delta.tool_calls.unwrap_or_default() {
            self.take_tool(delta)?;
        }
        if let Some(reason) = choice.finish_reason {
            self.finish = Some(match reason.as_str() {
                "length" => FinishReason::Length,
                "content_filter" => FinishReason::ContentPolicy,
                "tool_calls" | "function_call" => FinishReason::ToolUse,
                _ => FinishReason::EndOfTurn,
            });
        }
        Ok(choice.delta.content.filter(|text| !text.is_empty()))
    }

    fn take_tool(&mut self, delta: ToolDelta) -> Result<(), Failure> {
        if delta.index >= MAX_TOOLS {
            return Err(FailureKind::TooLong.plain());
        }
        if self.tools.len() <= delta.index {
            self.tools.resize_with(delta.index + 1, Asked::default);
        }
        let Some(tool) = self.tools.get_mut(delta.index) else { return Ok(()) };
        if let Some(id) = delta.id {
            tool.id = id;
        }
        tool.name.push_str(&delta.function.name.unwrap_or_default());
        tool.arguments.push_str(&delta.function.arguments.unwrap_or_default());
        if tool.arguments.len() > MAX_ARGUMENTS || tool.name.len() > MAX_ARGUMENTS {
            return Err(FailureKind::TooLong.plain());
        }
        Ok(())
    }

    /// The tools, then the end. A stream that does not say why it ends broke off.
    fn end(self) -> Result<Vec<ProviderEvent>, Failure> {
        let reason = match self.finish.ok_or(FailureKind::CutOff.plain())? {
            // Some servers say of an answer with tools no more than that it is complete.
            FinishReason::EndOfTurn if !self.tools.is_empty() => FinishReason::ToolUse,
            reason => reason,
        };
        let tool = |Asked { id, name, arguments }| {
            let arguments = if arguments.is_empty() { "{}" } else { arguments.as_str() };
            let arguments = serde_json::from_str(arguments).map_err(|_| FailureKind::Malformed.plain())?;
            Ok(ProviderEvent::Tool(tool_use(id, name, arguments)?))
        };
        let mut events = self.tools.into_iter().map(tool).collect::<Result<Vec<_>, Failure>>()?;
        events.push(ProviderEvent::Finished { reason, usage: self.usage });
        Ok(events)
    }
}
