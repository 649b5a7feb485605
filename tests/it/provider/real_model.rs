//! A small model of the real kind, behind a real server: scripts/model-server.
use super::{ask, attempt, calls, route};
use crate::{
    coaching::{self, reader::Reader},
    support::{
        Database, Process, TestApp, address,
        fake::{Fake, Format, Script},
        text,
    },
};
use aifirst::{
    gateway::estimate_tokens,
    shared::{Ambient, http},
};
use serde_json::{Value, json};
use std::{
    process::{Command, Stdio},
    time::Duration,
};

/// Names another program that tells its address in the same way.
const PROGRAM: &str = "AIFIRST_TEST_MODEL_SERVER";
/// A model is read from disk, on a machine that may have other things to do.
const LOADING: Duration = Duration::from_secs(120);
/// What the server makes of the models' names is its own affair: it has one.
pub const MODEL: &str = "gemma-3-270m";

/// A server of answers.
async fn model_server() -> (Process, String) {
    model_server_of(None).await
}

/// A server, of answers or of what is named, and the base of its addresses. Killed when dropped.
pub async fn model_server_of(what: Option<&str>) -> (Process, String) {
    let program = std::env::var(PROGRAM).unwrap_or_else(|_| {
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/model-server");
        // Where it is installed already, this takes no time.
        let install = Command::new(program).arg("install").status().unwrap();
        assert!(install.success(), "{program} install: {install}");
        program.to_owned()
    });
    let mut command = Command::new(program);
    command.args(what);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = Process::new(command.spawn().unwrap());
    let base = process.until_told_within(LOADING, |told| address(told, "Model")).await;
    (process, base)
}

pub fn provider(base: &str) -> String {
    format!("[gateway.providers.real]\nkind = 'openai-compatible'\nbase_url = '{base}'\n")
}

