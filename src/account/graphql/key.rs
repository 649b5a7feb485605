//! API keys and the audit trail.
use super::{AccountLoader, ServiceAccount, Viewer, Workspace, idempotency, viewer_can::ApiKeyViewerCan};
use crate::{
    account::{AccountService, model},
    graphql_kit::{
        ApiError, Connection, ContextExt, DateTime, Json, UserError, connection, page_request, payload,
    },
    shared::{
        Error,
        actor::{KeyScope, Principal},
        id::{ApiKeyId, AuditEntryId, ServiceAccountId, WorkspaceId},
    },
};
use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use secrecy::ExposeSecret;
use serde::Serialize;

#[derive(Clone, Debug)]
pub struct ApiKey(pub(super) model::ApiKey);

/// What an API key is good for, whatever the role of its bearer; READ, WRITE and ADMIN each include the ones before.
#[derive(Enum, Serialize, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ApiKeyScope {
    /// Register trusted documents and read the schema, nothing else: for the build of a frontend. It stands alone; ADMIN
    /// includes it.
    Documents,
    /// See what its bearer sees.
    Read,
    /// Change content: memories, sessions, workflows.
    Write,
    /// Change people, keys and settings.
    Admin,
}

impl From<ApiKeyScope> for KeyScope {
    fn from(scope: ApiKeyScope) -> Self {
        match scope {
            ApiKeyScope::Documents => Self::Documents,
            ApiKeyScope::Read => Self::Read,
            ApiKeyScope::Write => Self::Write,
            ApiKeyScope::Admin => Self::Admin,
        }
    }
}

impl ApiKey {
    /// `None` for keys that are neither the actor's own nor of a workspace that the actor administers.
    pub async fn find(ctx: &Context<'_>, id: ApiKeyId) -> Result<Option<Self>, ApiError> {
        Ok(ctx.load::<_, AccountLoader>(id).await?.map(Self))
    }
}

/// A credential of a person or a service account. Its secret is shown once, where it is made; only a hash is kept.
#[Object]
impl ApiKey {
    /// Stable for ever.
    pub async fn id(&self) -> ApiKeyId {
        self.0.id
    }

    /// What it is for, in its maker's words.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// How the key's text begins, to find it again where it is used.
    async fn prefix(&self) -> String {
        self.0.prefix()
    }

    /// What it is good for.
    async fn scopes(&self) -> Vec<ApiKeyScope> {
        if self.0.limit == KeyScope::Documents {
            return vec![ApiKeyScope::Documents];
        }
        let all = [ApiKeyScope::Read, ApiKeyScope::Write, ApiKeyScope::Admin];
        all.into_iter().filter(|scope| KeyScope::from(*scope) <= self.0.limit).collect()
    }

    /// What the caller may do with it: to show or to hide what leads there.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<ApiKeyViewerCan, ApiError> {
        Ok(ApiKeyViewerCan::of(ctx.actor()?, self))
    }

    /// The one workspace that it opens; null where it opens all of its bearer's.
    async fn workspace(&self) -> Option<Workspace> {
        self.0.workspace.map(Workspace::new)
    }

    /// The person who acts by it; null for a service account's.
    async fn user(&self) -> Option<Viewer> {
        match self.0.principal {
            Principal::User(id) => Some(Viewer { id }),
            Principal::Service(_) => None,
        }
    }

    /// The service account that acts by it; null for a person's, and once the account was deleted.
    async fn service_account(&self, ctx: &Context<'_>) -> Result<Option<ServiceAccount>, ApiError> {
        match self.0.principal {
            Principal::User(_) => Ok(None),
            Principal::Service(id) => Ok(ctx.load::<_, AccountLoader>(id).await?.map(ServiceAccount)),
        }
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// Until when it works; null: until it is revoked.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(DateTime::from)
    }

    /// When it was last used; may be late by some minutes.
    async fn last_used_at(&self) -> Option<DateTime> {
        self.0.last_used_at.map(DateTime::from)
    }

    /// When it was revoked; null while it was not.
    async fn revoked_at(&self) -> Option<DateTime> {
        self.0.revoked_at.map(DateTime::from)
    }
}

