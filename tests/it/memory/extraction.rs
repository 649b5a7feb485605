//! What a session or a text says that is worth remembering is proposed, and nothing else; nobody recalls it before it
//! is accepted.
use super::{FORGET, member, problem, remember, telling::Telling, texts};
use crate::{
    coaching, counted_on_both, on_both,
    support::{Person, TestApp, text},
};
use serde_json::{Value, json};

const EXTRACT: &str = "mutation($input: ExtractMemoriesInput!) { extractMemories(input: $input) {
    candidates { text kind topic confidence reason speaker source { quote start end message { id text } session { id } } }
    refused { candidate { text source { quote } } refusal message duplicateOf { id } }
    memories { id text kind status scope confidence sources { quote start end message { id text } session { id } } }
    usedModel truncated userErrors { code field message } } }";
const ACCEPT: &str = "mutation($ids: [ID!]!) { acceptMemories(input: {memoryIds: $ids}) {
    memories { id status } userErrors { code field message } } }";
const REJECT: &str = "mutation($ids: [ID!]!) { rejectMemories(input: {memoryIds: $ids}) {
    memories { id status } userErrors { code field message } } }";

/// `extractMemories`; the workspace is added.
async fn extract(app: &TestApp, person: &Person, mut input: Value) -> Value {
    input["workspaceId"] = json!(app.workspace);
    app.ok(person, EXTRACT, json!({ "input": input })).await["extractMemories"].clone()
}

fn of_text(text: &str) -> Value {
    json!({ "source": { "text": { "text": text } }, "dryRun": false })
}

fn all(list: &Value, pointer: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|item| text(item, pointer)).collect()
}

const SAID: &str = "😀 I prefer tea over coffee. My sister Ana lives in Oslo. What do you think? We decided to move the \
    launch to 14 March.";

on_both! {
    async fn a_dry_run_shows_candidates_with_their_places_and_keeps_nothing(app: TestApp) {
        let shown = extract(&app, &app.owner, json!({ "source": { "text": { "text": SAID } } })).await;
        let candidates = &shown["candidates"];
        assert_eq!(all(candidates, "/topic"), ["PREFERENCE", "FACT", "DECISION"], "{shown:#}");
        assert_eq!(all(candidates, "/kind"), ["PREFERENCE", "FACT", "NOTE"]);
        let units: Vec<u16> = SAID.encode_utf16().collect();
        for candidate in candidates.as_array().unwrap() {
            let at = |name: &str| usize::try_from(candidate["source"][name].as_u64().unwrap()).unwrap();
            let quote = String::from_utf16(&units[at("start")..at("end")]).unwrap();
            assert_eq!(text(candidate, "/source/quote"), quote);
            assert_eq!(text(candidate, "/text"), quote);
            assert!(candidate["confidence"].as_f64().unwrap() >= 0.5 && !text(candidate, "/reason").is_empty());
        }
        assert_eq!((&shown["memories"], &shown["usedModel"], &shown["truncated"]), (&json!([]), &json!(false), &json!(false)));
        let list = "query($ws: ID!) { workspace(id: $ws) { memories(first: 9) { totalCount } } }";
        let list = app.ok(&app.owner, list, json!({ "ws": app.workspace })).await;
        assert_eq!(list["workspace"]["memories"]["totalCount"], 0);
    }
}

