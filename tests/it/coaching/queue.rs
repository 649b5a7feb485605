//! Messages that come while the coach speaks, and turns that are stopped.
use super::{
    END, Reader, answer, at_pace, follow, interrupt, messages, problem,
    reader::{is_end, name},
    send, send_with, start, until_over,
};
use crate::{on_both, support::text};
use serde_json::{Value, json};

/// Without what they cite.
fn told(messages: &[Value]) -> Vec<(&str, &str)> {
    messages.iter().map(|m| (m["role"].as_str().unwrap(), m["status"].as_str().unwrap())).collect()
}

on_both! {
    async fn messages_sent_while_the_coach_speaks_are_answered_in_their_order(database: Database) {
        let app = at_pace(database, 3).await;
        let session = start(&app).await;
        let (mut events, mut reader) = (follow(&app, &session, None).await, Reader::default());
        let mut turns = vec![];
        for number in 0..5 {
            turns.push(send(&app, &session, &format!("My plan number {number} is to run.")).await);
        }
        let (mut order, mut running) = (vec![], None);
        while reader.ended.len() < turns.len() {
            let event = reader.read_until(&mut events, |event| name(event) == "TurnStarted" || is_end(event)).await;
            let turn = text(&event, "/turn/id");
            if is_end(&event) {
                assert_eq!(name(&event), "TurnCompleted", "{event:#}");
                assert_eq!(running.take(), Some(turn), "one at a time");
            } else {
                assert_eq!(running.replace(turn.clone()), None, "one at a time");
                order.push(turn);
            }
        }
        assert_eq!(order, turns);
        for (number, turn) in turns.iter().enumerate() {
            let reply = text(&reader.ended[turn], "/turn/reply/text");
            assert!(reply.contains(&format!("your plan number {number}")), "{reply}");
        }
    }
}

on_both! {
    async fn a_message_that_interrupts_keeps_the_partial_text_and_lets_those_that_wait_come_first(database: Database) {
        let app = at_pace(database, 60).await;
        let session = start(&app).await;
        let (mut events, mut reader) = (follow(&app, &session, None).await, Reader::default());
        let first = send(&app, &session, "I want to talk about running.").await;
        reader.read_words(&mut events, &first, |shown| shown.split(' ').count() > 3).await;
        let waiting = send(&app, &session, "I also want to swim.").await;
        let hasty = send_with(&app, &session, "No, I would rather cycle.", json!({ "whileRunning": "INTERRUPT" })).await;
        let hasty = text(&hasty, "/turn/id");

        let ended = until_over(&mut events, &mut reader, &first).await;
        assert_eq!((name(&ended), &ended["reason"]), ("TurnInterrupted", &json!("INTERRUPTED")), "{ended:#}");
        let reply = &ended["turn"]["reply"];
        assert_eq!((&reply["status"], &reply["stopReason"]), (&json!("INTERRUPTED"), &json!("INTERRUPTED")));
        assert!(reader.shown(&first).split(' ').count() > 3 && !reader.shown(&first).ends_with('?'), "{reply:#}");
        let next = reader.read_until(&mut events, |event| name(event) == "TurnStarted").await;
        assert_eq!(text(&next, "/turn/id"), waiting, "what waits already still comes first");
        interrupt(&app, &waiting).await;
        let next = reader.read_until(&mut events, |event| name(event) == "TurnStarted").await;
        assert_eq!(text(&next, "/turn/id"), hasty);
        interrupt(&app, &hasty).await;
        until_over(&mut events, &mut reader, &hasty).await;

        let kept = messages(&app, &session).await;
        assert_eq!(told(&kept).iter().filter(|(role, _)| *role == "COACH").count(), 3);
        let of_first: Vec<_> = kept.iter().filter(|message| message["id"] == reply["id"]).collect();
        assert_eq!(of_first[0]["text"].as_str().unwrap(), reader.shown(&first));
        assert_eq!(kept[1]["id"], reply["id"], "in order: {kept:#?}");
    }
}

on_both! {
    async fn a_message_that_may_not_wait_is_refused_and_leaves_nothing(database: Database) {
        let app = at_pace(database, 60).await;
        let session = start(&app).await;
        let reject = json!({ "whileRunning": "REJECT" });
        let first = send_with(&app, &session, "I want to run.", reject.clone()).await;
        assert!(first["turn"].is_object(), "nothing runs yet: {first:#}");
        let refused = send_with(&app, &session, "And to swim.", reject.clone()).await;
        assert_eq!(problem(&refused), ("CONFLICT".into(), "whileRunning".into()));
        assert_eq!((&refused["message"], &refused["turn"]), (&Value::Null, &Value::Null));
        interrupt(&app, &text(&first, "/turn/id")).await;
        assert!(messages(&app, &session).await.iter().all(|message| message["text"] != "And to swim."));
        let after = send_with(&app, &session, "And to swim.", reject).await;
        assert!(after["turn"].is_object(), "nothing runs any more: {after:#}");
    }
}

