//! However many processes call at once, and whichever of them is killed: no more is spent than was set.
use crate::{
    on_both,
    support::{Database, Process, TestApp, TestClock, text},
};
use aifirst::{
    app::App,
    config::Config,
    gateway::{
        ChatEvent, ChatRequest, FailureKind, FinishReason, Gateway, ModelCall, Provider, ProviderEvent,
        ProviderStream, Usage,
    },
    shared::{Ambient, Clock, Random, actor::Actor, id::UserId},
};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use std::{
    process::{Command, Stdio},
    sync::Arc,
};
use tokio_util::sync::CancellationToken;

/// A call costs 1: an answer of one token.
pub(super) const PRICES: &str = "[gateway.prices.builtin]\ninput = '0'\noutput = '1000000'\ncurrency = 'USD'";
const LIMIT: i64 = 6_400;
const CALLS: usize = 5_000;

/// Says one word.
#[derive(Debug)]
pub(super) struct OneToken;

impl Provider for OneToken {
    fn chat(&self, _: ModelCall) -> ProviderStream {
        let usage = Some(Usage { input_tokens: 7, cached_input_tokens: 0, output_tokens: 1 });
        let said = [
            Ok(ProviderEvent::Delta { text: "yes".to_owned() }),
            Ok(ProviderEvent::Finished { reason: FinishReason::EndOfTurn, usage }),
        ];
        stream::iter(said)
            .then(async |event| {
                tokio::task::yield_now().await;
                event
            })
            .boxed()
    }
}

/// Of which at most so many tokens may come.
pub(super) fn request(workspace: &str, most: u32) -> ChatRequest {
    ChatRequest {
        max_output_tokens: Some(most),
        ..ChatRequest::prompt(workspace.parse().unwrap(), "default", "Well?")
    }
}

/// Whether it was answered, or the budget was used up.
pub(super) async fn call(gateway: &Gateway, actor: &Actor, workspace: &str, most: u32) -> bool {
    let events: Vec<_> = gateway.chat(actor, request(workspace, most)).await.unwrap().collect().await;
    match events.last().unwrap() {
        ChatEvent::Finished { .. } => true,
        ChatEvent::Failed(failure) if failure.kind == FailureKind::Budget => false,
        other => panic!("{other:?}"),
    }
}

/// What a process needs to spend, by its environment.
const TASK: &str = "AIFIRST_TEST_SPEND";

/// Another process of this program: it makes [`CALLS`], so many at once, for each of which so many tokens are reserved,
/// and tells a line for each that passed.
fn spend(app: &TestApp, clock: &TestClock, at_once: usize, most: u32) -> Process {
    let task = json!({
        "url": app.database.url,
        "workspace": app.workspace,
        "owner": app.owner.id,
        "now": clock.now(),
        "at_once": at_once,
        "most": most,
    });
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "gateway::overspend::a_process_that_spends", "--ignored", "--nocapture"])
        .env(TASK, task.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    Process::new(child.unwrap())
}

fn passed(told: &str) -> i64 {
    i64::try_from(told.lines().filter(|line| line.ends_with("passed")).count()).unwrap()
}

#[expect(clippy::print_stdout, reason = "what the test counts that began this process")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a part of the tests below, which start it as a process"]
async fn a_process_that_spends() {
    let Ok(task) = std::env::var(TASK) else { return };
    let task: Value = serde_json::from_str(&task).unwrap();
    let now: DateTime<Utc> = text(&task, "/now").parse().unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    let config = format!(
        "data_dir = '{}'\ndatabase.url = '{}'\ndatabase.connections = 8\n{PRICES}",
        folder.path().display(),
        text(&task, "/url")
    );
    let ambient = Ambient::new(Clock::new(move || now), Random::system());
    let app = App::open(Config::with(&config).unwrap(), ambient).await.unwrap();
    let gateway = app.services.gateway.clone().answered_by(Arc::new(OneToken));
    let stop = CancellationToken::new();
    let keeper = tokio::spawn(gateway.clone().keep_budgets(stop.clone()));
    let owner: UserId = text(&task, "/owner").parse().unwrap();
    let actor = app.services.account.actor_with(owner.uuid()).await.unwrap();
    let workspace = text(&task, "/workspace");
    let at_once = usize::try_from(task["at_once"].as_u64().unwrap()).unwrap();
    let most = u32::try_from(task["most"].as_u64().unwrap()).unwrap();
    stream::iter(0..CALLS)
        .for_each_concurrent(at_once, async |_| {
            if call(&gateway, &actor, &workspace, most).await {
                println!("passed");
            }
        })
        .await;
    stop.cancel();
    keeper.await.unwrap();
    gateway.close().await;
}