on_both! {
    async fn what_is_proposed_is_recalled_once_it_is_accepted_and_never_where_it_is_rejected(app: TestApp) {
        let kept = extract(&app, &app.owner, of_text(SAID)).await["memories"].clone();
        assert_eq!(all(&kept, "/status"), ["CANDIDATE"; 3]);
        let ids = all(&kept, "/id");
        assert_eq!(texts(&app, &app.owner, "tea coffee Oslo launch").await, [""; 0]);

        let accepted = app.ok(&app.owner, ACCEPT, json!({ "ids": ids[..2] })).await["acceptMemories"].clone();
        assert_eq!(all(&accepted["memories"], "/status"), ["ACTIVE"; 2], "{accepted:#}");
        assert_eq!(all(&accepted["memories"], "/id"), ids[..2]);
        assert_eq!(texts(&app, &app.owner, "Where does Ana live?").await, ["My sister Ana lives in Oslo."]);
        // Again changes nothing.
        let again = app.ok(&app.owner, ACCEPT, json!({ "ids": ids[..2] })).await["acceptMemories"].clone();
        assert_eq!(again, accepted);

        let rejected = app.ok(&app.owner, REJECT, json!({ "ids": [ids[2]] })).await["rejectMemories"].clone();
        assert_eq!(all(&rejected["memories"], "/status"), ["REJECTED"]);
        assert_eq!(texts(&app, &app.owner, "launch").await, [""; 0]);
        // All or none.
        let both = app.ok(&app.owner, REJECT, json!({ "ids": [ids[2], ids[0]] })).await["rejectMemories"].clone();
        assert_eq!(problem(&both), ("INVALID".into(), "memoryIds.1".into()));
        let more = extract(&app, &app.owner, of_text("I love old maps of Bergen.")).await;
        let mixed = json!({ "ids": [text(&more, "/memories/0/id"), ids[2]] });
        let mixed = app.ok(&app.owner, ACCEPT, mixed).await["acceptMemories"].clone();
        assert_eq!(problem(&mixed), ("INVALID".into(), "memoryIds.1".into()));
        assert_eq!(texts(&app, &app.owner, "maps").await, [""; 0]);

        // What is known, what is proposed and what was rejected is not proposed again.
        let again = extract(&app, &app.owner, of_text(&format!("{SAID} I love old maps of Bergen."))).await;
        assert_eq!(again["memories"], json!([]), "{again:#}");
        assert_eq!(all(&again["refused"], "/refusal"), ["DUPLICATE"; 4]);
        let known: Vec<_> = ids.into_iter().chain([text(&more, "/memories/0/id")]).collect();
        assert_eq!(all(&again["refused"], "/duplicateOf/id"), known);
    }
}

on_both! {
    async fn a_memory_from_a_session_knows_the_message_that_says_it(app: TestApp) {
        let session = coaching::start(&app).await;
        coaching::say(&app, &session, "Hello! I prefer tea over coffee.").await;
        coaching::say(&app, &session, "My sister Ana lives in Oslo. Is that far?").await;
        let found = extract(&app, &app.owner, json!({ "source": { "sessionId": session }, "dryRun": false })).await;
        let memories = &found["memories"];
        assert_eq!(all(memories, "/text"), ["I prefer tea over coffee.", "My sister Ana lives in Oslo."], "{found:#}");
        for memory in memories.as_array().unwrap() {
            let source = &memory["sources"][0];
            let (said, quote) = (text(source, "/message/text"), text(source, "/quote"));
            let at = |name: &str| usize::try_from(source[name].as_u64().unwrap()).unwrap();
            assert_eq!(&said[at("start")..at("end")], quote);
            assert_eq!(text(source, "/session/id"), session);
        }
        // Forgotten, it is gone with where it came from.
        app.ok(&app.owner, FORGET, json!({ "id": memories[0]["id"] })).await;
        let columns = app.columns_with("tea over coffee").await;
        assert!(columns.iter().all(|column| column.contains("\"message\"")), "{columns:?}");
    }
}

