//! GraphQL over HTTP and what stands around it.
use crate::{
    on_both,
    support::{Database, TestApp, text},
};
use aifirst::shared::Ambient;
use reqwest::{Method, RequestBuilder, Response, StatusCode, header};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const VIEWER: &str = "query Viewer { viewer { id } }";

/// On SQLite alone: the behaviour does not touch the database.
async fn start() -> TestApp {
    TestApp::start(Database::sqlite()).await
}

fn post(app: &TestApp, body: impl Into<reqwest::Body>) -> RequestBuilder {
    app.http
        .post(app.url())
        .header(header::CONTENT_TYPE, "application/json")
        .bearer_auth(&app.owner.token)
        .body(body)
}

fn get(app: &TestApp, parameters: &[(&str, &str)]) -> RequestBuilder {
    let encoded = |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
    let parameters: Vec<_> =
        parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    app.http.get(format!("{}?{}", app.url(), parameters.join("&"))).bearer_auth(&app.owner.token)
}

/// Status and code of the first error.
async fn refusal(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let answer: Value = response.json().await.unwrap();
    assert!(answer.get("data").is_none(), "{answer:#}");
    assert!(answer.pointer("/errors/0/extensions/requestId").is_some(), "{answer:#}");
    (status, text(&answer, "/errors/0/extensions/code"))
}

async fn code(response: Response) -> String {
    text(&response.json().await.unwrap(), "/errors/0/extensions/code")
}

on_both! {
    async fn queries_are_answered_by_post_and_by_get(app: TestApp) {
        let answer: Value = post(&app, json!({ "query": VIEWER }).to_string()).send().await.unwrap().json().await.unwrap();
        assert_eq!(text(&answer, "/data/viewer/id"), app.owner.id);
        let get = get(&app, &[("query", VIEWER), ("operationName", "Viewer"), ("variables", "{}")]);
        let answer: Value = get.send().await.unwrap().json().await.unwrap();
        assert_eq!(text(&answer, "/data/viewer/id"), app.owner.id);
    }
}

on_both! {
    async fn anonymous_callers_get_introspection_alone(app: TestApp) {
        let answer = app.ask(None, "{ __typename __schema { queryType { name } } }", json!({})).await;
        assert_eq!(answer["data"]["__schema"]["queryType"]["name"], "Query");
        for document in [VIEWER, "{ __typename viewer { id } }", "mutation { createWorkspace(input: {name: \"x\"}) { workspace { id } } }"] {
            let request = app.http.post(app.url()).json(&json!({ "query": document }));
            assert_eq!(refusal(request).await, (401, "UNAUTHENTICATED".into()), "{document}");
        }
    }
}

on_both! {
    async fn a_credential_that_is_not_valid_is_refused_and_said_to_be(app: TestApp) {
        let token = app.owner.token.clone();
        let truncated = &token[..token.len() - 3];
        let altered = format!("{}x", &token[..token.len() - 1]);
        for credential in [
            format!("Bearer {truncated}"),
            format!("Bearer {altered}"),
            "Bearer".into(),
            "Bearer ".into(),
            String::new(),
            token.clone(),
            format!("Basic {token}"),
            "Bearer ' OR 1=1; --".into(),
            "Bearer \"\\u0000\"".into(),
            "Bearer eyJhbGciOiJub25lIn0.e30.".into(),
        ] {
            let request = app.http.post(app.url()).header(header::AUTHORIZATION, &credential);
            // Even where the document alone would be allowed.
            let request = request.json(&json!({ "query": "{ __typename }" }));
            assert_eq!(refusal(request).await, (401, "UNAUTHENTICATED".into()), "{credential}");
        }
        let bytes = header::HeaderValue::from_bytes(b"Bearer \xff\xfe").unwrap();
        let request = app.http.post(app.url()).header(header::AUTHORIZATION, bytes).json(&json!({ "query": VIEWER }));
        assert_eq!(refusal(request).await, (401, "UNAUTHENTICATED".into()));
    }
}

