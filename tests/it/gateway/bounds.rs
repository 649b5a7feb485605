//! What strangers write that works by its size: schemas, masked values, names, arguments.
use super::{
    guarded::{Model, app, call, calls, delta, end, owner, policy, prompt, route, says, set_policy},
    overspend::{set, usd},
    tools::asks,
};
use crate::{
    on_both,
    support::{Database, TestApp, text},
    workflow::{ENDS, publish_named, start},
};
use aifirst::{
    gateway::{
        ChatEvent, ChatMessage, ChatRequest, FailureKind, FinishReason, ProviderEvent, Speaker, ToolSpec,
        ToolUse,
    },
    shared::Error,
};
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::sync::Arc;

const OUTSIDE: &[&str] = &["outside"];
const LONGEST: usize = 100_000;

/// Asks two questions about a value for each one at the level above it.
fn doubling(levels: usize) -> Value {
    let mut schema = json!({ "$defs": {}, "$ref": "#/$defs/a0" });
    for level in 0..levels {
        let next = json!({ "$ref": format!("#/$defs/a{}", level + 1) });
        schema["$defs"][format!("a{level}")] = json!({ "allOf": [next, next] });
    }
    schema["$defs"][format!("a{levels}")] = json!({ "type": "object" });
    schema
}

/// Asks about what is in a value twice what it asks about the value.
fn twice_below() -> Value {
    let below = json!({ "properties": { "a": { "$ref": "#" } } });
    json!({ "allOf": [below, below] })
}

fn nested(levels: usize) -> String {
    format!("{}{{}}{}", "{\"a\":".repeat(levels), "}".repeat(levels))
}

async fn problems(app: &TestApp, request: ChatRequest) -> Vec<(String, String)> {
    match app.running.services.gateway.chat(&owner(app).await, request).await.err() {
        Some(Error::Refused(problems)) => problems.into_iter().map(|it| (it.path, it.message)).collect(),
        other => panic!("{other:?}"),
    }
}

/// What becomes of a workflow with one `llm` step that may be tried three times: how often it was, and the step's output
/// or the code of its error.
async fn run(app: &TestApp, llm: Value) -> (usize, Result<Value, String>) {
    let retry = json!({ "maxAttempts": 3, "initialDelay": "PT0.01S" });
    let steps = json!([{ "key": "ask", "action": { "llm": llm }, "retry": retry }]);
    let workflow = publish_named(app, "Ask", steps).await;
    let run = start(app, &workflow, json!({})).await;
    let follow = "subscription($r: ID!) { runEvents(runId: $r) { __typename
        ... on StepCompleted { step { output } } ... on StepFailed { error { code } } } }";
    let mut stream = app.subscribe(&app.owner, follow, json!({ "r": run })).await;
    let events =
        stream.until("runEvents", |event| ENDS.contains(&event["__typename"].as_str().unwrap())).await;
    let tried = events.iter().filter(|event| event["__typename"] == "StepStarted").count();
    let failed = events.iter().find(|event| event["__typename"] == "StepFailed");
    let completed = events.iter().find(|event| event["__typename"] == "StepCompleted");
    match failed {
        Some(failed) => (tried, Err(text(failed, "/error/code"))),
        None => (tried, Ok(completed.unwrap()["step"]["output"].clone())),
    }
}

#[tokio::test]
async fn a_schema_that_asks_without_end_is_refused_where_it_is_set_and_where_it_is_used() {
    let model = Model::saying(&["{}"]);
    let app = app(Database::sqlite(), &route(OUTSIDE, &[]), &model, &model).await;
    let create =
        "mutation($ws: ID!, $schema: JSON!) { createWorkflow(input: {workspaceId: $ws, name: \"W\", graph: {
        steps: [{key: \"ask\", action: {llm: {prompt: \"x\", outputSchema: $schema}}}]}}) {
        workflow { draft { problems { path code message } } } userErrors { code field } } }";
    for (schema, why) in [
        (doubling(20), "questions about one value"),
        (doubling(30), "over more than 50 steps"),
        (json!({ "allOf": [{ "$ref": "#" }] }), "in a circle"),
        (json!({ "$ref": "http://127.0.0.1:9/schema" }), "a part of the schema alone"),
        (json!({ "pattern": "((a{50}){50}){50}" }), "pattern"),
        (json!({ "type": "text" }), "rules of JSON Schema"),
    ] {
        let made = app.ok(&app.owner, create, json!({ "ws": app.workspace, "schema": schema })).await;
        let found = made["createWorkflow"]["workflow"]["draft"]["problems"].clone();
        let place = ["path", "code"].map(|field| text(&found, &format!("/0/{field}")));
        assert_eq!(place, ["graph.steps.0.action.llm.outputSchema", "INVALID_SCHEMA"], "{schema}");
        assert!(text(&found, "/0/message").contains(why), "{found}");
    }
    let asked = ChatRequest { output_schema: Some(doubling(30)), ..prompt(&app, "Well?") };
    assert_eq!(problems(&app, asked).await[0].0, "outputSchema");
    assert_eq!(model.calls(), 0);
}

