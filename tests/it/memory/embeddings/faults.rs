//! A provider that fails, and what stands in the way to it.
use super::{A, embed, fake, found, memories, progress, settings, stands, start, texts, vector, vectors};
use crate::{
    memory::{index::count, remember},
    on_both,
    support::{TestApp, TestClock, fake::Embeds},
};
use chrono::TimeDelta;
use serde_json::{Value, json};

on_both! {
    async fn where_the_provider_is_down_recall_goes_by_the_embedded_model(database: Database) {
        let fake = fake().await;
        let app = start(database, &settings(&fake, "a")).await;
        let embedded = found(&app, &app.owner, json!({ "query": "anything" })).await.0;
        memories(&app).await;
        embed(&app).await;
        fake.embeds("a", |_| Embeds::refusal(503, json!({})));
        let (by, hits) = found(&app, &app.owner, json!({ "query": "mill 4" })).await;
        assert_eq!((by, hits[0].0.as_str()), (embedded.clone(), "a brook runs by mill 4"));
        // Of another length than its vectors: it is another model.
        fake.embeds("a", |texts| vectors(texts, A + 1));
        assert_eq!(found(&app, &app.owner, json!({ "query": "mill 4" })).await.0, embedded);
        // What was asked once needs no provider.
        fake.embeds("a", |texts| vectors(texts, A));
        assert_eq!(found(&app, &app.owner, json!({ "query": "snizzle" })).await.0, "main/a");
        fake.embeds("a", |_| Embeds::refusal(503, json!({})));
        let (by, hits) = found(&app, &app.owner, json!({ "query": "snizzle" })).await;
        assert_eq!((by.as_str(), hits[0].0.as_str()), ("main/a", "the glorp of the house"));
    }
}

on_both! {
    async fn a_recall_does_not_wait_for_a_provider_that_says_nothing(database: Database) {
        let fake = fake().await;
        let settings = format!("{}query_milliseconds = 50\n", settings(&fake, "a"));
        let app = start(database, &settings).await;
        memories(&app).await;
        embed(&app).await;
        fake.embeds("a", |_| Embeds::Hang);
        let before = fake.asked("a").len();
        for _ in 0..3 {
            let (by, hits) = found(&app, &app.owner, json!({ "query": "mill 4" })).await;
            assert_eq!((by.starts_with("main/"), hits[0].0.as_str()), (false, "a brook runs by mill 4"));
        }
        // Those that came next did not wait at all.
        assert_eq!(fake.asked("a").len(), before + 1);
    }
}

on_both! {
    async fn what_is_no_answer_indexes_nothing_and_is_tried_again_later(database: Database) {
        let (fake, clock) = (fake().await, TestClock::default());
        let app = TestApp::start_with(database, &settings(&fake, "a"), clock.ambient()).await;
        memories(&app).await;
        let bad = [
            Embeds::Vectors(vec![vec![1.0; A]]),
            Embeds::Vectors(vec![vec![f64::NAN; A]; 4]),
            Embeds::Vectors(vec![vec![1.0; 4097]; 4]),
            Embeds::Raw(format!("{{\"data\":[{}", "1,".repeat(10 << 20))),
        ];
        for embeds in bad {
            fake.embeds("a", move |_| embeds.clone());
            let before = fake.asked("a").len();
            embed(&app).await;
            assert_eq!((count(&app, "memory_embedding").await, fake.asked("a").len()), (0, before + 1));
            assert!(progress(&app, &app.owner).await["retryAt"].is_string());
            // It is not tried again at once.
            embed(&app).await;
            assert_eq!(fake.asked("a").len(), before + 1);
            clock.forward(TimeDelta::seconds(61));
        }
        fake.embeds("a", |texts| vectors(texts, A));
        embed(&app).await;
        assert_eq!(progress(&app, &app.owner).await["retryAt"], Value::Null);
        assert_eq!(texts(&app, "snizzle").await[0], "the glorp of the house");
        // Another model behind the same name: its vectors are not put beside the others.
        fake.embeds("a", |texts| vectors(texts, A + 1));
        remember(&app, &app.owner, json!({ "text": "one more glorp" })).await;
        embed(&app).await;
        assert_eq!(count(&app, "memory_embedding").await, 12);
        assert_eq!(count(&app, &format!("memory_embedding WHERE dimensions <> {A}")).await, 0);
    }
}

on_both! {
    async fn a_text_that_is_not_taken_keeps_none_of_the_others_back(database: Database) {
        let fake = fake().await;
        let app = start(database, &settings(&fake, "a")).await;
        fake.embeds("a", |texts| {
            let has = |word: &str| texts.iter().any(|text| text.contains(word));
            match (has("mill 5"), has("mill 7")) {
                (true, _) => Embeds::refusal(400, json!({ "error": { "code": "context_length_exceeded" } })),
                (_, true) => Embeds::refusal(400, json!({ "error": { "message": "invalid input" } })),
                _ => vectors(texts, A),
            }
        });
        let set = "mutation($ws: ID!) { setGuardrailPolicy(input: {workspaceId: $ws, name: \"mail\", stage: RETRIEVAL,
            rules: [{check: PII, action: BLOCK}]}) { guardrailPolicy { name } userErrors { message } } }";
        app.ok(&app.owner, set, json!({ "ws": app.workspace })).await;
        memories(&app).await;
        remember(&app, &app.owner, json!({ "text": "a glorp of ana@example.com" })).await;
        embed(&app).await;
        assert_eq!(count(&app, "memory_embedding").await, 10);
        assert!(!fake.embedded("a").iter().any(|text| text.contains("ana@")));
        assert_eq!(stands(&app).await, ("main/a".to_owned(), json!("main/a"), json!(13), json!(13)));
        // They are found by the embedded one.
        for mill in ["mill 5", "mill 7"] {
            assert_eq!(texts(&app, mill).await[0], format!("a brook runs by {mill}"));
        }
    }
}

