//! Documents that come as a text, and their chunks.
mod files;
mod pdf;
mod recall;

use super::member;
use crate::{
    counted_on_both, on_both,
    support::{Person, TestApp, text},
};
use aifirst::shared::text::slice_utf16;
use serde_json::{Value, json};

pub const ADD: &str = "mutation($input: AddDocumentInput!) { addDocument(input: $input) {
    document { id title mediaType status version length scope text chunks(first: 100) { nodes { id text start end heading } } }
    current { id version } userErrors { code field message } } }";
const FORGET: &str = "mutation($id: ID!) { forgetDocument(input: {documentId: $id}) {
    receipt { id erased { kind count } } userErrors { code field } } }";
const READ: &str =
    "query($id: ID!) { node(id: $id) { ... on Document { id title status failure progress version externalId
    text chunks(first: 100) { totalCount nodes { id text start end document { id } } } } } }";
const LIST: &str = "query($ws: ID!) { workspace(id: $ws) { documents { totalCount nodes { title } } } }";

/// `addDocument` with any input over a plain note.
pub async fn add(app: &TestApp, person: &Person, over: Value) -> Value {
    let mut input = json!({ "workspaceId": app.workspace, "title": "A note", "mediaType": "text/plain", "text": "Words." });
    for (name, value) in over.as_object().unwrap() {
        input[name] = value.clone();
    }
    app.ok(person, ADD, json!({ "input": input })).await["addDocument"].clone()
}

async fn read(app: &TestApp, person: &Person, id: &Value) -> Value {
    app.ok(person, READ, json!({ "id": id })).await["node"].clone()
}

fn problem(payload: &Value) -> (String, String) {
    assert_eq!(payload["document"], Value::Null, "{payload:#}");
    (text(payload, "/userErrors/0/code"), text(payload, "/userErrors/0/field"))
}

/// Its chunks, each of which must be the text at its offsets.
fn chunks(document: &Value) -> Vec<String> {
    let whole = text(document, "/text");
    let chunks = document["chunks"]["nodes"].as_array().unwrap().iter();
    let texts = chunks.map(|chunk| {
        let at = |name: &str| usize::try_from(chunk[name].as_u64().unwrap()).unwrap();
        assert_eq!(slice_utf16(&whole, at("start"), at("end")), chunk["text"].as_str(), "{chunk:#}");
        text(chunk, "/text")
    });
    texts.collect()
}

/// Sentences about one thing, of some 50 characters each.
fn about(thing: &str, sentences: usize) -> String {
    (0..sentences).map(|n| format!("The {thing} has the number {n} among all of them. ")).collect()
}

on_both! {
    async fn a_document_is_cut_by_its_structure_with_offsets_into_its_text(app: TestApp) {
        let source = format!("# Kites 🦉\n\n{}\n\n## Boats\n\n{}\n", about("kite", 40), about("boat", 60));
        let added = add(&app, &app.owner, json!({ "mediaType": "text/markdown; charset=utf-8", "text": source })).await;
        let document = &added["document"];
        assert_eq!((&document["status"], &document["version"], &document["mediaType"]), (&json!("READY"), &json!(1), &json!("text/markdown")));
        assert_eq!((&document["text"], &document["length"]), (&json!(source), &json!(source.encode_utf16().count())));
        let texts = chunks(document);
        assert_eq!(texts.len(), 3, "{texts:#?}");
        assert!(texts[0].starts_with("# Kites") && texts[0].contains("number 39") && !texts[0].contains("boat"));
        let headings: Vec<_> = document["chunks"]["nodes"].as_array().unwrap().iter().map(|chunk| text(chunk, "/heading")).collect();
        assert_eq!(headings, ["Kites 🦉", "Boats", "Boats"]);
        // And each is a thing of its own.
        let id = &document["chunks"]["nodes"][2]["id"];
        let node = "query($id: ID!) { node(id: $id) { ... on DocumentChunk { text document { title chunks(last: 1) { nodes { id } } } } } }";
        let node = app.ok(&app.owner, node, json!({ "id": id })).await["node"].clone();
        assert_eq!((&node["text"], &node["document"]["title"]), (&json!(texts[2]), &json!("A note")));
        assert_eq!(&node["document"]["chunks"]["nodes"][0]["id"], id);
    }
}