on_both! {
    async fn an_answer_that_would_ask_without_end_is_typed_for_a_step_and_for_a_guardrail(database: Database) {
        let model = Model::new(|call| says(&[&call.request.messages[0].text]));
        let settings = route(OUTSIDE, &["form"]) + &policy("form", "OUTPUT", "{ check = \"SCHEMA\", action = \"BLOCK\" }")
            + "[gateway.routes.free]\ntargets = [{ provider = \"outside\", model = \"small-1\" }]\nguardrails = []\n";
        let app = app(database, &settings, &model, &model).await;
        let asked = |levels| ChatRequest { output_schema: Some(twice_below()), ..prompt(&app, nested(levels)) };
        let (_, last) = call(&app, asked(5)).await;
        assert!(matches!(last, ChatEvent::Finished { .. }), "{last:?}");
        let (_, last) = call(&app, asked(30)).await;
        assert_eq!(last, ChatEvent::Failed(FailureKind::Guardrail.plain()));
        let llm = |levels| json!({ "route": "free", "prompt": nested(levels), "outputSchema": twice_below() });
        assert_eq!(run(&app, llm(2)).await.1.unwrap()["json"], json!({ "a": { "a": {} } }));
        assert_eq!(run(&app, llm(30)).await, (3, Err("INVALID_OUTPUT".into())));
    }
}

on_both! {
    async fn an_answer_of_a_step_has_to_fit_its_schema_and_is_asked_for_again_where_it_does_not(database: Database) {
        let model = Model::new(|call| match call.request.messages[0].text.as_str() {
            "never" => says(&["{\"title\": 1}"]),
            _ => says(&["{\"title\": \"x\"}"]),
        });
        let app = app(database, &route(OUTSIDE, &[]), &model, &model).await;
        let schema = json!({ "type": "object", "required": ["title"], "properties": { "title": { "type": "string" } } });
        let llm = |prompt: &str| json!({ "prompt": prompt, "outputSchema": schema });
        assert_eq!(run(&app, llm("well")).await.1.unwrap()["json"], json!({ "title": "x" }));
        assert_eq!(run(&app, llm("never")).await, (3, Err("INVALID_OUTPUT".into())));
    }
}

on_both! {
    async fn what_is_refused_for_good_is_not_tried_again(database: Database) {
        let model = Model::new(|call| match call.request.messages[0].text.as_str() {
            "policy" => vec![Ok(ProviderEvent::Finished { reason: FinishReason::ContentPolicy, usage: None })],
            "midst" => vec![delta("I will "), Ok(ProviderEvent::Finished { reason: FinishReason::ContentPolicy, usage: None })],
            "refused" => vec![Err(FailureKind::ContentPolicy.plain())],
            "say it" => says(&["project falcon"]),
            _ => says(&["fine"]),
        });
        let topic = "{ check = \"TOPIC\", phrases = [\"project falcon\"], action = \"BLOCK\" }";
        let settings = route(OUTSIDE, &["asked", "answered"]) + &policy("asked", "INPUT", topic) + &policy("answered", "OUTPUT", topic)
            + "[gateway.prices.small-1]\ninput = '1'\noutput = '1'\ncurrency = 'USD'\n";
        let app = app(database, &settings, &model, &model).await;
        for prompt in ["policy", "midst", "refused", "say it", "about project falcon"] {
            assert_eq!(run(&app, json!({ "prompt": prompt })).await, (1, Err("CONTENT_POLICY".into())), "{prompt}");
        }
        assert_eq!(run(&app, json!({ "prompt": "x", "route": "nowhere" })).await, (1, Err("INVALID".into())));
        assert_eq!(run(&app, json!({ "prompt": "well" })).await.1.unwrap()["text"], "fine");
        set(&app, json!({ "period": "DAY", "limit": usd("0.000001"), "action": "BLOCK" })).await;
        assert_eq!(run(&app, json!({ "prompt": "well" })).await, (1, Err("BUDGET_EXCEEDED".into())));
    }
}

