//! How well the words alone find: LoCoMo's questions asked of their conversations. The data may not be part of the
//! project; AIFIRST_EVAL_DATA names the folder where `locomo-turns.jsonl` and `locomo-questions.jsonl` are, and
//! without it nothing is measured.
use super::{
    rank::{Corpus, Posting, rank},
    terms::Terms,
};
use crate::shared::id::MemoryId;
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::Path,
};
use uuid::Uuid;

#[derive(Deserialize)]
struct Turn {
    conversation: String,
    session: u32,
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

#[derive(Default)]
struct Conversation {
    turns: Vec<Turn>,
    corpus: Corpus,
    postings: HashMap<String, Vec<Posting>>,
}

impl Conversation {
    fn add(&mut self, turn: Turn) {
        let mut terms = Terms::of(&turn.text);
        terms.add(&turn.speaker);
        let memory = MemoryId::from_uuid(Uuid::from_u128(self.turns.len() as u128));
        for (term, frequency) in terms.counts {
            let posting =
                Posting { term: term.clone(), memory, frequency, length: terms.length, wanted: true };
            self.postings.entry(term).or_default().push(posting);
        }
        self.corpus.documents += 1;
        self.corpus.length += u64::from(terms.length);
        self.turns.push(turn);
    }

    /// All turns that share a word with the question, best first.
    fn ask(&self, question: &str) -> Vec<&Turn> {
        let query: BTreeSet<String> = Terms::of(question).counts.into_keys().collect();
        let postings: Vec<_> =
            query.iter().filter_map(|term| self.postings.get(term)).flatten().cloned().collect();
        let ranked = rank(&query, self.corpus, &postings, usize::MAX);
        ranked.iter().map(|hit| &self.turns[hit.memory.uuid().as_u128() as usize]).collect()
    }
}

fn lines<T: DeserializeOwned>(file: &Path) -> Vec<T> {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn share(found: impl Iterator<Item = bool>, of: usize) -> f64 {
    found.filter(|found| *found).count() as f64 / of as f64
}

#[test]
#[expect(clippy::print_stderr, reason = "says what was measured, or why nothing was")]
fn words_alone_find_what_answers_locomo_questions() {
    let Some(folder) = std::env::var_os("AIFIRST_EVAL_DATA") else {
        eprintln!(
            "skipped: set AIFIRST_EVAL_DATA to a folder with locomo-turns.jsonl and locomo-questions.jsonl"
        );
        return;
    };
    let mut conversations: BTreeMap<String, Conversation> = BTreeMap::new();
    for turn in lines::<Turn>(&Path::new(&folder).join("locomo-turns.jsonl")) {
        conversations.entry(turn.conversation.clone()).or_default().add(turn);
    }
    let questions: Vec<Question> = lines(&Path::new(&folder).join("locomo-questions.jsonl"));
    let mut sums = [0.0; 4];
    for Question { conversation, question, evidence } in &questions {
        let conversation = &conversations[conversation];
        let found = conversation.ask(question);
        let answering: BTreeSet<u32> = conversation
            .turns
            .iter()
            .filter(|turn| evidence.contains(&turn.id))
            .map(|turn| turn.session)
            .collect();
        let mut sessions: Vec<u32> = vec![];
        for turn in &found {
            if !sessions.contains(&turn.session) {
                sessions.push(turn.session);
            }
        }
        let turns = |first: usize| {
            share(found.iter().take(first).map(|turn| evidence.contains(&turn.id)), evidence.len())
        };
        let session = sessions.iter().take(10).map(|session| answering.contains(session));
        let first = sessions.first().is_some_and(|session| answering.contains(session));
        let figures =
            [f64::from(u8::from(first)), share(session, answering.len().max(1)), turns(5), turns(10)];
        sums.iter_mut().zip(figures).for_each(|(sum, figure)| *sum += figure);
    }
    let [hit, session, five, ten] = sums.map(|sum| sum / questions.len() as f64);
    eprintln!(
        "{} questions: session hit@1 {hit:.3}, session R@10 {session:.3}, turn R@5 {five:.3}, turn R@10 {ten:.3}",
        questions.len()
    );
    // The four conversations that the figures in `terms` were taken on: a change of tokens or weights that costs
    // more than noise fails here.
    assert!(hit > 0.62 && session > 0.93 && five > 0.56 && ten > 0.64);
}