on_both! {
    async fn of_html_the_words_are_kept_and_nothing_that_runs(app: TestApp) {
        let html = "<html><head><title>T</title><script>alert('evil()')</script></head><body onload='evil()'><h1>Kites &amp; boats</h1>
            <p>They <b>fly</b>.<script src=//evil.example/x.js></script><p><img src=x onerror=evil()>They sail.<style>evil{}</style>";
        let added = add(&app, &app.owner, json!({ "mediaType": "text/html", "text": html })).await;
        assert_eq!(added["document"]["text"], "Kites & boats\n\nThey fly.\n\nThey sail.");
        assert_eq!(chunks(&added["document"]).len(), 1);
    }
}

on_both! {
    async fn the_same_external_id_is_a_new_version_that_replaces_all_chunks(app: TestApp) {
        let first = add(&app, &app.owner, json!({ "externalId": "e", "text": about("kite", 100) })).await["document"].clone();
        let again = add(&app, &app.owner, json!({ "externalId": "e", "text": about("kite", 100) })).await["document"].clone();
        assert_eq!(again, first, "the same text changes nothing");
        let stale = add(&app, &app.owner, json!({ "externalId": "e", "text": "x", "expectedVersion": 7 })).await;
        assert_eq!(problem(&stale), ("CONFLICT".into(), "expectedVersion".into()));
        assert_eq!(stale["current"], json!({ "id": first["id"], "version": 1 }));
        let second = json!({ "externalId": "e", "text": about("boat", 60), "expectedVersion": 1 });
        let second = add(&app, &app.owner, second).await["document"].clone();
        assert_eq!((&second["id"], &second["version"]), (&first["id"], &json!(2)));
        assert!(chunks(&second).iter().all(|chunk| !chunk.contains("kite")));
        let now = read(&app, &app.owner, &first["id"]).await;
        assert_eq!(now["chunks"]["totalCount"], 2);
        assert_eq!(chunks(&now), chunks(&second));
        let old: Vec<_> = first["chunks"]["nodes"].as_array().unwrap().iter().map(|chunk| chunk["id"].clone()).collect();
        assert!(old.len() > 1);
        let gone = app.ok(&app.owner, "query($ids: [ID!]!) { nodes(ids: $ids) { id } }", json!({ "ids": old })).await;
        assert!(gone["nodes"].as_array().unwrap().iter().all(Value::is_null), "{gone:#}");
        // Another title is another version, too; in another scope it is another document.
        let third = add(&app, &app.owner, json!({ "externalId": "e", "text": about("boat", 60), "title": "Boats" })).await;
        assert_eq!((&third["document"]["version"], &third["document"]["title"]), (&json!(3), &json!("Boats")));
        let own = add(&app, &app.owner, json!({ "externalId": "e", "scope": "USER" })).await;
        assert_ne!(own["document"]["id"], first["id"]);
    }
}

