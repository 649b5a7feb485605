//! Answers from what is remembered rest on it word for word, or there is none.
use super::{member, remember, telling::Telling};
use crate::{
    counted_on_both, on_both,
    support::{Person, TestApp, text},
};
use serde_json::{Value, json};

const ASK: &str = "query($ws: ID!, $input: AnswerInput!) { workspace(id: $ws) { answer(input: $input) {
    text grounded abstained abstainedFor usedTokens usage { inputTokens outputTokens }
    citations { quote start end memory { id text } } } } }";

async fn ask(app: &TestApp, person: &Person, input: Value) -> Value {
    app.ok(person, ASK, json!({ "ws": app.workspace, "input": input })).await["workspace"]["answer"].clone()
}

fn along_model(question: &str) -> Value {
    json!({ "question": question, "route": "model" })
}

fn quotes(answer: &Value) -> Vec<String> {
    answer["citations"].as_array().unwrap().iter().map(|it| text(it, "/quote")).collect()
}

on_both! {
    async fn without_a_model_the_answer_is_quoted(app: TestApp) {
        let id = text(&remember(&app, &app.owner, json!({ "text": "🎻 Notes. The violin rehearsal is on Monday at nine. Bring the score.", "speaker": "Ana" })).await, "/memory/id");
        remember(&app, &app.owner, json!({ "text": "Ben likes long walks" })).await;
        let answer = ask(&app, &app.owner, json!({ "question": "When is the violin rehearsal?" })).await;
        assert_eq!(text(&answer, "/text"), "Ana: “The violin rehearsal is on Monday at nine.”");
        assert_eq!((&answer["grounded"], &answer["abstained"], &answer["abstainedFor"]), (&json!(true), &json!(false), &Value::Null));
        let citation = &answer["citations"][0];
        let units: Vec<u16> = text(citation, "/memory/text").encode_utf16().collect();
        let at = |name: &str| usize::try_from(citation[name].as_u64().unwrap()).unwrap();
        assert_eq!(String::from_utf16(&units[at("start")..at("end")]).unwrap(), text(citation, "/quote"));
        assert_eq!(text(citation, "/memory/id"), id);
        assert!(answer["usage"]["inputTokens"].as_i64().unwrap() > 0 && answer["usedTokens"].as_i64().unwrap() > 0);
    }
}

on_both! {
    async fn where_the_evidence_is_not_there_nothing_is_made_up(database: Database) {
        let model = Telling::default();
        let app = model.start(database, "").await;
        remember(&app, &app.owner, json!({ "text": "Ana likes the violin" })).await;
        // Nothing near: nobody is asked.
        let far = ask(&app, &app.owner, along_model("Which bank holds the mortgage?")).await;
        assert_eq!((&far["abstained"], text(&far, "/abstainedFor")), (&json!(true), "NO_EVIDENCE".to_owned()));
        assert_eq!((&far["grounded"], &far["citations"], &far["usage"]["inputTokens"]), (&json!(false), &json!([]), &json!(0)));
        assert_eq!(model.asked().len(), 0);
        // Near, and the model says that it is not enough.
        model.says(json!({ "answered": false, "answer": "", "quotes": [] }));
        let near = ask(&app, &app.owner, along_model("How old is Ana's violin?")).await;
        assert_eq!((&near["abstained"], text(&near, "/abstainedFor")), (&json!(true), "NOT_IN_SOURCES".to_owned()));
        // Without a model, too.
        let extract = ask(&app, &app.owner, json!({ "question": "When was Ana's violin built in Cremona?" })).await;
        assert_eq!(text(&extract, "/abstainedFor"), "NOT_IN_SOURCES", "{extract:#}");
    }
}

on_both! {
    async fn a_quote_that_is_not_in_its_source_is_dropped(database: Database) {
        let model = Telling::default();
        let app = model.start(database, "").await;
        remember(&app, &app.owner, json!({ "text": "The rehearsal is on Monday at nine" })).await;
        let says = |answer: &str, given: &[&str]| {
            let quotes: Vec<_> = given.iter().map(|quote| json!({ "source": 1, "quote": quote })).collect();
            model.says(json!({ "answered": true, "answer": answer, "quotes": quotes }));
        };
        let ask = async || ask(&app, &app.owner, along_model("When is the rehearsal?")).await;
        says("On Monday at nine.", &["The rehearsal is on Monday"]);
        let good = ask().await;
        assert_eq!((&good["grounded"], quotes(&good)), (&json!(true), vec!["The rehearsal is on Monday".to_owned()]), "{good:#}");
        let asked = model.asked();
        assert!(asked[0].sources.len() == 1 && asked[0].output_schema.is_some());

        says("On Tuesday.", &["The rehearsal is on Tuesday", "on Monday"]);
        let bad = ask().await;
        assert_eq!((&bad["grounded"], quotes(&bad)), (&json!(false), vec!["on Monday".to_owned()]));
        says("On Monday at 9:30.", &["on Monday"]);
        assert_eq!(ask().await["grounded"], false);
        says("On Monday.", &[]);
        assert_eq!(ask().await["grounded"], false);
        // One that keeps to no form is held against its sources, too.
        model.says("It is “on Monday at nine”.");
        let plain = ask().await;
        assert_eq!((&plain["grounded"], quotes(&plain)), (&json!(true), vec!["on Monday at nine".to_owned()]));
    }
}

