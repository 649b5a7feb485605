//! Bad input: a typed error that says what to do, and nothing written.
use super::{
    END, EVENTS, GOAL, INTERRUPT, SEND, START, answer, follow, messages, problem, reader::Reader, send_with,
    start, start_with, until_over,
};
use crate::{
    on_both,
    support::{Socket, TestApp, text},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

on_both! {
    async fn texts_that_are_empty_or_too_long_are_refused_with_their_field(app: TestApp) {
        let session = start(&app).await;
        for said in ["", "  \n\t", &"x".repeat(20_001), &"x".repeat(1_000_000), &"😀".repeat(20_001)] {
            let refused = send_with(&app, &session, said, json!({})).await;
            assert_eq!(problem(&refused), ("INVALID".into(), "text".into()));
            assert_eq!((&refused["message"], &refused["turn"]), (&Value::Null, &Value::Null));
        }
        for (input, field) in [
            (json!({ "topic": "x".repeat(201) }), "topic"),
            (json!({ "topic": "x".repeat(1_000_000) }), "topic"),
            (json!({ "idempotencyKey": "" }), "idempotencyKey"),
            (json!({ "idempotencyKey": "x".repeat(1_000_000) }), "idempotencyKey"),
            (json!({ "clientId": "" }), "clientId"),
        ] {
            let refused = start_with(&app, &app.owner, input).await;
            assert_eq!((problem(&refused), &refused["session"]), (("INVALID".into(), field.into()), &Value::Null));
        }
        for title in ["", " ", &"x".repeat(201), &"x".repeat(1_000_000)] {
            let input = json!({ "workspaceId": app.workspace, "title": title });
            let refused = app.ok(&app.owner, GOAL, json!({ "input": input })).await["createGoal"].clone();
            assert_eq!((problem(&refused), &refused["goal"]), (("INVALID".into(), "title".into()), &Value::Null));
        }
        // What is just short enough is taken as it is; an empty topic is none.
        let longest = "😀".repeat(20_000);
        send_with(&app, &session, &format!(" {longest}\n"), json!({})).await;
        assert_eq!(text(&messages(&app, &session).await[0], "/text"), longest);
        assert_eq!(start_with(&app, &app.owner, json!({ "topic": " " })).await["session"]["topic"], Value::Null);
        let sessions = "query($ws: ID!) { workspace(id: $ws) { coachingSessions { totalCount } } }";
        let sessions = app.ok(&app.owner, sessions, json!({ "ws": app.workspace })).await;
        assert_eq!(sessions["workspace"]["coachingSessions"]["totalCount"], 2);
    }
}

/// The answer to a body as it is.
async fn post(app: &TestApp, body: String) -> Value {
    let request =
        app.http.post(app.url()).bearer_auth(&app.owner.token).header("content-type", "application/json");
    request.body(body).send().await.unwrap().json().await.unwrap()
}

on_both! {
    async fn nul_and_unpaired_surrogates_are_refused_wherever_they_stand(app: TestApp) {
        let session = start(&app).await;
        let start_input = |field: &str, bad: &str| format!(r#"{{"workspaceId": "{}", "{field}": "a{bad}b"}}"#, app.workspace);
        let send_input = |field: &str, bad: &str| match field {
            "text" => format!(r#"{{"sessionId": "{session}", "text": "a{bad}b"}}"#),
            _ => format!(r#"{{"sessionId": "{session}", "text": "ab", "{field}": "a{bad}b"}}"#),
        };
        for bad in [r"\u0000", r"\ud800", r"\udc00", r"\ud83d\ud83d", r"\ude00\ud83d"] {
            let inputs = [
                (START, start_input("topic", bad)),
                (START, start_input("idempotencyKey", bad)),
                (START, start_input("clientId", bad)),
                (SEND, send_input("text", bad)),
                (SEND, send_input("idempotencyKey", bad)),
                (SEND, send_input("clientId", bad)),
                (GOAL, start_input("title", bad)),
            ];
            for (document, input) in inputs {
                let body = format!(r#"{{"query": {}, "variables": {{"input": {input}}}}}"#, json!(document));
                let answer = post(&app, body).await;
                let code = text(&answer, "/errors/0/extensions/code");
                assert!(["BAD_USER_INPUT", "BAD_REQUEST"].contains(&code.as_str()), "{input}: {answer:#}");
            }
            // In the document itself.
            let escape = if bad == r"\u0000" { r"\u0000" } else { r"\ud800" };
            let document = format!(r#"mutation {{ sendMessage(input: {{sessionId: "{session}", text: "a{escape}b"}}) {{ turn {{ id }} }} }}"#);
            let answer = app.ask(Some(&app.owner.token), &document, json!({})).await;
            assert!(answer.pointer("/errors/0/extensions/code").is_some() && answer["data"].is_null(), "{answer:#}");
        }
        assert!(messages(&app, &session).await.is_empty());
        // A pair is a character.
        let body = format!(r#"{{"query": {}, "variables": {{"input": {}}}}}"#, json!(SEND), send_input("text", r"\ud83d\ude00"));
        assert_eq!(text(&post(&app, body).await, "/data/sendMessage/message/text"), "a😀b");
    }
}

on_both! {
    async fn ids_that_are_none_or_of_another_type_are_refused_and_unknown_ones_not_found(app: TestApp) {
        let session = start(&app).await;
        let unknown = |prefix: &str| format!("{prefix}_01jd3v5vwhe3b8zgq0m1n2p3r4");
        let prefix = session.split('_').next().unwrap();
        let send = |id: &str| json!({ "input": { "sessionId": id, "text": "Hello" } });
        for id in ["", "x", "1", &app.workspace, &app.owner.id, &format!("{session}x"), &session.to_uppercase(), &"x".repeat(1_000_000)] {
            for (document, variables) in [
                (SEND, send(id)),
                (END, json!({ "s": id })),
                (INTERRUPT, json!({ "turn": id })),
                (START, json!({ "input": { "workspaceId": app.workspace, "goalId": id } })),
            ] {
                assert_eq!(app.code(&app.owner, document, variables).await, "BAD_USER_INPUT", "{document} {:.40}", id);
            }
            if id.len() < 1_000 {
                let begins = app.first_answer(Some(&app.owner.token), EVENTS, json!({ "s": id })).await;
                assert_eq!(text(&begins, "/errors/0/extensions/code"), "BAD_USER_INPUT", "{id}");
            }
        }
        assert_eq!(app.code(&app.owner, SEND, send(&unknown(prefix))).await, "NOT_FOUND");
        assert_eq!(app.code(&app.owner, END, json!({ "s": unknown(prefix) })).await, "NOT_FOUND");
        let turn = text(&send_with(&app, &session, "Hello", json!({})).await, "/turn/id");
        let turn = unknown(turn.split('_').next().unwrap());
        assert_eq!(app.code(&app.owner, INTERRUPT, json!({ "turn": turn })).await, "NOT_FOUND");
    }
}

/// A cursor made by hand: as the server writes them, so that only its content is wrong.
fn forged(cursor: &Value, change: impl Fn(&mut Vec<u8>)) -> Value {
    let mut bytes = URL_SAFE_NO_PAD.decode(cursor.as_str().unwrap()).unwrap();
    change(&mut bytes);
    json!(URL_SAFE_NO_PAD.encode(bytes))
}

on_both! {
    async fn cursors_that_are_none_of_this_stream_are_refused(app: TestApp) {
        let session = start(&app).await;
        let ended = answer(&app, &session, "I want to run.").await;
        let cursor = &ended["cursor"];
        let elsewhere = app.create_workspace(&app.owner, "elsewhere").await;
        let head = "query($ws: ID!) { workspace(id: $ws) { cursor } }";
        let elsewhere = app.ok(&app.owner, head, json!({ "ws": elsewhere })).await["workspace"]["cursor"].clone();
        // Workspace, position, and inside of a reply the turn and an offset.
        let future = forged(cursor, |bytes| bytes[16..24].copy_from_slice(&1_000_000_i64.to_be_bytes()));
        let negative = forged(cursor, |bytes| bytes[16..24].copy_from_slice(&(-1_i64).to_be_bytes()));
        let cut = forged(cursor, |bytes| bytes.truncate(20));
        let long = forged(cursor, |bytes| bytes.extend([0; 7]));
        let text_of = |text: &str| json!(text);
        let malformed = [negative, cut, long, text_of(""), text_of("x"), text_of("ä"), text_of("a b"), text_of(&"A".repeat(9_999)), text_of(&session)];
        for bad in malformed.iter().chain([&elsewhere, &future]) {
            let begins = app.first_answer(Some(&app.owner.token), EVENTS, json!({ "s": session, "after": bad })).await;
            assert_eq!(text(&begins, "/errors/0/extensions/code"), "INVALID_CURSOR", "{bad}");
        }
        // One of another stream of the workspace is fine.
        let other = app.ok(&app.owner, head, json!({ "ws": app.workspace })).await["workspace"]["cursor"].clone();
        let (mut events, mut reader) = (follow(&app, &session, Some(&other)).await, Reader::default());
        let turn = text(&send_with(&app, &session, "And to swim.", json!({})).await, "/turn/id");
        until_over(&mut events, &mut reader, &turn).await;
    }
}

on_both! {
    async fn a_forged_place_in_a_reply_breaks_nothing(app: TestApp) {
        let session = start(&app).await;
        let (mut events, mut reader) = (follow(&app, &session, None).await, Reader::default());
        let turn = text(&send_with(&app, &session, "My 😀 plan is to run.", json!({})).await, "/turn/id");
        let ended = until_over(&mut events, &mut reader, &turn).await;
        let cursor = reader.pieces.last().unwrap()["cursor"].clone();
        let length = reader.shown(&turn).encode_utf16().count() as u32;
        // Within a surrogate pair, at and beyond the end, of a turn that there is not.
        let offsets = [0, 9, length, length + 1, u32::MAX];
        let mut forgeries: Vec<_> = offsets.iter().map(|offset| forged(&cursor, |bytes| bytes[40..44].copy_from_slice(&offset.to_be_bytes()))).collect();
        forgeries.push(forged(&cursor, |bytes| bytes[24..40].fill(7)));
        for forgery in &forgeries {
            let mut socket = Socket::connect(&app.url(), Some(&app.owner.token)).await.subscribe(EVENTS, json!({ "s": session, "after": forgery })).await;
            let heard = socket.until("coachingEvents", |event| event["__typename"] == "TurnCompleted").await;
            assert_eq!(heard.last().unwrap()["turn"], ended["turn"]);
        }
        let next = answer(&app, &session, "And to swim.").await;
        assert_eq!(next["__typename"], "TurnCompleted");
    }
}
