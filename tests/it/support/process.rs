//! The real binary in a process of its own: started, asked, told to stop, or killed.
use super::{Database, PATIENCE, Socket, Subscription, text};
use aifirst::shared::http::plain;
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// How to start it: a folder to stand in, with the data folder in it, and settings. It can be started many times.
#[derive(Clone, Debug)]
pub struct Binary {
    folder: PathBuf,
    settings: Vec<(String, String)>,
}

impl Binary {
    /// On free ports, with the embedded defaults. What is set around the tests takes no part.
    pub fn new(folder: &Path) -> Self {
        let binary = Self { folder: folder.to_owned(), settings: vec![] };
        binary.set("LISTEN", "127.0.0.1:0").set("ADMIN_LISTEN", "127.0.0.1:0").set("DATA_DIR", "data")
    }

    /// On a test's database.
    pub fn on(database: &Database) -> Self {
        Self::new(database.folder.path())
            .set("DATABASE__URL", &database.url)
            .set("DATABASE__CONNECTIONS", "8")
    }

    /// A variable of the environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A setting by its variable, without `AIFIRST_`.
    pub fn set(mut self, name: &str, value: impl ToString) -> Self {
        self.settings.push((format!("AIFIRST_{name}"), value.to_string()));
        self
    }

    pub fn spawn(&self, arguments: &[&str]) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aifirst"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("AIFIRST_") {
                command.env_remove(name);
            }
        }
        command
            .args(arguments)
            .current_dir(&self.folder)
            .envs(self.settings.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Process::new(command.spawn().unwrap())
    }

    /// A command, to its end.
    pub async fn run(&self, arguments: &[&str]) -> Ended {
        self.spawn(arguments).end().await
    }

    /// A server that answers. One that ends instead fails the test.
    pub async fn serve(&self) -> Server {
        let mut process = self.spawn(&["serve"]);
        let url = process.until_told(|told| address(told, "GraphQL")).await;
        let health = process.until_told(|told| address(told, "Health")).await;
        let data = self.settings.iter().rfind(|(name, _)| name == "AIFIRST_DATA_DIR");
        let data = self.folder.join(data.map_or("data", |(_, folder)| folder));
        Server { process, url, health, data }
    }

    /// A worker at work.
    pub async fn work(&self) -> Worker {
        let mut process = self.spawn(&["worker"]);
        let health = process.until_told(|told| address(told, "Health")).await;
        Worker { process, health }
    }
}

/// The address in a line such as `GraphQL  http://…`.
pub fn address(told: &str, name: &str) -> Option<String> {
    let line = told.lines().find(|line| line.starts_with(name))?;
    Some(line[name.len()..].trim().to_owned())
}

async fn pause() {
    tokio::time::sleep(Duration::from_millis(10)).await;
}

/// Killed, with no time to end in order, when dropped.
pub struct Process {
    child: Child,
    pub stdout: Output,
    pub stderr: Output,
}

/// How a process ended. `code` is `None` where a signal ended it.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Process {
    pub fn new(mut child: Child) -> Self {
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Self { child, stdout: Output::of(stdout), stderr: Output::of(stderr) }
    }

    /// What it tells on either output, once it does. If it ends instead, or says nothing, the test fails.
    pub async fn until_told<T>(&mut self, told: impl Fn(&str) -> Option<T>) -> T {
        self.until_told_within(PATIENCE, told).await
    }

    /// The same for what takes its time.
    pub async fn until_told_within<T>(&mut self, patience: Duration, told: impl Fn(&str) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            let (stdout, stderr) = (self.stdout.so_far(), self.stderr.so_far());
            if let Some(found) = told(&stdout).or_else(|| told(&stderr)) {
                return found;
            }
            assert!(self.child.try_wait().unwrap().is_none(), "it ended: {stdout}{stderr}");
            assert!(begun.elapsed() < patience, "it does not tell: {stdout}{stderr}");
            pause().await;
        }
    }

    /// Sends a signal: TERM, INT, STOP, CONT.
    pub fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success(), "{command}");
    }

    /// Killed, with no time to end in order.
    pub async fn kill(mut self) -> Ended {
        self.child.kill().unwrap();
        self.end().await
    }

    /// Waits until it ends by itself.
    pub async fn end(mut self) -> Ended {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            let (stdout, stderr) = (self.stdout.so_far(), self.stderr.so_far());
            assert!(begun.elapsed() < PATIENCE, "it does not end: {stdout}{stderr}");
            pause().await;
        };
        Ended { code: status.code(), stdout: self.stdout.whole(), stderr: self.stderr.whole() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process writes, read as it comes, so that it never waits for a reader.
pub struct Output {
    text: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Output {
    fn of(pipe: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let written = text.clone();
        let reader = std::thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = vec![];
            while pipe.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                written.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
                line.clear();
            }
        });
        Self { text, reader: Some(reader) }
    }

    pub fn so_far(&self) -> String {
        self.text.lock().unwrap().clone()
    }

    fn whole(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.so_far()
    }
}

