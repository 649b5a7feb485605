//! How well the ranking finds: LoCoMo's questions asked of their conversations, as `aifirst eval retrieval` does it, but
//! without a server: for those who change the recipe. The data may not be part of the project; AIFIRST_EVAL_DATA names
//! the folder where `locomo-turns.jsonl` and `locomo-questions.jsonl` are, and without it nothing is measured.
use super::{
    index::Replica,
    rank::{Among, Order, Query, Wanted, rank, rank_groups},
    store::Row,
};
use crate::shared::moment;
use serde::{Deserialize, de::DeserializeOwned};
use std::{collections::BTreeSet, fs, path::Path};

#[derive(Deserialize)]
struct Turn {
    conversation: String,
    session: u32,
    at: String,
    id: String,
    speaker: String,
    text: String,
}

#[derive(Deserialize)]
struct Question {
    conversation: String,
    question: String,
    /// Ids of the turns that answer it.
    evidence: BTreeSet<String>,
}

fn lines<T: DeserializeOwned>(file: &Path) -> Vec<T> {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn collection(turn: &Turn) -> String {
    format!("{}/{}", turn.conversation, turn.session)
}

fn row(number: usize, turn: &Turn) -> Row {
    let at = moment::parse(&moment::of_transcript(&turn.at).unwrap()).unwrap();
    let said = (turn.text.as_str(), Some(turn.speaker.as_str()));
    Row::said(number as i64 + 1, number as u128, said, Some(&collection(turn)), at)
}

fn share<T: Ord>(found: impl Iterator<Item = T>, of: &BTreeSet<T>) -> f64 {
    found.filter(|found| of.contains(found)).count() as f64 / of.len().max(1) as f64
}

#[test]
#[expect(clippy::print_stderr, reason = "says what was measured, or why nothing was")]
fn what_answers_locomo_questions_is_found() {
    let Some(folder) = std::env::var_os("AIFIRST_EVAL_DATA") else {
        eprintln!(
            "skipped: set AIFIRST_EVAL_DATA to a folder with locomo-turns.jsonl and locomo-questions.jsonl"
        );
        return;
    };
    let turns: Vec<Turn> = lines(&Path::new(&folder).join("locomo-turns.jsonl"));
    let mut copy = Replica::default();
    for (number, turn) in turns.iter().enumerate() {
        copy.insert(&[row(number, turn)]).unwrap();
    }
    let copy = copy.compacted();
    let questions: Vec<Question> = lines(&Path::new(&folder).join("locomo-questions.jsonl"));
    let mut sums = [0.0; 4];
    for Question { conversation, question, evidence } in &questions {
        let query = Query::of(question).unwrap();
        let collection_prefix = Some(format!("{conversation}/"));
        let wanted = Wanted { collection_prefix, ..Wanted::default() };
        let found = rank(&Among::of(&[&copy]), &query, &wanted, &Order::default(), 10);
        let found = || found.iter().map(|hit| turns[hit.item.id.as_u128() as usize].id.clone());
        let groups = rank_groups(&Among::of(&[&copy]), &query, &wanted, &Order::default(), 10);
        let groups = || groups.iter().map(|group| group.collection.to_string());
        let mine = turns.iter().filter(|turn| turn.conversation == *conversation);
        let answering = mine.filter(|turn| evidence.contains(&turn.id)).map(collection).collect();
        let first = f64::from(u8::from(share(groups().take(1), &answering) > 0.0));
        let figures =
            [first, share(groups(), &answering), share(found().take(5), evidence), share(found(), evidence)];
        sums.iter_mut().zip(figures).for_each(|(sum, figure)| *sum += figure);
    }
    let [hit, session, five, ten] = sums.map(|sum| sum / questions.len() as f64);
    eprintln!(
        "{} questions: session hit@1 {hit:.3}, session R@10 {session:.3}, turn R@5 {five:.3}, turn R@10 {ten:.3}",
        questions.len()
    );
    // What the product promises on the four conversations that its recipe was chosen by.
    assert!(hit >= 0.74 && session >= 0.95 && five >= 0.70 && ten >= 0.79);
}
