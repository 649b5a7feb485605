//! Where calls go: routes of the server and of workspaces, what was chosen and why, and how providers are.
use super::scripted::{Scripted, answer, ask, begin, calls, settings, start, until, workflow};
use crate::{
    on_both,
    support::{Database, TestApp, text},
};
use aifirst::shared::Ambient;
use serde_json::{Value, json};

const SET: &str = "mutation($input: SetRouteInput!) { setRoute(input: $input) {
    route { id name version isConfigured targets { provider model weight } } current { version }
    userErrors { code field message } } }";
const REMOVE: &str = "mutation($r: ID!, $v: Int) { removeRoute(input: {routeId: $r, expectedVersion: $v}) {
    removedId route { id isConfigured version } current { version } userErrors { code field } } }";
const ROUTES: &str =
    "query($ws: ID!) { workspace(id: $ws) { routes { totalCount nodes { id name version isConfigured order
    targets { provider model weight } fallbacks { contextWindow { model } contentPolicy { model } }
    timeouts { firstToken betweenTokens total } retry { rounds initial max } streamFailure maxOutputTokens
    cacheFor hedgeAfter viewerCan { removeRoute } } } } }";
const EXPLAIN: &str = "query($ws: ID!, $route: String! = \"default\", $settings: RouteSettingsInput) {
    explainRoute(workspaceId: $ws, route: $route, settings: $settings) { route chosen { provider } targets {
    target { provider weight } share circuit running maxConcurrent skipped skippedFor } contextWindow { share target { model } } } }";
const PROVIDERS: &str =
    "query($ws: ID!) { workspace(id: $ws) { providers { name kind models health problem checkedAt
    circuits { model state running maxConcurrent } } } }";

fn to(provider: &str) -> Value {
    json!({ "targets": [{ "provider": provider, "model": format!("{provider}-1") }] })
}

async fn set(app: &TestApp, name: &str, settings: Value) -> Value {
    let input = json!({ "workspaceId": app.workspace, "name": name, "settings": settings });
    app.ok(&app.owner, SET, json!({ "input": input })).await["setRoute"].clone()
}

async fn explain(app: &TestApp) -> Value {
    app.ok(&app.owner, EXPLAIN, json!({ "ws": app.workspace })).await["explainRoute"].clone()
}

async fn running(app: &TestApp, count: i64) {
    until(async || explain(app).await["targets"][0]["running"] == count).await;
}

on_both! {
    async fn a_route_that_a_workspace_sets_is_used_by_its_next_call_and_by_no_other(database: Database) {
        let (a, b) = (Scripted::named("a"), Scripted::named("b"));
        let app = start(database, &[&a, &b], "", "").await;
        assert_eq!(ask(&app, "default", "Who?").await, "a");
        let own = set(&app, "default", to("b")).await;
        assert_eq!(own["route"]["isConfigured"], false, "{own:#}");
        assert_eq!(ask(&app, "default", "Who?").await, "b");

        let elsewhere = app.create_workspace(&app.owner, "elsewhere").await;
        let workflow = workflow(&app, &app.owner, &elsewhere, "default").await;
        let run = begin(&app, &app.owner, &workflow, "Who?").await;
        assert_eq!(answer(&app, &app.owner, &run).await, "a", "another workspace has its own");

        assert_eq!(ask(&app, "fast", "Who?").await, "INVALID", "there is no such route yet");
        assert_eq!(set(&app, "fast", to("b")).await["userErrors"], json!([]));
        assert_eq!(ask(&app, "fast", "Who?").await, "b");

        let removed = app.ok(&app.owner, REMOVE, json!({ "r": own["route"]["id"] })).await["removeRoute"].clone();
        assert_eq!(removed["removedId"], own["route"]["id"]);
        assert_eq!(removed["route"], json!({ "id": own["route"]["id"], "isConfigured": true, "version": 0 }));
        assert_eq!(ask(&app, "default", "Who?").await, "a");
        let again = app.ok(&app.owner, REMOVE, json!({ "r": own["route"]["id"] })).await["removeRoute"].clone();
        assert_eq!(again["userErrors"], json!([{ "code": "CONFLICT", "field": "routeId" }]), "the server's own stays");
    }
}

