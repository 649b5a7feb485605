use crate::{
    on_both,
    support::{Person, TestApp, text},
};
use serde_json::{Value, json};

pub const REMEMBER: &str = r#"mutation Remember($ws: ID!) { remember(input: {workspaceId: $ws, text: "Ana prefers short stand-ups before ten", kind: PREFERENCE, scope: USER}) {
  memory { id text kind scope status createdAt } userErrors { code field message } } }"#;
pub const IMPORT: &str = "mutation ImportMemories($ws: ID!, $items: [ImportMemoryItem!]!) { importMemories(input: {workspaceId: $ws, scope: USER, items: $items}) {
  created updated unchanged memories { id externalId } userErrors { code field message } } }";
pub const RECALL: &str = "query Recall($ws: ID!, $q: String!, $collectionPrefix: String) { workspace(id: $ws) { recall(input: {query: $q, limit: 10, collectionPrefix: $collectionPrefix}) {
  hits { score signals { lexical vector recency importance }
    item { __typename ... on Memory { id externalId text collection } } }
  usedTokens } } }";
pub const FORGET: &str = "mutation Forget($id: ID!) { forgetMemory(input: {memoryId: $id}) { receipt { id erased { kind count } at } userErrors { code field message } } }";

const ANY: &str = "mutation($input: RememberInput!) { remember(input: $input) {
    memory { id text kind scope externalId } userErrors { code field message } } }";

/// `remember` with any input; the workspace is added.
async fn remember(app: &TestApp, person: &Person, mut input: Value) -> Value {
    input["workspaceId"] = json!(app.workspace);
    app.ok(person, ANY, json!({ "input": input })).await["remember"].clone()
}

async fn import(app: &TestApp, person: &Person, items: Value) -> Value {
    app.ok(person, IMPORT, json!({ "ws": app.workspace, "items": items })).await["importMemories"].clone()
}

async fn recall(app: &TestApp, person: &Person, query: &str) -> Value {
    app.ok(person, RECALL, json!({ "ws": app.workspace, "q": query })).await["workspace"]["recall"].clone()
}

/// The texts of what a recall finds.
async fn texts(app: &TestApp, person: &Person, query: &str) -> Vec<String> {
    let recall = recall(app, person, query).await;
    recall["hits"].as_array().unwrap().iter().map(|hit| text(hit, "/item/text")).collect()
}

fn problem(payload: &Value) -> (String, String) {
    (text(payload, "/userErrors/0/code"), text(payload, "/userErrors/0/field"))
}

fn counts(payload: &Value) -> [i64; 3] {
    ["created", "updated", "unchanged"]
        .map(|name| payload[name].as_i64().unwrap_or_else(|| panic!("{payload:#}")))
}

on_both! {
    async fn what_is_remembered_is_recalled_by_other_forms_of_its_words(app: TestApp) {
        let data = app.ok(&app.owner, REMEMBER, json!({ "ws": app.workspace })).await;
        let memory = &data["remember"]["memory"];
        assert_eq!((&memory["kind"], &memory["scope"], &memory["status"]), (&json!("PREFERENCE"), &json!("USER"), &json!("ACTIVE")));
        remember(&app, &app.owner, json!({ "text": "Ben likes long walks" })).await;

        let found = recall(&app, &app.owner, "What stand-up does Ana prefer?").await;
        assert_eq!(found["hits"].as_array().unwrap().len(), 1);
        let hit = &found["hits"][0];
        assert_eq!(text(hit, "/item/text"), "Ana prefers short stand-ups before ten");
        assert_eq!(text(hit, "/item/__typename"), "Memory");
        let score = hit["score"].as_f64().unwrap();
        assert!(score > 0.0 && score < 1.0 && hit["signals"]["lexical"].as_f64().unwrap() > score);
        assert_eq!(hit["signals"]["vector"], Value::Null);
        assert_eq!(found["usedTokens"], 10);
    }
}

on_both! {
    async fn the_same_external_id_is_the_same_memory(app: TestApp) {
        let item = |text: &str| json!([{ "externalId": "conv-0/D1:3", "text": text, "kind": "EPISODE",
            "occurredAt": "2023-05-08T13:56:00Z", "speaker": "Caroline", "collection": "conv-0/1" }]);
        let first = import(&app, &app.owner, item("I paint sunrises")).await;
        assert_eq!(counts(&first), [1, 0, 0]);
        let same = import(&app, &app.owner, item(" I paint sunrises\n")).await;
        assert_eq!(counts(&same), [0, 0, 1]);
        let changed = import(&app, &app.owner, item("I carve wooden owls")).await;
        assert_eq!(counts(&changed), [0, 1, 0]);
        assert_eq!(first["memories"], changed["memories"]);
        // Written alone it is the same one too.
        let alone = remember(&app, &app.owner, json!({ "externalId": "conv-0/D1:3", "text": "I sing" })).await;
        assert_eq!(alone["memory"]["id"], first["memories"][0]["id"]);

        assert!(texts(&app, &app.owner, "sunrise owl Caroline").await.is_empty());
        assert_eq!(texts(&app, &app.owner, "singing").await, ["I sing"]);
    }
}

