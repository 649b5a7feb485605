//! What a server holds of a budget while things change around it, and what calls are counted with that break off.
use super::{
    guarded,
    overspend::{OneToken, PRICES, call, request, set, usd, used},
    scripted::{self, Scripted, calls},
};
use crate::{
    on_both,
    support::{Database, TestApp, text},
};
use aifirst::{
    gateway::{
        ChatEvent, ChatMessage, ChatRequest, FailureKind, Gateway, ModelCall, Provider, ProviderEvent,
        ProviderStream, Speaker, ToolSpec, ToolUse,
    },
    shared::{
        Ambient,
        actor::{Actor, Principal},
    },
};
use futures_util::{StreamExt, stream};
use sea_orm::{ConnectionTrait, Database as Connector};
use serde_json::json;
use std::sync::Arc;

/// Says this, and then nothing any more.
#[derive(Debug)]
struct Slow(String);

impl Provider for Slow {
    fn chat(&self, _: ModelCall) -> ProviderStream {
        let said = ProviderEvent::Delta { text: self.0.clone() };
        stream::iter([Ok(said)]).chain(stream::pending()).boxed()
    }
}

async fn start(
    database: Database,
    settings: &str,
    model: impl Provider + 'static,
) -> (TestApp, Gateway, Actor) {
    let app = TestApp::start_with(database, settings, Ambient::system()).await;
    let gateway = app.running.services.gateway.clone().answered_by(Arc::new(model));
    let owner = Principal::User(app.owner.id.parse().unwrap());
    let owner = app.running.services.account.actor_for(owner).await.unwrap();
    (app, gateway, owner)
}

