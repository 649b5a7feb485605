//! Subscribers that hear some events, go, and come back with their cursors: each must have heard every event once, in
//! order. Lines on standard input: `drop` (when each has heard `before`), `resume` (each hears until `total`).
use crate::{Outcome, say, websocket::subscribed};
use memchr::memmem;
use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashSet},
    io,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    sync::Semaphore,
    task::JoinSet,
    time::timeout,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    target: String,
    path: String,
    init: String,
    /// With `$AFTER` where the cursor goes.
    subscribe: String,
    /// To begin with.
    cursor: String,
    connections: usize,
    /// Events until all are dropped, and in all.
    before: usize,
    total: usize,
    patience_seconds: u64,
    /// Handshakes at once.
    at_once: usize,
}

pub fn run(settings: &str) -> Outcome {
    let settings: Settings = serde_json::from_str(settings)?;
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?
        .block_on(storm(settings))
}

async fn storm(settings: Settings) -> Outcome {
    let settings = Arc::new(settings);
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let connections = settings.connections;
    let heard = phase(&settings, vec![vec![]; connections], settings.before, true).await?;
    say(&serde_json::json!({ "dropped": connections }))?;
    lines.next_line().await?;
    let began = Instant::now();
    let heard = phase(&settings, heard, settings.total, false).await?;
    let seconds = began.elapsed().as_secs_f64();
    let mut orders: BTreeMap<&[String], usize> = BTreeMap::new();
    let (mut doubled, mut missing) = (0, 0);
    for cursors in &heard {
        *orders.entry(cursors).or_default() += 1;
        doubled += cursors.len() - cursors.iter().collect::<HashSet<_>>().len();
        missing += settings.total.saturating_sub(cursors.len());
    }
    let most = orders.values().max().copied().unwrap_or_default();
    say(&serde_json::json!({ "connections": connections, "seconds": seconds, "events": settings.total,
        "missing": missing, "doubled": doubled, "inAnotherOrder": connections - most }))
}

/// All connect, and each goes on from its last cursor until it has heard so many events.
async fn phase(
    settings: &Arc<Settings>,
    heard: Vec<Vec<String>>,
    until: usize,
    tell: bool,
) -> Outcome<Vec<Vec<String>>> {
    let gate = Arc::new(Semaphore::new(settings.at_once));
    let (connected, ready) = (Arc::new(Semaphore::new(0)), heard.len());
    let mut tasks = JoinSet::new();
    for mut cursors in heard {
        let (settings, gate, connected) = (settings.clone(), gate.clone(), connected.clone());
        tasks.spawn(async move {
            let patience = Duration::from_secs(settings.patience_seconds);
            let outcome = timeout(patience, follow(&settings, &mut cursors, until, &gate, &connected)).await;
            let problem = match outcome {
                Ok(outcome) => outcome.err().map(|error| error.to_string()),
                Err(_) => Some(format!("time was up after {} events", cursors.len())),
            };
            (cursors, problem)
        });
    }
    if tell {
        let patience = Duration::from_secs(settings.patience_seconds);
        let all = u32::try_from(ready)?;
        timeout(patience, connected.acquire_many(all)).await.map_err(|_| "not all came in")??.forget();
        say(&serde_json::json!({ "connected": ready }))?;
    }
    let (mut all, mut problem) = (vec![], None);
    while let Some(done) = tasks.join_next().await {
        let (cursors, wrong) = done?;
        problem = problem.or(wrong);
        all.push(cursors);
    }
    if let Some(problem) = problem {
        eprintln!("{problem}");
    }
    Ok(all)
}

async fn follow(
    settings: &Settings,
    cursors: &mut Vec<String>,
    until: usize,
    gate: &Semaphore,
    connected: &Semaphore,
) -> io::Result<()> {
    let after = cursors.last().unwrap_or(&settings.cursor);
    let subscribe = settings.subscribe.replace("$AFTER", after);
    let permit = gate.acquire().await;
    let socket = subscribed(&settings.target, &settings.path, Some(&settings.init), Some(&subscribe)).await;
    drop(permit);
    let mut socket = socket?;
    connected.add_permits(1);
    while cursors.len() < until {
        let text = socket.text().await?;
        let Some(at) = memmem::find(text, b"\"cursor\":\"") else {
            return Err(io::Error::other(String::from_utf8_lossy(text).into_owned()));
        };
        let rest = &text[at + 10..];
        let end = memchr::memchr(b'"', rest).unwrap_or(rest.len());
        cursors.push(String::from_utf8_lossy(&rest[..end]).into_owned());
    }
    Ok(())
}