on_both! {
    async fn routes_are_listed_versioned_and_audited(app: TestApp) {
        let settings = json!({
            "targets": [{ "provider": "builtin", "model": "m", "weight": 3 }, { "provider": "builtin", "model": "n" }],
            "order": "WEIGHTED",
            "fallbacks": { "contextWindow": [{ "provider": "builtin", "model": "long" }] },
            "streamFailure": "TERMINATE",
            "timeouts": { "firstToken": "PT2S", "total": "PT1M" },
            "retry": { "rounds": 1 },
            "maxOutputTokens": 100,
            "cacheFor": "PT5M",
            "hedgeAfter": "PT0.2S",
        });
        let first = set(&app, "second", settings).await;
        let second = set(&app, "second", to("builtin")).await;
        let version = |it: &Value| it["route"]["version"].as_i64().unwrap();
        assert!(version(&first) > 0 && version(&second) > version(&first), "{first:#} {second:#}");
        let same = set(&app, "second", to("builtin")).await;
        assert_eq!(version(&same), version(&second), "nothing changed");

        let stale = json!({ "workspaceId": app.workspace, "name": "second", "settings": to("builtin"), "expectedVersion": version(&first) });
        let stale = app.ok(&app.owner, SET, json!({ "input": stale })).await["setRoute"].clone();
        assert_eq!(stale["userErrors"][0]["code"], "CONFLICT", "{stale:#}");
        assert_eq!(stale["current"]["version"], version(&second));
        let stale = app.ok(&app.owner, REMOVE, json!({ "r": first["route"]["id"], "v": version(&first) })).await["removeRoute"].clone();
        assert_eq!((&stale["userErrors"][0]["code"], &stale["removedId"]), (&json!("CONFLICT"), &Value::Null));

        let listed = app.ok(&app.owner, ROUTES, json!({ "ws": app.workspace })).await["workspace"]["routes"].clone();
        assert_eq!(listed["totalCount"], 2);
        let names: Vec<_> = listed["nodes"].as_array().unwrap().iter().map(|it| (text(it, "/name"), it["isConfigured"].clone())).collect();
        assert_eq!(names, [("default".to_owned(), json!(true)), ("second".to_owned(), json!(false))]);
        let viewer = app.person("Vera").await;
        app.join(&viewer, "VIEWER").await;
        let seen = app.ok(&viewer, ROUTES, json!({ "ws": app.workspace })).await["workspace"]["routes"]["nodes"][1].clone();
        assert_eq!((&seen["name"], &seen["viewerCan"]["removeRoute"]), (&json!("second"), &json!(false)));

        let audit = "query($ws: ID!) { workspace(id: $ws) { auditEntries(first: 10) { nodes { action subjectId } } } }";
        let audit = app.ok(&app.owner, audit, json!({ "ws": app.workspace })).await;
        let entries = audit["workspace"]["auditEntries"]["nodes"].as_array().unwrap().clone();
        let of_route: Vec<_> = entries.iter().filter(|it| it["subjectId"] == first["route"]["id"]).map(|it| text(it, "/action")).collect();
        assert_eq!(of_route, ["ROUTE_UPDATED", "ROUTE_CREATED"], "{entries:#?}");
    }
}

