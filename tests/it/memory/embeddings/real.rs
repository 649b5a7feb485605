//! Vectors of a small model of the real kind: scripts/model-server.
use super::{embed, found, import, progress, start, text};
use crate::{
    provider::{
        real_model::{MODEL, PATIENT, model_server_of, provider},
        route,
    },
    support::Database,
};
use aifirst::shared::http;
use serde_json::{Value, json};

const SAID: [&str; 4] = [
    "Her doctor works at the hospital by the river.",
    "His guitar stood on the stage all night.",
    "The bakery closes at four on Sundays.",
    "Nobody waters the tulips in August.",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_model_tells_meaning() {
    let (_process, base) = model_server_of(Some("embeddings")).await;
    let settings = format!(
        "serve.work = false\n{}{}\n[memory.embedding]\nroute = 'meaning'\nquery_milliseconds = 60000\n",
        provider(&base),
        route("meaning", &[("real", MODEL)], PATIENT)
    );
    let app = start(Database::sqlite(), &settings).await;
    let items: Vec<_> = SAID.iter().map(|text| json!({ "externalId": text, "text": text })).collect();
    import(&app, &app.owner, json!(items)).await;
    embed(&app).await;

    // Asked without us, it gives vectors as long.
    let asked = http::plain().unwrap().post(format!("{base}/embeddings"));
    let asked = asked.json(&json!({ "model": MODEL, "input": SAID })).send().await.unwrap();
    let vectors: Value = asked.json().await.unwrap();
    let numbers = |at: usize| -> Vec<f64> {
        let vector = vectors["data"][at]["embedding"].as_array().unwrap();
        vector.iter().map(|number| number.as_f64().unwrap()).collect()
    };
    let name = format!("real/{MODEL}");
    let stands = progress(&app, &app.owner).await;
    assert_eq!(text(&stands, "/model"), name, "{stands:#}");
    assert_eq!(
        (&stands["dimensions"], &stands["done"], &stands["total"]),
        (&json!(numbers(0).len()), &json!(SAID.len()), &json!(SAID.len()))
    );

    // What is told as a cosine is the cosine of its vectors, as far as a byte for each number goes.
    let (model, hits) = found(&app, &app.owner, json!({ "query": SAID[0] })).await;
    assert_eq!((model, hits[0].0.as_str()), (name, SAID[0]));
    for (said, cosine) in hits {
        let at = SAID.iter().position(|text| *text == said).unwrap();
        let product = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
        let (one, other) = (numbers(0), numbers(at));
        let expected = product(&one, &other) / (product(&one, &one) * product(&other, &other)).sqrt();
        assert!((cosine - expected).abs() < 0.03, "{said}: {cosine}, {expected}");
    }
}