/// A private key of some 6 KB, which a placeholder of ten characters stands for.
fn key() -> String {
    let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n";
    format!("-----BEGIN PRIVATE KEY-----\n{}-----END PRIVATE KEY-----", line.repeat(90))
}

#[tokio::test]
async fn what_masks_give_back_counts_as_part_of_the_answer() {
    let masks = "{ check = \"SECRET\", action = \"MASK\" }";
    for stages in [&["asked"][..], &["asked", "answered"]] {
        let placeholders = "[SECRET_1] ".repeat(1_000);
        let model =
            Model::new(move |call| match call.request.messages.last().unwrap().text.contains("tool") {
                true => asks("Well: ", &[("mail", json!({ "text": placeholders }))]),
                false => says(&[&placeholders, "and more"]),
            });
        let settings =
            route(OUTSIDE, stages) + &policy("asked", "INPUT", masks) + &policy("answered", "OUTPUT", masks);
        let app = app(Database::sqlite(), &settings, &model, &model).await;
        let (said, last) = call(&app, prompt(&app, format!("Say it: {}", key()))).await;
        assert!(
            model.sent().contains("[SECRET_1]") && !model.sent().contains("PRIVATE"),
            "the key is masked"
        );
        assert_eq!(said.chars().count(), LONGEST);
        assert!(said.starts_with(&key()), "{:.100}", said);
        let is_cut =
            |last: &ChatEvent| matches!(last, ChatEvent::Finished { reason: FinishReason::Length, .. });
        assert!(is_cut(&last), "{last:?}");
        assert_eq!(calls(&app, 1).await[0]["status"], "INCOMPLETE");

        let asked = prompt(&app, format!("Use the tool: {}", key()));
        let events = app.running.services.gateway.chat(&owner(&app).await, asked).await.unwrap();
        let events: Vec<_> = events.collect().await;
        assert!(
            !events.iter().any(|event| matches!(event, ChatEvent::Tool(_))),
            "its arguments were too long"
        );
        assert!(is_cut(events.last().unwrap()), "{:?}", events.last());
        app.running.stop().await;
    }
}

#[tokio::test]
async fn arguments_of_tools_count_as_part_of_the_answer() {
    let arguments = |characters: usize| json!({ "text": "x".repeat(characters) });
    let model = Model::new(move |_| asks("", &[("mail", arguments(60_000)), ("mail", arguments(60_000))]));
    let app = app(Database::sqlite(), &route(OUTSIDE, &[]), &model, &model).await;
    let events = app.running.services.gateway.chat(&owner(&app).await, prompt(&app, "x")).await.unwrap();
    let events: Vec<_> = events.collect().await;
    assert_eq!(events.iter().filter(|event| matches!(event, ChatEvent::Tool(_))).count(), 1);
    assert!(matches!(events.last(), Some(ChatEvent::Finished { reason: FinishReason::Length, .. })));
}

on_both! {
    async fn a_call_that_a_budget_leads_along_a_cheaper_route_is_under_the_policies_of_both(database: Database) {
        let model = Model::saying(&["fine"]);
        let policy_of = |name: &str, kind: &str| {
            policy(name, "INPUT", &format!("{{ check = \"PII\", kinds = [\"{kind}\"], action = \"MASK\" }}"))
        };
        let settings = policy_of("emails", "EMAIL") + &policy_of("machines", "IP") + "
            [gateway.prices.dear]\ninput = '0'\noutput = '10000'\ncurrency = 'USD'
            [gateway.prices.cheap]\ninput = '0'\noutput = '0.0001'\ncurrency = 'USD'
            [gateway.routes.default]\ntargets = [{ provider = 'outside', model = 'dear' }]\nguardrails = ['emails']
            [gateway.routes.cheap]\ntargets = [{ provider = 'outside', model = 'cheap' }]\nguardrails = ['machines']\n";
        let app = app(database, &settings, &model, &model).await;
        for (route, phrase) in [("default", "falcon"), ("cheap", "osprey")] {
            let rules = json!([{ "check": "TOPIC", "phrases": [phrase], "action": "MASK" }]);
            set_policy(&app, json!({ "name": route, "stage": "INPUT", "routes": [route], "rules": rules })).await;
        }
        let personal = ["anna.canary@example.com", "10.81.82.83", "falcon", "osprey"];
        let seen = async || {
            let (_, last) = call(&app, prompt(&app, personal.join(" and "))).await;
            assert!(matches!(last, ChatEvent::Finished { .. }), "{last:?}");
            let last = model.calls.lock().unwrap().last().unwrap().clone();
            let said = last.request.messages[0].text.clone();
            (last.model, personal.map(|text| said.contains(text)))
        };
        assert_eq!(seen().await, ("dear".to_owned(), [false, true, false, true]));
        set(&app, json!({ "period": "DAY", "limit": usd("0.01"), "action": "DOWNGRADE", "downgradeRoute": "cheap" })).await;
        assert_eq!(seen().await, ("cheap".to_owned(), [false; 4]));
    }
}

