//! People, workspaces and credentials.
mod credentials;
mod development;
mod jwt;
mod keys;
mod members;
mod nodes;

use crate::{
    counted_on_both, on_both,
    support::{PATIENCE, Person, TestApp, TestClock, text},
};
use aifirst::shared::Ambient;
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time::sleep;

const VIEWER: &str = "{ viewer { id } }";

impl TestApp {
    /// The HTTP status and the first error's code of a query with this credential.
    async fn refusal(&self, credential: &str) -> (u16, String) {
        let request = self.http.post(self.url()).json(&json!({ "query": "{ viewer { id } }" }));
        let answer = request.bearer_auth(credential).send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap();
        let code = body.pointer("/errors/0/extensions/code").and_then(Value::as_str);
        (status, code.unwrap_or("none").to_owned())
    }

    async fn assert_refused(&self, credential: &str) {
        assert_eq!(self.refusal(credential).await, (401, "UNAUTHENTICATED".into()), "{credential}");
    }

    /// That what somebody may do is read once, and that what is changed of it holds from their next request on.
    async fn assert_comes_and_goes(&self, person: &Person) {
        let see = "query($ws: ID!) { workspace(id: $ws) { name } }";
        let seen =
            async || self.ok(person, see, json!({ "ws": self.workspace })).await["workspace"].is_object();
        self.ok(person, VIEWER, json!({})).await;
        assert_eq!(self.cost(person, VIEWER, json!({})).await.1, 0);
        assert!(!seen().await);
        let membership = self.join(person, "VIEWER").await;
        assert!(seen().await, "who came in is in");
        let remove =
            "mutation($id: ID!) { removeMember(input: {membershipId: $id}) { userErrors { code } } }";
        self.ok(&self.owner, remove, json!({ "id": membership })).await;
        assert!(!seen().await, "who was sent away is out");
    }

    /// Soon refused: what another process revoked.
    async fn ends(&self, credential: &str) {
        let begun = Instant::now();
        while self.refusal(credential).await.0 != 401 {
            assert!(begun.elapsed() < PATIENCE, "it is still good");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// A key for the bearer of `person`'s token: `options` are further fields of the input.
    pub async fn create_key(&self, person: &Person, options: Value) -> (Person, String) {
        let mut input = options;
        input["name"] = "a key".into();
        let document = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) {
            apiKey { id } token userErrors { code field message } } }";
        let data = self.ok(person, document, json!({ "input": input })).await;
        let token = text(&data, "/createApiKey/token");
        (Person { id: person.id.clone(), token }, text(&data, "/createApiKey/apiKey/id"))
    }

    /// The first `userErrors` code of a mutation.
    async fn mends(&self, person: &Person, document: &str, variables: Value) -> String {
        let data = self.ok(person, document, variables).await;
        let payload = data.as_object().unwrap().values().next().unwrap();
        text(payload, "/userErrors/0/code")
    }
}

on_both! {
    async fn each_change_of_a_mutation_answers_with_what_it_wrote(app: TestApp) {
        let document = "mutation($ws: ID!) {
            a: updateWorkspace(input: {workspaceId: $ws, name: \"First\"}) { workspace { name slug } }
            b: updateWorkspace(input: {workspaceId: $ws, name: \"Second\"}) { workspace { slug name } } }";
        let data = app.ok(&app.owner, document, json!({ "ws": app.workspace })).await;
        let names = ["a", "b"].map(|change| text(&data[change], "/workspace/name"));
        assert_eq!(names, ["First", "Second"]);
    }
}

on_both! {
    async fn a_new_workspace_is_shown_to_its_owner_alone(app: TestApp) {
        let document = "query Viewer { viewer { id displayName memberships(first: 10) {
            nodes { role workspace { id name slug } } } } }";
        let data = app.ok(&app.owner, document, json!({})).await;
        assert_eq!(text(&data, "/viewer/memberships/nodes/0/workspace/id"), app.workspace);
        assert_eq!(text(&data, "/viewer/memberships/nodes/0/role"), "OWNER");

        let stranger = app.person("Sam Stranger").await;
        let query = "query($id: ID!) { workspace(id: $id) { id name slug cursor } }";
        let data = app.ok(&stranger, query, json!({ "id": app.workspace })).await;
        assert_eq!(data, json!({ "workspace": null }));
    }
}

on_both! {
    async fn the_answer_to_a_new_workspace_shows_all_of_it(app: TestApp) {
        let document = "mutation { createWorkspace(input: {name: \"Ana's Team\"}) { workspace {
            id name slug cursor members { totalCount nodes { role user { displayName } } } } userErrors { code } } }";
        let data = app.ok(&app.owner, document, json!({})).await;
        let made = &data["createWorkspace"]["workspace"];
        assert_eq!((&made["name"], &made["slug"]), (&json!("Ana's Team"), &json!("ana-s-team")));
        let members = json!({ "totalCount": 1, "nodes": [{ "role": "OWNER", "user": { "displayName": "Olga Owner" } }] });
        assert_eq!(made["members"], members);
    }
}