on_both! {
    async fn a_route_that_cannot_be_is_refused_with_the_paths_of_what_is_wrong(app: TestApp) {
        let fields = |answer: &Value| -> Vec<String> {
            answer["userErrors"].as_array().unwrap().iter().map(|it| text(it, "/field")).collect()
        };
        let target = |provider: &str, model: &str| json!({ "provider": provider, "model": model });
        let many: Vec<_> = (0..17).map(|_| target("builtin", "m")).collect();
        for (settings, paths) in [
            (json!({ "targets": [] }), vec!["settings.targets"]),
            (json!({ "targets": many }), vec!["settings.targets"]),
            (json!({ "targets": [target("builtin", "m"), target("nowhere", " ")] }), vec!["settings.targets.1.provider", "settings.targets.1.model"]),
            (json!({ "targets": [target("builtin", "two\nlines")] }), vec!["settings.targets.0.model"]),
            (json!({ "targets": [target("builtin", "m")], "retry": { "rounds": 0, "max": "PT11M" } }), vec!["settings.retry.rounds", "settings.retry.max"]),
            (json!({ "targets": [target("builtin", "m")], "timeouts": { "firstToken": "PT0S" } }), vec!["settings.timeouts.firstToken"]),
            (json!({ "targets": [target("builtin", "m")], "cacheFor": "P30D", "hedgeAfter": "PT0S", "maxOutputTokens": -1 }),
             vec!["settings.hedgeAfter", "settings.maxOutputTokens", "settings.cacheFor"]),
            (json!({ "targets": [target("builtin", "m")], "fallbacks": { "contentPolicy": [target("none", "m")] } }), vec!["settings.fallbacks.contentPolicy.0.provider"]),
        ] {
            let refused = set(&app, "bad", settings.clone()).await;
            assert_eq!(fields(&refused), paths, "{settings}");
            assert_eq!(refused["route"], Value::Null);
            let dry = json!({ "ws": app.workspace, "settings": settings });
            let answer = app.ask(Some(&app.owner.token), EXPLAIN, dry).await;
            assert!(answer["errors"][0]["extensions"]["code"].is_string(), "{answer:#}");
        }
        for name in ["", " ", "a b", "ä", &"x".repeat(65)] {
            assert_eq!(fields(&set(&app, name, to("builtin")).await), ["name"], "{name:?}");
        }
        for number in 0..50 {
            assert_eq!(set(&app, &format!("r{number}"), to("builtin")).await["userErrors"], json!([]));
        }
        let over = set(&app, "one-more", to("builtin")).await;
        assert_eq!(over["userErrors"][0]["code"], "LIMIT_REACHED", "{over:#}");
        assert_eq!(set(&app, "r7", json!({ "targets": [target("builtin", "n")] })).await["userErrors"], json!([]), "it is there");
    }
}

on_both! {
    async fn a_dry_run_tells_where_a_call_would_go_and_why(database: Database) {
        let (a, b) = (Scripted::named("a").fails(), Scripted::named("b"));
        let app = start(database, &[&a, &b], ", retry = { rounds = 1 }", "").await;
        let before = explain(&app).await;
        assert_eq!(before["chosen"]["provider"], "a");
        assert_eq!((&before["targets"][0]["share"], &before["targets"][1]["share"]), (&json!(1.0), &json!(0.0)));
        // Five failures in a row open its circuit.
        let workflow = workflow(&app, &app.owner, &app.workspace, "default").await;
        for number in 0..5 {
            let run = begin(&app, &app.owner, &workflow, &number.to_string()).await;
            assert_eq!(answer(&app, &app.owner, &run).await, "b");
        }
        let after = explain(&app).await;
        assert_eq!(after["chosen"]["provider"], "b", "{after:#}");
        let left = &after["targets"][0];
        assert_eq!((&left["circuit"], &left["skipped"], &left["share"]), (&json!("OPEN"), &json!("CIRCUIT_OPEN"), &json!(0.0)));
        assert!(left["skippedFor"].is_string(), "{after:#}");

        let weights = json!({ "order": "WEIGHTED", "targets": [
            { "provider": "b", "model": "x", "weight": 3 }, { "provider": "b", "model": "y" }, { "provider": "a", "model": "a-1" }] });
        let dry = app.ok(&app.owner, EXPLAIN, json!({ "ws": app.workspace, "settings": weights })).await["explainRoute"].clone();
        let shares: Vec<_> = dry["targets"].as_array().unwrap().iter().map(|it| it["share"].as_f64().unwrap()).collect();
        assert_eq!(shares, [0.75, 0.25, 0.0]);
        assert_eq!(dry["chosen"], Value::Null, "chance decides");
        assert_eq!(a.asked(), 5, "a dry run asks nobody");
        let nowhere = json!({ "ws": app.workspace, "route": "nowhere" });
        assert_eq!(app.code(&app.owner, EXPLAIN, nowhere).await, "NOT_FOUND");
    }
}

async fn seen_from(app: &TestApp, workspace: &str) -> Value {
    app.ok(&app.owner, EXPLAIN, json!({ "ws": workspace })).await["explainRoute"]["targets"][0].clone()
}

