//! `changes` is complete, and tells nobody too much: whatever a mutation or a worker alters of what somebody sees is
//! told to them, and to nobody else. What is seen is asked for by the schema itself, every field of every type with
//! ids: what is new in it is in here by itself, and a mutation without a case fails by its name.
use super::{CURSOR, all};
use crate::{
    on_both,
    support::{Person, TestApp, text},
};
use aifirst::{
    gateway::{ModelCall, Provider, ProviderStream},
    shared::{Ambient, Clock, Random},
};
use apollo_compiler::{Schema, ast::Type, schema::ObjectType};
use chrono::TimeDelta;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

/// What lies in a workspace, by the prefixes of the ids.
const TYPES: &[(&str, &str)] = &[
    ("act", "ActionItem"),
    ("apr", "Approval"),
    ("aud", "AuditEntry"),
    ("bdg", "Budget"),
    ("cs", "CoachingSession"),
    ("doc", "Document"),
    ("goal", "Goal"),
    ("inv", "Invitation"),
    ("key", "ApiKey"),
    ("mbr", "Membership"),
    ("mem", "Memory"),
    ("msg", "Message"),
    ("rcpt", "ErasureReceipt"),
    ("rt", "Route"),
    ("run", "Run"),
    ("step", "StepRun"),
    ("svc", "ServiceAccount"),
    ("turn", "Turn"),
    ("wf", "Workflow"),
    ("wfv", "WorkflowVersion"),
    ("ws", "Workspace"),
];
/// As the docs of `changes` say; a cursor is of the moment.
const NOT_TOLD: &[&str] = &[
    "cursor",
    "entities",
    "lastUsedAt",
    "memoryEmbedding",
    "memoryExport",
    "providers",
    "reserved",
    "spent",
];
/// A person lies in no workspace; calls of models are a log of their own.
const ELSEWHERE: &[&str] = &["Viewer", "LlmCall"];
/// They change with the thing that lists them, which is looked at with the ids of its list.
const WITH_ANOTHER: &[&str] = &["DocumentChunk"];
/// It begins a log: there is no place in it before.
const NO_CASE: &[&str] = &["createWorkspace"];
const LIVE: &str = "subscription($ws: ID!, $after: Cursor) { changes(workspaceId: $ws, after: $after) {
    node { ... on Run { run: status } ... on Turn { turn: status } } } }";
const END: &[&str] = &["COMPLETED", "FAILED", "CANCELLED"];

struct Schemas {
    schema: Schema,
}

impl Schemas {
    fn new() -> Self {
        let sdl = include_str!("../../../schema.graphql");
        Self { schema: Schema::parse(sdl, "schema.graphql").unwrap() }
    }

    fn object(&self, name: &str) -> Option<&ObjectType> {
        self.schema.types.get(name)?.as_object()
    }

    fn is_node(&self, name: &str) -> bool {
        self.object(name).is_some_and(|object| object.implements_interfaces.iter().any(|it| it == "Node"))
    }