on_both! {
    async fn only_ones_own_sessions_are_read(app: TestApp) {
        let session = coaching::start(&app).await;
        coaching::say(&app, &session, "I prefer tea over coffee.").await;
        let admin = member(&app, "Adam Admin", "ADMIN").await;
        for (person, code) in [(&admin, "NOT_FOUND"), (&member(&app, "Vera Viewer", "VIEWER").await, "FORBIDDEN")] {
            let input = json!({ "workspaceId": app.workspace, "source": { "sessionId": session } });
            assert_eq!(app.code(person, EXTRACT, json!({ "input": input })).await, code);
        }
        // What one proposed for oneself nobody else settles; what is for all, who may write.
        let own = extract(&app, &app.owner, of_text("I love old maps of Bergen.")).await;
        let ids = json!({ "ids": [text(&own, "/memories/0/id")] });
        assert_eq!(app.code(&admin, ACCEPT, ids).await, "NOT_FOUND");
        let mut shared = of_text("Our team meets on Mondays at nine.");
        shared["scope"] = json!("WORKSPACE");
        let shared = extract(&app, &app.owner, shared).await;
        let ids = json!({ "ids": [text(&shared, "/memories/0/id")] });
        assert_eq!(app.ok(&admin, ACCEPT, ids).await["acceptMemories"]["memories"][0]["status"], "ACTIVE");
        assert_eq!(texts(&app, &admin, "Mondays").await, ["Our team meets on Mondays at nine."]);
    }
}

on_both! {
    async fn recalled_text_never_comes_in_again(app: TestApp) {
        let facts = ["I prefer short stand-ups before ten", "My sister Ana lives in Oslo", "We decided to move the launch to 14 March",
            "I am allergic to peanuts", "My dentist appointment is on 3 May at nine"];
        for fact in facts {
            remember(&app, &app.owner, json!({ "text": fact })).await;
        }
        let session = coaching::start(&app).await;
        let mut heard = vec![];
        for asked in ["How long are our stand-ups before ten?", "Where does my sister Ana live?", "When is the launch in March?", "What am I allergic to, peanuts?", "When is my dentist appointment?"] {
            heard.push(coaching::say(&app, &session, asked).await);
        }
        assert!(facts.iter().all(|fact| heard.iter().any(|reply| reply.contains(fact))), "{heard:#?}");
        // From the session that they were recalled in, from a transcript of it, from replies that are pasted, and said back.
        let pasted: Vec<_> = heard.iter().map(|reply| reply.as_str()).collect();
        let mut sources = vec![json!({ "sessionId": session }), json!({ "text": { "text": pasted.join("\n\n") } })];
        let transcript: Vec<_> = heard.iter().map(|reply| format!("Coach: {reply}")).collect();
        sources.push(json!({ "text": { "text": transcript.join("\n") } }));
        sources.push(json!({ "text": { "text": facts.join(".\n") } }));
        for source in sources {
            let found = extract(&app, &app.owner, json!({ "source": source, "dryRun": false })).await;
            let known: Vec<_> = all(&found["memories"], "/text").into_iter().filter(|text| facts.iter().any(|fact| text.contains(fact) || fact.contains(text.trim_matches(['“', '”', '.'])))).collect();
            assert_eq!(known, [""; 0], "{found:#}");
        }
        // Said back in the same session.
        for fact in facts {
            coaching::say(&app, &session, fact).await;
        }
        let found = extract(&app, &app.owner, json!({ "source": { "sessionId": session }, "dryRun": false })).await;
        assert_eq!(found["memories"], json!([]), "{found:#}");
        let refusals = all(&found["refused"], "/refusal");
        let known = refusals.iter().filter(|refusal| ["RECALLED", "DUPLICATE"].contains(&refusal.as_str()));
        assert!(known.count() >= facts.len(), "{found:#}");
    }
}

on_both! {
    async fn an_idempotency_key_gives_what_was_kept_again(app: TestApp) {
        let mut input = of_text(SAID);
        input["idempotencyKey"] = json!("k");
        let first = extract(&app, &app.owner, input.clone()).await;
        let again = extract(&app, &app.owner, input).await;
        assert_eq!(again["memories"], first["memories"]);
        assert_eq!(again["candidates"], json!([]));
        let mut other = of_text("I love old maps of Bergen.");
        other["idempotencyKey"] = json!("k");
        assert_eq!(problem(&extract(&app, &app.owner, other).await).0, "IDEMPOTENCY_CONFLICT");
    }
}

