//! Budgets as those who set them, and those whom they stop, see them.
use super::overspend::{OneToken, PRICES, call, request, set, usd, used};
use crate::{
    contract::operations,
    on_both,
    support::{Database, PATIENCE, Person, TestApp, TestClock, text},
};
use aifirst::{
    gateway::{ChatEvent, ModelCall, Provider, ProviderEvent, ProviderStream},
    shared::{
        Ambient,
        actor::{Actor, Principal},
    },
};
use chrono::TimeDelta;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use std::{sync::Arc, time::Instant};

/// The built-in coach costs a cent for each token that comes out; beside it stand one that is cheaper, and one whose price
/// nobody knows. No answer may have more than 100 tokens.
const SETTINGS: &str = "
    [gateway.prices.builtin]
    input = '0'
    output = '10000'
    currency = 'USD'
    [gateway.prices.cheap]
    input = '0'
    output = '0.01'
    currency = 'USD'
    [gateway.routes.default]
    targets = [{ provider = 'builtin', model = 'builtin' }]
    max_output_tokens = 100
    [gateway.routes.cheap]
    targets = [{ provider = 'builtin', model = 'cheap' }]
    max_output_tokens = 100
    [gateway.routes.unpriced]
    targets = [{ provider = 'builtin', model = 'cheap' }, { provider = 'builtin', model = 'unknown' }]
    max_output_tokens = 100";
/// What a call can cost at most by that.
const MOST: &str = "1.00";
const LESS: &str = "0.99";
const PLENTY: &str = "1000";

async fn start(database: Database) -> TestApp {
    TestApp::start_with(database, SETTINGS, Ambient::system()).await
}

/// A published workflow that asks a model once along this route, and tries again where that may help.
async fn workflow(app: &TestApp, route: &str) -> String {
    let steps = json!([{ "key": "ask", "action": { "llm": { "prompt": "Is anybody there?", "route": route } },
        "retry": { "maxAttempts": 3, "initialDelay": "PT0.01S" } }]);
    let input = json!({ "workspaceId": app.workspace, "name": "Ask", "graph": { "steps": steps } });
    let create = "mutation($input: CreateWorkflowInput!) { createWorkflow(input: $input) {
        workflow { id } userErrors { message } } }";
    let created = app.ok(&app.owner, create, json!({ "input": input })).await;
    let workflow = text(&created, "/createWorkflow/workflow/id");
    app.ok(&app.owner, operations()["Publish"], json!({ "w": workflow })).await;
    workflow
}

/// Runs it to its end: the error's code and message where it failed, and how many attempts it made.
async fn run(app: &TestApp, person: &Person, workflow: &str) -> (Option<(String, String)>, i64) {
    let start =
        "mutation($w: ID!) { startRun(input: {workflowId: $w}) { run { id } userErrors { message } } }";
    let started = app.ok(person, start, json!({ "w": workflow })).await;
    let run = json!({ "r": text(&started, "/startRun/run/id") });
    let events = "subscription($r: ID!) { runEvents(runId: $r) { __typename } }";
    let ends = ["RunCompleted", "RunFailed"].map(|end| json!(end));
    let mut events = app.subscribe(&app.owner, events, run.clone()).await;
    events.until("runEvents", |event| ends.contains(&event["__typename"])).await;
    let state = "query($r: ID!) { node(id: $r) { ... on Run { error { code message }
        steps { nodes { attempts { totalCount } } } } } }";
    let state = app.ok(&app.owner, state, run).await["node"].take();
    let error = state["error"]["code"].as_str();
    let error = error.map(|code| (code.to_owned(), text(&state, "/error/message")));
    (error, state["steps"]["nodes"][0]["attempts"]["totalCount"].as_i64().unwrap())
}

async fn is_blocked(app: &TestApp, person: &Person, workflow: &str) -> bool {
    let (error, attempts) = run(app, person, workflow).await;
    if let Some((code, message)) = &error {
        assert_eq!((code.as_str(), attempts), ("BUDGET_EXCEEDED", 1), "{message}");
    }
    error.is_some()
}

/// The newest call, once there are so many.
async fn last_call(app: &TestApp, count: usize) -> Value {
    let calls = "query($ws: ID!) { workspace(id: $ws) { llmCalls(first: 50) { nodes {
        id status routeName modelUsed cost { amount } outputTokens } } } }";
    let pointer = format!("/workspace/llmCalls/nodes/{}/id", count - 1);
    app.until(&app.owner, calls, &json!({ "ws": app.workspace }), &pointer).await;
    app.ok(&app.owner, calls, json!({ "ws": app.workspace })).await["workspace"]["llmCalls"]["nodes"][0]
        .clone()
}

