//! A run that takes its workers down ends; it is not taken up again and again for ever.
use super::{ENDS, events, publish, start, state};
use crate::{on_both, support::TestApp};
use aifirst::{db::Source, shared::Ambient};
use sea_orm::ConnectionTrait;
use serde_json::json;

/// The run as so many lost workers left it: they had taken it, and recorded nothing.
async fn left(app: &TestApp, takeovers: i64) {
    let tx = app.running.services.db.begin().await.unwrap();
    let wake = "UPDATE run SET wake_at = created_at, lease_until = created_at";
    tx.connection().execute_unprepared(&format!("{wake}, takeovers = {takeovers}")).await.unwrap();
    tx.commit().await.unwrap();
}

on_both! {
    async fn a_run_that_takes_its_workers_down_again_and_again_fails(app: TestApp) {
        let ask = json!({ "key": "ask", "action": { "approval": { "title": "?" } } });
        let workflow = publish(&app, json!([ask])).await;
        let run = start(&app, &workflow, json!({})).await;
        events(&app, &run, &["ApprovalRequested"]).await;
        // One less is taken up, and goes on.
        left(&app, 8).await;
        let app = app.restart_with("", Ambient::system()).await;
        let begun = std::time::Instant::now();
        let waits = "SELECT 1 FROM run WHERE wake_at IS NULL AND lease_until IS NULL AND takeovers = 0";
        loop {
            let connection = app.running.services.db.connection();
            let statement = sea_orm::Statement::from_string(connection.get_database_backend(), waits);
            if connection.query_one_raw(statement).await.unwrap().is_some() {
                break;
            }
            assert!(begun.elapsed() < crate::support::PATIENCE, "{:#}", state(&app, &run).await);
            tokio::task::yield_now().await;
        }
        assert_eq!(state(&app, &run).await["status"], "WAITING");
        left(&app, 9).await;
        let app = app.restart_with("", Ambient::system()).await;
        let told = events(&app, &run, ENDS).await;
        assert_eq!(told.last().unwrap()["run"]["error"], json!({ "code": "WORKER_LOST", "stepKey": null }), "{told:#?}");
        let state = state(&app, &run).await;
        assert_eq!((&state["status"], &state["steps"]["nodes"][0]["status"]), (&json!("FAILED"), &json!("CANCELLED")));
    }
}
