//! What memory promises its clients.
mod about;
mod access;
mod agreement;
mod answers;
mod contradictions;
mod documents;
pub mod embeddings;
mod entities;
mod extraction;
mod forgetting;
mod grouping;
mod index;
mod ranking;
mod reranking;
mod telling;
mod time;

use crate::{
    counted_on_both, on_both,
    support::{Person, TestApp, text},
};
use aifirst::{db::Source, shared::id::UserId};
use sea_orm::{ActiveModelTrait, IntoActiveModel};
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

/// A new person with that role in the test's workspace.
async fn member(app: &TestApp, name: &str, role: &str) -> Person {
    let person = app.person(name).await;
    let services = &app.running.services;
    let row = entity::membership::Model {
        id: services.ambient.ids.uuid(),
        workspace_id: app.workspace_id().uuid(),
        user_id: person.id.parse::<UserId>().unwrap().uuid(),
        role: role.to_owned(),
        version: 1,
        created_at: services.ambient.now(),
    };
    let tx = services.db.begin().await.unwrap();
    row.into_active_model().insert(tx.connection()).await.unwrap();
    tx.commit().await.unwrap();
    person
}

/// `remember` with any input; the workspace is added where it names none.
async fn remember(app: &TestApp, person: &Person, mut input: Value) -> Value {
    if input.get("workspaceId").is_none() {
        input["workspaceId"] = json!(app.workspace);
    }
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
        assert!(hit["signals"]["vector"].as_f64().unwrap() > 0.0, "{hit:#}");
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
    async fn what_may_leave_can_be_changed_alone(app: TestApp) {
        let document = "mutation($input: RememberInput!) { remember(input: $input) { memory { egress } userErrors { message } } }";
        for egress in ["ALLOWED", "INTERNAL_ONLY"] {
            let input = json!({ "workspaceId": app.workspace, "externalId": "1", "text": "figs", "egress": egress });
            let written = app.ok(&app.owner, document, json!({ "input": input })).await;
            assert_eq!(written["remember"]["memory"]["egress"], egress);
            let list = "query($ws: ID!) { workspace(id: $ws) { memories(first: 2) { nodes { egress } } } }";
            let list = app.ok(&app.owner, list, json!({ "ws": app.workspace })).await;
            assert_eq!(list["workspace"]["memories"]["nodes"], json!([{ "egress": egress }]));
        }
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
        assert_eq!(texts(&app, &app.owner, "number777").await[0], "apple number777 of group0");
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
        assert_eq!(erased, &json!([{ "kind": "MEMORY", "count": 1 }, { "kind": "INDEX_ENTRY", "count": 1 }]));

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

const LIST: &str =
    "query($ws: ID!, $first: Int, $after: String, $filter: MemoryFilter) { workspace(id: $ws) {
    memories(first: $first, after: $after, filter: $filter) {
        totalCount nodes { text scope kind } pageInfo { hasNextPage endCursor } } } }";

async fn list(app: &TestApp, person: &Person, filter: Value) -> Vec<String> {
    let variables = json!({ "ws": app.workspace, "filter": filter });
    let list = app.ok(person, LIST, variables).await["workspace"]["memories"].clone();
    let texts: Vec<_> = list["nodes"].as_array().unwrap().iter().map(|node| text(node, "/text")).collect();
    assert_eq!(list["totalCount"], texts.len());
    texts
}

