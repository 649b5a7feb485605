//! A model that puts the best hits in order, where the operator named a route for it.
use super::{import, member, remember, telling::Telling};
use crate::{
    counted_on_both, on_both,
    support::{Person, TestApp, text},
};
use serde_json::{Value, json};

const RERANK: &str = "memory.rerank = { route = 'model', hits = 3 }";
const ORDERED: &str = "query($ws: ID!, $input: RecallInput!) { workspace(id: $ws) { recall(input: $input) {
    reranked hits { item { ... on Memory { externalId } } } groups { collection } } } }";

/// Whether it was put in order, and the names.
async fn ordered(app: &TestApp, person: &Person, input: Value) -> (Value, String) {
    let found =
        app.ok(person, ORDERED, json!({ "ws": app.workspace, "input": input })).await["workspace"]["recall"]
            .clone();
    let names: Vec<_> =
        found["hits"].as_array().unwrap().iter().map(|hit| text(hit, "/item/externalId")).collect();
    (found["reranked"].clone(), names.join(" "))
}

async fn zebus(app: &TestApp) {
    import(app, &app.owner, json!([
        { "externalId": "a", "text": "A zebu sleeps in the barn", "collection": "barn" },
        { "externalId": "b", "text": "A zebu sleeps in the barn and dreams", "speaker": "Ana", "occurredAt": "2026-05-08T13:56:00Z" },
        { "externalId": "c", "text": "A zebu sleeps in the barn and dreams of a green meadow" },
        { "externalId": "d", "text": "A zebu sleeps in the barn and dreams of a green meadow by the river in the north" },
    ])).await;
}

on_both! {
    async fn a_model_puts_the_best_in_order_where_there_is_a_route_for_it(database: Database) {
        let model = Telling::default();
        let app = model.start(database, RERANK).await;
        zebus(&app).await;
        let query = json!({ "query": "zebu in the barn" });
        model.says(json!({ "order": [3, 1, 2] }));
        assert_eq!(ordered(&app, &app.owner, query.clone()).await, (json!(true), "c a b d".into()));
        let asked = model.asked();
        let told: Vec<_> = asked[0].sources.iter().map(|it| (it.id.as_str(), it.text.as_str())).collect();
        assert_eq!((told.len(), told[0]), (3, ("1", "A zebu sleeps in the barn")));
        assert_eq!((asked[0].messages[0].text.as_str(), asked[0].output_schema.is_some()), ("zebu in the barn", true));
        // What is behind the limit may come before it.
        assert_eq!(ordered(&app, &app.owner, json!({ "query": "zebu in the barn", "limit": 1 })).await.1, "c");
        // What is not named stays where it is.
        model.says(json!({ "order": [2, 1] }));
        assert_eq!(ordered(&app, &app.owner, query.clone()).await, (json!(true), "b a c d".into()));
        // What holds a phrase stays in front.
        let quoted = json!({ "query": "zebu \"green meadow\"" });
        model.says(json!({ "order": [1, 2, 3] }));
        let (_, before) = ordered(&app, &app.owner, quoted.clone()).await;
        model.says(json!({ "order": [3, 2, 1] }));
        let (_, after) = ordered(&app, &app.owner, quoted).await;
        let before: Vec<_> = before.split(' ').collect();
        assert_eq!(after, [before[1], before[0], before[2], before[3]].join(" "));
    }
}

on_both! {
    async fn where_the_model_fails_the_order_stays_and_that_is_told(database: Database) {
        let model = Telling::default();
        let app = model.start(database, RERANK).await;
        zebus(&app).await;
        for said in ["", "the third one", "{\"order\": [1, 9, 2]}", "{\"order\": [1, 1, 2]}", "{\"order\": [3]}", "{\"order\": \"3 2 1\"}"] {
            model.says(said);
            assert_eq!(ordered(&app, &app.owner, json!({ "query": "zebu in the barn" })).await, (json!(false), "a b c d".into()), "{said}");
        }
        // A guardrail stands in the way.
        model.says(json!({ "order": [3, 2, 1] }));
        let set = "mutation($ws: ID!) { setGuardrailPolicy(input: {workspaceId: $ws, name: \"mail\", stage: INPUT,
            rules: [{check: PII, action: BLOCK}]}) { guardrailPolicy { name } userErrors { message } } }";
        app.ok(&app.owner, set, json!({ "ws": app.workspace })).await;
        let before = model.asked().len();
        let found = ordered(&app, &app.owner, json!({ "query": "zebu in the barn of ana@example.com" })).await;
        assert_eq!((found.0, model.asked().len()), (json!(false), before));
    }
}

on_both! {
    async fn no_model_is_asked_for_who_may_only_read_or_where_its_order_would_not_hold(database: Database) {
        let model = Telling::default();
        let app = model.start(database, RERANK).await;
        zebus(&app).await;
        model.says(json!({ "order": [3, 2, 1] }));
        let input = json!({ "workspaceId": app.workspace, "scope": "WORKSPACE", "text": "A zebu for all", "externalId": "all" });
        remember(&app, &app.owner, input).await;
        let viewer = member(&app, "Vera Viewer", "VIEWER").await;
        let none = Value::Null;
        assert_eq!(ordered(&app, &viewer, json!({ "query": "zebu" })).await, (none.clone(), "all".into()));
        assert_eq!(ordered(&app, &app.owner, json!({ "query": "zebu", "groupBy": "COLLECTION" })).await.0, none);
        assert_eq!(ordered(&app, &app.owner, json!({ "query": "zebu", "diversity": 0.5 })).await.0, none);
        // One is in order by itself.
        assert_eq!(ordered(&app, &app.owner, json!({ "query": "zebu", "collectionPrefix": "barn" })).await, (none, "a".into()));
        assert_eq!(model.asked().len(), 0);
    }
}

counted_on_both! {
    async fn without_a_route_nothing_is_asked(app: TestApp) {
        zebus(&app).await;
        assert_eq!(ordered(&app, &app.owner, json!({ "query": "zebu in the barn" })).await, (Value::Null, "a b c d".into()));
        let again = app.statements(ordered(&app, &app.owner, json!({ "query": "zebu in the barn" }))).await;
        assert_eq!(again.1, 3);
    }
}
