//! What a caller says of the order: phrases in quotation marks, importance, diversity.
use super::{documents::add, import, problem, recall, remember};
use crate::{
    counted_on_both, on_both,
    support::{TestApp, text},
};
use serde_json::{Value, json};

const HITS: &str = "query($ws: ID!, $input: RecallInput!) { workspace(id: $ws) { recall(input: $input) {
    hits { score signals { phrases importance } item { ... on Memory { externalId } ... on DocumentChunk { document { title } } } }
    groups { collection score } } } }";

async fn found(app: &TestApp, input: Value) -> Value {
    app.ok(&app.owner, HITS, json!({ "ws": app.workspace, "input": input })).await["workspace"]["recall"]
        .clone()
}

/// The hits by their names, which are their external ids or the titles of their documents.
async fn names(app: &TestApp, input: Value) -> String {
    let found = found(app, input).await;
    let names = found["hits"].as_array().unwrap().iter().map(|hit| {
        let item = &hit["item"];
        item["externalId"].as_str().or(item["document"]["title"].as_str()).unwrap().to_owned()
    });
    names.collect::<Vec<_>>().join(" ")
}

async fn tea(app: &TestApp) {
    import(app, &app.owner, json!([
        { "externalId": "apart", "text": "Green is the tea, tea is green: green tins for all of the tea", "collection": "talk/1" },
        { "externalId": "held", "text": "Somebody at the office of Ben's brother in Porto asked me whether there were any green teas left", "collection": "talk/2" },
        { "externalId": "other", "text": "Tea", "collection": "talk/1" },
        { "externalId": "said", "text": "There is no tea", "speaker": "Ana Lima", "collection": "talk/3" },
    ])).await;
}

on_both! {
    async fn what_holds_a_phrase_of_the_query_comes_first(app: TestApp) {
        tea(&app).await;
        assert!(names(&app, json!({ "query": "green tea" })).await.starts_with("apart"));
        assert_eq!(names(&app, json!({ "query": "\"green tea\"" })).await, "held apart other said");
        // Where quotes are not two, or not around words, it is words.
        for query in ["\"green tea", "green \"tea", "5\" green 6\" tea"] {
            assert!(names(&app, json!({ "query": query })).await.starts_with("apart"), "{query}");
        }
        assert!(names(&app, json!({ "query": "any tea of “ana lima”" })).await.starts_with("said"));
        // A filter hides it, and nothing takes its place.
        assert_eq!(names(&app, json!({ "query": "\"green tea\"", "collectionPrefix": "talk/1" })).await, "apart other");

        let hits = found(&app, json!({ "query": "\"green tea\" and \"Ben's\" or \"quokka\"" })).await["hits"].clone();
        let told: Vec<_> = hits.as_array().unwrap().iter().map(|hit| hit["signals"]["phrases"].as_i64().unwrap()).collect();
        assert_eq!(told, [2, 0, 0, 0], "{hits:#}");
        let scores: Vec<_> = hits.as_array().unwrap().iter().map(|hit| hit["score"].as_f64().unwrap()).collect();
        assert!(scores.is_sorted_by(|one, next| one >= next) && scores[0] > 0.5 && scores[0] < 0.75, "{scores:?}");
        let hits = found(&app, json!({ "query": "green tea" })).await["hits"].clone();
        assert_eq!(hits[0]["signals"]["phrases"], Value::Null);
    }
}

on_both! {
    async fn the_best_conversation_is_the_one_that_holds_the_phrase(app: TestApp) {
        tea(&app).await;
        let best = async |query: &str| {
            let found = found(&app, json!({ "query": query, "groupBy": "COLLECTION" })).await;
            text(&found, "/groups/0/collection")
        };
        assert_eq!(best("green tea").await, "talk/1");
        assert_eq!(best("\"green tea\"").await, "talk/2");
    }
}

on_both! {
    async fn a_phrase_is_found_in_a_document_and_in_its_title(app: TestApp) {
        for (title, body) in [
            ("Apart", "Leaves are red in autumn, the red of leaves is that of autumn, and red leaves are autumn leaves: red autumn."),
            ("Held", "In one of the many chapters that follow, there is a long list, and on it stands: autumn red leaves nothing out."),
            ("Autumn red", "Leaves."),
        ] {
            add(&app, &app.owner, json!({ "title": title, "text": body })).await;
        }
        let names = names(&app, json!({ "query": "leaves of \"autumn red\"" })).await;
        assert!(names.ends_with("Apart"), "{names}");
    }
}

on_both! {
    async fn phrases_of_others_are_not_found(app: TestApp) {
        let stranger = app.person("Eve").await;
        let other = app.create_workspace(&stranger, "eves").await;
        remember(&app, &stranger, json!({ "workspaceId": other, "text": "green tea", "externalId": "eve" })).await;
        tea(&app).await;
        assert_eq!(names(&app, json!({ "query": "\"green tea\"" })).await, "held apart other said");
    }
}

counted_on_both! {
    async fn a_phrase_costs_the_texts_that_may_hold_it(app: TestApp) {
        let items: Vec<_> = (0..300).map(|n| json!({ "externalId": n.to_string(), "text": format!("tulip {n} bed") })).collect();
        import(&app, &app.owner, json!(items)).await;
        let mut costs = vec![];
        for query in ["tulip bed", "\"tulip bed\"", "\"tulip bed\"", "\"tulip zebu\""] {
            costs.push(app.statements(recall(&app, &app.owner, query)).await.1);
        }
        // The first one reads the index; nothing has both words of the last.
        assert_eq!(costs, [5, 4, 4, 3]);
    }
}

