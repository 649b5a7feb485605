//! The session itself, printed as a person would want to read it.
#![expect(clippy::print_stdout, reason = "the demo's output is its purpose")]
use super::notes::{self, Item};
use crate::client::{Client, ClientError, text};
use serde_json::{Value, json};
use std::{
    io::{self, Write},
    time::Instant,
};

const WORKSPACE: &str =
    "query { viewer { displayName memberships(first: 1) { nodes { workspace { id name } } } } }";
const IMPORT: &str = "mutation ($ws: ID!, $items: [ImportMemoryItem!]!) {
  importMemories(input: {workspaceId: $ws, scope: USER, items: $items}) {
    created updated unchanged userErrors { code field message } } }";
const RECALL: &str =
    "query ($ws: ID!, $q: String!) { workspace(id: $ws) { recall(input: {query: $q, limit: 3}) {
  hits { score item { ... on Memory { text collection } } } usedTokens } } }";
const START_SESSION: &str = "mutation ($ws: ID!) {
  startCoachingSession(input: {workspaceId: $ws, mode: CHAT, topic: \"My week\"}) {
    session { id } userErrors { code field message } } }";
const SEND: &str = "mutation ($s: ID!, $text: String!) { sendMessage(input: {sessionId: $s, text: $text}) {
  turn { id } userErrors { code field message } } }";
const COACHING: &str = "subscription ($s: ID!) { coachingEvents(sessionId: $s) { __typename
  ... on TurnSnapshot { text } ... on TurnDelta { text }
  ... on TurnCompleted { turn { reply { citations { quote memory { collection } } usage { inputTokens outputTokens } } } }
  ... on TurnFailed { reason } } }";
const END_SESSION: &str = "mutation ($s: ID!) { endCoachingSession(input: {sessionId: $s}) {
  session { summary { text } } userErrors { code field message } } }";
const WORKFLOWS: &str = "query ($ws: ID!) { workspace(id: $ws) { workflows(first: 100) { nodes { id slug publishedVersion { number } } } } }";
const CREATE_WORKFLOW: &str = "mutation ($ws: ID!) {
  createWorkflow(input: {workspaceId: $ws, name: \"Weekly review\", slug: \"weekly-review\", graph: {steps: [
    {key: \"notes\", action: {memoryRecall: {query: \"{{ input.topic }}\", limit: 5}}},
    {key: \"draft\", after: [\"notes\"], retry: {maxAttempts: 3},
     action: {llm: {route: \"default\", prompt: \"Summarise: {{ steps.notes.output }}\"}}},
    {key: \"ok\", after: [\"draft\"], action: {approval: {title: \"Keep this review?\", expiresAfter: \"P1D\", onExpiry: REJECT}}},
    {key: \"keep\", after: [\"ok\"], when: \"steps.ok.output.approved == true\",
     action: {memoryWrite: {kind: SUMMARY, text: \"{{ steps.draft.output.text }}\"}}}]}}) {
    workflow { id } userErrors { code field message } } }";
const PUBLISH: &str = "mutation ($w: ID!) { publishWorkflow(input: {workflowId: $w}) {
  version { number checksum } userErrors { code field message } } }";
const START_RUN: &str =
    "mutation ($w: ID!, $topic: String!) { startRun(input: {workflowId: $w, input: {topic: $topic}}) {
  run { id } userErrors { code field message } } }";
const RUN: &str = "subscription ($r: ID!) { runEvents(runId: $r) { __typename
  ... on StepStarted { step { key attempt } } ... on StepCompleted { step { key output } }
  ... on ApprovalRequested { approval { id title } }
  ... on RunCompleted { run { status output } } ... on RunFailed { run { error { code message stepKey } } } } }";
const DECIDE: &str = "mutation ($a: ID!) { decideApproval(input: {approvalId: $a, decision: APPROVE, comment: \"Yes, keep it\"}) {
  approval { status } userErrors { code field message } } }";

/// Prints with the time since the start before each line.
struct Teller {
    start: Instant,
}

impl Teller {
    fn say(&self, what: &str, line: impl AsRef<str>) {
        println!("{:>7.2} s  {what:<9}  {}", self.start.elapsed().as_secs_f64(), line.as_ref());
    }

