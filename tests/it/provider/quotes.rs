//! What models by HTTP quote becomes citations.
use super::route;
use crate::{
    gateway::guarded::{answer, remember},
    support::{
        Database, TestApp,
        fake::{Fake, Format, Script},
    },
};
use aifirst::shared::Ambient;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_of_a_memory_between_marks_are_a_citation() {
    for format in Format::ALL {
        let fake = Fake::start(format).await;
        let said =
            ["You told me “the violin ", "teacher is Ana”, not “the violin teacher is Tom”", ". What now?"];
        fake.says("one", Script::answer(said));
        let settings = fake.settings("main") + &route("default", &[("main", "one")], "");
        let app = TestApp::start_with(Database::sqlite(), &settings, Ambient::system()).await;
        let memory = "😀 Since May the  violin teacher is Ana, on Mondays";
        remember(&app, memory, "ALLOWED").await;
        let ended = answer(&app, "Who is my violin teacher?").await;
        let reply = &ended["turn"]["reply"];
        assert_eq!(reply["text"], said.concat(), "{format:?} {ended:#}");
        let quote = json!({ "quote": "the  violin teacher is Ana", "start": 13, "end": 39, "memory": { "text": memory } });
        assert_eq!(reply["citations"], json!([quote]), "{format:?} {ended:#}");
        app.running.stop().await;
    }
}