#[tokio::test]
async fn malformed_requests_are_refused_with_400_and_a_code() {
    let app = start().await;
    for body in [
        "",
        "{",
        "null",
        "[]",
        "\"query\"",
        "{}",
        "{\"query\": 1}",
        "{\"query\": null}",
        "{\"query\": \"{ __typename }\", \"query\": \"{ __typename }\"}",
        "{\"query\": \"{ __typename }\", \"variables\": []}",
        "{\"query\": \"{ __typename }\", \"variables\": \"{}\"}",
        "{\"query\": \"{ __typename }\", \"extensions\": 1}",
        "{\"query\": \"{ __typename }\", \"operationName\": 1}",
        "{\"query\": \"{ __typename }\"} {}",
        "[{\"query\": \"{ __typename }\"}]",
        "{\"query\": \"\\ud800\"}",
        "{\"query\": \"{ __typename }\", \"variables\": {\"a\": \"\\udc00\"}}",
    ] {
        assert_eq!(refusal(post(&app, body)).await, (400, "BAD_REQUEST".into()), "{body}");
    }
    let deep = format!(
        "{{\"query\": \"{{ __typename }}\", \"variables\": {{\"a\": {}1{}}}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert_eq!(refusal(post(&app, deep)).await, (400, "BAD_REQUEST".into()));
    assert_eq!(refusal(post(&app, b"{\"query\": \"\xff\"}".to_vec())).await, (400, "BAD_REQUEST".into()));
}

#[tokio::test]
async fn only_json_is_taken() {
    let app = start().await;
    let body = json!({ "query": VIEWER }).to_string();
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/json; charset=iso-8859-1",
        "",
    ] {
        let request = app.http.post(app.url()).header(header::CONTENT_TYPE, content_type).body(body.clone());
        assert_eq!(refusal(request).await, (415, "BAD_REQUEST".into()), "{content_type}");
    }
    assert_eq!(refusal(app.http.post(app.url()).body(body.clone())).await.0, 415);
    for content_type in ["application/json; charset=utf-8", "Application/JSON;charset=\"UTF-8\""] {
        let request = app.http.post(app.url()).bearer_auth(&app.owner.token);
        let response =
            request.header(header::CONTENT_TYPE, content_type).body(body.clone()).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{content_type}");
    }
}

#[tokio::test]
async fn the_answers_media_type_is_negotiated() {
    let app = start().await;
    let ask = async |accept: &str, query: &str| {
        let response = post(&app, json!({ "query": query }).to_string())
            .header(header::ACCEPT, accept)
            .send()
            .await
            .unwrap();
        (response.status().as_u16(), response.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned())
    };
    let graphql = "application/graphql-response+json";
    let (json, response) =
        ("application/json; charset=utf-8".to_owned(), format!("{graphql}; charset=utf-8"));
    assert_eq!(ask("*/*", VIEWER).await, (200, json.clone()));
    assert_eq!(ask("application/json", VIEWER).await, (200, json.clone()));
    assert_eq!(ask(graphql, VIEWER).await, (200, response.clone()));
    // A document that cannot be executed: what the old media type calls 200 is 400 in the new one.
    for document in ["{ nothing }", "{", "query($a: Int!) { viewer { id } }"] {
        assert_eq!(ask("application/json", document).await, (200, json.clone()), "{document}");
        assert_eq!(ask(graphql, document).await, (400, response.clone()), "{document}");
    }
    assert_eq!(ask("text/csv", VIEWER).await, (406, json));
}