    /// Every field that can be asked for without knowing anything; of other things with ids, their ids.
    fn fields(&self, of: &str) -> String {
        let fields = self.object(of).unwrap().fields.iter();
        let needs = |ty: &Type, default: bool| ty.is_non_null() && !default;
        fields
            .filter(|(name, _)| !NOT_TOLD.contains(&name.as_str()))
            .filter(|(_, field)| !field.arguments.iter().any(|it| needs(&it.ty, it.default_value.is_some())))
            .filter_map(|(name, field)| {
                let ty = field.ty.inner_named_type().as_str();
                match self.object(ty) {
                    None => Some(name.to_string()),
                    // A list of the workspace changes with what is in it: that is told instead.
                    Some(_) if ty.ends_with("Connection") && of == "Workspace" => None,
                    Some(it) if ty.ends_with("Connection") => {
                        let node = it.fields["nodes"].ty.inner_named_type().as_str();
                        Some(format!("{name}(first: 50) {{ nodes {{ {} }} }}", self.inner(node)))
                    }
                    Some(_) => Some(format!("{name} {{ {} }}", self.inner(ty))),
                }
            })
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn inner(&self, ty: &str) -> String {
        if self.is_node(ty) { "id".to_owned() } else { self.fields(ty) }
    }

    /// The ids in every list of a workspace that is one of things with ids.
    fn lists(&self) -> String {
        let fields = self.object("Workspace").unwrap().fields.iter();
        let lists = fields.filter(|(_, field)| {
            let page = self.object(field.ty.inner_named_type());
            let node = page
                .and_then(|page| page.fields.get("nodes"))
                .map(|nodes| nodes.ty.inner_named_type().as_str());
            node.is_some_and(|node| self.is_node(node) && !ELSEWHERE.contains(&node))
        });
        let lists = lists.map(|(name, _)| format!("{name}(first: 100) {{ nodes {{ id }} }}"));
        lists.collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn every_type_with_ids_is_looked_at() {
    let schemas = Schemas::new();
    let nodes = schemas.schema.types.keys().filter(|name| schemas.is_node(name)).map(|name| name.as_str());
    let nodes: BTreeSet<_> =
        nodes.filter(|name| !ELSEWHERE.contains(name) && !WITH_ANOTHER.contains(name)).collect();
    assert_eq!(nodes, TYPES.iter().map(|(_, ty)| *ty).collect());
}

/// Somebody who keeps a copy.
struct Witness {
    name: &'static str,
    person: Person,
    after: Value,
    copy: BTreeMap<String, Value>,
}

struct World<'a> {
    app: &'a TestApp,
    schemas: Schemas,
    witnesses: Vec<Witness>,
    known: BTreeSet<String>,
    done: BTreeSet<String>,
}

/// Ids, wherever they stand.
fn ids(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| ids(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| ids(field, found)),
        Value::String(text) if type_of(text).is_some() => {
            found.insert(text.clone());
        }
        _ => {}
    }
}

fn type_of(id: &str) -> Option<&'static str> {
    let (prefix, digits) = id.split_once('_')?;
    let is_id = digits.len() == 26 && digits.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit());
    TYPES.iter().find(|(known, _)| is_id && *known == prefix).map(|(_, ty)| *ty)
}

