//! Random programs of writes, forgettings and recalls, run on both databases at once and against a model: what each
//! person may find is found, in the same order by the same scores on both, and the index is as if only what survived had
//! ever been.
use super::{FORGET, member, remember};
use crate::support::{Database, Person, TestApp, text};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

#[derive(Clone, Debug)]
enum Step {
    Write { person: usize, shared: bool, external_id: u8, words: Vec<u8> },
    Forget { person: usize, nth: usize },
    Recall { person: usize, words: Vec<u8>, filter: Filter },
}

#[derive(Clone, Debug, PartialEq)]
enum Filter {
    None,
    Facts,
    Prefix,
    Shared,
}

fn step() -> impl Strategy<Value = Step> {
    let words = || prop::collection::vec(0_u8..10, 1..6);
    let filter =
        prop_oneof![Just(Filter::None), Just(Filter::Facts), Just(Filter::Prefix), Just(Filter::Shared)];
    prop_oneof![
        4 => (0_usize..3, any::<bool>(), 0_u8..8, words())
            .prop_map(|(person, shared, external_id, words)| Step::Write { person, shared, external_id, words }),
        1 => (0_usize..3, 0_usize..20).prop_map(|(person, nth)| Step::Forget { person, nth }),
        3 => (0_usize..3, words(), filter).prop_map(|(person, words, filter)| Step::Recall { person, words, filter }),
    ]
}

/// Words that are their own stems.
const WORDS: [&str; 10] = ["owl", "kite", "plum", "drum", "fern", "gold", "harp", "mint", "reef", "tusk"];

fn sentence(words: &[u8]) -> String {
    words.iter().map(|word| WORDS[usize::from(*word)]).collect::<Vec<_>>().join(" ")
}

/// What the program wrote, in the order of its first writing.
#[derive(Clone, Debug)]
struct Written {
    owner: usize,
    shared: bool,
    external_id: u8,
    text: String,
    /// On each database; `None` once forgotten.
    ids: Option<[String; 2]>,
}

/// One database: persons 0 and 1 share a workspace, 2 is alone in another.
struct Side {
    app: TestApp,
    persons: [Person; 3],
    workspaces: [String; 3],
}

impl Side {
    async fn start(database: Database) -> Self {
        let app = TestApp::start(database).await;
        let persons =
            [app.owner.clone(), member(&app, "Mia Member", "MEMBER").await, app.person("Sam Stranger").await];
        let theirs = app.create_workspace(&persons[2], "theirs").await;
        let workspaces = [app.workspace.clone(), app.workspace.clone(), theirs];
        Self { app, persons, workspaces }
    }

    async fn write(&self, workspace: &str, person: usize, written: &Written) -> Value {
        let kind = if written.external_id.is_multiple_of(2) { "FACT" } else { "NOTE" };
        let input = json!({ "workspaceId": workspace, "scope": if written.shared { "WORKSPACE" } else { "USER" },
            "externalId": written.external_id.to_string(), "text": written.text, "kind": kind,
            "collection": format!("c{}/x", written.external_id % 3) });
        remember(&self.app, &self.persons[person], input).await
    }

    /// Name, score, BM25 and cosine of each hit.
    async fn recall(
        &self,
        workspace: &str,
        person: usize,
        query: &str,
        filter: &Filter,
    ) -> Vec<(String, [f64; 3])> {
        let document = "query($ws: ID!, $input: RecallInput!) { workspace(id: $ws) { recall(input: $input) {
            hits { score signals { lexical vector } item { ... on Memory { externalId text scope } } } } } }";
        let mut input = json!({ "query": query, "limit": 100 });
        match filter {
            Filter::None => {}
            Filter::Facts => input["kinds"] = json!(["FACT"]),
            Filter::Prefix => input["collectionPrefix"] = json!("c1/"),
            Filter::Shared => input["scopes"] = json!(["WORKSPACE"]),
        }
        let data =
            self.app.ok(&self.persons[person], document, json!({ "ws": workspace, "input": input })).await;
        let hits = data["workspace"]["recall"]["hits"].as_array().unwrap().iter().map(|hit| {
            let item = &hit["item"];
            let name =
                format!("{} {} {}", text(item, "/scope"), text(item, "/externalId"), text(item, "/text"));
            let numbers = ["/score", "/signals/lexical", "/signals/vector"];
            (name, numbers.map(|number| hit.pointer(number).unwrap().as_f64().unwrap()))
        });
        hits.collect()
    }
}

fn visible(person: usize, written: &Written) -> bool {
    written.owner == person || written.shared && (written.owner < 2) == (person < 2)
}