on_both! {
    async fn a_slug_that_was_asked_for_is_refused_where_it_is_taken_and_a_derived_one_altered(app: TestApp) {
        let document = "mutation($slug: String) { createWorkspace(input: {name: \"Acme\", slug: $slug}) {
            workspace { slug } userErrors { code field message } } }";
        let data = app.ok(&app.owner, document, json!({ "slug": "acme" })).await;
        assert_eq!(data["createWorkspace"]["workspace"], json!(null));
        assert_eq!(data["createWorkspace"]["userErrors"][0]["code"], "CONFLICT");
        assert_eq!(data["createWorkspace"]["userErrors"][0]["field"], "slug");
        let data = app.ok(&app.owner, document, json!({})).await;
        let slug = text(&data, "/createWorkspace/workspace/slug");
        assert!(slug.starts_with("acme-"), "{slug}");
    }
}

on_both! {
    async fn a_repeated_request_makes_one_workspace(app: TestApp) {
        let document = "mutation($name: String!) { createWorkspace(input: {name: $name, idempotencyKey: \"k\"}) {
            workspace { id slug } userErrors { code } } }";
        let first = app.ok(&app.owner, document, json!({ "name": "Twice" })).await;
        let second = app.ok(&app.owner, document, json!({ "name": "Twice" })).await;
        assert_eq!(first, second);
        let other = app.mends(&app.owner, document, json!({ "name": "Thrice" })).await;
        assert_eq!(other, "IDEMPOTENCY_CONFLICT");
        // Another person's keys are their own.
        let somebody = app.person("Pia").await;
        assert_ne!(app.ok(&somebody, document, json!({ "name": "Twice" })).await, first);
    }
}

on_both! {
    async fn security_relevant_changes_leave_an_entry_that_no_secret_is_in(app: TestApp) {
        let member = app.person("Mo Member").await;
        let membership = app.join(&member, "MEMBER").await;
        let change = "mutation($m: ID!) { changeRole(input: {membershipId: $m, role: VIEWER}) { membership { role } } }";
        app.ok(&app.owner, change, json!({ "m": membership })).await;
        let (key, id) = app.create_key(&member, json!({ "workspaceId": app.workspace, "scopes": ["READ"] })).await;
        let revoke = "mutation($k: ID!) { revokeApiKey(input: {apiKeyId: $k}) { apiKey { revokedAt } } }";
        app.ok(&app.owner, revoke, json!({ "k": id })).await;
        let remove = "mutation($m: ID!) { removeMember(input: {membershipId: $m}) { removedMembershipId } }";
        app.ok(&app.owner, remove, json!({ "m": membership })).await;

        let trail = "query($ws: ID!) { workspace(id: $ws) { auditEntries { totalCount nodes {
            action actorId subjectId data at } } } }";
        let data = app.ok(&app.owner, trail, json!({ "ws": app.workspace })).await;
        let entries = data["workspace"]["auditEntries"]["nodes"].as_array().unwrap();
        let (owner, mo) = (app.owner.id.as_str(), member.id.as_str());
        let told: Vec<_> = entries
            .iter()
            .rev()
            .map(|entry| (entry["action"].as_str().unwrap(), entry["actorId"].as_str().unwrap()))
            .collect();
        assert_eq!(told, [
            ("WORKSPACE_CREATED", owner),
            ("MEMBER_INVITED", owner),
            ("INVITATION_ACCEPTED", mo),
            ("ROLE_CHANGED", owner),
            ("API_KEY_CREATED", mo),
            ("API_KEY_REVOKED", owner),
            ("MEMBER_REMOVED", owner),
        ]);
        assert_eq!(entries[3]["data"], json!({ "from": "MEMBER", "to": "VIEWER", "user": mo }));
        assert_eq!(entries[3]["subjectId"], json!(membership));
        assert!(!data.to_string().contains(&key.token[34..]));

        let viewer = app.person("Vic Viewer").await;
        app.join(&viewer, "VIEWER").await;
        for field in ["auditEntries", "apiKeys", "invitations"] {
            let document = format!("query($ws: ID!) {{ workspace(id: $ws) {{ {field} {{ nodes {{ id }} }} }} }}");
            assert_eq!(app.code(&viewer, &document, json!({ "ws": app.workspace })).await, "FORBIDDEN", "{field}");
        }
    }
}
