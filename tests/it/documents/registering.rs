//! What may be registered, by whom, and that it stays as it is.
use super::*;
use crate::on_both;

fn told(payload: &Value) -> Vec<(String, String)> {
    let errors = payload["userErrors"].as_array().unwrap_or_else(|| panic!("{payload:#}"));
    errors.iter().map(|error| (text(error, "/code"), text(error, "/field"))).collect()
}

fn one(code: &str, field: &str) -> Vec<(String, String)> {
    vec![(code.to_owned(), field.to_owned())]
}

on_both! {
    async fn a_document_is_registered_once_and_never_changes(app: TestApp) {
        let register = async |text: &str| app.register(&app.owner, &app.workspace, &[("one", text), ("two", VIEWER)]).await;
        assert_eq!(register(VIEWER).await, json!({ "registered": 2, "unchanged": 0, "userErrors": [] }));
        assert_eq!(register(VIEWER).await, json!({ "registered": 0, "unchanged": 2, "userErrors": [] }));
        let refused = register("{ __typename }").await;
        assert_eq!(told(&refused), one("CONFLICT", "documents.0.id"));
        assert_eq!((&refused["registered"], &refused["unchanged"]), (&Value::Null, &Value::Null));
        assert!(text(&refused, "/userErrors/0/message").starts_with("one: "), "{refused:#}");
        // All or nothing: what stood beside it is not there.
        let mixed = app.register(&app.owner, &app.workspace, &[("one", "{ __typename }"), ("three", VIEWER)]).await;
        assert_eq!(told(&mixed), one("CONFLICT", "documents.0.id"));
        let three = app.posted(Some(&app.owner.token), json!({ "documentId": "three" })).await.1;
        assert_eq!(code(&three), Some("PERSISTED_QUERY_NOT_FOUND"));

        let trail = "query($ws: ID!) { workspace(id: $ws) { auditEntries(first: 5) { nodes { action actorId data } } } }";
        let trail = app.ok(&app.owner, trail, json!({ "ws": app.workspace })).await;
        let entries = trail["workspace"]["auditEntries"]["nodes"].as_array().unwrap().clone();
        let entries: Vec<_> = entries.into_iter().filter(|entry| entry["action"] == "DOCUMENTS_REGISTERED").collect();
        let expected = json!([{ "action": "DOCUMENTS_REGISTERED", "actorId": app.owner.id,
            "data": { "application": "web", "registered": 2 } }]);
        assert_eq!(Value::from(entries), expected);
    }
}

on_both! {
    async fn two_registrations_of_one_id_at_once_end_with_one_text(app: TestApp) {
        let texts = [VIEWER, "query Other { viewer { displayName } }"];
        for round in 0..5 {
            let ids: Vec<String> = (0..20).map(|i| format!("{round}-{i}")).collect();
            let push = async |text: &'static str, reversed: bool| {
                let mut documents: Vec<_> = ids.iter().map(|id| (id.as_str(), text)).collect();
                if reversed {
                    documents.reverse();
                }
                app.register(&app.owner, &app.workspace, &documents).await
            };
            let (first, second) = tokio::join!(push(texts[0], false), push(texts[1], true));
            let won = [&first, &second].map(|payload| payload["registered"] == 20);
            assert!(won[0] != won[1], "{first:#}\n{second:#}");
            let lost = if won[0] { &second } else { &first };
            assert_eq!(told(lost).len(), 20, "{lost:#}");
            assert!(told(lost).iter().all(|(code, _)| code == "CONFLICT"), "{lost:#}");
        }
    }
}

on_both! {
    async fn all_that_is_wrong_is_told_with_id_place_and_code_and_nothing_is_stored(app: TestApp) {
        let altered = sha256("{ __typename }");
        let deep = format!("{}id{}", "{ a ".repeat(100), "}".repeat(100));
        let long = format!("{{ __typename {} }}", "#".repeat(200_000));
        let documents = [
            ("good", VIEWER),
            ("unknown", "query A {\n  viewer { nope }\n}"),
            ("cut", "{"),
            ("empty", ""),
            ("deep", deep.as_str()),
            ("long", long.as_str()),
            ("none", "fragment F on Viewer { id }"),
            (altered.as_str(), VIEWER),
            ("a b", VIEWER),
            ("good", "{ __typename }"),
        ];
        let refused = app.register(&app.owner, &app.workspace, &documents).await;
        // All that is said of a place, line by line.
        let message = |field: &str| -> String {
            let errors = refused["userErrors"].as_array().unwrap().iter().filter(|error| error["field"] == field);
            errors.map(|error| text(error, "/message") + "\n").collect()
        };
        for (place, id, code) in [
            (1, "unknown", "GRAPHQL_VALIDATION_FAILED"),
            (2, "cut", "GRAPHQL_PARSE_FAILED"),
            (3, "empty", "GRAPHQL_PARSE_FAILED"),
            (4, "deep", "QUERY_TOO_COMPLEX"),
            (5, "long", "QUERY_TOO_COMPLEX"),
            (6, "none", "GRAPHQL_"),
        ] {
            let message = message(&format!("documents.{place}.text"));
            assert!(message.starts_with(&format!("{id}: ")) && message.contains(code), "{message}");
        }
        assert!(message("documents.1.text").contains("unknown: line 2, column 12: "), "{refused:#}");
        assert!(message("documents.7.id").contains("SHA-256"), "{refused:#}");
        assert!(message("documents.8.id").starts_with("\"a b\": "), "{refused:#}");
        assert!(message("documents.9.id").contains("twice"), "{refused:#}");
        assert!(refused.to_string().len() < 10_000);
        let good = app.posted(Some(&app.owner.token), json!({ "documentId": "good" })).await.1;
        assert_eq!(code(&good), Some("PERSISTED_QUERY_NOT_FOUND"));
    }
}