impl<'a> World<'a> {
    async fn new(app: &'a TestApp, people: &[(&'static str, &Person)]) -> Self {
        let (schemas, known, done) = (Schemas::new(), BTreeSet::new(), BTreeSet::new());
        let mut world = Self { app, schemas, witnesses: vec![], known, done };
        for &(name, person) in people {
            let after = app.ok(person, CURSOR, json!({ "ws": app.workspace })).await;
            let after = after["workspace"]["cursor"].clone();
            world.witnesses.push(Witness { name, person: person.clone(), after, copy: BTreeMap::new() });
        }
        world.look().await;
        for witness in 0..world.witnesses.len() {
            world.witnesses[witness].copy = world.seen(&world.witnesses[witness].person).await;
        }
        world
    }

    /// Finds what there is.
    async fn look(&mut self) {
        let document = format!("query($ws: ID!) {{ workspace(id: $ws) {{ id {} }} }}", self.schemas.lists());
        loop {
            let before = self.known.len();
            for witness in &self.witnesses {
                let token = Some(witness.person.token.as_str());
                // Lists that are not for everybody are null for the others.
                let lists = self.app.ask(token, &document, json!({ "ws": self.app.workspace })).await;
                ids(&lists["data"], &mut self.known);
                // What is in no list.
                let (told, _) = all(self.app, &witness.person, &witness.after, 100).await;
                told.iter().for_each(|change| ids(change, &mut self.known));
                let seen = self.seen(&witness.person).await;
                seen.values().for_each(|node| ids(node, &mut self.known));
            }
            if self.known.len() == before {
                return;
            }
        }
    }

    /// All known things as somebody sees them.
    async fn seen(&self, person: &Person) -> BTreeMap<String, Value> {
        let mut seen = BTreeMap::new();
        for (_, ty) in TYPES {
            let of_type: Vec<_> = self.known.iter().filter(|id| type_of(id) == Some(*ty)).collect();
            let fields = self.schemas.fields(ty);
            let document =
                format!("query($ids: [ID!]!) {{ nodes(ids: $ids) {{ id ... on {ty} {{ {fields} }} }} }}");
            for some in of_type.chunks(20) {
                let found = self.app.ok(person, &document, json!({ "ids": some })).await;
                let found = found["nodes"].as_array().unwrap().iter().filter(|node| !node.is_null());
                seen.extend(found.map(|node| (text(node, "/id"), node.clone())));
            }
        }
        seen
    }

    /// Does it, then holds what everybody sees against what everybody was told.
    async fn does(&mut self, what: &str, action: impl AsyncFnOnce() -> Value) -> Value {
        let answer = action().await;
        self.done.insert(what.to_owned());
        ids(&answer, &mut self.known);
        self.look().await;
        for index in 0..self.witnesses.len() {
            let witness = &self.witnesses[index];
            // What is seen first is told by then.
            let seen = self.seen(&witness.person).await;
            let (told, after) = all(self.app, &witness.person, &witness.after, 3).await;
            self.compare(what, witness, &seen, &told);
            let witness = &mut self.witnesses[index];
            (witness.copy, witness.after) = (seen, after);
        }
        answer
    }

    fn compare(&self, what: &str, witness: &Witness, seen: &BTreeMap<String, Value>, told: &[Value]) {
        let who = witness.name;
        let mut kinds: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for change in told {
            let deleted = change["deletedId"].as_str();
            let id = deleted.or(change["node"]["id"].as_str());
            let id =
                id.unwrap_or_else(|| panic!("{what}: {who} was told of what they do not see: {change:#}"));
            kinds.entry(id).or_default().insert(change["kind"].as_str().unwrap());
        }
        for (id, kinds) in &kinds {
            let there = if kinds.contains("DELETED") { &witness.copy } else { seen };
            assert!(there.contains_key(*id), "{what}: {who} was told {kinds:?} of {id}, which is not theirs");
        }
        for id in witness.copy.keys().chain(seen.keys()).collect::<BTreeSet<_>>() {
            let (before, now) = (witness.copy.get(id), seen.get(id));
            let expected = match (before, now) {
                (None, _) => "CREATED",
                (_, None) => "DELETED",
                _ if before == now => continue,
                _ => "UPDATED",
            };
            let told = kinds.get(id.as_str()).is_some_and(|kinds| kinds.contains(expected));
            assert!(
                told,
                "{what}: {who} was not told {expected} of {id}: {before:#?} {now:#?}, told {kinds:?}"
            );
        }
    }

    /// An operation by somebody.
    async fn asks(&mut self, by: &Person, mutation: &str, input: Value, payload: &str) -> Value {
        let (app, document) = (self.app, document(mutation, payload));
        let answer = async || app.ok(by, &document, json!({ "input": input })).await[mutation].clone();
        self.does(mutation, answer).await
    }

    /// An operation by somebody who then hears that a run or a turn is in one of these states.
    async fn sets_off(
        &mut self,
        by: &Person,
        mutation: &str,
        input: Value,
        payload: &str,
        until: (&str, &[&str]),
    ) -> Value {
        let (app, document) = (self.app, document(mutation, payload));
        let answer = async || {
            let cursor =
                app.ok(by, CURSOR, json!({ "ws": app.workspace })).await["workspace"]["cursor"].clone();
            let answer = app.ok(by, &document, json!({ "input": input })).await[mutation].clone();
            hear(app, by, cursor, until).await;
            answer
        };
        self.does(mutation, answer).await
    }

    /// Time passes, and a run comes into one of these states.
    async fn passes(&mut self, ahead: &AtomicI64, hours: i64, by: &Person, states: &[&str]) {
        let app = self.app;
        self.does("time", async || {
            let cursor =
                app.ok(by, CURSOR, json!({ "ws": app.workspace })).await["workspace"]["cursor"].clone();
            ahead.fetch_add(hours * 3_600, Ordering::SeqCst);
            hear(app, by, cursor, ("run", states)).await;
            Value::Null
        })
        .await;
    }

    /// Every mutation of the schema was done.
    fn is_complete(&self) {
        let mutations = self.schemas.object("Mutation").unwrap().fields.keys();
        let missing: Vec<_> = mutations
            .filter(|name| !self.done.contains(name.as_str()) && !NO_CASE.contains(&name.as_str()))
            .collect();
        assert!(missing.is_empty(), "no case for {missing:?}");
    }
}