on_both! {
    async fn what_one_workspace_finds_too_slow_the_others_go_on_to_use(database: Database) {
        let a = Scripted::held_back("a");
        let app = start(database, &[&a], ", retry = { rounds = 1 }", "").await;
        let elsewhere = app.create_workspace(&app.owner, "elsewhere").await;
        for timeouts in [json!({ "firstToken": "PT0.001S" }), json!({ "total": "PT0.02S" })] {
            let mut hasty = to("a");
            (hasty["timeouts"], hasty["retry"]) = (timeouts, json!({ "rounds": 1 }));
            assert_eq!(set(&app, "hasty", hasty).await["userErrors"], json!([]));
            for number in 0..6 {
                assert_eq!(ask(&app, "hasty", &number.to_string()).await, "UNAVAILABLE");
            }
        }
        let seen = seen_from(&app, &elsewhere).await;
        assert_eq!((&seen["circuit"], &seen["skipped"]), (&json!("CLOSED"), &Value::Null), "{seen:#}");

        // Nor do they see what it does.
        let workflow = workflow(&app, &app.owner, &app.workspace, "default").await;
        let run = begin(&app, &app.owner, &workflow, "Who?").await;
        running(&app, 1).await;
        assert_eq!(seen_from(&app, &elsewhere).await["running"], 0);
        a.let_go(1);
        assert_eq!(answer(&app, &app.owner, &run).await, "a");
    }
}

on_both! {
    async fn a_target_that_is_silent_for_as_long_as_the_operator_says_is_left_alone(database: Database) {
        let a = Scripted::held_back("a");
        let route = ", retry = { rounds = 1 }, timeouts = { first_token_milliseconds = 20 }";
        let app = start(database, &[&a], route, "gateway.patience_milliseconds = 10").await;
        for number in 0..5 {
            assert_eq!(ask(&app, "default", &number.to_string()).await, "UNAVAILABLE");
        }
        assert_eq!(seen_from(&app, &app.workspace).await["circuit"], "OPEN");
    }
}

on_both! {
    async fn a_model_whose_name_would_lead_elsewhere_is_refused(database: Database) {
        let a = Scripted::named("a");
        let more = "gateway.providers.g = { kind = 'gemini', base_url = 'http://127.0.0.1:9/v1beta' }";
        let app = start(database, &[&a], "", more).await;
        let target = |model: &str| json!({ "targets": [{ "provider": "g", "model": model }] });
        for model in ["../../upload", "m:embed?x=", "m#", "m%2f", "models/m"] {
            let refused = set(&app, "g", target(model)).await;
            assert_eq!(refused["userErrors"][0]["field"], "settings.targets.0.model", "{refused:#}");
        }
        assert_eq!(set(&app, "g", target("gemini-2.5-pro")).await["userErrors"], json!([]));
    }
}

on_both! {
    async fn a_target_that_is_full_is_passed_over_or_waited_for(database: Database) {
        let (a, b) = (Scripted::held_back("a"), Scripted::named("b"));
        let app = start(database, &[&a, &b], "", "gateway.providers.a.max_concurrent = 1").await;
        let both = workflow(&app, &app.owner, &app.workspace, "default").await;
        set(&app, "only", to("a")).await;
        let only = workflow(&app, &app.owner, &app.workspace, "only").await;

        let first = begin(&app, &app.owner, &both, "1").await;
        running(&app, 1).await;
        let full = explain(&app).await;
        assert_eq!((&full["targets"][0]["skipped"], &full["targets"][0]["maxConcurrent"]), (&json!("BUSY"), &json!(1)));
        assert_eq!(full["chosen"]["provider"], "b");
        let second = begin(&app, &app.owner, &both, "2").await;
        assert_eq!(answer(&app, &app.owner, &second).await, "b", "the next target");
        let third = begin(&app, &app.owner, &only, "3").await;
        // It is asked only after the first one has ended: both are let go, one after the other.
        a.let_go(1);
        assert_eq!(answer(&app, &app.owner, &first).await, "a");
        until(async || a.asked() == 2).await;
        a.let_go(1);
        assert_eq!(answer(&app, &app.owner, &third).await, "a", "waited for");
        running(&app, 0).await;
    }
}

on_both! {
    async fn a_slow_first_word_is_overtaken_by_the_next_target(database: Database) {
        let (a, b) = (Scripted::held_back("a"), Scripted::named("b"));
        let app = start(database, &[&a, &b], ", hedge_milliseconds = 20", "").await;
        assert_eq!(ask(&app, "default", "Who?").await, "b");
        let calls = calls(&app, &app.owner, json!({})).await;
        let attempts = &calls[0]["attempts"];
        assert_eq!(*attempts, json!([
            { "target": "a/a-1", "status": "CANCELLED", "error": null },
            { "target": "b/b-1", "status": "COMPLETED", "error": null },
        ]));
        assert_eq!(calls[0]["modelUsed"], "b-1");
        running(&app, 0).await;
    }
}

