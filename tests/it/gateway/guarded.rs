//! What the tests of guardrails stand on: providers that say what a test wants and keep what they were sent.
use crate::support::{Database, PATIENCE, TestApp, text};
use aifirst::{
    gateway::{ChatEvent, ChatRequest, Failure, ModelCall, Provider, ProviderEvent, ProviderStream},
    shared::{Ambient, actor::Actor},
};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

pub type Said = Vec<Result<ProviderEvent, Failure>>;

type Script = Box<dyn Fn(&ModelCall) -> Said + Send + Sync>;

/// Says what its script says of a call.
pub struct Model {
    script: Script,
    pub calls: Mutex<Vec<ModelCall>>,
}

impl Model {
    pub fn new(script: impl Fn(&ModelCall) -> Said + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { script: Box::new(script), calls: Mutex::default() })
    }

    /// Says the same each time, in these pieces.
    pub fn saying(pieces: &[&str]) -> Arc<Self> {
        let said = says(pieces);
        Self::new(move |_| said.clone())
    }

    pub fn calls(&self) -> usize {
        self.calls.lock().unwrap().len()
    }

    /// All that it was ever sent, in every field.
    pub fn sent(&self) -> String {
        format!("{:#?}", self.calls.lock().unwrap())
    }
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Model")
    }
}

impl Provider for Model {
    fn chat(&self, call: ModelCall) -> ProviderStream {
        let said = (self.script)(&call);
        self.calls.lock().unwrap().push(call);
        stream::iter(said).boxed()
    }
}

pub fn delta(text: &str) -> Result<ProviderEvent, Failure> {
    Ok(ProviderEvent::Delta { text: text.to_owned() })
}

pub fn end() -> Result<ProviderEvent, Failure> {
    Ok(ProviderEvent::Finished { reason: aifirst::gateway::FinishReason::EndOfTurn, usage: None })
}

pub fn says(pieces: &[&str]) -> Said {
    pieces.iter().map(|piece| delta(piece)).chain([end()]).collect()
}

/// A server with two providers: one outside, one that the operator calls internal. `settings` say where calls go.
pub async fn app(database: Database, settings: &str, outside: &Arc<Model>, inside: &Arc<Model>) -> TestApp {
    TestApp::start_with_models(
        database,
        &with_providers(settings),
        Ambient::system(),
        models(outside, inside),
    )
    .await
}

/// The same on the database that is there.
pub async fn again(app: TestApp, settings: &str, outside: &Arc<Model>, inside: &Arc<Model>) -> TestApp {
    app.restart_with_models(&with_providers(settings), models(outside, inside)).await
}

fn with_providers(settings: &str) -> String {
    format!(
        "{settings}
[gateway.providers.outside]
kind = \"openai-compatible\"
base_url = \"https://models.example/v1\"
[gateway.providers.inside]
kind = \"openai-compatible\"
base_url = \"https://models.corp.example/v1\"
internal = true
"
    )
}

fn models(outside: &Arc<Model>, inside: &Arc<Model>) -> Vec<(&'static str, Arc<dyn Provider>)> {
    vec![("outside", outside.clone()), ("inside", inside.clone())]
}

/// A route to these providers.
pub fn route(targets: &[&str], guardrails: &[&str]) -> String {
    let targets: Vec<_> =
        targets.iter().map(|name| format!("{{ provider = {name:?}, model = \"small-1\" }}")).collect();
    format!("[gateway.routes.default]\ntargets = [{}]\nguardrails = {guardrails:?}\n", targets.join(", "))
}

pub fn policy(name: &str, stage: &str, rules: &str) -> String {
    format!("[gateway.guardrails.{name}]\nstage = {stage:?}\nrules = [{rules}]\n")
}

pub async fn owner(app: &TestApp) -> Actor {
    app.running.services.account.authenticate(&app.owner.token).await.unwrap()
}

