//! Who sees and changes which memories.
use super::{ANY, FORGET, IMPORT, LIST, RECALL, list, member, problem, recall, remember, texts};
use crate::{on_both, support::text};
use serde_json::{Value, json};

on_both! {
    async fn a_user_memory_is_its_owners_alone(app: TestApp) {
        let other = member(&app, "Mia Member", "MEMBER").await;
        let admin = member(&app, "Adam Admin", "ADMIN").await;
        let own = remember(&app, &other, json!({ "text": "my secret violin" })).await;
        remember(&app, &app.owner, json!({ "text": "the team has a violin", "scope": "WORKSPACE" })).await;

        assert_eq!(texts(&app, &other, "violin").await.len(), 2);
        for person in [&app.owner, &admin] {
            assert_eq!(texts(&app, person, "violin secret").await, ["the team has a violin"]);
            assert_eq!(list(&app, person, Value::Null).await, ["the team has a violin"]);
            let id = own["memory"]["id"].clone();
            assert_eq!(app.code(person, FORGET, json!({ "id": id })).await, "NOT_FOUND");
        }
        // The same external id is another memory for another person.
        let mine = remember(&app, &app.owner, json!({ "text": "x", "externalId": "1" })).await;
        let theirs = remember(&app, &other, json!({ "text": "y", "externalId": "1" })).await;
        assert_ne!(mine["memory"]["id"], theirs["memory"]["id"]);
    }
}

on_both! {
    async fn others_memories_do_not_weigh_in_a_score(app: TestApp) {
        let other = member(&app, "Mia Member", "MEMBER").await;
        remember(&app, &app.owner, json!({ "text": "a red kite" })).await;
        remember(&app, &app.owner, json!({ "text": "a blue boat" })).await;
        let score = async || recall(&app, &app.owner, "kite").await["hits"][0]["score"].clone();
        let alone = score().await;
        for n in 0..5 {
            remember(&app, &other, json!({ "text": format!("kite number {n}") })).await;
        }
        assert_eq!(score().await, alone);
    }
}

on_both! {
    async fn a_viewer_reads_and_changes_nothing(app: TestApp) {
        let viewer = member(&app, "Vera Viewer", "VIEWER").await;
        let shared = remember(&app, &app.owner, json!({ "text": "open house", "scope": "WORKSPACE" })).await;
        let private = remember(&app, &app.owner, json!({ "text": "own house" })).await;
        assert_eq!(texts(&app, &viewer, "house").await, ["open house"]);
        let input = json!({ "input": { "workspaceId": app.workspace, "text": "x" } });
        assert_eq!(app.code(&viewer, ANY, input).await, "FORBIDDEN");
        let items = json!({ "ws": app.workspace, "items": [{ "externalId": "1", "text": "x" }] });
        assert_eq!(app.code(&viewer, IMPORT, items).await, "FORBIDDEN");
        assert_eq!(app.code(&viewer, FORGET, json!({ "id": shared["memory"]["id"] })).await, "FORBIDDEN");
        assert_eq!(app.code(&viewer, FORGET, json!({ "id": private["memory"]["id"] })).await, "NOT_FOUND");
        assert_eq!(list(&app, &app.owner, Value::Null).await.len(), 2);
    }
}

on_both! {
    async fn another_tenant_sees_and_changes_nothing(app: TestApp) {
        let stranger = app.person("Sam Stranger").await;
        let theirs = app.create_workspace(&stranger, "theirs").await;
        let shared = remember(&app, &app.owner, json!({ "text": "open house", "scope": "WORKSPACE" })).await;
        for document in [RECALL, LIST] {
            let variables = json!({ "ws": app.workspace, "q": "house" });
            assert_eq!(app.ok(&stranger, document, variables).await, json!({ "workspace": null }));
        }
        let input = json!({ "input": { "workspaceId": app.workspace, "text": "x" } });
        assert_eq!(app.code(&stranger, ANY, input).await, "NOT_FOUND");
        let items = json!({ "ws": app.workspace, "items": [{ "externalId": "1", "text": "x" }] });
        assert_eq!(app.code(&stranger, IMPORT, items).await, "NOT_FOUND");
        assert_eq!(app.code(&stranger, FORGET, json!({ "id": shared["memory"]["id"] })).await, "NOT_FOUND");
        let found = app.ok(&stranger, RECALL, json!({ "ws": theirs, "q": "house" })).await;
        assert_eq!(found["workspace"]["recall"]["hits"], json!([]));
    }
}

on_both! {
    async fn the_anonymous_get_nothing(app: TestApp) {
        let shared = remember(&app, &app.owner, json!({ "text": "open house", "scope": "WORKSPACE" })).await;
        for (document, variables) in [
            (RECALL, json!({ "ws": app.workspace, "q": "house" })),
            (ANY, json!({ "input": { "workspaceId": app.workspace, "text": "x" } })),
            (IMPORT, json!({ "ws": app.workspace, "items": [] })),
            (FORGET, json!({ "id": shared["memory"]["id"] })),
        ] {
            let answer = app.ask(None, document, variables).await;
            assert_eq!(text(&answer, "/errors/0/extensions/code"), "UNAUTHENTICATED");
        }
    }
}

on_both! {
    async fn a_session_of_nobody_takes_no_memory(app: TestApp) {
        let input = json!({ "workspaceId": app.workspace, "text": "x", "scope": "SESSION",
            "sessionId": "cs_00000000000000000000000000" });
        assert_eq!(app.code(&app.owner, ANY, json!({ "input": input })).await, "NOT_FOUND");
        let document = "mutation($ws: ID!) { importMemories(input: {workspaceId: $ws, scope: SESSION,
            items: [{externalId: \"a\", text: \"x\"}]}) { userErrors { code field message } } }";
        let payload = app.ok(&app.owner, document, json!({ "ws": app.workspace })).await["importMemories"].clone();
        assert_eq!(problem(&payload), ("INVALID".into(), "scope".into()));
    }
}

on_both! {
    async fn an_id_of_another_type_is_refused_with_the_right_one_named(app: TestApp) {
        for id in [app.workspace.as_str(), "mem_1", "", "mem_zzzzzzzzzzzzzzzzzzzzzzzzzz"] {
            assert_eq!(app.code(&app.owner, FORGET, json!({ "id": id })).await, "BAD_USER_INPUT", "{id}");
        }
        assert_eq!(app.code(&app.owner, FORGET, json!({ "id": "mem_00000000000000000000000000" })).await, "NOT_FOUND");
    }
}
