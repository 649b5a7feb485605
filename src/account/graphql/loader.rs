//! The slice's batching loader, one of a request: it carries the request's actor, so that batching cannot step over
//! authorisation.
use crate::{
    account::{AccountService, model},
    graphql_kit::{ApiError, ContextExt, Loaded, Loader, OfRequest, each},
    shared::{
        Page, PageRequest,
        actor::Actor,
        id::{ApiKeyId, AuditEntryId, InvitationId, MembershipId, ServiceAccountId, UserId, WorkspaceId},
    },
};
use async_graphql::Context;
use std::collections::HashMap;

#[derive(Debug)]
pub struct AccountLoader {
    accounts: AccountService,
    actor: Actor,
}

impl OfRequest for AccountLoader {
    fn of(ctx: &Context<'_>) -> Result<Self, ApiError> {
        Ok(Self { actor: ctx.actor()?.clone(), accounts: ctx.service::<AccountService>()?.clone() })
    }
}

macro_rules! by_id {
    ($($id:ty => $value:ty, $find:ident;)*) => { $(
        impl Loader<$id> for AccountLoader {
            type Value = $value;

            async fn load(&self, ids: &[$id]) -> Loaded<HashMap<$id, Self::Value>> {
                Ok(self.accounts.$find(&self.actor, ids).await?)
            }
        }
    )* };
}

by_id! {
    WorkspaceId => model::Workspace, list_workspaces;
    UserId => model::User, list_users;
    MembershipId => model::Membership, find_memberships;
    InvitationId => model::Invitation, find_invitations;
    ServiceAccountId => model::ServiceAccount, find_service_accounts;
    ApiKeyId => model::ApiKey, find_api_keys;
    AuditEntryId => model::AuditEntry, find_audit_entries;
}

/// A page of the memberships of each person.
impl Loader<(UserId, PageRequest)> for AccountLoader {
    type Value = Loaded<Page<model::Membership>>;

    async fn load(
        &self,
        keys: &[(UserId, PageRequest)],
    ) -> Loaded<HashMap<(UserId, PageRequest), Self::Value>> {
        let mut people: HashMap<PageRequest, Vec<UserId>> = HashMap::new();
        for (user, request) in keys {
            people.entry(*request).or_default().push(*user);
        }
        let mut loaded = HashMap::new();
        for (request, users) in people {
            let pages = self.accounts.list_memberships_of(&self.actor, &users, &request).await;
            let key = |user| (user, request);
            let pages = pages.map(|pages| pages.into_iter().map(|(user, page)| (key(user), page)));
            loaded.extend(each(users.into_iter().map(key), pages));
        }
        Ok(loaded)
    }
}
