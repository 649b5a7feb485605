//! `documents`: what a frontend's build does with its documents, at a running server.
use super::{Failure, Outcome};
use crate::trusted::{MAX_DOCUMENTS, NewDocument, REGISTER, parse_manifest};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

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
}

#[derive(Args, Debug)]
pub(super) struct Push {
    /// The client application that the documents are of: web, ios, …
    #[arg(long, value_name = "NAME")]
    application: String,
    /// A file with documents; may be given several times
    #[arg(long = "manifest", value_name = "FILE", required = true)]
    manifests: Vec<PathBuf>,
    /// The workspace whose members may run them, by its id; left out where the key opens one workspace alone
    #[arg(long, value_name = "WS_…")]
    workspace: Option<String>,
    /// The server's GraphQL address
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080/graphql")]
    url: String,
    /// Tell what is wrong, and register nothing
    #[arg(long)]
    validate_only: bool,
}

const KEY: &str = "AIFIRST_API_KEY";
/// Of the texts and ids in one request: what a server takes by default is twice as much.
const REQUEST_BYTES: usize = 1_000_000;
/// What takes longer tells how far it is.
const SILENCE: Duration = Duration::from_secs(1);
/// How long the server may take for one request.
const PATIENCE: Duration = Duration::from_secs(120);

#[expect(clippy::print_stdout, reason = "a command's output")]
pub(super) async fn documents(command: DocumentsCommand) -> Outcome {
    let DocumentsCommand::Push(push) = command;
    let key = std::env::var(KEY).ok().filter(|key| !key.trim().is_empty());
    let key = key.ok_or_else(|| wrong(format!("{KEY} is not set: put the API key in there")))?;
    if push.url.starts_with("https:") {
        let message = "--url: this program speaks no TLS yet: reach the server by http within its network, or send the \
            mutation registerTrustedDocuments by other means";
        return Err(wrong(message.into()));
    }
    let requests = requests(read(&push.manifests)?);
    let server = Server { http: reqwest::Client::builder().timeout(PATIENCE).build()?, key, push: &push };
    // All or nothing, however many requests it takes: nothing is registered before everything is known to be good.
    let validated = if push.validate_only || requests.len() > 1 {
        Some(server.send_all("validated", &requests, true).await?)
    } else {
        None
    };
    let (done, outcome) = match validated {
        Some(outcome) if push.validate_only => ("would be registered", outcome),
        _ => ("registered", server.send_all("registered", &requests, false).await?),
    };
    let Sent { registered, unchanged } = outcome;
    println!("{registered} documents {done} for {}, {unchanged} were there already", push.application);
    Ok(())
}

fn read(manifests: &[PathBuf]) -> Result<Vec<NewDocument>, Failure> {
    let mut documents = vec![];
    for file in manifests {
        let told = |error: String| wrong(format!("{}: {error}", file.display()));
        let json = fs::read_to_string(file).map_err(|error| told(error.to_string()))?;
        let found = parse_manifest(&json).map_err(told)?;
        if found.is_empty() {
            return Err(wrong(format!("{}: there is no document in it", file.display())));
        }
        documents.extend(found);
    }
    Ok(documents)
}

/// As many documents in each as a server takes at once.
fn requests(documents: Vec<NewDocument>) -> Vec<Vec<NewDocument>> {
    let mut requests: Vec<Vec<NewDocument>> = vec![];
    let mut bytes = 0;
    for document in documents {
        let size = document.id.len() + document.text.len();
        match requests.last_mut() {
            Some(last) if last.len() < MAX_DOCUMENTS && bytes + size <= REQUEST_BYTES => {
                bytes += size;
                last.push(document);
            }
            _ => {
                bytes = size;
                requests.push(vec![document]);
            }
        }
    }
    requests
}

#[derive(Clone, Copy, Default)]
struct Sent {
    registered: u64,
    unchanged: u64,
}

struct Server<'a> {
    http: reqwest::Client,
    key: String,
    push: &'a Push,
}

