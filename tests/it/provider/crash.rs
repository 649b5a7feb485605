//! What of the usage log outlives the process that wrote it.
use super::{route, turn};
use crate::{
    contract::operations,
    on_both,
    support::{
        Binary, Client, PATIENCE,
        fake::{Fake, Format, Piece, Script},
        text,
    },
};
use serde_json::{Value, json};
use std::{
    fs,
    time::{Duration, Instant},
};

const CALLS: &str = "query($ws: ID!) { workspace(id: $ws) { llmCalls(first: 50) { nodes {
    id status inputTokens outputTokens attempts { target status } } } } }";
const TURNS: usize = 3;

async fn calls(client: &Client) -> Vec<Value> {
    let data = client.get(CALLS, json!({ "ws": client.workspace().await })).await;
    data["workspace"]["llmCalls"]["nodes"].as_array().unwrap().clone()
}

on_both! {
    async fn a_crash_loses_the_call_under_way_and_none_that_is_listed(database: Database) {
        let fake = Fake::start(Format::OpenAi).await;
        fake.says("one", Script::answer(["Go ", "on."]));
        let settings = fake.settings("main") + &route("default", &[("main", "one")], "");
        fs::write(database.folder.path().join("aifirst.toml"), settings).unwrap();
        let binary = Binary::on(&database);
        let server = binary.serve().await;
        let client = server.client();
        for _ in 0..TURNS {
            turn(&client).await;
        }
        let begun = Instant::now();
        let listed = loop {
            let listed = calls(&client).await;
            if listed.len() == TURNS {
                break listed;
            }
            assert!(begun.elapsed() < PATIENCE, "{listed:#?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        fake.says("one", Script::texts(["Well, "]).then(Piece::Hang));
        let session = client.get(operations()["StartSession"], json!({ "ws": client.workspace().await })).await;
        let session = text(&session, "/startCoachingSession/session/id");
        client.get(operations()["Send"], json!({ "s": session, "text": "Shall I?" })).await;
        while fake.asked("one").len() == TURNS {
            assert!(begun.elapsed() < PATIENCE, "nobody asks");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        server.kill();
        let server = binary.serve().await;
        assert_eq!(calls(&server.client()).await, listed);
    }
}
