//! A NATS of the test's own, which can be killed, made to hang, and started again at its address.
use super::process::Process;
use std::process::{Command, Stdio};

const VARIABLE: &str = "AIFIRST_TEST_NATS_SERVER";

pub struct Nats {
    port: u16,
    /// `None` while it is dead.
    process: Option<Process>,
}

impl Nats {
    pub async fn start() -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut nats = Self { port, process: None };
        nats.restart().await;
        nats
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// With no time to say goodbye.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Returns once it takes connections.
    pub async fn restart(&mut self) {
        self.kill();
        let program = std::env::var(VARIABLE).unwrap_or_else(|_| {
            panic!("{VARIABLE} is not set: run scripts/test, which installs one, or name a nats-server")
        });
        let mut command = Command::new(program);
        command.args(["--addr", "127.0.0.1", "--port", &self.port.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Process::new(command.spawn().unwrap());
        process.until_told(|told| told.contains("Server is ready").then_some(())).await;
        self.process = Some(process);
    }

    /// STOP: its connections stay, and nothing moves. CONT: it goes on.
    pub fn signal(&self, name: &str) {
        self.process.as_ref().unwrap().signal(name);
    }
}
