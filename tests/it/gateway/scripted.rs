//! Models that say what a test wants, and the calls that workflows make of them.
use crate::support::{Database, Person, TestApp, text};
use aifirst::{
    gateway::{Failure, FailureKind, FinishReason, ModelCall, Provider, ProviderEvent, ProviderStream},
    shared::Ambient,
};
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
use tokio::sync::Semaphore;

/// Says its name, or fails; at once, or when it is let go.
#[derive(Clone, Debug)]
pub struct Scripted(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: &'static str,
    fails: AtomicBool,
    asked: AtomicUsize,
    /// A permit for each answer that may begin.
    gate: Semaphore,
}

impl Scripted {
    pub fn named(name: &'static str) -> Self {
        Self::with_gate(name, Semaphore::MAX_PERMITS)
    }

    /// Says nothing before it is let go.
    pub fn held_back(name: &'static str) -> Self {
        Self::with_gate(name, 0)
    }

    fn with_gate(name: &'static str, permits: usize) -> Self {
        let (fails, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
        Self(Arc::new(Inner { name, fails, asked, gate: Semaphore::new(permits) }))
    }

    pub fn fails(self) -> Self {
        self.0.fails.store(true, Ordering::SeqCst);
        self
    }

    pub fn let_go(&self, answers: usize) {
        self.0.gate.add_permits(answers);
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }

    fn as_model(&self) -> (String, Arc<dyn Provider>) {
        (self.0.name.to_owned(), Arc::new(self.clone()))
    }
}

impl Provider for Scripted {
    fn chat(&self, _: ModelCall) -> ProviderStream {
        let inner = self.0.clone();
        inner.asked.fetch_add(1, Ordering::SeqCst);
        stream::once(async move {
            inner.gate.acquire().await.unwrap().forget();
            let text = inner.name.to_owned();
            let reason = FinishReason::EndOfTurn;
            match inner.fails.load(Ordering::SeqCst) {
                true => vec![Err(FailureKind::Provider.plain())],
                false => vec![
                    Ok(ProviderEvent::Delta { text }),
                    Ok(ProviderEvent::Finished { reason, usage: None }),
                ],
            }
        })
        .flat_map(stream::iter)
        .boxed()
    }

    fn models(&self) -> BoxFuture<'static, Result<Vec<String>, Failure>> {
        let found = match self.0.fails.load(Ordering::SeqCst) {
            true => Err(FailureKind::Connect.plain()),
            false => Ok(vec![format!("{}-1", self.0.name)]),
        };
        async { found }.boxed()
    }
}

/// A server whose default route leads to these models, in their order; `settings` of the route and more.
pub async fn start(database: Database, models: &[&Scripted], route: &str, more: &str) -> TestApp {
    start_with(database, models, route, more, Ambient::system()).await
}

pub async fn start_with(
    database: Database,
    models: &[&Scripted],
    route: &str,
    more: &str,
    ambient: Ambient,
) -> TestApp {
    let settings = settings(models, route, more);
    let models = models.iter().map(|model| model.as_model()).collect();
    TestApp::start_with_models(database, &settings, ambient, models).await
}

/// With each model's provider and a default route to all of them.
pub fn settings(models: &[&Scripted], route: &str, more: &str) -> String {
    let names = || models.iter().map(|model| model.0.name);
    let providers: String =
        names().map(|name| format!("gateway.providers.{name}.kind = 'builtin'\n")).collect();
    let targets: Vec<_> =
        names().map(|name| format!("{{ provider = '{name}', model = '{name}-1' }}")).collect();
    format!(
        "{more}\n{providers}gateway.routes.default = {{ targets = [{}]{route} }}
         gateway.prices.a-1 = {{ input = '1.00', output = '2.00', currency = 'USD' }}",
        targets.join(", ")
    )
}

/// A workflow that asks the prompt that it is started with along this route; its id.
pub async fn workflow(app: &TestApp, person: &Person, workspace: &str, route: &str) -> String {
    let create = "mutation($ws: ID!, $route: String!) { createWorkflow(input: {workspaceId: $ws, name: \"Ask\", graph: {
        steps: [{key: \"ask\", action: {llm: {route: $route, prompt: \"{{ input.prompt }}\"}}}]}}) {
        workflow { id draft { problems { message } } } userErrors { message } } }";
    let created = app.ok(person, create, json!({ "ws": workspace, "route": route })).await;
    let workflow = text(&created, "/createWorkflow/workflow/id");
    let publish = "mutation($w: ID!) { publishWorkflow(input: {workflowId: $w}) { version { id } userErrors { message } } }";
    let published = app.ok(person, publish, json!({ "w": workflow })).await;
    assert_eq!(published["publishWorkflow"]["userErrors"], json!([]), "{created:#}");
    workflow
}

/// Starts a run of it that asks this; its id.
pub async fn begin(app: &TestApp, person: &Person, workflow: &str, prompt: &str) -> String {
    let start = "mutation($w: ID!, $input: JSON) { startRun(input: {workflowId: $w, input: $input}) {
        run { id } userErrors { message } } }";
    let variables = json!({ "w": workflow, "input": { "prompt": prompt } });
    text(&app.ok(person, start, variables).await, "/startRun/run/id")
}

/// What the run was answered; its error's code where it failed.
pub async fn answer(app: &TestApp, person: &Person, run: &str) -> String {
    let follow = "subscription($r: ID!) { runEvents(runId: $r) { __typename
        ... on RunCompleted { run { output } } ... on RunFailed { run { error { code } } } } }";
    let mut events = app.subscribe(person, follow, json!({ "r": run })).await;
    let is_end = |event: &Value| {
        event["__typename"].as_str().is_some_and(|it| ["RunCompleted", "RunFailed"].contains(&it))
    };
    let end = events.until("runEvents", is_end).await.pop().unwrap();
    let code = end.pointer("/run/error/code").or(end.pointer("/run/output/ask/text"));
    code.and_then(Value::as_str).unwrap_or_else(|| panic!("{end:#}")).to_owned()
}

/// Asks along a route as the owner, and waits for the answer.
pub async fn ask(app: &TestApp, route: &str, prompt: &str) -> String {
    let workflow = workflow(app, &app.owner, &app.workspace, route).await;
    let run = begin(app, &app.owner, &workflow, prompt).await;
    answer(app, &app.owner, &run).await
}

pub const CALLS: &str = "query($ws: ID!, $filter: LlmCallFilter) { workspace(id: $ws) { llmCalls(first: 100, filter: $filter,
    orderBy: {field: STARTED_AT, direction: ASC}) { totalCount nodes { id routeName modelRequested modelUsed status cacheHit
    inputTokens outputTokens cost { amount currency } attempts { target status error { code } } } } } }";

/// The calls that somebody sees in the workspace, in the order in which they were made.
pub async fn calls(app: &TestApp, person: &Person, filter: Value) -> Vec<Value> {
    app.running.services.gateway.flush_log().await;
    let data = app.ok(person, CALLS, json!({ "ws": app.workspace, "filter": filter })).await;
    data["workspace"]["llmCalls"]["nodes"].as_array().unwrap().clone()
}

/// Waits until something holds.
pub async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < crate::support::PATIENCE, "it does not come");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
