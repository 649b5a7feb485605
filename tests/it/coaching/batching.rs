//! What nested lists cost the database.
use super::{END, GOAL, answer, remember, start, start_with};
use crate::{
    on_both,
    support::{TestApp, text},
};
use serde_json::{Value, json};

const NESTED: &str = "query($ws: ID!) { workspace(id: $ws) { coachingSessions { nodes { id goal { id title }
    messages(last: 3) { nodes { id session { id topic } citations { quote memory { id text } } } } } } } }";

/// A session with a goal, and replies that quote a memory.
async fn one_more(app: &TestApp, topic: &str) {
    let goal = json!({ "input": { "workspaceId": app.workspace, "title": topic } });
    let goal = text(&app.ok(&app.owner, GOAL, goal).await, "/createGoal/goal/id");
    let session = text(&start_with(app, &app.owner, json!({ "goalId": goal })).await, "/session/id");
    for _ in 0..2 {
        answer(app, &session, &format!("When does the {topic} begin?")).await;
    }
}

async fn cost(app: &TestApp) -> (Value, u64) {
    app.cost(&app.owner, NESTED, json!({ "ws": app.workspace })).await
}

const KINDS: &str = "subscription($s: ID!, $after: Cursor) { coachingEvents(sessionId: $s, after: $after) { __typename cursor } }";

/// Statements of so many who hear an ended session after a place.
async fn heard_by(app: &TestApp, session: &str, after: &Value, count: usize) -> u64 {
    let hear = async {
        for _ in 0..count {
            let mut stream = app.subscribe(&app.owner, KINDS, json!({ "s": session, "after": after })).await;
            while let Some(event) = stream.next().await {
                assert!(event["coachingEvents"].is_object(), "{event}");
            }
        }
    };
    app.statements(hear).await.1
}

/// Statements of who hears an ended session of so many turns from its beginning.
async fn replay(app: &TestApp, session: &str, turns: usize) -> u64 {
    let follow = async {
        let mut stream = app.subscribe(&app.owner, KINDS, json!({ "s": session })).await;
        let mut ended = 0;
        while let Some(event) = stream.next().await {
            ended += usize::from(event["coachingEvents"]["__typename"] == "TurnCompleted");
        }
        ended
    };
    let (ended, statements) = app.statements(follow).await;
    assert_eq!(ended, turns);
    statements
}

on_both! {
    async fn hearing_a_session_again_costs_the_same_for_one_turn_and_for_eight(app: TestApp) {
        let mut sessions = vec![];
        for turns in [1, 8] {
            let session = start(&app).await;
            for _ in 0..turns {
                answer(&app, &session, "I run every morning.").await;
            }
            app.ok(&app.owner, END, json!({ "s": session })).await;
            sessions.push((session, turns));
        }
        let app = app.restart_counted().await;
        let mut costs = vec![];
        for (session, turns) in &sessions {
            costs.push(replay(&app, session, *turns).await);
        }
        assert_eq!(costs[0], costs[1]);
    }
}

on_both! {
    async fn sessions_with_all_that_is_in_them_cost_the_same_for_one_and_for_six(app: TestApp) {
        for topic in ["violin", "kitchen", "harvest", "marathon", "budget", "garden"] {
            remember(&app, &format!("The {topic} begins at ten")).await;
        }
        one_more(&app, "violin").await;
        let app = app.restart_counted().await;
        let (_, alone) = cost(&app).await;
        let app = app.restart().await;
        for topic in ["kitchen", "harvest", "marathon", "budget", "garden"] {
            one_more(&app, topic).await;
        }
        let app = app.restart_counted().await;
        let (data, six) = cost(&app).await;
        let sessions = data["workspace"]["coachingSessions"]["nodes"].as_array().unwrap();
        assert_eq!(sessions.len(), 6);
        for session in sessions {
            assert_eq!(session["messages"]["nodes"].as_array().unwrap().len(), 3, "{session:#}");
            assert_eq!(session["messages"]["nodes"][0]["session"]["id"], session["id"], "{session:#}");
            let memory = &session["messages"]["nodes"][2]["citations"][0]["memory"];
            assert!(text(memory, "/text").contains(&text(session, "/goal/title")), "{session:#}");
        }
        assert_eq!(six, alone);
        assert!(six <= 8, "{six}");
    }
}

on_both! {
    async fn hundreds_who_hear_a_turn_end_read_its_reply_once(app: TestApp) {
        let session = start(&app).await;
        answer(&app, &session, "I run every morning.").await;
        app.ok(&app.owner, END, json!({ "s": session })).await;
        let mut stream = app.subscribe(&app.owner, KINDS, json!({ "s": session })).await;
        let (mut before, mut end) = (Value::Null, Value::Null);
        while let Some(event) = stream.next().await {
            let event = &event["coachingEvents"];
            match event["__typename"].as_str() {
                Some("TurnStarted") => before = event["cursor"].clone(),
                Some("TurnCompleted") => end = event["cursor"].clone(),
                _ => {}
            }
        }
        let app = app.restart_counted().await;
        let [with, without] =
            [heard_by(&app, &session, &before, 300).await, heard_by(&app, &session, &end, 300).await];
        // It is read anew every few seconds: what is forgotten meanwhile is not told for longer.
        assert!(with <= without + 60, "{with} statements with the end of the turn, {without} without");
    }
}
