//! An answer that is begun by one model and ended by another reads as one.
use super::{ask, ask_with, call, calls, route};
use crate::{
    coaching::{self, reader::Reader},
    on_both,
    support::{
        Database, Dice, TestApp,
        fake::{Fake, Format, Piece, Reason, Script},
        text, with_seeds,
    },
};
use aifirst::shared::Ambient;
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Words of one to four bytes a character, none like another.
fn words(dice: &mut Dice) -> String {
    let kinds = ["walk", "naïve", "日本語", "🎻-bow", "e\u{301}clair"];
    (0..20 + dice.throw(30)).map(|n| format!("{} {n}, ", kinds[dice.throw(5) as usize])).collect()
}

/// The rest of the text after what was said before, in pieces by chance. Some models begin with the last words of what
/// was said.
fn rest(whole: &str, said: &str, dice: &mut Dice) -> Vec<String> {
    let from = if dice.throw(2) == 0 {
        // Fewer than the seam's least would be meant.
        let back = 12 + dice.throw(100) as usize;
        said.char_indices().rev().nth(back).map_or(said.len(), |(at, _)| at)
    } else {
        said.len()
    };
    let mut left: Vec<char> = whole[from..].chars().collect();
    let mut pieces = vec![];
    while !left.is_empty() {
        let most = left.len().min(1 + dice.throw(12) as usize);
        pieces.push(left.drain(..most).collect());
    }
    pieces
}

