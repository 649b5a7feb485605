//! The real binary, killed or stopped while the coach speaks, and started again.
use super::{
    MESSAGES, Reader, SEND, START, follow_at,
    reader::{is_end, name},
};
use crate::{
    on_both,
    support::{Binary, Client, Database, PATIENCE, Server, Subscription, text},
};
use aifirst::shared::Random;
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::timeout;

async fn start(client: &Client) -> String {
    let input = json!({ "workspaceId": client.workspace().await, "topic": "My week" });
    text(&client.get(START, json!({ "input": input })).await, "/startCoachingSession/session/id")
}

/// Message `number`, which is one message however often it is sent.
fn message(session: &str, number: usize) -> Value {
    json!({ "input": { "sessionId": session, "text": format!("My plan number {number} is to run."),
        "idempotencyKey": format!("message {number}") } })
}

async fn send(client: &Client, session: &str, number: usize) -> String {
    text(&client.get(SEND, message(session, number)).await, "/sendMessage/turn/id")
}

/// Whether the message was taken; one is not while too many wait for an answer.
fn is_taken(answer: &Value) -> bool {
    let errors = &answer["sendMessage"]["userErrors"];
    assert!(*errors == json!([]) || errors[0]["code"] == "LIMIT_REACHED", "{answer:#}");
    *errors == json!([])
}

/// Sends messages one by one, as the coach answers them or a little sooner; `sent` counts those whose receipt came.
async fn talk(client: Client, session: String, sent: Arc<AtomicUsize>, pause: Duration) {
    loop {
        let number = sent.load(Ordering::SeqCst);
        let Ok(answer) = client.ask(SEND, message(&session, number)).await else { return };
        sent.store(number + usize::from(is_taken(&answer)), Ordering::SeqCst);
        tokio::time::sleep(pause).await;
    }
}

/// Listens until the server is gone.
async fn listen(mut events: Subscription, reader: Arc<Mutex<Reader>>) {
    while let Some(event) = events.next().await {
        reader.lock().unwrap().take(&event["coachingEvents"]);
    }
}

/// Reads on until so many turns are over.
async fn until_all_over(events: &mut Subscription, reader: &mut Reader, turns: usize) {
    while reader.ended.len() < turns {
        reader.read_until(events, is_end).await;
    }
}

/// How a turn that was running when the server went, or after, may have ended.
fn check_end(end: &Value) {
    match name(end) {
        "TurnCompleted" => assert!(text(end, "/turn/reply/text").ends_with('?'), "{end:#}"),
        "TurnInterrupted" => {
            assert_eq!(end["reason"], "SERVER_RESTARTED", "{end:#}");
            let reply = &end["turn"]["reply"];
            assert_eq!(
                (&reply["status"], &reply["stopReason"]),
                (&json!("INTERRUPTED"), &json!("SERVER_RESTARTED")),
                "{end:#}"
            );
        }
        _ => panic!("{end:#}"),
    }
}

/// What a newcomer hears of the session is what the client that was there all the time has heard; and it is all.
async fn check(client: &Client, session: &str, reader: &Reader, turns: usize) {
    let (mut events, mut whole) = (follow_at(client, session, None).await, Reader::default());
    until_all_over(&mut events, &mut whole, turns).await;
    assert_eq!(whole.log, reader.log);
    for (turn, end) in &whole.ended {
        check_end(end);
        assert_eq!(&reader.ended[turn], end);
        assert_eq!(reader.shown(turn), whole.shown(turn));
    }
    let of = |kind: &str| -> Vec<&String> {
        whole.log.iter().filter(|(name, _)| name == kind).map(|(_, cursor)| cursor).collect()
    };
    assert_eq!((of("TurnQueued").len(), of("TurnStarted").len()), (turns, turns));
    let page = client.get(MESSAGES, json!({ "s": session })).await;
    let messages = page["node"]["messages"]["nodes"].as_array().unwrap();
    let said =
        messages.iter().filter(|message| message["role"] == "USER").map(|message| text(message, "/text"));
    for (number, said) in said.enumerate() {
        assert_eq!(said, format!("My plan number {number} is to run."));
    }
}

async fn survive(kills: usize, database: &Database) {
    let binary = Binary::on(database)
        .set("GATEWAY__BUILTIN__PACE_MILLISECONDS", 10)
        .set("COACHING__LEASE_MILLISECONDS", 500);
    let mut server = binary.serve().await;
    let session = start(&server.client()).await;
    let (sent, random) = (Arc::new(AtomicUsize::new(0)), Random::system());
    let reader = Arc::new(Mutex::new(Reader::default()));
    for _ in 0..kills {
        let cursor = reader.lock().unwrap().cursor.clone();
        let events = follow_at(&server.client(), &session, cursor.as_ref()).await;
        let listener = tokio::spawn(listen(events, reader.clone()));
        let pause = Duration::from_millis(400);
        let talker = tokio::spawn(talk(server.client(), session.clone(), sent.clone(), pause));
        tokio::time::sleep(Duration::from_secs_f64(random.fraction() * 0.9)).await;
        server.kill();
        talker.abort();
        timeout(PATIENCE, listener).await.expect("the socket stays open").unwrap();
        server = binary.serve().await;
    }
    let client = server.client();
    let mut reader = Arc::into_inner(reader).unwrap().into_inner().unwrap();
    // One that was carried out before its receipt came is the same one now.
    let last = sent.load(Ordering::SeqCst);
    let mut events = follow_at(&client, &session, reader.cursor.clone().as_ref()).await;
    while !is_taken(&client.get(SEND, message(&session, last)).await) {
        reader.read_until(&mut events, is_end).await;
    }
    until_all_over(&mut events, &mut reader, last + 1).await;
    check(&client, &session, &reader, last + 1).await;
    server.kill();
}

