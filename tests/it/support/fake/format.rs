//! The wire formats, as their servers write them.
use super::{Piece, Reason, error};
use crate::support::text;
use serde_json::{Value, json};

/// What a fake provider says that it counted: tokens in and out.
pub const COUNTED: (u32, u32) = (7, 3);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    OpenAi,
    Anthropic,
    Gemini,
    Ollama,
}

impl Format {
    pub const ALL: [Self; 4] = [Self::OpenAi, Self::Anthropic, Self::Gemini, Self::Ollama];

    /// As configuration names it.
    pub fn kind(self) -> &'static str {
        match self {
            Self::OpenAi => "openai-compatible",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
        }
    }

    pub(super) fn base_path(self) -> &'static str {
        match self {
            Self::OpenAi | Self::Anthropic => "/v1",
            Self::Gemini => "/v1beta",
            Self::Ollama => "",
        }
    }

    pub(super) fn media_type(self) -> &'static str {
        if self == Self::Ollama { "application/x-ndjson" } else { "text/event-stream" }
    }

    pub(super) fn model(self, path: &str, body: &Value) -> String {
        let in_path = path.strip_prefix("/v1beta/models/").and_then(|rest| rest.split(':').next());
        match self {
            Self::Gemini => in_path.unwrap_or_default().to_owned(),
            _ => body["model"].as_str().unwrap_or_default().to_owned(),
        }
    }

    /// The texts that vectors are asked of; none where something else is asked.
    pub(super) fn texts(self, path: &str, body: &Value) -> Option<Vec<String>> {
        let list = match (self, path) {
            (Self::OpenAi, "/v1/embeddings") | (Self::Ollama, "/api/embed") => body["input"].as_array(),
            (Self::Gemini, path) if path.ends_with(":batchEmbedContents") => body["requests"].as_array(),
            _ => return None,
        };
        let text =
            |item: &Value| item.as_str().map_or_else(|| text(item, "/content/parts/0/text"), str::to_owned);
        Some(list.unwrap().iter().map(text).collect())
    }

    /// The answer with these vectors.
    pub(super) fn embedded(self, vectors: &[Vec<f64>]) -> Value {
        match self {
            Self::OpenAi => {
                // Not in order: their index says which is whose.
                let data = vectors.iter().enumerate().rev();
                let data: Vec<_> =
                    data.map(|(index, vector)| json!({ "index": index, "embedding": vector })).collect();
                json!({ "data": data, "usage": { "prompt_tokens": COUNTED.0 } })
            }
            Self::Gemini => {
                let embeddings: Vec<_> = vectors.iter().map(|vector| json!({ "values": vector })).collect();
                json!({ "embeddings": embeddings })
            }
            Self::Anthropic | Self::Ollama => {
                json!({ "embeddings": vectors, "prompt_eval_count": COUNTED.0 })
            }
        }
    }

    /// What is no stream, beside embeddings: models.
    pub(super) fn whole(self, path: &str) -> Option<Value> {
        Some(match path {
            "/v1/models" => json!({ "data": [{ "id": "one", "object": "model" }] }),
            "/v1beta/models" => json!({ "models": [{ "name": "models/one" }] }),
            "/api/tags" => json!({ "models": [{ "name": "one" }] }),
            _ => return None,
        })
    }

    pub(super) fn writer(self, model: &str) -> Writer {
        Writer { format: self, model: model.to_owned(), blocks: 0, open: false }
    }

    /// What another model said before, as this request brings it, and whether a last message asks to go on.
    pub fn prefill(self, body: &Value) -> Option<(String, bool)> {
        let (list, role) = match self {
            Self::Gemini => ("contents", "model"),
            _ => ("messages", "assistant"),
        };
        let messages = body[list].as_array().unwrap();
        let is_asked = messages.last()?["role"] != role;
        let message = &messages[messages.len().checked_sub(1 + usize::from(is_asked))?];
        if message["role"] != role {
            return None;
        }
        let text = match self {
            Self::OpenAi | Self::Ollama => &message["content"],
            Self::Anthropic => &message["content"][0]["text"],
            Self::Gemini => &message["parts"][0]["text"],
        };
        Some((text.as_str().unwrap().to_owned(), is_asked))
    }
}

pub(super) struct Writer {
    format: Format,
    model: String,
    /// Anthropic: blocks begun, and whether the last is one of text that is open.
    blocks: usize,
    open: bool,
}

