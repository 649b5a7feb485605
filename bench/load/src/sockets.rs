//! Many subscribers at once: how many messages came, and how late their tokens were. Prints `{"connected"}` when all are
//! there; a line on standard input then asks for the figures, which come when every one has seen the end, or time is up.
use crate::{Latency, Outcome, now_micros, say, tokens, websocket::subscribed};
use memchr::memmem;
use serde::{Deserialize, Serialize};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    sync::{Semaphore, mpsc},
    time::timeout,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    target: String,
    subscribers: Vec<Subscriber>,
    /// What is in the last message for each.
    until: String,
    patience_seconds: u64,
}

#[derive(Deserialize)]
struct Subscriber {
    path: String,
    /// The first message, for graphql-transport-ws.
    init: Option<String>,
    subscribe: Option<String>,
}

#[derive(Default)]
struct Heard {
    messages: usize,
    bytes: usize,
    latencies: Vec<u32>,
    problem: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    messages: usize,
    tokens: usize,
    bytes: usize,
    incomplete: usize,
    first_problem: Option<String>,
    #[serde(flatten)]
    latency: Option<Latency>,
}

pub fn run(settings: &str) -> Outcome {
    let settings: Settings = serde_json::from_str(settings)?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(follow_all(settings))
}

async fn follow_all(settings: Settings) -> Outcome {
    let count = settings.subscribers.len();
    let (settings, connected) = (Arc::new(settings), Arc::new(AtomicUsize::new(0)));
    let gate = Arc::new(Semaphore::new(64));
    let (sender, mut heard) = mpsc::unbounded_channel();
    for number in 0..count {
        let (settings, connected, gate, sender) =
            (settings.clone(), connected.clone(), gate.clone(), sender.clone());
        tokio::spawn(async move { drop(sender.send(follow(&settings, number, &connected, &gate).await)) });
    }
    drop(sender);
    let mut all = Heard::default();
    let mut ended = 0;
    while connected.load(Ordering::Relaxed) + ended < count {
        tokio::select! {
            early = heard.recv() => if let Some(early) = early {
                all.problem = all.problem.or(early.problem);
                ended += 1;
            },
            () = tokio::time::sleep(Duration::from_millis(10)) => {}
        }
    }
    if let Some(problem) = &all.problem {
        return Err(format!("{ended} of {count} did not come in: {problem}").into());
    }
    say(&serde_json::json!({ "connected": count }))?;
    BufReader::new(tokio::io::stdin()).lines().next_line().await?;
    let mut complete = 0;
    let gather = async {
        while let Some(one) = heard.recv().await {
            complete += usize::from(one.problem.is_none());
            all.messages += one.messages;
            all.bytes += one.bytes;
            all.latencies.extend(one.latencies);
            all.problem = all.problem.take().or(one.problem);
        }
    };
    let late = timeout(Duration::from_secs(settings.patience_seconds), gather).await.is_err();
    say(&Told {
        messages: all.messages,
        tokens: all.latencies.len(),
        bytes: all.bytes,
        incomplete: count - complete,
        first_problem: all.problem.or_else(|| late.then(|| "time was up".to_owned())),
        latency: Latency::of(all.latencies),
    })?;
    // Those who still wait are not waited for.
    std::process::exit(0);
}

async fn follow(settings: &Settings, number: usize, connected: &AtomicUsize, gate: &Semaphore) -> Heard {
    let mut heard = Heard::default();
    let Subscriber { path, init, subscribe } = &settings.subscribers[number];
    let permit = gate.acquire().await;
    let socket = subscribed(&settings.target, path, init.as_deref(), subscribe.as_deref()).await;
    drop(permit);
    let mut socket = match socket {
        Ok(socket) => socket,
        Err(error) => return Heard { problem: Some(error.to_string()), ..heard },
    };
    connected.fetch_add(1, Ordering::Relaxed);
    loop {
        let text = match socket.text().await {
            Ok(text) => text,
            Err(error) => return Heard { problem: Some(error.to_string()), ..heard },
        };
        if memmem::find(text, settings.until.as_bytes()).is_some() {
            return heard;
        }
        let over = [&b"\"errors\":"[..], b"\"type\":\"error\"", b"TurnFailed", b"TurnIncomplete"];
        if over.iter().any(|sign| memmem::find(text, sign).is_some()) {
            return Heard { problem: Some(String::from_utf8_lossy(text).into_owned()), ..heard };
        }
        // A snapshot repeats what was said already.
        if memmem::find(text, b"TurnDelta").is_some() {
            let now = now_micros();
            heard.messages += 1;
            heard.bytes += text.len();
            let late = |sent| u32::try_from(now.saturating_sub(sent)).unwrap_or(u32::MAX);
            // In its text alone: a cursor may look like a token.
            let said = memmem::find(text, b"\"text\":\"").map_or(&[][..], |at| &text[at..]);
            heard.latencies.extend(tokens::numbers(said).map(late));
        }
    }
}
