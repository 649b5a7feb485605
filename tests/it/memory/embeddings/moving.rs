//! From one model to another, while recalls go on.
use super::{
    B, MEANINGS, embed, fake, found, memories, progress, settings, stands, start, texts, vectors, working,
};
use crate::{
    memory::{index::count, remember},
    on_both,
    support::{Binary, PATIENCE, TestClock, fake::Embeds},
};
use aifirst::shared::Ambient;
use chrono::TimeDelta;
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
use tokio::time::timeout;

on_both! {
    async fn while_a_workspace_moves_recall_finds_all_it_found_by_one_model_at_a_time(database: Database) {
        let fake = fake().await;
        let app = start(database, &settings(&fake, "a")).await;
        memories(&app).await;
        embed(&app).await;
        let app = app.restart_with(&settings(&fake, "b"), Ambient::system()).await;
        assert_eq!(stands(&app).await, ("main/a".to_owned(), json!("main/b"), json!(0), json!(12)));
        let moved = AtomicBool::new(false);
        let recalling = async {
            let mut seen = vec![];
            loop {
                let is_last = moved.load(Ordering::SeqCst);
                for [told, asked] in MEANINGS {
                    let (by, hits) = found(&app, &app.owner, json!({ "query": asked })).await;
                    assert_eq!(hits[0].0, format!("the {told} of the house"), "{by}");
                    assert!(hits[0].1 > 0.99, "{by} {hits:?}");
                    seen.push(by);
                }
                if is_last {
                    return seen;
                }
            }
        };
        let moving = async {
            // What is new has both meanwhile.
            remember(&app, &app.owner, json!({ "text": "one more brindok" })).await;
            embed(&app).await;
            moved.store(true, Ordering::SeqCst);
        };
        let (seen, ()) = timeout(PATIENCE, async { tokio::join!(recalling, moving) }).await.unwrap();
        let first = seen.iter().position(|by| by == "main/b").unwrap();
        assert!(seen[..first].iter().all(|by| by == "main/a") && seen[first..].iter().all(|by| by == "main/b"), "{seen:?}");
        assert_eq!(stands(&app).await, ("main/b".to_owned(), json!("main/b"), json!(13), json!(13)));
        assert!(texts(&app, "whemp").await.contains(&"one more brindok".to_owned()));
    }
}

on_both! {
    async fn until_the_other_is_complete_what_is_new_gets_a_vector_of_the_one_in_use(database: Database) {
        let fake = fake().await;
        let app = start(database, &settings(&fake, "a")).await;
        memories(&app).await;
        embed(&app).await;
        let app = app.restart_with(&settings(&fake, "b"), Ambient::system()).await;
        fake.embeds("b", |_| Embeds::Raw("no".to_owned()));
        remember(&app, &app.owner, json!({ "text": "one more whemp" })).await;
        embed(&app).await;
        let (by, hits) = found(&app, &app.owner, json!({ "query": "brindok" })).await;
        assert_eq!(by, "main/a");
        assert!(hits.iter().any(|(text, cosine)| text == "one more whemp" && *cosine > 0.99), "{hits:?}");
        assert!(progress(&app, &app.owner).await["retryAt"].is_string());
    }
}

on_both! {
    async fn what_is_left_of_the_former_model_goes_after_a_while_and_coming_back_costs_nothing_before(database: Database) {
        let fake = fake().await;
        let clock = TestClock::default();
        let app = crate::support::TestApp::start_with(database, &settings(&fake, "a"), clock.ambient()).await;
        memories(&app).await;
        embed(&app).await;
        let sent = fake.embedded("a").len();
        let app = app.restart_with(&settings(&fake, "b"), clock.ambient()).await;
        let memory = app.running.services.memory.clone();
        memory.survey_embeddings().await.unwrap();
        embed(&app).await;
        assert_eq!((count(&app, "memory_embedding").await, progress(&app, &app.owner).await["dimensions"].as_u64()), (24, Some(B as u64)));
        // Back, and forth.
        let app = app.restart_with(&settings(&fake, "a"), clock.ambient()).await;
        app.running.services.memory.survey_embeddings().await.unwrap();
        embed(&app).await;
        assert_eq!((stands(&app).await.0.as_str(), fake.embedded("a").len()), ("main/a", sent));
        assert_eq!(texts(&app, "snizzle").await[0], "the glorp of the house");
        app.running.services.memory.survey_embeddings().await.unwrap();
        assert_eq!(count(&app, "memory_embedding").await, 24);
        clock.forward(TimeDelta::minutes(11));
        app.running.services.memory.survey_embeddings().await.unwrap();
        assert_eq!(count(&app, "memory_embedding").await, 12);
        assert_eq!(texts(&app, "snizzle").await[0], "the glorp of the house");
    }
}

