//! Requests over HTTP/1.1 on connections that are kept, a thread each: a thread that sleeps wakes on time, to some fifty
//! microseconds, where a timer of an asynchronous runtime counts milliseconds.
//!
//! At a rate each request has a time at which it is due, whatever became of those before it. Its latency counts from
//! then: a server that stalls is charged for all who would have come meanwhile.
use crate::{Latency, Outcome, say};
use memchr::memmem;
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    /// `host:port`.
    target: String,
    /// A file with a JSON object a line: path, authorization, body.
    requests: String,
    connections: usize,
    seconds: f64,
    /// At most so many requests.
    count: Option<usize>,
    /// Requests a second; without it each connection sends as soon as it was answered.
    rate: Option<f64>,
    /// What every answer must contain.
    expect: String,
    /// The request to begin with, so that the next run goes on where this one ended.
    #[serde(default)]
    first: usize,
}

#[derive(Deserialize)]
struct Request {
    path: String,
    authorization: String,
    body: String,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Told {
    requests: usize,
    seconds: f64,
    bytes: usize,
    failures: usize,
    first_failure: Option<String>,
    #[serde(flatten)]
    latency: Option<Latency>,
}

#[derive(Default)]
struct Done {
    latencies: Vec<u32>,
    bytes: usize,
    failures: usize,
    first_failure: Option<String>,
    last: Option<Instant>,
}

pub fn run(settings: &str) -> Outcome {
    let settings: Settings = serde_json::from_str(settings)?;
    let requests: Vec<Vec<u8>> = fs::read_to_string(&settings.requests)?
        .lines()
        .map(|line| {
            let Request { path, authorization, body } = serde_json::from_str(line)?;
            Ok(format!(
                "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nAccept: application/json\r\n\
                 Authorization: {authorization}\r\nContent-Length: {}\r\n\r\n{body}",
                settings.target,
                body.len()
            )
            .into_bytes())
        })
        .collect::<Outcome<_>>()?;
    if requests.is_empty() {
        return Err("no requests".into());
    }
    let shared = Arc::new(Shared {
        requests,
        next: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
        start: Barrier::new(settings.connections + 1),
        settings,
    });
    let mut threads = vec![];
    for _ in 0..shared.settings.connections {
        let stream = TcpStream::connect(&shared.settings.target)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let shared = shared.clone();
        threads.push(thread::Builder::new().stack_size(256 * 1024).spawn(move || shared.send_all(stream))?);
    }
    shared.start.wait();
    let began = Instant::now();
    let mut all = Done::default();
    for thread in threads {
        let done = thread.join().map_err(|_| "a thread of the load panicked")?;
        all.latencies.extend(done.latencies);
        all.bytes += done.bytes;
        all.failures += done.failures;
        all.first_failure = all.first_failure.or(done.first_failure);
        all.last = all.last.max(done.last);
    }
    say(&Told {
        requests: all.latencies.len(),
        seconds: all.last.map_or(0.0, |last| last.duration_since(began).as_secs_f64()),
        bytes: all.bytes,
        failures: all.failures,
        first_failure: all.first_failure,
        latency: Latency::of(all.latencies),
    })
}

struct Shared {
    settings: Settings,
    requests: Vec<Vec<u8>>,
    next: AtomicUsize,
    stop: AtomicBool,
    start: Barrier,
}

impl Shared {
    fn send_all(&self, mut stream: TcpStream) -> Done {
        let mut done = Done::default();
        let finder = memmem::Finder::new(self.settings.expect.as_bytes());
        let errors = memmem::Finder::new(b"\"errors\":");
        let mut answer = Answer::default();
        let length = Duration::from_secs_f64(self.settings.seconds);
        let count = self.settings.count.unwrap_or(usize::MAX);
        self.start.wait();
        let began = Instant::now();
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let due = match self.settings.rate {
                Some(rate) => began + Duration::from_secs_f64(number as f64 / rate),
                None => Instant::now(),
            };
            if number >= count || due.duration_since(began) >= length || self.stop.load(Ordering::Relaxed) {
                break;
            }
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let request = &self.requests[(self.settings.first + number) % self.requests.len()];
            match answer.ask(&mut stream, request) {
                Ok(()) => {}
                Err(error) => {
                    done.failures += 1;
                    done.first_failure.get_or_insert(error);
                    // A connection that broke sends nothing more; nor do the others, for the figure is spoilt.
                    self.stop.store(true, Ordering::Relaxed);
                    break;
                }
            }
            let now = Instant::now();
            done.last = Some(now);
            let body = answer.body();
            done.bytes += body.len();
            if answer.status != 200 || finder.find(body).is_none() || errors.find(body).is_some() {
                done.failures += 1;
                done.first_failure.get_or_insert_with(|| {
                    let told = String::from_utf8_lossy(&body[..body.len().min(300)]);
                    format!("{} {told}", answer.status)
                });
            }
            done.latencies.push(u32::try_from(now.duration_since(due).as_micros()).unwrap_or(u32::MAX));
        }
        done
    }
}

/// One answer at a time; its buffers are kept.
#[derive(Default)]
struct Answer {
    buffer: Vec<u8>,
    filled: usize,
    whole: Vec<u8>,
    status: u16,
}

impl Answer {
    fn body(&self) -> &[u8] {
        &self.whole
    }

    fn ask(&mut self, stream: &mut TcpStream, request: &[u8]) -> Result<(), String> {
        stream.write_all(request).map_err(|error| error.to_string())?;
        self.filled = 0;
        let head = loop {
            if let Some(end) = memmem::find(&self.buffer[..self.filled], b"\r\n\r\n") {
                break end + 4;
            }
            self.fill(stream)?;
        };
        let text = String::from_utf8_lossy(&self.buffer[..head]).to_ascii_lowercase();
        self.status = text.get(9..12).and_then(|code| code.parse().ok()).ok_or("no status")?;
        let header = |name: &str| {
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim))
        };
        self.whole.clear();
        if let Some(length) = header("content-length") {
            let length: usize = length.parse().map_err(|_| "a length that is no number")?;
            while self.filled < head + length {
                self.fill(stream)?;
            }
            self.whole.extend_from_slice(&self.buffer[head..head + length]);
        } else if header("transfer-encoding").is_some_and(|coding| coding.contains("chunked")) {
            self.chunks(stream, head)?;
        } else {
            return Err("an answer without a length".to_owned());
        }
        Ok(())
    }

    fn chunks(&mut self, stream: &mut TcpStream, mut at: usize) -> Result<(), String> {
        loop {
            let line = loop {
                if let Some(end) = memmem::find(&self.buffer[at..self.filled], b"\r\n") {
                    break at + end;
                }
                self.fill(stream)?;
            };
            let size = std::str::from_utf8(&self.buffer[at..line]).unwrap_or_default();
            let size = usize::from_str_radix(size.trim(), 16).map_err(|_| "a chunk without a size")?;
            while self.filled < line + 2 + size + 2 {
                self.fill(stream)?;
            }
            if size == 0 {
                return Ok(());
            }
            self.whole.extend_from_slice(&self.buffer[line + 2..line + 2 + size]);
            at = line + 2 + size + 2;
        }
    }

    fn fill(&mut self, stream: &mut TcpStream) -> Result<(), String> {
        if self.buffer.len() < self.filled + 16 * 1024 {
            self.buffer.resize(self.filled + 64 * 1024, 0);
        }
        match stream.read(&mut self.buffer[self.filled..]) {
            Ok(0) => Err("the server hung up".to_owned()),
            Ok(read) => {
                self.filled += read;
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        }
    }
}
