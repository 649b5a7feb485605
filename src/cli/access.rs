//! `token` and `user`: access for people, given by who holds the database. They need no running server, and disturb
//! none.
use super::{Failure, Outcome, configuration};
use crate::{
    account::{AccountService, OperatorKey},
    db,
    event::{Bus, Log},
    shared::{
        Ambient,
        actor::{KeyScope, Role},
        duration,
    },
};
use clap::{Args, Subcommand, ValueEnum};
use secrecy::ExposeSecret;

#[derive(Subcommand, Debug)]
pub(super) enum TokenCommand {
    /// Make an API key for a person, and print it: it is shown this once
    Create(CreateToken),
    /// End an API key
    Revoke {
        /// The key, its prefix (aif_…) or its id (key_…)
        #[arg(required_unless_present = "development")]
        key: Option<String>,
        /// End every key that a development server wrote to a file, to go into production with its database
        #[arg(long, conflicts_with = "key")]
        development: bool,
    },
}

#[derive(Args, Debug)]
pub(super) struct CreateToken {
    /// Whose: e-mail address or id (user_…); a person of that address is made known where nobody has it
    #[arg(long, value_name = "EMAIL_OR_ID")]
    user: String,
    /// The one workspace that it opens; made where it is missing, with the person as its owner
    #[arg(long, value_name = "SLUG")]
    workspace: String,
    /// What the person is in the workspace from now on, where they are no member yet
    #[arg(long, value_enum, default_value_t = NewRole::Member)]
    role: NewRole,
    /// What it is good for, as far as the person's role allows; read, write and admin each include the ones before
    #[arg(long, value_enum, default_value_t = Scope::Admin)]
    scope: Scope,
    /// For how long it works, such as P30D or PT12H; until it is revoked if left out
    #[arg(long, value_name = "DURATION")]
    expires: Option<String>,
    /// What it is for
    #[arg(long, default_value = "made on the command line")]
    name: String,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Scope {
    /// Register trusted documents and read the schema, nothing else: for the build of a frontend. Takes an admin
    Documents,
    /// See
    Read,
    /// Change content
    Write,
    /// Change people, keys and settings
    Admin,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum NewRole {
    /// Everything, including other owners
    Owner,
    /// People, keys and settings
    Admin,
    /// Content: memories, sessions, workflows
    Member,
    /// Look, but change nothing
    Viewer,
}

#[derive(Subcommand, Debug)]
pub(super) enum UserCommand {
    /// Make a person known to the server, and print their id
    Create {
        /// The name that others see
        #[arg(long)]
        name: String,
        #[arg(long)]
        email: Option<String>,
        /// How the configured issuer's JWTs call the person (`sub`)
        #[arg(long, value_name = "SUB")]
        subject: Option<String>,
    },
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command's output, and what it did beside")]
pub(super) async fn token(command: TokenCommand) -> Outcome {
    let (accounts, ambient) = accounts().await?;
    match command {
        TokenCommand::Create(wanted) => {
            let expires_at = match &wanted.expires {
                Some(text) => {
                    let life = duration::parse(text).filter(|life| life.num_seconds() > 0);
                    let life =
                        life.ok_or_else(|| wrong("--expires: a duration such as P30D or PT12H is expected"))?;
                    Some(ambient.now().checked_add_signed(life).ok_or_else(|| wrong("--expires: too long"))?)
                }
                None => None,
            };
            let role = match wanted.role {
                NewRole::Owner => Role::Owner,
                NewRole::Admin => Role::Admin,
                NewRole::Member => Role::Member,
                NewRole::Viewer => Role::Viewer,
            };
            let ensured = accounts.ensure_member(&wanted.user, &wanted.workspace, role).await?;
            if !ensured.made.is_empty() {
                eprintln!("made: {} ({} in {})", ensured.made.join(", "), wanted.user, wanted.workspace);
            }
            let limit = match wanted.scope {
                Scope::Documents => KeyScope::Documents,
                Scope::Read => KeyScope::Read,
                Scope::Write => KeyScope::Write,
                Scope::Admin => KeyScope::Admin,
            };
            let key = OperatorKey { workspace: Some(wanted.workspace), name: wanted.name, limit, expires_at };
            println!("{}", accounts.mint_key_with(ensured.user, key).await?.expose_secret());
        }
        TokenCommand::Revoke { key: Some(key), .. } => {
            let key = accounts.revoke_any_key(&key).await?;
            println!("revoked: {} ({})", key.prefix(), key.name);
            eprintln!(
                "a running server refuses it after its auth.recheck_seconds at the latest: 5 by default"
            );
        }
        TokenCommand::Revoke { key: None, .. } => {
            println!("revoked: {} development keys", accounts.revoke_development_keys().await?);
        }
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a command's output")]
pub(super) async fn user(command: UserCommand) -> Outcome {
    let UserCommand::Create { name, email, subject } = command;
    let issuer = configuration()?.auth.jwt.issuer;
    if subject.is_some() && issuer.is_empty() {
        return Err(wrong("--subject: no issuer is configured (auth.jwt.issuer), so no token can name one"));
    }
    let (accounts, _) = accounts().await?;
    let token = subject.map(|subject| (issuer, subject));
    println!("{}", accounts.create_user_known_as(&name, email.as_deref(), token).await?);
    Ok(())
}

/// Without the data folder's lock: these commands work beside a running server.
async fn accounts() -> Result<(AccountService, Ambient), Failure> {
    let db = db::open(&configuration()?).await?;
    let ambient = Ambient::system();
    let log = Log::new(db.clone(), Bus::in_process(), ambient.clone());
    Ok((AccountService::new(db, log, ambient.clone()), ambient))
}

fn wrong(message: &str) -> Failure {
    Failure { message: message.into(), code: 2 }
}
