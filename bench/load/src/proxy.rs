//! Between a server and PostgreSQL: passes on what they say, and counts the statements that the server has carried out.
//! Settings: `{"upstream": "host:port"}`. Each further line on standard input is answered with the counts since the last.
use crate::{Outcome, say};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    io,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

#[derive(Deserialize)]
struct Settings {
    upstream: String,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Counts {
    /// Those that read or write.
    statements: usize,
    /// BEGIN, COMMIT and the like.
    control: usize,
    /// How often the server waited for the database.
    round_trips: usize,
    texts: BTreeMap<String, usize>,
}

type Shared = Arc<Mutex<Counts>>;

pub fn run(settings: &str) -> Outcome {
    let settings: Settings = serde_json::from_str(settings)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let counts = Shared::default();
    let told = counts.clone();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    say(&serde_json::json!({ "listening": listener.local_addr()?.to_string() }))?;
    std::thread::spawn(move || {
        let mut line = String::new();
        while io::stdin().read_line(&mut line).is_ok_and(|read| read > 0) {
            let counts = std::mem::take(&mut *told.lock().unwrap_or_else(PoisonError::into_inner));
            say(&counts).ok();
            line.clear();
        }
        std::process::exit(0);
    });
    runtime.block_on(async {
        loop {
            let (client, _) = listener.accept().await?;
            let server = TcpStream::connect(&settings.upstream).await?;
            client.set_nodelay(true)?;
            server.set_nodelay(true)?;
            let (from_client, mut to_client) = client.into_split();
            let (mut from_server, to_server) = server.into_split();
            let counts = counts.clone();
            tokio::spawn(async move { watch(from_client, to_server, counts).await });
            tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
        }
    })
}

/// Passes on the client's messages one by one.
async fn watch(mut client: OwnedReadHalf, mut server: OwnedWriteHalf, counts: Shared) -> io::Result<()> {
    // Those at the start have no type; a wish for TLS comes before the real one.
    loop {
        let mut head = [0; 8];
        client.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let mut rest = vec![0; length.saturating_sub(8)];
        client.read_exact(&mut rest).await?;
        server.write_all(&[&head[..], &rest].concat()).await?;
        if head[4..] == 196_608_u32.to_be_bytes() {
            break;
        }
    }
    let (mut statements, mut portals) = (HashMap::new(), HashMap::new());
    loop {
        let mut head = [0; 5];
        client.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let mut body = vec![0; length.saturating_sub(4)];
        client.read_exact(&mut body).await?;
        let mut texts = body.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned());
        let mut text = || texts.next().unwrap_or_default();
        match head[0] {
            b'P' => drop(statements.insert(text(), text())),
            b'B' => {
                let portal = text();
                let sql: String = statements.get(&text()).cloned().unwrap_or_default();
                portals.insert(portal, sql);
            }
            b'E' => count(&counts, portals.get(&text()).cloned().unwrap_or_default(), 0),
            b'Q' => count(&counts, text(), 1),
            b'S' => counts.lock().unwrap_or_else(PoisonError::into_inner).round_trips += 1,
            _ => {}
        }
        server.write_all(&[&head[..], &body].concat()).await?;
    }
}

fn count(counts: &Shared, sql: String, round_trips: usize) {
    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
    counts.round_trips += round_trips;
    let word = sql.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    match word.trim_end_matches(';') {
        "" => {}
        "BEGIN" | "COMMIT" | "ROLLBACK" | "SAVEPOINT" | "RELEASE" | "SET" | "START" => counts.control += 1,
        _ => counts.statements += 1,
    }
    *counts.texts.entry(sql).or_default() += 1;
}