fn document(mutation: &str, payload: &str) -> String {
    let input = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
    format!(
        "mutation($input: {input}!) {{ {mutation}(input: $input) {{ {payload} userErrors {{ message }} }} }}"
    )
}

async fn hear(app: &TestApp, by: &Person, after: Value, (field, states): (&str, &[&str])) {
    let mut live = app.subscribe(by, LIVE, json!({ "ws": app.workspace, "after": after })).await;
    let state = |change: &Value| change["node"][field].as_str().is_some_and(|state| states.contains(&state));
    live.until("changes", state).await;
}

async fn people(world: &mut World<'_>, owner: &Person, mo: &Person, nia: &Person) -> (String, String) {
    let ws = &world.app.workspace.clone();
    let invite = json!({ "workspaceId": ws, "email": "n@example.org", "role": "MEMBER" });
    let withdrawn = world.asks(owner, "inviteMember", invite.clone(), "invitation { id }").await;
    let withdrawn = json!({ "invitationId": text(&withdrawn, "/invitation/id") });
    world.asks(owner, "revokeInvitation", withdrawn, "invitation { id }").await;
    let invited = world.asks(owner, "inviteMember", invite, "token").await;
    let token = json!({ "token": text(&invited, "/token") });
    let joined = world.asks(nia, "acceptInvitation", token, "membership { id }").await;
    let membership = text(&joined, "/membership/id");
    for role in ["VIEWER", "MEMBER"] {
        let change = json!({ "membershipId": membership, "role": role });
        world.asks(owner, "changeRole", change, "membership { id }").await;
    }
    for person in [mo, nia] {
        let key = json!({ "workspaceId": ws, "name": "own" });
        world.asks(person, "createApiKey", key, "apiKey { id }").await;
    }
    let account = json!({ "workspaceId": ws, "name": "Robot", "role": "MEMBER" });
    let account = world.asks(owner, "createServiceAccount", account, "serviceAccount { id }").await;
    let account = text(&account, "/serviceAccount/id");
    for revoked in [true, false] {
        let key = json!({ "serviceAccountId": account, "name": "program" });
        let key = world.asks(owner, "createApiKey", key, "apiKey { id }").await;
        if revoked {
            let key = json!({ "apiKeyId": text(&key, "/apiKey/id") });
            world.asks(owner, "revokeApiKey", key, "apiKey { id }").await;
        }
    }
    let named = json!({ "workspaceId": ws, "name": "Another name" });
    world.asks(owner, "updateWorkspace", named, "workspace { id }").await;
    let documents = json!([{ "id": "viewer", "text": "{ viewer { id } }" }]);
    let registered = json!({ "workspaceId": ws, "application": "web", "documents": documents });
    world.asks(owner, "registerTrustedDocuments", registered, "registered").await;
    let gone = json!({ "workspaceId": ws, "documentIds": ["viewer"] });
    world.asks(owner, "retireTrustedDocuments", gone, "retired").await;
    let mut budget =
        json!({ "workspaceId": ws, "period": "DAY", "limit": { "amount": "1", "currency": "USD" } });
    let set = world.asks(owner, "setBudget", budget.clone(), "budget { id }").await;
    budget["limit"]["amount"] = json!("2");
    world.asks(owner, "setBudget", budget, "budget { id }").await;
    let removed = json!({ "budgetId": text(&set, "/budget/id") });
    world.asks(owner, "removeBudget", removed, "removedBudgetId").await;
    let rules = json!([{ "check": "SECRET", "action": "MASK" }]);
    let policy = json!({ "workspaceId": ws, "name": "keys", "stage": "INPUT", "rules": rules });
    world.asks(owner, "setGuardrailPolicy", policy, "guardrailPolicy { name }").await;
    let policy = json!({ "workspaceId": ws, "name": "keys" });
    world.asks(owner, "removeGuardrailPolicy", policy, "removedName").await;
    let keep = json!({ "workspaceId": ws, "keep": true });
    world.asks(owner, "keepCallContents", keep, "keepsCallContents").await;
    (membership, account)
}

