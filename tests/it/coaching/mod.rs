//! What coaching promises its clients.
mod access;
mod action_items;
mod batching;
mod crash;
mod cuts;
mod forgetting;
mod grounding;
mod input;
mod queue;
pub(crate) mod reader;
mod streaming;

use crate::support::{Client, Database, Person, Subscription, TestApp, text};
use aifirst::shared::Ambient;
use reader::Reader;
use serde_json::{Value, json};

const START: &str =
    "mutation Start($input: StartCoachingSessionInput!) { startCoachingSession(input: $input) {
    session { id topic status goal { id } } userErrors { code field message } } }";
const SEND: &str = "mutation Send($input: SendMessageInput!) { sendMessage(input: $input) {
    message { id role text status } turn { id status } userErrors { code field message } } }";
const INTERRUPT: &str = "mutation Interrupt($turn: ID!) { interruptTurn(input: {turnId: $turn}) {
    turn { id status startedAt finishedAt reply { id text status stopReason } } userErrors { code } } }";
const END: &str = "mutation End($s: ID!) { endCoachingSession(input: {sessionId: $s}) {
    session { id status summary { text } } userErrors { code field } } }";
const GOAL: &str = "mutation Goal($input: CreateGoalInput!) { createGoal(input: $input) {
    goal { id title } userErrors { code field message } } }";
const MESSAGES: &str = "query Messages($s: ID!) { node(id: $s) { ... on CoachingSession { status
    messages(first: 100) { nodes { id role text status stopReason citations { quote start end memory { id text } } } } } } }";
const EVENTS: &str =
    "subscription Events($s: ID!, $after: Cursor) { coachingEvents(sessionId: $s, after: $after) {
    __typename cursor at
    ... on SessionStarted { session { id } }
    ... on TurnQueued { turn { ...T } } ... on TurnStarted { turn { ...T } }
    ... on TurnSnapshot { turn { id status } text offset } ... on TurnDelta { turn { id status } text offset }
    ... on TurnCompleted { turn { ...T } } ... on TurnInterrupted { turn { ...T } reason }
    ... on TurnIncomplete { turn { ...T } reason } ... on TurnFailed { turn { ...T } reason }
    ... on SessionEnded { session { id status } } } }
    fragment T on Turn { id status message { id text } reply { id text status stopReason
        usage { inputTokens outputTokens } citations { quote start end memory { id text } } } }";

/// A server whose coach waits so long between two words.
async fn at_pace(database: Database, milliseconds: u32) -> TestApp {
    let settings = format!("gateway.builtin.pace_milliseconds = {milliseconds}");
    TestApp::start_with(database, &settings, Ambient::system()).await
}

/// `startCoachingSession` with any input; the workspace is added.
async fn start_with(app: &TestApp, person: &Person, mut input: Value) -> Value {
    input["workspaceId"] = json!(app.workspace);
    app.ok(person, START, json!({ "input": input })).await["startCoachingSession"].clone()
}

/// The id of a new session of the owner's.
pub(crate) async fn start(app: &TestApp) -> String {
    text(&start_with(app, &app.owner, json!({ "topic": "My week" })).await, "/session/id")
}

/// `sendMessage` by the owner, with more of its input.
async fn send_with(app: &TestApp, session: &str, said: &str, mut input: Value) -> Value {
    input["sessionId"] = json!(session);
    input["text"] = json!(said);
    app.ok(&app.owner, SEND, json!({ "input": input })).await["sendMessage"].clone()
}

/// The id of the turn in which the message is answered.
pub(crate) async fn send(app: &TestApp, session: &str, said: &str) -> String {
    text(&send_with(app, session, said, json!({})).await, "/turn/id")
}

pub(crate) async fn interrupt(app: &TestApp, turn: &str) -> Value {
    app.ok(&app.owner, INTERRUPT, json!({ "turn": turn })).await["interruptTurn"]["turn"].clone()
}

pub(crate) async fn messages(app: &TestApp, session: &str) -> Vec<Value> {
    let data = app.ok(&app.owner, MESSAGES, json!({ "s": session })).await;
    data["node"]["messages"]["nodes"].as_array().unwrap().clone()
}

pub(crate) async fn follow(app: &TestApp, session: &str, after: Option<&Value>) -> Subscription {
    app.subscribe(&app.owner, EVENTS, json!({ "s": session, "after": after })).await
}

async fn follow_at(client: &Client, session: &str, after: Option<&Value>) -> Subscription {
    client.subscribe(EVENTS, json!({ "s": session, "after": after })).await
}

/// The memory's id.
async fn remember(app: &TestApp, said: &str) -> String {
    let document = "mutation($ws: ID!, $text: String!) { remember(input: {workspaceId: $ws, text: $text}) {
        memory { id } } }";
    let data = app.ok(&app.owner, document, json!({ "ws": app.workspace, "text": said })).await;
    text(&data, "/remember/memory/id")
}

async fn forget(app: &TestApp, memory: &str) -> Value {
    let document = "mutation($id: ID!) { forgetMemory(input: {memoryId: $id}) {
        receipt { erased { kind count } } } }";
    app.ok(&app.owner, document, json!({ "id": memory })).await["forgetMemory"]["receipt"].clone()
}

/// Reads on until the turn is over; its last event.
pub(crate) async fn until_over(events: &mut Subscription, reader: &mut Reader, turn: &str) -> Value {
    reader.read_until(events, |event| reader::is_end(event) && event["turn"]["id"] == turn).await
}

/// What the coach replies in a session that is otherwise still.
pub(crate) async fn say(app: &TestApp, session: &str, said: &str) -> String {
    text(&answer(app, session, said).await, "/turn/reply/text")
}

/// What came of a message in a session that is otherwise still.
async fn answer(app: &TestApp, session: &str, said: &str) -> Value {
    let (mut events, mut reader) = (follow(app, session, None).await, Reader::default());
    let turn = send(app, session, said).await;
    until_over(&mut events, &mut reader, &turn).await
}

fn problem(payload: &Value) -> (String, String) {
    (text(payload, "/userErrors/0/code"), text(payload, "/userErrors/0/field"))
}
