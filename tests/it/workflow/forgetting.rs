//! A memory that is forgotten goes from the runs that read it, too.
use super::{DECIDE, ENDS, events, of_type, publish, start, state, statuses};
use crate::{
    on_both,
    support::{TestApp, text},
};
use aifirst::gateway::{FinishReason, ModelCall, Provider, ProviderEvent, ProviderStream};
use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, Database as Connector, Statement};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

const FORGET: &str = "mutation($id: ID!) { forgetMemory(input: {memoryId: $id}) {
    receipt { erased { kind count } } userErrors { code field message } } }";
const REMEMBER: &str = "mutation($ws: ID!, $text: String!) { remember(input: {workspaceId: $ws, text: $text, scope: WORKSPACE}) { memory { id } } }";

/// A word that is in nothing else.
const CANARY: &str = "zyxwvowl";

async fn remember(app: &TestApp, memory: &str) -> String {
    let remembered = app.ok(&app.owner, REMEMBER, json!({ "ws": app.workspace, "text": memory })).await;
    text(&remembered, "/remember/memory/id")
}

async fn forget(app: &TestApp, memory: &str) -> Value {
    let forgotten = app.ok(&app.owner, FORGET, json!({ "id": memory })).await;
    assert!(forgotten["forgetMemory"]["receipt"].is_object(), "{forgotten:#}");
    forgotten["forgetMemory"]["receipt"]["erased"].clone()
}

/// The best alone: by their meaning others may be found, too.
fn best(query: &str) -> Value {
    json!({ "memoryRecall": { "query": query, "limit": 1 } })
}

fn recall(query: &str) -> Value {
    json!({ "memoryRecall": { "query": query, "limit": 100 } })
}

on_both! {
    async fn forgetting_a_memory_empties_what_runs_made_of_it(app: TestApp) {
        let steps = json!([
            { "key": "notes", "action": best("{{ input.about }}") },
            { "key": "draft", "after": ["notes"], "action": { "llm": { "prompt": "Sum up: {{ steps.notes.output }}" } } },
            { "key": "ok", "after": ["draft"], "action": { "approval": { "title": "{{ steps.notes.output.memories[0].text }}?" } } },
            { "key": "told", "after": ["ok"], "action": { "transform": { "expression": "steps.draft.output.text" } } },
        ]);
        let workflow = publish(&app, steps).await;
        let canary = remember(&app, &format!("The {CANARY} sings on Monday.")).await;
        remember(&app, "The printer's invoice was paid late.").await;
        let play = async |about: &str| {
            let run = start(&app, &workflow, json!({ "about": about })).await;
            let asked = events(&app, &run, &["ApprovalRequested"]).await;
            let approval = text(asked.last().unwrap(), "/approval/id");
            app.ok(&app.owner, DECIDE, json!({ "a": approval, "d": "APPROVE" })).await;
            events(&app, &run, ENDS).await;
            run
        };
        // The words of the queries are kept as the client gave them: another word finds the canary.
        let (run, other) = (play("Monday").await, play("invoice").await);
        assert!(state(&app, &run).await.to_string().contains(CANARY));
        assert!(!app.columns_with(CANARY).await.is_empty(), "the test looks where the text is");
        let untouched = state(&app, &other).await;

        let erased = forget(&app, &canary).await;
        assert!(erased.as_array().unwrap().contains(&json!({ "kind": "STEP_OUTPUT", "count": 4 })), "{erased:#}");
        assert_eq!(app.columns_with(CANARY).await, [""; 0]);
        let after = state(&app, &run).await;
        assert_eq!((&after["status"], &after["output"]), (&json!("COMPLETED"), &Value::Null));
        let outputs = after["steps"]["nodes"].as_array().unwrap().iter().all(|step| step["output"].is_null());
        assert!(outputs, "{after:#}");
        let replayed = events(&app, &run, ENDS).await;
        assert!(!json!(replayed).to_string().contains(CANARY), "{replayed:#?}");
        let without = |mut state: Value| {
            state["cursor"].take();
            state
        };
        assert_eq!(without(state(&app, &other).await), without(untouched));
    }
}

