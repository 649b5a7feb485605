//! People, workspaces, memberships, keys: turns credentials into actors.
//!
//! A request comes by `http`, which asks [`AccountService::authenticate`] for the [`Actor`](crate::shared::actor::Actor)
//! behind its credential; mutations come by `graphql`; `service` decides and commits, `store` speaks SQL.
mod graphql;
mod model;
mod service;
mod store;

pub use graphql::{AccountMutation, AccountQuery, Viewer, Workspace, WorkspaceFields, request_data};
pub use model::{Membership, User};
pub use service::AccountService;