on_both! {
    async fn providers_are_looked_after_in_the_background_and_shown_without_secrets(database: Database) {
        let (a, b) = (Scripted::named("a"), Scripted::named("b").fails());
        let more = "gateway.providers.c = { kind = 'openai-compatible', base_url = 'http://127.0.0.1:9/secret-path', api_key = 'sk-secret' }";
        let app = start(database, &[&a, &b], "", more).await;
        let member = app.person("Mo").await;
        app.join(&member, "VIEWER").await;
        let ask = async || app.ok(&member, PROVIDERS, json!({ "ws": app.workspace })).await["workspace"]["providers"].clone();
        until(async || ask().await.as_array().unwrap().iter().all(|it| it["health"] != "UNKNOWN")).await;
        let found = ask().await;
        let of = |name: &str| found.as_array().unwrap().iter().find(|it| it["name"] == name).unwrap().clone();
        assert_eq!((&of("a")["health"], &of("a")["models"]), (&json!("UP"), &json!(["a-1"])));
        assert_eq!((&of("b")["health"], &of("b")["problem"]), (&json!("DOWN"), &json!("CONNECT")));
        assert_eq!((&of("c")["health"], &of("c")["kind"]), (&json!("DOWN"), &json!("OPENAI_COMPATIBLE")));
        assert!(of("c")["checkedAt"].is_string());
        let circuit = json!([{ "model": "a-1", "state": "CLOSED", "running": 0, "maxConcurrent": null }]);
        assert_eq!(of("a")["circuits"], circuit, "of this workspace's routes");
        assert!(!found.to_string().contains("secret"), "{found:#}");
    }
}

/// A second server on the same database hears of a change, or looks again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_holds_on_another_server_after_a_moment() {
    let database = Database::postgres().await;
    let (a, b) = (Scripted::named("a"), Scripted::named("b"));
    let more = format!("database.url = '{}'", database.url);
    let first = start(database, &[&a, &b], "", &more).await;
    let second = settings(&[&a, &b], "", &more);
    let second = TestApp::without_workspace(Database::sqlite(), &second, Ambient::system()).await;
    let ask = json!({ "ws": first.workspace });
    let chosen = async || {
        let answer = second.ask(Some(&first.owner.token), EXPLAIN, ask.clone()).await;
        text(&answer, "/data/explainRoute/chosen/provider")
    };
    assert_eq!(chosen().await, "a");
    set(&first, "default", to("b")).await;
    until(async || chosen().await == "b").await;
}

/// Known routes cost no statement: a request costs its credential's.
#[tokio::test]
async fn a_route_is_known_without_a_statement() {
    for database in [Database::sqlite(), Database::postgres().await] {
        let app = TestApp::counted(database).await;
        set(&app, "own", json!({ "targets": [{ "provider": "builtin", "model": "m" }] })).await;
        let ask = json!({ "ws": app.workspace, "route": "own" });
        let (_, first) = app.cost(&app.owner, "{ viewer { id } }", json!({})).await;
        app.ok(&app.owner, EXPLAIN, ask.clone()).await;
        let (_, count) = app.cost(&app.owner, EXPLAIN, ask).await;
        assert_eq!(count, first);
    }
}

on_both! {
    async fn what_a_call_used_is_in_the_metrics_by_the_names_of_opentelemetry(database: Database) {
        let a = Scripted::named("a");
        let app = start(database, &[&a], "", "").await;
        ask(&app, "default", "How much?").await;
        let url = format!("http://{}/metrics", app.running.admin_address);
        let metrics = app.http.get(url).send().await.unwrap().text().await.unwrap();
        let line = |name: &str, labels: &[&str]| {
            metrics.lines().any(|line| line.starts_with(name) && labels.iter().all(|label| line.contains(label)))
        };
        let labels = ["gen_ai_operation_name=\"chat\"", "gen_ai_provider_name=\"a\"", "gen_ai_request_model=\"a-1\"", "gen_ai_response_model=\"a-1\""];
        assert!(line("gen_ai_client_operation_duration_seconds_count", &labels), "{metrics}");
        assert!(line("gen_ai_client_token_usage_count", &[&labels[..], &["gen_ai_token_type=\"input\""]].concat()), "{metrics}");
        assert!(line("gen_ai_client_token_usage_bucket", &["le=\"1048576\""]), "{metrics}");
    }
}
