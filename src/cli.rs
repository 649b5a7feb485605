//! The commands. Each ends with 0, with 1 when it failed, or with 2 when it was asked wrongly.
mod access;
mod documents;
mod eval;

use crate::{
    app::{self, App, Running},
    config::Config,
    db, demo, graphql, memory,
    shared::{Ambient, http},
    telemetry,
};
use clap::{Parser, Subcommand};
use std::{
    error::Error,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
};

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
    /// Do the work behind the API for servers in other processes: runs and coaching turns. Needs PostgreSQL, and
    /// [events] where clients are to see it at once
    Worker,
    /// Start the server and play one real session through its public endpoint: import, recall, coach, approve
    Demo {
        /// End after the session instead of serving on
        #[arg(long)]
        exit: bool,
        /// Import your own notes or turns first: one JSON object a line with `text`, and where known `id`,
        /// `speaker`, `at`, `conversation`, `session`, `kind`
        #[arg(long, value_name = "FILE.jsonl")]
        import: Option<PathBuf>,
        /// What to ask of what is remembered
        #[arg(long, value_name = "QUESTION")]
        ask: Option<String>,
    },
    /// Ask the server of this configuration whether it is ready; 0 if so (for container health checks)
    Healthcheck,
    /// Bring the database's schema up to date, and end
    Migrate,
    /// Make and end API keys, beside a running server or without one
    #[command(subcommand)]
    Token(access::TokenCommand),
    /// Make people known to the server
    #[command(subcommand)]
    User(access::UserCommand),
    /// Register the documents of a frontend, so that its requests may name them
    #[command(subcommand)]
    Documents(documents::DocumentsCommand),
    /// Read the file on the standard input, within limits: what the server starts for each file that was sent to it
    #[command(hide = true)]
    ReadDocument {
        media_type: String,
        #[arg(long)]
        memory_bytes: u64,
        #[arg(long)]
        seconds: u64,
    },
    /// Measure how well recall finds
    #[command(subcommand)]
    Eval(eval::EvalCommand),
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

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { message: error.into().to_string(), code: 1 }
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
        Command::Worker => work().await?,
        Command::Demo { exit, import, ask } => demo(exit, &demo::Options { import, ask }).await?,
        Command::Healthcheck => healthcheck().await?,
        Command::Migrate => {
            db::open(&configuration()?).await?;
            println!("the database is up to date");
        }
        Command::Token(command) => access::token(command).await?,
        Command::User(command) => access::user(command).await?,
        Command::Documents(command) => documents::documents(command).await?,
        Command::ReadDocument { media_type, memory_bytes, seconds } => {
            memory::read_document(&media_type, memory::ReadingLimits { memory_bytes, seconds })?;
        }
        Command::Eval(command) => eval::eval(command).await?,
        Command::Schema => print!("{}", graphql::sdl()),
        Command::Config => print!("{}", configuration()?.masked()?),
    }
    Ok(())
}

fn configuration() -> Result<Config, Failure> {
    Config::load()
        .map_err(|error| Failure { message: format!("the configuration is not valid.\n{error}"), code: 2 })
}

async fn serve() -> Outcome {
    let config = configuration()?;
    telemetry::init(&config.log);
    let running = App::open(config, Ambient::system()).await?.start().await?;
    tell_urls(&running);
    stop_signal().await;
    running.stop().await;
    Ok(())
}

async fn work() -> Outcome {
    let config = configuration()?;
    if config.is_sqlite() {
        let message = "a worker shares its database with servers, and SQLite is held by one process. Set \
            AIFIRST_DATABASE__URL to a PostgreSQL, or run `aifirst serve`, which does this work itself";
        return Err(Failure { message: message.into(), code: 2 });
    }
    telemetry::init(&config.log);
    let working = app::start_worker(&config, Ambient::system()).await?;
    tell_health(working.admin_address);
    stop_signal().await;
    working.stop().await;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "what a person wants to know next")]
async fn demo(exit: bool, options: &demo::Options) -> Outcome {
    let config = configuration()?;
    let token_file = config.data_dir.join("dev-token");
    let running = App::open(config, Ambient::system()).await?.start().await?;
    let played = demo::play(&running, token_file.clone(), options).await;
    if played.is_ok() && !exit {
        println!("\nServing on; Ctrl-C ends. The token is in {}.", token_file.display());
        tell_urls(&running);
        stop_signal().await;
    }
    running.stop().await;
    Ok(played?)
}

#[expect(clippy::print_stdout, reason = "where to find the server, for a person and for scripts")]
fn tell_urls(running: &Running) {
    println!("GraphQL  http://{}/graphql", running.address);
    tell_health(running.admin_address);
}

#[expect(clippy::print_stdout, reason = "where an operator and scripts find out how it is")]
fn tell_health(address: SocketAddr) {
    println!("Health   http://{address}/health/ready");
}

async fn healthcheck() -> Outcome {
    let mut address = configuration()?.admin_listen;
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    let health = format!("http://{address}/health/ready");
    http::plain()?.get(health).send().await?.error_for_status()?;
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
