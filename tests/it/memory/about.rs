//! Forgetting a person or a topic as a whole, and taking along what one owns.
use super::{counts, documents::add, import, member, recall, remember, texts};
use crate::{
    on_both,
    support::{Person, TestApp, text},
};
use aifirst::shared::Ambient;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const ABOUT: &str = "mutation($input: ForgetAboutInput!) { forgetAbout(input: $input) {
    memories { text } documents { title } more next receipt { erased { kind count } } userErrors { code field message } } }";
const EXPORT: &str = "query($ws: ID!, $after: ID, $scope: MemoryScope! = USER) { workspace(id: $ws) {
    memoryExport(after: $after, scope: $scope) { lines count next } } }";

async fn about(app: &TestApp, person: &Person, mut input: Value) -> Value {
    input["workspaceId"] = json!(app.workspace);
    app.ok(person, ABOUT, json!({ "input": input })).await["forgetAbout"].clone()
}

fn named(payload: &Value, list: &str, field: &str) -> Vec<String> {
    payload[list].as_array().unwrap().iter().map(|item| text(item, &format!("/{field}"))).collect()
}

on_both! {
    async fn what_is_about_a_person_is_shown_and_then_forgotten_and_nothing_else(app: TestApp) {
        let ben = member(&app, "Ben", "MEMBER").await;
        for (person, input) in [
            (&app.owner, json!({ "text": "Lima, Ana: likes tea" })),
            (&app.owner, json!({ "text": "I will be late", "speaker": "Ana Lima" })),
            (&app.owner, json!({ "text": "ANA LIMA'S budget is signed", "scope": "WORKSPACE" })),
            (&app.owner, json!({ "text": "Lima is the capital of Peru" })),
            (&app.owner, json!({ "text": "Banana bread" })),
            (&app.owner, json!({ "text": "The bread of Will Smith" })),
            (&ben, json!({ "text": "Ana Lima plays chess" })),
        ] {
            remember(&app, person, input).await;
        }
        add(&app, &app.owner, json!({ "title": "Team", "text": "Ana Lima leads.\n\nBen writes.", "scope": "USER" })).await;

        let shown = about(&app, &app.owner, json!({ "about": "Ana Lima", "documents": true })).await;
        let all = ["Lima, Ana: likes tea", "I will be late", "ANA LIMA'S budget is signed"];
        assert_eq!(named(&shown, "memories", "text"), all);
        assert_eq!(named(&shown, "documents", "title"), ["Team"]);
        assert_eq!((&shown["receipt"], &shown["more"]), (&Value::Null, &json!(false)));
        let tea = recall(&app, &app.owner, "Ana tea").await;
        assert_eq!(tea["hits"][0]["item"]["text"], all[0], "it only looked");

        let done = about(&app, &app.owner, json!({ "about": "ana  lima", "dryRun": false })).await;
        assert_eq!(done["receipt"]["erased"], json!([{ "kind": "MEMORY", "count": 3 }, { "kind": "INDEX_ENTRY", "count": 3 }]));
        assert_eq!(named(&done, "memories", "text"), [""; 0]);
        let again = about(&app, &app.owner, json!({ "about": "Ana Lima", "documents": true, "dryRun": false })).await;
        let erased = again["receipt"]["erased"].as_array().unwrap();
        assert!(erased.contains(&json!({ "kind": "DOCUMENT", "count": 1 })) && erased.len() == 3, "{erased:?}");
        let nothing = about(&app, &app.owner, json!({ "about": "Ana Lima", "documents": true, "dryRun": false })).await;
        assert_eq!((&nothing["receipt"], &nothing["userErrors"]), (&Value::Null, &json!([])));
        let will = about(&app, &app.owner, json!({ "about": "Will Bread" })).await;
        assert_eq!(named(&will, "memories", "text"), ["The bread of Will Smith"], "every word counts");
        assert_eq!(texts(&app, &app.owner, "Lima Peru bread").await.len(), 3);
        assert_eq!(texts(&app, &ben, "Ana").await, ["Ana Lima plays chess"], "his own is not hers to forget");
    }
}