    fn more(&self, line: impl AsRef<str>) {
        println!("{:>22}{}", "", line.as_ref());
    }

    fn heading(&self, title: &str) {
        println!("\n{title}");
    }
}

pub(super) async fn tell(
    client: &Client,
    imported: Option<Vec<Item>>,
    ask: Option<&str>,
) -> Result<(), ClientError> {
    let teller = Teller { start: Instant::now() };
    let who = client.run(WORKSPACE, json!({})).await?;
    let workspace = text(&who, "/viewer/memberships/nodes/0/workspace/id")?;
    teller.say("viewer", format!("{}, in workspace {workspace}", text(&who, "/viewer/displayName")?));

    teller.heading("Memory");
    let question = match &imported {
        Some(items) => {
            import(client, &teller, &workspace, "of your file", items).await?;
            ask.map_or_else(|| question_about(items), str::to_owned)
        }
        None => ask.unwrap_or("What did I promise Carla about the budget?").to_owned(),
    };
    let week = notes::week().map_err(|error| ClientError::Missing(error.to_string()))?;
    import(client, &teller, &workspace, "of one week", &week).await?;
    import(client, &teller, &workspace, "of this repository's docs", &notes::docs()).await?;
    recall(client, &teller, &workspace, &question).await?;
    recall(client, &teller, &workspace, "How is the position of an event numbered?").await?;

    teller.heading("Coaching");
    coach(
        client,
        &teller,
        &workspace,
        &[&question, "When do I get things finished, and what keeps me from it?"],
    )
    .await?;

    teller.heading("Workflow \"Weekly review\"");
    review(client, &teller, &workspace).await
}

/// Something that the file can answer: the beginning of its middle item.
fn question_about(items: &[Item]) -> String {
    let middle = items.get(items.len() / 2).map_or("", |item| item.text.as_str());
    let words: Vec<&str> = middle.split_whitespace().take(10).collect();
    format!("What was said about \"{}\"?", words.join(" "))
}

async fn import(
    client: &Client,
    teller: &Teller,
    workspace: &str,
    whence: &str,
    items: &[Item],
) -> Result<(), ClientError> {
    let started = Instant::now();
    let (mut new, mut changed, mut known) = (0, 0, 0);
    for variables in notes::calls(workspace, items) {
        let answer = client.run(IMPORT, variables).await?;
        let count = |name: &str| answer["importMemories"][name].as_u64().unwrap_or(0);
        new += count("created");
        changed += count("updated");
        known += count("unchanged");
    }
    let ms = started.elapsed().as_millis();
    teller.say(
        "import",
        format!(
            "{} notes {whence}: {new} new, {changed} changed, {known} known already ({ms} ms)",
            items.len()
        ),
    );
    Ok(())
}

async fn recall(
    client: &Client,
    teller: &Teller,
    workspace: &str,
    question: &str,
) -> Result<(), ClientError> {
    let started = Instant::now();
    let answer = client.run(RECALL, json!({ "ws": workspace, "q": question })).await?;
    teller.say("recall", format!("{question} ({} ms)", started.elapsed().as_millis()));
    for hit in answer.pointer("/workspace/recall/hits").and_then(Value::as_array).into_iter().flatten() {
        let score = hit["score"].as_f64().unwrap_or_default();
        let collection = hit["item"]["collection"].as_str().unwrap_or("-");
        teller.more(format!("{score:.2}  {}  [{collection}]", brief(&text(hit, "/item/text")?, 90)));
    }
    Ok(())
}

