//! Trusted documents: what the client applications of a workspace registered, so that their requests name a document by
//! its id instead of sending it, and so that a server can refuse whatever nobody registered.
//!
//! A frontend's build registers them by `registerTrustedDocuments` (`aifirst documents push`): [`graphql`] translates,
//! [`service`] decides, holds each document against the pipeline ([`Check`]) and commits. A request asks
//! [`TrustedService::find`] by the id that it brings. What everybody may run comes with the server: [`OWN`], and the
//! manifests of the configuration.
mod graphql;
mod manifest;
mod model;
mod port;
mod service;
mod store;

pub use graphql::{TrustedMutation, WorkspaceDocuments};
pub use manifest::parse as parse_manifest;
pub use model::{MAX_DOCUMENTS, NewDocument};
pub use port::{Check, Fault};
pub use service::{Parts, Trusted, TrustedService};

/// What `aifirst documents` sends, by id and text: trusted by every server, for one that runs trusted documents only has to
/// learn new ones.
pub const OWN: [(&str, &str); 3] = [REGISTER, RETIRE, LIST];

pub const REGISTER: (&str, &str) = (
    "x-aifirst:registerTrustedDocuments",
    "mutation RegisterTrustedDocuments($input: RegisterTrustedDocumentsInput!) {
  registerTrustedDocuments(input: $input) {
    registered
    unchanged
    userErrors {
      code
      field
      message
    }
  }
}",
);

pub const RETIRE: (&str, &str) = (
    "x-aifirst:retireTrustedDocuments",
    "mutation RetireTrustedDocuments($input: RetireTrustedDocumentsInput!) {
  retireTrustedDocuments(input: $input) {
    retired
    userErrors {
      code
      field
      message
    }
  }
}",
);

pub const LIST: (&str, &str) = (
    "x-aifirst:trustedDocuments",
    "query TrustedDocuments($workspaceId: ID!, $filter: TrustedDocumentFilter, $after: String) {
  workspace(id: $workspaceId) {
    trustedDocuments(first: 100, after: $after, filter: $filter) {
      nodes {
        documentId
        application
        registeredAt
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
}",
);
