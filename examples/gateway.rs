//! What the gateway adds to a call of a model: `cargo run --release --example gateway` (or `bench/gateway`).
//!
//! A provider in a process of its own speaks OpenAI's format on loopback. The same streamed call is made of it directly,
//! by an HTTP client that reads the answer's events, and by way of the gateway with its usage log, a budget and
//! guardrails, in turns, at a constant rate: a call is timed from the moment at which it was due, so that a queue shows.
//! Then many streams at once: the longest silence between two tokens, and the memory of each.
use aifirst::{
    app::{App, Running},
    config::Config,
    gateway::{BudgetAction, BudgetScope, ChatEvent, ChatRequest, Cost, NewBudget, UsagePeriod},
    shared::{Ambient, actor::Actor, http, id::WorkspaceId},
};
use axum::{Json, Router, body::Body, response::Response, routing::post};
use futures_util::{StreamExt, future::join_all, stream};
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    error::Error,
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::TcpListener,
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

const RATE: u32 = 500;
const ROUND: Duration = Duration::from_secs(4);
const PAIRS: usize = 10;
/// Tokens of a short answer, which comes at once.
const SHORT: u32 = 20;
const STREAMS: u32 = 300;
/// Tokens of a long answer, and the time between two.
const LONG: u32 = 400;
const PACE: Duration = Duration::from_millis(20);
const STALL: Duration = Duration::from_millis(50);
const QUESTION: &str = "Ana asks: what did we agree on for the stand-up, and who writes the notes this week?";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The provider: `20@0` are twenty tokens at once, `400@20` four hundred with 20 ms between them.
async fn answer(Json(asked): Json<Value>) -> Response {
    let model = asked["model"].as_str().unwrap_or_default().to_owned();
    let (tokens, pace) = model.split_once('@').unwrap_or(("1", "0"));
    let (tokens, pace) = (tokens.parse::<u32>().unwrap_or(1), pace.parse::<u64>().unwrap_or(0));
    let event = |event: Value| format!("data: {event}\n\n");
    let delta = event(json!({ "id": "c", "object": "chat.completion.chunk", "model": model,
        "choices": [{ "index": 0, "delta": { "content": "word " }, "finish_reason": null }] }));
    let end = event(json!({ "id": "c", "object": "chat.completion.chunk", "model": model,
        "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] }));
    let usage = event(json!({ "id": "c", "object": "chat.completion.chunk", "model": model, "choices": [],
        "usage": { "prompt_tokens": 20, "completion_tokens": tokens, "total_tokens": 20 + tokens } }));
    let body = if pace == 0 {
        Body::from(format!("{}{end}{usage}data: [DONE]\n\n", delta.repeat(tokens as usize)))
    } else {
        let begun = Instant::now();
        let words = stream::iter(0..tokens).then(move |token| {
            let delta = delta.clone();
            async move {
                sleep_until(begun + Duration::from_millis(pace) * token).await;
                delta
            }
        });
        let rest = stream::iter([end, usage, "data: [DONE]\n\n".to_owned()]);
        Body::from_stream(words.chain(rest).map(Ok::<_, Infallible>))
    };
    Response::builder().header("content-type", "text/event-stream").body(body).unwrap_or_default()
}

#[expect(clippy::print_stdout, reason = "its address, for who started it")]
async fn provide() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    Ok(axum::serve(listener, Router::new().route("/v1/chat/completions", post(answer))).await?)
}

struct Provider {
    process: Child,
    address: String,
}

impl Provider {
    fn start() -> Result<Self> {
        let mut process =
            Command::new(std::env::current_exe()?).arg("--provide").stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        BufReader::new(process.stdout.take().ok_or("no output")?).read_line(&mut address)?;
        Ok(Self { process, address: address.trim().to_owned() })
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A server with the gateway on it, everything switched on, and who asks.
struct Bench {
    running: Running,
    actor: Actor,
    workspace: WorkspaceId,
    http: reqwest::Client,
    provider: String,
    _folder: tempfile::TempDir,
}

/// From the moment at which a call was due.
#[derive(Clone, Copy)]
struct Timed {
    first: Duration,
    last: Duration,
}

impl Bench {
    async fn start(provider: &str) -> Result<Self> {
        let folder = tempfile::TempDir::new()?;
        let route = |name: &str, model: &str| {
            format!(
                "[gateway.routes.{name}]\ntargets = [{{ provider = 'bench', model = '{model}' }}]\n\
                 guardrails = ['INPUT', 'OUTPUT']\n[gateway.prices.'{model}']\ninput = '1.00'\noutput = '2.00'\n\
                 currency = 'USD'\n"
            )
        };
        let checks = ["INPUT", "OUTPUT"].map(|stage| {
            format!(
                "[gateway.guardrails.{stage}]\nstage = '{stage}'\non_error = 'FAIL_CLOSED'\n\
                 rules = [{{ check = 'PII', action = 'MASK' }}, {{ check = 'SECRET', action = 'MASK' }}]\n"
            )
        });
        let settings = format!(
            "listen = '127.0.0.1:0'\nadmin_listen = '127.0.0.1:0'\ndata_dir = '{}'\n\
             log.filter = 'warn'\n[gateway.providers.bench]\nkind = 'openai-compatible'\n\
             base_url = 'http://{provider}/v1'\n{}{}{}",
            folder.path().join("data").display(),
            checks.concat(),
            route("short", &format!("{SHORT}@0")),
            route("long", &format!("{LONG}@{}", PACE.as_millis())),
        );
        let running = App::open(Config::with(&settings)?, Ambient::system()).await?.start().await?;
        let account = &running.services.account;
        let key = account.mint_key(account.create_user("Bench", None).await?, "bench").await?;
        let http = http::plain()?;
        let create = "mutation { createWorkspace(input: { name: \"Bench\" }) { workspace { id } } }";
        let request = http.post(format!("http://{}/graphql", running.address)).bearer_auth(&key);
        let created: Value = request.json(&json!({ "query": create })).send().await?.json().await?;
        let workspace =
            created["data"]["createWorkspace"]["workspace"]["id"].as_str().ok_or("no workspace")?;
        let workspace: WorkspaceId = workspace.parse()?;
        let actor = account.authenticate(&key).await?;
        let budget = NewBudget {
            workspace,
            scope: BudgetScope::Workspace,
            period: UsagePeriod::Month,
            limit: Cost { amount: "1000".parse()?, currency: "USD".into() },
            action: BudgetAction::Block,
            downgrade_route: None,
            expected_version: None,
        };
        running.services.gateway.set_budget(&actor, budget).await?;
        Ok(Self {
            running,
            actor,
            workspace,
            http: http::plain()?,
            provider: provider.into(),
            _folder: folder,
        })
    }

    /// By way of the gateway.
    async fn by_the_gateway(&self, route: &str, mut heard: impl FnMut()) -> Result<()> {
        let request = ChatRequest::prompt(self.workspace, route, QUESTION);
        let mut events = self.running.services.gateway.chat(&self.actor, request).await?;
        while let Some(event) = events.next().await {
            match event {
                ChatEvent::Failed(failure) => return Err(failure.to_string().into()),
                _ => heard(),
            }
        }
        Ok(())
    }

    /// The same request without it.
    async fn directly(&self, model: &str, mut heard: impl FnMut()) -> Result<()> {
        let body = json!({ "model": model, "stream": true, "stream_options": { "include_usage": true },
            "max_tokens": 4096, "messages": [{ "role": "user", "content": QUESTION }] });
        let url = format!("http://{}/v1/chat/completions", self.provider);
        let mut answer = self.http.post(url).json(&body).send().await?.error_for_status()?;
        while let Some(chunk) = answer.chunk().await? {
            if !chunk.is_empty() {
                heard();
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Way {
    Direct,
    Gateway,
}

impl Way {
    async fn call(self, bench: &Bench, due: Instant) -> Result<Timed> {
        let mut first = None;
        let heard = || {
            first.get_or_insert_with(|| due.elapsed());
        };
        match self {
            Self::Direct => bench.directly(&format!("{SHORT}@0"), heard).await?,
            Self::Gateway => bench.by_the_gateway("short", heard).await?,
        }
        Ok(Timed { first: first.ok_or("an empty answer")?, last: due.elapsed() })
    }

    /// Calls at the rate, whether or not the ones before have ended.
    async fn round(self, bench: &Arc<Bench>) -> Result<Vec<Timed>> {
        let begun = Instant::now();
        let mut calls = JoinSet::new();
        for number in 0..RATE * u32::try_from(ROUND.as_secs())? {
            let due = begun + Duration::from_secs(1) * number / RATE;
            sleep_until(due).await;
            let bench = bench.clone();
            calls.spawn(async move { self.call(&bench, due).await.map_err(|error| error.to_string()) });
        }
        Ok(calls.join_all().await.into_iter().collect::<std::result::Result<Vec<_>, _>>()?)
    }

    /// The longest silence of a long answer.
    async fn silence(self, bench: &Bench) -> Result<Duration> {
        let (mut last, mut longest) = (None::<Instant>, Duration::ZERO);
        let heard = || {
            let now = Instant::now();
            longest = longest.max(last.replace(now).map_or(Duration::ZERO, |last| now - last));
        };
        match self {
            Self::Direct => bench.directly(&format!("{LONG}@{}", PACE.as_millis()), heard).await?,
            Self::Gateway => bench.by_the_gateway("long", heard).await?,
        }
        Ok(longest)
    }

    /// Many streams at once: their silences, and how much memory the process holds beyond what it held, of each stream.
    async fn streams(self, bench: &Arc<Bench>) -> Result<(Vec<Duration>, u64)> {
        let before = resident()?;
        let streams = (0..STREAMS).map(|number| {
            let bench = bench.clone();
            tokio::spawn(async move {
                // Not all in one moment, as they would not come.
                sleep(PACE * number / STREAMS).await;
                self.silence(&bench).await.map_err(|error| error.to_string())
            })
        });
        let streams = join_all(streams);
        tokio::pin!(streams);
        let mut most = before;
        let silences = loop {
            tokio::select! {
                ended = &mut streams => break ended,
                () = sleep(Duration::from_millis(200)) => most = most.max(resident()?),
            }
        };
        let silences = silences.into_iter().map(|joined| joined?.map_err(Into::into));
        Ok((silences.collect::<Result<Vec<_>>>()?, (most - before) / u64::from(STREAMS)))
    }
}

/// Kilobytes that this process holds.
fn resident() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}

/// In milliseconds.
struct Distribution {
    mean: f64,
    p50: f64,
    p99: f64,
    max: f64,
}

fn distribution(of: impl Iterator<Item = Duration>) -> Distribution {
    let mut of: Vec<f64> = of.map(|it| it.as_secs_f64() * 1e3).collect();
    of.sort_unstable_by(f64::total_cmp);
    let at = |share: usize| of.get((of.len() * share / 100).min(of.len() - 1)).copied().unwrap_or_default();
    let mean = of.iter().sum::<f64>() / of.len() as f64;
    Distribution { mean, p50: at(50), p99: at(99), max: at(100) }
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_unstable_by(f64::total_cmp);
    of.get(of.len() / 2).copied().unwrap_or_default()
}

#[expect(clippy::print_stdout, reason = "the figures")]
async fn overhead(bench: &Arc<Bench>) -> Result<()> {
    println!(
        "{RATE} calls a second for {} s a round, {SHORT} tokens each, {PAIRS} pairs of rounds",
        ROUND.as_secs()
    );
    println!(
        "pair   direct mean  p50    p99     gateway mean  p50    p99     first token p99: direct  gateway  (ms)"
    );
    let (mut means, mut tails, mut firsts, mut ratios) = (vec![], vec![], vec![], vec![]);
    for pair in 0..=PAIRS {
        let (direct, gateway) = (Way::Direct.round(bench).await?, Way::Gateway.round(bench).await?);
        let whole = |calls: &[Timed]| distribution(calls.iter().map(|call| call.last));
        let first = |calls: &[Timed]| distribution(calls.iter().map(|call| call.first));
        let (d, g, df, gf) = (whole(&direct), whole(&gateway), first(&direct), first(&gateway));
        // The first pair warms up.
        if pair > 0 {
            println!(
                "{pair:>4} {:>12.3} {:>6.3} {:>6.3} {:>13.3} {:>6.3} {:>6.3} {:>23.3} {:>8.3}",
                d.mean, d.p50, d.p99, g.mean, g.p50, g.p99, df.p99, gf.p99
            );
            means.push(g.mean - d.mean);
            tails.push(g.p99 - d.p99);
            firsts.push(gf.p99 - df.p99);
            ratios.push(g.mean / d.mean);
        }
    }
    println!(
        "added, medians of the pairs: mean {:.3} ms (goal 0.3), p99 {:.3} ms (goal 1), p99 of the first token \
         {:.3} ms (goal 1); mean of the gateway over direct {:.2}×\n",
        median(means),
        median(tails),
        median(firsts),
        median(ratios)
    );
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the figures")]
async fn streams(bench: &Arc<Bench>) -> Result<()> {
    println!("{STREAMS} streams at once, a token each {} ms, {LONG} tokens", PACE.as_millis());
    for (name, way) in [("direct", Way::Direct), ("gateway", Way::Gateway)] {
        let (silences, memory) = way.streams(bench).await?;
        let stalled = silences.iter().filter(|silence| **silence > STALL).count();
        let silence = distribution(silences.into_iter());
        println!(
            "{name:<8} longest silence: median {:.1} ms, p99 {:.1} ms, worst {:.1} ms; {stalled} streams were silent \
             for more than {} ms; {memory} kB a stream (goal 40, the client's part in it)",
            silence.p50,
            silence.p99,
            silence.max,
            STALL.as_millis()
        );
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    if std::env::args().any(|argument| argument == "--provide") {
        return provide().await;
    }
    let provider = Provider::start()?;
    let bench = Arc::new(Bench::start(&provider.address).await?);
    overhead(&bench).await?;
    streams(&bench).await
}