on_both! {
    async fn who_or_what_is_forgotten_has_to_be_named(app: TestApp) {
        for nobody in ["", " ", "the", "of the", "?!"] {
            let refused = about(&app, &app.owner, json!({ "about": nobody, "dryRun": false })).await;
            assert_eq!(text(&refused, "/userErrors/0/field"), "about", "{nobody:?}");
        }
        let items: Vec<_> = (0..520).map(|n| json!({ "externalId": n.to_string(), "text": format!("owl {n}") })).collect();
        import(&app, &app.owner, json!(items)).await;
        let first = about(&app, &app.owner, json!({ "about": "owls", "dryRun": false })).await;
        assert_eq!((&first["more"], &first["receipt"]["erased"][0]["count"]), (&json!(true), &json!(500)));
        let rest = about(&app, &app.owner, json!({ "about": "owls", "dryRun": false })).await;
        assert_eq!((&rest["more"], &rest["receipt"]["erased"][0]["count"]), (&json!(false), &json!(20)));
    }
}

/// What parts say, one after the other, and how many texts about it each had.
async fn in_parts(app: &TestApp, input: Value) -> (Vec<String>, Vec<usize>) {
    let (mut told, mut parts, mut after) = (vec![], vec![], json!(""));
    while !after.is_null() {
        let mut input = input.clone();
        input["after"] = after;
        let part = about(app, &app.owner, input).await;
        assert_eq!(part["more"], json!(!part["next"].is_null()));
        let shown = [named(&part, "memories", "text"), named(&part, "documents", "title")].concat();
        let erased = part["receipt"]["erased"].as_array().cloned().unwrap_or_default();
        let erased =
            erased.iter().filter(|of| ["MEMORY", "DOCUMENT"].contains(&of["kind"].as_str().unwrap()));
        parts.push(shown.len() + erased.map(|of| of["count"].as_u64().unwrap() as usize).sum::<usize>());
        told.extend(shown);
        after = part["next"].clone();
    }
    (told, parts)
}

on_both! {
    async fn what_is_about_it_is_found_in_parts_as_it_is_at_once(database: Database) {
        let app = TestApp::start_with(database, "memory.forget_about_texts = 100", Ambient::system()).await;
        let items: Vec<_> = (0..250).map(|n| {
            let text = if n % 3 == 0 { format!("owl {n}") } else { format!("hen {n}") };
            json!({ "externalId": n.to_string(), "text": text })
        }).collect();
        import(&app, &app.owner, json!(items)).await;
        add(&app, &app.owner, json!({ "title": "Owls", "text": "They hoot.\n\nThey fly.", "scope": "USER" })).await;
        let input = json!({ "about": "owl", "documents": true });
        let whole = about(&app, &app.owner, input.clone()).await;
        let whole = [named(&whole, "memories", "text"), named(&whole, "documents", "title")].concat();
        assert_eq!(whole.len(), 85);
        let (told, parts) = in_parts(&app, input.clone()).await;
        assert_eq!((told.iter().collect::<BTreeSet<_>>(), told.len()), (whole.iter().collect(), 85), "each once");
        assert_eq!(parts, [34, 33, 18]);
        // What was erased before does not move what comes after.
        let (_, parts) = in_parts(&app, json!({ "about": "owl", "documents": true, "dryRun": false })).await;
        assert_eq!(parts, [34, 33, 18]);
        assert_eq!(in_parts(&app, input.clone()).await.0, [""; 0]);
        assert_eq!(in_parts(&app, json!({ "about": "hen" })).await.0.len(), 166, "the others are there");
        // A place of another workspace is none here.
        let part = about(&app, &app.owner, json!({ "about": "hen", "after": "" })).await;
        let other = app.create_workspace(&app.owner, "elsewhere").await;
        // Made up: the same place, in a year that PostgreSQL does not take.
        let mut bytes = URL_SAFE_NO_PAD.decode(text(&part, "/next")).unwrap();
        bytes[4..12].copy_from_slice(&(-300_000_000_000_000_000_i64).to_be_bytes());
        let long_ago = URL_SAFE_NO_PAD.encode(&bytes);
        let next = || text(&part, "/next");
        for (workspace, about, after) in [
            (other.as_str(), "hen", next()),
            (&app.workspace, "hens", next()),
            (&app.workspace, "hen", "x".repeat(3)),
            (&app.workspace, "hen", long_ago),
        ] {
            let input = json!({ "workspaceId": workspace, "about": about, "after": after });
            assert_eq!(app.code(&app.owner, ABOUT, json!({ "input": input })).await, "INVALID_CURSOR");
        }
    }
}