#[tokio::test]
async fn a_registration_has_bounds() {
    let app = start("").await;
    let many = |count: usize| -> Vec<Value> {
        (0..count).map(|i| json!({ "id": format!("d{i}"), "text": "{__typename}" })).collect()
    };
    let input = |documents: Vec<Value>| json!({ "workspaceId": app.workspace, "application": "web", "documents": documents });
    for count in [0, 1_001] {
        let refused = app.register_input(&app.owner, input(many(count))).await;
        assert_eq!(told(&refused), one("INVALID", "documents"), "{count}");
    }
    let bad: Vec<_> = (0..1_000).map(|i| json!({ "id": format!("d{i}"), "text": "{nope}" })).collect();
    let refused = app.register_input(&app.owner, input(bad)).await;
    assert_eq!(told(&refused).len(), 101);
    assert_eq!(app.register_input(&app.owner, input(many(1_000))).await["registered"], 1_000);
    for application in ["", " ", &"x".repeat(101)] {
        let mut input = input(many(1));
        input["application"] = application.into();
        assert_eq!(told(&app.register_input(&app.owner, input).await), one("INVALID", "application"));
    }
}

#[tokio::test]
async fn an_application_has_so_many_documents_and_another_is_not_touched_by_that() {
    use aifirst::db::Source;
    use sea_orm::ConnectionTrait;
    let app = start("").await;
    app.registered("first", VIEWER).await;
    // As if registered one by one: all but one of those that there may be.
    let tx = app.running.services.db.begin().await.unwrap();
    let copies = "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 19999)
        INSERT INTO trusted_document SELECT
            printf('00000000-0000-7000-8000-%012d', i), workspace_id, application, 'd' || i, text, registered_by, created_at
        FROM trusted_document, n";
    tx.connection().execute_unprepared(copies).await.unwrap();
    tx.commit().await.unwrap();
    let two = [("x", VIEWER), ("y", VIEWER)];
    let refused = app.register(&app.owner, &app.workspace, &two).await;
    assert_eq!(told(&refused), one("LIMIT_REACHED", "documents"));
    assert_eq!(
        code(&app.posted(Some(&app.owner.token), json!({ "documentId": "x" })).await.1),
        Some("PERSISTED_QUERY_NOT_FOUND")
    );
    app.registered("x", VIEWER).await;
    let again = app.register(&app.owner, &app.workspace, &two[..1]).await;
    assert_eq!(again["unchanged"], 1, "what is there may come again");
    assert_eq!(
        told(&app.register(&app.owner, &app.workspace, &two).await),
        one("LIMIT_REACHED", "documents")
    );
    let other = json!({ "workspaceId": app.workspace, "application": "ios", "documents": [{ "id": "y", "text": VIEWER }] });
    assert_eq!(app.register_input(&app.owner, other).await["registered"], 1);
}

#[tokio::test]
async fn a_workspace_has_so_many_documents_whatever_their_applications() {
    use aifirst::db::Source;
    use sea_orm::ConnectionTrait;
    let app = start("").await;
    app.registered("first", VIEWER).await;
    // As if registered by many applications: all but one of those that there may be.
    let tx = app.running.services.db.begin().await.unwrap();
    let copies = "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
        INSERT INTO trusted_document SELECT
            printf('00000000-0000-7000-8000-%012d', i), workspace_id, 'app' || i / 10000, 'd' || i, text, registered_by, created_at
        FROM trusted_document, n";
    tx.connection().execute_unprepared(copies).await.unwrap();
    tx.commit().await.unwrap();
    let refused = app.register(&app.owner, &app.workspace, &[("x", VIEWER), ("y", VIEWER)]).await;
    assert_eq!(told(&refused), one("LIMIT_REACHED", "documents"));
    assert!(text(&refused, "/userErrors/0/message").contains("100000"), "{refused:#}");
    app.registered("x", VIEWER).await;
    let new = json!({ "workspaceId": app.workspace, "application": "new", "documents": [{ "id": "y", "text": VIEWER }] });
    assert_eq!(told(&app.register_input(&app.owner, new).await), one("LIMIT_REACHED", "documents"));
    // Another workspace is not touched by that.
    let second = app.create_workspace(&app.owner, "second").await;
    assert_eq!(app.register(&app.owner, &second, &[("y", VIEWER)]).await["registered"], 1);
}