async fn budget(app: &TestApp) -> Value {
    let document =
        "query($ws: ID!) { workspace(id: $ws) { budgets { nodes { id version exceededAt scopeId action
        downgradeRoute period limit { amount currency } spent { amount } reserved { amount } } } } }";
    app.ok(&app.owner, document, json!({ "ws": app.workspace })).await["workspace"]["budgets"]["nodes"][0]
        .clone()
}

/// What was spent, once nothing is reserved any more.
async fn spent(app: &TestApp) -> f64 {
    let begun = Instant::now();
    loop {
        let (spent, reserved) = used(app).await;
        if reserved == 0.0 && spent > 0.0 {
            return spent;
        }
        assert!(begun.elapsed() < PATIENCE, "spent {spent}, and {reserved} is reserved still");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

fn problem(payload: &Value) -> (String, String) {
    (text(payload, "/userErrors/0/code"), text(payload, "/userErrors/0/field"))
}

on_both! {
    async fn a_budget_that_blocks_refuses_what_could_go_beyond_it_and_lets_pass_what_cannot(database: Database) {
        let app = start(database).await;
        let ask = workflow(&app, "default").await;
        set(&app, json!({ "period": "DAY", "limit": usd(LESS) })).await;
        assert!(is_blocked(&app, &app.owner, &ask).await);
        let call = last_call(&app, 1).await;
        assert_eq!((&call["status"], &call["modelUsed"], &call["outputTokens"]), (&json!("BLOCKED"), &Value::Null, &json!(0)));
        assert!(budget(&app).await["exceededAt"].is_string());

        // A reply of the coach is refused in the same way.
        let session = app.ok(&app.owner, operations()["StartSession"], json!({ "ws": app.workspace })).await;
        let session = text(&session, "/startCoachingSession/session/id");
        let watch = "subscription($s: ID!) { coachingEvents(sessionId: $s) { __typename ... on TurnFailed { reason } } }";
        let mut events = app.subscribe(&app.owner, watch, json!({ "s": session })).await;
        app.ok(&app.owner, operations()["Send"], json!({ "s": session, "text": "Hello", "key": "k" })).await;
        let failed = events.until("coachingEvents", |event| event["__typename"] == "TurnFailed").await;
        assert_eq!(failed.last().unwrap()["reason"], "BUDGET_EXCEEDED");

        // What is set holds at once where it was set.
        set(&app, json!({ "period": "DAY", "limit": usd(MOST) })).await;
        assert_eq!(budget(&app).await["exceededAt"], Value::Null, "told anew, since it was changed");
        assert!(!is_blocked(&app, &app.owner, &ask).await);
        let call = last_call(&app, 3).await;
        let cost = call["outputTokens"].as_f64().unwrap() / 100.0;
        assert!(cost > 0.0 && text(&call, "/cost/amount").parse::<f64>().unwrap() == cost, "{call:#}");
        assert_eq!(spent(&app).await, cost);
        // What is left is less than another call can cost.
        assert!(is_blocked(&app, &app.owner, &ask).await);

        let id = budget(&app).await["id"].clone();
        let remove = "mutation($b: ID!) { removeBudget(input: {budgetId: $b}) { removedBudgetId userErrors { code } } }";
        let removed = app.ok(&app.owner, remove, json!({ "b": id })).await;
        assert_eq!(removed["removeBudget"], json!({ "removedBudgetId": id, "userErrors": [] }));
        assert_eq!(app.code(&app.owner, remove, json!({ "b": id })).await, "NOT_FOUND");
        assert!(!is_blocked(&app, &app.owner, &ask).await);
        let actions = "query($ws: ID!) { workspace(id: $ws) { auditEntries(first: 3) { nodes { action subject { __typename } } } } }";
        let actions = actions.replace(" subject { __typename }", "");
        let entries = app.ok(&app.owner, &actions, json!({ "ws": app.workspace })).await;
        let entries = entries["workspace"]["auditEntries"]["nodes"].clone();
        assert_eq!(entries, json!([{ "action": "BUDGET_REMOVED" }, { "action": "BUDGET_CHANGED" }, { "action": "BUDGET_SET" }]));
    }
}

on_both! {
    async fn a_budget_that_warns_lets_calls_pass_counts_them_and_tells_of_the_first_alone(database: Database) {
        let app = start(database).await;
        let ask = workflow(&app, "default").await;
        set(&app, json!({ "period": "MONTH", "limit": usd("0.01"), "action": "WARN" })).await;
        let cursor = "query($ws: ID!) { changes(workspaceId: $ws) { cursor } }";
        let cursor = app.ok(&app.owner, cursor, json!({ "ws": app.workspace })).await["changes"]["cursor"].clone();
        for _ in 0..2 {
            assert!(!is_blocked(&app, &app.owner, &ask).await);
        }
        let call = last_call(&app, 2).await;
        assert_eq!(call["status"], "COMPLETED");
        let cost = text(&call, "/cost/amount").parse::<f64>().unwrap();
        let begun = Instant::now();
        while used(&app).await != (2.0 * cost, 0.0) {
            assert!(begun.elapsed() < PATIENCE, "{:?} after two calls for {cost}", used(&app).await);
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let changes = "query($ws: ID!, $after: Cursor) { changes(workspaceId: $ws, after: $after) { changes { kind
            node { ... on Budget { exceededAt } } } } }";
        let told = async |person: &Person| {
            let told = app.ok(person, changes, json!({ "ws": app.workspace, "after": cursor })).await;
            let told = told["changes"]["changes"].as_array().unwrap().clone();
            told.into_iter().filter(|change| change["node"]["exceededAt"].is_string()).collect::<Vec<_>>()
        };
        let exceeded_at = budget(&app).await["exceededAt"].clone();
        assert_eq!(told(&app.owner).await, [json!({ "kind": "UPDATED", "node": { "exceededAt": exceeded_at } })]);
        let member = app.person("Mo Member").await;
        app.join(&member, "MEMBER").await;
        assert_eq!(told(&member).await, Vec::<Value>::new());
        let budgets = "query($ws: ID!) { workspace(id: $ws) { budgets { nodes { id } } } }";
        assert_eq!(app.code(&member, budgets, json!({ "ws": app.workspace })).await, "FORBIDDEN");
    }
}

