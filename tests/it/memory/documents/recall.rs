//! Chunks as recall finds them, and what derives from them.
use super::{FORGET, about, add, read};
use crate::{
    coaching, on_both,
    support::{Person, TestApp, text},
    workflow,
};
use serde_json::{Value, json};

const RECALL: &str = "query($ws: ID!, $input: RecallInput!) { workspace(id: $ws) { recall(input: $input) {
    hits { score item { __typename ... on Memory { text }
        ... on DocumentChunk { id text start end document { id externalId title } } } }
    groups { collection hits { item { ... on DocumentChunk { document { id } } } } } usedTokens } } }";

async fn recall(app: &TestApp, person: &Person, input: Value) -> Value {
    let variables = json!({ "ws": app.workspace, "input": input });
    app.ok(person, RECALL, variables).await["workspace"]["recall"].clone()
}

/// Titles of the documents whose chunks are found, best first.
async fn titles(app: &TestApp, person: &Person, query: &str) -> Vec<String> {
    let found = recall(app, person, json!({ "query": query })).await;
    let hits = found["hits"].as_array().unwrap().iter();
    hits.map(|hit| {
        hit.pointer("/item/document/title")
            .map_or_else(|| text(hit, "/item/text"), |title| title.as_str().unwrap().to_owned())
    })
    .collect()
}

/// Whether a word leads to nothing that says it: what is near in meaning may be found all the same.
async fn is_found(app: &TestApp, word: &str) -> bool {
    recall(app, &app.owner, json!({ "query": word })).await.to_string().contains(word)
}

on_both! {
    async fn recall_finds_the_chunk_that_says_it_and_the_title_counts(app: TestApp) {
        let long = format!("{}\n\nThe quokka sleeps in the hammock.\n\n{}", about("kite", 60), about("boat", 60));
        let animals = add(&app, &app.owner, json!({ "title": "Animals", "externalId": "a", "text": long })).await["document"].clone();
        add(&app, &app.owner, json!({ "title": "The zeppelin report", "text": "It flew." })).await;
        super::super::remember(&app, &app.owner, json!({ "text": "A quokka likes figs" })).await;

        let found = recall(&app, &app.owner, json!({ "query": "Where does the quokka sleep?" })).await;
        let best = &found["hits"][0]["item"];
        assert_eq!((&best["__typename"], &best["document"]), (&json!("DocumentChunk"), &json!({ "id": animals["id"], "externalId": "a", "title": "Animals" })));
        assert!(text(best, "/text").contains("sleeps in the hammock") && !text(best, "/text").contains("kite has the number 0 "), "{best:#}");
        let kinds: Vec<_> = found["hits"].as_array().unwrap().iter().map(|hit| text(hit, "/item/__typename")).collect();
        assert!(kinds.contains(&"Memory".to_owned()), "{found:#}");
        assert_eq!(titles(&app, &app.owner, "zeppelin").await[0], "The zeppelin report");
        // Chunks are of no kind.
        let notes = recall(&app, &app.owner, json!({ "query": "quokka", "kinds": ["NOTE"] })).await;
        assert!(notes["hits"].as_array().unwrap().iter().all(|hit| hit["item"]["__typename"] == "Memory"), "{notes:#}");
    }
}

on_both! {
    async fn groups_are_documents_and_one_can_be_looked_into_alone(app: TestApp) {
        let mut ids = vec![];
        for thing in ["kite", "boat"] {
            let text = format!("{} The harbour is near the {thing}.", about(thing, 120));
            ids.push(add(&app, &app.owner, json!({ "title": thing, "text": text })).await["document"]["id"].clone());
        }
        let found = recall(&app, &app.owner, json!({ "query": "boats at the harbour", "groupBy": "COLLECTION" })).await;
        let groups = found["groups"].as_array().unwrap();
        assert_eq!(groups[0]["collection"], ids[1], "{found:#}");
        assert!(groups.iter().all(|group| group["hits"].as_array().unwrap().iter().all(|hit| hit["item"]["document"]["id"] == group["collection"])));
        let within = recall(&app, &app.owner, json!({ "query": "harbour", "collectionPrefix": ids[0] })).await;
        let hits = within["hits"].as_array().unwrap();
        assert!(!hits.is_empty() && hits.iter().all(|hit| hit["item"]["document"]["id"] == ids[0]), "{within:#}");
    }
}

on_both! {
    async fn a_new_version_and_a_forgetting_leave_nothing_of_the_old_to_be_found(app: TestApp) {
        let first = add(&app, &app.owner, json!({ "externalId": "e", "text": about("zyxwvowl", 100) })).await["document"].clone();
        assert!(is_found(&app, "zyxwvowl").await);
        add(&app, &app.owner, json!({ "externalId": "e", "text": about("quokka", 100) })).await;
        assert!(is_found(&app, "quokka").await && !is_found(&app, "zyxwvowl").await);
        let forgotten = app.ok(&app.owner, FORGET, json!({ "id": first["id"] })).await["forgetDocument"].clone();
        let erased = forgotten["receipt"]["erased"].as_array().unwrap().clone();
        let count = |kind: &str| erased.iter().find(|erased| erased["kind"] == kind).map(|erased| erased["count"].clone());
        assert_eq!(count("INDEX_ENTRY"), count("CHUNK"), "{erased:#?}");
        assert!(!is_found(&app, "quokka").await);
    }
}

