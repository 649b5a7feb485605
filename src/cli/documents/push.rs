//! `documents push`: a manifest of any size, all of it or nothing.
use super::{Failure, Outcome, Server, Target, failed, problems_of, wrong};
use crate::trusted::{MAX_DOCUMENTS, NewDocument, REGISTER, parse_manifest};
use clap::Args;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

#[derive(Args, Debug)]
pub(in crate::cli) struct Push {
    /// The client application that the documents are of: web, ios, …
    #[arg(long, value_name = "NAME")]
    application: String,
    /// A file with documents; may be given several times
    #[arg(long = "manifest", value_name = "FILE", required = true)]
    manifests: Vec<PathBuf>,
    #[command(flatten)]
    target: Target,
    /// Tell what is wrong, and register nothing
    #[arg(long)]
    validate_only: bool,
}

/// Of the texts and ids in one request: what a server takes by default is twice as much.
const REQUEST_BYTES: usize = 1_000_000;
/// What takes longer tells how far it is.
const SILENCE: Duration = Duration::from_secs(1);

#[expect(clippy::print_stdout, reason = "a command's output")]
pub(super) async fn push(push: Push) -> Outcome {
    let server = Server::new(&push.target.url)?;
    let requests = requests(read(&push.manifests)?);
    let pushing = Pushing { server, push: &push };
    // However many requests it takes, nothing is registered before every document is known to be good.
    let validated = if push.validate_only || requests.len() > 1 {
        Some(pushing.send_all("validated", &requests, true).await?)
    } else {
        None
    };
    let (done, outcome) = match validated {
        Some(outcome) if push.validate_only => ("would be registered", outcome),
        _ => ("registered", pushing.send_all("registered", &requests, false).await?),
    };
    let Sent { registered, unchanged } = outcome;
    println!("{registered} documents {done} for {}, {unchanged} were there already", push.application);
    Ok(())
}

/// Each id with its text. One with two is found here, for the server sees them in parts.
fn read(manifests: &[PathBuf]) -> Result<Vec<NewDocument>, Failure> {
    let mut documents = BTreeMap::new();
    for file in manifests {
        let told = |error: String| wrong(format!("{}: {error}", file.display()));
        let json = fs::read_to_string(file).map_err(|error| told(error.to_string()))?;
        let found = parse_manifest(&json).map_err(told)?;
        if found.is_empty() {
            return Err(wrong(format!("{}: there is no document in it", file.display())));
        }
        for NewDocument { id, text } in found {
            if documents.get(&id).is_some_and(|known| *known != text) {
                return Err(told(format!("{id}: stands in the manifests with different texts")));
            }
            documents.insert(id, text);
        }
    }
    Ok(documents.into_iter().map(|(id, text)| NewDocument { id, text }).collect())
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

struct Pushing<'a> {
    server: Server,
    push: &'a Push,
}

impl Pushing<'_> {
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
            match self.send(documents, validate_only).await {
                Ok(Ok(Sent { registered, unchanged })) => {
                    sent.registered += registered;
                    sent.unchanged += unchanged;
                }
                Ok(Err(found)) => problems.extend(found),
                Err(failure) if sent.registered > 0 && !validate_only => {
                    let message = format!(
                        "{} documents were registered, and then: {}",
                        sent.registered, failure.message
                    );
                    return Err(Failure { message, ..failure });
                }
                Err(failure) => return Err(failure),
            }
            count += documents.len();
            if begun.elapsed() > SILENCE {
                eprintln!("{what}: {count} of {of}");
            }
        }
        if problems.is_empty() {
            return Ok(sent);
        }
        // What is good by itself may be too much together.
        let done = match sent.registered {
            some if some > 0 && !validate_only => {
                format!("{some} documents were registered, the others were not")
            }
            _ => "nothing was registered".to_owned(),
        };
        Err(failed(format!("{done}.\n{}", problems.join("\n"))))
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
            "workspaceId": self.push.target.workspace,
            "application": self.push.application,
            "documents": documents,
            "validateOnly": validate_only,
        });
        outcome(&self.server.ask(REGISTER.0, json!({ "input": input })).await?)
    }
}

fn outcome(data: &Value) -> Result<Result<Sent, Vec<String>>, Failure> {
    let payload = &data["registerTrustedDocuments"];
    let number = |field: &str| payload[field].as_u64();
    if let (Some(registered), Some(unchanged)) = (number("registered"), number("unchanged")) {
        return Ok(Ok(Sent { registered, unchanged }));
    }
    problems_of(payload).map(Err)
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
