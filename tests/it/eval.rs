//! `aifirst eval retrieval`, as somebody runs it who wants to know how well recall finds.
use crate::{
    on_both,
    support::{Binary, Ended},
};
use serde_json::{Value, json};
use std::path::Path;

fn write(folder: &Path, name: &str, lines: &[Value]) -> String {
    let file = folder.join(name);
    let lines: Vec<_> = lines.iter().map(Value::to_string).collect();
    std::fs::write(&file, lines.join("\n")).unwrap();
    file.to_str().unwrap().to_owned()
}

/// Two conversations of two sessions each, and questions that name what is said.
fn conversations(folder: &Path) -> Vec<String> {
    let said = [
        [("The lighthouse keeper waves", "Seals sleep on the pier"), ("We bake bread", "The oven is hot")],
        [("My bicycle is blue", "Its bell is broken"), ("The tent leaks", "Bring a tarpaulin")],
    ];
    let turns = said.iter().enumerate().flat_map(|(conversation, sessions)| {
        sessions.iter().enumerate().flat_map(move |(session, (first, second))| {
            [first, second].into_iter().enumerate().map(move |(turn, text)| {
                json!({ "conversation": format!("c-{conversation}"), "session": session + 1, "at": "1:56 pm on 8 May, 2023",
                    "id": format!("D{}:{turn}", session + 1), "speaker": "Ana", "text": text })
            })
        })
    });
    let turns: Vec<_> = turns.collect();
    let question = |conversation: &str, question: &str, evidence: &str| json!({ "conversation": conversation, "question": question, "evidence": [evidence] });
    let questions = [
        question("c-0", "Who waves at the lighthouse?", "D1:0"),
        question("c-0", "How is the oven?", "D2:1"),
        question("c-1", "What is wrong with the bell?", "D1:1"),
        // Of another conversation than the one that is asked.
        question("c-1", "Where do the seals sleep?", "D1:1"),
    ];
    let (turns, questions) =
        (write(folder, "turns.jsonl", &turns), write(folder, "questions.jsonl", &questions));
    vec!["--turns".into(), turns, "--questions".into(), questions]
}

async fn run(binary: &Binary, arguments: &[String]) -> Ended {
    let arguments: Vec<&str> =
        ["eval", "retrieval"].into_iter().chain(arguments.iter().map(String::as_str)).collect();
    binary.run(&arguments).await
}

async fn figures(binary: &Binary, arguments: &[String]) -> Value {
    let Ended { code, stdout, stderr } = run(binary, arguments).await;
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}"))
}

fn assert_found(figures: &Value) {
    assert_eq!(figures["questions"], 4, "{figures:#}");
    for name in ["sessionHit1", "turnR5", "turnR10"] {
        assert_eq!(figures[name], 0.75, "{name} {figures:#}");
    }
    assert!(figures["latencyP50Ms"].as_f64().unwrap() <= figures["latencyP99Ms"].as_f64().unwrap());
}

on_both! {
    async fn conversations_are_asked_on_a_server_of_their_own(database: Database) {
        let folder = tempfile::tempdir().unwrap();
        let mut arguments = conversations(folder.path());
        if database.is_sqlite() {
            arguments.extend(["--database".into(), folder.path().join("asked.db").display().to_string()]);
        } else {
            arguments.extend(["--database".into(), database.url.clone()]);
        }
        assert_found(&figures(&Binary::new(folder.path()), &arguments).await);
        assert_eq!(folder.path().join("asked.db").exists(), database.is_sqlite());
    }
}

#[tokio::test]
async fn a_server_that_runs_already_is_asked_where_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let binary = Binary::new(folder.path());
    let server = binary.serve().await;
    let token = std::fs::read_to_string(folder.path().join("data/dev-token")).unwrap();
    let mut arguments = conversations(folder.path());
    arguments.extend(["--url".into(), server.url.clone(), "--token".into(), token.trim().into()]);
    // Twice: each time in a workspace of its own.
    for _ in 0..2 {
        assert_found(&figures(&binary, &arguments).await);
    }
}

#[tokio::test]
async fn passages_are_ranked_by_their_relevance() {
    let folder = tempfile::tempdir().unwrap();
    let passages = [
        json!({ "id": "7", "title": "Newborn sleep", "text": "Infants sleep most of the day." }),
        json!({ "id": "8", "title": "Steel bridges", "text": "Rust is slowed by paint." }),
        json!({ "id": "9", "title": "Long", "text": "word ".repeat(3000) }),
    ];
    let queries = [
        json!({ "id": "1", "query": "Paint protects bridges.", "relevant": ["8"] }),
        json!({ "id": "2", "query": "Infants sleep at night.", "relevant": ["7", "404"] }),
    ];
    let arguments = [
        "--corpus".into(),
        write(folder.path(), "corpus.jsonl", &passages),
        "--queries".into(),
        write(folder.path(), "queries.jsonl", &queries),
    ];
    let found = figures(&Binary::new(folder.path()), &arguments).await;
    // Of the second, one of two is there at all: it gets 1 of 1 + 1 / log2 3.
    let half = 1.0 / (1.0 + 1.0 / 3_f64.log2());
    assert!((found["ndcg10"].as_f64().unwrap() - (1.0 + half) / 2.0).abs() < 1e-3, "{found:#}");
    assert_eq!((&found["r100"], &found["questions"]), (&json!(0.75), &json!(2)));
}

#[tokio::test]
async fn what_cannot_be_measured_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let binary = Binary::new(folder.path());
    let mut arguments = conversations(folder.path());
    std::fs::write(folder.path().join("turns.jsonl"), "{\"conversation\": \"c\"}\n").unwrap();
    let ended = run(&binary, &arguments).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("turns.jsonl, line 1"), "{}", ended.stderr);
    arguments[1] = folder.path().join("none.jsonl").display().to_string();
    assert!(run(&binary, &arguments).await.stderr.contains("none.jsonl cannot be read"));
    assert_eq!(run(&binary, &arguments[..2]).await.code, Some(2));
    assert_eq!(run(&binary, &[]).await.code, Some(2));
}
