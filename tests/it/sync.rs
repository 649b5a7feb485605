//! `changes`: a copy of a workspace follows it through any time offline.
mod complete;
mod fanout;

use crate::{
    counted_on_both, on_both,
    support::{Dice, Person, TestApp, text, with_seeds},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

const PAGE: &str =
    "query($ws: ID!, $after: Cursor, $first: Int) { changes(workspaceId: $ws, after: $after, first: $first) {
    changes { cursor kind deletedId node { __typename id ... on Memory { text } } } cursor hasMore } }";
const LIVE: &str = "subscription($ws: ID!, $after: Cursor) { changes(workspaceId: $ws, after: $after) {
    cursor kind deletedId node { __typename id ... on Memory { text } } } }";
const CURSOR: &str = "query($ws: ID!) { workspace(id: $ws) { cursor } }";
const REMEMBER: &str = "mutation($ws: ID!, $text: String!, $key: String, $scope: MemoryScope!) {
    remember(input: {workspaceId: $ws, text: $text, externalId: $key, scope: $scope}) {
        memory { id } userErrors { code } } }";
const FORGET: &str = "mutation($id: ID!) { forgetMemory(input: {memoryId: $id}) { receipt { id } } }";

async fn cursor(app: &TestApp) -> Value {
    app.ok(&app.owner, CURSOR, json!({ "ws": app.workspace })).await["workspace"]["cursor"].clone()
}

async fn remember(app: &TestApp, person: &Person, what: &str, scope: &str) -> String {
    let variables = json!({ "ws": app.workspace, "text": what, "scope": scope });
    text(&app.ok(person, REMEMBER, variables).await, "/remember/memory/id")
}

async fn page(app: &TestApp, person: &Person, after: &Value, first: usize) -> Value {
    let variables = json!({ "ws": app.workspace, "after": after, "first": first });
    app.ok(person, PAGE, variables).await["changes"].clone()
}

/// All changes after a place, by pages, and the place after them.
async fn all(app: &TestApp, person: &Person, after: &Value, first: usize) -> (Vec<Value>, Value) {
    let (mut found, mut after) = (vec![], after.clone());
    loop {
        let page = page(app, person, &after, first).await;
        let changes = page["changes"].as_array().unwrap();
        assert!(changes.len() <= first);
        found.extend(changes.iter().cloned());
        after = page["cursor"].clone();
        if page["hasMore"] == false {
            return (found, after);
        }
    }
}

/// The kinds of changes and the types of what changed.
fn told(changes: &[Value]) -> Vec<(&str, &str)> {
    changes
        .iter()
        .map(|change| {
            let kind = change["kind"].as_str().unwrap();
            (kind, change["node"]["__typename"].as_str().unwrap_or("-"))
        })
        .collect()
}

on_both! {
    async fn pages_and_the_stream_tell_the_same_from_every_place(app: TestApp) {
        let begin = cursor(&app).await;
        let memory = remember(&app, &app.owner, "Owls sleep by day", "WORKSPACE").await;
        let start = "mutation($ws: ID!) { startCoachingSession(input: {workspaceId: $ws}) { session { id } } }";
        let started = app.ok(&app.owner, start, json!({ "ws": app.workspace })).await;
        let send = "mutation($s: ID!) { sendMessage(input: {sessionId: $s, text: \"When do owls sleep?\"}) { turn { id } } }";
        let session = text(&started, "/startCoachingSession/session/id");
        app.ok(&app.owner, send, json!({ "s": session })).await;
        let mut live = app.subscribe(&app.owner, LIVE, json!({ "ws": app.workspace, "after": begin })).await;
        let ended = |change: &Value| change["kind"] == "UPDATED" && change["node"]["__typename"] == "Turn";
        live.until("changes", ended).await;
        live.until("changes", ended).await;
        app.ok(&app.owner, FORGET, json!({ "id": memory })).await;
        app.join(&app.person("Mo").await, "MEMBER").await;

        let (paged, end) = all(&app, &app.owner, &begin, 2).await;
        let expected = [
            // What was remembered is gone by now, so there is nothing to copy.
            ("CREATED", "-"),
            ("CREATED", "CoachingSession"),
            ("CREATED", "Turn"), ("CREATED", "Message"), ("UPDATED", "CoachingSession"),
            ("UPDATED", "Turn"), ("UPDATED", "CoachingSession"), ("CREATED", "Message"),
            ("UPDATED", "Turn"), ("UPDATED", "CoachingSession"), ("UPDATED", "Message"),
            // The forgetting.
            ("UPDATED", "Message"), ("DELETED", "-"), ("CREATED", "ErasureReceipt"),
            // The invitation, and what came of it.
            ("CREATED", "AuditEntry"), ("CREATED", "Invitation"),
            ("CREATED", "Membership"), ("CREATED", "AuditEntry"), ("UPDATED", "Invitation"),
        ];
        assert_eq!(told(&paged), expected);
        assert_eq!(paged[12]["deletedId"], memory);
        assert_eq!(end, cursor(&app).await);

        let places = [&begin].into_iter().chain(paged.iter().map(|change| &change["cursor"]));
        for (seen, place) in places.enumerate().take(paged.len()) {
            assert_eq!(all(&app, &app.owner, place, 100).await.0, paged[seen..]);
            let mut live = app.subscribe(&app.owner, LIVE, json!({ "ws": app.workspace, "after": place })).await;
            let heard = live.until("changes", |change| change["cursor"] == paged[paged.len() - 1]["cursor"]).await;
            assert_eq!(heard, paged[seen..]);
        }
    }
}