/// Gives a memory that a reply quotes and a run has read.
async fn memories(world: &mut World<'_>, owner: &Person, mo: &Person) -> String {
    let ws = &world.app.workspace.clone();
    let shared = json!({ "workspaceId": ws, "scope": "WORKSPACE", "text": "Zebulon owes nine crowns" });
    let shared = world.asks(owner, "remember", shared, "memory { id }").await;
    for version in ["a", "b"] {
        let own = json!({ "workspaceId": ws, "scope": "USER", "externalId": "x", "text": version });
        world.asks(mo, "remember", own, "memory { id }").await;
    }
    let items = json!([{ "externalId": "x", "text": "c" }, { "externalId": "y", "text": "c" }]);
    let import = json!({ "workspaceId": ws, "scope": "USER", "items": items });
    world.asks(mo, "importMemories", import, "memories { id }").await;
    let said = json!({ "text": { "text": "I prefer tea over coffee. My sister Ana lives in Oslo." } });
    let extraction = json!({ "workspaceId": ws, "source": said, "dryRun": false });
    let proposed = world.asks(mo, "extractMemories", extraction, "memories { id }").await;
    let settle = |place: &str| json!({ "memoryIds": [text(&proposed, place)] });
    world.asks(mo, "acceptMemories", settle("/memories/0/id"), "memories { id }").await;
    world.asks(mo, "rejectMemories", settle("/memories/1/id"), "memories { id }").await;
    let instead =
        json!({ "memoryId": text(&proposed, "/memories/0/id"), "by": { "text": "I prefer coffee now" } });
    world.asks(mo, "supersedeMemory", instead, "memory { id } by { id }").await;
    let names = json!({ "workspaceId": ws, "into": "Ana", "names": ["Annie"] });
    world.asks(mo, "mergeEntities", names, "entity { name }").await;
    let names = json!({ "workspaceId": ws, "names": ["Annie"] });
    world.asks(mo, "separateEntities", names, "entities { name }").await;
    let about = json!({ "workspaceId": ws, "about": "coffee", "dryRun": false });
    world.asks(mo, "forgetAbout", about, "receipt { id }").await;
    text(&shared, "/memory/id")
}

/// Gives one that everybody sees.
async fn documents(world: &mut World<'_>, owner: &Person, mo: &Person) -> String {
    let ws = &world.app.workspace.clone();
    for (by, scope, text) in [(owner, "WORKSPACE", "one"), (owner, "WORKSPACE", "two"), (mo, "USER", "own")] {
        let new = json!({ "workspaceId": ws, "scope": scope, "externalId": "d", "title": "T", "mediaType": "text/plain", "text": text });
        world.asks(by, "addDocument", new, "document { id }").await;
    }
    let file = json!({ "workspaceId": ws, "name": "f", "mediaType": "text/plain", "size": 1 });
    world.asks(mo, "createUpload", file, "upload { size }").await;
    let last = json!({ "workspaceId": ws, "title": "L", "mediaType": "text/plain", "text": "last" });
    text(&world.asks(mo, "addDocument", last, "document { id }").await, "/document/id")
}

