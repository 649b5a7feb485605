//! What goes to which provider, and who sees what came of it.
use super::{embed, fake, found, memories, settings, start, texts};
use crate::{memory::remember, on_both, support::text};
use aifirst::config::Config;
use serde_json::json;

/// As one of somewhere else.
fn outside(settings: &str) -> String {
    settings.replace("kind = 'openai-compatible'", "kind = 'openai-compatible'\ninternal = false")
}

on_both! {
    async fn what_may_not_leave_is_sent_to_no_provider_outside(database: Database) {
        let fake = fake().await;
        let app = start(database, &outside(&settings(&fake, "a"))).await;
        memories(&app).await;
        for number in 0..5 {
            remember(&app, &app.owner, json!({ "text": format!("secret glorp {number}"), "egress": "INTERNAL_ONLY" })).await;
        }
        let add = "mutation($input: AddDocumentInput!) { addDocument(input: $input) { document { id } userErrors { message } } }";
        let input = json!({ "workspaceId": app.workspace, "scope": "USER", "title": "Book", "mediaType": "text/plain", "text": "a secret of glorp", "egress": "INTERNAL_ONLY" });
        app.ok(&app.owner, add, json!({ "input": input })).await;
        embed(&app).await;
        assert!(fake.embedded("a").iter().all(|text| !text.contains("secret")), "{:?}", fake.embedded("a"));
        assert_eq!(fake.embedded("a").len(), 12);
        assert_eq!(super::progress(&app, &app.owner).await["done"], 18);
        // They are found by their words and the embedded model, beside what has a vector.
        assert_eq!(texts(&app, "snizzle").await[0], "the glorp of the house");
        assert!(texts(&app, "secret").await[..6].iter().all(|text| text.contains("secret")));
    }
}

on_both! {
    async fn what_may_not_leave_goes_to_a_provider_inside(database: Database) {
        let fake = fake().await;
        let app = start(database, &settings(&fake, "a")).await;
        remember(&app, &app.owner, json!({ "text": "a secret glorp", "egress": "INTERNAL_ONLY" })).await;
        embed(&app).await;
        assert_eq!(texts(&app, "snizzle").await, ["a secret glorp"]);
    }
}

on_both! {
    async fn nobody_finds_by_it_what_is_anothers(database: Database) {
        let fake = fake().await;
        let app = start(database, &settings(&fake, "a")).await;
        remember(&app, &app.owner, json!({ "text": "my own glorp" })).await;
        remember(&app, &app.owner, json!({ "text": "a glorp for all", "scope": "WORKSPACE" })).await;
        let member = crate::memory::member(&app, "Max Member", "MEMBER").await;
        remember(&app, &member, json!({ "text": "a glorp of Max's" })).await;
        let stranger = app.person("Stella Stranger").await;
        let other = app.create_workspace(&stranger, "other").await;
        remember(&app, &stranger, json!({ "text": "a glorp elsewhere", "workspaceId": other })).await;
        embed(&app).await;
        let mut seen = texts(&app, "snizzle").await;
        seen.sort();
        assert_eq!(seen, ["a glorp for all", "my own glorp"]);
        let (_, hits) = found(&app, &member, json!({ "query": "snizzle" })).await;
        let mut seen: Vec<_> = hits.into_iter().map(|(text, _)| text).collect();
        seen.sort();
        assert_eq!(seen, ["a glorp for all", "a glorp of Max's"]);
        let asked = json!({ "ws": other, "input": { "query": "snizzle" } });
        let data = app.ok(&stranger, super::RECALL, asked).await;
        assert_eq!(text(&data, "/workspace/recall/hits/0/item/text"), "a glorp elsewhere");
        assert_eq!(data["workspace"]["recall"]["hits"].as_array().unwrap().len(), 1);
        // No call has texts of two workspaces, or of two people.
        for asked in fake.asked("a") {
            let texts = asked.body["input"].as_array().unwrap();
            let of = |word: &str| texts.iter().any(|text| text.as_str().unwrap().contains(word));
            let owners = ["for all", "own", "Max", "elsewhere"].iter().filter(|word| of(word)).count();
            assert!(owners <= 1, "{texts:?}");
        }
    }
}

on_both! {
    async fn calls_for_vectors_are_in_the_log_without_their_texts(database: Database) {
        let fake = fake().await;
        let prices = "[gateway.prices.a]\ninput = '1000'\noutput = '0'\ncurrency = 'USD'\n";
        let app = start(database, &format!("{}{prices}", settings(&fake, "a"))).await;
        let keep = "mutation($ws: ID!) { keepCallContents(input: {workspaceId: $ws, keep: true}) { userErrors { message } } }";
        app.ok(&app.owner, keep, json!({ "ws": app.workspace })).await;
        remember(&app, &app.owner, json!({ "text": "my own glorp" })).await;
        embed(&app).await;
        texts(&app, "snizzle").await;
        let document = "query($ws: ID!) { workspace(id: $ws) { llmCalls(first: 5) { nodes {
            routeName modelUsed status inputTokens outputTokens cost { amount currency } content { answer } } } } }";
        let variables = json!({ "ws": app.workspace });
        app.until(&app.owner, document, &variables, "/workspace/llmCalls/nodes/1/status").await;
        let data = app.ok(&app.owner, document, variables).await;
        let nodes = data["workspace"]["llmCalls"]["nodes"].as_array().unwrap();
        assert_eq!(nodes.len(), 2);
        for node in nodes {
            assert_eq!(node["routeName"], "meaning");
            assert_eq!(node["modelUsed"], "a");
            assert_eq!(node["status"], "COMPLETED");
            assert_eq!((&node["inputTokens"], &node["outputTokens"]), (&json!(7), &json!(0)));
            assert_eq!(node["cost"], json!({ "amount": "0.007", "currency": "USD" }));
            assert_eq!(node["content"], json!(null));
        }
    }
}

#[test]
fn a_route_for_vectors_leads_to_one_model_that_has_some() {
    let providers = "[gateway.providers.main]\nkind = 'openai-compatible'\n[gateway.providers.said]\nkind = 'anthropic'\n";
    let problem = |route: &str, more: &str| {
        let toml =
            format!("memory.embedding = {{ route = 'r'{more} }}\n{providers}[gateway.routes.r]\n{route}\n");
        Config::with(&toml).err().map(|error| error.to_string())
    };
    let one = "targets = [{ provider = 'main', model = 'a' }]";
    assert_eq!(problem(one, ""), None);
    let told = |found: Option<String>, what: &str| {
        let found = found.unwrap();
        assert!(found.contains(what) && found.starts_with("memory.embedding."), "{found}");
    };
    told(
        problem("targets = [{ provider = 'main', model = 'a' }, { provider = 'main', model = 'b' }]", ""),
        "one target",
    );
    told(
        problem(
            &format!("{one}\nfallbacks = {{ context_window = [{{ provider = 'main', model = 'b' }}] }}"),
            "",
        ),
        "one target",
    );
    told(
        problem("targets = [{ provider = 'said', model = 'a' }]", ""),
        "openai-compatible, ollama and gemini",
    );
    told(problem(one, ", batch = 129"), "batch");
    told(problem(one, ", batch = 0"), "batch");
    told(problem(one, ", characters = 99"), "characters");
    told(problem(one, ", query_milliseconds = 0"), "query_milliseconds");
    let none = Config::with("memory.embedding.route = 'nowhere'").unwrap_err().to_string();
    assert!(none.contains("there is no route \"nowhere\""), "{none}");
}
