//! `aifirst demo`: one real session through the server's own public endpoint, told as it happens.
//!
//! [`notes`] is what goes in, [`story`] what is done with it, over [`Client`] as any client would.
mod notes;
mod story;

use crate::{app::Running, client::Client};
use std::{error::Error, fs, path::PathBuf};

/// What the person at the keyboard asked for.
#[derive(Debug, Default)]
pub struct Options {
    /// Their own turns or notes, one JSON object a line.
    pub import: Option<PathBuf>,
    /// What to ask about them.
    pub ask: Option<String>,
}

/// Plays the session against a running server, whose token of the development workspace lies in `token_file`.
pub async fn play(
    running: &Running,
    token_file: PathBuf,
    options: &Options,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let imported = options.import.as_deref().map(notes::read).transpose()?;
    let token = fs::read_to_string(&token_file).map_err(|error| {
        format!("{} cannot be read: {error}. Start in development mode", token_file.display())
    })?;
    let client = Client::new(running.address, token.trim().to_owned())?;
    story::tell(&client, imported, options.ask.as_deref()).await?;
    Ok(())
}
