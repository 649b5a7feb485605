//! What a model says that cannot hold beside a memory, held against the words of both.
use super::{FORGET, member, remember, telling::Telling};
use crate::{
    on_both,
    support::{Person, TestApp, text},
};
use serde_json::{Value, json};

const CHECK: &str = "query($ws: ID!, $id: ID!, $route: String!) { workspace(id: $ws) { contradictionCheck(memoryId: $id, route: $route) {
    modelAnswered contradictions { memory { text } kind foundBy quote against } } } }";

async fn write(app: &TestApp, text: &str) -> String {
    let written = remember(app, &app.owner, json!({ "text": text })).await;
    written["memory"]["id"].as_str().unwrap().to_owned()
}

async fn check(app: &TestApp, person: &Person, id: &str) -> Value {
    let variables = json!({ "ws": app.workspace, "id": id, "route": "model" });
    app.ok(person, CHECK, variables).await["workspace"]["contradictionCheck"].clone()
}

/// A memory with two near it, of which the rules find one.
async fn launches(app: &TestApp) -> String {
    let asked = write(app, "The launch is on 14 March").await;
    write(app, "The launch is on 2 April").await;
    write(app, "We launch in autumn with a party").await;
    asked
}

fn one(source: usize, how: &str, quote: &str, against: &str) -> Value {
    json!({ "source": source, "how": how, "quote": quote, "against": against })
}

on_both! {
    async fn a_model_finds_what_the_rules_do_not_and_each_tells_who_found_it(database: Database) {
        let model = Telling::default();
        let app = model.start(database, "").await;
        let asked = launches(&app).await;
        // The built-in provider cannot tell, which is not that there are none.
        let variables = json!({ "ws": app.workspace, "id": asked, "route": "default" });
        let alone = app.ok(&app.owner, CHECK, variables).await["workspace"]["contradictionCheck"].clone();
        assert_eq!((&alone["modelAnswered"], &alone["contradictions"][0]["foundBy"]), (&json!(false), &json!(["RULES"])));
        model.says(json!({ "contradictions": [
            one(2, "OTHER", "2 April", "14 March"), one(3, "OTHER_VALUE", "in autumn", "14 March"),
            one(3, "DENIES", "a party", "The launch"),
        ] }));
        let found = check(&app, &app.owner, &asked).await;
        assert_eq!(found, json!({ "modelAnswered": true, "contradictions": [
            { "memory": { "text": "The launch is on 2 April" }, "kind": "OTHER_NUMBER", "foundBy": ["RULES", "MODEL"],
              "quote": "2 April", "against": "14 March" },
            { "memory": { "text": "We launch in autumn with a party" }, "kind": "OTHER_VALUE", "foundBy": ["MODEL"],
              "quote": "in autumn", "against": "14 March" },
        ] }));
        let told = model.asked().pop().unwrap();
        let sources: Vec<_> = told.sources.iter().map(|it| (it.id.as_str(), it.text.as_str())).collect();
        assert_eq!(sources[0], ("1", "The launch is on 14 March"));
        assert!(sources.len() == 3 && told.output_schema.is_some());
    }
}

on_both! {
    async fn what_does_not_stand_there_is_left_out_and_what_cannot_be_read_is_told(database: Database) {
        let model = Telling::default();
        let app = model.start(database, "").await;
        let asked = launches(&app).await;
        let by_rules = json!([{ "memory": { "text": "The launch is on 2 April" }, "kind": "OTHER_NUMBER",
            "foundBy": ["RULES"], "quote": null, "against": null }]);
        for bad in [
            one(1, "OTHER", "The launch", "The launch"), one(9, "OTHER", "autumn", "14 March"), one(0, "OTHER", "autumn", "14 March"),
            one(3, "SOMEHOW", "autumn", "14 March"), one(3, "OTHER", "in winter", "14 March"), one(3, "OTHER", "autumn", "15 March"),
            one(3, "OTHER", "", ""),
        ] {
            model.says(json!({ "contradictions": [bad] }));
            let found = check(&app, &app.owner, &asked).await;
            assert_eq!(found, json!({ "modelAnswered": true, "contradictions": by_rules }), "{bad}");
        }
        for unreadable in ["", "the third one", "{}", "{\"contradictions\": [3]}", "{\"contradictions\": \"none\"}"] {
            model.says(unreadable);
            let found = check(&app, &app.owner, &asked).await;
            assert_eq!(found, json!({ "modelAnswered": false, "contradictions": by_rules }), "{unreadable}");
        }
    }
}

on_both! {
    async fn no_model_is_asked_for_who_may_only_read_or_where_there_is_nothing_to_ask(database: Database) {
        let model = Telling::default();
        let app = model.start(database, "").await;
        let alone = write(&app, "The zebu sleeps").await;
        let none = json!({ "modelAnswered": null, "contradictions": [] });
        assert_eq!(check(&app, &app.owner, &alone).await, none);
        let input = json!({ "workspaceId": app.workspace, "scope": "WORKSPACE", "text": "The zebu sleeps in the barn" });
        let shared = text(&remember(&app, &app.owner, input).await, "/memory/id");
        let viewer = member(&app, "Vera Viewer", "VIEWER").await;
        let of = |route: &str| json!({ "ws": app.workspace, "id": shared, "route": route });
        assert_eq!(app.code(&viewer, CHECK, of("model")).await, "FORBIDDEN");
        let stranger = app.person("Sam Stranger").await;
        app.create_workspace(&stranger, "theirs").await;
        assert_eq!(app.ok(&stranger, CHECK, of("model")).await, json!({ "workspace": null }));
        assert_eq!(app.code(&app.owner, CHECK, of("nowhere")).await, "BAD_USER_INPUT");
        app.ok(&app.owner, FORGET, json!({ "id": alone })).await;
        assert_eq!(app.code(&app.owner, CHECK, json!({ "ws": app.workspace, "id": alone, "route": "model" })).await, "NOT_FOUND");
        assert_eq!(model.asked().len(), 0);
    }
}

on_both! {
    async fn what_may_not_leave_is_not_told_to_a_model_outside(database: Database) {
        let model = Telling::default();
        // On a network of its own, so not internal; it is replaced before it is called.
        let settings = "gateway.providers.outside = { kind = 'openai-compatible', base_url = 'https://models.example.org/v1' }
            gateway.routes.model = { targets = [{ provider = 'outside', model = 'm' }] }";
        let outside: std::sync::Arc<dyn aifirst::gateway::Provider> = std::sync::Arc::new(model.clone());
        let app = TestApp::start_with_models(database, settings, aifirst::shared::Ambient::system(), vec![("outside", outside)]).await;
        let asked = launches(&app).await;
        remember(&app, &app.owner, json!({ "text": "The secret launch is in May", "egress": "INTERNAL_ONLY" })).await;
        model.says(json!({ "contradictions": [one(3, "OTHER", "in autumn", "14 March"), one(4, "OTHER", "in May", "14 March")] }));
        let found = check(&app, &app.owner, &asked).await;
        let told = model.asked().pop().unwrap().sources;
        assert!(told.len() == 3 && told.iter().all(|source| !source.text.contains("secret")), "{told:?}");
        assert_eq!(text(&found, "/contradictions/1/quote"), "in autumn", "{found:#}");
    }
}
