//! A workspace's own policies, as its administrators write them and try them.
use super::guarded::{Model, app, call, policy, prompt, route, set_policy};
use crate::{
    on_both,
    support::{Database, TestApp, text},
};
use serde_json::{Value, json};

const LIST: &str =
    "query($ws: ID!) { workspace(id: $ws) { guardrailPolicies { name version stage routes onError
    rules { check action kinds phrases max allowed } } } }";
const REMOVE: &str =
    "mutation($ws: ID!, $name: String!) { removeGuardrailPolicy(input: {workspaceId: $ws, name: $name}) {
    removedName userErrors { code field } } }";
const TEST: &str = "query($ws: ID!, $text: String!, $stage: GuardrailStage!, $route: String! = \"default\") {
    testGuardrails(workspaceId: $ws, text: $text, stage: $stage, route: $route) { action text
        findings { policy check kind action count spans { start end } } faults { policy check reason } } }";

fn problems(payload: &Value) -> Vec<(String, String)> {
    let errors = payload["userErrors"].as_array().unwrap();
    errors.iter().map(|error| (text(error, "/code"), text(error, "/field"))).collect()
}

on_both! {
    async fn a_policy_is_made_changed_listed_and_removed_and_the_audit_trail_tells(app: TestApp) {
        let rules = json!([
            { "check": "PII", "action": "MASK", "kinds": ["EMAIL", "IP"] },
            { "check": "TOPIC", "action": "BLOCK", "phrases": ["project falcon"] },
            { "check": "LENGTH", "action": "ALLOW", "max": 100 },
            { "check": "LANGUAGE", "action": "ESCALATE", "allowed": ["eng"] },
        ]);
        let input = json!({ "name": " privacy ", "stage": "INPUT", "routes": ["default"], "rules": rules, "onError": "FAIL_OPEN" });
        let made = set_policy(&app, input.clone()).await["guardrailPolicy"].clone();
        assert_eq!((&made["name"], &made["version"]), (&json!("privacy"), &json!(1)), "{made:#}");
        let list = async || app.ok(&app.owner, LIST, json!({ "ws": app.workspace })).await["workspace"]["guardrailPolicies"].clone();
        let listed = list().await;
        assert_eq!(listed, json!([made]));
        assert_eq!(listed[0]["rules"][0], json!({ "check": "PII", "action": "MASK", "kinds": ["EMAIL", "IP"], "phrases": [], "max": null, "allowed": [] }));

        assert_eq!(set_policy(&app, input.clone()).await["guardrailPolicy"]["version"], 1, "the same changes nothing");
        let mut other = input.clone();
        other["onError"] = json!("FAIL_CLOSED");
        other["expectedVersion"] = json!(1);
        assert_eq!(set_policy(&app, other.clone()).await["guardrailPolicy"]["version"], 2);
        let stale = set_policy(&app, other).await;
        assert_eq!((problems(&stale), &stale["current"]["version"]), (vec![("CONFLICT".into(), "expectedVersion".into())], &json!(2)));

        let removed = app.ok(&app.owner, REMOVE, json!({ "ws": app.workspace, "name": "privacy" })).await;
        assert_eq!(removed["removeGuardrailPolicy"]["removedName"], "privacy");
        assert_eq!(list().await, json!([]));
        assert_eq!(app.code(&app.owner, REMOVE, json!({ "ws": app.workspace, "name": "privacy" })).await, "NOT_FOUND");
        let audit = "query($ws: ID!) { workspace(id: $ws) { auditEntries(first: 3) { nodes { action data } } } }";
        let audit = app.ok(&app.owner, audit, json!({ "ws": app.workspace })).await;
        let actions: Vec<_> = audit["workspace"]["auditEntries"]["nodes"].as_array().unwrap().iter().map(|it| text(it, "/action")).collect();
        assert_eq!(actions, ["GUARDRAIL_POLICY_REMOVED", "GUARDRAIL_POLICY_SET", "GUARDRAIL_POLICY_SET"]);

        let member = app.person("Mo Member").await;
        app.join(&member, "MEMBER").await;
        assert_eq!(app.ok(&member, LIST, json!({ "ws": app.workspace })).await["workspace"]["guardrailPolicies"], Value::Null);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_policy_is_told_with_its_path() {
    let app = TestApp::start(Database::sqlite()).await;
    let with = |rules: Value| json!({ "name": "x", "stage": "INPUT", "rules": rules });
    let rule = |check: &str, action: &str| json!({ "check": check, "action": action });
    let mut misplaced = rule("SECRET", "MASK");
    misplaced["phrases"] = json!(["x"]);
    for (input, field) in [
        (with(json!([])), "rules"),
        (with(json!([rule("INJECTION", "MASK")])), "rules.0.action"),
        (with(json!([rule("SECRET", "MASK"), rule("SCHEMA", "BLOCK")])), "rules.1.check"),
        (with(json!([rule("TOPIC", "BLOCK")])), "rules.0.phrases"),
        (with(json!([rule("LENGTH", "BLOCK")])), "rules.0.max"),
        (with(json!([rule("LANGUAGE", "BLOCK")])), "rules.0.allowed"),
        (with(json!([misplaced])), "rules.0.phrases"),
        (json!({ "name": " ", "stage": "INPUT", "rules": [rule("SECRET", "MASK")] }), "name"),
        (
            json!({ "name": "x", "stage": "INPUT", "routes": ["nowhere"], "rules": [rule("SECRET", "MASK")] }),
            "routes.0",
        ),
        (
            json!({ "name": "x", "stage": "INPUT", "expectedVersion": 1, "rules": [rule("SECRET", "MASK")] }),
            "expectedVersion",
        ),
    ] {
        let told = problems(&set_policy(&app, input.clone()).await);
        assert!(told.iter().any(|(_, path)| path == field), "{input}: {told:?}");
    }
    for number in 0..=20 {
        let input =
            json!({ "name": format!("p{number}"), "stage": "INPUT", "rules": [rule("SECRET", "MASK")] });
        let told = problems(&set_policy(&app, input).await);
        let expected =
            if number < 20 { vec![] } else { vec![("LIMIT_REACHED".to_owned(), "name".to_owned())] };
        assert_eq!(told, expected, "{number}");
    }
}

on_both! {
    async fn a_workspace_adds_to_the_operators_policies_and_takes_nothing_from_them(database: Database) {
        let model = Model::saying(&["Yes."]);
        let mask = "{ check = \"PII\", kinds = [\"EMAIL\"], action = \"MASK\" }, { check = \"TOPIC\", phrases = [\"example\"], action = \"BLOCK\" }";
        let settings = route(&["outside"], &["operators"]) + &policy("operators", "INPUT", mask);
        let app = app(database, &settings, &model, &model).await;
        let other = app.create_workspace(&app.owner, "other").await;
        // It would let addresses pass, and mask what hides the topic; and it masks what the operator does not.
        let rules = json!([{ "check": "PII", "action": "ALLOW", "kinds": ["EMAIL"] }, { "check": "PII", "action": "MASK" }]);
        let set = set_policy(&app, json!({ "name": "a", "stage": "INPUT", "rules": rules })).await;
        assert_eq!(set["userErrors"], json!([]));
        call(&app, prompt(&app, "ana@canary.test from 203.0.113.9")).await;
        assert!(model.sent().contains("[EMAIL_1] from [IP_1]"), "{}", model.sent());
        let before = model.calls();
        call(&app, prompt(&app, "ana@example.com")).await;
        assert_eq!(model.calls(), before, "the topic within the address is still found");

        // One workspace's policies are nothing to another one.
        let elsewhere = aifirst::gateway::ChatRequest { workspace: other.parse().unwrap(), ..prompt(&app, "from 203.0.113.9") };
        call(&app, elsewhere).await;
        assert!(model.sent().contains("from 203.0.113.9"));

        // What is set or removed holds for the next call.
        app.ok(&app.owner, REMOVE, json!({ "ws": app.workspace, "name": "a" })).await;
        call(&app, prompt(&app, "ana@canary.test from 203.0.113.10")).await;
        assert!(model.sent().contains("[EMAIL_1] from 203.0.113.10"), "{}", model.sent());
    }
}

on_both! {
    async fn policies_can_be_tried_on_a_text(database: Database) {
        let model = Model::saying(&["Yes."]);
        let settings = route(&["outside"], &["operators"]) + &policy("operators", "INPUT", "{ check = \"PII\", action = \"MASK\" }");
        let app = app(database, &settings, &model, &model).await;
        let rules = json!([{ "check": "TOPIC", "action": "ESCALATE", "phrases": ["falcon"] }, { "check": "SECRET", "action": "MASK" }]);
        set_policy(&app, json!({ "name": "mine", "stage": "INPUT", "rules": rules })).await;
        let said = "😀 falcon: ana@example.com, password: Tr0ub4dor&3x9Q";
        let test = async |text: &str, stage: &str| {
            app.ok(&app.owner, TEST, json!({ "ws": app.workspace, "text": text, "stage": stage })).await["testGuardrails"].clone()
        };
        let tried = test(said, "INPUT").await;
        assert_eq!((&tried["action"], &tried["text"]), (&json!("ESCALATE"), &json!("😀 falcon: [EMAIL_1], password: [SECRET_1]")), "{tried:#}");
        let units: Vec<u16> = said.encode_utf16().collect();
        let found: Vec<_> = tried["findings"].as_array().unwrap().iter().map(|finding| {
            let at = |name: &str| finding["spans"][0][name].as_u64().unwrap() as usize;
            let shown = String::from_utf16(&units[at("start")..at("end")]).unwrap();
            (text(finding, "/policy"), text(finding, "/kind"), shown)
        }).collect();
        let expected = [("operators", "EMAIL", "ana@example.com"), ("mine", "TOPIC", "falcon"), ("mine", "SECRET", "Tr0ub4dor&3x9Q")];
        assert_eq!(found, expected.map(|(policy, kind, shown)| (policy.to_owned(), kind.to_owned(), shown.to_owned())));
        assert_eq!(test(said, "OUTPUT").await, json!({ "action": "ALLOW", "text": said, "findings": [], "faults": [] }));

        set_policy(&app, json!({ "name": "all", "stage": "INPUT", "rules": [{ "check": "LENGTH", "action": "BLOCK", "max": 3 }] })).await;
        let blocked = test(said, "INPUT").await;
        assert_eq!((&blocked["action"], &blocked["text"]), (&json!("BLOCK"), &Value::Null));
        assert_eq!(model.calls(), 0);

        for (text, route) in [("x".repeat(20_001), "default"), ("x".into(), "nowhere")] {
            let variables = json!({ "ws": app.workspace, "text": text, "stage": "INPUT", "route": route });
            assert_eq!(app.code(&app.owner, TEST, variables).await, "BAD_USER_INPUT");
        }
        let member = app.person("Mo Member").await;
        app.join(&member, "MEMBER").await;
        let variables = json!({ "ws": app.workspace, "text": "x", "stage": "INPUT" });
        assert_eq!(app.code(&member, TEST, variables).await, "FORBIDDEN");
    }
}
