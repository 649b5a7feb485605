//! What the coach says rests on what is remembered, and tells on what.
use super::{answer, at_pace, remember, start, start_with};
use crate::{
    on_both,
    support::{TestApp, text},
};
use serde_json::{Value, json};

/// The text between two offsets as JavaScript, Swift and Java count them.
pub fn slice(text: &str, start: &Value, end: &Value) -> String {
    let units: Vec<u16> = text.encode_utf16().collect();
    let at = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
    String::from_utf16(&units[at(start)..at(end)]).unwrap()
}

pub fn citations(ended: &Value) -> Vec<Value> {
    ended["turn"]["reply"]["citations"].as_array().unwrap().clone()
}

async fn import(app: &TestApp, external_id: &str, said: &str) -> String {
    let document = "mutation($ws: ID!, $items: [ImportMemoryItem!]!) {
        importMemories(input: {workspaceId: $ws, items: $items}) { memories { id } userErrors { message } } }";
    let items = json!([{ "externalId": external_id, "text": said }]);
    let data = app.ok(&app.owner, document, json!({ "ws": app.workspace, "items": items })).await;
    text(&data, "/importMemories/memories/0/id")
}

on_both! {
    async fn each_quote_is_the_substring_of_its_source_at_its_offsets(app: TestApp) {
        let long = format!("🎻 {} Die Probe in Zürich 🏔 ist am Montag um zehn. {}", "Nothing of note 日本語. ".repeat(9), "More. ".repeat(9));
        let memories = [remember(&app, "🎼 The violin rehearsal begins at ten").await, remember(&app, &long).await];
        let session = start(&app).await;
        let ended = answer(&app, &session, "When is the violin rehearsal, and wann ist die Probe in Zürich?").await;
        let (reply, citations) = (text(&ended, "/turn/reply/text"), citations(&ended));
        assert_eq!(citations.len(), 2, "{ended:#}");
        for citation in &citations {
            let (source, quote) = (text(citation, "/memory/text"), text(citation, "/quote"));
            assert_eq!(slice(&source, &citation["start"], &citation["end"]), quote);
            assert!(!quote.is_empty() && reply.contains(&quote), "{quote:?} in {reply:?}");
            assert!(memories.contains(&text(citation, "/memory/id")));
        }
        let places: Vec<_> = citations.iter().map(|c| reply.find(&text(c, "/quote")).unwrap()).collect();
        assert!(places.is_sorted(), "in the order of the text");
    }
}

on_both! {
    async fn with_nothing_relevant_remembered_nothing_is_cited(app: TestApp) {
        remember(&app, "Ana prefers short stand-ups before ten").await;
        let session = start(&app).await;
        let ended = answer(&app, &session, "I want to learn the violin").await;
        assert_eq!(citations(&ended), [json!(null); 0]);
        let reply = text(&ended, "/turn/reply/text");
        assert!(reply.contains("nothing remembered") && !reply.contains("Ana"), "{reply}");
        // The same memory is cited where it matters.
        assert_eq!(citations(&answer(&app, &session, "How long should stand-ups be for Ana?").await).len(), 1);
    }
}

on_both! {
    async fn another_text_in_one_memory_changes_the_reply(app: TestApp) {
        let ask = async || {
            let session = start(&app).await;
            answer(&app, &session, "When is the rehearsal?").await
        };
        let memory = import(&app, "note-1", "The rehearsal is on Monday").await;
        let (before, unchanged) = (ask().await, ask().await);
        assert_eq!(text(&before, "/turn/reply/text"), text(&unchanged, "/turn/reply/text"), "the same again");
        assert_eq!(import(&app, "note-1", "The rehearsal is on Friday").await, memory);
        let after = ask().await;
        let reply = text(&after, "/turn/reply/text");
        assert!(reply.contains("Friday") && !reply.contains("Monday"), "{reply}");
        assert_eq!(citations(&after)[0]["quote"], "The rehearsal is on Friday");
        assert_ne!(text(&before, "/turn/reply/text"), reply);
    }
}

on_both! {
    async fn the_goal_of_a_session_is_in_the_coachs_words(app: TestApp) {
        let input = json!({ "workspaceId": app.workspace, "title": "Run a marathon" });
        let goal = app.ok(&app.owner, super::GOAL, json!({ "input": input })).await["createGoal"]["goal"].clone();
        let session = start_with(&app, &app.owner, json!({ "goalId": goal["id"] })).await;
        assert_eq!(session["session"]["goal"]["id"], goal["id"]);
        let ended = answer(&app, &text(&session, "/session/id"), "Hello there").await;
        assert!(text(&ended, "/turn/reply/text").contains("Run a marathon"), "{ended:#}");
    }
}

on_both! {
    async fn what_only_another_member_remembers_is_not_quoted(database: Database) {
        let app = at_pace(database, 0).await;
        let other = app.person("Mina Member").await;
        app.join(&other, "MEMBER").await;
        let document = "mutation($ws: ID!, $scope: MemoryScope!, $text: String!) {
            remember(input: {workspaceId: $ws, scope: $scope, text: $text}) { memory { id } } }";
        for (scope, said) in [("USER", "The rehearsal is a secret"), ("WORKSPACE", "The rehearsal is on Monday")] {
            app.ok(&other, document, json!({ "ws": app.workspace, "scope": scope, "text": said })).await;
        }
        let session = start(&app).await;
        let ended = answer(&app, &session, "When is the rehearsal?").await;
        let quotes: Vec<_> = citations(&ended).iter().map(|citation| text(citation, "/quote")).collect();
        assert_eq!(quotes, ["The rehearsal is on Monday"]);
    }
}