on_both! {
    async fn nobody_finds_what_is_anothers_own(app: TestApp) {
        let other = super::member(&app, "Mia Member", "MEMBER").await;
        let stranger = app.person("Sam Stranger").await;
        app.create_workspace(&stranger, "theirs").await;
        add(&app, &app.owner, json!({ "title": "Own", "scope": "USER", "text": "The violin is secret." })).await;
        add(&app, &other, json!({ "title": "Theirs", "scope": "USER", "text": "The violin is mine." })).await;
        add(&app, &app.owner, json!({ "title": "Shared", "text": "The violin is everybody's." })).await;
        for (person, own) in [(&app.owner, "Own"), (&other, "Theirs")] {
            let mut found = titles(&app, person, "violin").await;
            found.sort();
            let mut expected = [own, "Shared"];
            expected.sort_unstable();
            assert_eq!(found, expected);
        }
        let variables = json!({ "ws": app.workspace, "input": { "query": "violin" } });
        assert_eq!(app.ok(&stranger, RECALL, variables).await, json!({ "workspace": null }));
    }
}

on_both! {
    async fn a_reply_quotes_a_chunk_and_forgetting_its_document_takes_the_quote_out(app: TestApp) {
        let said = "Zebulon owes nine crowns to the miller in Lisbon";
        let document = add(&app, &app.owner, json!({ "title": "Debts", "externalId": "d", "text": said })).await["document"].clone();
        let session = coaching::start(&app).await;
        let turn = coaching::send(&app, &session, "What does Zebulon owe?").await;
        let cited = "query($t: ID!) { node(id: $t) { ... on Turn { status reply { text citations { quote start end memory { id }
            chunk { id text document { id title } } } } } } }";
        let over = "query($t: ID!) { node(id: $t) { ... on Turn { finishedAt } } }";
        app.until(&app.owner, over, &json!({ "t": turn }), "/node/finishedAt").await;
        let reply = app.ok(&app.owner, cited, json!({ "t": turn })).await["node"]["reply"].clone();
        let citation = &reply["citations"][0];
        assert_eq!((&citation["memory"], &citation["chunk"]["document"]["id"]), (&Value::Null, &document["id"]), "{reply:#}");
        let at = |name: &str| usize::try_from(citation[name].as_u64().unwrap()).unwrap();
        assert_eq!(citation["chunk"]["text"].as_str().unwrap().get(at("start")..at("end")), citation["quote"].as_str());
        // After a new version the quote stays, and forgetting reaches it all the same.
        add(&app, &app.owner, json!({ "title": "Debts", "externalId": "d", "text": "Nobody owes a thing." })).await;
        let reply = app.ok(&app.owner, cited, json!({ "t": turn })).await["node"]["reply"].clone();
        assert_eq!((&reply["citations"][0]["chunk"], reply["text"].as_str().unwrap().contains("crowns")), (&Value::Null, true));
        let forgotten = app.ok(&app.owner, FORGET, json!({ "id": document["id"] })).await["forgetDocument"].clone();
        let erased = forgotten["receipt"]["erased"].as_array().unwrap();
        assert!(erased.contains(&json!({ "kind": "QUOTE", "count": 1 })), "{erased:#?}");
        let reply = app.ok(&app.owner, cited, json!({ "t": turn })).await["node"]["reply"].clone();
        assert_eq!(reply["citations"], json!([]));
        assert!(text(&reply, "/text").contains("[forgotten]") && !text(&reply, "/text").contains("crowns"), "{reply:#}");
        assert_eq!(read(&app, &app.owner, &document["id"]).await, Value::Null);
    }
}

on_both! {
    async fn forgetting_a_document_empties_what_runs_made_of_it(app: TestApp) {
        let document = add(&app, &app.owner, json!({ "title": "Zyxwvowl", "text": "The zyxwvowl sings on Monday." })).await["document"].clone();
        let steps = json!([{ "key": "notes", "action": { "memoryRecall": { "query": "Monday", "limit": 5 } } }]);
        let flow = workflow::publish(&app, steps).await;
        let run = workflow::start(&app, &flow, json!({})).await;
        workflow::events(&app, &run, workflow::ENDS).await;
        let state = workflow::state(&app, &run).await;
        assert!(state.to_string().contains("zyxwvowl sings"), "{state:#}");
        let forgotten = app.ok(&app.owner, FORGET, json!({ "id": document["id"] })).await["forgetDocument"].clone();
        let erased = forgotten["receipt"]["erased"].as_array().unwrap();
        assert!(erased.contains(&json!({ "kind": "STEP_OUTPUT", "count": 1 })), "{erased:#?}");
        assert_eq!(app.columns_with("zyxwvowl").await, [""; 0]);
    }
}