on_both! {
    async fn without_a_place_it_begins_now(app: TestApp) {
        remember(&app, &app.owner, "before", "WORKSPACE").await;
        let now = page(&app, &app.owner, &Value::Null, 100).await;
        assert_eq!(now, json!({ "changes": [], "cursor": cursor(&app).await, "hasMore": false }));
        let mut live = app.subscribe(&app.owner, LIVE, json!({ "ws": app.workspace })).await;
        // The stream may begin after this or that one, but never with what was there before.
        let mut later = vec![];
        let first = loop {
            later.push(remember(&app, &app.owner, "after", "WORKSPACE").await);
            if let Ok(heard) = tokio::time::timeout(Duration::from_millis(200), live.next()).await {
                break heard.unwrap();
            }
        };
        assert!(later.contains(&text(&first, "/changes/node/id")), "{first:#}");
    }
}

on_both! {
    async fn what_is_anothers_alone_does_not_show(app: TestApp) {
        let mo = app.person("Mo").await;
        app.join(&mo, "MEMBER").await;
        let begin = cursor(&app).await;
        remember(&app, &app.owner, "Olga's own", "USER").await;
        let shared = remember(&app, &app.owner, "for all", "WORKSPACE").await;
        app.ok(&app.owner, "mutation($ws: ID!) { startCoachingSession(input: {workspaceId: $ws}) { session { id } } }",
            json!({ "ws": app.workspace })).await;
        let (seen, end) = all(&app, &mo, &begin, 1).await;
        assert_eq!(seen.iter().map(|change| text(change, "/node/id")).collect::<Vec<_>>(), [shared]);
        assert_eq!(end, cursor(&app).await, "the place is behind what is hidden, too");
        assert_eq!(all(&app, &app.owner, &begin, 100).await.0.len(), 3);
    }
}

on_both! {
    async fn places_and_sizes_that_cannot_be_are_refused(app: TestApp) {
        let other = app.create_workspace(&app.owner, "other").await;
        let foreign = app.ok(&app.owner, CURSOR, json!({ "ws": other })).await["workspace"]["cursor"].clone();
        for after in [json!("x"), json!(""), foreign] {
            let variables = json!({ "ws": app.workspace, "after": after });
            assert_eq!(app.code(&app.owner, PAGE, variables.clone()).await, "INVALID_CURSOR");
            let mut live = app.subscribe(&app.owner, LIVE, variables).await;
            assert_eq!(live.error_code().await, "INVALID_CURSOR");
        }
        for first in [-1, 0, 1_001] {
            let variables = json!({ "ws": app.workspace, "first": first });
            assert_eq!(app.code(&app.owner, PAGE, variables).await, "BAD_USER_INPUT");
        }
    }
}

counted_on_both! {
    async fn a_page_costs_no_more_the_more_it_tells(app: TestApp) {
        let import = "mutation($ws: ID!, $items: [ImportMemoryItem!]!) {
            importMemories(input: {workspaceId: $ws, items: $items}) { created } }";
        let mut costs = vec![];
        for count in [1, 90] {
            let begin = cursor(&app).await;
            let item = |number: usize| json!({ "externalId": format!("{count}/{number}"), "text": "an owl" });
            let items: Vec<_> = (0..count).map(item).collect();
            app.ok(&app.owner, import, json!({ "ws": app.workspace, "items": items })).await;
            let variables = json!({ "ws": app.workspace, "after": begin, "first": 100 });
            let (data, cost) = app.cost(&app.owner, PAGE, variables).await;
            assert_eq!(data["changes"]["changes"].as_array().unwrap().len(), count);
            costs.push(cost);
        }
        assert_eq!(costs[0], costs[1]);
    }
}

