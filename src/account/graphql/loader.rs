//! The slice's batching loaders, one of each a request: they carry the request's actor, so that batching cannot
//! step over authorisation.
use crate::{
    account::{AccountService, model},
    graphql_kit::ApiError,
    shared::{
        Page, PageRequest,
        actor::Actor,
        id::{ServiceAccountId, UserId, WorkspaceId},
    },
};
use async_graphql::{
    Request,
    dataloader::{DataLoader, Loader},
};
use std::collections::HashMap;

/// Puts the loaders into a request.
pub fn request_data(request: Request, accounts: &AccountService, actor: &Actor) -> Request {
    let asker = || Asker { accounts: accounts.clone(), actor: actor.clone() };
    request
        .data(DataLoader::new(WorkspaceLoader(asker()), tokio::spawn))
        .data(DataLoader::new(UserLoader(asker()), tokio::spawn))
        .data(DataLoader::new(MembershipLoader(asker()), tokio::spawn))
        .data(DataLoader::new(ServiceAccountLoader(asker()), tokio::spawn))
}

#[derive(Debug)]
struct Asker {
    accounts: AccountService,
    actor: Actor,
}

#[derive(Debug)]
pub struct WorkspaceLoader(Asker);

impl Loader<WorkspaceId> for WorkspaceLoader {
    type Value = model::Workspace;
    type Error = ApiError;

    async fn load(&self, ids: &[WorkspaceId]) -> Result<HashMap<WorkspaceId, Self::Value>, ApiError> {
        Ok(self.0.accounts.list_workspaces(&self.0.actor, ids).await?)
    }
}

#[derive(Debug)]
pub struct UserLoader(Asker);

impl Loader<UserId> for UserLoader {
    type Value = model::User;
    type Error = ApiError;

    async fn load(&self, ids: &[UserId]) -> Result<HashMap<UserId, Self::Value>, ApiError> {
        Ok(self.0.accounts.list_users(&self.0.actor, ids).await?)
    }
}

/// A page of the memberships of each person.
#[derive(Debug)]
pub struct MembershipLoader(Asker);

impl Loader<(UserId, PageRequest)> for MembershipLoader {
    type Value = Page<model::Membership>;
    type Error = ApiError;

    async fn load(
        &self,
        keys: &[(UserId, PageRequest)],
    ) -> Result<HashMap<(UserId, PageRequest), Self::Value>, ApiError> {
        let mut people: HashMap<PageRequest, Vec<UserId>> = HashMap::new();
        for (user, request) in keys {
            people.entry(*request).or_default().push(*user);
        }
        let mut loaded = HashMap::new();
        for (request, users) in people {
            let pages = self.0.accounts.list_memberships_of(&self.0.actor, &users, &request).await?;
            loaded.extend(pages.into_iter().map(|(user, page)| ((user, request), page)));
        }
        Ok(loaded)
    }
}

#[derive(Debug)]
pub struct ServiceAccountLoader(Asker);

impl Loader<ServiceAccountId> for ServiceAccountLoader {
    type Value = model::ServiceAccount;
    type Error = ApiError;

    async fn load(
        &self,
        ids: &[ServiceAccountId],
    ) -> Result<HashMap<ServiceAccountId, Self::Value>, ApiError> {
        Ok(self.0.accounts.list_service_accounts_by_id(&self.0.actor, ids).await?)
    }
}
