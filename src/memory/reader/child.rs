//! The process that reads one file: it takes its limits upon itself, reads the file from its input, and tells what is in
//! it. Whatever the file makes of it, the server lives on.
use crate::memory::{
    DocumentFailure, MediaType,
    document::{Readable, extract},
};
use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};

/// One line of what the process tells.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Told {
    /// Pages done, and of how many.
    Progress(usize, usize),
    Read(Readable),
    Failed(DocumentFailure),
}

/// What the process may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub memory_bytes: u64,
    /// Of the processor.
    pub seconds: u64,
}

impl Limits {
    /// For good, and for this process alone.
    fn take(self) -> io::Result<()> {
        let at_most = |most| Rlimit { current: Some(most), maximum: Some(most) };
        setrlimit(Resource::As, at_most(self.memory_bytes))?;
        setrlimit(Resource::Cpu, at_most(self.seconds))?;
        // It writes no file, and leaves none of its memory behind.
        setrlimit(Resource::Fsize, at_most(0))?;
        setrlimit(Resource::Core, at_most(0))?;
        Ok(())
    }
}

/// Reads the file on the standard input, and tells on the standard output.
pub fn read_document(media_type: &str, limits: Limits) -> io::Result<()> {
    limits.take()?;
    let media_type = MediaType::parse(media_type).ok_or(io::ErrorKind::InvalidInput)?;
    let mut bytes = vec![];
    io::stdin().lock().read_to_end(&mut bytes)?;
    let read = extract(media_type, &bytes, &mut |done, of| {
        // Nobody to hear it is no reason to stop: it is killed then.
        let _ = tell(&Told::Progress(done, of));
    });
    tell(&read.map_or_else(Told::Failed, Told::Read))
}

fn tell(told: &Told) -> io::Result<()> {
    let mut line = serde_json::to_vec(told)?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}
