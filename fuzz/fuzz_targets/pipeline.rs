//! Whatever text comes in, the document pipeline refuses it with a code or prepares it, for bounded work; and what it
//! prepares is executed or fails with a code.
//!
//! An input is a document, and after the first NUL what the variables are made of: as JSON, or else as bytes that choose
//! values for the names that the document mentions. Inputs are mutated token by token from the operations of the tests.
#![no_main]

use aifirst::{
    app::App,
    config::{Config, Limits},
    graphql::{
        self, Schema,
        pipeline::{JsonMap, OperationType, Pipeline},
    },
    graphql_kit::{batching, is_bad_input},
    shared::{Ambient, actor::Actor},
};
use async_graphql::{Response, ServerError, Value as Answer};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use serde_json::{Map, Value, json};
use std::sync::LazyLock;
use tokio::runtime::{Builder, Runtime};

const OPERATIONS: &str = include_str!("../../tests/it/contract/operations.graphql");
const HOSTILE: &str = include_str!("../../tests/hostile.json");
const SDL: &str = include_str!("../../schema.graphql");

struct World {
    runtime: Runtime,
    app: App,
    schema: Schema,
    actor: Actor,
    pipeline: Pipeline,
    limits: Limits,
}

/// A server's inside on an empty database, and somebody who may ask.
static WORLD: LazyLock<World> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder").keep();
    let config = format!("data_dir = '{}'\ndatabase.readers = 1", folder.display());
    let config = Config::with(&config).expect("the configuration");
    let limits = config.graphql.clone();
    let (app, actor) = runtime.block_on(async {
        let app = App::open(config, Ambient::system()).await.expect("an app");
        let account = &app.services.account;
        let user = account.create_user("Fuzz", None).await.expect("a user");
        let token = account.mint_key(user, "fuzz").await.expect("a key");
        let actor = account.authenticate(&token).await.expect("an actor");
        (app, actor)
    });
    let schema = graphql::schema(&app.services);
    let pipeline = Pipeline::new(SDL, limits.clone()).expect("the schema");
    World { runtime, app, schema, actor, pipeline, limits }
});

fuzz_target!(|data: &[u8]| {
    let (document, rest) = match data.iter().position(|byte| *byte == 0) {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, &[][..]),
    };
    let document = String::from_utf8_lossy(document);
    let variables = variables(&document, rest);
    let world = &*WORLD;
    let before = world.pipeline.work_done();
    let prepared = world.pipeline.prepare(&document, None, &variables);
    let after = world.pipeline.work_done();
    let [bytes, tokens, nodes] = [0, 1, 2].map(|i| after[i] - before[i]);
    assert!(bytes <= world.limits.document_bytes as u64);
    assert!(tokens <= world.limits.tokens as u64 + 1);
    // Written once when it is read, and once more where conditions decide.
    assert!(nodes <= tokens + 16 * world.limits.selections, "{nodes} nodes for {tokens} tokens");
    match prepared {
        Err(errors) => {
            assert!((1..=20).contains(&errors.len()));
            assert!(errors.iter().all(|error| error.message.chars().count() <= 401));
        }
        // A subscription may have no end.
        Ok(prepared) if prepared.operation_type == OperationType::Subscription => {}
        Ok(prepared) => {
            let request = graphql::request_data(prepared.request, &world.app.services, world.actor.clone());
            let mut response =
                world.runtime.block_on(batching(request, |request| world.schema.execute(request)));
            prepared.shape.complete(&mut response);
            assert_typed(&document, &response);
        }
    }
});

fn assert_typed(document: &str, response: &Response) {
    let has_code = |error: &ServerError| {
        let code = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
        matches!(code, Some(Answer::String(code)) if code != "INTERNAL")
    };
    for error in &response.errors {
        // The server gives it a code.
        assert!(has_code(error) || is_bad_input(&error.message), "{document}\n{error:?}");
    }
    assert!(response.data != Answer::Null || !response.errors.is_empty(), "{document}");
}

/// JSON as it stands, or values that the bytes choose for each name after a `$`.
fn variables(document: &str, bytes: &[u8]) -> JsonMap {
    if let Ok(map) = serde_json::from_slice(bytes) {
        return map;
    }
    let mut bytes = bytes.iter().copied();
    let names = document.split('$').skip(1).map(|text| {
        text.split(|char: char| !char.is_ascii_alphanumeric() && char != '_').next().unwrap_or_default()
    });
    let map: Map<_, _> = names.take(20).map(|name| (name.to_owned(), value(&mut bytes, 0))).collect();
    serde_json::from_value(Value::Object(map)).expect("an object is a map")
}