on_both! {
    async fn what_forgetting_takes_from_replies_and_runs_is_told(app: TestApp) {
        let memory = remember(&app, &app.owner, "Zebulon owes nine crowns", "USER").await;
        let start = "mutation($ws: ID!) { startCoachingSession(input: {workspaceId: $ws}) { session { id } } }";
        let started = app.ok(&app.owner, start, json!({ "ws": app.workspace })).await;
        let send = "mutation($s: ID!) { sendMessage(input: {sessionId: $s, text: \"What does Zebulon owe?\"}) { turn { id } } }";
        let session = text(&started, "/startCoachingSession/session/id");
        let mut live = app.subscribe(&app.owner, LIVE, json!({ "ws": app.workspace })).await;
        app.ok(&app.owner, send, json!({ "s": session })).await;
        let ended = "query($s: ID!) { node(id: $s) { ... on CoachingSession { messages(last: 1) { nodes {
            id role text status } } } } }";
        let reply = async || app.ok(&app.owner, ended, json!({ "s": session })).await["node"]["messages"]["nodes"][0].clone();
        while reply().await["role"] != "COACH" || reply().await["status"] != "COMPLETED" {
            live.next().await.unwrap();
        }
        assert!(text(&reply().await, "/text").contains("Zebulon owes nine crowns"));
        let before = cursor(&app).await;
        app.ok(&app.owner, FORGET, json!({ "id": memory })).await;
        let (told, _) = all(&app, &app.owner, &before, 100).await;
        let told: Vec<_> = told.iter().filter(|change| change["node"]["__typename"] == "Message").collect();
        assert_eq!(told.len(), 1, "{told:#?}");
        assert_eq!((&told[0]["kind"], &told[0]["node"]["id"]), (&json!("UPDATED"), &reply().await["id"]));
        assert!(!text(&reply().await, "/text").contains("Zebulon owes"));
    }
}

/// A client's copy of the memories, by id.
#[derive(Default)]
struct Copy {
    memories: BTreeMap<String, String>,
    after: Value,
}

impl Copy {
    fn apply(&mut self, change: &Value) {
        if let Some(gone) = change["deletedId"].as_str() {
            self.memories.remove(gone);
        } else if change["node"]["__typename"] == "Memory" {
            self.memories.insert(text(change, "/node/id"), text(change, "/node/text"));
        }
        self.after = change["cursor"].clone();
    }

    /// Online for a few changes, by pages or by the stream, then cut off.
    async fn follow(&mut self, app: &TestApp, dice: &mut Dice) {
        if dice.throw(2) == 0 {
            let page = page(app, &app.owner, &self.after, 1 + dice.throw(9) as usize).await;
            page["changes"].as_array().unwrap().iter().for_each(|change| self.apply(change));
            self.after = page["cursor"].clone();
        } else {
            let variables = json!({ "ws": app.workspace, "after": self.after });
            let mut live = app.subscribe(&app.owner, LIVE, variables).await;
            for _ in 0..dice.throw(9) {
                let patience = Duration::from_millis(dice.throw(20));
                let Ok(Some(change)) = tokio::time::timeout(patience, live.next()).await else { return };
                self.apply(&change["changes"]);
            }
        }
    }
}

/// Remembers, changes and forgets, now and then several at once.
async fn write(app: &TestApp, mut dice: Dice) {
    let mut known = vec![];
    for turn in 0..25 {
        let key = format!("{}", dice.throw(8));
        let variables =
            json!({ "ws": app.workspace, "text": format!("turn {turn}"), "key": key, "scope": "USER" });
        let answer = app.ok(&app.owner, REMEMBER, variables).await;
        // What was forgotten stays so.
        if let Some(id) = answer["remember"]["memory"]["id"].as_str() {
            known.push(id.to_owned());
        }
        if dice.throw(6) == 0 && !known.is_empty() {
            let id = known.swap_remove(dice.throw(known.len() as u64) as usize);
            app.ask(Some(&app.owner.token), FORGET, json!({ "id": id })).await;
        }
        dice.pause(5).await;
    }
}

async fn round(app: &TestApp, seed: u64) {
    let mut copy = Copy { after: cursor(app).await, ..Copy::default() };
    let list = "query($ws: ID!) { workspace(id: $ws) { memories(first: 100) { nodes { id text } } } }";
    let there = async || {
        let data = app.ok(&app.owner, list, json!({ "ws": app.workspace })).await;
        let nodes = data["workspace"]["memories"]["nodes"].as_array().unwrap().clone();
        nodes.iter().map(|node| (text(node, "/id"), text(node, "/text"))).collect::<BTreeMap<_, _>>()
    };
    copy.memories = there().await;
    let writers = async { tokio::join!(write(app, Dice::new(seed)), write(app, Dice::new(!seed))) };
    let mut dice = Dice::new(seed ^ 1);
    let follow = async {
        loop {
            copy.follow(app, &mut dice).await;
            dice.pause(30).await;
        }
    };
    tokio::select! {
        _ = writers => {}
        () = follow => {}
    }
    let (rest, _) = all(app, &app.owner, &copy.after, 50).await;
    rest.iter().for_each(|change| copy.apply(change));
    assert_eq!(copy.memories, there().await);
}

on_both! {
    async fn a_copy_that_is_offline_at_random_becomes_what_is_there(app: TestApp) {
        with_seeds(3, async |seed| round(&app, seed).await).await;
    }
}