on_both! {
    async fn interrupting_what_is_over_changes_nothing(app: TestApp) {
        let session = start(&app).await;
        let completed = answer(&app, &session, "I want to run.").await;
        let turn = text(&completed, "/turn/id");
        let before = messages(&app, &session).await;
        for _ in 0..2 {
            let again = interrupt(&app, &turn).await;
            assert_eq!((&again["status"], &again["reply"]["status"]), (&json!("COMPLETED"), &json!("COMPLETED")));
            assert_eq!(again["reply"]["stopReason"], "END_OF_TURN");
        }
        assert_eq!(messages(&app, &session).await, before);
        let (mut events, mut reader) = (follow(&app, &session, None).await, Reader::default());
        app.ok(&app.owner, END, json!({ "s": session })).await;
        reader.read_until(&mut events, |event| name(event) == "SessionEnded").await;
        assert_eq!(reader.names(), ["SessionStarted", "TurnQueued", "TurnStarted", "TurnCompleted", "SessionEnded"]);
    }
}

on_both! {
    async fn an_interrupted_turn_stays_as_it_is_and_one_that_waits_is_never_answered(database: Database) {
        let app = at_pace(database, 60).await;
        let session = start(&app).await;
        let (mut events, mut reader) = (follow(&app, &session, None).await, Reader::default());
        let first = send(&app, &session, "I want to run.").await;
        let second = send(&app, &session, "I want to swim.").await;
        let third = send(&app, &session, "I want to cycle.").await;
        reader.read_words(&mut events, &first, |shown| shown.len() > 3).await;

        let waiting = interrupt(&app, &second).await;
        assert_eq!((&waiting["status"], &waiting["reply"], &waiting["startedAt"]), (&json!("INTERRUPTED"), &Value::Null, &Value::Null));
        let stopped = interrupt(&app, &first).await;
        assert_eq!((&stopped["status"], &stopped["reply"]["status"]), (&json!("INTERRUPTED"), &json!("INTERRUPTED")));
        assert_eq!(interrupt(&app, &first).await, stopped, "once more changes nothing");

        let next = reader.read_until(&mut events, |event| name(event) == "TurnStarted").await;
        assert_eq!(text(&next, "/turn/id"), third);
        assert_eq!(reader.shown(&first), text(&stopped, "/reply/text"));
        assert_eq!((name(&reader.ended[&second]), reader.shown(&second)), ("TurnInterrupted", ""));
    }
}

on_both! {
    async fn ending_a_session_ends_all_its_turns_and_the_stream(database: Database) {
        let app = at_pace(database, 60).await;
        let session = start(&app).await;
        let (mut events, mut reader) = (follow(&app, &session, None).await, Reader::default());
        let running = send(&app, &session, "I want to run every morning.").await;
        let waiting = send(&app, &session, "I want to swim.").await;
        reader.read_words(&mut events, &running, |shown| shown.len() > 3).await;
        let ended = app.ok(&app.owner, END, json!({ "s": session })).await["endCoachingSession"]["session"].clone();
        assert_eq!(ended["status"], "ENDED");
        assert!(text(&ended, "/summary/text").contains("I want to run every morning."), "{ended:#}");
        reader.read_until(&mut events, |event| name(event) == "SessionEnded").await;
        assert!(events.next().await.is_none(), "completed with the session");
        assert_eq!(reader.ended.len(), 2);
        assert!(reader.ended.values().all(|end| name(end) == "TurnInterrupted"), "{:#?}", reader.ended);
        assert_eq!(reader.shown(&waiting), "");

        let again = app.ok(&app.owner, END, json!({ "s": session })).await["endCoachingSession"]["session"].clone();
        assert_eq!(again, ended);
        let refused = send_with(&app, &session, "One more thing.", json!({})).await;
        assert_eq!(problem(&refused), ("CONFLICT".into(), "sessionId".into()));
        assert_eq!(messages(&app, &session).await.len(), 3);
        // Who comes later hears all of it, and that it is over.
        let (mut late, mut replayed) = (follow(&app, &session, None).await, Reader::default());
        replayed.read_until(&mut late, |event| name(event) == "SessionEnded").await;
        assert!(late.next().await.is_none());
        assert_eq!(replayed.log, reader.log);
        assert_eq!(replayed.shown(&running), reader.shown(&running));
    }
}

on_both! {
    async fn at_most_twenty_messages_wait_however_they_are_sent(database: Database) {
        let app = at_pace(database, 2_000).await;
        let session = start(&app).await;
        let (mut events, mut reader) = (follow(&app, &session, None).await, Reader::default());
        let running = send(&app, &session, "I want to run.").await;
        reader.read_words(&mut events, &running, |shown| !shown.is_empty()).await;
        for number in 0..20 {
            send(&app, &session, &format!("Number {number}")).await;
        }
        for how in ["ENQUEUE", "INTERRUPT"] {
            let refused = send_with(&app, &session, "One more.", json!({ "whileRunning": how })).await;
            assert_eq!(problem(&refused), ("LIMIT_REACHED".into(), "text".into()), "{how}");
        }
        let status = "query($t: ID!) { node(id: $t) { ... on Turn { status } } }";
        let status = app.ok(&app.owner, status, json!({ "t": running })).await;
        assert_eq!(status["node"]["status"], "RUNNING", "what is refused interrupts nothing");
        assert_eq!(messages(&app, &session).await.len(), 22);
    }
}

on_both! {
    async fn a_long_conversation_of_long_messages_is_still_answered(app: TestApp) {
        let session = start(&app).await;
        let long = "walnut ".repeat(20_000 / 7);
        for number in 0..24 {
            let ended = answer(&app, &session, &long).await;
            assert_eq!(name(&ended), "TurnCompleted", "message {number}: {}", ended["reason"]);
        }
    }
}