on_both! {
    async fn what_may_not_leave_is_not_told_to_a_model_outside(database: Database) {
        let model = Telling::default();
        // On a network of its own, so not internal; it is replaced before it is called.
        let more = "gateway.providers.outside = { kind = 'openai-compatible', base_url = 'https://models.example.org/v1' }
            gateway.routes.outside = { targets = [{ provider = 'outside', model = 'm' }] }";
        let settings = format!("{more}\ngateway.providers.telling.kind = 'builtin'\ngateway.routes.model = {{ targets = [{{ provider = 'telling', model = 'small-1' }}] }}");
        let as_model = || std::sync::Arc::new(model.clone()) as std::sync::Arc<dyn aifirst::gateway::Provider>;
        let app = TestApp::start_with_models(database, &settings, aifirst::shared::Ambient::system(), vec![("telling", as_model()), ("outside", as_model())]).await;
        remember(&app, &app.owner, json!({ "text": "The rehearsal moved to the secret cellar", "egress": "INTERNAL_ONLY" })).await;
        remember(&app, &app.owner, json!({ "text": "The rehearsal is on Monday" })).await;
        model.says(json!({ "answered": true, "answer": "On Monday.", "quotes": [{ "source": 1, "quote": "The rehearsal is on Monday" }] }));
        for (route, count) in [("model", 2), ("outside", 1)] {
            let answer = ask(&app, &app.owner, json!({ "question": "Where is the rehearsal?", "route": route })).await;
            assert_eq!((answer["citations"].as_array().unwrap().len(), &answer["grounded"]), (1, &json!(true)), "{answer:#}");
            let told = model.asked().pop().unwrap().sources;
            assert_eq!(told.len(), count, "{route}");
            assert!(count == 2 || !told[0].text.contains("cellar"));
        }
    }
}

on_both! {
    async fn a_guardrail_on_what_was_recalled_holds_as_in_a_turn(database: Database) {
        let model = Telling::default();
        let app = model.start(database, "").await;
        let set = "mutation($ws: ID!, $action: GuardrailAction!) { setGuardrailPolicy(input: {workspaceId: $ws, name: \"mail\", stage: RETRIEVAL,
            rules: [{check: PII, action: $action}]}) { guardrailPolicy { name } userErrors { message } } }";
        remember(&app, &app.owner, json!({ "text": "Write to anna@example.com for the rehearsal" })).await;
        let ask = async || ask(&app, &app.owner, along_model("Who is asked for the rehearsal?")).await;
        app.ok(&app.owner, set, json!({ "ws": app.workspace, "action": "MASK" })).await;
        model.says(json!({ "answered": true, "answer": "[EMAIL_1]", "quotes": [{ "source": 1, "quote": "Write to [EMAIL_1]" }] }));
        let masked = ask().await;
        assert!(!model.asked()[0].sources[0].text.contains("anna@"), "{:?}", model.asked());
        assert_eq!((text(&masked, "/text"), quotes(&masked)), ("anna@example.com".to_owned(), vec!["Write to anna@example.com".to_owned()]), "{masked:#}");
        app.ok(&app.owner, set, json!({ "ws": app.workspace, "action": "BLOCK" })).await;
        let blocked = ask().await;
        assert_eq!((text(&blocked, "/abstainedFor"), &blocked["citations"]), ("CONTENT_POLICY".to_owned(), &json!([])));
        assert_eq!(model.asked().len(), 1);
    }
}

on_both! {
    async fn an_answer_is_made_from_what_the_asker_may_recall(app: TestApp) {
        let other = member(&app, "Mia Member", "MEMBER").await;
        remember(&app, &other, json!({ "text": "The violin is hidden in the cellar" })).await;
        let answer = ask(&app, &app.owner, json!({ "question": "Where is the violin hidden?" })).await;
        assert_eq!(text(&answer, "/abstainedFor"), "NO_EVIDENCE");
        let own = ask(&app, &other, json!({ "question": "Where is the violin hidden?" })).await;
        assert_eq!(own["grounded"], true, "{own:#}");
        // A model costs: who may only read asks none.
        let viewer = member(&app, "Vera Viewer", "VIEWER").await;
        let input = json!({ "ws": app.workspace, "input": { "question": "Where?" } });
        assert_eq!(app.code(&viewer, ASK, input.clone()).await, "FORBIDDEN");
        let stranger = app.person("Sam Stranger").await;
        assert_eq!(app.ok(&stranger, ASK, input).await, json!({ "workspace": null }));
        for bad in [json!({ "question": "x", "limit": 0 }), json!({ "question": "x", "limit": 101 }), json!({ "question": " " }),
            json!({ "question": "x", "tokenBudget": -1 }), json!({ "question": "x".repeat(10_001) }), json!({ "question": "Where is the violin hidden?", "route": "nowhere" })] {
            let person = if bad["route"].is_string() { &other } else { &app.owner };
            let code = app.code(person, ASK, json!({ "ws": app.workspace, "input": bad })).await;
            assert_eq!(code, "BAD_USER_INPUT", "{bad}");
        }
    }
}

counted_on_both! {
    async fn an_answer_costs_as_many_statements_beside_many_memories(app: TestApp) {
        let question = json!({ "ws": app.workspace, "input": { "question": "When is the violin rehearsal?" } });
        remember(&app, &app.owner, json!({ "text": "The violin rehearsal is on Monday" })).await;
        app.ok(&app.owner, ASK, question.clone()).await;
        let (_, few) = app.cost(&app.owner, ASK, question.clone()).await;
        for number in 0..12 {
            remember(&app, &app.owner, json!({ "text": format!("The violin rehearsal number {number} is over") })).await;
        }
        app.ok(&app.owner, ASK, question.clone()).await;
        let (_, more) = app.cost(&app.owner, ASK, question).await;
        assert_eq!(few, more);
    }
}
