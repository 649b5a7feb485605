//! Reads files that came, in the background: each in a process of its own ([`child`]), a few at a time, by leases, so
//! that a file whose worker was lost is taken up by another.
mod child;
mod turns;

pub use child::{Limits, read_document};

use super::{
    DocumentFailure, MemoryService, Prepared,
    document::Readable,
    event, filing,
    store::{self, document as documents, upload as uploads, upload::StoredUpload},
    uploads::{READING_TOPIC, upkeep},
};
use crate::{
    config::DocumentsReading,
    db::Source,
    event::Bus,
    shared::{Error, Result},
};
use child::Told;
use chrono::TimeDelta;
use std::{path::PathBuf, process::Stdio, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{ChildStdin, ChildStdout, Command},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{interval, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use turns::{Turns, in_turns};

/// How long a worker trusts the bus before it looks itself.
const POLL: Duration = Duration::from_secs(2);
/// What a process that reads takes from the system at a time, in KiB: the least that mimalloc knows.
const ALLOCATED_KIB: &str = "32768";
/// Workers that may be lost with a file before it is given up.
const ATTEMPTS: i64 = 3;
/// Bytes that a process may tell: a text in JSON, where a character takes six bytes at worst.
const MOST_TOLD: u64 = 6 * super::document::MAX_READABLE as u64 + 1024 * 1024;

/// Reads files for a process of the product. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reader {
    memories: MemoryService,
    bus: Bus,
    config: DocumentsReading,
    room: Arc<Semaphore>,
}

/// How the reading of a file ended.
enum Ended {
    Read(Readable),
    Failed(DocumentFailure),
    /// Nothing was read, through no fault of the file's.
    Not(&'static str),
    /// It is in other hands, or nobody's concern any more.
    Lost,
}

impl Reader {
    pub fn new(memories: MemoryService, bus: Bus, config: DocumentsReading) -> Self {
        let room = Arc::new(Semaphore::new(config.readers));
        Self { memories, bus, config, room }
    }

    /// Works until `stop`; what is being read then is given back.
    pub async fn run(self, stop: CancellationToken) {
        let mut hints = self.bus.subscribe(READING_TOPIC).await;
        let tasks = TaskTracker::new();
        // One SQLite file has one server, and this is it: whoever else has a lease is gone.
        let mut everything = self.memories.db.is_sqlite();
        let mut turns = Turns::default();
        loop {
            match self.take_all(everything, &mut turns, &tasks, &stop).await {
                Ok(()) => everything = false,
                Err(error) => {
                    tracing::error!(error = %error.for_log(), "no file could be taken to be read; trying again")
                }
            }
            tokio::select! {
                () = stop.cancelled() => break,
                _ = hints.next() => {}
                () = sleep(POLL) => {}
            }
        }
        tasks.close();
        tasks.wait().await;
    }

    /// Takes files while there are some, and room for them.
    async fn take_all(
        &self,
        everything: bool,
        turns: &mut Turns,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<()> {
        let (db, free) = (&self.memories.db, self.room.available_permits());
        if free == 0 {
            return Ok(());
        }
        let now = self.memories.ambient.now();
        let mut due = vec![];
        for workspace in
            turns.sorted(uploads::list_waiting(db, now, everything).await?).into_iter().take(free)
        {
            due.push(uploads::list_due(db, workspace, now, everything, free as u64).await?);
        }
        for due in in_turns(due) {
            let Ok(permit) = self.room.clone().try_acquire_owned() else { return Ok(()) };
            turns.take(due.upload.described.workspace);
            let tx = self.memories.log.begin().await?;
            let held = uploads::claim(&tx, &due, now + self.lease()).await?;
            tx.commit().await?;
            if let Some(held) = held {
                tasks.spawn(self.clone().carry_out(held, stop.clone(), permit));
            }
        }
        Ok(())
    }

    fn lease(&self) -> TimeDelta {
        TimeDelta::seconds(self.config.lease_seconds.into())
    }

    async fn carry_out(self, held: StoredUpload, stop: CancellationToken, _permit: OwnedSemaphorePermit) {
        let ended = tokio::select! {
            ended = self.read(&held) => ended,
            () = stop.cancelled() => Ok(Ended::Not("the server stops")),
        };
        let done = match ended {
            Ok(Ended::Lost) => return,
            Ok(Ended::Read(readable)) => self.finish(&held, Ok(readable)).await,
            Ok(Ended::Failed(failure)) => self.finish(&held, Err(failure)).await,
            Ok(Ended::Not(reason)) => {
                tracing::info!(upload = %held.upload.id, reason, "a file is given back unread");
                self.give_back(&held).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            // Its lease ends, and it is taken up again.
            tracing::error!(upload = %held.upload.id, error = %error.for_log(), "a file was not read");
        }
        // There is room for the next one.
        self.bus.publish(READING_TOPIC, vec![]).await;
    }

    async fn give_back(&self, held: &StoredUpload) -> Result<()> {
        let tx = self.memories.log.begin().await?;
        uploads::release(&tx, held).await?;
        tx.commit().await
    }

    async fn read(&self, held: &StoredUpload) -> Result<Ended> {
        if held.attempts > ATTEMPTS {
            return Ok(Ended::Failed(DocumentFailure::TooComplex));
        }
        let (tell, mut told) = watch::channel(0);
        let reading = self.in_a_process(held, tell);
        tokio::pin!(reading);
        let mut beat = interval(Duration::from_secs(self.config.lease_seconds.into()) / 3);
        beat.tick().await;
        loop {
            tokio::select! {
                ended = &mut reading => return ended,
                _ = beat.tick() => {
                    let progress = *told.borrow_and_update();
                    if !self.still(held, progress).await? {
                        return Ok(Ended::Lost);
                    }
                }
            }
        }
    }

    /// Holds on to it, and says how far it is. `false` where it is lost.
    async fn still(&self, held: &StoredUpload, progress: i32) -> Result<bool> {
        let memories = &self.memories;
        let mut tx = memories.log.begin().await?;
        store::lock_partition(&tx, &held.partition, memories.ambient.random.bytes()).await?;
        if !uploads::renew(&tx, held, memories.ambient.now() + self.lease()).await? {
            return Ok(false);
        }
        let grant = upkeep(&held.upload);
        let Some(id) = held.document else { return Ok(false) };
        let Some(mut stored) = documents::find_in(&tx, &held.partition, id).await? else { return Ok(false) };
        if stored.document.progress < progress {
            filing::process(&mut stored, &memories.ambient, progress);
            documents::save(&tx, &stored, false).await?;
            filing::record(&mut tx, &grant, &stored, event::DOCUMENT_UPDATED, None);
        }
        tx.commit().await?;
        Ok(true)
    }

    async fn in_a_process(&self, held: &StoredUpload, tell: watch::Sender<i32>) -> Result<Ended> {
        let seconds = u64::from(self.config.seconds);
        let spawned = Command::new(self.program()?)
            .arg("read-document")
            .arg(held.upload.described.media_type.name())
            .args(["--memory-bytes", &self.config.memory_bytes.to_string()])
            .args(["--seconds", &seconds.to_string()])
            .env_clear()
            // Of its address space, all that it may take counts; mimalloc sets a gigabyte of it aside at the start.
            .env("MIMALLOC_ARENA_RESERVE", ALLOCATED_KIB)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) => {
                tracing::error!(%error, "no process could be started to read a file");
                // Not again at once.
                sleep(POLL).await;
                return Ok(Ended::Not("no process could be started"));
            }
        };
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::internal("a process without input and output"));
        };
        let both = async { tokio::try_join!(self.feed(held, input), listen(output, tell)) };
        let ended = timeout(Duration::from_secs(seconds), both).await;
        let _ = child.start_kill();
        let status = child.wait().await.map_err(Error::internal)?;
        match ended {
            Ok(Ok(((), None))) | Err(_) => {
                // It said nothing to the end: it was stopped by its limits, or by the file.
                tracing::info!(upload = %held.upload.id, %status, "the process that read a file ended early");
                Ok(Ended::Failed(DocumentFailure::TooComplex))
            }
            Ok(Ok(((), Some(ended)))) => Ok(ended),
            Ok(Err(error)) => Err(error),
        }
    }

    fn program(&self) -> Result<PathBuf> {
        match &self.config.program {
            own if own.as_os_str().is_empty() => std::env::current_exe().map_err(Error::internal),
            other => Ok(other.clone()),
        }
    }

    async fn feed(&self, held: &StoredUpload, mut input: ChildStdin) -> Result<()> {
        for number in 0.. {
            let Some(piece) = uploads::find_piece(&self.memories.db, &held.upload, number).await? else {
                break;
            };
            if input.write_all(&piece).await.is_err() {
                // It has ended: what it said of that is heard elsewhere.
                break;
            }
        }
        Ok(())
    }

    /// Writes down what came of it; nothing where it is in other hands by now.
    async fn finish(&self, held: &StoredUpload, read: Result<Readable, DocumentFailure>) -> Result<()> {
        let memories = &self.memories;
        let described = held.upload.described.clone();
        let prepared = match read {
            Err(failure) => Err(failure),
            Ok(readable) => {
                let prepared = move || Prepared::new(described, readable);
                Ok(tokio::task::spawn_blocking(prepared).await.map_err(Error::internal)?)
            }
        };
        let _turn = match &prepared {
            Ok(prepared) => memories.turn(prepared.pieces.len()).await?,
            Err(_) => None,
        };
        let (grant, ambient) = (upkeep(&held.upload), &memories.ambient);
        let mut tx = memories.log.begin().await?;
        store::lock_partition(&tx, &held.partition, ambient.random.bytes()).await?;
        let Some(id) = held.document else { return Ok(()) };
        if !uploads::finish(&tx, held).await? {
            return Ok(());
        }
        let Some(stored) = documents::find_in(&tx, &held.partition, id).await? else { return Ok(()) };
        let stored = match prepared {
            Ok(prepared) => filing::settle(&mut tx, ambient, stored, prepared).await?,
            Err(failure) => filing::fail(&mut tx, ambient, stored, failure).await?,
        };
        filing::record(&mut tx, &grant, &stored, event::DOCUMENT_UPDATED, None);
        tx.commit().await
    }
}

/// What the process tells; `None` where it ends without a last word.
async fn listen(output: ChildStdout, tell: watch::Sender<i32>) -> Result<Option<Ended>> {
    let mut lines = BufReader::new(output.take(MOST_TOLD)).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match serde_json::from_str(&line) {
            Ok(Told::Progress(done, of)) => {
                let percent = i32::try_from(done.saturating_mul(99) / of.max(1)).unwrap_or(99);
                tell.send_replace(percent.min(99));
            }
            Ok(Told::Read(readable)) => return Ok(Some(Ended::Read(readable))),
            Ok(Told::Failed(failure)) => return Ok(Some(Ended::Failed(failure))),
            Err(_) => return Ok(None),
        }
    }
    Ok(None)
}