async fn run(app: &TestApp, sql: &[&str]) {
    let admin = Connector::connect(&app.database.url).await.unwrap();
    for sql in sql {
        admin.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    admin.close().await.unwrap();
}

on_both! {
    async fn a_limit_that_is_lowered_holds_for_what_was_leased_before(database: Database) {
        let (app, gateway, owner) = start(database, PRICES, OneToken).await;
        let limit = async |amount: &str| set(&app, json!({ "period": "DAY", "limit": usd(amount) })).await;
        limit("6400").await;
        assert!(call(&gateway, &owner, &app.workspace, 1).await);
        // A block is for more than one call.
        limit("1").await;
        assert!(!call(&gateway, &owner, &app.workspace, 1).await, "all of it is spent");
        limit("2").await;
        assert!(call(&gateway, &owner, &app.workspace, 1).await);
        assert!(!call(&gateway, &owner, &app.workspace, 1).await);
        gateway.close().await;
        assert_eq!(used(&app).await, (2.0, 0.0));
    }
}

on_both! {
    async fn what_is_in_an_open_block_can_be_spent_while_no_more_can_be_leased(database: Database) {
        let (app, gateway, owner) = start(database, PRICES, OneToken).await;
        set(&app, json!({ "period": "DAY", "limit": usd("6400") })).await;
        assert!(call(&gateway, &owner, &app.workspace, 1).await, "of a block of four");
        run(&app, &["ALTER TABLE budget_account RENAME TO elsewhere"]).await;
        let events: Vec<_> = gateway.chat(&owner, request(&app.workspace, 10)).await.unwrap().collect().await;
        assert_eq!(events, [ChatEvent::Failed(FailureKind::BudgetUnknown.plain())]);
        for _ in 0..3 {
            assert!(call(&gateway, &owner, &app.workspace, 1).await);
        }
        run(&app, &["ALTER TABLE elsewhere RENAME TO budget_account"]).await;
        gateway.close().await;
        assert_eq!(used(&app).await, (4.0, 0.0));
    }
}

on_both! {
    async fn a_lease_that_somebody_ended_is_spent_and_the_other_budget_counts_what_the_call_cost(database: Database) {
        let (app, gateway, owner) = start(database, PRICES, Slow("perhaps ".to_owned())).await;
        for period in ["DAY", "MONTH"] {
            set(&app, json!({ "period": period, "limit": usd("100") })).await;
        }
        let mut events = gateway.chat(&owner, request(&app.workspace, 90)).await.unwrap();
        assert!(matches!(events.next().await, Some(ChatEvent::Delta { .. })));
        run(&app, &[
            "UPDATE budget_account SET spent = spent + leased, leased = 0
             WHERE id = (SELECT account_id FROM budget_lease ORDER BY id LIMIT 1)",
            "DELETE FROM budget_lease WHERE id = (SELECT id FROM budget_lease ORDER BY id LIMIT 1)",
        ]).await;
        drop(events);
        gateway.close().await;
        let document = "query($ws: ID!) { workspace(id: $ws) { budgets { nodes { spent { amount } reserved { amount } } } } }";
        let data = app.ok(&app.owner, document, json!({ "ws": app.workspace })).await;
        let budgets = data["workspace"]["budgets"]["nodes"].as_array().unwrap().clone();
        let mut told: Vec<_> = budgets.iter().map(|it| (text(it, "/spent/amount"), text(it, "/reserved/amount"))).collect();
        told.sort();
        let expected = [("3", "0"), ("90", "0")].map(|(spent, reserved)| (spent.to_owned(), reserved.to_owned()));
        assert_eq!(told, expected);
    }
}

/// What each of these has of tokens at least, whoever counts them.
const SAID: [(&str, u64); 3] = [
    ("Perhaps not today", 3),
    ("今天的天气非常好，我们去公园散步吧。", 18),
    ("fn f(x: &[u8]) -> u32 { x[0] as u32 }", 16),
];

on_both! {
    async fn a_call_that_breaks_off_costs_no_less_than_it_can_have_and_no_more_than_was_reserved(database: Database) {
        const EACH: &str = "[gateway.prices.builtin]\ninput = '1000000'\noutput = '1000000'\ncurrency = 'USD'";
        let (app, gateway, owner) = start(database, EACH, OneToken).await;
        // So small that a block is what one call needs.
        set(&app, json!({ "period": "DAY", "limit": usd("20000") })).await;
        let break_off = async |said: &str, request: ChatRequest| {
            let gateway = gateway.clone().answered_by(Arc::new(Slow(said.to_owned())));
            let (before, _) = used(&app).await;
            let mut events = gateway.chat(&owner, request).await.unwrap();
            assert!(matches!(events.next().await, Some(ChatEvent::Delta { .. })));
            let (_, reserved) = used(&app).await;
            drop(events);
            gateway.close().await;
            let (spent, left) = used(&app).await;
            let call = calls(&app, &app.owner, json!({})).await.pop().unwrap();
            let tokens = ["inputTokens", "outputTokens"].map(|which| call[which].as_u64().unwrap());
            assert_eq!((spent - before, left), ((tokens[0] + tokens[1]) as f64, 0.0), "{call:#}");
            assert!(spent - before <= reserved, "{call:#}: {reserved} were reserved");
            tokens
        };
        let mut plain = 0;
        for (said, least) in SAID {
            let [input, output] = break_off(said, request(&app.workspace, 40)).await;
            assert!(output >= least, "{said}: {output}");
            plain = input;
        }
        let [_, output] = break_off(SAID[1].0, request(&app.workspace, 5)).await;
        assert_eq!(output, 5, "where it was to stop");
        // Whatever else a provider is told is read, too.
        let tools = vec![ToolUse { id: "1".into(), name: "weather".into(), arguments: json!({ "city": "Reykjavík" }) }];
        let asked = ChatMessage { speaker: Speaker::Assistant { tools }, text: String::new() };
        let answered = ChatMessage { speaker: Speaker::Tool { id: "1".into() }, text: "Wet".into() };
        let spec = ToolSpec { name: "weather".into(), description: "How it is outside".into(), parameters: json!({ "type": "object" }) };
        let one = request(&app.workspace, 40);
        for more in [
            ChatRequest { messages: [one.messages.clone(), vec![asked, answered]].concat(), ..one.clone() },
            ChatRequest { tools: vec![spec], ..one.clone() },
            ChatRequest { output_schema: Some(json!({ "type": "object", "required": ["answer"] })), ..one.clone() },
        ] {
            let [input, _] = break_off("Well", more.clone()).await;
            assert!(input >= plain + 12, "{input} with {more:?}, {plain} without");
        }
    }
}

on_both! {
    async fn a_second_target_that_does_not_fit_is_not_asked_and_nobody_is_told(database: Database) {
        let (a, b) = (Scripted::named("a"), Scripted::named("b"));
        let more = "gateway.prices.b-1 = { input = '1.00', output = '2.00', currency = 'USD' }";
        let app = scripted::start(database, &[&a, &b], ", hedge_milliseconds = 60000", more).await;
        // An answer of 4,096 tokens can cost 0.0082, and what is asked 0.0012.
        set(&app, json!({ "period": "DAY", "limit": usd("0.015") })).await;
        assert_eq!(scripted::ask(&app, "default", "Who?").await, "a");
        let document = "query($ws: ID!) { workspace(id: $ws) { budgets { nodes { exceededAt } } } }";
        let data = app.ok(&app.owner, document, json!({ "ws": app.workspace })).await;
        assert_eq!(data["workspace"]["budgets"]["nodes"], json!([{ "exceededAt": null }]), "the call has passed");
    }
}

on_both! {
    async fn what_a_mask_makes_longer_is_reserved_as_it_is_sent(database: Database) {
        let model = guarded::Model::saying(&["Yes."]);
        let prices = "[gateway.prices.small-1]\ninput = '1000000'\noutput = '0'\ncurrency = 'USD'\n";
        let mask = "{ check = \"TOPIC\", phrases = [\"ab\"], action = \"MASK\" }";
        let settings = prices.to_owned() + &guarded::route(&["outside"], &["short"]) + &guarded::policy("short", "INPUT", mask);
        let app = guarded::app(database, &settings, &model, &model).await;
        // 3,000 bytes, and 10,000 as it is sent.
        let ask = async || guarded::call(&app, guarded::prompt(&app, "ab ".repeat(1_000))).await.1;
        set(&app, json!({ "period": "DAY", "limit": usd("9000") })).await;
        assert_eq!(ask().await, ChatEvent::Failed(FailureKind::Budget.plain()));
        assert_eq!(model.calls(), 0);
        set(&app, json!({ "period": "DAY", "limit": usd("90000") })).await;
        assert!(matches!(ask().await, ChatEvent::Finished { .. }));
    }
}

on_both! {
    async fn what_a_server_knows_of_routes_and_policies_holds_on_while_it_cannot_be_read(database: Database) {
        let model = guarded::Model::saying(&["Yes."]);
        let app = guarded::app(database, &guarded::route(&["outside"], &[]), &model, &model).await;
        let rules = json!([{ "check": "TOPIC", "action": "BLOCK", "phrases": ["falcon"] }]);
        guarded::set_policy(&app, json!({ "name": "a", "stage": "INPUT", "rules": rules })).await;
        let ask = async |said: &str| guarded::call(&app, guarded::prompt(&app, said)).await.1;
        assert!(matches!(ask("Well?").await, ChatEvent::Finished { .. }));
        run(&app, &["ALTER TABLE gateway_state RENAME TO elsewhere"]).await;
        // Longer than anything is believed that could be read anew.
        let begun = std::time::Instant::now();
        while begun.elapsed() < std::time::Duration::from_secs(6) {
            assert!(matches!(ask("Well?").await, ChatEvent::Finished { .. }));
            assert_eq!(ask("The falcon").await, ChatEvent::Failed(FailureKind::Guardrail.plain()));
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        run(&app, &["ALTER TABLE elsewhere RENAME TO gateway_state"]).await;
    }
}