async fn coach(
    client: &Client,
    teller: &Teller,
    workspace: &str,
    messages: &[&str],
) -> Result<(), ClientError> {
    let session = text(
        &client.run(START_SESSION, json!({ "ws": workspace })).await?,
        "/startCoachingSession/session/id",
    )?;
    teller.say("session", &session);
    let mut events = client.subscribe(COACHING, json!({ "s": session })).await?;
    for message in messages {
        teller.say("you", message);
        let sent = Instant::now();
        client.run(SEND, json!({ "s": session, "text": message })).await?;
        let mut first = None;
        loop {
            let event = events.next().await?.ok_or_else(|| ClientError::Missing("end of the turn".into()))?;
            let event = &event["coachingEvents"];
            match event["__typename"].as_str() {
                Some("TurnSnapshot" | "TurnDelta") => {
                    let part = text(event, "/text")?;
                    if first.is_none() && !part.is_empty() {
                        first = Some(sent.elapsed());
                        print!("{:>7.2} s  {:<9}  ", teller.start.elapsed().as_secs_f64(), "coach");
                    }
                    print!("{}", part.replace('\n', &format!("\n{:>22}", "")));
                    let _ = io::stdout().flush();
                }
                Some("TurnCompleted") => {
                    println!();
                    tell_citations(teller, &event["turn"]["reply"]);
                    let first = first.unwrap_or_default().as_millis();
                    teller.more(format!(
                        "first words after {first} ms, all after {} ms",
                        sent.elapsed().as_millis()
                    ));
                    break;
                }
                Some("TurnFailed" | "TurnInterrupted" | "TurnIncomplete") => {
                    return Err(ClientError::Refused(event.to_string()));
                }
                _ => {}
            }
        }
    }
    let ended = client.run(END_SESSION, json!({ "s": session })).await?;
    if let Ok(summary) = text(&ended, "/endCoachingSession/session/summary/text") {
        teller.say("summary", brief(&summary, 200));
    }
    Ok(())
}

fn tell_citations(teller: &Teller, reply: &Value) {
    for citation in reply["citations"].as_array().into_iter().flatten() {
        let quote = citation["quote"].as_str().unwrap_or_default();
        let source = citation.pointer("/memory/collection").and_then(Value::as_str).unwrap_or("a memory");
        teller.more(format!("cites “{}” [{source}]", brief(quote, 80)));
    }
}

async fn review(client: &Client, teller: &Teller, workspace: &str) -> Result<(), ClientError> {
    let workflow = workflow(client, teller, workspace).await?;
    let started = client.run(START_RUN, json!({ "w": workflow, "topic": "finished this week" })).await?;
    let run = text(&started, "/startRun/run/id")?;
    teller.say("run", &run);
    let mut events = client.subscribe(RUN, json!({ "r": run })).await?;
    while let Some(event) = events.next().await? {
        let event = &event["runEvents"];
        match event["__typename"].as_str() {
            Some("StepCompleted") => {
                teller.say("step", format!("{} completed", text(event, "/step/key")?));
                if let Some(words) = event.pointer("/step/output/text").and_then(Value::as_str) {
                    teller.more(brief(words, 300));
                }
            }
            Some("ApprovalRequested") => {
                teller.say("approval", format!("“{}”: approved", text(event, "/approval/title")?));
                client.run(DECIDE, json!({ "a": text(event, "/approval/id")? })).await?;
            }
            Some("RunCompleted") => {
                teller.say("run", "completed; the review is a memory now");
                return Ok(());
            }
            Some("RunFailed") => return Err(ClientError::Refused(event.to_string())),
            _ => {}
        }
    }
    Err(ClientError::Missing("end of the run".into()))
}

/// The published workflow: made now, or by an earlier demo.
async fn workflow(client: &Client, teller: &Teller, workspace: &str) -> Result<String, ClientError> {
    let known = client.run(WORKFLOWS, json!({ "ws": workspace })).await?;
    let known =
        known.pointer("/workspace/workflows/nodes").and_then(Value::as_array).cloned().unwrap_or_default();
    let found = known.iter().find(|workflow| workflow["slug"] == "weekly-review");
    let workflow = match found {
        Some(workflow) => text(workflow, "/id")?,
        None => text(
            &client.run(CREATE_WORKFLOW, json!({ "ws": workspace })).await?,
            "/createWorkflow/workflow/id",
        )?,
    };
    if found.is_none_or(|workflow| workflow["publishedVersion"].is_null()) {
        let published = client.run(PUBLISH, json!({ "w": workflow })).await?;
        teller.say("publish", format!("version {}", published["publishWorkflow"]["version"]["number"]));
    }
    Ok(workflow)
}

/// On one line, cut at a word.
fn brief(text: &str, max: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= max {
        return line;
    }
    let cut: String = line.chars().take(max).collect();
    format!("{}…", cut.rsplit_once(' ').map_or(cut.as_str(), |(whole, _)| whole))
}
