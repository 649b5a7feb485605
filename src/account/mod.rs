//! People, workspaces, memberships, keys: turns credentials into actors.
//!
//! A request comes by `http`, which asks [`AccountService::authenticate`] for the
//! [`Actor`](crate::shared::actor::Actor) behind its credential: [`token`] for API keys, [`jwt`] for other
//! issuers' tokens. Mutations come by `graphql`; `service` decides and commits, `store` speaks SQL. What changes
//! who may do what leaves an audit entry in the same transaction.
mod event;
mod graphql;
pub mod jwt;
mod model;
mod policy;
mod recent;
mod service;
mod store;
mod token;
mod usage;

pub use event::changes;
pub use graphql::{
    AccountMutation, AccountQuery, ApiKey, AuditEntry, Invitation, Membership, ServiceAccount, Viewer,
    Workspace, WorkspaceFields,
};
pub use model::{AuditAction, User};
pub use service::{AccountService, DEVELOPMENT_WORKSPACE, DevelopmentError, OperatorKey, TOKEN_FILE};
