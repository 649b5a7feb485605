//! Invitations and service accounts.
use super::{
    AccountLoader, Membership, Role, Workspace, idempotency,
    viewer_can::{InvitationViewerCan, ServiceAccountViewerCan},
};
use crate::{
    account::{AccountService, model},
    graphql_kit::{ApiError, ContextExt, DateTime, UserError, payload},
    shared::id::{InvitationId, ServiceAccountId, WorkspaceId},
};
use async_graphql::{Context, Enum, InputObject, Object, SimpleObject};
use secrecy::ExposeSecret;
use serde::Serialize;

#[derive(Clone, Debug)]
pub struct Invitation(pub(super) model::Invitation);

/// How far an invitation has come.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::InvitationStatus")]
pub enum InvitationStatus {
    /// It can be accepted.
    Pending,
    /// Somebody came in by it.
    Accepted,
    /// It was withdrawn.
    Revoked,
    /// Nobody accepted it in time.
    Expired,
}

impl Invitation {
    /// `None` for who does not administer its workspace.
    pub async fn find(ctx: &Context<'_>, id: InvitationId) -> Result<Option<Self>, ApiError> {
        Ok(ctx.load::<_, AccountLoader>(id).await?.map(Self))
    }
}

/// An offer of a role in a workspace to somebody who is not in it yet.
#[Object]
impl Invitation {
    /// Stable for ever. It opens nothing: the token does.
    pub async fn id(&self) -> InvitationId {
        self.0.id
    }

    /// Whom it was meant for.
    async fn email(&self) -> &str {
        &self.0.email
    }

    /// The role that it gives.
    async fn role(&self) -> Role {
        self.0.role.into()
    }

    /// How far it has come.
    async fn status(&self, ctx: &Context<'_>) -> Result<InvitationStatus, ApiError> {
        Ok(self.0.status(ctx.service::<AccountService>()?.now()).into())
    }

    /// What the caller may do with it: to show or to hide what leads there.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<InvitationViewerCan, ApiError> {
        Ok(InvitationViewerCan::of(ctx.actor()?, self))
    }

    /// The workspace that it leads to.
    async fn workspace(&self) -> Workspace {
        Workspace::new(self.0.workspace)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// Until when it can be accepted.
    async fn expires_at(&self) -> DateTime {
        self.0.expires_at.into()
    }
}

#[derive(Clone, Debug)]
pub struct ServiceAccount(pub(super) model::ServiceAccount);

impl ServiceAccount {
    /// `None` where the actor is no member of its workspace.
    pub async fn find(ctx: &Context<'_>, id: ServiceAccountId) -> Result<Option<Self>, ApiError> {
        Ok(ctx.load::<_, AccountLoader>(id).await?.map(Self))
    }
}

/// A program that works in one workspace under a name of its own, by API keys of its own.
#[Object]
impl ServiceAccount {
    /// Stable for ever.
    pub async fn id(&self) -> ServiceAccountId {
        self.0.id
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it may do; never OWNER.
    async fn role(&self) -> Role {
        self.0.role.into()
    }

    /// What the caller may do with it: to show or to hide what leads there.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<ServiceAccountViewerCan, ApiError> {
        Ok(ServiceAccountViewerCan::of(ctx.actor()?, self))
    }

    /// Where it works.
    async fn workspace(&self) -> Workspace {
        Workspace::new(self.0.workspace)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }
}

#[derive(Default, Debug)]
pub struct GuestMutation;