#[tokio::test]
async fn get_is_for_queries_and_other_methods_for_nothing() {
    let app = start().await;
    let mutation =
        "mutation { createWorkspace(input: {name: \"By GET\", slug: \"by-get\"}) { workspace { id } } }";
    let response = get(&app, &[("query", mutation)]).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()[header::ALLOW], "POST");
    let data = app
        .ok(&app.owner, "{ viewer { memberships(first: 10) { nodes { workspace { slug } } } } }", json!({}))
        .await;
    assert!(!data.to_string().contains("by-get"), "the mutation was carried out");
    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::HEAD] {
        let response = app.http.request(method.clone(), app.url()).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(response.headers()[header::ALLOW], "GET, POST");
    }
    for bad in [
        &[("variables", "{}")][..],
        &[("query", "{__typename}"), ("variables", "[]")],
        &[("query", "{__typename}"), ("query", "{__typename}")],
    ] {
        assert_eq!(refusal(get(&app, bad)).await, (400, "BAD_REQUEST".into()), "{bad:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let app = start().await;
    let body = json!({ "query": VIEWER, "variables": { "a": "x".repeat(3_000_000) } }).to_string();
    assert_eq!(refusal(post(&app, body.clone())).await, (413, "BAD_REQUEST".into()));
    // Without a length in advance.
    let mut stream = TcpStream::connect(app.running.address).await.unwrap();
    let head = "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    for chunk in body.as_bytes().chunks(100_000) {
        // The server may answer and hang up before the end.
        let _ = stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await;
        let _ = stream.write_all(chunk).await;
        let _ = stream.write_all(b"\r\n").await;
    }
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
    app.ok(&app.owner, VIEWER, json!({})).await;
}

