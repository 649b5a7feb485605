//! What each wire format asks, and what is read from it.
use super::{ask_with, attempt, call, estimated, estimated_input, route};
use crate::support::{
    Database, TestApp,
    fake::{COUNTED, Fake, Format, Piece, Reason, Script},
};
use aifirst::{
    gateway::{ChatEvent, ChatMessage, ChatRequest, FailureKind, FinishReason, Speaker, ToolSpec, ToolUse},
    shared::{
        Ambient,
        actor::{Actor, Principal},
    },
};
use futures_util::StreamExt;
use serde_json::{Value, json};

/// A server whose route `main` leads to this fake provider.
async fn before(fake: &Fake) -> TestApp {
    let settings = fake.settings("main") + &route("main", &[("main", "one")], "max_output_tokens = 77");
    TestApp::start_with(Database::sqlite(), &settings, Ambient::system()).await
}

pub(super) async fn owner(app: &TestApp) -> Actor {
    let owner = Principal::User(app.owner.id.parse().unwrap());
    app.running.services.account.actor_for(owner).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_a_schema_is_asked_for_and_what_a_model_thinks_is_left_out() {
    let schema = json!({ "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"] });
    for format in Format::ALL {
        let fake = Fake::start(format).await;
        let pieces = ["{\"n\"", ": 7}"].map(|text| Piece::Text(text.to_owned()));
        let mut script = vec![Piece::Thought("They want a number. 5? No.".to_owned())];
        script.extend(pieces.into_iter().chain([Piece::End(Reason::Stop)]));
        fake.says("one", Script::Stream(script));
        let app = before(&fake).await;
        let llm = json!({ "route": "main", "prompt": "How many days has a week?", "outputSchema": schema });
        let output = ask_with(&app, llm).await.unwrap();
        assert_eq!(output["json"], json!({ "n": 7 }), "{format:?}");
        assert_eq!(
            output["usage"],
            json!({ "inputTokens": COUNTED.0, "outputTokens": COUNTED.1 }),
            "{format:?}"
        );
        let asked = fake.asked("one").remove(0);
        let (path, wanted, most, prompt) = match format {
            Format::OpenAi => (
                "/v1/chat/completions",
                "/response_format/json_schema/schema",
                "/max_tokens",
                "/messages/0/content",
            ),
            Format::Anthropic => {
                ("/v1/messages", "/output_config/format/schema", "/max_tokens", "/messages/0/content/0/text")
            }
            Format::Gemini => (
                "/v1beta/models/one:streamGenerateContent?alt=sse",
                "/generationConfig/responseJsonSchema",
                "/generationConfig/maxOutputTokens",
                "/contents/0/parts/0/text",
            ),
            Format::Ollama => ("/api/chat", "/format", "/options/num_predict", "/messages/0/content"),
        };
        assert_eq!(asked.path, path);
        assert_eq!(asked.body.pointer(wanted), Some(&schema), "{format:?} {:#}", asked.body);
        assert_eq!(asked.body.pointer(most), Some(&json!(77)), "{format:?} {:#}", asked.body);
        let told = asked.body.pointer(prompt).or(asked.body.pointer("/messages/0/content"));
        assert_eq!(told, Some(&json!("How many days has a week?")), "{format:?} {:#}", asked.body);
        let call = call(&app).await;
        let cached = if format == Format::Ollama { 0 } else { 2 };
        assert_eq!(call["cachedInputTokens"], cached, "{format:?} {call:#}");
        app.running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_asks_for_tools_and_hears_what_they_gave() {
    let parameters = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
    let tool = ToolSpec { name: "weather".into(), description: "How it is outside".into(), parameters };
    for format in Format::ALL {
        let fake = Fake::start(format).await;
        let asks = |city: &str| Piece::Tool { name: "weather".into(), arguments: json!({ "city": city }) };
        let wants = Script::texts(["Let me see."]).then(asks("Köln")).then(asks("Oslo"));
        fake.says_in_turn(
            "one",
            vec![wants.then(Piece::End(Reason::Tool)), Script::answer(["Wet in both."])],
        );
        let app = before(&fake).await;
        let (owner, gateway) = (owner(&app).await, &app.running.services.gateway);
        let mut request = ChatRequest::prompt(app.workspace_id(), "main", "How is the weather?");
        request.tools = vec![tool.clone()];
        let events: Vec<_> = gateway.chat(&owner, request.clone()).await.unwrap().collect().await;
        let tools: Vec<ToolUse> = events
            .iter()
            .filter_map(|event| match event {
                ChatEvent::Tool(tool) => Some(tool.clone()),
                _ => None,
            })
            .collect();
        let told: Vec<_> = tools.iter().map(|tool| (tool.name.as_str(), tool.arguments.clone())).collect();
        let wanted = ["Köln", "Oslo"].map(|city| ("weather", json!({ "city": city })));
        assert_eq!(told, wanted, "{format:?} {events:#?}");
        assert_eq!(ends(&events), [FinishReason::ToolUse], "{format:?} {events:#?}");

        request.messages.push(ChatMessage {
            speaker: Speaker::Assistant { tools: tools.clone() },
            text: "Let me see.".into(),
        });
        for (tool, result) in tools.iter().zip(["rain", "snow"]) {
            request
                .messages
                .push(ChatMessage { speaker: Speaker::Tool { id: tool.id.clone() }, text: result.into() });
        }
        let events: Vec<_> = gateway.chat(&owner, request.clone()).await.unwrap().collect().await;
        assert_eq!(ends(&events), [FinishReason::EndOfTurn], "{format:?} {events:#?}");
        let body = fake.asked("one").remove(1).body;
        let results: Vec<Value> = match format {
            Format::OpenAi | Format::Ollama => {
                body["messages"].as_array().unwrap()[2..].iter().map(|m| m["content"].clone()).collect()
            }
            Format::Anthropic => {
                let results = body["messages"].as_array().unwrap()[2..].iter();
                results.flat_map(|m| m["content"].as_array().unwrap()).map(|r| r["content"].clone()).collect()
            }
            Format::Gemini => {
                let results = body["contents"].as_array().unwrap()[2..].iter();
                results
                    .flat_map(|content| content["parts"].as_array().unwrap())
                    .map(|part| part["functionResponse"]["response"]["result"].clone())
                    .collect()
            }
        };
        assert_eq!(results, ["rain", "snow"], "{format:?} {body:#}");

        // None is offered any more: Anthropic wants to be told of them all the same.
        request.tools = vec![];
        let events: Vec<_> = gateway.chat(&owner, request).await.unwrap().collect().await;
        assert_eq!(ends(&events), [FinishReason::EndOfTurn], "{format:?} {events:#?}");
        let body = fake.asked("one").remove(2).body;
        let offered = (body["tools"][0]["name"].as_str(), body["tool_choice"]["type"].as_str());
        let expected = match format {
            Format::Anthropic => (Some("weather"), Some("none")),
            Format::OpenAi | Format::Gemini | Format::Ollama => (None, None),
        };
        assert_eq!(offered, expected, "{format:?} {body:#}");
        app.running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_its_provider_did_not_count_is_counted_as_it_is_estimated() {
    for format in Format::ALL {
        let fake = Fake::start(format).await;
        fake.says("one", Script::texts(["Seven, ", "I think."]).then(Piece::Uncounted(Reason::Stop)));
        let app = before(&fake).await;
        let prompt = "How many days has a week?";
        ask_with(&app, json!({ "route": "main", "prompt": prompt })).await.unwrap();
        let call = call(&app).await;
        let counted = (estimated_input(prompt), estimated("Seven, I think."));
        assert_eq!(
            (&call["inputTokens"], &call["outputTokens"]),
            (&json!(counted.0), &json!(counted.1)),
            "{format:?} {call:#}"
        );
        app.running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_of_an_endless_name_is_not_heard_of() {
    for format in Format::ALL {
        let fake = Fake::start(format).await;
        let asks = |name: String| {
            Script::texts([]).then(Piece::Tool { name, arguments: json!({}) }).then(Piece::End(Reason::Tool))
        };
        fake.says_in_turn("one", vec![asks("x".repeat(65)), asks("x".repeat(64))]);
        let app = before(&fake).await;
        let request = ChatRequest::prompt(app.workspace_id(), "main", "Well?");
        let (owner, gateway) = (owner(&app).await, &app.running.services.gateway);
        let events: Vec<_> = gateway.chat(&owner, request.clone()).await.unwrap().collect().await;
        let failed = ChatEvent::Failed(FailureKind::TooLong.plain());
        assert_eq!(events, [failed], "{format:?}");
        let call = call(&app).await;
        assert_eq!(
            call["attempts"],
            json!([attempt("main", "one", "FAILED", Some("TOO_LONG"))]),
            "{format:?}"
        );
        let events: Vec<_> = gateway.chat(&owner, request).await.unwrap().collect().await;
        assert_eq!(ends(&events), [FinishReason::ToolUse], "{format:?} {events:#?}");
        app.running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_whose_name_or_arguments_no_tool_has_is_not_heard_of() {
    for format in Format::ALL {
        let fake = Fake::start(format).await;
        let asks = |name: &str, arguments: Value| {
            let tool = Piece::Tool { name: name.into(), arguments };
            Script::texts([]).then(tool).then(Piece::End(Reason::Tool))
        };
        let cases = [
            ("rm -rf", json!({}), FailureKind::Malformed),
            ("a\u{0}b", json!({}), FailureKind::Malformed),
            ("", json!({}), FailureKind::Malformed),
            ("a", json!({ "list": [{ "a\u{0}b": 1 }] }), FailureKind::Malformed),
            ("a", json!({ "list": [{ "x".repeat(257): 1 }] }), FailureKind::TooLong),
            ("a", json!({ "text": "x".repeat(262_145) }), FailureKind::TooLong),
        ];
        let app = before(&fake).await;
        let (owner, gateway) = (owner(&app).await, &app.running.services.gateway);
        for (name, arguments, kind) in cases {
            fake.says("one", asks(name, arguments));
            let request = ChatRequest::prompt(app.workspace_id(), "main", "Well?");
            let events: Vec<_> = gateway.chat(&owner, request).await.unwrap().collect().await;
            assert_eq!(events, [ChatEvent::Failed(kind.plain())], "{format:?} {name:?}");
        }
        app.running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_servers_of_openais_format_do_in_ways_of_their_own_is_understood() {
    let fake = Fake::start(Format::OpenAi).await;
    let asks = Piece::Tool { name: "weather".into(), arguments: json!({ "city": "Oslo" }) };
    fake.says("one", Script::texts([]).then(asks).then(Piece::End(Reason::Stop)));
    let settings = fake.settings("main")
        + "max_completion_tokens = true\n"
        + &route("main", &[("main", "one")], "max_output_tokens = 77");
    let app = TestApp::start_with(Database::sqlite(), &settings, Ambient::system()).await;
    let request = ChatRequest::prompt(app.workspace_id(), "main", "How is the weather?");
    let events = app.running.services.gateway.chat(&owner(&app).await, request).await.unwrap();
    let events: Vec<_> = events.collect().await;
    assert_eq!(ends(&events), [FinishReason::ToolUse], "it says that it stops: {events:#?}");
    let body = fake.asked("one").remove(0).body;
    assert_eq!((&body["max_completion_tokens"], &body["max_tokens"]), (&json!(77), &Value::Null), "{body:#}");
}

/// How it ended: once.
fn ends(events: &[ChatEvent]) -> Vec<FinishReason> {
    let last = events.len() - 1;
    assert!(events[..last].iter().all(|event| !event.is_terminal()), "{events:#?}");
    events
        .iter()
        .filter_map(|event| match event {
            ChatEvent::Finished { reason, .. } => Some(*reason),
            _ => None,
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_reached_its_greatest_length_is_told_as_such() {
    for format in Format::ALL {
        let fake = Fake::start(format).await;
        fake.says("one", Script::texts(["One, two, "]).then(Piece::End(Reason::Length)));
        let app = before(&fake).await;
        let output = ask_with(&app, json!({ "route": "main", "prompt": "Count to ten." })).await.unwrap();
        assert_eq!(output["text"], "One, two, ", "{format:?} {output:#}");
        let call = call(&app).await;
        assert_eq!(
            (&call["status"], &call["finishReason"]),
            (&json!("INCOMPLETE"), &json!("LENGTH")),
            "{call:#}"
        );
        app.running.stop().await;
    }
}
