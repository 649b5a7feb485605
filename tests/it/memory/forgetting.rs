//! What is left of a memory that was forgotten.
use super::index::count;
use super::{FORGET, import, remember, texts};
use crate::{
    on_both,
    support::{Database, TestApp, text},
};
use serde_json::json;

/// Its own stem, so that the index shows it.
const CANARY: &str = "zyxwvowl";

fn contains(bytes: &[u8]) -> bool {
    let canary = CANARY.as_bytes();
    bytes.windows(canary.len()).any(|window| window.eq_ignore_ascii_case(canary))
}

async fn remember_and_forget(app: &TestApp, before: impl AsyncFnOnce()) {
    let items: Vec<_> =
        (0..50).map(|n| json!({ "externalId": n.to_string(), "text": format!("other word{n}") })).collect();
    import(app, &app.owner, json!(items)).await;
    let input = json!({ "text": format!("The {CANARY} sings, {CANARY}!"), "externalId": format!("id of {CANARY}"),
        "speaker": format!("Mr {CANARY}"), "collection": CANARY, "idempotencyKey": "k" });
    let memory = remember(app, &app.owner, input).await["memory"].clone();
    assert_eq!(texts(app, &app.owner, CANARY).await.len(), 1);
    before().await;
    app.ok(&app.owner, FORGET, json!({ "id": memory["id"] })).await;
    assert!(texts(app, &app.owner, CANARY).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_in_the_files_of_sqlite() {
    let app = TestApp::start(Database::sqlite()).await;
    let folder = app.database.folder.path().to_owned();
    let anywhere = || {
        let files = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path());
        let files: Vec<_> = files.filter(|path| path.is_file()).collect();
        assert!(files.len() >= 2, "{files:?}");
        files.into_iter().any(|path| contains(&std::fs::read(path).unwrap()))
    };
    remember_and_forget(&app, async || assert!(anywhere(), "the test looks where the text is")).await;
    assert!(!anywhere());
}

on_both! {
    async fn nothing_is_left_in_any_table(app: TestApp) {
        // Text, external id, speaker, collection, and the latter two in the index.
        remember_and_forget(&app, async || assert_eq!(app.columns_with(CANARY).await.len(), 6)).await;
        assert_eq!(app.columns_with(CANARY).await, [""; 0]);
    }
}

on_both! {
    async fn a_forgetting_is_in_the_log_without_the_text(app: TestApp) {
        remember_and_forget(&app, async || ()).await;
        let actor = app.running.services.account.authenticate(&app.owner.token).await.unwrap();
        let grant = actor.may::<aifirst::shared::actor::Read>(app.workspace_id()).unwrap();
        let events = app.running.services.log.list(&grant, None, 0).await.unwrap();
        let kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
        assert_eq!(kinds[kinds.len() - 2..], ["MEMORY_REMEMBERED", "MEMORY_FORGOTTEN"]);
        assert!(events.iter().all(|event| !contains(event.data.to_string().as_bytes())));
    }
}

on_both! {
    async fn a_forgetting_at_once_with_changes_leaves_no_entry(app: TestApp) {
        for round in 0..6 {
            let input = |text: &str| json!({ "text": text, "externalId": round.to_string() });
            let memory = remember(&app, &app.owner, input("walnut tree")).await["memory"].clone();
            let forget = app.ok(&app.owner, FORGET, json!({ "id": memory["id"] }));
            let change = remember(&app, &app.owner, input("walnut wood and oil"));
            let (receipt, changed) = tokio::join!(forget, change);
            assert_eq!(text(&receipt, "/forgetMemory/receipt/erased/0/kind"), "MEMORY");
            assert!(changed["memory"].is_object() || changed["userErrors"][0]["code"] == "FORGOTTEN");
            assert!(texts(&app, &app.owner, "walnut tree wood oil").await.is_empty());
        }
        assert_eq!(count(&app, "memory_index").await, 0);
    }
}
