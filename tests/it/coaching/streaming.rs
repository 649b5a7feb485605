//! A reply as it grows before a follower's eyes.
use super::{
    EVENTS, Reader, answer, at_pace, follow, interrupt, messages,
    reader::{name, utf16},
    remember, send, start, until_over,
};
use crate::{
    on_both,
    support::{Socket, Subscription, text},
};
use futures_util::future::{join, join_all};
use serde_json::{Value, json};

/// Characters of one, two and three bytes, and some beyond the sixteen bits of a UTF-16 code unit.
const MEMORY: &str = "Zoë 🎻🎼 übt 日本語 and the violin with 👩‍👩‍👧 before ten";
const MESSAGE: &str = "My violin and my 日本語 are what I care for, naïve as I am.";

on_both! {
    async fn deltas_add_up_to_the_reply_in_utf16_code_units(database: Database) {
        let app = at_pace(database, 2).await;
        remember(&app, MEMORY).await;
        let session = start(&app).await;
        let (mut events, mut reader) = (follow(&app, &session, None).await, Reader::default());
        // It listens from here on: who comes late need not hear each word.
        reader.read_until(&mut events, |event| name(event) == "SessionStarted").await;
        let turn = send(&app, &session, MESSAGE).await;
        let ended = until_over(&mut events, &mut reader, &turn).await;
        let reply = text(&ended, "/turn/reply/text");
        assert!(reply.contains(MEMORY) && reply.contains("日本語 are what you care for, naïve"), "{reply}");
        assert!(utf16(&reply) < reply.len() && utf16(&reply) > reply.chars().count());

        // The reader held each offset against what it had; and it heard the reply word by word.
        let deltas: Vec<_> = reader.pieces.iter().filter(|piece| name(piece) == "TurnDelta").collect();
        assert!(deltas.len() > 10, "{:#?}", reader.pieces);
        let last = deltas[deltas.len() - 1];
        let end = last["offset"].as_u64().unwrap() as usize + utf16(last["text"].as_str().unwrap());
        assert_eq!((end, reader.shown(&turn)), (utf16(&reply), reply.as_str()));
        assert_eq!(reader.names(), ["SessionStarted", "TurnQueued", "TurnStarted", "TurnCompleted"]);
    }
}

on_both! {
    async fn who_comes_later_gets_the_text_so_far_and_then_what_follows_it(database: Database) {
        let app = at_pace(database, 40).await;
        let session = start(&app).await;
        let (mut events, mut first) = (follow(&app, &session, None).await, Reader::default());
        let turn = send(&app, &session, "My plan is to run every single morning before work.").await;
        first.read_words(&mut events, &turn, |shown| shown.split(' ').count() > 12).await;

        let (mut events, mut late) = (follow(&app, &session, None).await, Reader::default());
        late.read_until(&mut events, |event| name(event) == "TurnSnapshot").await;
        assert_eq!(late.names(), ["SessionStarted", "TurnQueued", "TurnStarted"]);
        let snapshot = late.shown(&turn).to_owned();
        assert!(!snapshot.is_empty(), "what was checkpointed comes at once");
        let ended = until_over(&mut events, &mut late, &turn).await;
        let reply = text(&ended, "/turn/reply/text");
        assert!(reply.starts_with(&snapshot) && reply.len() > snapshot.len());
        let kinds: Vec<_> = late.pieces.iter().map(name).collect();
        assert!(kinds.len() > 2 && kinds[1..].iter().all(|kind| *kind == "TurnDelta"), "{kinds:?}");

        // When it is over, the whole text comes once, and the end after it.
        let (mut events, mut last) = (follow(&app, &session, None).await, Reader::default());
        until_over(&mut events, &mut last, &turn).await;
        assert_eq!((last.pieces.len(), name(&last.pieces[0])), (1, "TurnSnapshot"));
        assert_eq!(last.shown(&turn), reply);
    }
}