on_both! {
    async fn a_budget_that_downgrades_sends_what_does_not_fit_along_a_cheaper_route(database: Database) {
        let app = start(database).await;
        let ask = workflow(&app, "default").await;
        let downgrade = |route: Option<&str>| {
            json!({ "period": "DAY", "limit": usd(LESS), "action": "DOWNGRADE", "downgradeRoute": route })
        };
        let made = set(&app, downgrade(Some("cheap"))).await;
        assert_eq!(made["budget"]["downgradeRoute"], "cheap", "{made:#}");
        assert!(!is_blocked(&app, &app.owner, &ask).await);
        let call = last_call(&app, 1).await;
        let how = ["status", "routeName", "modelUsed"].map(|field| text(&call, &format!("/{field}")));
        assert_eq!(how, ["COMPLETED", "default", "cheap"]);
        set(&app, downgrade(None)).await;
        assert!(is_blocked(&app, &app.owner, &ask).await, "there is no cheaper route");
        // Another budget that blocks holds on the cheaper route, too.
        set(&app, downgrade(Some("cheap"))).await;
        set(&app, json!({ "period": "MONTH", "limit": usd("0.0000001") })).await;
        assert!(is_blocked(&app, &app.owner, &ask).await);
    }
}

on_both! {
    async fn a_budget_holds_for_the_calls_of_its_scope_and_for_no_others(database: Database) {
        let app = start(database).await;
        let (ask, other) = (workflow(&app, "default").await, workflow(&app, "default").await);
        let member = app.person("Mo Member").await;
        app.join(&member, "MEMBER").await;
        let key = async |input: Value, id: &str| {
            let create = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey { id } token } }";
            let made = app.ok(&app.owner, create, json!({ "input": input })).await;
            let bearer = Person { id: id.to_owned(), token: text(&made, "/createApiKey/token") };
            (text(&made, "/createApiKey/apiKey/id"), bearer)
        };
        let make = "mutation($ws: ID!) { createServiceAccount(input: {workspaceId: $ws, name: \"Robot\", role: MEMBER}) {
            serviceAccount { id } } }";
        let robot = app.ok(&app.owner, make, json!({ "ws": app.workspace })).await;
        let robot = text(&robot, "/createServiceAccount/serviceAccount/id");
        let (_, program) = key(json!({ "name": "k", "serviceAccountId": robot }), &robot).await;
        let (key, with_key) = key(json!({ "name": "k", "workspaceId": app.workspace }), &app.owner.id).await;

        let scopes = [
            (json!({ "userId": member.id }), (&member, &ask), (&app.owner, &ask)),
            (json!({ "serviceAccountId": robot }), (&program, &ask), (&app.owner, &ask)),
            (json!({ "workflowId": ask }), (&app.owner, &ask), (&app.owner, &other)),
            (json!({ "apiKeyId": key }), (&with_key, &ask), (&app.owner, &ask)),
        ];
        for (scope, (inside, its), (outside, others)) in scopes {
            let made = set(&app, json!({ "period": "DAY", "limit": usd(LESS), "scope": scope })).await;
            let id = scope.as_object().unwrap().values().next().unwrap();
            assert_eq!(&made["budget"]["scopeId"], id, "{made:#}");
            assert!(is_blocked(&app, inside, its).await, "{scope}");
            assert!(!is_blocked(&app, outside, others).await, "{scope}");
            let plenty = json!({ "period": "DAY", "limit": usd(PLENTY), "scope": scope });
            assert_eq!(set(&app, plenty).await["budget"]["version"], 2);
            assert!(!is_blocked(&app, inside, its).await, "{scope}");
        }
        // All of them hold at once: what one refuses, no other has spent.
        set(&app, json!({ "period": "DAY", "limit": usd(LESS) })).await;
        assert!(is_blocked(&app, &with_key, &ask).await);
    }
}

