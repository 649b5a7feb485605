//! Conversations, notebooks and documents as what is found; and age as what counts.
use super::import;
use crate::{
    on_both,
    support::{TestApp, TestClock, text},
};
use chrono::TimeDelta;
use serde_json::{Value, json};

const GROUPS: &str = "query($ws: ID!, $input: RecallInput!) { workspace(id: $ws) { recall(input: $input) {
    hits { score } groups { collection score hits { score signals { lexical vector recency importance }
        item { ... on Memory { externalId text collection } } } } usedTokens } } }";

async fn groups(app: &TestApp, mut input: Value) -> (String, Value) {
    input["groupBy"] = json!("COLLECTION");
    let found = app.ok(&app.owner, GROUPS, json!({ "ws": app.workspace, "input": input })).await["workspace"]
        ["recall"]
        .clone();
    assert_eq!(found["hits"], json!([]));
    let told = found["groups"].as_array().unwrap().iter().map(|group| {
        let hits = group["hits"].as_array().unwrap();
        let ids: Vec<_> = hits.iter().map(|hit| text(hit, "/item/externalId")).collect();
        assert!(hits.iter().all(|hit| hit["item"]["collection"] == group["collection"]), "{group:#}");
        assert!((0.0..=1.0).contains(&group["score"].as_f64().unwrap()), "{group:#}");
        format!("{}: {}", text(group, "/collection"), ids.join(" "))
    });
    (told.collect::<Vec<_>>().join(", "), found.clone())
}

/// A conversation about kites, one about owls with a word of kites, and a note of neither.
async fn converse(app: &TestApp) {
    let turn = |id: &str, text: &str, collection: Value| {
        json!({ "externalId": id, "text": text, "kind": "EPISODE",
        "collection": collection, "occurredAt": "2026-05-08T13:56:00Z" })
    };
    let items = json!([
        turn("k1", "Shall we fly the kite on the hill?", json!("talk/kites")),
        turn("k2", "Yes, with the long line.", json!("talk/kites")),
        turn("k3", "Then I mend the kite tonight", json!("talk/kites")),
        turn("k4", "The kite needs a tail", json!("talk/kites")),
        turn("k5", "A red tail for the kite", json!("talk/kites")),
        turn("o1", "An owl lives in the barn", json!("talk/owls")),
        turn("o2", "It is afraid of every kite", json!("talk/owls")),
        turn("n1", "Buy a kite", Value::Null),
    ]);
    import(app, &app.owner, items).await;
}

on_both! {
    async fn the_best_conversations_come_with_their_best_turns(app: TestApp) {
        converse(&app).await;
        let (told, found) = groups(&app, json!({ "query": "Where does the owl live?" })).await;
        assert!(told.starts_with("talk/owls: o1"), "{told}");
        let (told, _) = groups(&app, json!({ "query": "kite tail" })).await;
        assert!(told.starts_with("talk/kites: k") && told.contains(", talk/owls: o2"), "{told}");
        assert!(!told.contains("n1"), "in no collection: {told}");
        assert!(told.split(", ").all(|group| group.split(' ').count() <= 4), "three hits at most: {told}");
        let scores: Vec<_> = found["groups"].as_array().unwrap().iter().map(|group| group["score"].as_f64().unwrap()).collect();
        assert!(scores.windows(2).all(|pair| pair[0] >= pair[1]), "{scores:?}");

        assert_eq!(groups(&app, json!({ "query": "kite tail", "limit": 1 })).await.0.matches(": ").count(), 1);
        let (told, filtered) = groups(&app, json!({ "query": "Where does the owl live?", "collectionPrefix": "talk/o" })).await;
        assert!(told.starts_with("talk/owls: o1") && !told.contains("talk/kites"), "{told}");
        assert_eq!(filtered["groups"][0], found["groups"][0], "a filter hides, and changes no score");
        assert_eq!(groups(&app, json!({ "query": "kite", "kinds": ["FACT"] })).await.0, "");
        assert_eq!(groups(&app, json!({ "query": "kite", "tokenBudget": 0 })).await.0, "");
        let (_, cut) = groups(&app, json!({ "query": "kite tail", "tokenBudget": 13 })).await;
        assert!((1..=13).contains(&cut["usedTokens"].as_i64().unwrap()), "{cut:#}");
    }
}

on_both! {
    async fn what_stands_around_a_turn_counts(app: TestApp) {
        converse(&app).await;
        let document = "query($ws: ID!) { workspace(id: $ws) { recall(input: {query: \"long line\", limit: 3}) {
            hits { score signals { lexical } item { ... on Memory { externalId } } } } } }";
        let found = app.ok(&app.owner, document, json!({ "ws": app.workspace })).await["workspace"]["recall"]["hits"].clone();
        let hits = found.as_array().unwrap().iter();
        let told: Vec<_> = hits.map(|hit| (text(hit, "/item/externalId"), hit["signals"]["lexical"].as_f64().unwrap() > 0.0)).collect();
        assert_eq!(told, [("k2".to_owned(), true), ("k3".to_owned(), false), ("k1".to_owned(), false)], "{found:#}");
    }
}

on_both! {
    async fn age_counts_where_it_is_asked_for(database: Database) {
        let clock = TestClock::default();
        let app = TestApp::start_with(database, "", clock.ambient()).await;
        let ago = |days: i64| json!(clock.now() - TimeDelta::days(days));
        import(&app, &app.owner, json!([
            { "externalId": "old", "text": "The gate code is 4711", "occurredAt": ago(60) },
            { "externalId": "older", "text": "gate code: 4711", "occurredAt": ago(90) },
            { "externalId": "new", "text": "The gate has a new code since the winter storm", "occurredAt": ago(0) },
        ])).await;
        let ask = async |recency: Value| {
            let document = "query($ws: ID!, $recency: RecencyInput) { workspace(id: $ws) { recall(input: {query: \"gate code\", recency: $recency}) {
                hits { score signals { recency } item { ... on Memory { externalId } } } } } }";
            let found = app.ok(&app.owner, document, json!({ "ws": app.workspace, "recency": recency })).await["workspace"]["recall"]["hits"].clone();
            let hits = found.as_array().unwrap();
            let ids: Vec<_> = hits.iter().map(|hit| text(hit, "/item/externalId")).collect();
            (ids.join(" "), hits.iter().map(|hit| hit["signals"]["recency"].clone()).collect::<Vec<_>>())
        };
        let (ids, recency) = ask(Value::Null).await;
        assert!(ids.starts_with("old"), "{ids}");
        assert_eq!(recency, [Value::Null, Value::Null, Value::Null]);
        let (ids, recency) = ask(json!({ "halfLife": "P30D", "weight": 1.0 })).await;
        assert_eq!(ids, "new old older");
        assert_eq!(recency, [json!(1.0), json!(0.25), json!(0.125)]);
        assert_eq!(ask(json!({ "halfLife": "P30D", "weight": 0.0 })).await.0, ask(Value::Null).await.0);

        let document = "query($ws: ID!, $recency: RecencyInput) { workspace(id: $ws) { recall(input: {query: \"gate\", recency: $recency}) { usedTokens } } }";
        for recency in [json!({ "halfLife": "PT0S" }), json!({ "halfLife": "P1D", "weight": 1.5 }), json!({ "halfLife": "P1D", "weight": -0.1 })] {
            let variables = json!({ "ws": app.workspace, "recency": recency });
            assert_eq!(app.code(&app.owner, document, variables).await, "BAD_USER_INPUT");
        }
    }
}