/// Goes on where another model stopped, until it is cut or, as the last, to the end.
fn speaker(fake: &Fake, model: &str, whole: &Arc<String>, dice: &mut Dice, is_last: bool) {
    let (format, whole, dice) = (fake.format, whole.clone(), dice.split());
    fake.answers(model, move |body| {
        let mut dice = dice.clone();
        let (said, _) = format.prefill(body).unwrap_or_default();
        assert!(whole.starts_with(&said), "{said:?} is no beginning of {whole:?}");
        let mut pieces = rest(&whole, &said, &mut dice);
        if !is_last {
            pieces.truncate(dice.throw(pieces.len() as u64) as usize);
        }
        let script = Script::texts(pieces.iter().map(String::as_str));
        script.then(if is_last { Piece::End(Reason::Stop) } else { Piece::Cut })
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wherever_models_are_cut_no_word_is_lost_or_doubled() {
    const ROUNDS: u64 = 24;
    let mut fakes = vec![];
    for format in Format::ALL {
        fakes.push(Fake::start(format).await);
    }
    let mut settings: String = fakes.iter().map(|fake| fake.settings(fake.format.kind())).collect();
    let model = |round: usize, nth: usize| format!("model-{round}-{nth}");
    // Three after each other, beginning with each in turn.
    let chosen = |round: usize, nth: usize| &fakes[(round + nth) % fakes.len()];
    for round in 0..ROUNDS as usize {
        let models = [0, 1, 2].map(|nth| (chosen(round, nth).format.kind(), model(round, nth)));
        let targets: Vec<_> = models.iter().map(|(provider, model)| (*provider, model.as_str())).collect();
        settings += &route(&format!("r{round}"), &targets, "");
    }
    let app = TestApp::start_with(Database::sqlite(), &settings, Ambient::system()).await;
    let next = AtomicUsize::new(0);
    with_seeds(ROUNDS, async |seed| {
        let round = next.fetch_add(1, Ordering::SeqCst);
        let mut dice = Dice::new(seed);
        let whole = Arc::new(words(&mut dice));
        for nth in 0..3 {
            speaker(chosen(round, nth), &model(round, nth), &whole, &mut dice, nth == 2);
        }
        let output = ask(&app, &format!("r{round}"), "Walk.").await.unwrap();
        assert_eq!(output["text"], whole.as_str());
    })
    .await;
    for (_, calls) in calls(&app, ROUNDS as usize).await {
        let statuses: Vec<_> =
            calls[0]["attempts"].as_array().unwrap().iter().map(|a| text(a, "/status")).collect();
        assert_eq!(statuses, ["FAILED", "FAILED", "COMPLETED"], "{calls:#?}");
    }
}

/// Goes on after just this, asked to or not; then it is cut, or ends.
fn goes_on(fake: &Fake, model: &str, after: &str, is_asked: bool, says: &str, end: Piece) {
    let (format, says) = (fake.format, says.to_owned());
    let expected = (after.to_owned(), is_asked);
    fake.answers(model, move |body| {
        assert_eq!(format.prefill(body).unwrap_or_default(), expected);
        Script::texts(says.split_inclusive(' ')).then(end.clone())
    });
}

const STOP: Piece = Piece::End(Reason::Stop);

/// Its models go on from a last message of their own.
fn with_prefill(fake: &Fake) -> String {
    fake.settings(fake.format.kind()) + "prefill = true\n"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_goes_on_by_itself_says_the_same_again_where_it_means_it() {
    // Each is said twice: the first time by one model, then by the next.
    let said: Vec<_> = [1, 2, 3].map(|n| format!(" I do not know what {n} is.")).into();
    let says = [said[0].clone(), said[0].clone() + &said[1], said[1].clone() + &said[2] + &said[2]];
    let mut fakes = vec![];
    for format in Format::ALL {
        fakes.push(Fake::start(format).await);
    }
    let mut settings: String = fakes.iter().map(with_prefill).collect();
    for round in 0..4 {
        let chosen = [0, 1, 2].map(|nth| &fakes[(round + nth) % 4]);
        let names = [0, 1, 2].map(|nth| format!("model-{round}-{nth}"));
        let targets: Vec<_> =
            chosen.iter().zip(&names).map(|(fake, name)| (fake.format.kind(), name.as_str())).collect();
        settings += &route(&format!("r{round}"), &targets, "");
        chosen[0].says(&names[0], Script::texts([says[0].as_str()]).then(Piece::Cut));
        goes_on(chosen[1], &names[1], &says[0], false, &says[1], Piece::Cut);
        goes_on(chosen[2], &names[2], &says[..2].concat(), false, &says[2], STOP);
    }
    let app = TestApp::start_with(Database::sqlite(), &settings, Ambient::system()).await;
    for round in 0..4 {
        assert_eq!(ask(&app, &format!("r{round}"), "What?").await.unwrap()["text"], says.concat(), "{round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_no_model_goes_on_by_itself_it_is_asked_to() {
    let (openai, anthropic) = (Fake::start(Format::OpenAi).await, Fake::start(Format::Anthropic).await);
    let settings = with_prefill(&openai)
        + &with_prefill(&anthropic)
        + &route("blank", &[("openai-compatible", "one"), ("anthropic", "two")], "")
        + &route("schema", &[("openai-compatible", "three"), ("openai-compatible", "four")], "");
    let app = TestApp::start_with(Database::sqlite(), &settings, Ambient::system()).await;
    openai.says("one", Script::texts(["Well, "]).then(Piece::Cut));
    goes_on(&anthropic, "two", "Well, ", true, "go.", STOP);
    assert_eq!(ask(&app, "blank", "Go?").await.unwrap()["text"], "Well, go.");
    openai.says("three", Script::texts([r#"{"go""#]).then(Piece::Cut));
    goes_on(&openai, "four", r#"{"go""#, true, ": true}", STOP);
    let schema = json!({ "type": "object" });
    let output =
        ask_with(&app, json!({ "route": "schema", "prompt": "Go?", "outputSchema": schema })).await.unwrap();
    assert_eq!(output["json"], json!({ "go": true }));
}

on_both! {
    async fn a_turn_goes_on_with_the_next_model_before_its_followers_eyes(database: Database) {
        let (first, second) = (Fake::start(Format::OpenAi).await, Fake::start(Format::Anthropic).await);
        let mut dice = Dice::new(7);
        let whole = Arc::new(words(&mut dice));
        let half = whole.char_indices().nth(whole.chars().count() / 2).unwrap().0;
        first.says("one", Script::texts(whole[..half].split_inclusive(' ')).then(Piece::Cut));
        speaker(&second, "two", &whole, &mut dice, true);
        let settings = first.settings("a") + &second.settings("b") + &route("default", &[("a", "one"), ("b", "two")], "");
        let app = TestApp::start_with(database, &settings, Ambient::system()).await;
        let session = coaching::start(&app).await;
        let (mut events, mut reader) = (coaching::follow(&app, &session, None).await, Reader::default());
        let turn = coaching::send(&app, &session, "Shall I walk?").await;
        // The reader complains of gaps and doubles.
        let ended = coaching::until_over(&mut events, &mut reader, &turn).await;
        assert_eq!((text(&ended, "/__typename"), text(&ended, "/turn/reply/text")), ("TurnCompleted".into(), whole.to_string()));
        let call = call(&app).await;
        assert_eq!((&call["status"], &call["modelUsed"]), (&"COMPLETED".into(), &"two".into()), "{call:#}");
    }
}
