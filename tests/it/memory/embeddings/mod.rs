//! Meaning by a model of a provider.
mod faults;
mod moving;
mod reach;
mod real;
mod recalling;

use super::import;
use crate::support::{
    Database, Person, TestApp,
    fake::{Embeds, Fake, Format},
    text,
};
use aifirst::shared::Ambient;
use serde_json::{Value, json};

/// Words that mean the same to the models of these tests, and to nobody else.
const MEANINGS: [[&str; 2]; 3] = [["glorp", "snizzle"], ["brindok", "whemp"], ["quaffle", "dornik"]];
/// Numbers of vectors of the models `a` and `b`.
pub const A: usize = 8;
pub const B: usize = 13;

pub const RECALL: &str =
    "query($ws: ID!, $input: RecallInput!) { workspace(id: $ws) { recall(input: $input) {
    embeddedBy hits { signals { vector } item { ... on Memory { text } ... on DocumentChunk { text } } }
    groups { collection } } } }";
const PROGRESS: &str = "query($ws: ID!) { workspace(id: $ws) { memoryEmbedding {
    model dimensions wanted done total retryAt } } }";

/// What a text means, told by so many numbers; not by its words.
pub fn vector(text: &str, dimensions: usize) -> Vec<f64> {
    let mut vector = vec![0.0; dimensions];
    let at = |word: &str| MEANINGS.iter().position(|meaning| meaning.contains(&word));
    match text.split_whitespace().find_map(at) {
        // Of two models the numbers of a meaning stand at other places.
        Some(meaning) => vector[(meaning + dimensions) % (dimensions - 1)] = 3.0,
        None => vector[dimensions - 1] = 1.0,
    }
    vector
}

pub fn vectors(texts: &[String], dimensions: usize) -> Embeds {
    Embeds::Vectors(texts.iter().map(|text| vector(text, dimensions)).collect())
}

/// A provider with the models `a` and `b`.
pub async fn fake() -> Fake {
    fake_of(Format::OpenAi).await
}

pub async fn fake_of(format: Format) -> Fake {
    let fake = Fake::start(format).await;
    fake.embeds("a", |texts| vectors(texts, A));
    fake.embeds("b", |texts| vectors(texts, B));
    fake
}

/// Recall by this model; vectors are given when the test says so.
pub fn settings(fake: &Fake, model: &str) -> String {
    format!("serve.work = false\n{}", working(fake, model))
}

/// The same, and they are given in the background.
pub fn working(fake: &Fake, model: &str) -> String {
    // What is not there is not waited for.
    let retry = "retry = { rounds = 1 }";
    format!(
        "{}[gateway.routes.meaning]\ntargets = [{{ provider = 'main', model = '{model}' }}]\n{retry}\n\
         [memory.embedding]\nroute = 'meaning'\nbatch = 4\n",
        fake.settings("main")
    )
}

pub async fn start(database: Database, settings: &str) -> TestApp {
    TestApp::start_with(database, settings, Ambient::system()).await
}

/// Gives vectors to all that lacks them.
pub async fn embed(app: &TestApp) {
    app.running.services.memory.embed_due().await.unwrap();
}

/// Who told the meaning, and what was found: texts with cosines.
pub async fn found(app: &TestApp, person: &Person, input: Value) -> (String, Vec<(String, f64)>) {
    let data = app.ok(person, RECALL, json!({ "ws": app.workspace, "input": input })).await;
    let recall = &data["workspace"]["recall"];
    let hits = recall["hits"].as_array().unwrap().iter();
    let hits = hits.map(|hit| (text(hit, "/item/text"), hit["signals"]["vector"].as_f64().unwrap()));
    (text(recall, "/embeddedBy"), hits.collect())
}

pub async fn texts(app: &TestApp, query: &str) -> Vec<String> {
    let (_, found) = found(app, &app.owner, json!({ "query": query })).await;
    found.into_iter().map(|(text, _)| text).collect()
}

pub async fn progress(app: &TestApp, person: &Person) -> Value {
    app.ok(person, PROGRESS, json!({ "ws": app.workspace })).await["workspace"]["memoryEmbedding"].clone()
}

/// Of the model that recall goes by, the one that is wanted, and how far that is.
pub async fn stands(app: &TestApp) -> (String, Value, Value, Value) {
    let progress = progress(app, &app.owner).await;
    let [wanted, done, total] = ["wanted", "done", "total"].map(|name| progress[name].clone());
    (text(&progress, "/model"), wanted, done, total)
}

/// A memory of each meaning, by its first word, and some of none.
pub async fn memories(app: &TestApp) {
    let meant = MEANINGS.iter().map(|[word, _]| format!("the {word} of the house"));
    let others = (0..9).map(|number| format!("a brook runs by mill {number}"));
    let items: Vec<_> = meant.chain(others).map(|text| json!({ "externalId": text, "text": text })).collect();
    import(app, &app.owner, json!(items)).await;
}