#[derive(Clone, Debug)]
pub struct AuditEntry(pub(super) model::AuditEntry);

/// What kind of change was made. New ones may come.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::AuditAction")]
pub enum AuditAction {
    /// A person became known to the server.
    UserCreated,
    /// A workspace was made.
    WorkspaceCreated,
    /// A workspace got another name.
    WorkspaceUpdated,
    /// The server's operator made somebody a member.
    MemberAdded,
    /// Somebody was invited.
    MemberInvited,
    /// Somebody came in by an invitation.
    InvitationAccepted,
    /// An invitation was withdrawn.
    InvitationRevoked,
    /// A member got another role.
    RoleChanged,
    /// A membership ended.
    MemberRemoved,
    /// An account for a program was made.
    ServiceAccountCreated,
    /// An account for a program ended, and its keys with it.
    ServiceAccountDeleted,
    /// An API key was made.
    ApiKeyCreated,
    /// An API key was revoked.
    ApiKeyRevoked,
    /// Trusted documents were registered.
    DocumentsRegistered,
    /// Trusted documents were retired.
    DocumentsRetired,
    /// A route was set that was not there before.
    RouteCreated,
    /// A route was set anew, or the server's own of its name holds again.
    RouteUpdated,
    /// A route was removed.
    RouteRemoved,
    /// A budget was set.
    BudgetSet,
    /// A budget was changed.
    BudgetChanged,
    /// A budget was removed.
    BudgetRemoved,
    /// A guardrail policy was made or changed.
    GuardrailPolicySet,
    /// A guardrail policy was removed.
    GuardrailPolicyRemoved,
    /// A guardrail found something in a call of a model that somebody is to look at.
    GuardrailEscalated,
    /// From then on contents of calls of models are kept, or are not any more.
    CallContentsSet,
}

impl AuditEntry {
    /// `None` for who does not administer its workspace.
    pub async fn find(ctx: &Context<'_>, id: AuditEntryId) -> Result<Option<Self>, ApiError> {
        Ok(ctx.load::<_, AccountLoader>(id).await?.map(Self))
    }
}

/// A security-relevant change, recorded together with it and never altered.
#[Object]
impl AuditEntry {
    /// Stable for ever.
    pub async fn id(&self) -> AuditEntryId {
        self.0.id
    }

    /// When it happened.
    async fn at(&self) -> DateTime {
        self.0.at.into()
    }

    /// Who did it: the id of a person or of a service account; null where the server's operator did.
    async fn actor_id(&self) -> Option<ID> {
        self.0.actor.map(|principal| principal.to_string().into())
    }

    /// What was done.
    async fn action(&self) -> AuditAction {
        self.0.action.into()
    }

    /// To what it was done: ask `node` for it, as long as it is there.
    async fn subject_id(&self) -> ID {
        self.0.subject.to_string().into()
    }

    /// What else is worth knowing, such as the roles before and after; never a secret.
    async fn data(&self) -> Json {
        Json(self.0.data.clone())
    }
}

/// What concerns a workspace's security.
#[derive(Clone, Debug)]
pub struct WorkspaceSecurity(pub(super) WorkspaceId);