#[tokio::test]
async fn a_foreign_host_or_origin_is_refused() {
    let settings =
        "http.allowed_hosts = ['api.example.com']\nhttp.allowed_origins = ['https://app.example.com']";
    let app = TestApp::start_with(Database::sqlite(), settings, Ambient::system()).await;
    let ask = |name: header::HeaderName, value: &str| {
        post(&app, json!({ "query": VIEWER }).to_string()).header(name, value)
    };
    assert_eq!(refusal(ask(header::HOST, "evil.example.org")).await, (421, "FORBIDDEN".into()));
    assert_eq!(ask(header::HOST, "api.example.com").send().await.unwrap().status(), StatusCode::OK);
    for origin in ["https://evil.example.org", "null", "https://app.example.com.evil.org"] {
        assert_eq!(refusal(ask(header::ORIGIN, origin)).await, (403, "FORBIDDEN".into()), "{origin}");
    }
    let allowed = ask(header::ORIGIN, "https://app.example.com").send().await.unwrap();
    assert_eq!(allowed.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://app.example.com");
    let preflight =
        app.http.request(Method::OPTIONS, app.url()).header(header::ORIGIN, "https://app.example.com");
    let preflight = preflight.header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST").send().await.unwrap();
    assert!(preflight.status().is_success());
    assert!(
        preflight.headers()[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap().contains("authorization")
    );
}

#[tokio::test]
async fn every_answer_names_its_request_and_is_not_to_be_kept() {
    let app = start().await;
    let root = app.url().replace("/graphql", "/nowhere");
    for request in [post(&app, json!({ "query": VIEWER }).to_string()), post(&app, ""), app.http.get(root)] {
        let response = request.send().await.unwrap();
        assert!(!response.headers()["x-request-id"].is_empty());
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    }
    let response = post(&app, "").header("x-request-id", "from-the-proxy.1").send().await.unwrap();
    assert_eq!(response.headers()["x-request-id"], "from-the-proxy.1");
    let answer: Value = response.json().await.unwrap();
    assert_eq!(text(&answer, "/errors/0/extensions/requestId"), "from-the-proxy.1");
    for silly in ["", "a b", "<script>", &"x".repeat(65)] {
        let response = post(&app, "").header("x-request-id", silly).send().await.unwrap();
        assert_ne!(response.headers()["x-request-id"], silly);
    }
}

#[tokio::test]
async fn graphiql_is_for_browsers_in_development_with_pinned_scripts() {
    let browser = async |app: &TestApp| {
        app.http
            .get(app.url())
            .header(header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8")
            .send()
            .await
            .unwrap()
    };
    let app = start().await;
    let page = browser(&app).await.text().await.unwrap();
    let outside: Vec<_> = page.split('<').filter(|tag| tag.contains("https://")).collect();
    assert!(outside.len() >= 3, "{page}");
    for tag in outside {
        assert!(tag.contains("integrity=\"sha384-") && tag.contains("crossorigin"), "{tag}");
    }
    let production = "mode = 'production'";
    let app = TestApp::start_with(Database::sqlite(), production, Ambient::system()).await;
    assert_eq!(code(browser(&app).await).await, "BAD_REQUEST");
}

#[tokio::test]
async fn graphiql_comes_from_a_folder_where_there_is_one_and_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let scripts = folder.path().join("react@18.3.1/umd");
    std::fs::create_dir_all(&scripts).unwrap();
    std::fs::write(scripts.join("react.production.min.js"), "/* react */").unwrap();
    std::fs::write(folder.path().join("secret.js"), "/* secret */").unwrap();
    let settings = format!("http.graphiql_folder = '{}'", folder.path().display());
    let app = TestApp::start_with(Database::sqlite(), &settings, Ambient::system()).await;
    let root = app.url().replace("/graphql", "");
    let page = app.http.get(app.url()).header(header::ACCEPT, "text/html").send().await.unwrap();
    let page = page.text().await.unwrap();
    assert!(!page.contains("https://"), "{page}");
    assert!(page.contains("\"/graphiql/react@18.3.1/umd/react.production.min.js\" integrity=\"sha384-"));
    let get = async |path: &str| app.http.get(format!("{root}/graphiql/{path}")).send().await.unwrap();
    let script = get("react@18.3.1/umd/react.production.min.js").await;
    assert_eq!(script.headers()[header::CONTENT_TYPE], "text/javascript");
    assert_eq!(script.text().await.unwrap(), "/* react */");
    // One that is not there, one that the page does not load, and ways out of the folder.
    for path in [
        "graphiql@4.1.2/graphiql.min.css",
        "secret.js",
        "..%2fsecret.js",
        "react@18.3.1/umd/..%2f..%2fsecret.js",
        "",
    ] {
        assert_eq!(get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let production = format!("mode = 'production'\n{settings}");
    let app = TestApp::start_with(Database::sqlite(), &production, Ambient::system()).await;
    let root = app.url().replace("/graphql", "");
    let script =
        app.http.get(format!("{root}/graphiql/react@18.3.1/umd/react.production.min.js")).send().await;
    assert_eq!(script.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn production_tells_the_anonymous_nothing_of_the_schema() {
    let app = TestApp::start_with(Database::sqlite(), "mode = 'production'", Ambient::system()).await;
    let schema = "{ __schema { queryType { name } } }";
    let anonymous = app.http.post(app.url()).json(&json!({ "query": schema }));
    assert_eq!(refusal(anonymous).await, (401, "UNAUTHENTICATED".into()));
    assert_eq!(app.ask(None, "{ __typename }", json!({})).await["data"]["__typename"], "Query");
    app.ok(&app.owner, schema, json!({})).await;
}

#[tokio::test]
async fn health_and_metrics_are_on_the_admin_listener_alone() {
    let app = start().await;
    let admin = format!("http://{}", app.running.admin_address);
    for path in ["/health/live", "/health/ready", "/metrics"] {
        assert_eq!(
            app.http.get(format!("{admin}{path}")).send().await.unwrap().status(),
            StatusCode::OK,
            "{path}"
        );
        let public = app.url().replace("/graphql", path);
        assert_eq!(app.http.get(public).send().await.unwrap().status(), StatusCode::NOT_FOUND, "{path}");
    }
    app.code(&app.owner, "{ nothing }", json!({})).await;
    let metrics = app.http.get(format!("{admin}/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("aifirst_operations_total"), "{metrics}");
    assert!(metrics.contains("code=\"GRAPHQL_VALIDATION_FAILED\""), "{metrics}");
    assert!(!metrics.contains("nothing"), "{metrics}");
}

#[tokio::test]
async fn answers_come_as_server_sent_events_where_a_client_asks_for_them() {
    let app = start().await;
    let ask = |query: &str| {
        post(&app, json!({ "query": query }).to_string()).header(header::ACCEPT, "text/event-stream")
    };
    let response = ask(VIEWER).send().await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    let events = response.text().await.unwrap();
    let (next, complete) = events.split_once("\n\n").unwrap();
    assert!(next.starts_with("event: next\ndata: {") && next.contains(&app.owner.id), "{events}");
    assert!(complete.starts_with("event: complete\ndata:"), "{events}");
    assert_eq!(refusal(ask("{ nothing }")).await, (400, "GRAPHQL_VALIDATION_FAILED".into()));
}
