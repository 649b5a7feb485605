//! Which text a request stands for: its own, one that was registered, or one that a client registered in passing (Apollo's
//! automatic persisted queries); and whether it may run where only trusted documents do.
use super::{
    answer::{Answer, refuse},
    call::Call,
    door::{refused_by, unauthenticated},
    log::Operation,
};
use crate::{
    config::{DocumentMode, DocumentsConfig},
    graphql::pipeline::{Asks, Prepared},
    graphql_kit::ErrorCode,
    services::Services,
    shared::{
        Error,
        actor::Actor,
        id::WorkspaceId,
        text::sha256_hex,
        texts::{ByText, cache_of_texts},
    },
};
use axum::http::StatusCode;
use quick_cache::sync::Cache;
use std::sync::Arc;

type Refusal = Box<Answer>;

pub(super) struct Documents {
    mode: DocumentMode,
    /// Texts by their SHA-256; `None` where nothing is registered in passing. One for all tenants, for none can put another
    /// text under a hash, and whoever knows the hash of a text has the text.
    automatic: Option<Cache<String, Arc<str>, ByText>>,
}

/// A text to run, if it passes the pipeline.
#[derive(Debug)]
pub(super) struct Found {
    pub text: Arc<str>,
    trusted: bool,
    /// The actor's workspaces for which it is trusted, where it is not for all.
    only_in: Option<Vec<WorkspaceId>>,
    /// Under which it is to be kept, once it has passed.
    keep: Option<String>,
}

impl Found {
    /// Who runs it: nobody brings what a workspace registered to another one that did not.
    pub(super) fn run_by(&self, actor: Actor) -> Actor {
        match &self.only_in {
            Some(workspaces) => actor.narrowed(workspaces),
            None => actor,
        }
    }
}

/// By what a request names its document.
enum Name {
    /// `documentId`, by the draft of GraphQL over HTTP.
    Id(String),
    /// `extensions.persistedQuery`, by Apollo. Its hash may be of a text that is registered in passing.
    Hash(String),
}

impl Documents {
    /// Of documents of so many bytes each at most.
    pub(super) fn new(config: &DocumentsConfig, document_bytes: usize) -> Self {
        let cache = |bytes| cache_of_texts(bytes, document_bytes);
        let automatic = (config.automatic_bytes > 0).then(|| cache(config.automatic_bytes));
        Self { mode: config.mode, automatic }
    }

    /// Before the text is looked at: where only trusted documents run, no other reaches the parser, but for those who may
    /// read the schema.
    pub(super) async fn find(
        &self,
        call: &mut Call,
        services: &Services,
        actor: Option<&Actor>,
    ) -> Result<Found, Refusal> {
        let name = name(call)?;
        let text = call.query.take();
        let Some(name) = name else {
            let text =
                text.ok_or_else(|| bad("the parameter `query` is missing: send the document as a string"))?;
            return self.untrusted(text.into(), None, services, actor);
        };
        // Clients whose protocol demands a `query` send an empty one beside the id.
        let text = text.filter(|text| !text.is_empty());
        if let Some(kept) = self.kept(&name)
            && text.as_ref().is_none_or(|text| **text == *kept)
        {
            return self.untrusted(kept, None, services, actor);
        }
        let (Name::Id(id) | Name::Hash(id)) = &name;
        if let Some(registered) =
            services.trusted.find(actor, id).await.map_err(|error| Box::new(refused_by(error)))?
        {
            if text.is_some_and(|text| *text != *registered.text) {
                return Err(bad(
                    "`query` is not the text that is registered under this id: send the id alone",
                ));
            }
            let only_in = registered.only_in;
            return Ok(Found { text: registered.text, trusted: true, only_in, keep: None });
        }
        match (name, text) {
            (Name::Id(_), _) if actor.is_none() => Err(anonymous()),
            (Name::Id(_), _) => Err(not_found(
                "no document is registered under this id in your workspaces: register it by `aifirst documents push`",
            )),
            (Name::Hash(hash), text) => self.automatic(hash, text, services, actor),
        }
    }

    /// A text that was registered in passing, where it makes no difference whether it is trusted, too.
    fn kept(&self, name: &Name) -> Option<Arc<str>> {
        match (self.mode, name, &self.automatic) {
            (DocumentMode::Off, Name::Hash(hash), Some(cache)) => cache.get(hash),
            _ => None,
        }
    }