/// The whole of a call as its caller hears it: the text, and the event that ended it.
pub async fn call(app: &TestApp, request: ChatRequest) -> (String, ChatEvent) {
    let mut events = app.running.services.gateway.chat(&owner(app).await, request).await.unwrap();
    let (mut said, mut last) = (String::new(), None);
    while let Some(event) = events.next().await {
        assert!(last.is_none(), "after its end: {event:?}");
        match event {
            ChatEvent::Delta { text } => said.push_str(&text),
            event if event.is_terminal() => last = Some(event),
            _ => {}
        }
    }
    (said, last.expect("a call ends"))
}

pub fn prompt(app: &TestApp, prompt: impl Into<String>) -> ChatRequest {
    ChatRequest::prompt(app.workspace_id(), "default", prompt)
}

/// The calls of the workspace, the newest first, once there are so many.
pub async fn calls(app: &TestApp, count: usize) -> Vec<Value> {
    let document = "query($ws: ID!) { workspace(id: $ws) { llmCalls { nodes { id status finishReason
        attempts { target status } guardrails { stage check action count failed duration } } } } }";
    let begun = Instant::now();
    loop {
        app.running.services.gateway.flush_log().await;
        let data = app.ok(&app.owner, document, json!({ "ws": app.workspace })).await;
        let calls = data["workspace"]["llmCalls"]["nodes"].as_array().unwrap().clone();
        if calls.len() >= count {
            return calls;
        }
        assert!(begun.elapsed() < PATIENCE, "{calls:#?}");
        tokio::task::yield_now().await;
    }
}

/// How much a check found in the call, by its stage, its name and what was done; `None` where it was not at work.
pub fn count(call: &Value, stage: &str, check: &str, action: &str) -> Option<i64> {
    let uses = call["guardrails"].as_array().unwrap().iter();
    let mut found = uses.filter(|it| it["stage"] == stage && it["check"] == check && it["action"] == action);
    found.next()?["count"].as_i64()
}

/// What comes of a message to the coach: the last event of its turn.
pub async fn answer(app: &TestApp, said: &str) -> Value {
    let start = "mutation($ws: ID!) { startCoachingSession(input: {workspaceId: $ws}) { session { id } } }";
    let session = text(
        &app.ok(&app.owner, start, json!({ "ws": app.workspace })).await,
        "/startCoachingSession/session/id",
    );
    let send = "mutation($s: ID!, $text: String!) { sendMessage(input: {sessionId: $s, text: $text}) {
        turn { id } userErrors { message } } }";
    app.ok(&app.owner, send, json!({ "s": session, "text": said })).await;
    let follow = "subscription($s: ID!) { coachingEvents(sessionId: $s) { __typename
        ... on TurnCompleted { turn { ...T } } ... on TurnIncomplete { turn { ...T } reason }
        ... on TurnFailed { turn { ...T } reason } } }
        fragment T on Turn { status reply { text status stopReason citations { quote start end memory { text } } } }";
    let mut events = app.subscribe(&app.owner, follow, json!({ "s": session })).await;
    let is_end = |event: &Value| {
        ["TurnCompleted", "TurnIncomplete", "TurnFailed"].contains(&event["__typename"].as_str().unwrap())
    };
    events.until("coachingEvents", is_end).await.pop().unwrap()
}

pub async fn remember(app: &TestApp, said: &str, egress: &str) -> String {
    let document = "mutation($ws: ID!, $text: String!, $egress: Egress!) {
        remember(input: {workspaceId: $ws, text: $text, egress: $egress}) { memory { id egress } } }";
    let variables = json!({ "ws": app.workspace, "text": said, "egress": egress });
    let data = app.ok(&app.owner, document, variables).await;
    assert_eq!(data["remember"]["memory"]["egress"], egress);
    text(&data, "/remember/memory/id")
}

/// `setGuardrailPolicy` by the owner; the workspace is added.
pub async fn set_policy(app: &TestApp, mut input: Value) -> Value {
    input["workspaceId"] = json!(app.workspace);
    let document = "mutation($input: SetGuardrailPolicyInput!) { setGuardrailPolicy(input: $input) {
        guardrailPolicy { name version routes stage onError rules { check action kinds phrases max allowed } }
        current { version } userErrors { code field message } } }";
    app.ok(&app.owner, document, json!({ "input": input })).await["setGuardrailPolicy"].clone()
}