on_both! {
    async fn what_says_the_same_moves_down_where_that_is_asked_for(app: TestApp) {
        import(&app, &app.owner, json!([
            { "externalId": "a", "text": "The rehearsal is on Monday in the town hall" },
            { "externalId": "b", "text": "The rehearsal is on Monday, in the town hall!" },
            { "externalId": "c", "text": "On Monday the rehearsal is in the town hall" },
            { "externalId": "d", "text": "Bring the violin to the rehearsal" },
        ])).await;
        let ask = async |diversity: f64| names(&app, json!({ "query": "rehearsal on Monday", "diversity": diversity })).await;
        let plain = names(&app, json!({ "query": "rehearsal on Monday" })).await;
        assert!(plain.starts_with('a') && plain.ends_with('d'), "{plain}");
        assert_eq!(ask(0.0).await, plain);
        assert!(ask(0.7).await.starts_with("a d "));
        // What holds the phrase still comes first.
        assert_eq!(names(&app, json!({ "query": "rehearsal \"on Monday\"", "diversity": 0.7 })).await.split(' ').next_back(), Some("d"));
        let all = found(&app, json!({ "query": "rehearsal on Monday" })).await["hits"].clone();
        let diverse = found(&app, json!({ "query": "rehearsal on Monday", "diversity": 1 })).await["hits"].clone();
        assert_eq!(diverse[1], all[3], "scores stay");
        for diversity in [json!(-0.1), json!(1.1), json!(1e300)] {
            let variables = json!({ "ws": app.workspace, "input": { "query": "x", "diversity": diversity } });
            assert_eq!(app.code(&app.owner, HITS, variables).await, "BAD_USER_INPUT");
        }
    }
}

on_both! {
    async fn what_matters_more_comes_first_and_keeps_its_importance(app: TestApp) {
        import(&app, &app.owner, json!([
            { "externalId": "plain", "text": "The gate code is 4711" },
            { "externalId": "vital", "text": "The gate code is 4711", "importance": 1 },
            { "externalId": "trifle", "text": "The gate code is 4711", "importance": 0.0 },
        ])).await;
        let hits = found(&app, json!({ "query": "gate code" })).await["hits"].clone();
        let told: Vec<_> = hits.as_array().unwrap().iter().map(|hit| (text(hit, "/item/externalId"), hit["signals"]["importance"].clone())).collect();
        assert_eq!(told, [("vital".to_owned(), json!(1.0)), ("plain".to_owned(), Value::Null), ("trifle".to_owned(), json!(0.0))]);

        // Written again with another importance alone it is changed, and stands elsewhere.
        let item = |importance: Value| json!([{ "externalId": "vital", "text": "The gate code is 4711", "importance": importance }]);
        assert_eq!(import(&app, &app.owner, item(json!(1))).await["unchanged"], 1);
        assert_eq!(import(&app, &app.owner, item(Value::Null)).await["updated"], 1);
        assert_eq!(names(&app, json!({ "query": "gate code" })).await, "plain vital trifle");

        let document = "mutation($input: RememberInput!) { remember(input: $input) { memory { id importance } userErrors { field } } }";
        let input = json!({ "workspaceId": app.workspace, "text": "The barn has a key", "importance": 0.75 });
        let memory = app.ok(&app.owner, document, json!({ "input": input })).await["remember"]["memory"].clone();
        assert_eq!(memory["importance"], 0.75);
        let document = "mutation($id: ID!) { supersedeMemory(input: {memoryId: $id, by: {text: \"The barn has a lock\"}}) { by { importance } } }";
        let superseded = app.ok(&app.owner, document, json!({ "id": memory["id"] })).await["supersedeMemory"].clone();
        assert_eq!(superseded["by"]["importance"], 0.75, "{superseded:#}");

        let export = "query($ws: ID!) { workspace(id: $ws) { memoryExport { lines } } }";
        let lines = text(&app.ok(&app.owner, export, json!({ "ws": app.workspace })).await, "/workspace/memoryExport/lines");
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let importance: Vec<_> = lines.iter().map(|line| line["importance"].clone()).collect();
        assert_eq!(importance, [Value::Null, Value::Null, json!(0.0), json!(0.75)]);

        for importance in [-0.1, 1.1, 1e300] {
            let refused = remember(&app, &app.owner, json!({ "text": "x", "importance": importance })).await;
            assert_eq!(problem(&refused), ("INVALID".into(), "importance".into()));
        }
        let refused = import(&app, &app.owner, json!([{ "externalId": "1", "text": "x", "importance": 2 }])).await;
        assert_eq!(problem(&refused), ("INVALID".into(), "items.0.importance".into()));
    }
}

on_both! {
    async fn what_all_hits_have_in_common_can_be_asked_by_their_interface(app: TestApp) {
        let memory = remember(&app, &app.owner, json!({ "text": "Green tea" })).await["memory"]["id"].clone();
        add(&app, &app.owner, json!({ "title": "Tea", "text": "Black tea", "scope": "USER" })).await;
        let query = "query($ws: ID!) { workspace(id: $ws) { recall(input: {query: \"tea\"}) {
            hits { item { ... on Node { id } __typename ...OfNode } } } } }
            fragment OfNode on Node { again: id ... on Memory { text } }";
        let data = app.ok(&app.owner, query, json!({ "ws": app.workspace })).await;
        let hits = data["workspace"]["recall"]["hits"].as_array().unwrap();
        assert_eq!(hits.len(), 2);
        for hit in hits {
            let item = &hit["item"];
            assert!(item["id"].is_string() && item["id"] == item["again"], "{item}");
        }
        let found = hits.iter().find(|hit| hit["item"]["__typename"] == "Memory").unwrap();
        assert_eq!(found["item"], json!({ "id": memory, "__typename": "Memory", "again": memory, "text": "Green tea" }));
    }
}
