//! The wire format of Ollama's `/api/chat`: one JSON object a line.
use super::{
    super::model::{Failure, FailureKind, FinishReason, MAX_TOOLS, Speaker, Usage},
    EmbedCall, Embeddings, ModelCall, Provider, ProviderEvent, ProviderStream,
    http::{Endpoint, Lines, by_words, names, send, tool_use, vectors},
    prompt,
};
use futures_util::{FutureExt, StreamExt, future::BoxFuture};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Clone, Debug)]
pub(super) struct Ollama(pub(super) Endpoint);

impl Provider for Ollama {
    fn chat(&self, call: ModelCall) -> ProviderStream {
        let request = self.0.ask("/api/chat", &call, &body(&call, self.continues(&call)));
        async_stream::try_stream! {
            let mut lines = Lines::of_answer(send(request).await?);
            let mut answer = Answer::default();
            while let Some(line) = lines.next().await? {
                for event in answer.take(&line)? {
                    yield event;
                }
                if answer.end.is_some() {
                    break;
                }
            }
            yield answer.end()?;
        }
        .boxed()
    }

    fn embed(&self, call: EmbedCall) -> BoxFuture<'static, Result<Embeddings, Failure>> {
        let count = call.texts.len();
        let request = self.0.post("/api/embed", &json!({ "model": call.model, "input": call.texts }));
        async move {
            let answer: Vectors = vectors(request, &call.traceparent).await?;
            Embeddings::checked(answer.embeddings, count, answer.prompt_eval_count)
        }
        .boxed()
    }

    fn continues(&self, call: &ModelCall) -> bool {
        self.0.continues(call)
    }

    fn models(&self) -> BoxFuture<'static, Result<Vec<String>, Failure>> {
        names(self.0.get("/api/tags"), "models", "name").boxed()
    }
}

fn body(call: &ModelCall, continues: bool) -> Value {
    let request = &call.request;
    let messages = prompt::messages_after_system(call, continues, |message| match &message.speaker {
        Speaker::User => json!({ "role": "user", "content": message.text }),
        Speaker::Tool { id } => json!({ "role": "tool", "tool_name": id, "content": message.text }),
        Speaker::Assistant { tools } => {
            let tools: Vec<_> = tools
                .iter()
                .map(|tool| json!({ "function": { "name": tool.name, "arguments": tool.arguments } }))
                .collect();
            json!({ "role": "assistant", "content": message.text, "tool_calls": tools })
        }
    });
    let mut body = json!({
        "model": call.model,
        "messages": messages,
        "stream": true,
        "options": { "num_predict": call.max_output_tokens },
    });
    if !request.tools.is_empty() {
        body["tools"] = prompt::functions(&request.tools);
    }
    if let Some(schema) = &request.output_schema {
        body["format"] = schema.clone();
    }
    body
}

#[derive(Deserialize)]
struct Chunk {
    message: Option<Message>,
    #[serde(default)]
    done: bool,
    done_reason: Option<String>,
    prompt_eval_count: Option<u32>,
    eval_count: Option<u32>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: String,
    #[serde(default)]
    tool_calls: Vec<ToolCall>,
}

#[derive(Deserialize)]
struct ToolCall {
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    arguments: Value,
}

#[derive(Deserialize)]
struct Vectors {
    embeddings: Vec<Vec<f32>>,
    prompt_eval_count: Option<u32>,
}

#[derive(Default)]
struct Answer {
    end: Option<(FinishReason, Option<Usage>)>,
    tools: usize,
}

impl Answer {
    fn take(&mut self, line: &str) -> Result<Vec<ProviderEvent>, Failure> {
        if line.trim().is_empty() {
            return Ok(vec![]);
        }
        let chunk: Chunk = serde_json::from_str(line).map_err(|_| FailureKind::Malformed.plain())?;
        if let Some(error) = chunk.error {
            return Err(by_words(&error.to_string()).unwrap_or(FailureKind::Provider).plain());
        }
        let mut events = vec![];
        if let Some(message) = chunk.message {
            if !message.content.is_empty() {
                events.push(ProviderEvent::Delta { text: message.content });
            }
            for ToolCall { function: Function { name, arguments } } in message.tool_calls {
                self.tools += 1;
                if self.tools > MAX_TOOLS {
                    return Err(FailureKind::TooLong.plain());
                }
                events.push(ProviderEvent::Tool(tool_use(name.clone(), name, arguments)?));
            }
        }
        if chunk.done {
            let reason = match chunk.done_reason.as_deref() {
                Some("length") => FinishReason::Length,
                _ if self.tools > 0 => FinishReason::ToolUse,
                _ => FinishReason::EndOfTurn,
            };
            // A prompt that it has in its memory is not counted.
            let counted = chunk.prompt_eval_count.zip(chunk.eval_count);
            let usage = counted.map(|(input_tokens, output_tokens)| Usage {
                input_tokens,
                cached_input_tokens: 0,
                output_tokens,
            });
            self.end = Some((reason, usage));
        }
        Ok(events)
    }

    fn end(self) -> Result<ProviderEvent, Failure> {
        let (reason, usage) = self.end.ok_or(FailureKind::CutOff.plain())?;
        Ok(ProviderEvent::Finished { reason, usage })
    }
}
