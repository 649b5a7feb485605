//! Connections that are cut at random while turns stream: what a client hears in pieces is what there was.
use super::{
    END, Reader, at_pace, follow,
    reader::{is_end, name},
    send_with, start,
};
use crate::{
    on_both,
    support::{Database, Dice, PATIENCE, TestApp, text, with_seeds},
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

/// Follows the session to its end, over connections that are cut after a few events or a little time, and goes on from
/// the last cursor or from an older one.
async fn follow_with_cuts(app: &TestApp, session: &str, mut dice: Dice) -> (Reader, usize) {
    let mut history = vec![Reader::default()];
    let mut connections = 0;
    loop {
        let mut reader = history.last().unwrap().clone();
        let mut events = follow(app, session, reader.cursor.as_ref()).await;
        connections += 1;
        for _ in 0..=dice.throw(25) {
            let patience = if dice.throw(4) == 0 { Duration::from_millis(dice.throw(30)) } else { PATIENCE };
            let Ok(event) = timeout(patience, events.next()).await else { break };
            let event = event.expect("completed before the session ended")["coachingEvents"].clone();
            reader.take(&event);
            history.push(reader.clone());
            if name(&event) == "SessionEnded" {
                assert!(events.next().await.is_none());
                return (reader, connections);
            }
        }
        if dice.throw(3) == 0 {
            let back = dice.throw(30).min(history.len() as u64 - 1);
            history.truncate(history.len() - back as usize);
        }
    }
}

/// A conversation in which some messages interrupt, some turns are stopped, and whose end comes in the midst of a turn.
async fn converse(app: &TestApp, session: &str, mut dice: Dice) -> usize {
    let turns = 4 + dice.throw(3) as usize;
    let (mut events, mut reader) = (follow(app, session, None).await, Reader::default());
    for number in 0..turns {
        let how = if dice.throw(3) == 0 { "INTERRUPT" } else { "ENQUEUE" };
        let said = format!("My 🎻 plan number {number} is naïve: to 日本語 run and to swim.");
        let sent = send_with(app, session, &said, json!({ "whileRunning": how })).await;
        let turn = text(&sent, "/turn/id");
        match dice.throw(3) {
            0 => {}
            1 => drop(
                reader.read_until(&mut events, |event| is_end(event) && event["turn"]["id"] == turn).await,
            ),
            _ => dice.pause(60).await,
        }
    }
    app.ok(&app.owner, END, json!({ "s": session })).await;
    turns
}

async fn cut_at_random(database: Database, seed: u64) {
    let app = at_pace(database, 3).await;
    let mut dice = Dice::new(seed);
    let session = start(&app).await;
    let (turns, one, two, three) = tokio::join!(
        converse(&app, &session, dice.split()),
        follow_with_cuts(&app, &session, dice.split()),
        follow_with_cuts(&app, &session, dice.split()),
        follow_with_cuts(&app, &session, dice.split()),
    );
    // The truth: what is in the log and in the messages when all is over.
    let (mut events, mut whole) = (follow(&app, &session, None).await, Reader::default());
    whole.read_until(&mut events, |event| name(event) == "SessionEnded").await;
    assert_eq!(whole.ended.len(), turns, "one end for each turn");
    // One of them may hear a short conversation in one go.
    assert!(one.1 + two.1 + three.1 > 3, "nothing was cut");
    for (reader, _) in [one, two, three] {
        assert_eq!(reader.log, whole.log);
        let ends = |reader: &Reader| -> Vec<Value> {
            let mut ends: Vec<_> = reader.ended.values().cloned().collect();
            ends.sort_by_key(|end| end["cursor"].to_string());
            ends
        };
        assert_eq!(ends(&reader), ends(&whole));
        for turn in whole.ended.keys() {
            assert_eq!(reader.shown(turn), whole.shown(turn));
        }
    }
}

async fn play(database: Database, rounds: u64) {
    let sqlite = database.is_sqlite();
    with_seeds(rounds, async |seed| {
        let database = if sqlite { Database::sqlite() } else { Database::postgres().await };
        cut_at_random(database, seed).await;
    })
    .await;
}

on_both! {
    async fn a_client_that_is_cut_at_random_hears_all_of_it_once(database: Database) {
        play(database, 1).await;
    }
}

on_both! {
    async fn slow_clients_that_are_cut_at_random_hear_all_of_it_once(database: Database) {
        play(database, 9).await;
    }
}
