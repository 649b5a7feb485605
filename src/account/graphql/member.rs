//! Who belongs to a workspace.
use super::{
    AccountLoader, Invitation, Role, ServiceAccount, Viewer, Workspace, viewer_can::MembershipViewerCan,
};
use crate::{
    account::{AccountService, model},
    graphql_kit::{
        ApiError, Connection, ContextExt, DateTime, Shown, UserError, connection, edited, page_request,
        payload,
    },
    shared::id::{MembershipId, WorkspaceId},
};
use async_graphql::{Context, InputObject, Object, SimpleObject};

#[derive(Clone, Debug)]
pub struct Membership(pub(super) model::Membership);

impl Membership {
    /// `None` where the actor is no member of its workspace.
    pub async fn find(ctx: &Context<'_>, id: MembershipId) -> Result<Option<Self>, ApiError> {
        Ok(ctx.load::<_, AccountLoader>(id).await?.map(Self))
    }
}

/// A person's place in a workspace.
#[Object]
impl Membership {
    /// Stable for ever; ends with the membership.
    pub async fn id(&self) -> MembershipId {
        self.0.id
    }

    /// What the person may do there.
    async fn role(&self) -> Role {
        self.0.role.into()
    }

    /// From 1, one more with each change of the role: name it as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// What the caller may do with it: to show or to hide what leads there.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<MembershipViewerCan, ApiError> {
        Ok(MembershipViewerCan::of(ctx.actor()?, self))
    }

    /// The workspace.
    async fn workspace(&self) -> Workspace {
        Workspace::new(self.0.workspace)
    }

    /// The person.
    async fn user(&self) -> Viewer {
        Viewer { id: self.0.user }
    }

    /// When the person joined.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }
}

/// The people of a workspace, and those on their way in.
#[derive(Clone, Debug)]
pub struct WorkspacePeople(pub(super) WorkspaceId);

#[Object]
impl WorkspacePeople {
    /// Everybody who belongs to the workspace, in the order in which they joined.
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Membership>, ApiError> {
        let request = page_request(ctx, self.0, first, after, last, before)?;
        let page = ctx.service::<AccountService>()?.list_members(ctx.actor()?, self.0, &request).await?;
        Ok(connection(self.0, page, Membership))
    }

    /// Invitations, newest first, closed ones included. For ADMIN and OWNER; FORBIDDEN for others.
    async fn invitations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Option<Connection<Invitation>>, ApiError> {
        let request = page_request(ctx, self.0, first, after, last, before)?;
        let accounts = ctx.service::<AccountService>()?;
        let page = accounts.list_invitations(ctx.actor()?, self.0, &request).await?;
        Ok(Some(connection(self.0, page, Invitation)))
    }

    /// The programs that work here under a name of their own, in the order in which they were made.
    async fn service_accounts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ServiceAccount>, ApiError> {
        let request = page_request(ctx, self.0, first, after, last, before)?;
        let accounts = ctx.service::<AccountService>()?;
        let page = accounts.list_service_accounts(ctx.actor()?, self.0, &request).await?;
        Ok(connection(self.0, page, ServiceAccount))
    }
}

#[derive(Default, Debug)]
pub struct MemberMutation;

#[Object]
impl MemberMutation {
    /// Gives a member another role. Takes an ADMIN; to make or unmake an OWNER takes an OWNER. The only owner
    /// stays one.
    async fn change_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose role, and which.")] input: ChangeRoleInput,
    ) -> Result<ChangeRolePayload, ApiError> {
        let accounts = ctx.service::<AccountService>()?;
        let ChangeRoleInput { membership_id, expected_version, role } = input;
        let outcome = accounts.change_role(ctx.actor()?, membership_id, expected_version, role.into()).await;
        let Shown { result, current, user_errors } = edited(outcome)?;
        let (membership, current) = (result.map(Membership), current.map(Membership));
        Ok(ChangeRolePayload { membership, current, user_errors })
    }

    /// Ends a membership: one's own, or as an ADMIN somebody else's; an OWNER's takes an OWNER. The only owner
    /// cannot go. The person's API keys for this workspace end with it.
    async fn remove_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which membership.")] input: RemoveMemberInput,
    ) -> Result<RemoveMemberPayload, ApiError> {
        let accounts = ctx.service::<AccountService>()?;
        let (member, user_errors) = payload(accounts.remove_member(ctx.actor()?, input.membership_id).await)?;
        Ok(RemoveMemberPayload { removed_membership_id: member.map(|member| member.id), user_errors })
    }
}

/// Another role for a member.
#[derive(InputObject, Debug)]
pub struct ChangeRoleInput {
    /// The membership, as `Workspace.members` lists it.
    membership_id: MembershipId,
    /// The `version` that the change was made from: it is refused with CONFLICT where that is not the version any more.
    /// Whatever the version, if left out.
    expected_version: Option<i32>,
    /// The role from now on.
    role: Role,
}

/// What came of `changeRole`.
#[derive(SimpleObject, Debug)]
pub struct ChangeRolePayload {
    /// The membership as it is now; null where `userErrors` says why not.
    membership: Option<Membership>,
    /// Only with CONFLICT on `expectedVersion`, when nothing was changed: the membership as it is, with its version, to
    /// show beside the change that was not made.
    current: Option<Membership>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// The end of a membership.
#[derive(InputObject, Debug)]
pub struct RemoveMemberInput {
    /// The membership, as `Workspace.members` lists it.
    membership_id: MembershipId,
}

/// What came of `removeMember`.
#[derive(SimpleObject, Debug)]
pub struct RemoveMemberPayload {
    /// The membership that ended; null where `userErrors` says why not.
    removed_membership_id: Option<MembershipId>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}