#[Object]
impl WorkspaceSecurity {
    /// API keys that open this workspace alone, service accounts' included, newest first. For ADMIN and OWNER;
    /// FORBIDDEN for others.
    async fn api_keys(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Option<Connection<ApiKey>>, ApiError> {
        let request = page_request(ctx, self.0, first, after, last, before)?;
        let page = ctx.service::<AccountService>()?.list_api_keys(ctx.actor()?, self.0, &request).await?;
        Ok(Some(connection(self.0, page, ApiKey)))
    }

    /// Who did what to whom, newest first. For ADMIN and OWNER; FORBIDDEN for others.
    async fn audit_entries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Option<Connection<AuditEntry>>, ApiError> {
        let request = page_request(ctx, self.0, first, after, last, before)?;
        let page = ctx.service::<AccountService>()?.list_audit(ctx.actor()?, self.0, &request).await?;
        Ok(Some(connection(self.0, page, AuditEntry)))
    }
}

#[derive(Default, Debug)]
pub struct KeyMutation;

#[Object]
impl KeyMutation {
    /// Makes an API key for the caller, or for a service account (which takes an ADMIN). It can do no more than
    /// the credential that makes it.
    async fn create_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to create.")] input: CreateApiKeyInput,
    ) -> Result<CreateApiKeyPayload, ApiError> {
        let accounts = ctx.service::<AccountService>()?;
        let actor = ctx.actor()?;
        let outcome = async {
            let expires_at = input.expires_at.map(|at| at.0);
            let key = idempotency("createApiKey", input.idempotency_key.as_ref(), &(&input, expires_at))?;
            let limit = greatest(&input.scopes)?.into();
            let new = model::NewApiKey {
                name: input.name,
                service_account: input.service_account_id,
                workspace: input.workspace_id,
                limit,
                expires_at,
            };
            accounts.create_api_key(actor, new, key).await
        };
        let (minted, user_errors) = payload(outcome.await)?;
        let (key, token) = minted.map(|minted| (minted.key, minted.token)).unzip();
        Ok(CreateApiKeyPayload {
            api_key: key.map(ApiKey),
            token: token.flatten().map(|token| token.expose_secret().to_owned()),
            user_errors,
        })
    }

    /// Ends an API key: one's own, or as an ADMIN one that opens the workspace alone. It works no more from the
    /// next request on, at other servers of the same database a moment later.
    async fn revoke_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which key.")] input: RevokeApiKeyInput,
    ) -> Result<RevokeApiKeyPayload, ApiError> {
        let accounts = ctx.service::<AccountService>()?;
        let (key, user_errors) = payload(accounts.revoke_api_key(ctx.actor()?, input.api_key_id).await)?;
        Ok(RevokeApiKeyPayload { api_key: key.map(ApiKey), user_errors })
    }
}

/// Of scopes that include each other.
fn greatest(scopes: &[ApiKeyScope]) -> Result<ApiKeyScope, Error> {
    let greatest =
        scopes.iter().max().copied().ok_or_else(|| Error::invalid("scopes", "choose one at least"))?;
    if greatest != ApiKeyScope::Documents && scopes.contains(&ApiKeyScope::Documents) {
        return Err(Error::invalid("scopes", "DOCUMENTS stands alone: make a key of its own for it"));
    }
    Ok(greatest)
}

/// An API key to be made.
#[derive(InputObject, Serialize, Debug)]
pub struct CreateApiKeyInput {
    /// What it is for, at most 200 characters.
    name: String,
    /// Whose key; the caller's own if left out.
    service_account_id: Option<ServiceAccountId>,
    /// The one workspace that it shall open; all of its bearer's if left out. A service account's key opens the
    /// account's workspace.
    workspace_id: Option<WorkspaceId>,
    /// What it shall be good for; the greatest counts, for each includes the ones before it. DOCUMENTS stands alone.
    #[graphql(default_with = "vec![ApiKeyScope::Read, ApiKeyScope::Write]")]
    scopes: Vec<ApiKeyScope>,
    /// Until when it shall work; until it is revoked if left out.
    #[serde(skip)]
    expires_at: Option<DateTime>,
    /// Makes a repeated request give the first one's answer, for 24 hours; but the token is shown once only.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

/// What came of `createApiKey`.
#[derive(SimpleObject, Debug)]
pub struct CreateApiKeyPayload {
    /// The key; null where `userErrors` says why not.
    api_key: Option<ApiKey>,
    /// The key's text, for `Authorization: Bearer …`, shown this once: only a hash is kept. Null where an earlier
    /// call with the same idempotency key showed it.
    token: Option<String>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// An API key to be ended.
#[derive(InputObject, Debug)]
pub struct RevokeApiKeyInput {
    /// The key, as `Viewer.apiKeys` or `Workspace.apiKeys` lists it.
    api_key_id: ApiKeyId,
}

/// What came of `revokeApiKey`.
#[derive(SimpleObject, Debug)]
pub struct RevokeApiKeyPayload {
    /// The key as it is now; null where `userErrors` says why not.
    api_key: Option<ApiKey>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}
