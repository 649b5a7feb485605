//! What a request causes belongs to its trace: W3C Trace Context, from whoever asks to whoever answers.
use super::route;
use crate::{
    coaching,
    gateway::guarded::remember,
    on_both,
    support::{
        PATIENCE, Socket, TestApp,
        fake::{Fake, Format, Piece, Reason, Script},
        text,
    },
    workflow,
};
use aifirst::shared::Ambient;
use serde_json::{Value, json};
use std::{
    collections::{BTreeSet, HashSet},
    time::{Duration, Instant},
};

const SEND: &str =
    "mutation($s: ID!) { sendMessage(input: {sessionId: $s, text: \"Shall I go?\"}) { turn { id } } }";
const START: &str = "mutation($w: ID!) { startRun(input: {workflowId: $w, input: {}}) { run { id } } }";
const CALLS: &str =
    "query($ws: ID!, $filter: LlmCallFilter) { workspace(id: $ws) { llmCalls(first: 50, filter: $filter) {
    nodes { id routeName traceId } } } }";
/// The span that a client asks from.
const SPAN: &str = "b7ad6b7169203331";

/// A trace of a client's.
fn trace(n: u128) -> String {
    format!("{:032x}", 0x0af7_6519_16cd_43dd_8448_eb21_1c80_0000 + n)
}

fn traceparent(n: u128) -> String {
    format!("00-{}-{SPAN}-01", trace(n))
}

/// One operation by HTTP, with these headers.
async fn post(app: &TestApp, traceparents: &[&str], document: &str, variables: Value) -> Value {
    let request = app.http.post(app.url()).bearer_auth(&app.owner.token);
    let request = traceparents.iter().fold(request, |request, header| request.header("traceparent", *header));
    let response = request.json(&json!({ "query": document, "variables": variables })).send().await.unwrap();
    let answer: Value = response.json().await.unwrap();
    assert!(answer.get("errors").is_none(), "{answer:#}");
    answer
}

/// One operation on a socket.
async fn say(socket: &mut Socket, id: &str, document: &str, variables: Value) {
    let payload = json!({ "query": document, "variables": variables });
    socket.send(json!({ "type": "subscribe", "id": id, "payload": payload })).await;
    let next = socket.receive().await.unwrap();
    assert!(next["type"] == "next" && next["payload"].get("errors").is_none(), "{next:#}");
    assert_eq!(socket.receive().await.unwrap()["type"], "complete");
}