on_both! {
    async fn slow_kills_at_any_point_end_each_turn_once_and_answer_what_waits(database: Database) {
        survive(if database.is_sqlite() { 30 } else { 10 }, &database).await;
    }
}

/// A server whose coach is in the midst of its answer to message 0, with message 1 waiting.
async fn in_the_midst(binary: &Binary) -> (Server, String, [String; 2], Subscription, Reader) {
    let server = binary.serve().await;
    let client = server.client();
    let session = start(&client).await;
    let (mut events, mut reader) = (follow_at(&client, &session, None).await, Reader::default());
    let turns = [send(&client, &session, 0).await, send(&client, &session, 1).await];
    reader.read_words(&mut events, &turns[0], |shown| shown.split(' ').count() > 3).await;
    (server, session, turns, events, reader)
}

on_both! {
    async fn a_killed_servers_turn_is_over_after_the_restart_and_the_next_one_is_answered(database: Database) {
        let binary = Binary::on(&database).set("COACHING__LEASE_MILLISECONDS", 500);
        let slow = binary.clone().set("GATEWAY__BUILTIN__PACE_MILLISECONDS", 150);
        let (server, session, turns, events, mut reader) = in_the_midst(&slow).await;
        // Some of what was said is checkpointed.
        let client = server.client();
        loop {
            let page = client.get(MESSAGES, json!({ "s": session })).await;
            let messages = page["node"]["messages"]["nodes"].as_array().unwrap();
            if messages.iter().any(|message| message["role"] == "COACH" && message["text"] != "") {
                break;
            }
        }
        server.kill();
        drop(events);
        let server = binary.set("GATEWAY__BUILTIN__PACE_MILLISECONDS", 0).serve().await;
        let mut events = follow_at(&server.client(), &session, reader.cursor.clone().as_ref()).await;
        until_all_over(&mut events, &mut reader, 2).await;
        let (first, second) = (&reader.ended[&turns[0]], &reader.ended[&turns[1]]);
        assert_eq!((name(first), &first["reason"]), ("TurnInterrupted", &json!("SERVER_RESTARTED")));
        assert!(!text(first, "/turn/reply/text").is_empty(), "the checkpoint stays: {first:#}");
        assert_eq!(name(second), "TurnCompleted");
        check(&server.client(), &session, &reader, 2).await;
    }
}

on_both! {
    async fn a_stopped_server_sends_its_followers_away_and_finishes_the_turn(database: Database) {
        let binary = Binary::on(&database);
        let (server, session, turns, events, mut reader) = in_the_midst(&binary.clone().set("GATEWAY__BUILTIN__PACE_MILLISECONDS", 40)).await;
        server.process.signal("TERM");
        assert_eq!(events.close_code().await, 1012);
        let ended = server.process.end().await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let server = binary.serve().await;
        let mut events = follow_at(&server.client(), &session, reader.cursor.clone().as_ref()).await;
        until_all_over(&mut events, &mut reader, 2).await;
        assert_eq!(name(&reader.ended[&turns[0]]), "TurnCompleted", "there was time enough");
        check(&server.client(), &session, &reader, 2).await;
    }
}

on_both! {
    async fn slow_a_stopped_server_interrupts_what_takes_longer_than_it_may(database: Database) {
        let binary = Binary::on(&database);
        let (server, session, turns, events, mut reader) = in_the_midst(&binary.clone().set("GATEWAY__BUILTIN__PACE_MILLISECONDS", 1_000)).await;
        server.process.signal("TERM");
        assert_eq!(events.close_code().await, 1012);
        let ended = server.process.end().await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let server = binary.set("GATEWAY__BUILTIN__PACE_MILLISECONDS", 0).serve().await;
        let mut events = follow_at(&server.client(), &session, reader.cursor.clone().as_ref()).await;
        until_all_over(&mut events, &mut reader, 2).await;
        let end = &reader.ended[&turns[0]];
        assert_eq!((name(end), &end["reason"]), ("TurnInterrupted", &json!("SERVER_RESTARTED")));
        assert!(text(end, "/turn/reply/text").split(' ').count() > 3, "all that was said stays: {end:#}");
        assert_eq!(name(&reader.ended[&turns[1]]), "TurnCompleted");
        check(&server.client(), &session, &reader, 2).await;
    }
}
