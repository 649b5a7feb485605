//! What the front door adds to a request whose document it knows: `cargo run --release --example front_door`.
//!
//! Rounds in pairs, medians: the same requests are once executed by async-graphql alone, each with its document at hand,
//! and once by way of the pipeline (hash, cache, variables, a document of its own), the batches and the answer's form.
use aifirst::{
    config::Config,
    graphql::pipeline::{JsonMap, Pipeline, Prepared},
    graphql_kit::batching,
};
use async_graphql::{
    EmptyMutation, EmptySubscription, Object, Response, Schema, SimpleObject, ValidationMode,
};
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

const QUERY: &str = "query Dashboard($first: Int!, $topic: String) {
  viewer { id displayName email locale timeZone createdAt }
  workspace(topic: $topic) { id name slug createdAt
    sessions(first: $first) { id topic status startedAt endedAt goal { id title progress } }
    runs(first: $first) { id number attempts status startedAt finishedAt workflow { id name slug } }
    memories(first: $first) { id text kind scope status createdAt } } }";
/// That the query asks for, with those that have fields of their own.
const FIELDS: usize = 40;
const REQUESTS: u32 = 500;
const ROUNDS: usize = 41;

macro_rules! objects {
    ($($name:ident { $($field:ident: $type:ty = $value:expr,)* })*) => { $(
        #[derive(SimpleObject, Clone)]
        struct $name { $($field: $type,)* }

        impl $name {
            fn new() -> Self {
                Self { $($field: $value,)* }
            }
        }
    )* };
}

objects! {
    Viewer { id: &'static str = "user_1", display_name: &'static str = "Olga", email: &'static str = "o@example.org",
        locale: &'static str = "de", time_zone: &'static str = "Europe/Berlin", created_at: i32 = 1, }
    Goal { id: &'static str = "goal_1", title: &'static str = "Grow tulips", progress: i32 = 3, }
    Session { id: &'static str = "session_1", topic: &'static str = "Tulips", status: &'static str = "ENDED",
        started_at: i32 = 1, ended_at: Option<i32> = None, goal: Option<Goal> = Some(Goal::new()), }
    Workflow { id: &'static str = "wf_1", name: &'static str = "Weekly", slug: &'static str = "weekly", }
    Run { id: &'static str = "run_1", number: i32 = 7, attempts: i32 = 1, status: &'static str = "RUNNING", started_at: i32 = 1,
        finished_at: Option<i32> = None, workflow: Workflow = Workflow::new(), }
    Memory { id: &'static str = "mem_1", text: &'static str = "Ana prefers short stand-ups", kind: &'static str = "FACT",
        scope: &'static str = "USER", status: &'static str = "ACTIVE", created_at: i32 = 1, }
}

struct Workspace;

fn some<T: Clone>(first: i32, one: T) -> Vec<T> {
    vec![one; usize::try_from(first).unwrap_or(0)]
}

#[Object]
impl Workspace {
    async fn id(&self) -> &str {
        "ws_1"
    }
    async fn name(&self) -> &str {
        "Acme"
    }
    async fn slug(&self) -> &str {
        "acme"
    }
    async fn created_at(&self) -> i32 {
        1
    }
    async fn sessions(&self, first: i32) -> Vec<Session> {
        some(first, Session::new())
    }
    async fn runs(&self, first: i32) -> Vec<Run> {
        some(first, Run::new())
    }
    async fn memories(&self, first: i32) -> Vec<Memory> {
        some(first, Memory::new())
    }
}

struct Query;

#[Object]
impl Query {
    async fn viewer(&self) -> Viewer {
        Viewer::new()
    }
    async fn workspace(&self, topic: Option<String>) -> Option<Workspace> {
        topic.is_some().then_some(Workspace)
    }
}

struct Bench {
    schema: Schema<Query, EmptyMutation, EmptySubscription>,
    pipeline: Pipeline,
    variables: JsonMap,
}

impl Bench {
    fn prepare(&self) -> Option<Prepared> {
        self.pipeline.prepare(black_box(QUERY), None, black_box(&self.variables)).ok()
    }

    async fn by_the_front_door(&self) -> Option<Response> {
        let prepared = self.prepare()?;
        let execution = batching(prepared.request, |request| self.schema.execute(request));
        let mut response = execution.await;
        prepared.shape.complete(&mut response);
        Some(response)
    }

    /// Of one request.
    async fn front_door(&self) -> Duration {
        let begun = Instant::now();
        for _ in 0..REQUESTS {
            black_box(self.by_the_front_door().await);
        }
        begun.elapsed() / REQUESTS
    }

    async fn execution(&self) -> Duration {
        let requests: Vec<_> = (0..REQUESTS).filter_map(|_| self.prepare()).map(|it| it.request).collect();
        let begun = Instant::now();
        for request in requests {
            black_box(self.schema.execute(request).await);
        }
        begun.elapsed() / REQUESTS
    }
}

fn median(mut of: Vec<Duration>) -> Duration {
    of.sort_unstable();
    of.get(of.len() / 2).copied().unwrap_or_default()
}

#[expect(clippy::print_stdout, reason = "the figures")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let schema =
        Schema::build(Query, EmptyMutation, EmptySubscription).validation_mode(ValidationMode::Fast).finish();
    let pipeline = Pipeline::new(&schema.sdl(), Config::with("")?.graphql)?;
    let variables = serde_json::from_str(r#"{ "first": 1, "topic": "My week" }"#)?;
    let bench = Bench { schema, pipeline, variables };
    let answer = bench.by_the_front_door().await.ok_or("the query is refused")?;
    if !answer.errors.is_empty() || fields(&serde_json::to_value(&answer.data)?) != FIELDS {
        return Err(format!("not the answer that was meant: {answer:?}").into());
    }
    let (mut with, mut without) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        with.push(bench.front_door().await);
        without.push(bench.execution().await);
    }
    let added =
        median(with.iter().zip(&without).map(|(with, without)| with.saturating_sub(*without)).collect());
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let (with, without) = (median(with), median(without));
    println!(
        "added {:.1} µs (front door {:.1} µs, execution alone {:.1} µs; medians of {ROUNDS} pairs of {REQUESTS} requests)",
        micros(added),
        micros(with),
        micros(without)
    );
    Ok(())
}

fn fields(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Array(items) => items.iter().map(fields).sum(),
        serde_json::Value::Object(object) => object.values().map(|below| 1 + fields(below)).sum(),
        _ => 0,
    }
}
