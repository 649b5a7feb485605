//! Trusted documents: how they are registered, how a request names one, and what a server does with any other.
mod automatic;
mod modes;
mod naming;
mod push;
mod registering;
mod retiring;

use crate::support::{Database, Person, TestApp, text};
use aifirst::shared::Ambient;
use reqwest::header;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const VIEWER: &str = "query Viewer { viewer { id } }";
/// What `query` may be beside an id: none, or the empty one that some protocols demand.
const NO_TEXT: [Value; 3] = [Value::Null, Value::String(String::new()), Value::Bool(false)];

fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A body with what is left of `query` beside an id; `false` stands for a body without one.
fn beside(query: &Value, mut body: Value) -> Value {
    if *query != Value::Bool(false) {
        body["query"] = query.clone();
    }
    body
}

async fn start(settings: &str) -> TestApp {
    TestApp::start_with(Database::sqlite(), settings, Ambient::system()).await
}

/// The first error's code, or none.
fn code(answer: &Value) -> Option<&str> {
    answer.pointer("/errors/0/extensions/code").and_then(Value::as_str)
}

impl TestApp {
    /// Status and answer of a POST, as a client of today accepts it.
    async fn posted(&self, token: Option<&str>, body: Value) -> (u16, Value) {
        let mut request = self.http.post(self.url()).json(&body);
        request = request.header(header::ACCEPT, "application/graphql-response+json, application/json;q=0.9");
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// A key of the workspace that is good for registering documents alone.
    async fn documents_key(&self) -> Person {
        let options = json!({ "scopes": ["DOCUMENTS"], "workspaceId": self.workspace });
        self.create_key(&self.owner, options).await.0
    }

    /// What comes of registering documents in `workspace`: the payload, or the whole answer where there is none.
    async fn register(&self, person: &Person, workspace: &str, documents: &[(&str, &str)]) -> Value {
        let documents: Vec<_> =
            documents.iter().map(|(id, text)| json!({ "id": id, "text": text })).collect();
        self.register_input(
            person,
            json!({ "workspaceId": workspace, "application": "web", "documents": documents }),
        )
        .await
    }

    async fn register_input(&self, person: &Person, input: Value) -> Value {
        let body =
            json!({ "documentId": "x-aifirst:registerTrustedDocuments", "variables": { "input": input } });
        let (_, answer) = self.posted(Some(&person.token), body).await;
        answer.pointer("/data/registerTrustedDocuments").cloned().unwrap_or(answer)
    }

    /// The document, known to the members of the workspace.
    async fn registered(&self, id: &str, text: &str) {
        let made = self.register(&self.owner, &self.workspace, &[(id, text)]).await;
        assert_eq!(made, json!({ "registered": 1, "unchanged": 0, "userErrors": [] }));
    }

    async fn metrics(&self) -> String {
        let url = format!("http://{}/metrics", self.running.admin_address);
        self.http.get(url).send().await.unwrap().text().await.unwrap()
    }
}
