//! What a model may have done in a coach's turn, as the person it answers.
use super::guarded::{Model, Said, answer, app, delta, end, remember, route};
use crate::{
    on_both,
    support::{Database, TestApp, text},
};
use aifirst::gateway::{FinishReason, ModelCall, ProviderEvent, Speaker, ToolUse, Usage};
use serde_json::{Value, json};

const ALL: &str = "coaching.tools = [\"recall\", \"remember\", \"start_workflow\"]\n";

/// Asks for these tools, after these words.
pub(super) fn asks(said: &str, tools: &[(&str, Value)]) -> Said {
    let usage = Some(Usage { input_tokens: 10, cached_input_tokens: 0, output_tokens: 1 });
    let tools = tools.iter().enumerate().map(|(place, (name, arguments))| {
        let tool =
            ToolUse { id: format!("call-{place}"), name: (*name).into(), arguments: arguments.clone() };
        Ok(ProviderEvent::Tool(tool))
    });
    let finished = Ok(ProviderEvent::Finished { reason: FinishReason::ToolUse, usage });
    let said = if said.is_empty() { vec![] } else { vec![delta(said)] };
    said.into_iter().chain(tools).chain([finished]).collect()
}

/// What tools have told in this turn, in order.
pub(super) fn told(call: &ModelCall) -> Vec<String> {
    let of_tools = |speaker: &Speaker| matches!(speaker, Speaker::Tool { .. });
    call.request.messages.iter().filter(|it| of_tools(&it.speaker)).map(|it| it.text.clone()).collect()
}

