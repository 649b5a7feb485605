//! Forged roles, turns and tool calls, and markup that hides text from people. Looked at only where a mark or a line
//! begins, in folded text.

/// Tokens and tags of chat templates and tool protocols: none is found in what people write to each other.
const FORGED: &[&str] = &[
    "<|im_start|>",
    "<|im_end|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|endoftext|>",
    "<|begin_of_text|>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<<sys>>",
    "<</sys>>",
    "[inst]",
    "[/inst]",
    "<system>",
    "</system>",
    "<assistant>",
    "</assistant>",
    "<tool_call>",
    "</tool_call>",
    "<function_call",
    "<function_calls>",
    "<invoke name",
    "<tool_use>",
    "<tool_result",
    "[system](#",
    "[assistant](#",
    "{\"tool_calls\"",
    "{\"role\": \"system\"",
    "{\"role\":\"system\"",
    "{\"role\": \"assistant\"",
    "{\"role\":\"assistant\"",
    "\"tool_calls\":",
    "\"role\": \"system\"",
    "\"role\":\"system\"",
    "\"messages\": [{",
    "[system]:",
    "[system message]",
    "(javascript:",
];

/// Beginnings of lines that claim to be another speaker.
const ROLES: &[&str] = &[
    "### system",
    "### instruction",
    "###instruction",
    "###system",
    "## system prompt",
    "system instruction:",
    "system message:",
    "system override",
    "begin system",
    "end of user input",
    "end of document",
    "new system prompt",
    "[end of",
    "action input:",
    "tool result:",
    "function result:",
    "<system",
    "system prompt:",
];

/// A speaker at a line's beginning: two different ones, or one after an empty line, are a forged dialogue.
const SPEAKERS: &[&str] = &["system:", "assistant:", "human:", "user:", "ai:"];

/// Ways of hiding text in markup.
const HIDING: &[&str] = &[
    "display:none",
    "display: none",
    "visibility:hidden",
    "visibility: hidden",
    "font-size:0",
    "font-size: 0",
    "opacity:0",
    "opacity: 0",
    "<!--",
    "[//]: #",
    "type=\"hidden\"",
    "<div hidden",
    "<span hidden",
    "<p hidden",
    "color:white",
    "color: white",
    "color=\"#fff",
    "color:#fff",
    "<details",
];
/// What hidden text that addresses a model speaks of.
const ADDRESSED: &[&str] = &[
    "assistant",
    " ai ",
    "ai:",
    "llm",
    "language model",
    "chatbot",
    "ignore",
    "disregard",
    "override",
    "instruction",
    "system prompt",
];

/// Links that would carry data away: a place to fill in, in an address.
const CARRIERS: &[&str] = &["{{", "[insert", "<insert", "{system", "{user", "{secret", "{api"];

pub fn is_forged(text: &str) -> bool {
    let mut speakers = 0;
    let mut after_empty = false;
    for line in text.lines() {
        let start = line.trim_start_matches([' ', '\t', '>', '*', '-', '#']);
        let whole = line.trim_start();
        if ROLES.iter().any(|role| whole.starts_with(role) || start.starts_with(role)) {
            return true;
        }
        if let Some(speaker) = SPEAKERS.iter().position(|speaker| start.starts_with(speaker)) {
            let bit = 1_u32 << speaker;
            if after_empty && speaker < 2 || speakers & !bit != 0 && speakers != 0 && speaker < 3 {
                return true;
            }
            speakers |= bit;
        }
        after_empty = line.trim().is_empty();
    }
    text.match_indices(['<', '[', '{', '"', '(', '!']).any(|(at, _)| {
        text.get(at..)
            .is_some_and(|rest| FORGED.iter().any(|forged| rest.starts_with(forged)) || carries(rest))
    }) || hides(text)
}

/// `![x](https://…?q={{…` and `…?d=)`: an image or a link whose address has a place for data.
fn carries(rest: &str) -> bool {
    let image = rest.starts_with("![") || rest.starts_with("<img");
    if !image && !rest.starts_with("](http") {
        return false;
    }
    let address: String = rest.chars().take(300).take_while(|c| !matches!(c, '\n')).collect();
    let Some(query) = address.find('?') else { return false };
    let query = address.get(query..).unwrap_or_default();
    CARRIERS.iter().any(|carrier| query.contains(carrier)) || image && query.contains("=)")
}

fn hides(text: &str) -> bool {
    text.contains(['<', '['])
        && HIDING.iter().any(|way| text.contains(way))
        && ADDRESSED.iter().any(|word| text.contains(word))
}