impl Writer {
    /// What comes before anything is said.
    pub(super) fn begin(&self) -> Vec<u8> {
        match self.format {
            Format::OpenAi => self.chunk(json!({ "role": "assistant", "content": "" }), None),
            Format::Anthropic => {
                let usage = json!({ "input_tokens": COUNTED.0 - 2, "cache_read_input_tokens": 2, "output_tokens": 1 });
                let message =
                    json!({ "id": "msg_1", "role": "assistant", "model": self.model, "usage": usage });
                let start = event(json!({ "type": "message_start", "message": message }));
                [start, event(json!({ "type": "ping" }))].concat()
            }
            Format::Gemini | Format::Ollama => vec![],
        }
    }

    pub(super) fn write(&mut self, piece: &Piece) -> Vec<u8> {
        match piece {
            Piece::Text(text) => self.text(text),
            Piece::Thought(text) => self.thought(text),
            Piece::Tool { name, arguments } => self.tool(name, arguments),
            Piece::End(reason) => self.end(*reason, true),
            Piece::Uncounted(reason) => self.end(*reason, false),
            Piece::Error => self.error(),
            Piece::Raw(bytes) => bytes.clone(),
            Piece::Flood { .. } | Piece::Cut | Piece::Hang => vec![],
        }
    }

    fn text(&mut self, text: &str) -> Vec<u8> {
        match self.format {
            Format::OpenAi => self.chunk(json!({ "content": text }), None),
            Format::Anthropic => {
                let mut bytes = vec![];
                if !self.open {
                    (self.open, self.blocks) = (true, self.blocks + 1);
                    bytes = self.block(
                        "content_block_start",
                        "content_block",
                        json!({ "type": "text", "text": "" }),
                    );
                }
                bytes.extend(self.block(
                    "content_block_delta",
                    "delta",
                    json!({ "type": "text_delta", "text": text }),
                ));
                bytes
            }
            Format::Gemini => self.candidate(json!([{ "text": text }]), None),
            Format::Ollama => self.line(json!({ "role": "assistant", "content": text })),
        }
    }

    fn thought(&mut self, text: &str) -> Vec<u8> {
        match self.format {
            Format::OpenAi => self.chunk(json!({ "reasoning_content": text }), None),
            Format::Anthropic => {
                self.blocks += 1;
                let block = json!({ "type": "thinking", "thinking": "" });
                let delta = json!({ "type": "thinking_delta", "thinking": text });
                let start = self.block("content_block_start", "content_block", block);
                [start, self.block("content_block_delta", "delta", delta), self.stop()].concat()
            }
            Format::Gemini => self.candidate(json!([{ "text": text, "thought": true }]), None),
            Format::Ollama => self.line(json!({ "role": "assistant", "content": "", "thinking": text })),
        }
    }

    /// Its arguments in two pieces, where the format has pieces.
    fn tool(&mut self, name: &str, arguments: &Value) -> Vec<u8> {
        let written = arguments.to_string();
        let (first, rest) = written.split_at(written.len() / 2);
        match self.format {
            Format::OpenAi => {
                let at = self.blocks;
                self.blocks += 1;
                let call = json!({ "index": at, "id": format!("call_{at}"), "type": "function",
                    "function": { "name": name, "arguments": "" } });
                let piece = |piece: &str| json!({ "tool_calls": [{ "index": at, "function": { "arguments": piece } }] });
                let begun = self.chunk(json!({ "tool_calls": [call] }), None);
                [begun, self.chunk(piece(first), None), self.chunk(piece(rest), None)].concat()
            }
            Format::Anthropic => {
                let stopped = self.stop_text();
                self.blocks += 1;
                let id = format!("call_{}", self.blocks);
                let block = json!({ "type": "tool_use", "id": id, "name": name, "input": {} });
                let piece = |piece: &str| json!({ "type": "input_json_delta", "partial_json": piece });
                let start = self.block("content_block_start", "content_block", block);
                let first = self.block("content_block_delta", "delta", piece(first));
                let rest = self.block("content_block_delta", "delta", piece(rest));
                [stopped, start, first, rest, self.stop()].concat()
            }
            Format::Gemini => {
                self.candidate(json!([{ "functionCall": { "name": name, "args": arguments } }]), None)
            }
            Format::Ollama => {
                let calls = json!([{ "function": { "name": name, "arguments": arguments } }]);
                self.line(json!({ "role": "assistant", "content": "", "tool_calls": calls }))
            }
        }
    }

