//! The people, projects and things that memories name.
use super::{FORGET, import, member, problem, remember};
use crate::{
    counted_on_both, on_both,
    support::{Person, TestApp, text},
};
use serde_json::{Value, json};

const OF_MEMORY: &str =
    "query($id: ID!) { node(id: $id) { ... on Memory { entities { name kind aliases memoryCount
    memories(first: 10) { nodes { text } } } } } }";
const LIST: &str =
    "query($ws: ID!, $filter: EntityFilter, $first: Int, $after: String) { workspace(id: $ws) {
    entities(filter: $filter, first: $first, after: $after) { totalCount pageInfo { hasNextPage endCursor }
        nodes { name kind aliases memoryCount memories(first: 2) { totalCount nodes { text } } } } } }";
const MERGE: &str = "mutation($input: MergeEntitiesInput!) { mergeEntities(input: $input) {
    entity { name kind aliases memoryCount } userErrors { code field message } } }";
const SEPARATE: &str = "mutation($input: SeparateEntitiesInput!) { separateEntities(input: $input) {
    entities { name memoryCount } userErrors { code field message } } }";

async fn merge(app: &TestApp, person: &Person, input: Value) -> Value {
    changed(app, person, MERGE, "mergeEntities", input).await
}

async fn separate(app: &TestApp, person: &Person, input: Value) -> Value {
    changed(app, person, SEPARATE, "separateEntities", input).await
}

async fn changed(app: &TestApp, person: &Person, document: &str, field: &str, mut input: Value) -> Value {
    input["workspaceId"] = json!(app.workspace);
    app.ok(person, document, json!({ "input": input })).await[field].clone()
}

async fn list(app: &TestApp, person: &Person, filter: Value) -> Value {
    app.ok(person, LIST, json!({ "ws": app.workspace, "filter": filter })).await["workspace"]["entities"]
        .clone()
}

/// The names with how many memories name each.
async fn named(app: &TestApp, person: &Person, filter: Value) -> Vec<String> {
    let list = list(app, person, filter).await;
    let of = |entity: &Value| format!("{} {}", text(entity, "/name"), entity["memoryCount"]);
    list["nodes"].as_array().unwrap().iter().map(of).collect()
}

async fn says(app: &TestApp, person: &Person, said: &str) -> String {
    text(&remember(app, person, json!({ "text": said })).await, "/memory/id")
}

on_both! {
    async fn what_memories_name_is_listed_with_its_memories_most_named_first(app: TestApp) {
        for said in ["Lunch with Ana Bell in Lisbon", "I called Ana Bell", "the Apollo project is late", "Lisbon was warm, and ANA  Bell came"] {
            says(&app, &app.owner, said).await;
        }
        remember(&app, &app.owner, json!({ "text": "See you there!", "speaker": "Ana Bell" })).await;
        let all = list(&app, &app.owner, json!({})).await;
        assert_eq!(all["totalCount"], 3, "{all:#}");
        let ana = &all["nodes"][0];
        assert_eq!((text(ana, "/name"), text(ana, "/kind"), &ana["memoryCount"]), ("Ana Bell".into(), "PERSON".into(), &json!(4)), "{all:#}");
        assert_eq!(ana["memories"], json!({ "totalCount": 4, "nodes": [{ "text": "See you there!" }, { "text": "Lisbon was warm, and ANA  Bell came" }] }));
        assert_eq!(all["nodes"][1]["name"], "Lisbon");
        assert_eq!(named(&app, &app.owner, json!({ "kinds": ["PROJECT"] })).await, ["Apollo 1"]);
        assert_eq!(named(&app, &app.owner, json!({ "name": "lis" })).await, ["Lisbon 2"]);
        assert_eq!(named(&app, &app.owner, json!({ "name": "bon" })).await, [""; 0]);

        // Page by page they are the same.
        let (mut names, mut after) = (vec![], Value::Null);
        for _ in 0..3 {
            let page = app.ok(&app.owner, LIST, json!({ "ws": app.workspace, "first": 1, "after": after })).await;
            let page = &page["workspace"]["entities"];
            names.push(text(page, "/nodes/0/name"));
            after = page["pageInfo"]["endCursor"].clone();
        }
        assert_eq!(names, ["Ana Bell", "Lisbon", "Apollo"]);
    }
}