async fn sessions(world: &mut World<'_>, mo: &Person) -> String {
    let ws = &world.app.workspace.clone();
    let goal = json!({ "workspaceId": ws, "title": "Run" });
    let goal = text(&world.asks(mo, "createGoal", goal, "goal { id }").await, "/goal/id");
    let nearer = json!({ "goalId": goal, "progress": 0.5 });
    world.asks(mo, "updateGoal", nearer, "goal { id }").await;
    let session = json!({ "workspaceId": ws, "goalId": goal });
    let session = world.asks(mo, "startCoachingSession", session, "session { id }").await;
    let session = text(&session, "/session/id");
    let about = json!({ "sessionId": session, "topic": "Debts" });
    world.asks(mo, "updateCoachingSession", about, "session { id }").await;
    for session in [json!(null), json!(session)] {
        let item = json!({ "workspaceId": ws, "sessionId": session, "text": "Ask Zebulon", "goalId": goal });
        let item = world.asks(mo, "createActionItem", item, "actionItem { id }").await;
        let done = json!({ "actionItemId": text(&item, "/actionItem/id"), "status": "DONE" });
        world.asks(mo, "updateActionItem", done, "actionItem { id }").await;
    }
    let message = json!({ "sessionId": session, "text": "What does Zebulon owe?" });
    let over = ("turn", END);
    let sent = world.sets_off(mo, "sendMessage", message, "message { id } turn { id }", over).await;
    // It is over: nothing changes, and nothing may be told.
    let turn = json!({ "turnId": text(&sent, "/turn/id") });
    world.asks(mo, "interruptTurn", turn, "turn { id }").await;
    session
}

/// One of the workspace's own, and one in the place of the server's.
async fn routes(world: &mut World<'_>, owner: &Person) {
    for (name, tokens) in [("own", 10), ("own", 20), ("default", 30)] {
        let targets = json!([{ "provider": "builtin", "model": "builtin" }]);
        let settings = json!({ "targets": targets, "maxOutputTokens": tokens });
        let route = json!({ "workspaceId": world.app.workspace, "name": name, "settings": settings });
        let set = world.asks(owner, "setRoute", route, "route { id }").await;
        if tokens > 10 {
            let removed = json!({ "routeId": text(&set, "/route/id") });
            world.asks(owner, "removeRoute", removed, "removedId").await;
        }
    }
}

async fn workflow(world: &mut World<'_>, by: &Person, name: &str, steps: Value) -> String {
    let new = json!({ "workspaceId": world.app.workspace, "name": name, "graph": { "steps": steps } });
    let workflow = world.asks(by, "createWorkflow", new, "workflow { id }").await;
    let workflow = text(&workflow, "/workflow/id");
    let named = json!({ "workflowId": workflow, "name": format!("{name} anew") });
    world.asks(by, "updateWorkflow", named, "workflow { id }").await;
    world.asks(by, "publishWorkflow", json!({ "workflowId": workflow }), "version { id }").await;
    workflow
}

async fn run(world: &mut World<'_>, by: &Person, workflow: &str, states: &[&str]) -> String {
    let start = json!({ "workflowId": workflow, "input": {} });
    text(&world.sets_off(by, "startRun", start, "run { id }", ("run", states)).await, "/run/id")
}

/// The open approval of a run.
async fn approval(world: &World<'_>, by: &Person, run: &str) -> String {
    let seen = world.seen(by).await;
    let open = seen
        .values()
        .find(|it| it["run"]["id"] == run && it["status"] == "PENDING" && it["title"].is_string());
    text(open.unwrap_or_else(|| panic!("{run} asks nothing")), "/id")
}