pub(super) async fn set(app: &TestApp, mut input: Value) -> Value {
    input["workspaceId"] = json!(app.workspace);
    let document = "mutation($input: SetBudgetInput!) { setBudget(input: $input) {
        budget { id version scopeId downgradeRoute } current { version } userErrors { code field message } } }";
    app.ok(&app.owner, document, json!({ "input": input })).await["setBudget"].clone()
}

pub(super) fn usd(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "USD" })
}

/// What the workspace's first budget has spent and reserved, as numbers.
pub(super) async fn used(app: &TestApp) -> (f64, f64) {
    let document = "query($ws: ID!) { workspace(id: $ws) { budgets { nodes { spent { amount } reserved { amount } } } } }";
    let data = app.ok(&app.owner, document, json!({ "ws": app.workspace })).await;
    let amount = |which: &str| {
        text(&data, &format!("/workspace/budgets/nodes/0/{which}/amount")).parse::<f64>().unwrap()
    };
    (amount("spent"), amount("reserved"))
}

async fn with_budget(database: Database, clock: &TestClock) -> TestApp {
    let app = TestApp::start_with(database, PRICES, clock.ambient()).await;
    let limit = usd(&LIMIT.to_string());
    let made = set(&app, json!({ "period": "MONTH", "limit": limit })).await;
    assert_eq!(made["userErrors"], json!([]), "{made:#}");
    app
}

on_both! {
    async fn ten_thousand_calls_at_once_by_two_processes_spend_what_was_set_and_no_more(database: Database) {
        let clock = TestClock::default();
        let app = with_budget(database, &clock).await;
        let spenders = [spend(&app, &clock, CALLS, 3), spend(&app, &clock, CALLS, 3)];
        let mut sum = 0;
        for spender in spenders {
            let ended = spender.end().await;
            assert_eq!(ended.code, Some(0), "{ended:#?}");
            sum += passed(&ended.stdout);
        }
        assert!(sum <= LIMIT, "{sum} of {LIMIT}");
        // All that is left was given back: whoever comes next can spend it, to the last cent.
        let (spent, reserved) = used(&app).await;
        assert_eq!((spent, reserved), (sum as f64, 0.0));
        let last = spend(&app, &clock, 64, 1).end().await;
        assert_eq!(sum + passed(&last.stdout), LIMIT, "{last:#?}");
        assert_eq!(used(&app).await, (LIMIT as f64, 0.0));
    }
}

on_both! {
    async fn what_a_killed_process_may_have_spent_is_not_spent_again(database: Database) {
        let clock = TestClock::default();
        let app = with_budget(database, &clock).await;
        let (mut killed, other) = (spend(&app, &clock, 32, 1), spend(&app, &clock, 32, 1));
        killed.until_told(|told| (passed(told) > 300).then_some(())).await;
        let told = killed.kill().await;
        let other = other.end().await;
        let last = spend(&app, &clock, 32, 1).end().await;
        let sum = passed(&told.stdout) + passed(&other.stdout) + passed(&last.stdout);
        assert!(sum <= LIMIT, "{sum} of {LIMIT}");
        let (spent, reserved) = used(&app).await;
        assert!(reserved > 0.0, "the block of the killed one");
        assert_eq!(spent + reserved, LIMIT as f64, "nothing is left");
        assert!(spent <= sum as f64);
        // It is lost: at most a block, which is a 64th of the limit, and what was under way.
        assert!(LIMIT - sum <= LIMIT / 64 + 32 + 1, "{sum} of {LIMIT} passed");

        clock.forward(TimeDelta::minutes(2));
        let app = app.restart_with(PRICES, clock.ambient()).await;
        let begun = std::time::Instant::now();
        while used(&app).await.1 > 0.0 {
            assert!(begun.elapsed() < crate::support::PATIENCE, "its lease does not end");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(used(&app).await, (LIMIT as f64, 0.0), "it counts as spent");
    }
}
