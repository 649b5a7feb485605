//! The wire format of Gemini's `streamGenerateContent`.
use super::{
    super::model::{Failure, FailureKind, FinishReason, MAX_TOOLS, Speaker, ToolSpec, Usage},
    EmbedCall, Embeddings, ModelCall, Provider, ProviderEvent, ProviderStream,
    http::{Endpoint, Events, by_words, names, segment, send, tool_use, vectors},
    prompt,
};
use futures_util::{FutureExt, StreamExt, TryFutureExt, future::BoxFuture};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Clone, Debug)]
pub(super) struct Gemini(pub(super) Endpoint);

impl Gemini {
    fn authorised(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        self.0.with_key(request, "x-goog-api-key")
    }
}

impl Provider for Gemini {
    fn chat(&self, call: ModelCall) -> ProviderStream {
        let path = format!("/models/{}:streamGenerateContent?alt=sse", segment(&call.model));
        let request = self.authorised(self.0.ask(&path, &call, &body(&call, self.continues(&call))));
        async_stream::try_stream! {
            let mut events = Events::new(send(request).await?);
            let mut answer = Answer::default();
            while let Some(data) = events.next().await? {
                for event in answer.take(&data)? {
                    yield event;
                }
            }
            yield answer.end()?;
        }
        .boxed()
    }

    fn embed(&self, call: EmbedCall) -> BoxFuture<'static, Result<Embeddings, Failure>> {
        let EmbedCall { model, texts, traceparent } = call;
        let count = texts.len();
        let request = |text| {
            let content = json!({ "parts": [{ "text": text }] });
            json!({ "model": format!("models/{model}"), "content": content })
        };
        let requests: Vec<_> = texts.into_iter().map(request).collect();
        let path = format!("/models/{}:batchEmbedContents", segment(&model));
        let request = self.authorised(self.0.post(&path, &json!({ "requests": requests })));
        async move {
            let answer: Vectors = vectors(request, &traceparent).await?;
            let vectors = answer.embeddings.into_iter().map(|vector| vector.values).collect();
            // It does not count tokens here.
            Embeddings::checked(vectors, count, None)
        }
        .boxed()
    }

    fn continues(&self, call: &ModelCall) -> bool {
        self.0.continues(call)
    }

    fn models(&self) -> BoxFuture<'static, Result<Vec<String>, Failure>> {
        let names = names(self.authorised(self.0.get("/models")), "models", "name");
        let plain = |name: String| name.trim_start_matches("models/").to_owned();
        names.map_ok(move |names| names.into_iter().map(plain).collect()).boxed()
    }
}

#[derive(Deserialize)]
struct Vectors {
    embeddings: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    values: Vec<f32>,
}

