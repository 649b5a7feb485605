use super::{
    Check, NewDocument,
    model::{self, Checked, DocumentId, MAX_REGISTERED, Registered, Registration},
    store,
};
use crate::{
    account::{AccountService, AuditAction},
    db::Db,
    event::Log,
    shared::{
        Ambient, Error, Problem, ProblemCode, Result,
        actor::{Actor, Read, RegisterDocuments},
        id::AnyId,
    },
};
use quick_cache::{Weighter, sync::Cache};
use serde_json::json;
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
};
use uuid::Uuid;

/// Of which the service is made.
#[derive(Debug)]
pub struct Parts {
    pub db: Db,
    pub log: Log,
    pub ambient: Ambient,
    pub account: AccountService,
    pub check: Arc<dyn Check>,
    /// What everybody may run.
    pub manifests: Vec<NewDocument>,
    /// Text of registered documents in memory.
    pub cache_bytes: u64,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct TrustedService(Arc<Shared>);

struct Shared {
    db: Db,
    log: Log,
    ambient: Ambient,
    account: AccountService,
    check: Arc<dyn Check>,
    everybody: BTreeMap<DocumentId, Arc<str>>,
    /// What an id stands for to who may read in exactly these workspaces. A document never changes, so what is in here
    /// stays true; what is not is asked for, so that every server learns of what another registered.
    found: Cache<(Vec<Uuid>, DocumentId), Arc<str>, ByText>,
}

#[derive(Clone)]
struct ByText;

impl Weighter<(Vec<Uuid>, DocumentId), Arc<str>> for ByText {
    fn weight(&self, (workspaces, id): &(Vec<Uuid>, DocumentId), text: &Arc<str>) -> u64 {
        (size_of::<Uuid>() * workspaces.len() + id.as_str().len() + text.len()) as u64
    }
}

impl fmt::Debug for TrustedService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TrustedService")
    }
}

impl TrustedService {
    /// Refused where a manifest holds what may not run.
    pub fn new(parts: Parts) -> Result<Self> {
        let Parts { db, log, ambient, account, check, manifests, cache_bytes } = parts;
        let manifests = manifests
            .chunks(model::MAX_DOCUMENTS)
            .try_fold(Checked::default(), |all, some| all.joined(model::check(some.to_vec(), &*check)?))?;
        let everybody = model::for_everybody(manifests);
        let found = Cache::with_weighter(1_000, cache_bytes, ByText);
        Ok(Self(Arc::new(Shared { db, log, ambient, account, check, everybody, found })))
    }

    /// Registers all documents, or none and tells all that is wrong. One that the workspace has already, with the same
    /// text, is passed over; with another text it is refused, for what runs under an id never changes.
    pub async fn register(&self, actor: &Actor, new: Registration) -> Result<Registered> {
        let Some(workspace) = new.workspace.or(actor.confined_to()) else {
            let message = "name the workspace: only a key for one workspace alone may leave it out";
            return Err(Error::invalid("workspaceId", message));
        };
        let grant = actor.may::<RegisterDocuments>(workspace)?;
        let application = model::application(&new.application)?;
        let documents = self.check(new.documents).await?;
        let shared = &*self.0;
        let mut tx = shared.log.begin().await?;
        let texts = documents.0.iter().map(|(id, (_, text))| (id, text));
        let registered = store::insert(&tx, &grant, &application, texts, &shared.ambient).await?;
        let stored = store::list_texts(&tx, &grant, documents.0.keys()).await?;
        same(&documents, &stored)?;
        let unchanged = (documents.0.len() as u64).saturating_sub(registered);
        let outcome = Registered { registered, unchanged };
        // Counted with the new ones in it; two registrations at once may pass the bound together by what one holds.
        if registered > 0 && store::count(&tx, &grant, &application).await? > MAX_REGISTERED {
            let message = format!("an application has at most {MAX_REGISTERED} documents");
            return Err(Error::Refused(vec![Problem::new(ProblemCode::LimitReached, "documents", message)]));
        }
        if registered == 0 || new.validate_only {
            return Ok(outcome);
        }
        let data = json!({ "application": application, "registered": registered });
        let (by, subject) = (Some(actor.principal()), AnyId::Workspace(workspace));
        let action = AuditAction::DocumentsRegistered;
        shared.account.audit(&mut tx, by, Some(workspace), action, subject, data).await?;
        tx.commit().await?;
        Ok(outcome)
    }

    /// Away from the threads that serve.
    async fn check(&self, documents: Vec<NewDocument>) -> Result<Checked> {
        let check = Arc::clone(&self.0.check);
        let checked = tokio::task::spawn_blocking(move || model::check(documents, &*check)).await;
        checked.map_err(Error::internal)?
    }

    /// The text of a document by the id that a request brings: one that everybody may run, or one of a workspace where the
    /// actor may read. `None` for an id of anybody else's, too. Asked for a second time it costs no SQL.
    ///
    /// An id that two of the actor's workspaces use for different texts is refused: else whoever is in a workspace with
    /// the actor could choose what the actor's other applications run.
    pub async fn find_text(&self, actor: Option<&Actor>, id: &str) -> Result<Option<Arc<str>>> {
        let shared = &*self.0;
        let Some(id) = DocumentId::parse(id) else { return Ok(None) };
        if let Some(text) = shared.everybody.get(&id) {
            return Ok(Some(Arc::clone(text)));
        }
        let Some(actor) = actor else { return Ok(None) };
        let scope = actor.scope::<Read>();
        let key = (scope.allowed().collect::<Vec<_>>(), id);
        if key.0.is_empty() {
            return Ok(None);
        }
        if let Some(text) = shared.found.get(&key) {
            return Ok(Some(text));
        }
        let texts = store::find_texts(&shared.db, &scope, &key.1).await?;
        match <[String; 1]>::try_from(texts) {
            Ok([text]) => {
                let text: Arc<str> = text.into();
                shared.found.insert(key, Arc::clone(&text));
                Ok(Some(text))
            }
            Err(none) if none.is_empty() => Ok(None),
            Err(_) => Err(Error::BadInput(
                "two of your workspaces have different documents under this id: use a key for one workspace alone, or \
                 ids that are hashes of their texts"
                    .into(),
            )),
        }
    }

    /// Whether the actor may read the schema where only trusted documents run: who registers them needs it.
    pub fn may_introspect(&self, actor: &Actor) -> bool {
        actor.scope::<RegisterDocuments>().allowed().next().is_some()
    }
}

/// Whether each id has the text that was given.
fn same(documents: &Checked, stored: &HashMap<String, String>) -> Result<()> {
    let other =
        documents.0.iter().filter(|(id, (_, text))| stored.get(id.as_str()).map(|it| &**it) != Some(text));
    let problems: Vec<_> = other
        .map(|(id, (place, _))| {
            let message = format!(
                "{id}: the workspace has another text under this id, and a document never changes: give the new text an \
                 id of its own, best its hash"
            );
            Problem::new(ProblemCode::Conflict, format!("documents.{place}.id"), message)
        })
        .take(model::PROBLEMS_TOLD)
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(Error::Refused(problems)) }
}
