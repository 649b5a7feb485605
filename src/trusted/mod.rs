//! Trusted documents: what the client applications of a workspace registered, so that their requests name a document by
//! its id instead of sending it, and so that a server can refuse whatever nobody registered.
//!
//! A frontend's build registers them by `registerTrustedDocuments` (`aifirst documents push`): [`graphql`] translates,
//! [`service`] decides, holds each document against the pipeline ([`Check`]) and commits. A request asks
//! [`TrustedService::find_text`] by the id that it brings. What everybody may run comes with the server: [`REGISTER`],
//! and the manifests of the configuration.
mod graphql;
mod manifest;
mod model;
mod port;
mod service;
mod store;

pub use graphql::TrustedMutation;
pub use manifest::parse as parse_manifest;
pub use model::{MAX_DOCUMENTS, NewDocument};
pub use port::{Check, Fault};
pub use service::{Parts, TrustedService};

/// How `aifirst documents push` registers documents, by id and text: trusted by every server, for one that runs
/// trusted documents only has to learn new ones.
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