on_both! {
    async fn what_has_no_price_is_refused_by_a_budget_that_blocks_and_passes_one_that_warns(database: Database) {
        let app = start(database).await;
        let ask = workflow(&app, "unpriced").await;
        assert_eq!(run(&app, &app.owner, &ask).await, (None, 1), "no budget, no question");
        set(&app, json!({ "period": "DAY", "limit": usd(PLENTY) })).await;
        let (error, attempts) = run(&app, &app.owner, &ask).await;
        let (code, message) = error.unwrap();
        assert_eq!((code.as_str(), attempts), ("INVALID", 1));
        assert!(message.contains("no price"), "{message}");
        assert_eq!(last_call(&app, 2).await["status"], "BLOCKED");
        set(&app, json!({ "period": "DAY", "limit": usd(PLENTY), "action": "WARN" })).await;
        assert_eq!(run(&app, &app.owner, &ask).await, (None, 1));
    }
}

on_both! {
    async fn each_day_begins_with_nothing_spent(database: Database) {
        let clock = TestClock::default();
        let app = TestApp::start_with(database, SETTINGS, clock.ambient()).await;
        let ask = workflow(&app, "default").await;
        set(&app, json!({ "period": "DAY", "limit": usd(MOST) })).await;
        assert!(!is_blocked(&app, &app.owner, &ask).await);
        assert!(spent(&app).await > 0.0);
        assert!(is_blocked(&app, &app.owner, &ask).await);
        clock.forward(TimeDelta::days(1));
        assert_eq!(used(&app).await, (0.0, 0.0));
        assert!(!is_blocked(&app, &app.owner, &ask).await);
    }
}