on_both! {
    async fn what_runs_wrote_from_a_memory_goes_with_it_and_so_does_what_others_made_of_that(app: TestApp) {
        let chain = async |query: &str, scope: &str| {
            let steps = json!([
                { "key": "notes", "action": best(query) },
                { "key": "keep", "after": ["notes"], "action": { "memoryWrite": {
                    "scope": scope, "text": "Copied: {{ steps.notes.output.memories[0].text }}" } } },
            ]);
            let workflow = publish(&app, steps).await;
            let run = start(&app, &workflow, json!({})).await;
            let ended = events(&app, &run, ENDS).await;
            assert_eq!(ended.last().unwrap()["__typename"], "RunCompleted", "{ended:#?}");
        };
        let canary = remember(&app, &format!("The {CANARY} sings on Monday.")).await;
        chain("Monday", "WORKSPACE").await;
        // One that has nothing to do with it.
        remember(&app, "The printer's invoice was paid late.").await;
        chain("copied", "USER").await;
        chain("invoice", "USER").await;
        assert!(!app.columns_with(CANARY).await.is_empty(), "the test looks where the text is");

        let erased = forget(&app, &canary).await;
        assert!(erased.as_array().unwrap().contains(&json!({ "kind": "DERIVED_MEMORY", "count": 2 })), "{erased:#}");
        assert_eq!(app.columns_with(CANARY).await, [""; 0]);
        let kept = "query($ws: ID!) { workspace(id: $ws) { memories { nodes { text } } } }";
        let kept = app.ok(&app.owner, kept, json!({ "ws": app.workspace })).await;
        assert_eq!(kept["workspace"]["memories"]["nodes"].as_array().unwrap().len(), 2, "{kept:#}");
    }
}

/// Repeats what it is asked, once it may.
#[derive(Debug)]
struct Echo {
    asked: Semaphore,
    may_answer: Arc<Semaphore>,
}

#[derive(Clone, Debug)]
struct Shared(Arc<Echo>);

impl Provider for Shared {
    fn chat(&self, call: ModelCall) -> ProviderStream {
        self.0.asked.add_permits(1);
        let may_answer = self.0.may_answer.clone();
        Box::pin(async_stream::stream! {
            may_answer.acquire().await.unwrap().forget();
            yield Ok(ProviderEvent::Delta { text: call.request.messages[0].text.clone() });
            yield Ok(ProviderEvent::Finished { reason: FinishReason::EndOfTurn, usage: None });
        })
    }
}

on_both! {
    async fn an_answer_under_way_to_a_memory_that_was_forgotten_meanwhile_is_dropped(database: Database) {
        let model = Shared(Arc::new(Echo { asked: Semaphore::new(0), may_answer: Arc::new(Semaphore::new(0)) }));
        let app = TestApp::start_with_model(database, Arc::new(model.clone())).await;
        let steps = json!([
            { "key": "notes", "action": recall("Monday") },
            { "key": "draft", "after": ["notes"], "action": { "llm": { "prompt": "Sum up: {{ steps.notes.output }}" } } },
            { "key": "keep", "after": ["draft"], "action": { "memoryWrite": { "text": "Kept: {{ steps.draft.output.text }}" } } },
        ]);
        let workflow = publish(&app, steps).await;
        let canary = remember(&app, &format!("The {CANARY} sings on Monday.")).await;
        let run = start(&app, &workflow, json!({})).await;
        model.0.asked.acquire().await.unwrap().forget();
        forget(&app, &canary).await;
        model.0.may_answer.add_permits(10);
        let ended = events(&app, &run, ENDS).await;
        assert_eq!(ended.last().unwrap()["__typename"], "RunCompleted", "{ended:#?}");
        assert_eq!(app.columns_with(CANARY).await, [""; 0]);
        let asked = of_type(&ended, "StepStarted").into_iter().filter(|event| event["step"]["key"] == "draft").count();
        assert_eq!(asked, 2, "asked anew, without it: {ended:#?}");
    }
}

