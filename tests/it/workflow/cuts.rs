//! A property of `runEvents`: whoever is cut off at random, and resumes from the last cursor that it has, sees each
//! event once and in order, whatever else is written to the workspace meanwhile.
use super::{DECIDE, START, publish};
use crate::{
    contract::operations,
    on_both,
    support::{Dice, TestApp, text, with_seeds},
};
use aifirst::event::Cursor;
use futures_util::future::join_all;
use serde_json::{Value, json};

/// Only what is the same whenever it is read.
const STREAM: &str = "subscription($r: ID!, $after: Cursor) { runEvents(runId: $r, after: $after) { __typename cursor at
    ... on StepStarted { step { key status attempt } } ... on StepCompleted { step { key status attempt output } }
    ... on StepSkipped { step { key status } } ... on StepFailed { step { key attempt } error { code message } }
    ... on StepWaiting { step { key status attempt } until }
    ... on StepRetryScheduled { step { key attempt } error { code message } nextAttemptAt }
    ... on ApprovalRequested { approval { id title } } ... on ApprovalDecided { approval { id } approved } } }";
const CURSOR: &str = "query($r: ID!) { node(id: $r) { ... on Run { status cursor } } }";
const ROUNDS: u64 = 3;
const RUNS: usize = 4;

fn position(cursor: &Value) -> i64 {
    Cursor::decode(cursor.as_str().unwrap()).unwrap().position
}

/// All kinds of events; a run ends by itself, by a failure or by a cancellation, as its input says.
fn steps() -> Value {
    let retry = json!({ "maxAttempts": 3, "initialDelay": "PT0.02S" });
    json!([
        { "key": "notes", "action": { "memoryRecall": { "query": "owl" } } },
        { "key": "draft", "after": ["notes"], "action": { "llm": { "prompt": "Notes: {{ steps.notes.output }}" } } },
        { "key": "never", "when": "false", "action": { "transform": { "expression": "1" } } },
        { "key": "pause", "action": { "wait": { "for": "PT0.04S" } } },
        { "key": "ok", "after": ["draft", "pause", "never"], "action": { "approval": { "title": "Well?" } } },
        { "key": "keep", "after": ["ok"], "action": { "memoryWrite": { "text": "kept" } } },
        { "key": "fail", "after": ["keep"], "when": "input.fails", "retry": retry,
          "action": { "llm": { "prompt": "One. Two.", "outputSchema": {} } } },
    ])
}

/// Follows a run, and is cut off again and again: after some events, or in the middle of whatever comes.
async fn follow(app: &TestApp, run: &str, from: Option<Value>, mut dice: Dice) -> Vec<Value> {
    let mut last = from.unwrap_or_default();
    let mut seen: Vec<Value> = vec![];
    loop {
        let mut stream = app.subscribe(&app.owner, STREAM, json!({ "r": run, "after": last })).await;
        let wanted = dice.throw(5);
        if wanted == 0 {
            // What was sent and not read is lost.
            dice.pause(12).await;
        }
        for _ in 0..wanted {
            let Some(event) = stream.next().await else { return seen };
            last = event["runEvents"]["cursor"].clone();
            seen.push(event["runEvents"].clone());
        }
    }
}

/// Carries the run over its approval and watches it without a cut.
async fn accompany(app: &TestApp, run: &str, cancels: bool) -> Vec<Value> {
    let mut stream = app.subscribe(&app.owner, STREAM, json!({ "r": run })).await;
    let mut seen = vec![];
    while let Some(event) = stream.next().await {
        let event = event["runEvents"].clone();
        if event["__typename"] == "ApprovalRequested" {
            let approval = &event["approval"]["id"];
            if cancels {
                app.ok(&app.owner, operations()["Cancel"], json!({ "r": run })).await;
            } else {
                app.ok(&app.owner, DECIDE, json!({ "a": approval, "d": "REJECT" })).await;
            }
        }
        seen.push(event);
    }
    seen
}

/// Writes to the workspace's log for as long as it is let.
async fn write(app: &TestApp, workflow: &str, mut dice: Dice) {
    let remember = "mutation($ws: ID!, $text: String!) { remember(input: {workspaceId: $ws, text: $text}) { memory { id } } }";
    loop {
        dice.pause(20).await;
        if dice.throw(4) == 0 {
            let input = json!({ "workflowId": workflow, "input": { "fails": false } });
            app.ok(&app.owner, START, json!({ "input": input })).await;
        } else {
            app.ok(&app.owner, remember, json!({ "ws": app.workspace, "text": "an owl" })).await;
        }
    }
}

async fn play(app: &TestApp, workflow: &str, number: usize, seed: u64) {
    let mut dice = Dice::new(seed ^ (number as u64) << 32);
    dice.pause(60).await;
    let input = json!({ "workflowId": workflow, "input": { "fails": number.is_multiple_of(3) } });
    let started = app.ok(&app.owner, START, json!({ "input": input })).await;
    let run = text(&started, "/startRun/run/id");
    let (first, second, mut third) = (dice.split(), dice.split(), dice.split());
    let query_then_follow = async {
        third.pause(80).await;
        let asked = app.ok(&app.owner, CURSOR, json!({ "r": run })).await["node"]["cursor"].clone();
        (asked.clone(), follow(app, &run, Some(asked), third).await)
    };
    let (whole, first, second, (asked, rest)) = tokio::join!(
        accompany(app, &run, number % 3 == 1),
        follow(app, &run, None, first),
        follow(app, &run, None, second),
        query_then_follow,
    );
    let mut stream = app.subscribe(&app.owner, STREAM, json!({ "r": run })).await;
    let mut replay = vec![];
    while let Some(event) = stream.next().await {
        replay.push(event["runEvents"].clone());
    }
    let end = ["RunFailed", "RunCancelled", "RunCompleted"][number % 3];
    assert_eq!(replay.last().unwrap()["__typename"], end, "{replay:#?}");
    assert!(replay.len() >= 12, "{replay:#?}");
    assert!(replay.is_sorted_by(|a, b| position(&a["cursor"]) < position(&b["cursor"])), "{replay:#?}");
    for seen in [whole, first, second] {
        assert_eq!(seen, replay);
    }
    let after = replay.iter().filter(|event| position(&event["cursor"]) > position(&asked));
    assert_eq!(rest.iter().collect::<Vec<_>>(), after.collect::<Vec<_>>(), "from the cursor of the query on");
}

async fn round(app: &TestApp, workflow: &str, seed: u64) {
    let runs = join_all((0..RUNS).map(|number| play(app, workflow, number, seed)));
    let writers = join_all((1..=2).map(|number| write(app, workflow, Dice::new(!seed ^ number))));
    tokio::select! {
        _ = runs => {}
        _ = writers => {}
    }
}

on_both! {
    async fn no_cut_of_a_stream_makes_a_gap_or_a_double(app: TestApp) {
        let workflow = publish(&app, steps()).await;
        with_seeds(ROUNDS, async |seed| round(&app, &workflow, seed).await).await;
    }
}
