//! The clients of `bench/run`. Each command reads a JSON object from standard input and prints JSON, one object a line.
mod http;
mod proxy;
mod sockets;
mod storm;
mod tokens;
mod websocket;

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

const USAGE: &str = "usage: aifirst-bench-load http|proxy|sockets|storm|tokens, with its settings as one line of JSON on standard input

http      requests on kept connections: as fast as they are answered, or at a rate
proxy     between a server and PostgreSQL: counts the statements
sockets   many subscribers: what came, and how late
storm     subscribers that go and come back with their cursors
tokens    a model that speaks at a fixed rate";

fn main() -> ExitCode {
    let mut settings = String::new();
    let command = env::args().nth(1).unwrap_or_default();
    if !["http", "proxy", "sockets", "storm", "tokens"].contains(&command.as_str()) {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    io::stdin().read_line(&mut settings).expect("standard input");
    let outcome = match command.as_str() {
        "http" => http::run(&settings),
        "proxy" => proxy::run(&settings),
        "sockets" => sockets::run(&settings),
        "storm" => storm::run(&settings),
        _ => tokens::run(&settings),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn say(value: &impl serde::Serialize) -> Outcome {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    writeln!(out)?;
    out.flush()?;
    Ok(())
}

/// Microseconds that all processes of the machine agree upon.
fn now_micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or_default()
}

#[derive(serde::Serialize)]
struct Latency {
    #[serde(rename = "p50Ms")]
    p50: f64,
    #[serde(rename = "p99Ms")]
    p99: f64,
    #[serde(rename = "p999Ms")]
    p999: f64,
    #[serde(rename = "maxMs")]
    max: f64,
}

impl Latency {
    /// Of microseconds.
    fn of(mut all: Vec<u32>) -> Option<Self> {
        all.sort_unstable();
        let last = all.len().checked_sub(1)?;
        let at = |part: f64| {
            let place = (last as f64 * part).round() as usize;
            f64::from(all[place.min(last)]) / 1000.0
        };
        Some(Self { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1.0) })
    }
}
