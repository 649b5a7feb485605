//! Forgetting a memory reaches what replies quote of it, however their turns went.
use super::{
    Reader, answer, at_pace, follow, forget, grounding::citations, grounding::slice, interrupt, messages,
    reader::name, remember, send, start, until_over,
};
use crate::{
    on_both,
    support::{Subscription, TestApp, text},
};
use aifirst::db::Source;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

const MEMORY: &str = "Ana prefers short stand-ups before ten, walks at noon with the dog, reads on the train, and would \
    rather write than call when something has to be settled with the office in Lisbon";
const QUESTION: &str = "When does Ana want her stand-ups?";

/// Whether the word is in any text that coaching keeps.
async fn is_kept(app: &TestApp, word: &str) -> bool {
    let connection = app.running.services.db.connection();
    let mut found = false;
    for sql in ["SELECT text FROM message WHERE role = 'COACH'", "SELECT quote FROM citation"] {
        let rows =
            connection.query_all_raw(Statement::from_string(connection.get_database_backend(), sql)).await;
        let rows = rows.unwrap();
        found |= rows.iter().any(|row| row.try_get_by_index::<String>(0).unwrap().contains(word));
    }
    found
}

async fn reply(app: &TestApp, session: &str) -> Value {
    messages(app, session).await.into_iter().rfind(|message| message["role"] == "COACH").unwrap()
}

/// A reply in the midst of its quote of a memory.
struct Quoting {
    memory: String,
    session: String,
    events: Subscription,
    reader: Reader,
    turn: String,
}

async fn quoting(app: &TestApp) -> Quoting {
    let memory = remember(app, MEMORY).await;
    let session = start(app).await;
    let (mut events, mut reader) = (follow(app, &session, None).await, Reader::default());
    let turn = send(app, &session, QUESTION).await;
    reader.read_words(&mut events, &turn, |shown| shown.contains("Ana prefers short")).await;
    Quoting { memory, session, events, reader, turn }
}

on_both! {
    async fn a_forgotten_memorys_quotes_go_from_old_replies(app: TestApp) {
        let memory = remember(&app, MEMORY).await;
        let kept = remember(&app, "The office wants stand-ups to be short").await;
        let session = start(&app).await;
        let ended = answer(&app, &session, QUESTION).await;
        assert_eq!(citations(&ended).len(), 2, "{ended:#}");
        let receipt = forget(&app, &memory).await;
        let quotes = receipt["erased"].as_array().unwrap().iter().find(|erased| erased["kind"] == "QUOTE");
        assert_eq!(quotes.unwrap()["count"], 1, "{receipt:#}");

        let reply = reply(&app, &session).await;
        assert!(reply["text"].as_str().unwrap().contains("[forgotten]") && !is_kept(&app, "Lisbon").await, "{reply:#}");
        assert_eq!((reply["citations"].as_array().unwrap().len(), text(&reply, "/citations/0/memory/id")), (1, kept));
        // The next reply knows nothing of it either.
        let next = answer(&app, &session, QUESTION).await;
        assert!(!text(&next, "/turn/reply/text").contains("Ana prefers"), "{next:#}");
    }
}

on_both! {
    async fn who_had_heard_part_of_a_reply_is_told_the_rest_without_what_was_forgotten(database: Database) {
        let app = at_pace(database, 15).await;
        let Quoting { memory, session, mut events, mut reader, turn } = quoting(&app).await;
        let mut cut = reader.clone();
        until_over(&mut events, &mut reader, &turn).await;
        assert!(reader.shown(&turn).contains(MEMORY));
        forget(&app, &memory).await;
        // The reader would complain if what it shows in the end were not the reply.
        let mut events = follow(&app, &session, cut.cursor.clone().as_ref()).await;
        until_over(&mut events, &mut cut, &turn).await;
        assert!(cut.shown(&turn).contains("[forgotten]") && !cut.shown(&turn).contains("Ana"), "{}", cut.shown(&turn));
    }
}

on_both! {
    async fn a_quote_in_whose_midst_a_turn_was_stopped_is_cited_as_far_as_it_went_and_can_be_forgotten(database: Database) {
        let app = at_pace(database, 60).await;
        let Quoting { memory, session, mut events, mut reader, turn } = quoting(&app).await;
        interrupt(&app, &turn).await;
        let ended = until_over(&mut events, &mut reader, &turn).await;
        assert_eq!(name(&ended), "TurnInterrupted", "{ended:#}");
        let citations = citations(&ended);
        assert_eq!(citations.len(), 1, "{ended:#}");
        let quote = text(&citations[0], "/quote");
        assert!(quote.starts_with("Ana prefers short") && reader.shown(&turn).ends_with(&quote), "{ended:#}");
        assert_eq!(slice(MEMORY, &citations[0]["start"], &citations[0]["end"]), quote);

        forget(&app, &memory).await;
        let reply = reply(&app, &session).await;
        assert!(text(&reply, "/text").ends_with("[forgotten]") && !is_kept(&app, "Ana").await, "{reply:#}");
    }
}

on_both! {
    async fn a_coach_stops_when_what_it_quotes_is_forgotten_and_keeps_nothing_of_it(database: Database) {
        let app = at_pace(database, 60).await;
        let Quoting { memory, mut events, mut reader, turn, .. } = quoting(&app).await;
        forget(&app, &memory).await;
        let ended = until_over(&mut events, &mut reader, &turn).await;
        assert_eq!((name(&ended), citations(&ended)), ("TurnInterrupted", vec![]), "{ended:#}");
        assert!(text(&ended, "/turn/reply/text").ends_with("[forgotten]"), "{ended:#}");
        assert!(!is_kept(&app, "Ana").await);
    }
}

on_both! {
    async fn forgetting_at_once_with_the_end_of_a_reply_leaves_nothing_of_it(app: TestApp) {
        for round in 0..8 {
            let word = format!("zyxwvowl{round}");
            let memory = remember(&app, &format!("The {word} sings at night")).await;
            let session = start(&app).await;
            let (mut events, mut reader) = (follow(&app, &session, None).await, Reader::default());
            let turn = send(&app, &session, &format!("When does the {word} sing?")).await;
            reader.read_until(&mut events, |event| name(event) == "TurnStarted").await;
            forget(&app, &memory).await;
            loop {
                let event = events.next().await.unwrap()["coachingEvents"].clone();
                if super::reader::is_end(&event) {
                    assert_eq!(event["turn"]["id"], json!(turn));
                    break;
                }
            }
            assert!(!is_kept(&app, &format!("The {word} sings")).await, "round {round}");
        }
    }
}