on_both! {
    async fn a_list_is_paged_newest_first(app: TestApp) {
        for n in 0..5 {
            remember(&app, &app.owner, json!({ "text": format!("m{n}") })).await;
        }
        let (mut after, mut seen) = (Value::Null, vec![]);
        loop {
            let variables = json!({ "ws": app.workspace, "first": 2, "after": after });
            let page = app.ok(&app.owner, LIST, variables).await["workspace"]["memories"].clone();
            assert_eq!(page["totalCount"], 5);
            seen.extend(page["nodes"].as_array().unwrap().iter().map(|node| text(node, "/text")));
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
        assert_eq!(seen, ["m4", "m3", "m2", "m1", "m0"]);
    }
}

on_both! {
    async fn a_list_is_filtered(app: TestApp) {
        for (text, kind, scope, collection) in [
            ("a", "FACT", "USER", "conv-1/1"),
            ("b", "NOTE", "USER", "conv-1/2"),
            ("c", "NOTE", "WORKSPACE", "CONV-1/3"),
            ("d", "NOTE", "WORKSPACE", "conv_1"),
        ] {
            let input = json!({ "text": text, "kind": kind, "scope": scope, "collection": collection });
            remember(&app, &app.owner, input).await;
        }
        remember(&app, &app.owner, json!({ "text": "e" })).await;
        assert_eq!(list(&app, &app.owner, Value::Null).await, ["e", "d", "c", "b", "a"]);
        assert_eq!(list(&app, &app.owner, json!({ "kinds": ["FACT"] })).await, ["a"]);
        assert_eq!(list(&app, &app.owner, json!({ "scopes": ["WORKSPACE"] })).await, ["d", "c"]);
        assert_eq!(list(&app, &app.owner, json!({ "statuses": ["EXPIRED"] })).await, [""; 0]);
        assert_eq!(list(&app, &app.owner, json!({ "statuses": ["ACTIVE"], "kinds": ["NOTE", "FACT"] })).await.len(), 5);
        assert_eq!(list(&app, &app.owner, json!({ "collectionPrefix": "conv-1/" })).await, ["b", "a"]);
        assert_eq!(list(&app, &app.owner, json!({ "collectionPrefix": "conv_" })).await, ["d"]);
        assert_eq!(list(&app, &app.owner, json!({ "kinds": [] })).await, [""; 0]);
    }
}

on_both! {
    async fn a_recall_is_filtered_and_cut(app: TestApp) {
        let items = json!([
            { "externalId": "1", "text": "blue kite", "kind": "FACT", "collection": "a/1" },
            { "externalId": "2", "text": "blue kite over the blue lake", "collection": "a/2" },
            { "externalId": "3", "text": "blue", "collection": "b/1" },
        ]);
        import(&app, &app.owner, items).await;
        let recall = async |input: Value| {
            let document = "query($ws: ID!, $input: RecallInput!) { workspace(id: $ws) { recall(input: $input) {
                hits { score item { ... on Memory { externalId } } } usedTokens } } }";
            let variables = json!({ "ws": app.workspace, "input": input });
            let found = app.ok(&app.owner, document, variables).await["workspace"]["recall"].clone();
            let ids: Vec<_> = found["hits"].as_array().unwrap().iter().map(|hit| text(hit, "/item/externalId")).collect();
            (ids.join(" "), found)
        };
        let (ids, all) = recall(json!({ "query": "blue kites" })).await;
        assert_eq!(ids, "1 2 3");
        let (ids, facts) = recall(json!({ "query": "blue kites", "kinds": ["NOTE"] })).await;
        assert_eq!(ids, "2 3");
        // A filter hides memories, it does not change what the others are worth.
        assert_eq!(facts["hits"][0]["score"], all["hits"][1]["score"]);
        assert_eq!(recall(json!({ "query": "blue kites", "collectionPrefix": "a/" })).await.0, "1 2");
        assert_eq!(recall(json!({ "query": "blue kites", "limit": 1 })).await.0, "1");
        assert_eq!(recall(json!({ "query": "blue kites", "scopes": ["WORKSPACE"] })).await.0, "");
        assert_eq!(recall(json!({ "query": "blue kites", "scopes": ["SESSION"] })).await.0, "");
        // 3, 7 and 1 tokens: the second does not fit, the third does.
        let (ids, cut) = recall(json!({ "query": "blue kites", "tokenBudget": 5 })).await;
        assert_eq!((ids.as_str(), &cut["usedTokens"]), ("1 3", &json!(4)));

        let document = "query($ws: ID!, $input: RecallInput!) { workspace(id: $ws) { recall(input: $input) { usedTokens } } }";
        for input in [
            json!({ "query": " " }),
            json!({ "query": "x".repeat(10_001) }),
            json!({ "query": "x", "limit": 0 }),
            json!({ "query": "x", "limit": 101 }),
            json!({ "query": "x", "tokenBudget": -1 }),
        ] {
            let variables = json!({ "ws": app.workspace, "input": input });
            assert_eq!(app.code(&app.owner, document, variables).await, "BAD_USER_INPUT");
        }
    }
}

on_both! {
    async fn a_query_is_plain_text(app: TestApp) {
        let words = "quoted AND NEAR(star*) OR NOT 100% under_score back\\slash 'single' \"double\" -minus ^caret col:on ${x} {{y}}";
        remember(&app, &app.owner, json!({ "text": words })).await;
        remember(&app, &app.owner, json!({ "text": "nothing of it" })).await;
        for query in words.split(' ').filter(|word| !["AND", "OR", "NOT"].contains(word)) {
            assert_eq!(texts(&app, &app.owner, query).await, [words], "{query}");
        }
        for query in ["\"", "'", "''; --", "*", "%", "_", "AND", "NOT (", "\\", "🦉", "the of"] {
            assert!(texts(&app, &app.owner, query).await.is_empty(), "{query}");
        }
        // What has a meaning may find something.
        recall(&app, &app.owner, "''; DROP TABLE memory; --").await;
        assert_eq!(list(&app, &app.owner, Value::Null).await.len(), 2);
    }
}

