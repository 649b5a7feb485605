//! Apollo's automatic persisted queries: a hash alone, then the hash with the text, then the hash alone again.
use super::*;
use crate::on_both;

fn hashed(hash: &str) -> Value {
    json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } } })
}

fn with_text(hash: &str, text: &str) -> Value {
    beside(&text.into(), hashed(hash))
}

on_both! {
    async fn a_text_is_known_by_its_hash_once_it_was_sent_with_it(app: TestApp) {
        let hash = sha256(VIEWER);
        let token = Some(app.owner.token.as_str());
        let (status, unknown) = app.posted(token, hashed(&hash)).await;
        assert_eq!((status, code(&unknown)), (400, Some("PERSISTED_QUERY_NOT_FOUND")));
        assert_eq!(unknown["errors"][0]["message"], "PersistedQueryNotFound", "older clients go by the message");
        // A client of old, which knows no other media type, goes by the body of a good answer.
        let old = app.http.post(app.url()).bearer_auth(&app.owner.token).header(header::ACCEPT, "application/json");
        assert_eq!(old.json(&hashed(&hash)).send().await.unwrap().status(), 200);
        let (status, answer) = app.posted(token, with_text(&hash, VIEWER)).await;
        assert_eq!((status, &answer["data"]["viewer"]["id"]), (200, &json!(app.owner.id)));
        for query in &NO_TEXT {
            let (_, answer) = app.posted(token, beside(query, hashed(&hash))).await;
            assert_eq!(answer["data"]["viewer"]["id"], app.owner.id, "{query}");
        }
        let extensions = hashed(&hash)["extensions"].to_string();
        let url = format!("{}?extensions={}", app.url(), extensions.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>());
        let get = app.http.get(url).header("content-type", "application/json").bearer_auth(&app.owner.token);
        let answer: Value = get.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["data"]["viewer"]["id"], app.owner.id);
        let mut socket = app.socket(&app.owner).await;
        socket.send(json!({ "type": "subscribe", "id": "1", "payload": hashed(&hash) })).await;
        assert_eq!(socket.receive().await.unwrap()["payload"]["data"]["viewer"]["id"], app.owner.id);
    }
}

#[tokio::test]
async fn nobody_puts_another_text_under_a_hash() {
    let app = start("").await;
    let stranger = app.person("Sam Stranger").await;
    let (hash, other) = (sha256(VIEWER), "query Other { viewer { displayName } }");
    for bad in [hash.clone(), hash.to_uppercase(), format!("sha256:{hash}"), String::new(), "x".repeat(64)] {
        let (status, refused) = app.posted(Some(&stranger.token), with_text(&bad, other)).await;
        assert_eq!((status, code(&refused)), (400, Some("BAD_REQUEST")), "{bad}: {refused:#}");
    }
    assert_eq!(
        code(&app.posted(Some(&app.owner.token), hashed(&hash)).await.1),
        Some("PERSISTED_QUERY_NOT_FOUND")
    );
    app.posted(Some(&app.owner.token), with_text(&hash, VIEWER)).await;
    assert_eq!(app.posted(Some(&stranger.token), hashed(&hash)).await.1["data"]["viewer"]["id"], stranger.id);
}

#[tokio::test]
async fn what_may_not_run_is_not_kept() {
    let app = start("").await;
    for (token, text) in [(Some(&app.owner.token), "{ nope }"), (None, VIEWER)] {
        let hash = sha256(text);
        let token = token.map(String::as_str);
        assert!(app.posted(token, with_text(&hash, text)).await.1.get("errors").is_some());
        let (_, answer) = app.posted(Some(&app.owner.token), hashed(&hash)).await;
        assert_eq!(code(&answer), Some("PERSISTED_QUERY_NOT_FOUND"), "{text}");
    }
}

#[tokio::test]
async fn so_much_is_kept_and_no_more() {
    let app = start("http.documents.automatic_bytes = 10000").await;
    let token = Some(app.owner.token.as_str());
    let documents: Vec<String> =
        (0..50).map(|i| format!("query Q{i} {{ viewer {{ id }} }} # {}", "x".repeat(900))).collect();
    for document in &documents {
        assert!(app.posted(token, with_text(&sha256(document), document)).await.1["data"].is_object());
    }
    let mut kept = 0;
    for document in &documents {
        kept += usize::from(app.posted(token, hashed(&sha256(document))).await.0 == 200);
    }
    assert!((1..=10).contains(&kept), "{kept} are kept");
}

#[tokio::test]
async fn where_it_is_switched_off_a_client_is_told_to_send_texts() {
    let app = start("http.documents.automatic_bytes = 0").await;
    let hash = sha256(VIEWER);
    for body in [hashed(&hash), with_text(&hash, VIEWER)] {
        let (status, refused) = app.posted(Some(&app.owner.token), body).await;
        assert_eq!((status, code(&refused)), (400, Some("PERSISTED_QUERY_NOT_SUPPORTED")));
        assert_eq!(refused["errors"][0]["message"], "PersistedQueryNotSupported");
    }
    // What is registered is known all the same.
    app.registered(&hash, VIEWER).await;
    assert_eq!(app.posted(Some(&app.owner.token), hashed(&hash)).await.0, 200);
}