/// What fits, with whether a word of the query is in it: else it may be found by what stands beside it, or not at all.
fn possible(all: &[Written], person: usize, words: &[u8], filter: &Filter) -> Vec<(String, bool)> {
    let fits = |it: &&Written| match filter {
        Filter::None => true,
        Filter::Facts => it.external_id.is_multiple_of(2),
        Filter::Prefix => it.external_id % 3 == 1,
        Filter::Shared => it.shared,
    };
    let has_word = |it: &Written| words.iter().any(|word| it.text.contains(WORDS[usize::from(*word)]));
    let possible = all.iter().filter(|it| it.ids.is_some() && visible(person, it)).filter(fits);
    possible.map(|it| (name(it), has_word(it))).collect()
}

fn name(written: &Written) -> String {
    let scope = if written.shared { "WORKSPACE" } else { "USER" };
    format!("{scope} {} {}", written.external_id, written.text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_databases_agree_with_each_other_and_with_the_rules() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = prop::collection::vec(step(), 50);
    let sides = [Side::start(Database::sqlite()).await, Side::start(Database::postgres().await).await];
    let mut all: Vec<Written> = vec![];
    for _ in 0..3 {
        for step in strategy.new_tree(&mut runner).unwrap().current() {
            run(&sides, &mut all, &step).await;
        }
    }
    assert!(all.iter().any(|it| it.ids.is_none()) && all.iter().filter(|it| it.ids.is_some()).count() > 10);
    for (person, alone) in [(0, "alone-a"), (1, "alone-b")] {
        as_if_only_what_survived_had_been(&sides[0], &all, person, alone).await;
    }
}

async fn run(sides: &[Side; 2], all: &mut Vec<Written>, step: &Step) {
    match step {
        Step::Write { person, shared, external_id, words } => {
            let new = Written {
                owner: *person,
                shared: *shared,
                external_id: *external_id,
                text: sentence(words),
                ids: None,
            };
            // A shared memory is the same one for all members.
            let same = |it: &&mut Written| {
                it.external_id == *external_id
                    && it.shared == *shared
                    && if *shared { (it.owner < 2) == (*person < 2) } else { it.owner == *person }
            };
            let known = all.iter_mut().find(same);
            let mut ids = vec![];
            for side in sides {
                let payload = side.write(&side.workspaces[*person], *person, &new).await;
                if known.as_ref().is_some_and(|it| it.ids.is_none()) {
                    assert_eq!(payload["userErrors"][0]["code"], "FORGOTTEN", "{step:?}");
                } else {
                    ids.push(text(&payload, "/memory/id"));
                }
            }
            let ids: Option<[String; 2]> = ids.try_into().ok();
            match known {
                Some(known) if known.ids.is_some() => {
                    assert_eq!(known.ids, ids, "{step:?}");
                    known.text = new.text;
                }
                Some(_) => {}
                None => all.push(Written { ids, ..new }),
            }
        }
        Step::Forget { person, nth } => {
            let count = all.len().max(1);
            let Some(it) = all.get_mut(nth % count) else { return };
            let Some(ids) = it.ids.clone() else { return };
            let allowed = visible(*person, it);
            for (side, id) in sides.iter().zip(ids) {
                let answer =
                    side.app.ask(Some(&side.persons[*person].token), FORGET, json!({ "id": id })).await;
                assert_eq!(answer.get("errors").is_none(), allowed, "{step:?} {answer}");
            }
            if allowed {
                it.ids = None;
            }
        }
        Step::Recall { person, words, filter } => {
            let mut found = vec![];
            for side in sides {
                found.push(side.recall(&side.workspaces[*person], *person, &sentence(words), filter).await);
            }
            assert_eq!(found[0], found[1], "{step:?}");
            let found = &found[0];
            let possible = possible(all, *person, words, filter);
            assert!(
                found.iter().all(|(name, _)| possible.iter().any(|it| it.0 == *name)),
                "{step:?} {found:?}"
            );
            for (name, has_word) in possible.iter().filter(|it| it.1 || found.iter().any(|hit| hit.0 == it.0))
            {
                let [_, lexical, _] = found.iter().find(|hit| hit.0 == *name).unwrap().1;
                assert_eq!(lexical > 0.0, *has_word, "{step:?} {name}");
            }
            assert!(found.windows(2).all(|pair| pair[0].1[0] >= pair[1].1[0]), "{step:?}");
        }
    }
}

/// The index keeps no trace of older texts and of what was forgotten: a fresh workspace with the same
/// memories gives the same answers.
async fn as_if_only_what_survived_had_been(side: &Side, all: &[Written], person: usize, slug: &str) {
    let fresh = side.app.create_workspace(&side.persons[person], slug).await;
    for it in all.iter().filter(|it| it.ids.is_some() && visible(person, it)) {
        assert_eq!(side.write(&fresh, person, it).await["userErrors"], json!([]));
    }
    for words in [vec![0, 1], vec![2], vec![3, 4, 5], vec![6, 7, 8, 9]] {
        let query = sentence(&words);
        let grown = side.recall(&side.workspaces[person], person, &query, &Filter::None).await;
        assert_eq!(grown, side.recall(&fresh, person, &query, &Filter::None).await, "{query}");
    }
}
