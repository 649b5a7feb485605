//! A model that speaks OpenAI's wire format at a fixed rate. Each token says when it was sent, in letters: digits may be
//! taken for something that a guardrail masks. Settings: `{"rate": 50, "count": 250}`, as they hold until a further line
//! changes them.
use crate::{Outcome, now_micros, say};
use serde::Deserialize;
use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep_until},
};

#[derive(Deserialize, Clone, Copy)]
struct Settings {
    rate: f64,
    count: u32,
}

pub fn run(settings: &str) -> Outcome {
    let settings: Arc<Mutex<Settings>> = Arc::new(Mutex::new(serde_json::from_str(settings)?));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    say(&serde_json::json!({ "listening": listener.local_addr()?.to_string() }))?;
    let changed = settings.clone();
    std::thread::spawn(move || {
        let mut line = String::new();
        while io::stdin().read_line(&mut line).is_ok_and(|read| read > 0) {
            if let Ok(new) = serde_json::from_str(&line) {
                *changed.lock().unwrap_or_else(PoisonError::into_inner) = new;
            }
            say(&serde_json::json!({ "set": true })).ok();
            line.clear();
        }
        std::process::exit(0);
    });
    runtime.block_on(async {
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(serve(stream, settings.clone()));
        }
    })
}

async fn serve(mut stream: TcpStream, settings: Arc<Mutex<Settings>>) -> io::Result<()> {
    let mut buffer = vec![];
    loop {
        // A whole request: head, then as much as it says.
        let head = loop {
            if let Some(end) = memchr::memmem::find(&buffer, b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        };
        let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        let whole = head + length.unwrap_or(0_usize);
        while buffer.len() < whole {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        }
        buffer.drain(..whole);
        let settings = *settings.lock().unwrap_or_else(PoisonError::into_inner);
        stream
            .write_all(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
            )
            .await?;
        speak(&mut stream, settings).await?;
    }
}

async fn speak(stream: &mut TcpStream, settings: Settings) -> io::Result<()> {
    let began = Instant::now();
    for number in 0..settings.count {
        sleep_until(began + Duration::from_secs_f64(f64::from(number) / settings.rate)).await;
        let content = letters(now_micros());
        event(stream, &format!("{{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{content} \"}}}}]}}"))
            .await?;
    }
    let count = settings.count;
    event(stream, "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}").await?;
    let usage = format!("{{\"prompt_tokens\":1,\"completion_tokens\":{count},\"total_tokens\":{count}}}");
    event(stream, &format!("{{\"choices\":[],\"usage\":{usage}}}")).await?;
    event(stream, "[DONE]").await?;
    stream.write_all(b"0\r\n\r\n").await
}

async fn event(stream: &mut TcpStream, data: &str) -> io::Result<()> {
    let event = format!("data: {data}\n\n");
    stream.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes()).await
}

const LETTERS: usize = 14;

/// A number as letters of a fixed count, after `uu`, by which it is known.
fn letters(mut number: u64) -> String {
    let mut text = [b'a'; LETTERS];
    for place in (0..LETTERS).rev() {
        text[place] = b'a' + u8::try_from(number % 16).unwrap_or_default();
        number /= 16;
    }
    format!("uu{}", String::from_utf8_lossy(&text))
}

/// The numbers that are in a text.
pub fn numbers(text: &[u8]) -> impl Iterator<Item = u64> {
    memchr::memmem::find_iter(text, b"uu").filter_map(|at| {
        let letters = text.get(at + 2..at + 2 + LETTERS)?;
        Some(letters.iter().fold(0, |number, letter| number << 4 | u64::from(letter.wrapping_sub(b'a') & 15)))
    })
}