fn value(bytes: &mut impl Iterator<Item = u8>, depth: u32) -> Value {
    let mut next = || bytes.next().unwrap_or_default();
    match next() % 16 {
        0 => Value::Null,
        1 => json!(next() % 2 == 0),
        2 => json!(i32::from(next()) - 128),
        3 => json!(i64::MAX),
        4 => json!(f64::from(next()) / 7.0),
        5 => json!("x".repeat(usize::from(next()))),
        6 => json!(char::from(next()).to_string()),
        7 => json!("2026-05-08T13:56:00Z"),
        8 => json!("PT1M"),
        9 => json!("ws_01h455vb4pex5vsknk084sn02q"),
        10 | 11 if depth < 5 => (0..next() % 4).map(|_| value(bytes, depth + 1)).collect(),
        12..=14 if depth < 5 => {
            let keys = ["text", "id", "workspaceId", "query", "key", "steps", "field", "", "\u{0}"];
            let count = next() % 4;
            let entry = |_| {
                (
                    keys[usize::from(bytes.next().unwrap_or_default()) % keys.len()].to_owned(),
                    value(bytes, depth + 1),
                )
            };
            Value::Object((0..count).map(entry).collect())
        }
        _ => json!("text"),
    }
}

static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let starts = ["query ", "mutation ", "subscription "];
    let mut seeds: Vec<Vec<u8>> = vec![];
    for line in OPERATIONS.lines().filter(|line| !line.starts_with('#')) {
        if starts.iter().any(|start| line.starts_with(start)) {
            seeds.push(line.as_bytes().to_vec());
        } else if let Some(last) = seeds.last_mut() {
            last.push(b'\n');
            last.extend(line.as_bytes());
        }
    }
    let hostile: Value = serde_json::from_str(HOSTILE).expect("the table");
    // As often as libFuzzer's inputs are long; the tests send them whole.
    let text = |part: &Value| match part {
        Value::String(text) => text.clone(),
        part => {
            let times = part[1].as_u64().unwrap_or_default().min(20);
            let text = part[0].as_str().unwrap_or_default();
            (0..times)
                .map(|i| text.replace("%i", &i.to_string()).replace("%j", &(i + 1).to_string()))
                .collect()
        }
    };
    for entry in hostile["documents"].as_array().into_iter().flatten() {
        let document: String = entry["document"].as_array().into_iter().flatten().map(text).collect();
        seeds.push(document.into_bytes());
    }
    seeds
});

/// Names, punctuation and literals of the schema and of the operations.
static WORDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let text = format!(
        "{SDL} {OPERATIONS} @skip(if:true) @include(if:$a) ...F ... \"\"\"b\"\"\" 1e9 -0 2147483648 \"\\u0000\" __schema __type"
    );
    let mut words: Vec<_> = tokens(text.as_bytes()).into_iter().filter(|word| word.len() < 40).collect();
    words.sort();
    words.dedup();
    words
});

/// Roughly as GraphQL splits a text: words, and everything else by itself.
fn tokens(text: &[u8]) -> Vec<Vec<u8>> {
    let mut tokens: Vec<Vec<u8>> = vec![];
    let mut in_word = false;
    for byte in text {
        let is_word = byte.is_ascii_alphanumeric() || *byte == b'_';
        match tokens.last_mut() {
            Some(last) if is_word && in_word => last.push(*byte),
            _ => tokens.push(vec![*byte]),
        }
        in_word = is_word;
    }
    tokens
}

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut state = u64::from(seed) | 1 << 32;
    let mut throw = |sides: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((state >> 33) % sides as u64).unwrap_or_default()
    };
    // Bytes as libFuzzer does it, for what is no text at all.
    if throw(8) == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let input =
        if size == 0 || throw(50) == 0 { SEEDS[throw(SEEDS.len())].clone() } else { data[..size].to_vec() };
    let mut tokens = tokens(&input);
    for _ in 0..=throw(4) {
        let (at, other) = (throw(tokens.len().max(1)), throw(tokens.len().max(1)));
        let word = WORDS[throw(WORDS.len())].clone();
        match throw(7) {
            _ if tokens.is_empty() => tokens.push(word),
            0 => drop(tokens.remove(at)),
            1 => tokens.insert(at, tokens[other].clone()),
            2 => tokens.swap(at, other),
            3 => {
                // A part of the document once more.
                let (from, to) = (at.min(other), at.max(other));
                let part = tokens[from..to.min(from + 30)].to_vec();
                tokens.splice(at..at, part);
            }
            4 => tokens.insert(at, word),
            5 => tokens.push(vec![u8::try_from(throw(256)).unwrap_or_default()]),
            _ => tokens[at] = word,
        }
    }
    let mutated = tokens.concat();
    let length = mutated.len().min(max_size);
    data[..length].copy_from_slice(&mutated[..length]);
    length
});