on_both! {
    async fn a_memory_tells_what_it_names(app: TestApp) {
        says(&app, &app.owner, "I met Carla").await;
        let id = says(&app, &app.owner, "We told Carla about Oslo").await;
        let data = app.ok(&app.owner, OF_MEMORY, json!({ "id": id })).await;
        let entities = &data["node"]["entities"];
        assert_eq!(entities[0], json!({ "name": "Carla", "kind": "PERSON", "aliases": [], "memoryCount": 2,
            "memories": { "nodes": [{ "text": "We told Carla about Oslo" }, { "text": "I met Carla" }] } }), "{data:#}");
        assert_eq!((text(entities, "/1/name"), text(entities, "/1/kind")), ("Oslo".into(), "THING".into()));
        assert_eq!(entities.as_array().unwrap().len(), 2);
    }
}

on_both! {
    async fn nobody_is_told_what_others_own_memories_name(app: TestApp) {
        let ben = member(&app, "Ben", "VIEWER").await;
        says(&app, &app.owner, "I met Carla").await;
        remember(&app, &app.owner, json!({ "text": "We met Carla in Oslo", "scope": "WORKSPACE" })).await;
        assert_eq!(named(&app, &app.owner, json!({})).await, ["Carla 2", "Oslo 1"]);
        assert_eq!(named(&app, &ben, json!({})).await, ["Carla 1", "Oslo 1"]);
        let carla = list(&app, &ben, json!({ "name": "Carla" })).await;
        assert_eq!(carla["nodes"][0]["memories"], json!({ "totalCount": 1, "nodes": [{ "text": "We met Carla in Oslo" }] }));
        // So are names that were merged for oneself.
        merge(&app, &app.owner, json!({ "into": "Carla", "names": ["Oslo"] })).await;
        assert_eq!(named(&app, &app.owner, json!({})).await, ["Carla 2"]);
        assert_eq!(named(&app, &ben, json!({})).await, ["Carla 1", "Oslo 1"]);
        // And there is nothing of this workspace for who is no member.
        let stranger = app.person("Zoe").await;
        let answer = app.ok(&stranger, LIST, json!({ "ws": app.workspace })).await;
        assert_eq!(answer["workspace"], Value::Null);
    }
}

on_both! {
    async fn names_that_are_merged_are_one_until_they_are_separated(app: TestApp) {
        let id = says(&app, &app.owner, "I told Annie").await;
        for said in ["I met Ana Bell", "They called Bell again"] {
            says(&app, &app.owner, said).await;
        }
        let first = merge(&app, &app.owner, json!({ "into": "Annie", "names": ["bell"] })).await;
        assert_eq!(first["entity"], json!({ "name": "Annie", "kind": "PERSON", "aliases": ["bell"], "memoryCount": 2 }), "{first:#}");
        // With whatever stood for them.
        let merged = merge(&app, &app.owner, json!({ "into": "Ana Bell", "names": ["annie"] })).await;
        assert_eq!(merged["entity"], json!({ "name": "Ana Bell", "kind": "PERSON", "aliases": ["annie", "bell"], "memoryCount": 3 }));
        let again = merge(&app, &app.owner, json!({ "into": "Ana Bell", "names": ["annie"] })).await;
        assert_eq!(again, merged);
        assert_eq!(named(&app, &app.owner, json!({ "name": "ann" })).await, ["Ana Bell 3"]);
        let data = app.ok(&app.owner, OF_MEMORY, json!({ "id": id })).await;
        assert_eq!((text(&data, "/node/entities/0/name"), &data["node"]["entities"][0]["memoryCount"]), ("Ana Bell".into(), &json!(3)));

        let parted = separate(&app, &app.owner, json!({ "names": ["Annie", "Nobody"] })).await;
        assert_eq!(parted["entities"], json!([{ "name": "Annie", "memoryCount": 1 }, { "name": "Nobody", "memoryCount": 0 }]), "{parted:#}");
        assert_eq!(named(&app, &app.owner, json!({})).await, ["Ana Bell 2", "Annie 1"]);
    }
}