on_both! {
    async fn a_forgotten_document_is_gone_and_stays_so(app: TestApp) {
        let input = json!({ "externalId": "secret zyxwvowl", "title": "Zyxwvowl", "text": about("zyxwvowl", 100),
            "clientId": "0190a5f0-7c5b-7cc0-8b1e-5b7a8c1d2e3f", "idempotencyKey": "k" });
        let document = add(&app, &app.owner, input.clone()).await["document"].clone();
        let forgotten = app.ok(&app.owner, FORGET, json!({ "id": document["id"] })).await["forgetDocument"].clone();
        let erased = forgotten["receipt"]["erased"].as_array().unwrap();
        assert!(erased.contains(&json!({ "kind": "DOCUMENT", "count": 1 })), "{erased:#?}");
        assert!(erased.contains(&json!({ "kind": "CHUNK", "count": chunks(&document).len() })), "{erased:#?}");
        assert_eq!(read(&app, &app.owner, &document["id"]).await, Value::Null);
        assert_eq!(app.columns_with("zyxwvowl").await, [""; 0]);
        assert_eq!(app.code(&app.owner, FORGET, json!({ "id": document["id"] })).await, "NOT_FOUND");
        for (field, id) in [("externalId", json!("secret zyxwvowl")), ("clientId", input["clientId"].clone())] {
            let again = add(&app, &app.owner, json!({ (field): id, "text": "anything" })).await;
            assert_eq!(problem(&again), ("FORGOTTEN".into(), field.into()));
        }
        let again = add(&app, &app.owner, input).await;
        assert_eq!(problem(&again), ("FORGOTTEN".into(), "idempotencyKey".into()));
        // A memory with that id is another thing.
        let memory = super::remember(&app, &app.owner, json!({ "externalId": "secret zyxwvowl", "text": "x1", "scope": "WORKSPACE" })).await;
        assert_eq!(memory["userErrors"], json!([]));
    }
}

on_both! {
    async fn a_key_and_a_clients_id_give_the_first_document_again(app: TestApp) {
        for given in [json!({ "idempotencyKey": "k" }), json!({ "clientId": "0190a5f0-7c5b-7cc0-8b1e-5b7a8c1d2e3f" })] {
            let first = add(&app, &app.owner, given.clone()).await;
            assert_eq!(add(&app, &app.owner, given.clone()).await, first);
            let mut other = given.clone();
            other["text"] = json!("Other words.");
            assert!(problem(&add(&app, &app.owner, other).await).0.ends_with("CONFLICT"), "{given}");
        }
        let list = app.ok(&app.owner, LIST, json!({ "ws": app.workspace })).await;
        assert_eq!(list["workspace"]["documents"]["totalCount"], 2);
    }
}

on_both! {
    async fn a_document_is_for_who_may_read_it_and_for_nobody_else(app: TestApp) {
        let viewer = member(&app, "Vera Viewer", "VIEWER").await;
        let other = member(&app, "Mia Member", "MEMBER").await;
        let stranger = app.person("Sam Stranger").await;
        app.create_workspace(&stranger, "theirs").await;
        let shared = add(&app, &app.owner, json!({ "title": "Shared" })).await["document"].clone();
        let own = add(&app, &app.owner, json!({ "title": "Own", "scope": "USER" })).await["document"].clone();
        for (person, may) in [(&viewer, "FORBIDDEN"), (&stranger, "NOT_FOUND")] {
            let input = json!({ "workspaceId": app.workspace, "title": "x", "mediaType": "text/plain", "text": "x" });
            assert_eq!(app.code(person, ADD, json!({ "input": input })).await, may);
            assert_eq!(app.code(person, FORGET, json!({ "id": shared["id"] })).await, may);
        }
        for (person, titles) in [(&viewer, vec!["Shared"]), (&other, vec!["Shared"]), (&app.owner, vec!["Own", "Shared"])] {
            let list = app.ok(person, LIST, json!({ "ws": app.workspace })).await;
            let list = list["workspace"]["documents"]["nodes"].as_array().unwrap().clone();
            assert_eq!(list.iter().map(|node| text(node, "/title")).collect::<Vec<_>>(), titles);
        }
        assert_eq!(read(&app, &viewer, &shared["id"]).await["text"], "Words.");
        for person in [&viewer, &other, &stranger] {
            let ids = json!([own["id"], own["chunks"]["nodes"][0]["id"]]);
            let found = app.ok(person, "query($ids: [ID!]!) { nodes(ids: $ids) { id } }", json!({ "ids": ids })).await;
            assert_eq!(found["nodes"], json!([null, null]));
            assert_eq!(app.code(person, FORGET, json!({ "id": own["id"] })).await, "NOT_FOUND");
        }
    }
}