on_both! {
    async fn texts_beyond_the_bounds_are_refused(app: TestApp) {
        for (input, field) in [
            (json!({ "text": "" }), "text"),
            (json!({ "text": "x".repeat(10_001) }), "text"),
            (json!({ "text": "x".repeat(1 << 20) }), "text"),
            (json!({ "text": "x", "externalId": " " }), "externalId"),
            (json!({ "text": "x", "externalId": "é".repeat(501) }), "externalId"),
            (json!({ "text": "x", "speaker": "é".repeat(201) }), "speaker"),
            (json!({ "text": "x", "collection": "é".repeat(501) }), "collection"),
            (json!({ "text": "x", "scope": "SESSION" }), "sessionId"),
            (json!({ "text": "x", "sessionId": "cs_00000000000000000000000000" }), "sessionId"),
            (json!({ "text": "x", "idempotencyKey": "" }), "idempotencyKey"),
        ] {
            assert_eq!(problem(&remember(&app, &app.owner, input).await), ("INVALID".into(), field.into()));
        }
        let longest = json!({ "text": "🦉".repeat(10_000), "externalId": "🦉".repeat(500), "collection": "🦉".repeat(500) });
        assert_eq!(remember(&app, &app.owner, longest).await["userErrors"], json!([]));
        // Every letter a word of its own: the most postings that one memory can have.
        let letters: String = (0..10_000).map(|n| char::from_u32(0x4e00 + n).unwrap()).collect();
        assert_eq!(remember(&app, &app.owner, json!({ "text": letters })).await["userErrors"], json!([]));
        assert_eq!(texts(&app, &app.owner, "東").await, std::slice::from_ref(&letters));
        assert_eq!(texts(&app, &app.owner, &letters).await, [letters]);
    }
}

on_both! {
    async fn a_query_of_very_many_words_looks_for_the_longest(app: TestApp) {
        import(&app, &app.owner, json!([
            { "externalId": "short", "text": "An elk" },
            { "externalId": "long", "text": "The hippopotamus" },
        ])).await;
        let found = async |words: usize| {
            let words: String = (0..words).map(|n| format!("word{:03} ", 101 + n)).collect();
            let found = recall(&app, &app.owner, &format!("elk {words} hippopotamus")).await;
            let hits = found["hits"].as_array().unwrap();
            let mut ids: Vec<String> = hits.iter().map(|hit| text(hit, "/item/externalId")).collect();
            ids.sort();
            ids
        };
        assert_eq!(found(62).await, ["long", "short"]);
        assert_eq!(found(900).await, ["long"]);
    }
}

on_both! {
    async fn many_recalls_in_one_request_are_all_answered(app: TestApp) {
        import(&app, &app.owner, json!([{ "externalId": "one", "text": "Tulips in spring" }])).await;
        let fields: String = (0..24).map(|n| format!("a{n}: recall(input: {{query: \"tulips\"}}) {{ usedTokens }} ")).collect();
        let document = format!("query($ws: ID!) {{ workspace(id: $ws) {{ {fields} }} }}");
        let answer = app.ok(&app.owner, &document, json!({ "ws": app.workspace })).await;
        let answers = answer["workspace"].as_object().unwrap();
        assert_eq!(answers.len(), 24);
        assert!(answers.values().all(|recall| recall["usedTokens"] == 4), "{answer:#}");
    }
}

counted_on_both! {
    async fn a_recall_costs_two_statements_and_the_credentials_and_two_more_after_changes(app: TestApp) {
        let mut costs = vec![];
        for size in [1, 50] {
            let items: Vec<_> = (0..size).map(|n| json!({ "externalId": format!("{size}-{n}"), "text": format!("tulip {n}") })).collect();
            import(&app, &app.owner, json!(items)).await;
            for _ in 0..2 {
                costs.push(app.statements(recall(&app, &app.owner, "tulips")).await.1);
            }
        }
        assert_eq!(costs, [5, 3, 5, 3]);
    }
}

on_both! {
    async fn imports_of_the_same_items_at_once_make_each_once(app: TestApp) {
        let items: Value = (0..20).map(|n| json!({ "externalId": n.to_string(), "text": format!("word{n}") })).collect();
        let at_once = (0..6).map(|_| import(&app, &app.owner, items.clone()));
        let done = futures_util::future::join_all(at_once).await;
        let created: i64 = done.iter().map(|payload| counts(payload)[0]).sum();
        assert_eq!(created, 20);
        assert!(done.iter().all(|payload| payload["memories"] == done[0]["memories"]));

        let new = json!({ "text": "offline", "clientId": "0190a5f0-7c5b-7cc0-8b1e-5b7a8c1d2e3f" });
        let done = futures_util::future::join_all((0..4).map(|_| remember(&app, &app.owner, new.clone()))).await;
        assert!(done.iter().all(|payload| *payload == done[0]), "{done:#?}");
    }
}