/// Turns, each after the longest wait, until there is nothing to try again; how many failed.
async fn turns_that_fail(app: &TestApp, clock: &TestClock) -> usize {
    for failed in 0..20 {
        embed(app).await;
        if progress(app, &app.owner).await["retryAt"].is_null() {
            return failed;
        }
        clock.forward(TimeDelta::seconds(121));
    }
    panic!("nothing comes of it");
}

on_both! {
    async fn texts_over_which_the_provider_stumbles_keep_none_of_the_others_back_for_ever(database: Database) {
        let (fake, clock) = (fake().await, TestClock::default());
        let app = TestApp::start_with(database, &settings(&fake, "a"), clock.ambient()).await;
        fake.embeds("a", |texts| match texts.iter().any(|text| text.contains("mill")) {
            true => Embeds::refusal(500, json!({})),
            false => vectors(texts, A),
        });
        // Nine neighbours, and one that is alone in its partition.
        memories(&app).await;
        remember(&app, &app.owner, json!({ "text": "the mill of all", "scope": "WORKSPACE" })).await;
        let failed = turns_that_fail(&app, &clock).await;
        assert!(failed >= 4, "at first it may be the provider");
        while stands(&app).await.2 != json!(13) {
            turns_that_fail(&app, &clock).await;
        }
        assert_eq!(count(&app, "memory_embedding").await, 3);
        assert_eq!(stands(&app).await, ("main/a".to_owned(), json!("main/a"), json!(13), json!(13)));
        assert_eq!(texts(&app, "mill 5").await[0], "a brook runs by mill 5");
    }
}

on_both! {
    async fn a_provider_that_was_down_for_long_is_asked_for_a_word_and_then_for_all(database: Database) {
        let (fake, clock) = (fake().await, TestClock::default());
        let app = TestApp::start_with(database, &settings(&fake, "a"), clock.ambient()).await;
        fake.embeds("a", |_| Embeds::refusal(503, json!({})));
        memories(&app).await;
        for _ in 0..4 {
            embed(&app).await;
            clock.forward(TimeDelta::seconds(61));
        }
        let words = || fake.embedded("a").into_iter().filter(|text| text == "word").count();
        assert_eq!((fake.asked("a").len(), words()), (4, 0));
        fake.embeds("a", |texts| vectors(texts, A));
        assert_eq!(turns_that_fail(&app, &clock).await, 0);
        assert_eq!((fake.asked("a").len(), words()), (4 + 1 + 3, 1), "no text was asked for alone");
        assert_eq!((count(&app, "memory_embedding").await, stands(&app).await.2), (12, json!(12)));
    }
}

on_both! {
    async fn what_guardrails_mask_is_masked_for_this_provider_too(database: Database) {
        let fake = fake().await;
        let app = start(database, &settings(&fake, "a")).await;
        for stage in ["RETRIEVAL", "INPUT"] {
            let set = format!("mutation($ws: ID!) {{ setGuardrailPolicy(input: {{workspaceId: $ws, name: \"{stage}\", stage: {stage},
                rules: [{{check: PII, action: MASK}}]}}) {{ guardrailPolicy {{ name }} userErrors {{ message }} }} }}");
            app.ok(&app.owner, &set, json!({ "ws": app.workspace })).await;
        }
        remember(&app, &app.owner, json!({ "text": "write to ana@example.com" })).await;
        embed(&app).await;
        texts(&app, "who is ben@example.com").await;
        let sent = fake.embedded("a");
        assert_eq!(sent.len(), 2);
        assert!(sent.iter().all(|text| !text.contains("example.com")), "{sent:?}");
    }
}

on_both! {
    async fn where_a_budget_is_used_up_vectors_wait_and_recall_goes_on(database: Database) {
        let (fake, clock) = (fake().await, TestClock::default());
        let prices = "[gateway.prices.a]\ninput = '1000'\noutput = '0'\ncurrency = 'USD'\n";
        let app = TestApp::start_with(database, &format!("{}{prices}", settings(&fake, "a")), clock.ambient()).await;
        memories(&app).await;
        embed(&app).await;
        let set = async |amount: &str| {
            let set = "mutation($ws: ID!, $amount: Decimal!) { setBudget(input: {workspaceId: $ws, period: DAY, action: BLOCK,
                limit: {amount: $amount, currency: \"USD\"}}) { budget { id } userErrors { message } } }";
            let set = app.ok(&app.owner, set, json!({ "ws": app.workspace, "amount": amount })).await;
            assert_eq!(set["setBudget"]["userErrors"], json!([]));
        };
        set("0.5").await;
        let asked = fake.asked("a").len();
        remember(&app, &app.owner, json!({ "text": "one more glorp" })).await;
        embed(&app).await;
        assert_eq!((count(&app, "memory_embedding").await, fake.asked("a").len()), (12, asked));
        assert!(progress(&app, &app.owner).await["retryAt"].is_string());
        let (by, hits) = found(&app, &app.owner, json!({ "query": "one more" })).await;
        assert_eq!((by.starts_with("main/"), hits[0].0.as_str()), (false, "one more glorp"));
        set("1000").await;
        clock.forward(TimeDelta::seconds(61));
        embed(&app).await;
        assert_eq!(texts(&app, "snizzle").await.len(), 2);
    }
}

#[test]
fn the_models_of_these_tests_go_by_meaning() {
    assert_eq!(vector("a glorp", A), vector("snizzle", A));
    assert_ne!(vector("a glorp", A), vector("whemp", A));
}