pub(super) async fn publish(app: &TestApp, workspace: &str, name: &str) {
    let create = "mutation($ws: ID!, $name: String!) { createWorkflow(input: {workspaceId: $ws, name: $name, slug: $name,
        graph: {steps: [{key: \"a\", action: {transform: {expression: \"1\"}}}]}}) { workflow { id } } }";
    let made = app.ok(&app.owner, create, json!({ "ws": workspace, "name": name })).await;
    let publish = "mutation($w: ID!) { publishWorkflow(input: {workflowId: $w}) { version { id } } }";
    app.ok(&app.owner, publish, json!({ "w": text(&made, "/createWorkflow/workflow/id") })).await;
}

/// The tools of the only session: what began, and how it went.
async fn tool_events(app: &TestApp) -> Vec<(String, Option<bool>)> {
    let sessions = "query($ws: ID!) { workspace(id: $ws) { coachingSessions { nodes { id } } } }";
    let sessions = app.ok(&app.owner, sessions, json!({ "ws": app.workspace })).await;
    let session = text(&sessions, "/workspace/coachingSessions/nodes/0/id");
    let follow = "subscription($s: ID!) { coachingEvents(sessionId: $s) { __typename
        ... on ToolStarted { tool turn { id } } ... on ToolCompleted { tool succeeded turn { id } } } }";
    let mut events = app.subscribe(&app.owner, follow, json!({ "s": session })).await;
    let ends = ["TurnCompleted", "TurnFailed", "TurnIncomplete"];
    let events =
        events.until("coachingEvents", |event| ends.contains(&event["__typename"].as_str().unwrap())).await;
    let of_tools = events.iter().filter(|event| event["tool"].is_string());
    of_tools.map(|event| (text(event, "/tool"), event["succeeded"].as_bool())).collect()
}

pub(super) async fn made(app: &TestApp) -> (Vec<String>, i64) {
    let document = "query($ws: ID!) { workspace(id: $ws) { memories { nodes { text kind scope } } runs { totalCount } } }";
    let data = app.ok(&app.owner, document, json!({ "ws": app.workspace })).await["workspace"].clone();
    let memories = data["memories"]["nodes"].as_array().unwrap().iter().map(|it| text(it, "/text")).collect();
    (memories, data["runs"]["totalCount"].as_i64().unwrap())
}

on_both! {
    async fn a_coach_looks_up_remembers_and_starts_a_workflow_as_the_person_and_each_is_told(database: Database) {
        let model = Model::new(|call| match told(call).len() {
            0 => asks("Let me look.", &[("recall", json!({ "query": "violin" }))]),
            1 => asks("", &[
                ("remember", json!({ "text": "The person practises at ten", "kind": "PREFERENCE" })),
                ("start_workflow", json!({ "workflow": "review" })),
            ]),
            _ => vec![delta("Done."), end()],
        });
        let app = app(database, &(ALL.to_owned() + &route(&["outside"], &[])), &model, &model).await;
        publish(&app, &app.workspace, "review").await;
        remember(&app, "The violin teacher is Ana", "ALLOWED").await;
        remember(&app, "The violin was stolen", "INTERNAL_ONLY").await;
        let ended = answer(&app, "Hello there, my friend of old").await;
        assert_eq!((&ended["__typename"], &ended["turn"]["reply"]["text"]), (&json!("TurnCompleted"), &json!("Let me look.\n\nDone.")), "{ended:#}");

        let calls = model.calls.lock().unwrap().clone();
        assert_eq!(calls.len(), 3);
        let names: Vec<_> = calls[0].request.tools.iter().map(|tool| tool.name.as_str()).collect();
        assert_eq!(names, ["recall", "remember", "start_workflow"]);
        let told = told(&calls[2]);
        assert!(told[0].contains("The violin teacher is Ana") && !told[0].contains("stolen"), "{told:?}");
        assert!(told[2].contains("\"started\":\"review\""), "{told:?}");
        let (memories, runs) = made(&app).await;
        assert!(memories.contains(&"The person practises at ten".to_owned()), "{memories:?}");
        assert_eq!(runs, 1);
        let told = tool_events(&app).await;
        let expected = ["recall", "remember", "start_workflow"];
        let expected = expected.into_iter().flat_map(|tool| [(tool.to_owned(), None), (tool.to_owned(), Some(true))]);
        assert_eq!(told, expected.collect::<Vec<_>>());
    }
}

on_both! {
    async fn what_does_not_fit_is_not_there_or_is_anothers_is_refused_and_the_coach_goes_on(database: Database) {
        let model = Model::new(|call| match told(call).len() {
            0 => asks("", &[
                ("remember", json!({ "text": 1 })),
                ("remember", json!({ "text": "x", "scope": "WORKSPACE" })),
                ("delete_everything", json!({})),
                ("start_workflow", json!({ "workflow": "theirs" })),
            ]),
            _ => vec![delta("I could not."), end()],
        });
        let app = app(database, &(ALL.to_owned() + &route(&["outside"], &[])), &model, &model).await;
        let other = app.create_workspace(&app.owner, "other").await;
        publish(&app, &other, "theirs").await;
        let ended = answer(&app, "Hello there, my friend of old").await;
        assert_eq!(ended["turn"]["reply"]["text"], "I could not.", "{ended:#}");
        let told = told(&model.calls.lock().unwrap()[1]);
        for (told, why) in told.iter().zip(["/text: must be string", "not known", "no such tool", "workflow not found"]) {
            assert!(told.starts_with("error: ") && told.contains(why), "{why}: {told}");
        }
        assert_eq!(made(&app).await, (vec![], 0));
        let outcomes: Vec<_> = tool_events(&app).await.into_iter().filter_map(|(_, succeeded)| succeeded).collect();
        assert_eq!(outcomes, [false; 4]);
    }
}

#[tokio::test]
async fn a_model_that_asks_for_tools_without_end_is_given_up() {
    let model = Model::new(|_| asks("", &[("recall", json!({ "query": "violin" }))]));
    let settings = ALL.to_owned() + &route(&["outside"], &[]);
    let app = app(Database::sqlite(), &settings, &model, &model).await;
    let ended = answer(&app, "Hello there, my friend of old").await;
    assert_eq!(ended["reason"], "PROVIDER_FAILED", "{ended:#}");
    let calls = model.calls.lock().unwrap().clone();
    let offered: Vec<_> = calls.iter().map(|call| call.request.tools.len()).collect();
    assert_eq!(offered, [3, 3, 3, 3, 0]);
    assert_eq!(tool_events(&app).await.len(), 8);
}

#[tokio::test]
async fn none_are_offered_where_none_are_configured() {
    let model = Model::new(|_| asks("", &[("remember", json!({ "text": "x" }))]));
    let app = app(Database::sqlite(), &route(&["outside"], &[]), &model, &model).await;
    answer(&app, "Hello there, my friend of old").await;
    assert!(model.calls.lock().unwrap().iter().all(|call| call.request.tools.is_empty()));
    assert_eq!(made(&app).await.0, Vec::<String>::new());
}