/// The calls, once there are so many.
async fn calls(app: &TestApp, filter: Value, count: usize) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let data = app.ok(&app.owner, CALLS, json!({ "ws": app.workspace, "filter": filter })).await;
        let calls = data["workspace"]["llmCalls"]["nodes"].as_array().unwrap().clone();
        assert!(calls.len() <= count, "more than {count}: {calls:#?}");
        if calls.len() == count {
            return calls;
        }
        assert!(begun.elapsed() < PATIENCE, "{count} calls do not come: {calls:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The trace of the only call along this route, once it is listed.
async fn trace_of(app: &TestApp, route: &str) -> String {
    text(&calls(app, json!({ "route": route }), 1).await[0], "/traceId")
}

/// A workflow that asks along this route.
async fn asks(app: &TestApp, route: &str) -> String {
    let steps = json!([{ "key": "ask", "action": { "llm": { "route": route, "prompt": "Go?" } } }]);
    workflow::publish_named(app, route, steps).await
}

/// Routes of these names to one model.
fn routes(names: &[&str]) -> String {
    names.iter().map(|name| route(name, &[("a", "one")], "")).collect()
}

on_both! {
    async fn what_a_request_causes_is_in_its_trace_as_far_as_the_provider(database: Database) {
        let mut fakes = vec![];
        for format in Format::ALL {
            let fake = Fake::start(format).await;
            fake.says("one", Script::refusal(500, json!({})));
            fakes.push(fake);
        }
        let last = fakes.last().unwrap();
        last.says("one", Script::answer(["Go."]));
        let targets: Vec<_> = fakes.iter().map(|fake| (fake.format.kind(), "one")).collect();
        let mut settings: String = fakes.iter().map(|fake| fake.settings(fake.format.kind())).collect();
        for name in ["default", "by-http", "by-socket"] {
            settings += &route(name, &targets, "");
        }
        let app = TestApp::start_with(database, &settings, Ambient::system()).await;
        let (by_http, by_socket) = (asks(&app, "by-http").await, asks(&app, "by-socket").await);
        let sessions = [coaching::start(&app).await, coaching::start(&app).await];

        post(&app, &[&traceparent(1)], SEND, json!({ "s": sessions[0] })).await;
        post(&app, &[&traceparent(2)], START, json!({ "w": by_http })).await;
        let mut socket = Socket::connect_in(&app.url(), Some(&app.owner.token), Some(&traceparent(3))).await;
        say(&mut socket, "1", SEND, json!({ "s": sessions[1] })).await;
        say(&mut socket, "2", START, json!({ "w": by_socket })).await;

        let routes = async |n: u128, count| -> BTreeSet<String> {
            let found = calls(&app, json!({ "traceId": trace(n) }), count).await;
            assert!(found.iter().all(|call| call["traceId"] == trace(n)), "{found:#?}");
            found.iter().map(|call| text(call, "/routeName")).collect()
        };
        assert_eq!(routes(1, 1).await, ["default".into()].into());
        assert_eq!(routes(2, 1).await, ["by-http".into()].into());
        assert_eq!(routes(3, 2).await, ["default".into(), "by-socket".into()].into());
        assert_eq!(calls(&app, json!({}), 4).await.len(), 4);

        // Each attempt of each call told its provider so, under a name of its own.
        let mut spans = HashSet::from([SPAN.to_owned()]);
        for fake in &fakes {
            let mut traces = vec![];
            for asked in fake.asked("one") {
                let header = asked.header("traceparent").unwrap().to_owned();
                let [version, trace, span, flags] = header.split('-').collect::<Vec<_>>()[..] else { panic!("{header}") };
                assert_eq!((version, span.len(), flags), ("00", 16, "01"), "{header}");
                assert!(spans.insert(span.to_owned()), "{header}: twice");
                traces.push(trace.to_owned());
            }
            traces.sort_unstable();
            assert_eq!(traces, [trace(1), trace(2), trace(3), trace(3)], "{:?}", fake.format);
        }
    }
}

on_both! {
    async fn an_answer_and_what_a_coach_starts_are_in_the_trace_of_the_request(database: Database) {
        let fake = Fake::start(Format::OpenAi).await;
        let starts = Piece::Tool { name: "start_workflow".into(), arguments: json!({ "workflow": "step" }) };
        fake.says_in_turn("coach", vec![Script::texts([]).then(starts).then(Piece::End(Reason::Tool)), Script::answer(["Done."])]);
        let settings = "coaching.tools = ['start_workflow']\n".to_owned()
            + &fake.settings("a")
            + &route("default", &[("a", "coach")], "")
            + &routes(&["step", "answers"]);
        let app = TestApp::start_with(database, &settings, Ambient::system()).await;
        asks(&app, "step").await;
        let session = coaching::start(&app).await;
        post(&app, &[&traceparent(1)], SEND, json!({ "s": session })).await;
        let found = calls(&app, json!({ "traceId": trace(1) }), 3).await;
        let mut names: Vec<_> = found.iter().map(|call| text(call, "/routeName")).collect();
        names.sort_unstable();
        assert_eq!(names, ["default", "default", "step"], "the coach, the run that it started, and the coach again");

        remember(&app, "The violin teacher is Ana", "ALLOWED").await;
        let answer = "query($ws: ID!) { workspace(id: $ws) { answer(input: {question: \"Who is the violin teacher?\",
            route: \"answers\"}) { abstained } } }";
        post(&app, &[&traceparent(2)], answer, json!({ "ws": app.workspace })).await;
        assert_eq!(calls(&app, json!({ "traceId": trace(2) }), 1).await[0]["routeName"], "answers");
    }
}

on_both! {
    async fn what_is_no_traceparent_is_ignored_and_each_request_has_a_trace_of_its_own(database: Database) {
        let fake = Fake::start(Format::OpenAi).await;
        let names: Vec<String> = (0..10).map(|n| format!("r{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let app = TestApp::start_with(database, &(fake.settings("a") + &routes(&names)), Ambient::system()).await;
        let mut workflows = vec![];
        for name in &names {
            workflows.push(json!({ "w": asks(&app, name).await }));
        }
        let good = traceparent(0);
        let upper = good.to_uppercase();
        let later = good.replacen("00", "cc", 1) + "-of-a-later-version";
        let bad: [&[&str]; 7] = [
            &[],
            &["hello"],
            &[&upper],
            &[&good, &good],
            &[&good[..54]],
            &[&format!("00-{:032}-{SPAN}-01", 0)],
            &[&format!("00-{}-{:016}-01", trace(0), 0)],
        ];
        let mut traces = HashSet::from([trace(0)]);
        for (n, headers) in bad.into_iter().enumerate() {
            post(&app, headers, START, workflows[n].clone()).await;
            let id = trace_of(&app, names[n]).await;
            assert!(id.len() == 32 && id.bytes().all(|byte| b"0123456789abcdef".contains(&byte)), "{id}");
            assert!(traces.insert(id), "{headers:?} is continued");
        }
        post(&app, &[&later], START, workflows[7].clone()).await;
        assert_eq!(trace_of(&app, names[7]).await, trace(0));
        // Each operation of a socket that continues nothing is a request.
        let mut socket = app.socket(&app.owner).await;
        for n in [8, 9] {
            say(&mut socket, names[n], START, workflows[n].clone()).await;
            assert!(traces.insert(trace_of(&app, names[n]).await), "one of its own");
        }
        // One request that causes two things.
        let both = "mutation($w: ID!, $v: ID!) { one: startRun(input: {workflowId: $w, input: {}}) { run { id } }
            two: startRun(input: {workflowId: $v, input: {}}) { run { id } } }";
        post(&app, &[], both, json!({ "w": workflows[0]["w"], "v": workflows[1]["w"] })).await;
        let latest = calls(&app, json!({}), 12).await[..2].to_vec();
        let of_both: HashSet<_> = latest.iter().map(|call| text(call, "/traceId")).collect();
        assert_eq!(of_both.len(), 1);
        assert!(of_both.is_disjoint(&traces));

        for bad in ["", "x", &trace(0)[1..], &trace(0).to_uppercase(), &"0".repeat(32), &"f".repeat(100_000)] {
            let filter = json!({ "ws": app.workspace, "filter": { "traceId": bad } });
            assert_eq!(app.code(&app.owner, CALLS, filter).await, "BAD_USER_INPUT");
        }
    }
}

on_both! {
    async fn what_waits_is_in_its_trace_after_the_server_was_started_again(database: Database) {
        let fake = Fake::start(Format::OpenAi).await;
        let settings = fake.settings("a") + &routes(&["default", "step"]);
        let app = TestApp::start_with(database, &("serve.work = false\n".to_owned() + &settings), Ambient::system()).await;
        let (workflow, session) = (asks(&app, "step").await, coaching::start(&app).await);
        post(&app, &[&traceparent(1)], SEND, json!({ "s": session })).await;
        post(&app, &[&traceparent(2)], START, json!({ "w": workflow })).await;
        let app = app.restart_with(&settings, Ambient::system()).await;
        assert_eq!((trace_of(&app, "default").await, trace_of(&app, "step").await), (trace(1), trace(2)));
    }
}