on_both! {
    async fn a_follower_goes_on_from_within_a_reply_where_it_was_cut(database: Database) {
        let app = at_pace(database, 40).await;
        let session = start(&app).await;
        let (mut events, mut reader) = (follow(&app, &session, None).await, Reader::default());
        let turn = send(&app, &session, "My plan is to run every single morning before work.").await;
        reader.read_words(&mut events, &turn, |shown| shown.split(' ').count() > 4).await;
        let (cursor, shown, pieces) = (reader.cursor.clone(), reader.shown(&turn).to_owned(), reader.pieces.len());
        drop(events);

        let mut events = follow(&app, &session, cursor.as_ref()).await;
        let ended = until_over(&mut events, &mut reader, &turn).await;
        assert!(reader.pieces[pieces..].iter().all(|piece| name(piece) == "TurnDelta"), "nothing comes twice");
        assert_eq!(text(&ended, "/turn/reply/text"), reader.shown(&turn));

        // The same cursor, now that all is over: what was missing comes with the end.
        let mut again = Reader::default();
        again.texts.insert(turn.clone(), shown);
        let mut events = follow(&app, &session, cursor.as_ref()).await;
        assert_eq!(until_over(&mut events, &mut again, &turn).await, ended);
        assert_eq!(again.names(), ["TurnCompleted"]);
    }
}

on_both! {
    async fn a_session_tells_from_where_to_follow_it(database: Database) {
        let app = at_pace(database, 0).await;
        let session = start(&app).await;
        answer(&app, &session, "I want to run.").await;
        let document = "query($s: ID!) { node(id: $s) { ... on CoachingSession { cursor } } }";
        let cursor = app.ok(&app.owner, document, json!({ "s": session })).await["node"]["cursor"].clone();
        let (mut events, mut reader) = (follow(&app, &session, Some(&cursor)).await, Reader::default());
        let turn = send(&app, &session, "And to swim.").await;
        until_over(&mut events, &mut reader, &turn).await;
        assert_eq!(reader.names(), ["TurnQueued", "TurnStarted", "TurnCompleted"]);
    }
}

on_both! {
    async fn a_client_may_follow_many_sessions_on_one_socket_and_hears_each_alone(database: Database) {
        let app = at_pace(database, 2).await;
        let mut sessions = vec![];
        for _ in 0..5 {
            sessions.push(start(&app).await);
        }
        let mut socket = Socket::connect(&app.url(), Some(&app.owner.token)).await;
        for session in &sessions {
            let payload = json!({ "query": EVENTS, "variables": { "s": session } });
            socket.send(json!({ "type": "subscribe", "id": session, "payload": payload })).await;
        }
        let mut turns = vec![];
        for session in &sessions {
            turns.push(send(&app, session, "My plan is to run.").await);
        }
        let mut readers: Vec<Reader> = sessions.iter().map(|_| Reader::default()).collect();
        while readers.iter().any(|reader| reader.ended.is_empty()) {
            let message = socket.receive().await.unwrap();
            assert_eq!(message["type"], "next", "{message:#}");
            let at = sessions.iter().position(|session| message["id"] == json!(session)).unwrap();
            readers[at].take(&message["payload"]["data"]["coachingEvents"]);
        }
        for (reader, turn) in readers.iter().zip(&turns) {
            assert_eq!(reader.ended.keys().collect::<Vec<_>>(), [turn]);
        }
    }
}

/// What of each delta is shown under `key`, until the reply is over; and the reply.
async fn heard(mut events: Subscription, field: &str, key: &str, shows: &[&str]) -> (String, String) {
    let mut heard = String::new();
    loop {
        let event = events.next().await.unwrap()[field].clone();
        match name(&event) {
            "TurnDelta" => {
                let keys: Vec<_> = event.as_object().unwrap().keys().map(String::as_str).collect();
                assert_eq!(keys, shows, "{event:#}");
                heard.push_str(event[key].as_str().unwrap());
            }
            // Who begins to listen in the midst.
            "TurnSnapshot" => heard = text(&event, "/so_far"),
            "TurnCompleted" => return (heard, text(&event, "/turn/reply/text")),
            _ => {}
        }
    }
}