async fn export(app: &TestApp, workspace: &str) -> String {
    let (mut lines, mut after) = (String::new(), Value::Null);
    loop {
        let asked = json!({ "ws": workspace, "after": after });
        let part = app.ok(&app.owner, EXPORT, asked).await["workspace"]["memoryExport"].clone();
        let said = text(&part, "/lines");
        assert_eq!(said.lines().count() as i64, part["count"].as_i64().unwrap());
        lines += &said;
        after = part["next"].clone();
        if after.is_null() {
            return lines;
        }
    }
}

on_both! {
    async fn an_export_is_taken_back_as_it_was_byte_for_byte(app: TestApp) {
        // More than a part has lines, and one part that is full by its bytes.
        let long = "wörd \u{1f989} \"quoted\"\n".repeat(400);
        let items: Vec<_> = (0..700).map(|n| match n % 3 {
            0 => json!({ "externalId": format!("e{n}"), "text": format!("{n} {long}") }),
            1 => json!({ "externalId": format!("e{n}"), "text": format!("short {n}"), "kind": "EPISODE",
                "occurredAt": "2023-05-08T13:56:00.123456Z", "speaker": "Caroline", "collection": "c/1" }),
            _ => json!({ "externalId": format!("e{n}"), "text": format!("kept {n}"), "egress": "INTERNAL_ONLY", "importance": f64::from(n) / 699.0 }),
        }).collect();
        import(&app, &app.owner, json!(items)).await;
        remember(&app, &app.owner, json!({ "text": "without an external id", "kind": "FACT" })).await;
        remember(&app, &app.owner, json!({ "text": "everybody's", "scope": "WORKSPACE" })).await;
        let first = export(&app, &app.workspace).await;
        assert_eq!(first.lines().count(), 701);

        let taken = |lines: &str| lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>();
        let back = import(&app, &app.owner, json!(taken(&first))).await;
        assert_eq!(counts(&back), [0, 0, 701], "each is known again");
        let other = app.create_workspace(&app.owner, "elsewhere").await;
        let variables = json!({ "ws": other, "items": taken(&first) });
        let moved = app.ok(&app.owner, super::IMPORT, variables).await["importMemories"].clone();
        assert_eq!(counts(&moved), [701, 0, 0]);
        assert!(export(&app, &other).await == first, "the same bytes");
    }
}

on_both! {
    async fn what_was_exported_and_forgotten_does_not_come_back(app: TestApp) {
        let memory = remember(&app, &app.owner, json!({ "text": "without an external id" })).await["memory"].clone();
        let exported: Value = serde_json::from_str(export(&app, &app.workspace).await.trim()).unwrap();
        assert_eq!(exported["externalId"], memory["id"]);
        app.ok(&app.owner, super::FORGET, json!({ "id": memory["id"] })).await;
        let back = import(&app, &app.owner, json!([exported])).await;
        assert_eq!(text(&back, "/userErrors/0/code"), "FORGOTTEN");
    }
}