#[tokio::test]
async fn a_registration_costs_what_its_documents_cost_to_validate() {
    let app = start("").await;
    let cost = async |count: usize| {
        let document = |place: usize| json!({ "id": format!("d{place}"), "text": VIEWER });
        let documents: Vec<_> = (0..count).map(document).collect();
        let input = json!({ "workspaceId": app.workspace, "application": "web", "documents": documents });
        let body = json!({ "documentId": "x-aifirst:registerTrustedDocuments", "variables": { "input": input },
            "extensions": { "cost": true } });
        let (_, answer) = app.posted(Some(&app.owner.token), body).await;
        answer["extensions"]["cost"]["requested"].as_u64().unwrap()
    };
    let (one, many) = (cost(1).await, cost(101).await);
    assert!(one < 20, "{one}");
    assert!(many >= one + 100, "{one}, {many}");
}

on_both! {
    async fn what_is_only_validated_is_not_registered(app: TestApp) {
        let input = json!({ "workspaceId": app.workspace, "application": "web", "validateOnly": true,
            "documents": [{ "id": "one", "text": VIEWER }] });
        let validated = app.register_input(&app.owner, input).await;
        assert_eq!(validated, json!({ "registered": 1, "unchanged": 0, "userErrors": [] }));
        app.registered("one", VIEWER).await;
    }
}

on_both! {
    async fn the_key_of_a_build_registers_and_reads_the_schema_and_nothing_else(app: TestApp) {
        let key = app.documents_key().await;
        // The key knows its workspace.
        let input = json!({ "application": "web", "documents": [{ "id": "one", "text": VIEWER }] });
        assert_eq!(app.register_input(&key, input.clone()).await["registered"], 1);
        app.ok(&key, "{ __typename __schema { queryType { name } } }", json!({})).await;
        let id = json!({ "ws": app.workspace });
        for document in [
            VIEWER,
            "query($ws: ID!) { workspace(id: $ws) { id } }",
            "query($ws: ID!) { __typename node(id: $ws) { id } }",
            "query($ws: ID!) { ...F } fragment F on Query { workspace(id: $ws) { name } }",
            "mutation { createWorkspace(input: {name: \"x\"}) { workspace { id } } }",
            "mutation($ws: ID!) { remember(input: {workspaceId: $ws, text: \"x\"}) { memory { id } } }",
            "mutation { createApiKey(input: {name: \"more\", scopes: [READ]}) { token } }",
            "subscription($ws: ID!) { changes(workspaceId: $ws) { cursor } }",
        ] {
            let variables = if document.contains("$ws") { id.clone() } else { json!({}) };
            let answer = if document.starts_with("subscription") {
                app.first_answer(Some(&key.token), document, variables).await
            } else {
                app.ask(Some(&key.token), document, variables).await
            };
            assert_eq!(code(&answer), Some("FORBIDDEN"), "{document}: {answer:#}");
        }
        // Not even what it registered itself.
        let own = app.posted(Some(&key.token), json!({ "documentId": "one" })).await.1;
        assert_eq!(code(&own), Some("PERSISTED_QUERY_NOT_FOUND"));

        // Reading and writing does not include it: who takes over a key of a page registers nothing.
        let write = app.create_key(&app.owner, json!({ "scopes": ["READ", "WRITE"], "workspaceId": app.workspace })).await.0;
        assert_eq!(code(&app.register_input(&write, input.clone()).await), Some("FORBIDDEN"));
        let member = app.person("Mo Member").await;
        app.join(&member, "MEMBER").await;
        let as_member = app.register(&member, &app.workspace, &[("two", VIEWER)]).await;
        assert_eq!(code(&as_member), Some("FORBIDDEN"));
        // Whoever has keys for several workspaces says which is meant.
        assert_eq!(told(&app.register_input(&app.owner, input).await), one("INVALID", "workspaceId"));

        let mixed = "mutation { createApiKey(input: {name: \"k\", scopes: [DOCUMENTS, READ]}) { userErrors { code field } } }";
        let mixed = app.ok(&app.owner, mixed, json!({})).await;
        assert_eq!(mixed["createApiKey"]["userErrors"], json!([{ "code": "INVALID", "field": "scopes" }]));
        let shown = app.ok(&app.owner, "{ viewer { apiKeys(last: 10) { nodes { scopes } } } }", json!({})).await;
        assert!(shown.to_string().contains("[\"DOCUMENTS\"]"), "{shown:#}");
    }
}

