use super::{
    Check, NewDocument,
    model::{
        self, Checked, DocumentId, MAX_IN_WORKSPACE, MAX_REGISTERED, Registered, Registration,
        TrustedDocument,
    },
    store,
};
use crate::{
    account::{AccountService, AuditAction},
    db::Db,
    event::{Log, Tx},
    shared::{
        Ambient, Error, Page, PageRequest, Problem, ProblemCode, Result,
        actor::{Actor, Grant, Read, RegisterDocuments, Scope},
        id::{AnyId, WorkspaceId},
        texts::{ByText, Text, cache_of_texts},
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use quick_cache::sync::Cache;
use serde_json::json;
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
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
    /// Of one document at most.
    pub document_bytes: usize,
    /// How long a document in memory counts as registered before it is looked at again.
    pub recheck: TimeDelta,
    /// Whether nothing else runs, and each document only for the workspaces that registered it.
    pub only: bool,
}

/// A document that may be run by its id.
#[derive(Clone, Debug)]
pub struct Trusted {
    pub text: Arc<str>,
    /// Those of the actor's that registered it, where it runs for no other; `None` where it runs for all.
    pub only_in: Option<Vec<WorkspaceId>>,
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
    /// What an id stands for in a workspace: looked at again after `recheck`, for another server may have retired it. What is
    /// not in here is asked for, so that every server learns of what another registered.
    found: Cache<(Uuid, DocumentId), Found, ByText>,
    recheck: TimeDelta,
    /// Retirements by this server: what was read before one is not kept after it.
    retirements: AtomicU64,
    only: bool,
}

/// A text, and when it was seen to be registered.
#[derive(Clone)]
struct Found {
    text: Arc<str>,
    at: DateTime<Utc>,
}

impl Text for Found {
    fn bytes(&self) -> u64 {
        self.text.bytes()
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
        let Parts { db, log, ambient, account, check, manifests, .. } = parts;
        let (recheck, only) = (parts.recheck, parts.only);
        let manifests = manifests
            .chunks(model::MAX_DOCUMENTS)
            .try_fold(Checked::default(), |all, some| all.joined(model::check(some.to_vec(), &*check)?))?;
        let everybody = model::for_everybody(manifests);
        let found = cache_of_texts(parts.cache_bytes, parts.document_bytes);
        let retirements = AtomicU64::new(0);
        Ok(Self(Arc::new(Shared {
            db,
            log,
            ambient,
            account,
            check,
            everybody,
            found,
            recheck,
            retirements,
            only,
        })))
    }

    /// Registers all documents, or none and tells all that is wrong. One that the workspace has already, with the same
    /// text, is passed over; with another text it is refused, for what runs under an id never changes.
    pub async fn register(&self, actor: &Actor, new: Registration) -> Result<Registered> {
        let grant = named(actor, new.workspace)?;
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
        // Counted with the new ones in it; two registrations at once may pass a bound together by what one holds.
        if registered > 0 {
            within_bounds(store::count(&tx, &grant, &application).await?)?;
        }
        if registered == 0 || new.validate_only {
            return Ok(outcome);
        }
        let data = json!({ "application": application, "registered": registered });
        self.audit(&mut tx, &grant, AuditAction::DocumentsRegistered, data).await?;
        tx.commit().await?;
        Ok(outcome)
    }

    /// From then on they do not run any more: here at once, on other servers once they look again. What is not there is
    /// passed over; gives how many there were. What runs already goes on.
    pub async fn retire(&self, actor: &Actor, workspace: Option<WorkspaceId>, ids: &[String]) -> Result<u64> {
        let grant = named(actor, workspace)?;
        let ids = model::to_retire(ids)?;
        let shared = &*self.0;
        let mut tx = shared.log.begin().await?;
        let retired = store::delete(&tx, &grant, &ids).await?;
        if retired > 0 {
            let data = json!({ "retired": retired });
            self.audit(&mut tx, &grant, AuditAction::DocumentsRetired, data).await?;
            tx.commit().await?;
        }
        // Another server may have retired them, and this one not have looked again.
        shared.retirements.fetch_add(1, SeqCst);
        for id in ids {
            shared.found.remove(&(grant.workspace().uuid(), id));
        }
        Ok(retired)
    }

    /// What the workspace has, newest first; of one application where it is named.
    pub async fn list(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        application: Option<&str>,
        request: &PageRequest,
    ) -> Result<Page<TrustedDocument>> {
        let grant = actor.may::<RegisterDocuments>(workspace)?;
        store::list(&self.0.db, &grant, application, request).await
    }

    async fn audit(
        &self,
        tx: &mut Tx,
        grant: &Grant<RegisterDocuments>,
        action: AuditAction,
        data: serde_json::Value,
    ) -> Result<()> {
        let (by, workspace) = (Some(grant.principal()), grant.workspace());
        let subject = AnyId::Workspace(workspace);
        self.0.account.audit(tx, by, Some(workspace), action, subject, data).await
    }

    /// Away from the threads that serve.
    async fn check(&self, documents: Vec<NewDocument>) -> Result<Checked> {
        let check = Arc::clone(&self.0.check);
        let checked = tokio::task::spawn_blocking(move || model::check(documents, &*check)).await;
        checked.map_err(Error::internal)?
    }

    /// A document by the id that a request brings: one that everybody may run, or one of a workspace where the actor may
    /// read. `None` for an id of anybody else's, too. Where all the actor's workspaces have it, it costs no SQL from the
    /// second time on, for a while; where one has not, it may have it by now.
    ///
    /// An id that two of the actor's workspaces use for different texts is refused: else whoever is in a workspace with
    /// the actor could choose what the actor's other applications run.
    pub async fn find(&self, actor: Option<&Actor>, id: &str) -> Result<Option<Trusted>> {
        let shared = &*self.0;
        let Some(id) = DocumentId::parse(id) else { return Ok(None) };
        if let Some(text) = shared.everybody.get(&id) {
            return Ok(Some(Trusted { text: Arc::clone(text), only_in: None }));
        }
        let Some(actor) = actor else { return Ok(None) };
        let scope = actor.scope::<Read>();
        let mut found = self.known(scope.allowed(), &id);
        // A hash names the same text in all others.
        let enough = id.is_hash() && !shared.only && !found.is_empty();
        if !enough && found.len() < scope.allowed().count() {
            found = self.registered(&scope, &id).await?;
        }
        let Some((_, text)) = found.first().cloned() else { return Ok(None) };
        if found.iter().any(|(_, other)| *other != text) {
            return Err(ambiguous());
        }
        let workspaces =
            || found.into_iter().map(|(workspace, _)| WorkspaceId::from_uuid(workspace)).collect();
        Ok(Some(Trusted { text, only_in: shared.only.then(workspaces) }))
    }

    /// What is in memory and need not be looked at again.
    fn known(&self, workspaces: impl Iterator<Item = Uuid>, id: &DocumentId) -> Vec<(Uuid, Arc<str>)> {
        let since = self.0.ambient.now() - self.0.recheck;
        let known = |workspace| {
            let found = self.0.found.get(&(workspace, id.clone())).filter(|found| found.at > since)?;
            Some((workspace, found.text))
        };
        workspaces.filter_map(known).collect()
    }

    /// What is in the database. A text that many workspaces have is read once.
    async fn registered(&self, scope: &Scope<Read>, id: &DocumentId) -> Result<Vec<(Uuid, Arc<str>)>> {
        let shared = &*self.0;
        let (retirements, at) = (shared.retirements.load(SeqCst), shared.ambient.now());
        let workspaces = store::list_workspaces(&shared.db, scope, id).await?;
        let known = self.known(workspaces.iter().copied(), id);
        if known.len() == workspaces.len() {
            return Ok(known);
        }
        match <[String; 1]>::try_from(store::find_texts(&shared.db, scope, id).await?) {
            Ok([text]) => {
                let text: Arc<str> = text.into();
                let found: Vec<_> = workspaces.into_iter().map(|it| (it, Arc::clone(&text))).collect();
                for (workspace, text) in &found {
                    shared.found.insert((*workspace, id.clone()), Found { text: Arc::clone(text), at });
                }
                if shared.retirements.load(SeqCst) != retirements {
                    for (workspace, _) in &found {
                        shared.found.remove(&(*workspace, id.clone()));
                    }
                }
                Ok(found)
            }
            Err(none) if none.is_empty() => Ok(vec![]),
            Err(_) => Err(ambiguous()),
        }
    }

    /// Whether the actor may read the schema where only trusted documents run: who registers them needs it, wherever they
    /// do, for the schema is the same for all.
    pub fn may_introspect(&self, actor: &Actor) -> bool {
        actor.scope::<RegisterDocuments>().allowed().next().is_some()
    }
}

/// The workspace that the request names, or the only one that the credential opens.
fn named(actor: &Actor, workspace: Option<WorkspaceId>) -> Result<Grant<RegisterDocuments>> {
    let Some(workspace) = workspace.or(actor.confined_to()) else {
        let message = "name the workspace: only a key for one workspace alone may leave it out";
        return Err(Error::invalid("workspaceId", message));
    };
    actor.may::<RegisterDocuments>(workspace)
}

fn ambiguous() -> Error {
    Error::BadInput(
        "two of your workspaces have different documents under this id: use a key for one workspace alone, or ids that \
         are hashes of their texts"
            .into(),
    )
}

fn within_bounds((of_application, of_workspace): (u64, u64)) -> Result<()> {
    let message = if of_application > MAX_REGISTERED {
        format!("an application has at most {MAX_REGISTERED} documents")
    } else if of_workspace > MAX_IN_WORKSPACE {
        format!("a workspace has at most {MAX_IN_WORKSPACE} documents, whatever their applications")
    } else {
        return Ok(());
    };
    Err(Error::Refused(vec![Problem::new(ProblemCode::LimitReached, "documents", message)]))
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
