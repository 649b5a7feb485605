//! Whose a session is, and what a repeated request gives.
use super::{
    END, EVENTS, GOAL, INTERRUPT, SEND, START, answer, at_pace, messages, problem, send, send_with, start,
    start_with,
};
use crate::{on_both, support::text};
use serde_json::{Value, json};

const SESSIONS: &str =
    "query($ws: ID!) { workspace(id: $ws) { coachingSessions { totalCount nodes { id } } } }";
const NODE: &str = "query($id: ID!) { node(id: $id) { id __typename } }";

on_both! {
    async fn nobody_else_sees_anything_of_a_session(app: TestApp) {
        let admin = app.person("Ada Admin").await;
        app.join(&admin, "ADMIN").await;
        let stranger = app.person("Sam Stranger").await;
        app.create_workspace(&stranger, "elsewhere").await;
        let goal = app.ok(&app.owner, GOAL, json!({ "input": { "workspaceId": app.workspace, "title": "Run" } })).await;
        let goal = text(&goal, "/createGoal/goal/id");
        let session = text(&start_with(&app, &app.owner, json!({ "goalId": goal })).await, "/session/id");
        let ended = answer(&app, &session, "I want to run.").await;
        let turn = text(&ended, "/turn/id");
        let ids = [&session, &goal, &turn, &text(&ended, "/turn/message/id"), &text(&ended, "/turn/reply/id")];
        let before = messages(&app, &session).await;
        for person in [&admin, &stranger] {
            for id in ids {
                assert_eq!(app.ok(person, NODE, json!({ "id": id })).await["node"], Value::Null, "{id}");
            }
            let send = json!({ "input": { "sessionId": session, "text": "Hello" } });
            for (document, variables) in [(SEND, send), (INTERRUPT, json!({ "turn": turn })), (END, json!({ "s": session }))] {
                assert_eq!(app.code(person, document, variables).await, "NOT_FOUND", "{document}");
            }
            let begins = app.first_answer(Some(&person.token), EVENTS, json!({ "s": session })).await;
            assert_eq!(text(&begins, "/errors/0/extensions/code"), "NOT_FOUND");
        }
        let list = app.ok(&admin, SESSIONS, json!({ "ws": app.workspace })).await;
        assert_eq!(list["workspace"]["coachingSessions"], json!({ "totalCount": 0, "nodes": [] }));
        let list = app.ok(&app.owner, SESSIONS, json!({ "ws": app.workspace })).await;
        assert_eq!(list["workspace"]["coachingSessions"]["nodes"][0]["id"], json!(session));
        // A goal of somebody else's is none.
        let theirs = start_with(&app, &admin, json!({ "goalId": goal })).await;
        assert_eq!(problem(&theirs), ("INVALID".into(), "goalId".into()));
        assert_eq!(messages(&app, &session).await, before);
        for id in ids {
            assert_eq!(app.ok(&app.owner, NODE, json!({ "id": id })).await["node"]["id"], json!(id));
        }
    }
}

on_both! {
    async fn what_happens_in_a_session_does_not_show_in_another_members_streams(app: TestApp) {
        let other = app.person("Mina Member").await;
        app.join(&other, "MEMBER").await;
        let theirs = text(&start_with(&app, &other, json!({})).await, "/session/id");
        let session = start(&app).await;
        answer(&app, &session, "I want to run.").await;
        let mut events = app.subscribe(&other, EVENTS, json!({ "s": theirs })).await;
        app.ok(&other, END, json!({ "s": theirs })).await;
        let heard = events.until("coachingEvents", |event| event["__typename"] == "SessionEnded").await;
        let names: Vec<_> = heard.iter().map(|event| text(event, "/__typename")).collect();
        assert_eq!(names, ["SessionStarted", "SessionEnded"]);
    }
}

on_both! {
    async fn an_idempotency_key_gives_the_same_answer_once_more_and_another_input_a_conflict(database: Database) {
        let app = at_pace(database, 0).await;
        let keyed = |mut input: Value| { input["idempotencyKey"] = json!("once"); input };
        let session = start_with(&app, &app.owner, keyed(json!({ "topic": "My week" }))).await;
        assert_eq!(start_with(&app, &app.owner, keyed(json!({ "topic": "My week" }))).await["session"]["id"], session["session"]["id"]);
        let other = start_with(&app, &app.owner, keyed(json!({ "topic": "My year" }))).await;
        assert_eq!((problem(&other), &other["session"]), (("IDEMPOTENCY_CONFLICT".into(), "idempotencyKey".into()), &Value::Null));

        let session = text(&session, "/session/id");
        let sent = send_with(&app, &session, "I want to run.", keyed(json!({}))).await;
        for _ in 0..2 {
            let again = send_with(&app, &session, "I want to run.", keyed(json!({}))).await;
            assert_eq!((&again["message"]["id"], &again["turn"]["id"]), (&sent["message"]["id"], &sent["turn"]["id"]));
        }
        for (said, input) in [("I want to swim.", json!({})), ("I want to run.", json!({ "whileRunning": "INTERRUPT" }))] {
            let other = send_with(&app, &session, said, keyed(input)).await;
            assert_eq!(problem(&other), ("IDEMPOTENCY_CONFLICT".into(), "idempotencyKey".into()));
        }
        let said: Vec<_> = messages(&app, &session).await.iter().filter(|m| m["role"] == "USER").map(|m| text(m, "/text")).collect();
        assert_eq!(said, ["I want to run."]);

        let goal = |title: &str| keyed(json!({ "workspaceId": app.workspace, "title": title }));
        let set = async |title: &str| app.ok(&app.owner, GOAL, json!({ "input": goal(title) })).await["createGoal"].clone();
        let first = set("Run").await;
        assert_eq!(set("Run").await, first);
        assert_eq!(problem(&set("Swim").await).0, "IDEMPOTENCY_CONFLICT");
        // A key is its owner's: somebody else's is another.
        let other = app.person("Mina Member").await;
        app.join(&other, "MEMBER").await;
        let theirs = start_with(&app, &other, keyed(json!({ "topic": "My year" }))).await;
        assert_eq!(theirs["session"]["topic"], "My year", "{theirs:#}");
    }
}

