//! What one actor may have at once and in a minute; batches; pages.
use crate::{
    on_both,
    support::{Database, Socket, TestApp, TestClock, text},
};
use aifirst::shared::{
    Ambient,
    text::{base64url, from_base64url},
};
use chrono::{SecondsFormat, TimeDelta};
use reqwest::header;
use serde_json::{Value, json};

async fn start(settings: &str) -> TestApp {
    TestApp::start_with(Database::sqlite(), settings, Ambient::system()).await
}

#[tokio::test]
async fn an_actors_rate_is_told_and_then_refused_with_the_time_to_wait() {
    let clock = TestClock::default();
    let app = TestApp::start_with(Database::sqlite(), "http.cost_per_minute = 25", clock.ambient()).await;
    let sam = app.person("Sam").await;
    let ask = async |body: Value| {
        let request = app.http.post(app.url()).bearer_auth(&sam.token).json(&body);
        let response = request.send().await.unwrap();
        let header =
            |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let told = (
            response.status().as_u16(),
            header("ratelimit"),
            header("ratelimit-policy"),
            header("retry-after"),
        );
        (told, response.json::<Value>().await.unwrap())
    };
    let viewer = json!({ "query": "{ viewer { id } }", "extensions": { "cost": true } });
    let ((status, rate, policy, retry), answer) = ask(viewer.clone()).await;
    assert_eq!((status, policy.as_deref(), retry), (200, Some("\"cost\";q=25;w=60"), None));
    // One object takes 2.4 seconds to come back.
    assert_eq!(rate.unwrap(), "\"cost\";r=24;t=3");
    let reset_at = (clock.now() + TimeDelta::seconds(3)).to_rfc3339_opts(SecondsFormat::Secs, true);
    let expected =
        json!({ "requested": 1, "actual": 1, "remaining": 24, "perMinute": 25, "resetAt": reset_at });
    assert_eq!(answer["extensions"]["cost"], expected);
    let (_, answer) = ask(json!({ "query": "{ viewer { id } }" })).await;
    assert_eq!(answer.get("extensions"), None, "nobody asked");

    let memberships = json!({ "query": "{ viewer { memberships(first: 20) { nodes { role } } } }" });
    ask(memberships.clone()).await;
    let ((status, .., retry), answer) = ask(memberships).await;
    assert_eq!((status, text(&answer, "/errors/0/extensions/code").as_str()), (429, "RATE_LIMITED"));
    let millis = answer["errors"][0]["extensions"]["retryAfterMs"].as_u64().unwrap();
    let seconds: u64 = retry.unwrap().parse().unwrap();
    // One is left of 22, and it is taken.
    assert_eq!((millis, seconds), (52_800, 53));

    // The same over a socket; and somebody else has a rate of their own.
    let mut socket = app.socket(&sam).await;
    let payload = json!({ "query": "{ viewer { memberships(first: 20) { nodes { role } } } }" });
    socket.send(json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
    let refused = socket.receive().await.unwrap();
    assert_eq!(text(&refused, "/payload/0/extensions/code"), "RATE_LIMITED");
    let other = app.person("Pia").await;
    app.ok(&other, "{ viewer { id } }", json!({})).await;

    clock.forward(TimeDelta::milliseconds(52_800));
    let payload = json!({ "query": "{ viewer { memberships(first: 20) { nodes { role } } } }",
        "extensions": { "cost": true } });
    socket.send(json!({ "type": "subscribe", "id": "2", "payload": payload })).await;
    let cost = socket.receive().await.unwrap()["payload"]["extensions"]["cost"].clone();
    // Of the 22 that there might have been, the viewer and an empty list.
    assert_eq!((&cost["requested"], &cost["actual"], &cost["remaining"]), (&json!(22), &json!(2), &json!(0)));
    let reset_at = clock.now() + TimeDelta::seconds(60);
    assert_eq!(cost["resetAt"], reset_at.to_rfc3339_opts(SecondsFormat::AutoSi, true));
}

#[tokio::test]
async fn what_is_refused_costs_one_of_the_rate() {
    let app =
        TestApp::start_with(Database::sqlite(), "http.cost_per_minute = 25", TestClock::default().ambient())
            .await;
    let refused = [
        (json!({ "documentId": "nowhere" }), "PERSISTED_QUERY_NOT_FOUND"),
        (json!({ "query": "{" }), "GRAPHQL_PARSE_FAILED"),
        (json!({ "query": "{ nope }" }), "GRAPHQL_VALIDATION_FAILED"),
        (json!({}), "BAD_REQUEST"),
    ];
    for (body, expected) in refused {
        let person = app.person(expected).await;
        let ask = async || {
            let request = app.http.post(app.url()).bearer_auth(&person.token).json(&body);
            text(&request.send().await.unwrap().json().await.unwrap(), "/errors/0/extensions/code")
        };
        for _ in 0..25 {
            assert_eq!(ask().await, expected);
        }
        assert_eq!(ask().await, "RATE_LIMITED", "{expected}");
    }
}

#[tokio::test]
async fn an_actor_has_so_many_sockets_and_a_closed_one_makes_room() {
    let app = start("http.socket.per_actor = 2").await;
    let (first, _second) = (app.socket(&app.owner).await, app.socket(&app.owner).await);
    let open = async |token: &str| {
        let mut socket = Socket::open(&app.url()).await;
        let payload = json!({ "authorization": format!("Bearer {token}") });
        socket.send(json!({ "type": "connection_init", "payload": payload })).await;
        socket
    };
    assert_eq!(open(&app.owner.token).await.close_code().await, 1013);
    let other = app.person("Pia").await;
    assert_eq!(open(&other.token).await.receive().await.unwrap()["type"], "connection_ack");
    drop(first);
    let begun = tokio::time::Instant::now();
    while open(&app.owner.token).await.receive().await.is_none() {
        assert!(begun.elapsed() < crate::support::PATIENCE, "the seat was not given back");
    }
}

#[tokio::test]
async fn batches_are_taken_where_configured_and_only_so_long() {
    let post = async |app: &TestApp, body: String| {
        let request = app
            .http
            .post(app.url())
            .bearer_auth(&app.owner.token)
            .header(header::CONTENT_TYPE, "application/json");
        let response = request.body(body).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    let batch = |n: usize| json!(vec![json!({ "query": "{ __typename }" }); n]).to_string();
    let app = start("").await;
    assert_eq!(post(&app, batch(1)).await.0, 400, "off by default");

    let app = start("http.batch = 3").await;
    let mixed = json!([{ "query": "{ __typename }" }, { "query": "{ nothing }" },
        { "query": "mutation { createWorkspace(input: {name: \"B\", slug: \"batched\"}) { workspace { slug } } }" }]);
    let (status, answers) = post(&app, mixed.to_string()).await;
    assert_eq!(status, 200);
    assert_eq!(answers[0], json!({ "data": { "__typename": "Query" } }));
    assert_eq!(text(&answers, "/1/errors/0/extensions/code"), "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(text(&answers, "/2/data/createWorkspace/workspace/slug"), "batched");
    for bad in
        ["[]".to_owned(), batch(4), batch(1_000), "[[\"{ __typename }\"]]".to_owned(), "[1]".to_owned()]
    {
        let (status, answer) = post(&app, bad).await;
        assert_eq!((status, text(&answer, "/errors/0/extensions/code").as_str()), (400, "BAD_REQUEST"));
    }
}

on_both! {
    async fn pages_are_asked_for_by_the_rules_of_connections(app: TestApp) {
        let page = async |arguments: &str| {
            let document = format!("{{ viewer {{ memberships({arguments}) {{ nodes {{ role }} pageInfo {{ hasNextPage }} }} }} }}");
            app.ask(Some(&app.owner.token), &document, json!({})).await
        };
        for good in ["first: 0", "first: 1", "first: 100", "last: 1", "last: 100", "first: null, last: 3"] {
            assert_eq!(page(good).await.get("errors"), None, "{good}");
        }
        for bad in ["first: -1", "last: -1", "first: 101", "last: 101", "first: 2147483647", "last: -2147483648", "first: 1, last: 1"] {
            let answer = page(bad).await;
            let code = text(&answer, "/errors/0/extensions/code");
            let expected = if bad.contains("2147483647") { "QUERY_TOO_COMPLEX" } else { "BAD_USER_INPUT" };
            assert_eq!(code, expected, "{bad}: {answer:#}");
        }
        for bad in ["", "?", "AAAA", "x\u{e9}", &"A".repeat(1_000)] {
            let answer = page(&format!("after: \"{bad}\"")).await;
            assert_eq!(text(&answer, "/errors/0/extensions/code"), "INVALID_CURSOR", "{bad}");
        }
    }
}

on_both! {
    async fn a_cursor_at_a_time_that_no_row_can_have_is_refused(app: TestApp) {
        let page = async |after: Option<&str>| {
            let document = "query($after: String) { viewer { memberships(first: 1, after: $after) { edges { cursor } } } }";
            app.ask(Some(&app.owner.token), document, json!({ "after": after })).await
        };
        let cursor = text(&page(None).await, "/data/viewer/memberships/edges/0/cursor");
        let bytes = from_base64url(&cursor).unwrap();
        // Microseconds since 1970.
        let at = |micros: i64| base64url(&[&bytes[..4], &micros.to_be_bytes(), &bytes[12..]].concat());
        for good in [0, 253_402_300_799_000_000, -62_135_596_800_000_000] {
            assert_eq!(page(Some(&at(good))).await.get("errors"), None, "{good}");
        }
        for bad in [i64::MAX, i64::MIN, 253_402_300_800_000_000, 9_000_000_000_000_000_000, -62_200_000_000_000_000] {
            let answer = page(Some(&at(bad))).await;
            assert_eq!(text(&answer, "/errors/0/extensions/code"), "INVALID_CURSOR", "{bad}: {answer:#}");
        }
    }
}

on_both! {
    async fn a_cursor_of_another_list_is_refused(app: TestApp) {
        let memberships = "{ viewer { memberships(first: 1) { edges { cursor } } } }";
        let data = app.ok(&app.owner, memberships, json!({})).await;
        let cursor = text(&data, "/viewer/memberships/edges/0/cursor");
        let own = format!("{{ viewer {{ memberships(after: \"{cursor}\") {{ totalCount }} }} }}");
        app.ok(&app.owner, &own, json!({})).await;
        let workspace = async |page: &str| {
            let document = format!("query($ws: ID!) {{ workspace(id: $ws) {{ {page} }} }}");
            app.ask(Some(&app.owner.token), &document, json!({ "ws": app.workspace })).await
        };
        let lists = ["apiKeys", "auditEntries", "coachingSessions", "invitations", "memories", "runs", "serviceAccounts", "workflows"];
        for list in lists {
            for place in ["after", "before"] {
                let answer = workspace(&format!("{list}({place}: \"{cursor}\") {{ totalCount }}")).await;
                assert_eq!(text(&answer, "/errors/0/extensions/code"), "INVALID_CURSOR", "{list} {place}");
            }
        }
        // The same rows in another order are another list, too.
        let start = "mutation($ws: ID!) { startCoachingSession(input: {workspaceId: $ws}) { session { id } } }";
        app.ok(&app.owner, start, json!({ "ws": app.workspace })).await;
        let sessions = async |field: &str, after: Option<&str>| {
            let after = after.map(|cursor| format!("after: \"{cursor}\" ")).unwrap_or_default();
            let order = format!("orderBy: {{field: {field}, direction: DESC}}");
            workspace(&format!("coachingSessions({after}{order}) {{ edges {{ cursor }} }}")).await
        };
        let updated = sessions("UPDATED_AT", None).await;
        let cursor = text(&updated, "/data/workspace/coachingSessions/edges/0/cursor");
        assert_eq!(sessions("UPDATED_AT", Some(&cursor)).await.get("errors"), None);
        let refused = sessions("CREATED_AT", Some(&cursor)).await;
        assert_eq!(text(&refused, "/errors/0/extensions/code"), "INVALID_CURSOR");
    }
}

on_both! {
    async fn a_cursor_of_the_same_list_of_something_else_is_refused(app: TestApp) {
        let start = "mutation($ws: ID!) { startCoachingSession(input: {workspaceId: $ws}) { session { id } } }";
        let send = "mutation($s: ID!) { sendMessage(input: {sessionId: $s, text: \"What now?\"}) { message { id } } }";
        let mut sessions = vec![];
        for _ in 0..2 {
            let started = app.ok(&app.owner, start, json!({ "ws": app.workspace })).await;
            let session = text(&started, "/startCoachingSession/session/id");
            app.ok(&app.owner, send, json!({ "s": session })).await;
            sessions.push(session);
        }
        let messages = "... on CoachingSession { messages(first: 1) { edges { cursor } } }";
        let first = app.ok(&app.owner, &format!("query($id: ID!) {{ node(id: $id) {{ {messages} }} }}"), json!({ "id": sessions[0] })).await;
        let cursor = text(&first, "/node/messages/edges/0/cursor");
        let page = format!("... on CoachingSession {{ messages(after: \"{cursor}\") {{ nodes {{ id }} }} }}");
        let both = format!("query($one: ID!, $other: ID!) {{ one: node(id: $one) {{ {page} }} other: node(id: $other) {{ {page} }} }}");
        let answer = app.ask(Some(&app.owner.token), &both, json!({ "one": sessions[0], "other": sessions[1] })).await;
        let errors = answer["errors"].as_array().unwrap();
        assert_eq!(text(&errors[0], "/extensions/code"), "INVALID_CURSOR");
        assert_eq!((errors.len(), text(&errors[0], "/path/0")), (1, "other".to_owned()), "{answer:#}");
        assert!(answer["data"]["one"]["messages"]["nodes"].is_array(), "{answer:#}");

        let second = app.create_workspace(&app.owner, "second").await;
        let members = async |workspace: &str, after: Option<&str>| {
            let document = "query($ws: ID!, $after: String) { workspace(id: $ws) { members(after: $after) { edges { cursor } } } }";
            app.ask(Some(&app.owner.token), document, json!({ "ws": workspace, "after": after })).await
        };
        let cursor = text(&members(&app.workspace, None).await, "/data/workspace/members/edges/0/cursor");
        assert_eq!(members(&app.workspace, Some(&cursor)).await.get("errors"), None);
        let refused = members(&second, Some(&cursor)).await;
        assert_eq!(text(&refused, "/errors/0/extensions/code"), "INVALID_CURSOR");
    }
}

on_both! {
    async fn a_cursor_of_another_list_fails_its_own_page_alone(app: TestApp) {
        let start = "mutation($ws: ID!) { startCoachingSession(input: {workspaceId: $ws}) { session { id } } }";
        app.ok(&app.owner, start, json!({ "ws": app.workspace })).await;
        let data = app.ok(
            &app.owner,
            "query($ws: ID!) { workspace(id: $ws) { coachingSessions(first: 1) { edges { cursor } } } }",
            json!({ "ws": app.workspace }),
        );
        let cursor = text(&data.await, "/workspace/coachingSessions/edges/0/cursor");
        let both = format!(
            "{{ viewer {{ good: memberships(first: 1) {{ nodes {{ role }} }} }}
                again: viewer {{ bad: memberships(first: 1, after: \"{cursor}\") {{ nodes {{ role }} }} }} }}"
        );
        let answer = app.ask(Some(&app.owner.token), &both, json!({})).await;
        assert_eq!(text(&answer, "/data/viewer/good/nodes/0/role"), "OWNER", "{answer:#}");
        let errors = answer["errors"].as_array().unwrap();
        assert_eq!((errors.len(), text(&errors[0], "/path/1")), (1, "bad".to_owned()), "{answer:#}");
    }
}