/// A server at work in its process.
pub struct Server {
    pub process: Process,
    /// Of the GraphQL endpoint.
    pub url: String,
    /// Where it tells whether it is ready.
    pub health: String,
    data: PathBuf,
}

impl Server {
    /// Killed, with no time to end in order.
    pub fn kill(self) {
        drop(self.process);
    }

    /// Stopped as an operator does it.
    pub async fn stop(self) -> Ended {
        self.process.signal("TERM");
        self.process.end().await
    }

    /// With the token that a development server wrote to its data folder.
    pub fn client(&self) -> Client {
        let token = std::fs::read_to_string(self.data.join("dev-token")).unwrap();
        Client::new(&self.url, token.trim())
    }
}

/// A worker at work in its process.
pub struct Worker {
    pub process: Process,
    /// Where it tells whether it is ready.
    pub health: String,
}

impl Worker {
    /// Stopped as an operator does it.
    pub async fn stop(self) -> Ended {
        self.process.signal("TERM");
        self.process.end().await
    }
}

/// What is at an address.
pub async fn got(url: impl reqwest::IntoUrl) -> Result<reqwest::Response, reqwest::Error> {
    plain()?.get(url).send().await
}

/// Somebody who asks a server that may be killed at any time.
#[derive(Clone)]
pub struct Client {
    pub url: String,
    token: String,
    http: reqwest::Client,
}

impl Client {
    pub fn new(url: &str, token: &str) -> Self {
        Self { url: url.to_owned(), token: token.to_owned(), http: plain().unwrap() }
    }

    /// The same person at another server of the same database.
    pub fn at(&self, server: &Server) -> Self {
        Self { url: server.url.clone(), ..self.clone() }
    }

    /// The data of an operation, or that the server went away.
    pub async fn ask(&self, document: &str, variables: Value) -> Result<Value, reqwest::Error> {
        let body = json!({ "query": document, "variables": variables });
        let answer = self.http.post(&self.url).bearer_auth(&self.token).json(&body).send().await?;
        let answer: Value = answer.json().await?;
        assert!(answer.get("errors").is_none(), "{answer:#}");
        Ok(answer["data"].clone())
    }

    /// The whole answer to a body.
    pub async fn answer(&self, body: Value) -> Value {
        let answer = self.http.post(&self.url).bearer_auth(&self.token).json(&body).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// The data of a document that the server knows by this id.
    pub async fn named(&self, id: &str) -> Value {
        let answer = self.answer(json!({ "documentId": id })).await;
        assert!(answer.get("errors").is_none(), "{answer:#}");
        answer["data"].clone()
    }

    /// The data of an operation at a server that must answer.
    pub async fn get(&self, document: &str, variables: Value) -> Value {
        self.ask(document, variables).await.unwrap()
    }

    /// One subscription on a socket of its own.
    pub async fn subscribe(&self, document: &str, variables: Value) -> Subscription {
        Socket::connect(&self.url, Some(&self.token)).await.subscribe(document, variables).await
    }

    /// The first workspace of who asks.
    pub async fn workspace(&self) -> String {
        let viewer = "{ viewer { memberships(first: 1) { nodes { workspace { id } } } } }";
        text(&self.get(viewer, json!({})).await, "/viewer/memberships/nodes/0/workspace/id")
    }
}