on_both! {
    async fn a_memory_that_goes_while_runs_read_it_is_in_none_of_them(app: TestApp) {
        let steps = json!([
            { "key": "notes", "action": recall("Monday") },
            { "key": "copy", "after": ["notes"], "action": { "transform": { "expression": "steps.notes.output.memories.map(m, m.text)" } } },
        ]);
        let workflow = publish(&app, steps).await;
        for round in 0..8 {
            let memory = remember(&app, &format!("The {CANARY} sings on Monday.")).await;
            let forget = async {
                tokio::time::sleep(Duration::from_millis(3 * round)).await;
                forget(&app, &memory).await;
            };
            let runs = join_all((0..6).map(|_| async {
                let run = start(&app, &workflow, json!({})).await;
                let ended = events(&app, &run, ENDS).await;
                assert_eq!(ended.last().unwrap()["__typename"], "RunCompleted", "{ended:#?}");
            }));
            tokio::join!(forget, runs);
            assert_eq!(app.columns_with(CANARY).await, [""; 0], "round {round}");
        }
    }
}

/// Runs that read all memories, then write some of their own, again and again, in both orders of their scopes.
fn writers(first: &str, second: &str) -> Value {
    let mut steps = vec![json!({ "key": "notes", "action": recall("owl") })];
    let mut last = "notes".to_owned();
    for n in 0..12 {
        let (pause, keep, also) = (format!("pause{n}"), format!("keep{n}"), format!("also{n}"));
        let write = |scope: &str| json!({ "memoryWrite": { "text": "{{ input.n }}", "scope": scope } });
        steps.push(json!({ "key": pause, "after": [last], "action": { "wait": { "for": "PT0.02S" } } }));
        steps.push(json!({ "key": keep, "after": [pause], "action": write(first) }));
        steps.push(json!({ "key": also, "after": [keep], "action": write(second) }));
        last = also;
    }
    json!(steps)
}

on_both! {
    async fn forgetting_what_runs_read_while_they_write_memories_is_no_deadlock(database: Database) {
        let owned = TestApp::start(database).await;
        let app = &owned;
        let memories = join_all((0..16).map(|n| async move { remember(app, &format!("owl {n}")).await })).await;
        let workflows = [publish(app, writers("USER", "WORKSPACE")).await, publish(app, writers("WORKSPACE", "USER")).await];
        let runs = join_all((0..10).map(|n| start(app, &workflows[n % 2], json!({ "n": n })))).await;
        // All have read before the first memory goes.
        for run in &runs {
            events(app, run, &["StepCompleted"]).await;
        }
        let forgets = async {
            for pair in memories.chunks(2) {
                join_all(pair.iter().map(|memory| forget(app, memory))).await;
            }
        };
        let ends = join_all(runs.iter().map(|run| events(app, run, ENDS)));
        let (_, ends) = tokio::join!(forgets, ends);
        for (run, ended) in runs.iter().zip(ends) {
            assert_eq!(ended.last().unwrap()["__typename"], "RunCompleted", "{ended:#?}");
            assert!(statuses(app, run).await.iter().all(|status| status == "COMPLETED"));
        }
        // What a run had written by then went with what it had read: the log knows how often it wrote.
        let actor = app.running.services.account.authenticate(&app.owner.token).await.unwrap();
        let grant = actor.may::<aifirst::shared::actor::Read>(app.workspace_id()).unwrap();
        let (mut after, mut written) = (0, 0);
        loop {
            let events = app.running.services.log.list(&grant, None, after).await.unwrap();
            let Some(last) = events.last() else { break };
            after = last.position;
            written += events.iter().filter(|event| event.kind == "MEMORY_REMEMBERED").count();
        }
        assert_eq!(written, memories.len() + 10 * 24, "each was written once");
        let TestApp { running, database, .. } = owned;
        // What PostgreSQL counts is told when connections close.
        running.stop().await;
        if !database.is_sqlite() {
            let connection = Connector::connect(&database.url).await.unwrap();
            let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
            let row = connection.query_one_raw(Statement::from_string(connection.get_database_backend(), deadlocks)).await;
            assert_eq!(row.unwrap().unwrap().try_get_by_index::<i64>(0).unwrap(), 0);
        }
    }
}