on_both! {
    async fn a_text_that_is_none_or_too_much_is_refused_by_name(app: TestApp) {
        for (input, field) in [
            (json!({ "text": "" }), "text"),
            (json!({ "text": " \n\u{200b}" }), "text"),
            (json!({ "text": "x".repeat(2 * 1024 * 1024 + 1) }), "text"),
            (json!({ "mediaType": "text/html", "text": "<script>everything()</script>" }), "text"),
            (json!({ "title": "" }), "title"),
            (json!({ "title": "x".repeat(501) }), "title"),
            (json!({ "title": "a\nb" }), "title"),
            (json!({ "externalId": " " }), "externalId"),
            (json!({ "mediaType": "application/pdf" }), "mediaType"),
            (json!({ "mediaType": "image/png" }), "mediaType"),
            (json!({ "mediaType": "" }), "mediaType"),
            (json!({ "scope": "SESSION" }), "scope"),
            (json!({ "clientId": "mine" }), "clientId"),
            (json!({ "idempotencyKey": "" }), "idempotencyKey"),
        ] {
            assert_eq!(problem(&add(&app, &app.owner, input).await), ("INVALID".into(), field.into()));
        }
        let list = app.ok(&app.owner, LIST, json!({ "ws": app.workspace })).await;
        assert_eq!(list["workspace"]["documents"]["totalCount"], 0, "nothing half added");
    }
}

on_both! {
    async fn two_megabytes_of_any_text_are_taken(app: TestApp) {
        let most = 2 * 1024 * 1024;
        for (name, media_type, unit) in [
            ("a word", "text/plain", "x"),
            ("sentences", "text/plain", "It is so. "),
            ("signs of four bytes", "text/markdown", "🦉"),
            ("headings", "text/markdown", "# a \r"),
            ("elements in each other", "text/html", "<div><b>x"),
        ] {
            let text = unit.repeat(most / unit.len());
            let input = json!({ "workspaceId": app.workspace, "title": name, "mediaType": media_type, "text": text });
            let document = "mutation($input: AddDocumentInput!) { addDocument(input: $input) {
                document { status chunks(first: 1) { totalCount } } userErrors { message } } }";
            let added = app.ok(&app.owner, document, json!({ "input": input })).await["addDocument"].clone();
            assert_eq!(added["document"]["status"], "READY", "{name}: {added:#}");
            let count = added["document"]["chunks"]["totalCount"].as_u64().unwrap();
            assert!((1..=3_600).contains(&count), "{name}: {count}");
        }
    }
}

counted_on_both! {
    async fn documents_and_their_chunks_cost_two_statements_however_many_there_are(app: TestApp) {
        let query = "query($ws: ID!) { workspace(id: $ws) { documents(first: 10) { nodes { title chunks(first: 5) {
            nodes { text document { title } } } } } } }";
        let mut costs = vec![];
        for title in ["one", "two", "three"] {
            add(&app, &app.owner, json!({ "title": title, "text": about(title, 100) })).await;
            costs.push(app.cost(&app.owner, query, json!({ "ws": app.workspace })).await.1);
        }
        // The credential, the documents, their chunks, and of these the documents.
        assert_eq!(costs, [4, 4, 4]);
    }
}

on_both! {
    async fn additions_of_the_same_document_at_once_make_one_of_it(app: TestApp) {
        let at_once = (0..6).map(|n| add(&app, &app.owner, json!({ "externalId": "e", "text": about(&format!("kite{n}"), 80) })));
        let done = futures_util::future::join_all(at_once).await;
        assert!(done.iter().all(|added| added["document"]["id"] == done[0]["document"]["id"]), "{done:#?}");
        let now = read(&app, &app.owner, &done[0]["document"]["id"]).await;
        assert_eq!(now["version"], 6);
        let texts = chunks(&now);
        let whose = |text: &str| text.split("kite").nth(1).unwrap().chars().next().unwrap();
        assert!(texts.iter().all(|text| whose(text) == whose(&texts[0])), "chunks of two versions: {texts:#?}");
    }
}