on_both! {
    async fn an_import_is_all_or_nothing(app: TestApp) {
        let items = json!([
            { "externalId": "a", "text": "apples" },
            { "externalId": "b", "text": "  " },
            { "externalId": "a", "text": "pears" },
            { "externalId": "c", "text": "x".repeat(10_001) },
            { "externalId": "d", "text": "ok", "speaker": "s".repeat(201), "collection": "c".repeat(501) },
        ]);
        let payload = import(&app, &app.owner, items).await;
        let fields: Vec<_> = payload["userErrors"].as_array().unwrap().iter().map(|e| text(e, "/field")).collect();
        assert_eq!(fields, ["items.1.text", "items.2.externalId", "items.3.text", "items.4.speaker", "items.4.collection"]);
        assert_eq!((&payload["created"], &payload["memories"]), (&Value::Null, &json!([])));
        assert!(texts(&app, &app.owner, "apples pears ok").await.is_empty());

        let many: Vec<_> = (0..1001).map(|n| json!({ "externalId": n.to_string(), "text": "apples" })).collect();
        assert_eq!(problem(&import(&app, &app.owner, json!(many)).await), ("INVALID".into(), "items".into()));
        assert_eq!(counts(&import(&app, &app.owner, json!([])).await), [0, 0, 0]);
    }
}

on_both! {
    async fn a_thousand_items_are_imported_in_one_call(app: TestApp) {
        let items = |word: &str| -> Value {
            (0..1000).map(|n| json!({ "externalId": format!("n{n}"), "text": format!("{word} number{n} of group{}", n % 7) })).collect()
        };
        assert_eq!(counts(&import(&app, &app.owner, items("apple")).await), [1000, 0, 0]);
        assert_eq!(counts(&import(&app, &app.owner, items("apple")).await), [0, 0, 1000]);
        assert_eq!(texts(&app, &app.owner, "number777").await, ["apple number777 of group0"]);
        assert_eq!(counts(&import(&app, &app.owner, items("pear")).await), [0, 1000, 0]);
        assert!(texts(&app, &app.owner, "apples").await.is_empty());
        assert_eq!(texts(&app, &app.owner, "pears").await.len(), 10);

        let list = "query($ws: ID!) { workspace(id: $ws) { memories(first: 100) { totalCount nodes { text } } } }";
        let list = app.ok(&app.owner, list, json!({ "ws": app.workspace })).await;
        assert_eq!(list["workspace"]["memories"]["totalCount"], 1000);
    }
}

on_both! {
    async fn an_idempotency_key_gives_the_first_answer_again(app: TestApp) {
        let new = |text: &str| json!({ "text": text, "idempotencyKey": "k1" });
        let first = remember(&app, &app.owner, new("apples")).await;
        assert_eq!(remember(&app, &app.owner, new("apples")).await, first);
        assert_eq!(problem(&remember(&app, &app.owner, new("pears")).await).0, "IDEMPOTENCY_CONFLICT");
        assert_eq!(texts(&app, &app.owner, "apples").await.len(), 1);
        app.ok(&app.owner, FORGET, json!({ "id": first["memory"]["id"] })).await;
        assert_eq!(problem(&remember(&app, &app.owner, new("apples")).await).0, "FORGOTTEN");

        let document = "mutation($ws: ID!) { importMemories(input: {workspaceId: $ws, idempotencyKey: \"k\",
            items: [{externalId: \"a\", text: \"figs\"}]}) { created unchanged memories { id } userErrors { message } } }";
        let first = app.ok(&app.owner, document, json!({ "ws": app.workspace })).await;
        assert_eq!(first["importMemories"]["created"], 1);
        assert_eq!(app.ok(&app.owner, document, json!({ "ws": app.workspace })).await, first);
    }
}

on_both! {
    async fn a_client_id_is_unique_for_ever(app: TestApp) {
        let id = "0190a5f0-7c5b-7cc0-8b1e-5b7a8c1d2e3f";
        let new = |text: &str| json!({ "text": text, "clientId": id });
        let first = remember(&app, &app.owner, new("apples")).await;
        assert_eq!(remember(&app, &app.owner, new("apples")).await, first);
        let conflict = ("CONFLICT".to_owned(), "clientId".to_owned());
        assert_eq!(problem(&remember(&app, &app.owner, new("pears")).await), conflict);
        let shared = json!({ "text": "apples", "clientId": id, "scope": "WORKSPACE" });
        assert_eq!(problem(&remember(&app, &app.owner, shared).await), conflict);
        let malformed = json!({ "text": "apples", "clientId": "mine" });
        assert_eq!(problem(&remember(&app, &app.owner, malformed).await), ("INVALID".into(), "clientId".into()));
        app.ok(&app.owner, FORGET, json!({ "id": first["memory"]["id"] })).await;
        assert_eq!(problem(&remember(&app, &app.owner, new("apples")).await), ("FORGOTTEN".into(), "clientId".into()));
    }
}

on_both! {
    async fn what_is_forgotten_is_gone_and_stays_so(app: TestApp) {
        let item = json!([{ "externalId": "e1", "text": "The quokka sleeps in the hammock" }, { "externalId": "e2", "text": "A quokka" }]);
        let imported = import(&app, &app.owner, item.clone()).await;
        let id = text(&imported, "/memories/0/id");
        let payload = app.ok(&app.owner, FORGET, json!({ "id": id })).await["forgetMemory"].clone();
        let erased = &payload["receipt"]["erased"];
        assert_eq!(erased, &json!([{ "kind": "MEMORY", "count": 1 }, { "kind": "POSTING", "count": 3 }]));

        assert_eq!(texts(&app, &app.owner, "quokka hammock").await, ["A quokka"]);
        assert_eq!(app.code(&app.owner, FORGET, json!({ "id": id })).await, "NOT_FOUND");
        let again = import(&app, &app.owner, item).await;
        assert_eq!(problem(&again), ("FORGOTTEN".into(), "items.0.externalId".into()));
        let again = remember(&app, &app.owner, json!({ "externalId": "e1", "text": "anything" })).await;
        assert_eq!(problem(&again), ("FORGOTTEN".into(), "externalId".into()));
        // In another scope it is another memory.
        let shared = remember(&app, &app.owner, json!({ "externalId": "e1", "text": "x1", "scope": "WORKSPACE" })).await;
        assert_eq!(shared["userErrors"], json!([]));
    }
}