on_both! {
    async fn whatever_alters_what_somebody_sees_is_told_to_them_and_to_nobody_else(database: Database) {
        let ahead = Arc::new(AtomicI64::new(0));
        let (system, moved) = (Clock::system(), ahead.clone());
        let clock = Clock::new(move || system.now() + TimeDelta::seconds(moved.load(Ordering::SeqCst)));
        let app = TestApp::start_with(database, "", Ambient::new(clock, Random::system())).await;
        let (owner, mo, nia) = (&app.owner.clone(), &app.person("Mo").await, &app.person("Nia").await);
        let vera = &app.person("Vera").await;
        app.join(mo, "MEMBER").await;
        app.join(vera, "VIEWER").await;
        let mut world = World::new(&app, &[("the owner", owner), ("a member", mo), ("a viewer", vera)]).await;
        let (membership, account) = people(&mut world, owner, mo, nia).await;
        let memory = memories(&mut world, owner, mo).await;
        let document = documents(&mut world, owner, mo).await;
        let session = sessions(&mut world, mo).await;
        routes(&mut world, owner).await;

        let asks = json!({ "approval": { "title": "Zebulon?", "expiresAfter": "PT1H", "onExpiry": "REJECT" } });
        let steps = json!([
            { "key": "first", "action": { "transform": { "expression": "[1]" } } },
            { "key": "recall", "after": ["first"], "action": { "memoryRecall": { "query": "Zebulon" } } },
            { "key": "ok", "after": ["recall"], "action": asks },
            { "key": "skipped", "after": ["ok"], "when": "1 > 2", "action": { "transform": { "expression": "1" } } },
        ]);
        let review = workflow(&mut world, mo, "Review", steps).await;
        let decided = run(&mut world, mo, &review, &["WAITING"]).await;
        let decision = json!({ "approvalId": approval(&world, mo, &decided).await, "decision": "APPROVE" });
        world.sets_off(owner, "decideApproval", decision, "approval { id }", ("run", END)).await;
        run(&mut world, mo, &review, &["WAITING"]).await;
        world.passes(&ahead, 2, mo, END).await;
        let cancelled = run(&mut world, mo, &review, &["WAITING"]).await;
        world.asks(mo, "cancelRun", json!({ "runId": cancelled }), "run { id }").await;

        let steps = json!([
            { "key": "ask", "action": { "approval": { "title": "Well?" } } },
            { "key": "pause", "action": { "wait": { "for": "PT1H" } } },
            { "key": "fails", "after": ["pause"], "action": { "transform": { "expression": "[1][5]" } } },
            { "key": "never", "after": ["fails"], "action": { "transform": { "expression": "1" } } },
        ]);
        let failing = workflow(&mut world, mo, "Failing", steps).await;
        run(&mut world, mo, &failing, &["WAITING"]).await;
        world.passes(&ahead, 2, mo, END).await;

        // Who started it loses every right while it waits: it ends with the next thing that it is to do.
        let left = run(&mut world, nia, &failing, &["WAITING"]).await;
        let removed = json!({ "membershipId": membership });
        world.asks(owner, "removeMember", removed, "removedMembershipId").await;
        let decision = json!({ "approvalId": approval(&world, owner, &left).await, "decision": "APPROVE" });
        world.sets_off(owner, "decideApproval", decision, "approval { id }", ("run", END)).await;

        world.asks(owner, "forgetMemory", json!({ "memoryId": memory }), "receipt { id }").await;
        world.asks(owner, "forgetDocument", json!({ "documentId": document }), "receipt { id }").await;
        world.asks(mo, "endCoachingSession", json!({ "sessionId": session }), "session { id }").await;
        let deleted = json!({ "serviceAccountId": account });
        world.asks(owner, "deleteServiceAccount", deleted, "deletedServiceAccountId").await;
        world.is_complete();
    }
}

/// Never says a word.
#[derive(Debug)]
struct Silent;

impl Provider for Silent {
    fn chat(&self, _: ModelCall) -> ProviderStream {
        stream::pending().boxed()
    }
}

on_both! {
    async fn what_is_under_way_is_told_as_it_begins_and_as_it_is_stopped(database: Database) {
        let app = TestApp::start_with_model(database, Arc::new(Silent)).await;
        let (owner, mo) = (&app.owner.clone(), &app.person("Mo").await);
        app.join(mo, "MEMBER").await;
        let mut world = World::new(&app, &[("the owner", owner), ("a member", mo)]).await;
        let ask = json!({ "llm": { "prompt": "Is anybody there?" } });
        let steps = json!([{ "key": "ask", "action": ask }, { "key": "then", "after": ["ask"], "action": ask }]);
        let workflow = workflow(&mut world, owner, "Ask", steps).await;
        let run = run(&mut world, owner, &workflow, &["RUNNING"]).await;
        world.asks(owner, "cancelRun", json!({ "runId": run }), "run { id }").await;
    }
}