fn body(call: &ModelCall, continues: bool) -> Value {
    let request = &call.request;
    let contents: Vec<_> = prompt::messages(call, continues)
        .iter()
        .map(|message| match &message.speaker {
            Speaker::User => json!({ "role": "user", "parts": [{ "text": message.text }] }),
            // It knows results by the tool's name, which is our id for its uses.
            Speaker::Tool { id } => json!({ "role": "user", "parts": [
                { "functionResponse": { "name": id, "response": { "result": message.text } } } ] }),
            Speaker::Assistant { tools } => {
                let text = (!message.text.is_empty()).then(|| json!({ "text": message.text }));
                let tools = tools
                    .iter()
                    .map(|tool| json!({ "functionCall": { "name": tool.name, "args": tool.arguments } }));
                json!({ "role": "model", "parts": text.into_iter().chain(tools).collect::<Vec<_>>() })
            }
        })
        .collect();
    let mut body = json!({
        "contents": contents,
        "generationConfig": { "maxOutputTokens": call.max_output_tokens },
    });
    let system = prompt::system(request);
    if !system.is_empty() {
        body["systemInstruction"] = json!({ "parts": [{ "text": system }] });
    }
    if !request.tools.is_empty() {
        let tool = |tool: &ToolSpec| json!({ "name": tool.name, "description": tool.description, "parametersJsonSchema": tool.parameters });
        body["tools"] =
            json!([{ "functionDeclarations": request.tools.iter().map(tool).collect::<Vec<_>>() }]);
    }
    if let Some(schema) = &request.output_schema {
        body["generationConfig"]["responseMimeType"] = "application/json".into();
        body["generationConfig"]["responseJsonSchema"] = schema.clone();
    }
    body
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chunk {
    #[serde(default)]
    candidates: Vec<Candidate>,
    usage_metadata: Option<Counted>,
    prompt_feedback: Option<Feedback>,
    error: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    content: Option<Content>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    #[serde(default)]
    parts: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    text: Option<String>,
    #[serde(default)]
    thought: bool,
    function_call: Option<FunctionCall>,
}

#[derive(Deserialize)]
struct FunctionCall {
    name: String,
    #[serde(default)]
    args: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counted {
    prompt_token_count: Option<u32>,
    cached_content_token_count: Option<u32>,
    candidates_token_count: Option<u32>,
    thoughts_token_count: Option<u32>,
}

impl Counted {
    /// Thoughts and words are counted apart; each may be left out where there are none.
    fn usage(&self) -> Option<Usage> {
        let (words, thoughts) = (self.candidates_token_count, self.thoughts_token_count);
        words.or(thoughts)?;
        Some(Usage {
            input_tokens: self.prompt_token_count?,
            cached_input_tokens: self.cached_content_token_count.unwrap_or(0),
            output_tokens: words.unwrap_or(0).saturating_add(thoughts.unwrap_or(0)),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    block_reason: Option<String>,
}

#[derive(Default)]
struct Answer {
    finish: Option<FinishReason>,
    usage: Option<Usage>,
    tools: usize,
}

impl Answer {
    fn take(&mut self, data: &str) -> Result<Vec<ProviderEvent>, Failure> {
        let chunk: Chunk = serde_json::from_str(data).map_err(|_| FailureKind::Malformed.plain())?;
        if let Some(error) = chunk.error {
            return Err(by_words(&error.to_string()).unwrap_or(FailureKind::Provider).plain());
        }
        if chunk.prompt_feedback.is_some_and(|feedback| feedback.block_reason.is_some()) {
            return Err(FailureKind::ContentPolicy.plain());
        }
        if let Some(counted) = chunk.usage_metadata {
            self.usage = counted.usage().or(self.usage);
        }
        let Some(candidate) = chunk.candidates.into_iter().next() else { return Ok(vec![]) };
        let mut events = vec![];
        for part in candidate.content.map(|content| content.parts).unwrap_or_default() {
            if let Some(text) = part.text.filter(|text| !text.is_empty() && !part.thought) {
                events.push(ProviderEvent::Delta { text });
            }
            if let Some(FunctionCall { name, args }) = part.function_call {
                self.tools += 1;
                if self.tools > MAX_TOOLS {
                    return Err(FailureKind::TooLong.plain());
                }
                let arguments = if args.is_null() { json!({}) } else { args };
                events.push(ProviderEvent::Tool(tool_use(name.clone(), name, arguments)?));
            }
        }
        if let Some(reason) = candidate.finish_reason {
            self.finish = Some(match reason.as_str() {
                "STOP" if self.tools > 0 => FinishReason::ToolUse,
                "MAX_TOKENS" => FinishReason::Length,
                "SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" => {
                    FinishReason::ContentPolicy
                }
                _ => FinishReason::EndOfTurn,
            });
        }
        Ok(events)
    }

    fn end(self) -> Result<ProviderEvent, Failure> {
        let reason = self.finish.ok_or(FailureKind::CutOff.plain())?;
        Ok(ProviderEvent::Finished { reason, usage: self.usage })
    }
}