#[tokio::test]
async fn what_a_request_offers_and_repeats_is_bounded_where_it_comes_in() {
    let model = Model::saying(&["fine"]);
    let app = app(Database::sqlite(), &route(OUTSIDE, &[]), &model, &model).await;
    let tool =
        |name: &str, parameters: Value| ToolSpec { name: name.into(), description: "x".into(), parameters };
    let plain = json!({ "type": "object" });
    let long = "x".repeat(65);
    for name in ["", "rm -rf", "a\nb", "tööl", &long] {
        let asked = ChatRequest {
            tools: vec![tool("fine", plain.clone()), tool(name, plain.clone())],
            ..prompt(&app, "x")
        };
        assert_eq!(problems(&app, asked).await[0].0, "tools.1", "{name:?}");
    }
    let asked = ChatRequest { tools: vec![tool("a", doubling(30))], ..prompt(&app, "x") };
    assert!(problems(&app, asked).await[0].1.contains("parameters"));
    let asked = ChatRequest { tools: vec![tool("a", plain.clone()); 65], ..prompt(&app, "x") };
    assert_eq!(problems(&app, asked).await[0].0, "tools");
    // What a model asked for before is as much text as what a person says.
    let used =
        ToolUse { id: "1".into(), name: "a".into(), arguments: json!({ "text": "x".repeat(400_001) }) };
    let speaker = Speaker::Assistant { tools: vec![used] };
    let asked =
        ChatRequest { messages: vec![ChatMessage { speaker, text: String::new() }], ..prompt(&app, "") };
    assert_eq!(problems(&app, asked).await[0].0, "prompt");
    assert_eq!(model.calls(), 0);
}

/// Long enough to be checked on a thread of its own, both as what is asked and as what comes.
#[tokio::test]
async fn names_of_fields_and_long_arguments_are_checked_as_any_text() {
    let filling = "word ".repeat(2_000);
    let said = filling.clone();
    let model: Arc<Model> = Model::new(move |_| {
        asks("", &[("mail", json!({ "tom.canary@example.com": { "ana.canary@example.com": said } }))])
    });
    let masks = "{ check = \"PII\", action = \"MASK\" }";
    let settings = route(OUTSIDE, &["asked", "answered"])
        + &policy("asked", "INPUT", masks)
        + &policy("answered", "OUTPUT", masks);
    let app = app(Database::sqlite(), &settings, &model, &model).await;
    let gateway = &app.running.services.gateway;
    let asked = prompt(&app, "Write to ana.canary@example.com");
    let mut events = gateway.chat(&owner(&app).await, asked).await.unwrap();
    let Some(ChatEvent::Tool(tool)) = events.next().await else { panic!() };
    assert_eq!(tool.arguments, json!({ "[EMAIL_2]": { "ana.canary@example.com": filling } }));
    drop(events);

    let speaker = Speaker::Assistant { tools: vec![tool] };
    let again = vec![ChatMessage { speaker, text: String::new() }, ChatMessage::user("Go on")];
    call(&app, ChatRequest { messages: again, ..prompt(&app, "") }).await;
    let last = format!("{:?}", model.calls.lock().unwrap().last().unwrap());
    assert!(!last.contains("ana.canary"), "{last:.500}");
}

#[tokio::test]
async fn a_long_answer_whose_language_is_wrong_is_blocked_at_its_end() {
    let german = "Das ist ein langer Text in deutscher Sprache. ".repeat(300);
    let model = Model::new(move |_| vec![delta(&german), end()]);
    let rule = "{ check = \"LANGUAGE\", allowed = [\"eng\"], action = \"BLOCK\" }";
    let settings = route(OUTSIDE, &["english"]) + &policy("english", "OUTPUT", rule);
    let app = app(Database::sqlite(), &settings, &model, &model).await;
    let (_, last) = call(&app, prompt(&app, "Well?")).await;
    assert_eq!(last, ChatEvent::Failed(FailureKind::Guardrail.plain()));
    let found = calls(&app, 1).await[0]["guardrails"][0].clone();
    assert_eq!(
        (&found["check"], &found["action"], &found["count"]),
        (&json!("LANGUAGE"), &json!("BLOCK"), &json!(1))
    );
}
