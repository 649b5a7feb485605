//! `documents`: what a frontend's build does with its documents, at a running server.
mod push;

use super::{Failure, Outcome};
use crate::{
    shared::http,
    trusted::{LIST, MAX_DOCUMENTS, RETIRE},
};
use clap::{Args, Subcommand};
use push::Push;
use serde_json::{Value, json};
use std::time::Duration;

#[derive(Subcommand, Debug)]
pub(super) enum DocumentsCommand {
    /// Register trusted documents at a running server: requests then name them by `documentId`
    ///
    /// A manifest is what a frontend's tools write: `persisted-documents.json` of graphql-codegen's client preset
    /// (presetConfig.persistedDocuments), the `persistConfig.file` of Relay's compiler, or Apollo's
    /// `persisted-query-manifest.json`. Each document is held against the server's schema and limits; if one may not run,
    /// none is registered, and all that is wrong is told. What is registered never changes, so push before you deploy the
    /// frontend, as often as you like: the same documents again change nothing.
    ///
    /// AIFIRST_API_KEY holds an API key of an ADMIN, or of a service account with that role, best one with the scope
    /// DOCUMENTS for one workspace, which is good for nothing else:
    ///
    ///   aifirst token create --user ci@example.com --workspace acme --role admin --scope documents
    ///
    ///   AIFIRST_API_KEY=aif_… aifirst documents push --application web --manifest src/gql/persisted-documents.json
    #[command(verbatim_doc_comment)]
    Push(Push),
    /// List the documents that a workspace has, newest first: each one's id, application, and when it was registered
    ///
    /// AIFIRST_API_KEY as for `push`.
    #[command(verbatim_doc_comment)]
    List(List),
    /// Retire registered documents: requests that name them are refused from then on
    ///
    /// The server that is asked refuses them at once, others within http.documents.recheck_seconds. An id that is not
    /// registered is passed over. AIFIRST_API_KEY as for `push`.
    #[command(verbatim_doc_comment)]
    Retire(Retire),
}

#[derive(Args, Debug)]
struct Target {
    /// The workspace whose documents they are, by its id; left out where the key opens one workspace alone
    #[arg(long, value_name = "WS_…")]
    workspace: Option<String>,
    /// The server's GraphQL address, http or https
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080/graphql")]
    url: String,
}

#[derive(Args, Debug)]
pub(super) struct List {
    /// Those of one client application
    #[arg(long, value_name = "NAME")]
    application: Option<String>,
    /// The workspace whose documents they are, by its id
    #[arg(long, value_name = "WS_…")]
    workspace: String,
    /// The server's GraphQL address
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080/graphql")]
    url: String,
}

#[derive(Args, Debug)]
pub(super) struct Retire {
    /// The ids by which requests name the documents
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
    #[command(flatten)]
    target: Target,
}

const KEY: &str = "AIFIRST_API_KEY";
/// How long the server may take for one request.
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) async fn documents(command: DocumentsCommand) -> Outcome {
    match command {
        DocumentsCommand::Push(push) => push::push(push).await,
        DocumentsCommand::List(list) => self::list(list).await,
        DocumentsCommand::Retire(retire) => self::retire(retire).await,
    }
}

#[expect(clippy::print_stdout, reason = "a command's output")]
async fn list(list: List) -> Outcome {
    let server = Server::new(&list.url)?;
    let mut after = Value::Null;
    loop {
        let filter = json!({ "application": list.application });
        let variables = json!({ "workspaceId": list.workspace, "filter": filter, "after": after });
        let data = server.ask(LIST.0, variables).await?;
        let page = &data["workspace"]["trustedDocuments"];
        let documents =
            page["nodes"].as_array().ok_or_else(|| failed("there is no such workspace".into()))?;
        for document in documents {
            let text = |field: &str| document[field].as_str().unwrap_or_default();
            println!("{}\t{}\t{}", text("documentId"), text("application"), text("registeredAt"));
        }
        if page["pageInfo"]["hasNextPage"] != true {
            return Ok(());
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

#[expect(clippy::print_stdout, reason = "a command's output")]
async fn retire(retire: Retire) -> Outcome {
    let server = Server::new(&retire.target.url)?;
    let mut retired = 0;
    for ids in retire.ids.chunks(MAX_DOCUMENTS) {
        let input = json!({ "workspaceId": retire.target.workspace, "documentIds": ids });
        let data = server.ask(RETIRE.0, json!({ "input": input })).await?;
        let payload = &data["retireTrustedDocuments"];
        match payload["retired"].as_u64() {
            Some(some) => retired += some,
            None => return Err(failed(problems_of(payload)?.join("\n"))),
        }
    }
    println!("{retired} documents retired, {} were not there", retire.ids.len() as u64 - retired);
    Ok(())
}

struct Server {
    http: reqwest::Client,
    key: String,
    url: String,
}

impl Server {
    fn new(url: &str) -> Result<Self, Failure> {
        let key = std::env::var(KEY).ok().filter(|key| !key.trim().is_empty());
        let key = key.ok_or_else(|| wrong(format!("{KEY} is not set: put the API key in there")))?;
        let http = http::client().timeout(PATIENCE).build()?;
        Ok(Self { http, key: key.trim().to_owned(), url: url.to_owned() })
    }

    /// The data that the server answers to a document of its own.
    async fn ask(&self, document: &str, variables: Value) -> Result<Value, Failure> {
        let body = json!({ "documentId": document, "variables": variables });
        let request = self.http.post(&self.url).bearer_auth(&self.key).json(&body);
        let answer = request.send().await.map_err(|error| failed(unreachable(&error, &self.url)))?;
        let answer = answer.json::<Value>().await;
        let mut answer =
            answer.map_err(|_| failed(format!("{} does not answer as a GraphQL server does", self.url)))?;
        if let Some(error) = answer.pointer("/errors/0") {
            let text = |pointer| error.pointer(pointer).and_then(Value::as_str).unwrap_or("?");
            let (message, code) = (text("/message"), text("/extensions/code"));
            return Err(failed(format!("the server refused: {message} [{code}]")));
        }
        Ok(answer["data"].take())
    }
}

/// What a payload says is to be mended.
fn problems_of(payload: &Value) -> Result<Vec<String>, Failure> {
    let problems = payload["userErrors"].as_array().map(Vec::as_slice).unwrap_or_default();
    if problems.is_empty() {
        return Err(failed("the server's answer is not one to what it was asked".into()));
    }
    let line = |problem: &Value| {
        let text = |field: &str| problem[field].as_str().unwrap_or_default().to_owned();
        // A document's problem names its id; its place in the request means nothing here.
        let of_document = ["documents.", "documentIds."].iter().any(|list| text("field").starts_with(list));
        if of_document { text("message") } else { format!("{}: {}", text("field"), text("message")) }
    };
    Ok(problems.iter().map(line).collect())
}

fn unreachable(error: &reqwest::Error, url: &str) -> String {
    let cause = if error.is_timeout() { "it does not answer in time" } else { "it does not answer" };
    // Such as a certificate that this machine does not trust.
    let mut last: &dyn std::error::Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    format!("{url} cannot be reached: {cause} ({last}). Is the server running, and is --url its address?")
}

fn wrong(message: String) -> Failure {
    Failure { message, code: 2 }
}

fn failed(message: String) -> Failure {
    Failure { message, code: 1 }
}