on_both! {
    async fn a_models_candidates_go_through_the_same_gate(database: Database) {
        let model = Telling::default();
        let app = model.start(database, "").await;
        let said = "Well, I had a chat with Rita. She moved the launch to 14 March. I prefer tea over coffee.";
        let item = |text: &str, quote: &str| json!({ "text": text, "topic": "DATE", "quote": quote, "confidence": 0.9 });
        model.says(json!({ "memories": [
            item("Rita moved the launch to 14 March.", "She moved the launch to 14 March."),
            item("Rita moved the launch to 15 March.", "She moved the launch to 14 March."),
            item("Rita leads the audit.", "Rita leads the audit"),
            item("Rita moved the launch to the 14 March", "moved the launch to 14 March"),
        ] }));
        let mut input = of_text(said);
        input["route"] = json!("model");
        let found = extract(&app, &app.owner, input.clone()).await;
        assert_eq!(found["usedModel"], true);
        let kept = ["Rita moved the launch to 14 March.", "I prefer tea over coffee."];
        assert_eq!(all(&found["memories"], "/text"), kept, "{found:#}");
        assert_eq!(all(&found["refused"], "/refusal"), ["UNSUPPORTED", "UNSUPPORTED", "DUPLICATE"]);
        let asked = model.asked();
        assert!(asked[0].messages[0].text.contains(said) && asked[0].output_schema.is_some());

        // One that is not understood leaves the rules alone.
        model.says("Sorry, I cannot.");
        let mut other = of_text("I love old maps of Bergen.");
        other["route"] = json!("model");
        let found = extract(&app, &app.owner, other).await;
        assert_eq!((&found["usedModel"], all(&found["memories"], "/text")), (&json!(false), vec!["I love old maps of Bergen.".to_owned()]));
        input["route"] = json!("nowhere");
        assert_eq!(problem(&extract(&app, &app.owner, input).await), ("INVALID".into(), "route".into()));
    }
}

on_both! {
    async fn what_cannot_be_read_is_refused(app: TestApp) {
        let long = json!({ "source": { "text": { "text": "x".repeat(50_001) } } });
        assert_eq!(problem(&extract(&app, &app.owner, long).await), ("INVALID".into(), "source.text.text".into()));
        let none = json!({ "source": { "text": { "text": " " } } });
        assert_eq!(problem(&extract(&app, &app.owner, none).await), ("INVALID".into(), "source.text.text".into()));
        let scope = json!({ "source": { "text": { "text": "I prefer tea over coffee." } }, "scope": "SESSION" });
        assert_eq!(problem(&extract(&app, &app.owner, scope).await), ("INVALID".into(), "scope".into()));
        let nothing = app.ok(&app.owner, ACCEPT, json!({ "ids": [] })).await["acceptMemories"].clone();
        assert_eq!(problem(&nothing), ("INVALID".into(), "memoryIds".into()));
        // A wall of text is bounded, and no more than 100 candidates come of it.
        let wall: String = (0..400).map(|n| format!("I prefer tea number{n} over coffee brand{n}. ")).collect();
        let found = extract(&app, &app.owner, json!({ "source": { "text": { "text": wall } } })).await;
        assert_eq!((found["candidates"].as_array().unwrap().len(), &found["truncated"]), (100, &json!(true)));
    }
}

counted_on_both! {
    async fn accepting_many_costs_as_much_as_accepting_one(app: TestApp) {
        let propose = async |count: usize, name: &str| {
            let said: String = (0..count).map(|n| format!("I prefer {name}{n} over coffee brand{n}. ")).collect();
            let found = extract(&app, &app.owner, of_text(&said)).await;
            let ids = all(&found["memories"], "/id");
            assert_eq!(ids.len(), count);
            ids
        };
        let (one, many) = (propose(1, "tea").await, propose(30, "maps").await);
        let (_, few) = app.cost(&app.owner, ACCEPT, json!({ "ids": one })).await;
        let (_, more) = app.cost(&app.owner, ACCEPT, json!({ "ids": many })).await;
        assert_eq!(few, more);
    }
}