on_both! {
    async fn all_who_follow_hear_the_same_each_in_the_words_that_they_asked_for(database: Database) {
        const PLAIN: &str = "subscription($s: ID!, $after: Cursor) { coachingEvents(sessionId: $s, after: $after) {
            __typename ... on TurnSnapshot { so_far: text } ... on TurnDelta { text offset } ... on TurnCompleted { turn { reply { text } } } } }";
        const OTHER: &str = "subscription($s: ID!) { heard: coachingEvents(sessionId: $s) {
            __typename ... on TurnSnapshot { so_far: text } ... on TurnDelta { offset said: text } ... on TurnCompleted { turn { reply { text } } } } }";
        const CHOSEN: &str = "subscription($s: ID!, $with: Boolean!) { coachingEvents(sessionId: $s) {
            __typename ... on TurnSnapshot { so_far: text } ... on TurnDelta { text offset @include(if: $with) } ... on TurnCompleted { turn { reply { text } } } } }";
        const SEVERAL: &str = "subscription A($s: ID!) { coachingEvents(sessionId: $s) {
            __typename ... on TurnSnapshot { so_far: text } ... on TurnDelta { text } ... on TurnCompleted { turn { reply { text } } } } }
            subscription B($s: ID!) { coachingEvents(sessionId: $s) {
            __typename ... on TurnSnapshot { so_far: text } ... on TurnDelta { text offset } ... on TurnCompleted { turn { reply { text } } } } }";
        let app = at_pace(database, 5).await;
        let session = start(&app).await;
        let cursor = "query($s: ID!) { node(id: $s) { ... on CoachingSession { cursor } } }";
        let after = app.ok(&app.owner, cursor, json!({ "s": session })).await["node"]["cursor"].clone();
        let events = "coachingEvents";
        let (whole, text_alone) = (["__typename", "offset", "text"], ["__typename", "text"]);
        let asked = [
            (json!({ "query": PLAIN, "variables": { "s": session } }), events, "text", &whole[..]),
            (json!({ "query": PLAIN, "variables": { "s": session, "after": after } }), events, "text", &whole),
            (json!({ "query": OTHER, "variables": { "s": session } }), "heard", "said", &["__typename", "offset", "said"]),
            (json!({ "query": CHOSEN, "variables": { "s": session, "with": true } }), events, "text", &whole),
            (json!({ "query": CHOSEN, "variables": { "s": session, "with": false } }), events, "text", &text_alone),
            (json!({ "query": SEVERAL, "operationName": "A", "variables": { "s": session } }), events, "text", &text_alone),
            (json!({ "query": SEVERAL, "operationName": "B", "variables": { "s": session } }), events, "text", &whole),
        ];
        let mut following = vec![];
        for (payload, field, key, shows) in asked.iter().cycle().take(asked.len() * 3) {
            let socket = Socket::connect(&app.url(), Some(&app.owner.token)).await;
            following.push(heard(socket.ask(payload.clone()).await, field, key, shows));
        }
        let turn = async { send(&app, &session, "My plan is to run every single morning before work.").await };
        let (all, _) = join(join_all(following), turn).await;
        for (heard, reply) in &all {
            assert_eq!(heard, reply);
            assert_eq!(reply, &all[0].1);
        }
    }
}

on_both! {
    async fn what_a_reply_says_so_far_can_be_read_without_following(database: Database) {
        let app = at_pace(database, 60).await;
        let session = start(&app).await;
        let (mut events, mut reader) = (follow(&app, &session, None).await, Reader::default());
        let turn = send(&app, &session, "My plan is to run every single morning before work.").await;
        reader.read_words(&mut events, &turn, |shown| shown.split(' ').count() > 12).await;
        let reply = messages(&app, &session).await.pop().unwrap();
        assert_eq!((&reply["role"], &reply["status"], &reply["stopReason"]), (&json!("COACH"), &json!("STREAMING"), &Value::Null));
        let kept = text(&reply, "/text");
        assert!(!kept.is_empty());
        let stopped = interrupt(&app, &turn).await;
        assert!(text(&stopped, "/reply/text").starts_with(&kept));
    }
}