on_both! {
    async fn a_clients_own_id_is_one_thing_for_ever(database: Database) {
        let app = at_pace(database, 0).await;
        let id = "018f3a5e-7a5b-7c1d-9e2f-0123456789ab";
        let own = |topic: &str| json!({ "topic": topic, "clientId": id });
        let session = start_with(&app, &app.owner, own("My week")).await;
        assert_eq!(start_with(&app, &app.owner, own("My week")).await, session);
        let other = start_with(&app, &app.owner, own("My year")).await;
        assert_eq!(problem(&other), ("CONFLICT".into(), "clientId".into()));

        let session = text(&session, "/session/id");
        let sent = send_with(&app, &session, "I want to run.", json!({ "clientId": id })).await;
        let again = send_with(&app, &session, "I want to run.", json!({ "clientId": id })).await;
        assert_eq!((&again["message"]["id"], &again["turn"]["id"]), (&sent["message"]["id"], &sent["turn"]["id"]));
        let other = send_with(&app, &session, "I want to swim.", json!({ "clientId": id })).await;
        assert_eq!(problem(&other), ("CONFLICT".into(), "clientId".into()));
        // Known again when the session is over, and before a new message is refused.
        app.ok(&app.owner, END, json!({ "s": session })).await;
        let again = send_with(&app, &session, "I want to run.", json!({ "clientId": id })).await;
        assert_eq!(again["message"]["id"], sent["message"]["id"], "{again:#}");
        let wrong = start_with(&app, &app.owner, json!({ "clientId": "mine" })).await;
        assert_eq!(problem(&wrong), ("INVALID".into(), "clientId".into()));
    }
}

on_both! {
    async fn the_same_request_many_times_at_once_is_carried_out_once(app: TestApp) {
        for round in 0..4 {
            let own = json!({ "workspaceId": app.workspace, "clientId": format!("018f3a5e-7a5b-7c1d-9e2f-01234567890{round}") });
            let (document, variables) = (START, json!({ "input": own }));
            let calls = (0..8).map(|_| app.ok(&app.owner, document, variables.clone()));
            let started = futures_util::future::join_all(calls).await;
            let session = text(&started[0], "/startCoachingSession/session/id");
            assert!(started.iter().all(|answer| text(answer, "/startCoachingSession/session/id") == session), "{started:#?}");

            let input = |key: &str| json!({ "input": { "sessionId": session, "text": "I want to run.", key: own["clientId"] } });
            for key in ["clientId", "idempotencyKey"] {
                let calls = (0..8).map(|_| app.ok(&app.owner, SEND, input(key)));
                let sent = futures_util::future::join_all(calls).await;
                let turn = text(&sent[0], "/sendMessage/turn/id");
                assert!(sent.iter().all(|answer| text(answer, "/sendMessage/turn/id") == turn), "{sent:#?}");
            }
            let said = messages(&app, &session).await;
            assert_eq!(said.iter().filter(|message| message["role"] == "USER").count(), 2);
        }
        let list = app.ok(&app.owner, SESSIONS, json!({ "ws": app.workspace })).await;
        assert_eq!(list["workspace"]["coachingSessions"]["totalCount"], 4);
    }
}

on_both! {
    async fn who_was_removed_from_the_workspace_gets_no_answer(database: Database) {
        let app = at_pace(database, 0).await;
        let other = app.person("Mina Member").await;
        let membership = app.join(&other, "MEMBER").await;
        let session = text(&start_with(&app, &other, json!({})).await, "/session/id");
        let remove = "mutation($m: ID!) { removeMember(input: {membershipId: $m}) { userErrors { code } } }";
        app.ok(&app.owner, remove, json!({ "m": membership })).await;
        let input = json!({ "input": { "sessionId": session, "text": "I want to run." } });
        assert_eq!(app.code(&other, SEND, input).await, "NOT_FOUND");
        let begins = app.first_answer(Some(&other.token), EVENTS, json!({ "s": session })).await;
        assert_eq!(text(&begins, "/errors/0/extensions/code"), "NOT_FOUND");
        // Nor does it become the owner's.
        assert_eq!(app.ok(&app.owner, NODE, json!({ "id": session })).await["node"], Value::Null);
        let own = start(&app).await;
        send(&app, &own, "I want to run.").await;
    }
}