impl Server<'_> {
    /// Every request is sent, even where one is refused: all problems are told at once.
    #[expect(clippy::print_stderr, reason = "how far it is, for a person who waits")]
    async fn send_all(
        &self,
        what: &str,
        requests: &[Vec<NewDocument>],
        validate_only: bool,
    ) -> Result<Sent, Failure> {
        let (begun, of) = (Instant::now(), requests.iter().map(Vec::len).sum::<usize>());
        let (mut sent, mut count, mut problems) = (Sent::default(), 0, vec![]);
        for documents in requests {
            match self.send(documents, validate_only).await? {
                Ok(Sent { registered, unchanged }) => {
                    sent.registered += registered;
                    sent.unchanged += unchanged;
                }
                Err(found) => problems.extend(found),
            }
            count += documents.len();
            if begun.elapsed() > SILENCE {
                eprintln!("{what}: {count} of {of}");
            }
        }
        if problems.is_empty() {
            return Ok(sent);
        }
        Err(Failure { message: format!("nothing was registered.\n{}", problems.join("\n")), code: 1 })
    }

    /// What was done, or what the server says is wrong with the documents.
    async fn send(
        &self,
        documents: &[NewDocument],
        validate_only: bool,
    ) -> Result<Result<Sent, Vec<String>>, Failure> {
        let documents: Vec<Value> =
            documents.iter().map(|it| json!({ "id": it.id, "text": it.text })).collect();
        let input = json!({
            "workspaceId": self.push.workspace,
            "application": self.push.application,
            "documents": documents,
            "validateOnly": validate_only,
        });
        let body = json!({ "documentId": REGISTER.0, "variables": { "input": input } });
        let request = self.http.post(&self.push.url).bearer_auth(self.key.trim()).json(&body);
        let answer = request.send().await.map_err(|error| failed(unreachable(&error, &self.push.url)))?;
        let answer: Value = answer
            .json()
            .await
            .map_err(|_| failed(format!("{} does not answer as a GraphQL server does", self.push.url)))?;
        outcome(&answer)
    }
}

fn outcome(answer: &Value) -> Result<Result<Sent, Vec<String>>, Failure> {
    if let Some(error) = answer.pointer("/errors/0") {
        let text = |pointer| error.pointer(pointer).and_then(Value::as_str).unwrap_or("?");
        return Err(failed(format!(
            "the server refused: {} [{}]",
            text("/message"),
            text("/extensions/code")
        )));
    }
    let payload = &answer["data"]["registerTrustedDocuments"];
    let number = |field: &str| payload[field].as_u64();
    if let (Some(registered), Some(unchanged)) = (number("registered"), number("unchanged")) {
        return Ok(Ok(Sent { registered, unchanged }));
    }
    let problems = payload["userErrors"].as_array().map(Vec::as_slice).unwrap_or_default();
    if problems.is_empty() {
        return Err(failed("the server's answer is not one to registerTrustedDocuments".into()));
    }
    let line = |problem: &Value| {
        let text = |field: &str| problem[field].as_str().unwrap_or_default().to_owned();
        // A document's problem names its id; its place in the request means nothing here.
        if text("field").starts_with("documents.") {
            text("message")
        } else {
            format!("{}: {}", text("field"), text("message"))
        }
    };
    Ok(Err(problems.iter().map(line).collect()))
}

fn unreachable(error: &reqwest::Error, url: &str) -> String {
    let cause = if error.is_timeout() { "it does not answer in time" } else { "it does not answer" };
    format!("{url} cannot be reached: {cause}. Is the server running, and is --url its address?")
}

fn wrong(message: String) -> Failure {
    Failure { message, code: 2 }
}

fn failed(message: String) -> Failure {
    Failure { message, code: 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(count: usize, bytes: usize) -> Vec<NewDocument> {
        (0..count).map(|i| NewDocument { id: format!("{i:04}"), text: "x".repeat(bytes - 4) }).collect()
    }

    #[test]
    fn a_request_has_no_more_documents_and_bytes_than_a_server_takes() {
        let sizes = |documents| requests(documents).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(documents(3, 100)), [3]);
        assert_eq!(sizes(documents(2_500, 100)), [1_000, 1_000, 500]);
        assert_eq!(sizes(documents(25, 100_000)), [10, 10, 5]);
        assert_eq!(sizes(documents(2, REQUEST_BYTES + 4)), [1, 1]);
        assert_eq!(sizes(vec![]), [0; 0]);
    }
}
