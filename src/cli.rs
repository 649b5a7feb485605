//! The commands. Each ends with 0, with 1 when it failed, or with 2 when it was asked wrongly.
use crate::{app::App, config::Config, db, graphql, shared::Ambient};
use clap::{Parser, Subcommand};
use std::{error::Error, process::ExitCode};

/// The backend of an AI-first productivity platform as one GraphQL API: workflows, memory, coaching.
///
/// Without a command it serves. Settings come from config.default.toml, then aifirst.toml (or the file that
/// AIFIRST_CONFIG names), then the environment: AIFIRST_LISTEN, AIFIRST_DATABASE__URL, …
#[derive(Parser, Debug)]
#[command(version, about, long_about)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Serve the API and do the work behind it (the default)
    Serve,
    /// Bring the database's schema up to date, and end
    Migrate,
    /// Print the GraphQL schema
    Schema,
    /// Print the configuration in force, secrets masked
    Config,
}

type Outcome = Result<(), Failure>;

/// What a command ends with when it did not succeed.
struct Failure {
    message: String,
    code: u8,
}

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { message: error.to_string(), code: 1 }
    }
}

#[expect(clippy::print_stderr, reason = "a command's message to a person")]
pub async fn run() -> ExitCode {
    match carry_out(Cli::parse().command.unwrap_or(Command::Serve)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("aifirst: {}", failure.message);
            ExitCode::from(failure.code)
        }
    }
}

#[expect(clippy::print_stdout, reason = "a command's output")]
async fn carry_out(command: Command) -> Outcome {
    match command {
        Command::Serve => serve().await?,
        Command::Migrate => {
            db::open(&configuration()?).await?;
            println!("the database is up to date");
        }
        Command::Schema => print!("{}", graphql::sdl()),
        Command::Config => print!("{}", configuration()?.masked()?),
    }
    Ok(())
}

fn configuration() -> Result<Config, Failure> {
    Config::load()
        .map_err(|error| Failure { message: format!("the configuration is not valid.\n{error}"), code: 2 })
}

#[expect(clippy::print_stdout, reason = "where to find the server, for a person and for scripts")]
async fn serve() -> Outcome {
    let running = App::open(configuration()?, Ambient::system()).await?.start().await?;
    println!("GraphQL  http://{}/graphql", running.address);
    println!("Health   http://{}/health/ready", running.admin_address);
    stop_signal().await;
    running.stop().await;
    Ok(())
}

/// SIGTERM or Ctrl-C.
async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                tokio::select! { _ = interrupt => {}, _ = terminate.recv() => {} }
            }
            Err(_) => {
                let _ = interrupt.await;
            }
        }
    }
    #[cfg(not(unix))]
    let _ = interrupt.await;
}
