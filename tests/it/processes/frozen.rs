//! A server that is frozen in the midst of a transaction keeps nobody from going on.
use crate::support::{Binary, Client, Database, PATIENCE, count};
use sea_orm::Database as Connector;
use serde_json::json;
use std::time::{Duration, Instant};

const REMEMBER: &str =
    "mutation($ws: ID!) { remember(input: {workspaceId: $ws, text: \"owl\"}) { memory { id } } }";
/// Sessions that have written something, and whose client has said nothing for a moment.
const HOLDING: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'
    AND backend_xid IS NOT NULL AND state_change < clock_timestamp() - interval '100 milliseconds'";

/// Writes without an end.
async fn write(client: Client, workspace: String) {
    loop {
        let _ = client.ask(REMEMBER, json!({ "ws": workspace })).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_frozen_in_a_transaction_loses_its_locks() {
    let database = Database::postgres().await;
    let admin = Connector::connect(&database.url).await.unwrap();
    let first = Binary::on(&database).set("DATABASE__IDLE_TRANSACTION_SECONDS", 2);
    let second = first.clone().set("DATA_DIR", "other").set("SERVE__WORK", false);
    let (first, second) = (first.serve().await, second.serve().await);
    // The second start made the token that holds.
    let other = second.client();
    let client = other.at(&first);
    let workspace = other.workspace().await;
    let writers: Vec<_> = (0..4).map(|_| tokio::spawn(write(client.clone(), workspace.clone()))).collect();
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < PATIENCE, "it is never caught in a transaction");
        tokio::time::sleep(Duration::from_millis(30)).await;
        first.process.signal("STOP");
        // What the database was just asked, it still answers.
        tokio::time::sleep(Duration::from_millis(150)).await;
        if count(&admin, HOLDING).await > 0 {
            break;
        }
        first.process.signal("CONT");
    }
    let remembered = tokio::time::timeout(PATIENCE, other.get(REMEMBER, json!({ "ws": workspace }))).await;
    let remembered = remembered.expect("the other server waits for the frozen one");
    assert!(remembered["remember"]["memory"]["id"].is_string(), "{remembered:#}");
    first.process.signal("CONT");
    writers.iter().for_each(|writer| writer.abort());
}