on_both! {
    async fn what_is_forgotten_or_superseded_names_nothing_any_more(app: TestApp) {
        let first = says(&app, &app.owner, "I met Carla in Oslo").await;
        let second = says(&app, &app.owner, "I met Carla").await;
        app.ok(&app.owner, FORGET, json!({ "id": first })).await;
        assert_eq!(named(&app, &app.owner, json!({})).await, ["Carla 1"]);
        let supersede = "mutation($id: ID!) { supersedeMemory(input: {memoryId: $id, by: {text: \"I met nobody\"}}) { userErrors { code } } }";
        app.ok(&app.owner, supersede, json!({ "id": second })).await;
        assert_eq!(named(&app, &app.owner, json!({})).await, [""; 0]);
    }
}

on_both! {
    async fn that_a_name_of_what_is_forgotten_stood_for_another_is_forgotten_too(app: TestApp) {
        merge(&app, &app.owner, json!({ "into": "Ana Bell", "names": ["Quillona"] })).await;
        merge(&app, &app.owner, json!({ "into": "Oslo", "names": ["Kristiania"], "scope": "WORKSPACE" })).await;
        assert_eq!(app.columns_with("quillona").await.len(), 2);
        for about in ["Quillona", "Kristiania"] {
            let forget = "mutation($input: ForgetAboutInput!) { forgetAbout(input: $input) { userErrors { code } } }";
            let input = json!({ "workspaceId": app.workspace, "about": about, "dryRun": false });
            app.ok(&app.owner, forget, json!({ "input": input })).await;
            assert_eq!(app.columns_with(&about.to_lowercase()).await, [""; 0], "{about}");
        }
    }
}

on_both! {
    async fn what_cannot_be_merged_is_told(app: TestApp) {
        for (input, field) in [
            (json!({ "into": " ", "names": ["a"] }), "into"),
            (json!({ "into": "a", "names": [] }), "names"),
            (json!({ "into": "a", "names": vec!["b"; 51] }), "names"),
            (json!({ "into": "a", "names": ["b", "c".repeat(65)] }), "names.1"),
            (json!({ "into": "a", "names": ["b"], "scope": "SESSION" }), "scope"),
        ] {
            let refused = merge(&app, &app.owner, input.clone()).await;
            assert_eq!(problem(&refused), ("INVALID".into(), field.into()), "{input}");
        }
        for round in 0..20 {
            let names: Vec<_> = (0..50).map(|name| format!("n{round}x{name}")).collect();
            let merged = merge(&app, &app.owner, json!({ "into": "Ana", "names": names })).await;
            assert_eq!(merged["userErrors"], json!([]));
        }
        let refused = merge(&app, &app.owner, json!({ "into": "Ana", "names": ["one more"] })).await;
        assert_eq!(problem(&refused), ("CONFLICT".into(), "names".into()));
    }
}

counted_on_both! {
    async fn what_many_memories_name_costs_no_more_statements(app: TestApp) {
        let items = |count: usize| (0..count).map(|n| json!({ "externalId": format!("{n}"), "text": format!("I met Carla{n} in Oslo{n}") })).collect::<Value>();
        let told = "name aliases memoryCount memories(first: 2) { nodes { text } }";
        let documents = [format!("memories(first: 20) {{ nodes {{ entities {{ {told} }} }} }}"), format!("entities(first: 20) {{ nodes {{ {told} }} }}")];
        let mut costs = vec![];
        for count in [1, 20] {
            import(&app, &app.owner, items(count)).await;
            for document in &documents {
                let document = format!("query($ws: ID!) {{ workspace(id: $ws) {{ {document} }} }}");
                app.ok(&app.owner, &document, json!({ "ws": app.workspace })).await;
                costs.push(app.cost(&app.owner, &document, json!({ "ws": app.workspace })).await.1);
            }
        }
        assert_eq!(costs[..2], costs[2..]);
    }
}