    fn end(&mut self, reason: Reason, counts: bool) -> Vec<u8> {
        let (input, output) = COUNTED;
        let said = match (self.format, reason) {
            (Format::OpenAi, Reason::Stop)
            | (Format::Ollama, Reason::Stop | Reason::Filter | Reason::Tool) => "stop",
            (Format::OpenAi | Format::Ollama, Reason::Length) => "length",
            (Format::OpenAi, Reason::Filter) => "content_filter",
            (Format::OpenAi, Reason::Tool) => "tool_calls",
            (Format::Anthropic, Reason::Stop) => "end_turn",
            (Format::Anthropic, Reason::Length) => "max_tokens",
            (Format::Anthropic, Reason::Filter) => "refusal",
            (Format::Anthropic, Reason::Tool) => "tool_use",
            (Format::Gemini, Reason::Stop | Reason::Tool) => "STOP",
            (Format::Gemini, Reason::Length) => "MAX_TOKENS",
            (Format::Gemini, Reason::Filter) => "SAFETY",
        };
        match self.format {
            Format::OpenAi => {
                let counted = json!({ "prompt_tokens": input, "completion_tokens": output,
                    "prompt_tokens_details": { "cached_tokens": 2 } });
                let counted = if counts { counted } else { json!({}) };
                let usage =
                    event(json!({ "object": "chat.completion.chunk", "choices": [], "usage": counted }));
                [self.chunk(json!({}), Some(said)), usage, b"data: [DONE]\n\n".to_vec()].concat()
            }
            Format::Anthropic => {
                let stopped = self.stop_text();
                let mut delta = json!({ "type": "message_delta", "delta": { "stop_reason": said } });
                if counts {
                    delta["usage"] = json!({ "output_tokens": output });
                }
                [stopped, event(delta), event(json!({ "type": "message_stop" }))].concat()
            }
            Format::Gemini => self.candidate(json!([]), Some((said, counts))),
            Format::Ollama => {
                let mut end = json!({ "model": self.model, "message": { "role": "assistant", "content": "" },
                    "done": true, "done_reason": said });
                if counts {
                    (end["prompt_eval_count"], end["eval_count"]) = (input.into(), output.into());
                }
                line(end)
            }
        }
    }

    fn error(&self) -> Vec<u8> {
        match self.format {
            Format::Anthropic => {
                event(json!({ "type": "error", "error": error("overloaded_error", "Overloaded") }))
            }
            Format::Gemini => {
                event(json!({ "error": { "code": 503, "status": "UNAVAILABLE", "message": "busy" } }))
            }
            Format::OpenAi => event(json!({ "error": error("server_error", "The server had an error") })),
            Format::Ollama => line(json!({ "error": "llama runner process has terminated" })),
        }
    }

    fn chunk(&self, delta: Value, finish: Option<&str>) -> Vec<u8> {
        event(json!({ "id": "chatcmpl-1", "object": "chat.completion.chunk", "model": self.model,
            "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }] }))
    }

    fn block(&self, kind: &str, key: &str, value: Value) -> Vec<u8> {
        event(json!({ "type": kind, "index": self.blocks - 1, key: value }))
    }

    fn stop(&self) -> Vec<u8> {
        event(json!({ "type": "content_block_stop", "index": self.blocks - 1 }))
    }

    fn stop_text(&mut self) -> Vec<u8> {
        if std::mem::take(&mut self.open) { self.stop() } else { vec![] }
    }

    fn candidate(&self, parts: Value, finish: Option<(&str, bool)>) -> Vec<u8> {
        let mut candidate = json!({ "content": { "parts": parts, "role": "model" }, "index": 0 });
        let mut chunk = json!({ "modelVersion": self.model });
        if let Some((reason, counts)) = finish {
            candidate["finishReason"] = reason.into();
            // Its thoughts are counted apart.
            let counted = json!({ "promptTokenCount": COUNTED.0, "cachedContentTokenCount": 2,
                "candidatesTokenCount": COUNTED.1 - 1, "thoughtsTokenCount": 1 });
            chunk["usageMetadata"] = if counts { counted } else { json!({}) };
        }
        chunk["candidates"] = json!([candidate]);
        format!("data: {chunk}\r\n\r\n").into_bytes()
    }

    fn line(&self, message: Value) -> Vec<u8> {
        line(json!({ "model": self.model, "message": message, "done": false }))
    }
}

/// Anthropic names its events also before their data.
fn event(data: Value) -> Vec<u8> {
    let name = data["type"].as_str().map(|name| format!("event: {name}\n")).unwrap_or_default();
    format!("{name}data: {data}\n\n").into_bytes()
}

fn line(data: Value) -> Vec<u8> {
    format!("{data}\n").into_bytes()
}