on_both! {
    async fn a_workspace_moves_by_its_own_route(database: Database) {
        let fake = fake().await;
        let app = start(database, &settings(&fake, "a")).await;
        memories(&app).await;
        embed(&app).await;
        let set = "mutation($input: SetRouteInput!) { setRoute(input: $input) { route { name } userErrors { message } } }";
        let input = json!({ "workspaceId": app.workspace, "name": "meaning", "settings": { "targets": [{ "provider": "main", "model": "b" }] } });
        app.ok(&app.owner, set, json!({ "input": input })).await;
        app.running.services.memory.survey_embeddings().await.unwrap();
        embed(&app).await;
        assert_eq!(stands(&app).await.0, "main/b");
        // Two models behind one route are no model.
        let two = json!([{ "provider": "main", "model": "a" }, { "provider": "main", "model": "b" }]);
        let input = json!({ "workspaceId": app.workspace, "name": "meaning", "settings": { "targets": two } });
        app.ok(&app.owner, set, json!({ "input": input })).await;
        app.running.services.memory.survey_embeddings().await.unwrap();
        embed(&app).await;
        assert_eq!(stands(&app).await, ("main/b".to_owned(), json!(null), json!(12), json!(12)));
        assert_eq!(texts(&app, "snizzle").await[0], "the glorp of the house");
    }
}

on_both! {
    /// Killed again and again in the midst of it: what was done stays done, and it comes to its end.
    async fn a_killed_server_goes_on_where_it_was(database: Database) {
        let fake = fake().await;
        std::fs::write(database.folder.path().join("aifirst.toml"), working(&fake, "a")).unwrap();
        let binary = Binary::on(&database);
        let asked = Arc::new(AtomicUsize::new(0));
        let (seen, calls) = (asked.clone(), tokio::sync::watch::Sender::new(0));
        let told = calls.clone();
        fake.embeds("a", move |texts| {
            told.send_replace(seen.fetch_add(1, Ordering::SeqCst) + 1);
            vectors(texts, super::A)
        });
        let server = binary.serve().await;
        let client = server.client();
        let workspace = client.workspace().await;
        let items: Vec<_> = (0..200).map(|n| json!({ "externalId": n.to_string(), "text": format!("mill {n} of glorp") })).collect();
        client.ask(crate::memory::IMPORT, json!({ "ws": workspace, "items": items })).await.unwrap();
        let mut server = server;
        let mut calls = calls.subscribe();
        for killed in [2, 6] {
            timeout(PATIENCE, calls.wait_for(|calls| *calls >= killed)).await.unwrap().unwrap();
            server.kill();
            server = binary.serve().await;
        }
        let client = client.at(&server);
        let progress = "query($ws: ID!) { workspace(id: $ws) { memoryEmbedding { model done total } } }";
        let until = async || loop {
            let data = client.ask(progress, json!({ "ws": workspace })).await.unwrap();
            if data["workspace"]["memoryEmbedding"]["model"] == "main/a" {
                return data["workspace"]["memoryEmbedding"].clone();
            }
            tokio::task::yield_now().await;
        };
        // Whoever was killed has its turn for some seconds yet.
        let stands = timeout(PATIENCE * 4, until()).await.unwrap();
        assert_eq!((&stands["done"], &stands["total"]), (&json!(200), &json!(200)));
        // What was under way when it was killed was asked again, and nothing else.
        assert!(fake.embedded("a").len() <= 200 + 2 * 4, "{}", fake.embedded("a").len());
    }
}
