//! The first start of a development server: a workspace, its owner, and the owner's token in a file.
use super::{AccountService, key::Wanted};
use crate::{
    account::{
        model::{AuditAction, Slug, User},
        store::{self, Identity},
    },
    shared::{
        Error, Result,
        actor::{Actor, KeyScope, Principal, Role},
        id::AnyId,
    },
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
};

/// Slug of the workspace that the first start makes.
pub const WORKSPACE: &str = "demo";
/// In the data folder.
pub const TOKEN_FILE: &str = "dev-token";

/// What keeps a development server from being ready for use.
#[derive(Debug, thiserror::Error)]
pub enum DevelopmentError {
    #[error("the development token cannot be written to {0}: {1}")]
    File(PathBuf, io::Error),
    #[error("the development workspace cannot be made: {0}")]
    Account(#[from] Error),
}

impl AccountService {
    /// The token of the development workspace's owner. It is kept in `folder`; where the file is missing or what it
    /// holds opens nothing any more, a new key is made and the old one revoked.
    pub async fn prepare_development(&self, folder: &Path) -> Result<SecretString, DevelopmentError> {
        let file = folder.join(TOKEN_FILE);
        if let Ok(text) = fs::read_to_string(&file) {
            let text = text.trim();
            match self.authenticate(text).await {
                Ok(_) => return Ok(text.into()),
                Err(Error::Unauthenticated(_)) => {}
                Err(other) => return Err(other.into()),
            }
        }
        let token = self.mint_development_key().await?;
        write_private(&file, token.expose_secret())
            .map_err(|error| DevelopmentError::File(file.clone(), error))?;
        Ok(token)
    }

    async fn mint_development_key(&self) -> Result<SecretString> {
        let mut tx = self.log.begin().await?;
        let owner = match store::find_workspace_by_slug(&tx, WORKSPACE).await? {
            Some(workspace) => store::find_first_owner(&tx, workspace.id).await?,
            None => None,
        };
        let owner = match owner {
            Some(owner) => owner,
            None => {
                let user = User {
                    id: self.ambient.ids.next(),
                    display_name: "Demo".into(),
                    created_at: self.ambient.now(),
                };
                store::insert_user(&tx, &user, Identity::default()).await?;
                self.audit(&mut tx, None, None, AuditAction::UserCreated, AnyId::User(user.id), json!({}))
                    .await?;
                let workspace =
                    self.insert_workspace(&tx, "Demo".into(), Slug::Given(WORKSPACE.into())).await?;
                let actor = Actor::new(Principal::User(user.id), HashMap::new(), KeyScope::Admin);
                self.join(&mut tx, &actor, workspace.id, user.id, Role::Owner).await?;
                let (action, subject) = (AuditAction::WorkspaceCreated, AnyId::Workspace(workspace.id));
                self.audit(&mut tx, None, Some(workspace.id), action, subject, json!({ "slug": WORKSPACE }))
                    .await?;
                user.id
            }
        };
        store::revoke_keys(&tx, store::KeysOf::Development, self.ambient.now()).await?;
        let wanted = Wanted {
            principal: Principal::User(owner),
            workspace: None,
            name: "development token".into(),
            limit: KeyScope::Admin,
            expires_at: None,
            development: true,
        };
        let minted = self.insert_key(&mut tx, None, wanted).await?;
        self.commit(tx).await?;
        minted.token.ok_or_else(|| Error::internal("a key was made without its text"))
    }

    /// Whether a key is in force whose secret a development server wrote to a file: no production server starts
    /// on such a database.
    pub async fn has_development_key(&self) -> Result<bool> {
        store::has_development_key(&self.db).await
    }

    /// Makes a database that was used in development fit for production; tells how many keys it revoked.
    pub async fn revoke_development_keys(&self) -> Result<u64> {
        let tx = self.log.begin().await?;
        let revoked = store::revoke_keys(&tx, store::KeysOf::Development, self.ambient.now()).await?;
        self.commit(tx).await?;
        u64::try_from(revoked.len()).map_err(Error::internal)
    }
}

/// Whole or not at all, and never readable by others, not even for a moment.
fn write_private(file: &Path, text: &str) -> io::Result<()> {
    let fresh = file.with_extension("new");
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(&fresh)?;
    io::Write::write_all(&mut out, format!("{text}\n").as_bytes())?;
    out.sync_all()?;
    fs::rename(&fresh, file)
}
