//! What many follow is read and loaded once.
use super::{CURSOR, remember};
use crate::{
    counted_on_both,
    support::{Subscription, TestApp},
};
use serde_json::{Value, json};

const LIVE: &str = "subscription($ws: ID!, $after: Cursor) { changes(workspaceId: $ws, after: $after) {
    node { __typename id ... on Memory { text } } } }";
const SESSION: &str =
    "mutation($ws: ID!) { startCoachingSession(input: {workspaceId: $ws}) { session { id } } }";
const SEND: &str =
    "mutation($s: ID!) { sendMessage(input: {sessionId: $s, text: \"Hello\"}) { turn { id } } }";

/// Statements that something costs which so many subscriptions hear, from the beginning of its cause to the last of
/// them. Once before, so that all follow: then each hears so many events.
async fn cost(
    app: &TestApp,
    (count, first): (usize, usize),
    document: &str,
    variables: Value,
    cause: impl AsyncFn(),
) -> u64 {
    let mut live: Vec<Subscription> = vec![];
    for _ in 0..count {
        live.push(app.subscribe(&app.owner, document, variables.clone()).await);
    }
    let all_hear = async |live: &mut Vec<Subscription>| {
        for subscription in live {
            subscription.next().await.unwrap();
        }
    };
    cause().await;
    for _ in 0..first {
        all_hear(&mut live).await;
    }
    app.statements(async {
        cause().await;
        all_hear(&mut live).await;
    })
    .await
    .1
}

counted_on_both! {
    async fn a_change_costs_the_database_no_more_the_more_follow_it(app: TestApp) {
        let mut costs = vec![];
        for count in [1, 60] {
            let after = app.ok(&app.owner, CURSOR, json!({ "ws": app.workspace })).await["workspace"]["cursor"].clone();
            let variables = json!({ "ws": app.workspace, "after": after });
            costs.push(cost(&app, (count, 1), LIVE, variables, async || {
                remember(&app, &app.owner, "an owl", "WORKSPACE").await;
            }).await);
        }
        // Every few seconds the log is looked at without a reason, too.
        assert!(costs[1] <= costs[0] + 5, "{costs:?}");
    }
}

counted_on_both! {
    async fn a_sessions_event_costs_the_database_no_more_the_more_follow_it(app: TestApp) {
        let mut costs = vec![];
        for count in [1, 60] {
            let started = app.ok(&app.owner, SESSION, json!({ "ws": app.workspace })).await;
            let session = started["startCoachingSession"]["session"]["id"].clone();
            let live = "subscription($s: ID!) { coachingEvents(sessionId: $s) { __typename } }";
            costs.push(cost(&app, (count, 2), live, json!({ "s": session }), async || {
                app.ok(&app.owner, SEND, json!({ "s": session })).await;
            }).await);
        }
        assert!(costs[1] <= costs[0] + 5, "{costs:?}");
    }
}