on_both! {
    async fn a_budget_that_cannot_be_is_refused_with_its_field(database: Database) {
        let app = start(database).await;
        let invalid = |field: &str| ("INVALID".to_owned(), field.to_owned());
        let with = |field: &str, value: Value| {
            let mut input = json!({ "period": "DAY", "limit": usd("5") });
            input[field] = value;
            input
        };
        let euros = json!({ "amount": "5", "currency": "EUR" });
        let nowhere = |prefix: &str| format!("{prefix}_{}", "0".repeat(26));
        for (input, field) in [
            (with("limit", usd("0")), "limit.amount"),
            (with("limit", usd("0.000000000")), "limit.amount"),
            (with("limit", usd("1000000000.000000001")), "limit.amount"),
            (with("limit", euros.clone()), "limit.currency"),
            (with("limit", json!({ "amount": "5", "currency": "usd" })), "limit.currency"),
            (with("limit", json!({ "amount": "5", "currency": "DOLLAR" })), "limit.currency"),
            (with("limit", json!({ "amount": "5", "currency": "" })), "limit.currency"),
            (with("downgradeRoute", json!("cheap")), "downgradeRoute"),
            (json!({ "period": "DAY", "limit": usd("5"), "action": "DOWNGRADE", "downgradeRoute": "nowhere" }), "downgradeRoute"),
            (with("scope", json!({ "userId": nowhere("user") })), "scope.userId"),
            (with("scope", json!({ "serviceAccountId": nowhere("svc") })), "scope.serviceAccountId"),
            (with("scope", json!({ "workflowId": nowhere("wf") })), "scope.workflowId"),
            (with("scope", json!({ "apiKeyId": nowhere("key") })), "scope.apiKeyId"),
        ] {
            let refused = set(&app, input.clone()).await;
            assert_eq!(problem(&refused), invalid(field), "{input}");
            assert_eq!(refused["budget"], Value::Null);
        }
        let stranger = app.person("Sam Stranger").await;
        let foreign = set(&app, with("scope", json!({ "userId": stranger.id }))).await;
        assert_eq!(problem(&foreign), invalid("scope.userId"), "no member");
        let document = "mutation($ws: ID!, $amount: Decimal!) { setBudget(input: {workspaceId: $ws, period: DAY,
            limit: {amount: $amount, currency: \"USD\"}}) { userErrors { code } } }";
        for bad in [json!("-1"), json!(5), json!("1e3"), json!("9999999999"), json!("0.0000000001"), json!("NaN"), json!("")] {
            let code = app.code(&app.owner, document, json!({ "ws": app.workspace, "amount": bad })).await;
            assert_eq!(code, "BAD_USER_INPUT", "{bad}");
        }
        assert_eq!(budget(&app).await, Value::Null, "nothing was set");

        let early = set(&app, with("expectedVersion", json!(1))).await;
        assert_eq!(problem(&early), ("CONFLICT".into(), "expectedVersion".into()));
        assert_eq!(set(&app, with("limit", usd("5"))).await["budget"]["version"], 1);
        assert_eq!(set(&app, with("limit", usd("5.00"))).await["budget"]["version"], 1, "it is so already");
        let changed = json!({ "period": "DAY", "limit": usd("6"), "expectedVersion": 1 });
        assert_eq!(set(&app, changed.clone()).await["budget"]["version"], 2);
        let stale = set(&app, json!({ "period": "DAY", "limit": usd("7"), "expectedVersion": 1 })).await;
        assert_eq!((problem(&stale), &stale["current"]["version"]), (("CONFLICT".into(), "expectedVersion".into()), &json!(2)));
        assert_eq!(set(&app, json!({ "period": "MONTH", "limit": usd("7") })).await["budget"]["version"], 1);
    }
}

on_both! {
    async fn of_budgets_set_at_once_for_one_scope_there_is_one(app: TestApp) {
        let sets = (1..=8).map(|amount| set(&app, json!({ "period": "DAY", "limit": usd(&amount.to_string()) })));
        let made = futures_util::future::join_all(sets).await;
        let ids: std::collections::BTreeSet<_> = made.iter().map(|made| text(made, "/budget/id")).collect();
        assert_eq!(ids.len(), 1, "{made:#?}");
        let mut versions: Vec<_> = made.iter().map(|made| made["budget"]["version"].as_i64().unwrap()).collect();
        versions.sort_unstable();
        assert_eq!(versions, (1..=8).collect::<Vec<_>>());
    }
}

async fn actor(app: &TestApp) -> Actor {
    let owner = Principal::User(app.owner.id.parse().unwrap());
    app.running.services.account.actor_for(owner).await.unwrap()
}

on_both! {
    async fn a_call_whose_caller_goes_away_costs_what_was_said_and_no_more(database: Database) {
        /// Says a word of eight characters, and then nothing any more.
        #[derive(Debug)]
        struct Slow;
        impl Provider for Slow {
            fn chat(&self, _: ModelCall) -> ProviderStream {
                let said = ProviderEvent::Delta { text: "perhaps ".to_owned() };
                stream::iter([Ok(said)]).chain(stream::pending()).boxed()
            }
        }
        let app = TestApp::start_with(database, PRICES, Ambient::system()).await;
        set(&app, json!({ "period": "DAY", "limit": usd("100") })).await;
        let gateway = app.running.services.gateway.clone().answered_by(Arc::new(Slow));
        let actor = actor(&app).await;
        let mut events = gateway.chat(&actor, request(&app.workspace, 90)).await.unwrap();
        assert!(matches!(events.next().await, Some(ChatEvent::Delta { .. })));
        assert!(!call(&gateway, &actor, &app.workspace, 11).await, "90 of 100 are reserved");
        drop(events);
        gateway.close().await;
        assert_eq!(used(&app).await, (3.0, 0.0), "a token for each three letters");
    }
}

on_both! {
    async fn while_a_block_lasts_a_call_costs_no_statement(database: Database) {
        let settings = format!("serve.work = false\n{PRICES}");
        let app = TestApp::start_with(database, &settings, TestClock::default().ambient()).await;
        set(&app, json!({ "period": "DAY", "limit": usd("1000000") })).await;
        let gateway = app.running.services.gateway.clone().answered_by(Arc::new(OneToken));
        let actor = actor(&app).await;
        let calls = async {
            for _ in 0..1_000 {
                assert!(call(&gateway, &actor, &app.workspace, 1).await);
            }
        };
        let (_, statements) = app.statements(calls).await;
        // The usage log writes by time, not by calls: how often depends on the machine. One statement a call would be 1,000.
        assert!((1..900).contains(&statements), "{statements} statements for 1,000 calls");
    }
}
