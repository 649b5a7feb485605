//! What a recall finds by a provider's vectors.
use super::{
    A, embed, embed as give, fake, fake_of, found, memories, progress, settings, stands, start, texts,
    working,
};
use crate::{
    counted_on_both,
    memory::{FORGET, import, member, remember},
    on_both,
    support::{fake::Format, text},
};
use serde_json::{Value, json};

on_both! {
    async fn what_is_meant_is_found_without_a_common_word(database: Database) {
        let fake = fake().await;
        let app = start(database, &settings(&fake, "a")).await;
        memories(&app).await;
        let (embedded, hits) = found(&app, &app.owner, json!({ "query": "snizzle" })).await;
        assert!(embedded.starts_with("static") || !embedded.contains("main/"), "{embedded}");
        assert!(hits.iter().all(|(text, _)| !text.contains("glorp")), "{hits:?}");
        assert_eq!(stands(&app).await, (embedded.clone(), json!("main/a"), json!(0), json!(12)));

        give(&app).await;
        let (by, hits) = found(&app, &app.owner, json!({ "query": "snizzle" })).await;
        assert_eq!((by.as_str(), hits[0].0.as_str()), ("main/a", "the glorp of the house"));
        assert!(hits[0].1 > 0.99, "{hits:?}");
        assert_eq!(texts(&app, "whemp").await[0], "the brindok of the house");
        assert_eq!(stands(&app).await, ("main/a".to_owned(), json!("main/a"), json!(12), json!(12)));
        assert_eq!(progress(&app, &app.owner).await["dimensions"], A as i64);
        // The words count beside it.
        assert_eq!(texts(&app, "the mill 7").await[0], "a brook runs by mill 7");
        // Each was sent once, and each query once.
        let sent = fake.embedded("a");
        assert_eq!(sent.iter().filter(|text| text.contains("mill 3")).count(), 1);
        assert_eq!(sent.iter().filter(|text| *text == "snizzle").count(), 1);
        assert_eq!(sent.len(), 12 + 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_format_that_has_vectors_serves() {
    for format in [Format::Ollama, Format::Gemini] {
        let fake = fake_of(format).await;
        let app = start(crate::support::Database::sqlite(), &settings(&fake, "a")).await;
        memories(&app).await;
        embed(&app).await;
        assert_eq!(texts(&app, "snizzle").await[0], "the glorp of the house", "{format:?}");
    }
}

on_both! {
    async fn what_was_written_a_moment_ago_is_found_by_the_embedded_model(database: Database) {
        let fake = fake().await;
        let app = start(database, &settings(&fake, "a")).await;
        memories(&app).await;
        embed(&app).await;
        remember(&app, &app.owner, json!({ "text": "The physician is at the hospital" })).await;
        let (by, hits) = found(&app, &app.owner, json!({ "query": "my doctor" })).await;
        let new = hits.iter().find(|(text, _)| text.contains("physician")).unwrap();
        assert_eq!(by, "main/a");
        // Which has a cosine that the provider's vectors never have.
        assert!(0.4 < new.1 && new.1 < 0.99, "{hits:?}");
        embed(&app).await;
        let (_, hits) = found(&app, &app.owner, json!({ "query": "my doctor" })).await;
        assert!(hits.iter().all(|(_, cosine)| *cosine > 0.99), "{hits:?}");
    }
}

on_both! {
    async fn a_text_that_changes_has_no_vector_until_it_is_given_anew(database: Database) {
        let fake = fake().await;
        let app = start(database, &settings(&fake, "a")).await;
        let write = async |text: &str| remember(&app, &app.owner, json!({ "externalId": "1", "text": text })).await;
        memories(&app).await;
        write("quaffle").await;
        embed(&app).await;
        assert!(texts(&app, "dornik").await.contains(&"quaffle".to_owned()));
        write("now a whemp").await;
        assert!(!texts(&app, "dornik").await.contains(&"now a whemp".to_owned()));
        embed(&app).await;
        assert!(texts(&app, "brindok").await.contains(&"now a whemp".to_owned()));
        assert_eq!(crate::memory::index::count(&app, "memory_embedding").await, 13);
    }
}

on_both! {
    async fn documents_have_vectors_too_and_another_version_has_its_own(database: Database) {
        let fake = fake().await;
        let app = start(database, &settings(&fake, "a")).await;
        memories(&app).await;
        let add = "mutation($input: AddDocumentInput!) { addDocument(input: $input) { document { id } userErrors { message } } }";
        let write = async |words: &str| {
            let input = json!({ "workspaceId": app.workspace, "scope": "USER", "title": "Book", "mediaType": "text/plain", "externalId": "book", "text": words });
            app.ok(&app.owner, add, json!({ "input": input })).await
        };
        write("a word of glorp and more").await;
        embed(&app).await;
        assert_eq!(fake.embedded("a").last().unwrap(), "Book\na word of glorp and more");
        assert!(texts(&app, "snizzle").await.contains(&"a word of glorp and more".to_owned()));
        write("a word of whemp and more").await;
        embed(&app).await;
        assert!(texts(&app, "brindok").await.contains(&"a word of whemp and more".to_owned()));
        assert_eq!(crate::memory::index::count(&app, "memory_embedding").await, 13);
    }
}

on_both! {
    async fn what_is_forgotten_leaves_no_vector(database: Database) {
        let fake = fake().await;
        let app = start(database, &settings(&fake, "a")).await;
        memories(&app).await;
        let memory = remember(&app, &app.owner, json!({ "text": "my own glorp" })).await["memory"].clone();
        embed(&app).await;
        assert!(texts(&app, "snizzle").await.contains(&"my own glorp".to_owned()));
        let forgotten = app.ok(&app.owner, FORGET, json!({ "id": memory["id"] })).await;
        let erased = &forgotten["forgetMemory"]["receipt"]["erased"];
        assert_eq!(erased[1], json!({ "kind": "INDEX_ENTRY", "count": 1 }), "{erased}");
        assert!(!texts(&app, "snizzle").await.contains(&"my own glorp".to_owned()));
        assert_eq!(crate::memory::index::count(&app, "memory_embedding").await, 12);
        let without = app.restart_with(&settings(&fake, "a"), aifirst::shared::Ambient::system()).await;
        assert_eq!(texts(&without, "snizzle").await[0], "the glorp of the house");
    }
}

/// A vector that no other is like, looked for in the files.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_vector_is_left_in_the_files_of_sqlite() {
    let fake = fake().await;
    let canary: Vec<i8> =
        (0..64).map(|number| [127, -7, 99, -101, 53, number][number as usize % 6]).collect();
    let numbers: Vec<f64> = canary.iter().map(|number| f64::from(*number)).collect();
    fake.embeds("a", move |texts| {
        let of = |text: &String| if text.contains("canary") { numbers.clone() } else { vec![1.0; 64] };
        crate::support::fake::Embeds::Vectors(texts.iter().map(of).collect())
    });
    let app = start(crate::support::Database::sqlite(), &settings(&fake, "a")).await;
    memories(&app).await;
    let memory = remember(&app, &app.owner, json!({ "text": "a canary" })).await["memory"].clone();
    embed(&app).await;
    let folder = app.database.folder.path().to_owned();
    let bytes: Vec<u8> = canary.iter().map(|number| number.cast_unsigned()).collect();
    let anywhere = || {
        let files = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path());
        let holds = |path: &std::path::PathBuf| {
            let content = std::fs::read(path).unwrap();
            content.windows(bytes.len()).any(|window| window == bytes)
        };
        files.filter(|path| path.is_file()).any(|path| holds(&path))
    };
    assert!(anywhere(), "the test looks where vectors are");
    app.ok(&app.owner, FORGET, json!({ "id": memory["id"] })).await;
    assert!(!anywhere());
}

on_both! {
    async fn the_background_gives_vectors_by_itself(database: Database) {
        let fake = fake().await;
        let app = start(database, &working(&fake, "a")).await;
        memories(&app).await;
        let document = "query($ws: ID!) { workspace(id: $ws) { recall(input: {query: \"snizzle\"}) {
            embeddedBy hits { item { ... on Memory { text } } } } } }";
        let until = async || loop {
            let data = app.ok(&app.owner, document, json!({ "ws": app.workspace })).await;
            if data["workspace"]["recall"]["embeddedBy"] == "main/a" {
                return data;
            }
            tokio::task::yield_now().await;
        };
        let data = tokio::time::timeout(crate::support::PATIENCE, until()).await.unwrap();
        assert_eq!(text(&data, "/workspace/recall/hits/0/item/text"), "the glorp of the house");
    }
}