pub const PATIENT: &str = "timeouts = { first_token_milliseconds = 60000, between_tokens_milliseconds = 30000 }\nretry = { rounds = 1 }\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_and_a_step_are_answered_by_a_model_that_counts_its_tokens() {
    let (_process, base) = model_server().await;
    let more = format!("{PATIENT}max_output_tokens = 12");
    let settings = provider(&base)
        + &route("default", &[("real", MODEL)], &more)
        + &route("steps", &[("real", MODEL)], &more);
    let app = TestApp::start_with(Database::sqlite(), &settings, Ambient::system()).await;

    let session = coaching::start(&app).await;
    let (mut events, mut reader) = (coaching::follow(&app, &session, None).await, Reader::default());
    let turn = coaching::send(&app, &session, "I want to read more books.").await;
    let ended = coaching::until_over(&mut events, &mut reader, &turn).await;
    assert!(!text(&ended, "/turn/reply/text").trim().is_empty(), "{ended:#}");
    // It came piece by piece, and the reader put the pieces together.
    assert!(reader.pieces.len() > 1, "{:#?}", reader.pieces);

    let prompt = "The seven days of the week are Monday,";
    let output = ask(&app, "steps", prompt).await.unwrap();
    assert!(!text(&output, "/text").trim().is_empty(), "{output:#}");

    let calls = calls(&app, 2).await;
    let (turn, step) = (&calls["default"][0], &calls["steps"][0]);
    for call in [turn, step] {
        let (status, finish) = (text(call, "/status"), text(call, "/finishReason"));
        let expected = if finish == "LENGTH" { "INCOMPLETE" } else { "COMPLETED" };
        assert_eq!(status, expected, "{call:#}");
        let most = call["outputTokens"].as_u64().unwrap();
        assert!(if finish == "LENGTH" { most == 12 } else { (1..12).contains(&most) }, "{call:#}");
    }
    // What went in is counted as the provider counts it: asked without us, it counts the same.
    let body =
        json!({ "model": MODEL, "max_tokens": 1, "messages": [{ "role": "user", "content": prompt }] });
    let asked =
        http::plain().unwrap().post(format!("{base}/chat/completions")).json(&body).send().await.unwrap();
    let counted: Value = asked.json().await.unwrap();
    assert_eq!(step["inputTokens"], counted["usage"]["prompt_tokens"], "{counted:#}");
    assert!(turn["inputTokens"].as_u64() > step["inputTokens"].as_u64(), "{turn:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_a_model_is_killed_in_mid_answer_the_next_target_goes_on() {
    let (process, base) = model_server().await;
    let spare = Fake::start(Format::Anthropic).await;
    spare.says("two", Script::answer([" And that", " is all."]));
    let more = format!("{PATIENT}max_output_tokens = 1000");
    let settings = provider(&base)
        + &spare.settings("spare")
        + &route("default", &[("real", MODEL), ("spare", "two")], &more);
    let app = TestApp::start_with(Database::sqlite(), &settings, Ambient::system()).await;
    let session = coaching::start(&app).await;
    let (mut events, mut reader) = (coaching::follow(&app, &session, None).await, Reader::default());
    let turn = coaching::send(&app, &session, "Tell me the whole story of a dog that goes for a walk.").await;
    reader.read_words(&mut events, &turn, |shown| !shown.is_empty()).await;
    // Killed, with no time to end in order.
    drop(process);
    let ended = coaching::until_over(&mut events, &mut reader, &turn).await;
    assert_eq!(text(&ended, "/__typename"), "TurnCompleted", "{ended:#}");
    let reply = text(&ended, "/turn/reply/text");
    let said = reply.strip_suffix(" And that is all.").unwrap_or_else(|| panic!("{reply}"));
    assert!(!said.is_empty());
    let asked = spare.asked("two").remove(0);
    assert_eq!(
        Format::Anthropic.prefill(&asked.body).as_ref().map(|(said, _)| said.as_str()),
        Some(said),
        "it heard what was said before"
    );
    let call = calls(&app, 1).await.remove("default").unwrap().remove(0);
    let tried =
        [attempt("real", MODEL, "FAILED", Some("CUT_OFF")), attempt("spare", "two", "COMPLETED", None)];
    assert_eq!(call["attempts"], json!(tried), "{call:#}");
}

/// Of many kinds; each is told ten times.
const TEXTS: [&str; 9] = [
    "The quick brown fox jumps over the lazy dog, and nobody minds. ",
    "Donaudampfschifffahrtsgesellschaftskapitän, Rindfleischetikettierung, Straßenbahnhaltestelle. ",
    "今天的天气非常好，我们去公园散步吧。",
    "東京で一番おいしいラーメン屋はどこですか？",
    "Быстрая коричневая лиса прыгает через ленивую собаку. ",
    "नमस्ते दुनिया, आज मौसम अच्छा है। ",
    "👩‍👩‍👧‍👦🎻🚀🇵🇹 ",
    "fn f(x: &[u8]) -> Option<u32> { x.first().map(|b| u32::from(*b) << 3) }\n",
    "aGVsbG8gd29ybGQsIGhvdyBhcmUgeW91PyAxMjM0NTY3ODkw 0x5f1c0f1d77aa12c9 ",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_text_is_taken_for_less_than_a_real_model_counts() {
    let (_process, base) = model_server().await;
    let count = async |text: &str| {
        let body =
            json!({ "model": MODEL, "max_tokens": 1, "messages": [{ "role": "user", "content": text }] });
        let asked = http::plain().unwrap().post(format!("{base}/chat/completions")).json(&body);
        let counted: Value = asked.send().await.unwrap().json().await.unwrap();
        counted["usage"]["prompt_tokens"].as_u64().unwrap_or_else(|| panic!("{counted:#}"))
    };
    let around = count("a").await;
    for text in TEXTS {
        let text = text.repeat(10);
        let counted = count(&text).await - around;
        let estimated = u64::from(estimate_tokens(&text));
        assert!(counted <= estimated, "{counted} tokens, {estimated} by the estimate: {text}");
    }
}