    /// Apollo's protocol, whose clients go by the messages as well as by the codes.
    fn automatic(
        &self,
        hash: String,
        text: Option<String>,
        services: &Services,
        actor: Option<&Actor>,
    ) -> Result<Found, Refusal> {
        let only = self.mode == DocumentMode::Only;
        let Some(text) = text else {
            // Told that this is not supported, a client would stop to send the hashes of registered documents.
            if only {
                return Err(not_found(NOT_FOUND));
            }
            let cache = self.automatic.as_ref().ok_or_else(not_supported)?;
            let text = cache.get(&hash).ok_or_else(|| not_found(NOT_FOUND))?;
            return self.untrusted(text, None, services, actor);
        };
        if only || self.automatic.is_none() {
            return Err(not_supported());
        }
        if hash != sha256_hex(&text) {
            return Err(bad(
                "`extensions.persistedQuery.sha256Hash` is not the SHA-256 of `query`, in lower-case hex",
            ));
        }
        self.untrusted(text.into(), Some(hash), services, actor)
    }

    fn untrusted(
        &self,
        text: Arc<str>,
        keep: Option<String>,
        services: &Services,
        actor: Option<&Actor>,
    ) -> Result<Found, Refusal> {
        if self.mode == DocumentMode::Only {
            let actor = actor.ok_or_else(anonymous)?;
            if !services.trusted.may_introspect(actor) {
                return Err(untrusted());
            }
        }
        Ok(Found { text, trusted: false, only_in: None, keep })
    }

    /// After the text has passed the pipeline.
    pub(super) fn check(
        &self,
        found: &Found,
        prepared: &Prepared,
        log: &mut Operation,
    ) -> Result<(), Refusal> {
        match self.mode {
            _ if found.trusted => {}
            DocumentMode::Off => {}
            DocumentMode::Log => log.untrusted(sha256_hex(&found.text)),
            DocumentMode::Only if prepared.asks <= Asks::Schema => {}
            DocumentMode::Only => return Err(untrusted()),
        }
        Ok(())
    }

    /// What may run and has a hash may be asked for by it from now on.
    pub(super) fn keep(&self, found: &mut Found) {
        if let (Some(hash), Some(cache)) = (found.keep.take(), &self.automatic) {
            cache.insert(hash, Arc::clone(&found.text));
        }
    }
}

/// A key of a frontend's build is good for nothing else.
pub(super) fn within_limit(actor: &Actor, prepared: &Prepared) -> Result<(), Error> {
    if actor.only_registers() && prepared.asks > Asks::Registration {
        return Err(Error::Forbidden(
            "this API key is limited: it registers, lists and retires trusted documents and reads the schema, nothing else",
        ));
    }
    Ok(())
}

fn name(call: &mut Call) -> Result<Option<Name>, Refusal> {
    if let Some(id) = call.document_id.take() {
        return Ok(Some(Name::Id(id)));
    }
    let Some(persisted) = call.extensions.as_ref().and_then(|extensions| extensions.get("persistedQuery"))
    else {
        return Ok(None);
    };
    let version = persisted.get("version").and_then(|version| version.as_i64());
    match persisted.get("sha256Hash").and_then(|hash| hash.as_str()) {
        Some(hash) if version == Some(1) => Ok(Some(Name::Hash(hash.to_owned()))),
        _ => Err(bad("`extensions.persistedQuery` has to be {\"version\": 1, \"sha256Hash\": \"…\"}")),
    }
}

/// Older clients know the errors by these words alone.
const NOT_FOUND: &str = "PersistedQueryNotFound";
const NOT_SUPPORTED: &str = "PersistedQueryNotSupported";

fn not_found(message: &str) -> Refusal {
    Box::new(Answer::unknown_document(ErrorCode::PersistedQueryNotFound, message))
}

fn not_supported() -> Refusal {
    Box::new(Answer::unknown_document(ErrorCode::PersistedQueryNotSupported, NOT_SUPPORTED))
}

fn untrusted() -> Refusal {
    metrics::counter!("aifirst_untrusted_documents_total", "outcome" => "refused").increment(1);
    Box::new(refuse(
        StatusCode::FORBIDDEN,
        ErrorCode::Forbidden,
        "only registered documents run here: register this one by `aifirst documents push` and send its `documentId`",
    ))
}

fn bad(message: &str) -> Refusal {
    Box::new(refuse(StatusCode::BAD_REQUEST, ErrorCode::BadRequest, message))
}

fn anonymous() -> Refusal {
    Box::new(unauthenticated())
}