counted_on_both! {
    async fn without_a_route_a_recall_costs_what_it_did(app: TestApp) {
        memories(&app).await;
        let (before, _) = found(&app, &app.owner, json!({ "query": "mill" })).await;
        assert!(!before.contains('/') || !before.starts_with("main/"), "{before}");
        let again = app.statements(found(&app, &app.owner, json!({ "query": "mill" }))).await;
        assert_eq!(again.1, 3);
        let stands = stands(&app).await;
        assert_eq!((stands.0, stands.1, stands.2, stands.3), (before, Value::Null, json!(12), json!(12)));
    }
}

on_both! {
    async fn groups_go_by_it_and_so_do_viewers(database: Database) {
        let fake = fake().await;
        let app = start(database, &settings(&fake, "a")).await;
        memories(&app).await;
        import(&app, &app.owner, json!([{ "externalId": "x", "text": "one glorp", "collection": "box" }])).await;
        let all = json!({ "text": "a glorp for all", "scope": "WORKSPACE" });
        remember(&app, &app.owner, all).await;
        let viewer = member(&app, "Vera Viewer", "VIEWER").await;
        embed(&app).await;
        let input = json!({ "query": "snizzle", "groupBy": "COLLECTION" });
        let data = app.ok(&app.owner, super::RECALL, json!({ "ws": app.workspace, "input": input })).await;
        assert_eq!(data["workspace"]["recall"]["groups"], json!([{ "collection": "box" }]));
        let (by, hits) = found(&app, &viewer, json!({ "query": "snizzle" })).await;
        assert_eq!((by.as_str(), hits.len(), hits[0].0.as_str()), ("main/a", 1, "a glorp for all"));
        // Of others' own memories a viewer learns not even how many there are.
        assert_eq!(progress(&app, &viewer).await["total"], 1);
    }
}