#[Object]
impl GuestMutation {
    /// Offers somebody a role in a workspace, for seven days. Takes an ADMIN; an OWNER to offer OWNER. The server
    /// sends no mail: give the token to the person yourself.
    async fn invite_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom, and to what.")] input: InviteMemberInput,
    ) -> Result<InviteMemberPayload, ApiError> {
        let accounts = ctx.service::<AccountService>()?;
        let actor = ctx.actor()?;
        let outcome = async {
            let key = idempotency("inviteMember", input.idempotency_key.as_ref(), &input)?;
            let (workspace, role) = (input.workspace_id, input.role.into());
            let new = model::NewInvitation { workspace, email: input.email, role };
            accounts.invite_member(actor, new, key).await
        };
        let (minted, user_errors) = payload(outcome.await)?;
        let (invitation, token) = minted.map(|minted| (minted.invitation, minted.token)).unzip();
        Ok(InviteMemberPayload {
            invitation: invitation.map(Invitation),
            token: token.flatten().map(|token| token.expose_secret().to_owned()),
            user_errors,
        })
    }

    /// Makes the caller a member, as an invitation offers. It works once.
    async fn accept_invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "By which token.")] input: AcceptInvitationInput,
    ) -> Result<AcceptInvitationPayload, ApiError> {
        let accounts = ctx.service::<AccountService>()?;
        let (member, user_errors) = payload(accounts.accept_invitation(ctx.actor()?, &input.token).await)?;
        Ok(AcceptInvitationPayload { membership: member.map(Membership), user_errors })
    }

    /// Withdraws an invitation that nobody has accepted. Takes an ADMIN.
    async fn revoke_invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which invitation.")] input: RevokeInvitationInput,
    ) -> Result<RevokeInvitationPayload, ApiError> {
        let accounts = ctx.service::<AccountService>()?;
        let outcome = accounts.revoke_invitation(ctx.actor()?, input.invitation_id).await;
        let (invitation, user_errors) = payload(outcome)?;
        Ok(RevokeInvitationPayload { invitation: invitation.map(Invitation), user_errors })
    }

    /// Makes an account for a program. Takes an ADMIN. Give it a key by `createApiKey`.
    async fn create_service_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to create.")] input: CreateServiceAccountInput,
    ) -> Result<CreateServiceAccountPayload, ApiError> {
        let accounts = ctx.service::<AccountService>()?;
        let actor = ctx.actor()?;
        let outcome = async {
            let key = idempotency("createServiceAccount", input.idempotency_key.as_ref(), &input)?;
            let (workspace, role) = (input.workspace_id, input.role.into());
            let new = model::NewServiceAccount { workspace, name: input.name, role };
            accounts.create_service_account(actor, new, key).await
        };
        let (account, user_errors) = payload(outcome.await)?;
        Ok(CreateServiceAccountPayload { service_account: account.map(ServiceAccount), user_errors })
    }

    /// Ends a service account and all its API keys; what it did stays. Takes an ADMIN.
    async fn delete_service_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which account.")] input: DeleteServiceAccountInput,
    ) -> Result<DeleteServiceAccountPayload, ApiError> {
        let accounts = ctx.service::<AccountService>()?;
        let outcome = accounts.delete_service_account(ctx.actor()?, input.service_account_id).await;
        let (deleted_service_account_id, user_errors) = payload(outcome)?;
        Ok(DeleteServiceAccountPayload { deleted_service_account_id, user_errors })
    }
}

/// An invitation to be made.
#[derive(InputObject, Serialize, Debug)]
pub struct InviteMemberInput {
    /// To which workspace.
    workspace_id: WorkspaceId,
    /// The person's e-mail address, to tell invitations apart. Whoever has the token can accept.
    email: String,
    /// What the person shall be able to do.
    #[graphql(default_with = "Role::Member")]
    role: Role,
    /// Makes a repeated request give the first one's answer, for 24 hours; but the token is shown once only.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

/// What came of `inviteMember`.
#[derive(SimpleObject, Debug)]
pub struct InviteMemberPayload {
    /// The invitation; null where `userErrors` says why not.
    invitation: Option<Invitation>,
    /// What opens it, shown this once: only a hash is kept. Null where an earlier call with the same idempotency
    /// key showed it.
    token: Option<String>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// An invitation to be accepted.
#[derive(InputObject, Debug)]
pub struct AcceptInvitationInput {
    /// As `inviteMember` showed it, beginning with `aifinv_`.
    token: String,
}

/// What came of `acceptInvitation`.
#[derive(SimpleObject, Debug)]
pub struct AcceptInvitationPayload {
    /// The new membership; null where `userErrors` says why not.
    membership: Option<Membership>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// An invitation to be withdrawn.
#[derive(InputObject, Debug)]
pub struct RevokeInvitationInput {
    /// The invitation, as `Workspace.invitations` lists it.
    invitation_id: InvitationId,
}

/// What came of `revokeInvitation`.
#[derive(SimpleObject, Debug)]
pub struct RevokeInvitationPayload {
    /// The invitation as it is now; null where `userErrors` says why not.
    invitation: Option<Invitation>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// A service account to be made.
#[derive(InputObject, Serialize, Debug)]
pub struct CreateServiceAccountInput {
    /// Where it shall work.
    workspace_id: WorkspaceId,
    /// What people call it, at most 200 characters.
    name: String,
    /// What it shall be able to do: VIEWER, MEMBER or ADMIN.
    #[graphql(default_with = "Role::Member")]
    role: Role,
    /// Makes a repeated request give the first one's answer, for 24 hours.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

/// What came of `createServiceAccount`.
#[derive(SimpleObject, Debug)]
pub struct CreateServiceAccountPayload {
    /// The new account; null where `userErrors` says why not.
    service_account: Option<ServiceAccount>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// A service account to be ended.
#[derive(InputObject, Debug)]
pub struct DeleteServiceAccountInput {
    /// The account, as `Workspace.serviceAccounts` lists it.
    service_account_id: ServiceAccountId,
}

/// What came of `deleteServiceAccount`.
#[derive(SimpleObject, Debug)]
pub struct DeleteServiceAccountPayload {
    /// The account that ended; null where `userErrors` says why not.
    deleted_service_account_id: Option<ServiceAccountId>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}