on_both! {
    async fn another_workspace_neither_uses_nor_replaces_nor_probes_a_document(app: TestApp) {
        app.registered("mine", VIEWER).await;
        let stranger = app.person("Sam Stranger").await;
        let elsewhere = app.create_workspace(&stranger, "elsewhere").await;
        let ask = async |token: &str| app.posted(Some(token), json!({ "documentId": "mine" })).await;
        let foreign = ask(&stranger.token).await;
        let nowhere = app.posted(Some(&stranger.token), json!({ "documentId": "nowhere" })).await;
        assert_eq!((foreign.0, code(&foreign.1)), (400, Some("PERSISTED_QUERY_NOT_FOUND")));
        assert_eq!((foreign.0, &foreign.1["errors"][0]["message"]), (nowhere.0, &nowhere.1["errors"][0]["message"]));
        assert_eq!(code(&app.register(&stranger, &app.workspace, &[("x", VIEWER)]).await), Some("NOT_FOUND"));

        // The same id there is another document, of which nobody here hears.
        let other = "query Other { viewer { displayName } }";
        assert_eq!(app.register(&stranger, &elsewhere, &[("mine", other)]).await["registered"], 1);
        assert_eq!(ask(&stranger.token).await.1["data"]["viewer"]["displayName"], "Sam Stranger");
        assert_eq!(ask(&app.owner.token).await.1["data"]["viewer"]["id"], app.owner.id);
    }
}

on_both! {
    async fn an_id_that_two_workspaces_of_a_member_use_for_different_texts_is_refused_to_them(app: TestApp) {
        let other = "query Other { viewer { displayName } }";
        let second = app.create_workspace(&app.owner, "second").await;
        app.registered("same", VIEWER).await;
        assert_eq!(app.register(&app.owner, &second, &[("same", VIEWER)]).await["registered"], 1);
        let both = app.person("Bo Both").await;
        app.join(&both, "VIEWER").await;
        let ask = async |token: &str, id: &str| app.posted(Some(token), json!({ "documentId": id })).await;
        assert_eq!(ask(&app.owner.token, "same").await.1["data"]["viewer"]["id"], app.owner.id);

        app.registered("differs", VIEWER).await;
        assert_eq!(app.register(&app.owner, &second, &[("differs", other)]).await["registered"], 1);
        let (status, refused) = ask(&app.owner.token, "differs").await;
        assert_eq!((status, code(&refused)), (400, Some("BAD_USER_INPUT")), "{refused:#}");
        // Who is in one of them, or comes with a key for one of them, is not touched.
        assert_eq!(ask(&both.token, "differs").await.1["data"]["viewer"]["id"], both.id);
        let narrow = app.create_key(&app.owner, json!({ "scopes": ["READ"], "workspaceId": second })).await.0;
        assert_eq!(ask(&narrow.token, "differs").await.1["data"]["viewer"]["displayName"], "Olga Owner");
        // A hash names one text, so there is no such case with hashes.
        let hash = sha256(other);
        app.registered(&hash, other).await;
        assert_eq!(app.register(&app.owner, &second, &[(&format!("sha256:{hash}"), other)]).await["registered"], 1);
        assert_eq!(ask(&app.owner.token, &hash).await.1["data"]["viewer"]["displayName"], "Olga Owner");
    }
}

on_both! {
    async fn an_id_that_ran_is_refused_once_another_workspace_uses_it_for_another_text(app: TestApp) {
        let second = app.create_workspace(&app.owner, "second").await;
        app.registered("late", VIEWER).await;
        let ask = async || app.posted(Some(&app.owner.token), json!({ "documentId": "late" })).await.1;
        assert_eq!(ask().await["data"]["viewer"]["id"], app.owner.id);
        let other = "query Other { viewer { displayName } }";
        assert_eq!(app.register(&app.owner, &second, &[("late", other)]).await["registered"], 1);
        assert_eq!(code(&ask().await), Some("BAD_USER_INPUT"));
    }
}

on_both! {
    async fn who_leaves_a_workspace_runs_its_documents_no_more(app: TestApp) {
        app.registered("one", VIEWER).await;
        let member = app.person("Mo Member").await;
        let membership = app.join(&member, "VIEWER").await;
        let ask = async || app.posted(Some(&member.token), json!({ "documentId": "one" })).await.1;
        assert_eq!(ask().await["data"]["viewer"]["id"], member.id);
        let remove = "mutation($m: ID!) { removeMember(input: {membershipId: $m}) { removedMembershipId } }";
        app.ok(&app.owner, remove, json!({ "m": membership })).await;
        assert_eq!(code(&ask().await), Some("PERSISTED_QUERY_NOT_FOUND"));
    }
}
