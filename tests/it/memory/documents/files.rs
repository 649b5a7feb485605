//! Files that come by a route of their own, and are read in the background.
use super::{READ, add, chunks, pdf, read};
use crate::{
    on_both,
    support::{Binary, Database, PATIENCE, Person, TestApp, text},
};
use aifirst::{db::Source, shared::Ambient};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const CREATE: &str = "mutation($input: CreateUploadInput!) { createUpload(input: $input) {
    upload { url mediaType size expiresAt } userErrors { code field message } } }";
const CHANGES: &str = "subscription($ws: ID!, $after: Cursor) { changes(workspaceId: $ws, after: $after) {
    kind node { ... on Document { id status progress failure } } } }";

/// A server whose files are read by the real program, in little memory.
async fn start(database: Database, settings: &str) -> TestApp {
    let program = env!("CARGO_BIN_EXE_aifirst");
    let settings = format!("documents.program = '{program}'\ndocuments.memory_bytes = 536870912\n{settings}");
    TestApp::start_with(database, &settings, Ambient::system()).await
}

/// `createUpload` of such a file, with any input.
async fn announce(app: &TestApp, person: &Person, media_type: &str, size: usize, over: Value) -> Value {
    let mut input =
        json!({ "workspaceId": app.workspace, "name": "a file", "mediaType": media_type, "size": size });
    for (name, value) in over.as_object().unwrap() {
        input[name] = value.clone();
    }
    app.ok(person, CREATE, json!({ "input": input })).await["createUpload"].clone()
}

fn address(app: &TestApp, path: &str) -> String {
    format!("http://{}{path}", app.running.address)
}

/// Status and answer of a PUT of the file.
async fn put(app: &TestApp, path: &str, media_type: &str, file: &[u8]) -> (u16, Value) {
    let request = app.http.put(address(app, path)).header("content-type", media_type).body(file.to_vec());
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// Announces and sends a file: the id of its document.
async fn send(app: &TestApp, media_type: &str, file: &[u8], over: Value) -> Value {
    let announced = announce(app, &app.owner, media_type, file.len(), over).await;
    let (status, answer) = put(app, &text(&announced, "/upload/url"), media_type, file).await;
    assert_eq!(status, 201, "{answer:#}");
    answer["documentId"].clone()
}

async fn cursor(app: &TestApp) -> Value {
    let cursor = "query($ws: ID!) { workspace(id: $ws) { cursor } }";
    app.ok(&app.owner, cursor, json!({ "ws": app.workspace })).await["workspace"]["cursor"].clone()
}

/// What is told of the document after the place, until it is read.
async fn told(app: &TestApp, after: &Value, id: &Value) -> Vec<Value> {
    let mut changes =
        app.subscribe(&app.owner, CHANGES, json!({ "ws": app.workspace, "after": after })).await;
    let over = |change: &Value| change["node"]["id"] == *id && change["node"]["status"] != "PROCESSING";
    changes.until("changes", over).await
}

/// Sends a file, and gives its document once it was read.
async fn sent(app: &TestApp, media_type: &str, file: &[u8], over: Value) -> Value {
    let before = cursor(app).await;
    let id = send(app, media_type, file, over).await;
    told(app, &before, &id).await;
    read(app, &app.owner, &id).await
}

/// Rows of files, and of their parts.
async fn kept(app: &TestApp) -> (i64, i64) {
    let connection = app.running.services.db.connection();
    let count = async |table: &str| {
        let sql = format!("SELECT COUNT(*) FROM {table}");
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        connection.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index::<i64>(0).unwrap()
    };
    (count("document_upload").await, count("document_upload_piece").await)
}

/// Files that lie in the server's folder, but for the database's own.
fn lying_about(app: &TestApp) -> Vec<String> {
    let names = std::fs::read_dir(app.database.folder.path()).unwrap();
    let names = names.map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with(".tmp") || name.starts_with("tmp")).collect()
}

on_both! {
    async fn a_pdf_is_read_in_the_background_and_what_comes_of_it_is_told(database: Database) {
        let app = start(database, "").await;
        let file = pdf::pdf(&["Kites fly over the lake.\nThey are red.", "Boats (and rafts) sail on it."]);
        let before = cursor(&app).await;
        let id = send(&app, "application/pdf", &file, json!({ "title": "Kites", "externalId": "k" })).await;
        let told = told(&app, &before, &id).await;
        assert_eq!((&told[0]["kind"], &told.last().unwrap()["node"]["status"]), (&json!("CREATED"), &json!("READY")));
        let document = read(&app, &app.owner, &id).await;
        assert_eq!((&document["title"], &document["version"], &document["progress"]), (&json!("Kites"), &json!(1), &json!(100)));
        let whole = text(&document, "/text");
        assert!(whole.contains("Kites fly over the lake.") && whole.contains("Boats (and rafts) sail"), "{whole:?}");
        assert_eq!(chunks(&document).len(), 1);
        assert_eq!(kept(&app).await, (0, 0), "the file is gone once it was read");
        // The same again changes nothing; another one is a new version.
        let again = sent(&app, "application/pdf", &file, json!({ "title": "Kites", "externalId": "k" })).await;
        assert_eq!((&again["version"], &again["chunks"]), (&document["version"], &document["chunks"]));
        let other = pdf::pdf(&["Trains run."]);
        let other = sent(&app, "application/pdf", &other, json!({ "title": "Kites", "externalId": "k" })).await;
        assert_eq!((&other["id"], &other["version"], &other["text"]), (&id, &json!(2), &json!("Trains run.")));
    }
}

on_both! {
    async fn a_file_of_text_is_a_document_as_if_it_were_sent_as_one(database: Database) {
        let app = start(database, "").await;
        for (media_type, source, read) in [
            ("text/plain", "\u{feff}Kites 🦉 fly.\r\n", "Kites 🦉 fly.\r\n"),
            ("text/markdown", "# Kites\nThey fly.", "# Kites\nThey fly."),
            ("text/html", "<p>Kites<script>x</script><p>They fly.", "Kites\n\nThey fly."),
        ] {
            let document = sent(&app, media_type, source.as_bytes(), json!({ "title": media_type })).await;
            assert_eq!((&document["status"], &document["text"]), (&json!("READY"), &json!(read)), "{document:#}");
            chunks(&document);
        }
        // More than a mutation takes.
        let much = "It is so, and more than so. ".repeat(80_000);
        let document = sent(&app, "text/plain", much.as_bytes(), json!({})).await;
        assert_eq!((&document["status"], document["text"] == json!(much)), (&json!("READY"), true));
    }
}

on_both! {
    async fn what_cannot_be_read_fails_with_its_reason_and_takes_nothing_away(database: Database) {
        let app = start(database, "").await;
        let sound = pdf::pdf(&["Kites fly."]);
        let utf16: Vec<u8> = "Kites".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (name, media_type, file, failure) in [
            ("Latin-1", "text/plain", b"caf\xe9".to_vec(), "WRONG_ENCODING"),
            ("UTF-16", "text/markdown", utf16, "WRONG_ENCODING"),
            ("gzip", "text/html", b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec(), "WRONG_ENCODING"),
            ("NUL", "text/plain", b"a\0b".to_vec(), "WRONG_ENCODING"),
            ("blanks", "text/plain", b" \n ".to_vec(), "NO_TEXT"),
            ("only a script", "text/html", b"<script>x</script>".to_vec(), "NO_TEXT"),
            ("a picture of a page", "application/pdf", pdf::pdf(&[""]), "NO_TEXT"),
            ("a ZIP", "application/pdf", b"PK\x03\x04\x14\0\0\0\x08\0".to_vec(), "BROKEN"),
            ("a text", "application/pdf", b"Kites fly.".to_vec(), "BROKEN"),
            ("half a PDF", "application/pdf", sound[..60].to_vec(), "BROKEN"),
            ("no pages", "application/pdf", pdf::built(&[], ""), "BROKEN"),
            ("five megabytes", "text/plain", b"It is so. ".repeat(500_000), "TOO_MUCH_TEXT"),
        ] {
            let document = sent(&app, media_type, &file, json!({ "title": name })).await;
            let found = (&document["status"], &document["failure"], &document["text"]);
            assert_eq!(found, (&json!("FAILED"), &json!(failure), &Value::Null), "{name}");
        }
        assert_eq!(kept(&app).await, (0, 0));
        // What was there before stays, and stays to be found.
        let first = add(&app, &app.owner, json!({ "externalId": "e", "text": "Boats sail." })).await["document"].clone();
        let failed = sent(&app, "application/pdf", b"%PDF-1.7 nothing", json!({ "externalId": "e" })).await;
        assert_eq!((&failed["id"], &failed["status"], &failed["version"]), (&first["id"], &json!("FAILED"), &json!(1)));
        assert_eq!((chunks(&failed), &failed["title"]), (vec!["Boats sail.".to_owned()], &json!("A note")));
        let mended = add(&app, &app.owner, json!({ "externalId": "e", "text": "Boats sail." })).await["document"].clone();
        assert_eq!((&mended["status"], &mended["version"]), (&json!("READY"), &json!(1)));
    }
}

/// A zlib stream of that many times 258 times the byte: a thousandth of it. By RFC 1951: fixed codes, a literal, and matches
/// of length 258 at distance 1.
fn deflated(byte: u8, times: usize) -> Vec<u8> {
    let (mut out, mut bits, mut count) = (vec![0x78, 0x01], 0_u64, 0);
    let mut put = |value: u64, width: u32| {
        bits |= value << count;
        count += width;
        while count >= 8 {
            out.push(bits as u8);
            bits >>= 8;
            count -= 8;
        }
    };
    // Codes go in with their highest bit first.
    let code = |value: u64, width: u32| (value.reverse_bits() >> (64 - width), width);
    put(1, 1);
    put(1, 2);
    assert!(byte < 144);
    let (literal, width) = code(0b0011_0000 + u64::from(byte), 8);
    put(literal, width);
    for _ in 0..times {
        let (length, width) = code(0b1100_0000 + 285 - 280, 8);
        put(length, width);
        put(0, 5);
    }
    put(0, 7);
    put(0, 7);
    out
}

on_both! {
    async fn a_bomb_ends_its_own_reading_and_nothing_else(database: Database) {
        let app = start(database, "documents.seconds = 8").await;
        let own_parent = String::from_utf8(pdf::pdf(&["x"])).unwrap().replace("/Resources << /Font << /F1 3 0 R >> >>", "")
            .replace("/Parent 2 0 R", "/Parent 4 0 R").into_bytes();
        let nested = |unit: &str| pdf::built(&[unit.repeat(4_000_000 / unit.len()).into_bytes()], "");
        for (name, file) in [
            ("three quarters of a gigabyte of brackets in five megabytes", pdf::built(&[deflated(b'(', 3_000_000)], "/Filter /FlateDecode")),
            ("as much of lists", pdf::built(&[deflated(b'[', 3_000_000)], "/Filter /FlateDecode")),
            ("lists in each other", nested("[")),
            ("dictionaries in each other", nested("<</a ")),
            ("a page that is its own parent", own_parent),
            ("an index into nowhere", b"%PDF-1.7\nxref\n0 99999999\nstartxref\n9\n%%EOF".to_vec()),
        ] {
            let document = sent(&app, "application/pdf", &file, json!({ "title": name })).await;
            assert_eq!((&document["status"], &document["text"]), (&json!("FAILED"), &Value::Null), "{name}");
            let failure = text(&document, "/failure");
            assert!(["TOO_COMPLEX", "BROKEN", "NO_TEXT"].contains(&failure.as_str()), "{name}: {failure}");
        }
        assert_eq!(kept(&app).await, (0, 0));
        let sound = sent(&app, "application/pdf", &pdf::pdf(&["Kites fly."]), json!({})).await;
        assert_eq!(sound["text"], "Kites fly.");
    }
}

on_both! {
    async fn an_address_is_good_for_one_file_and_once(database: Database) {
        let app = start(database, "").await;
        let announced = announce(&app, &app.owner, "text/plain", 5, json!({})).await;
        let path = text(&announced, "/upload/url");
        let (id, _) = path.strip_prefix("/uploads/").unwrap().split_once('?').unwrap();
        let other = format!("{}{}", &id[..31], if id.ends_with('0') { '1' } else { '0' });
        for forged in [
            path.replace("size=5", "size=6"),
            path.replace("expires=", "expires=9"),
            path.replace("text/plain", "text/html"),
            path.replace(id, &other),
            path.replace("signature=", "signature=A"),
            path[..path.len() - 1].to_owned(),
            path.split_once('?').unwrap().0.to_owned(),
        ] {
            let (status, answer) = put(&app, &forged, "text/plain", b"words").await;
            assert_eq!((status, text(&answer, "/errors/0/extensions/code").as_str()), (403, "FORBIDDEN"), "{forged}");
        }
        for (media_type, file, status) in [
            ("application/pdf", b"words".as_slice(), 415),
            ("text/plain", b"more words".as_slice(), 413),
            ("text/plain", b"few".as_slice(), 400),
            ("text/plain", b"".as_slice(), 400),
        ] {
            let (found, answer) = put(&app, &path, media_type, file).await;
            assert_eq!((found, text(&answer, "/errors/0/extensions/code").as_str()), (status, "BAD_USER_INPUT"), "{answer:#}");
        }
        assert_eq!(app.http.get(address(&app, &path)).send().await.unwrap().status(), 405);
        assert_eq!(kept(&app).await.1, 0, "nothing of those was kept");
        assert_eq!(put(&app, &path, "text/plain; charset=utf-8", b"words").await.0, 201);
        let (status, answer) = put(&app, &path, "text/plain", b"words").await;
        assert_eq!((status, text(&answer, "/errors/0/extensions/code").as_str()), (404, "NOT_FOUND"));
    }
}

on_both! {
    async fn a_file_comes_by_one_request_at_a_time(database: Database) {
        let app = start(database, "serve.work = false").await;
        let announced = announce(&app, &app.owner, "text/plain", 5, json!({})).await;
        let path = text(&announced, "/upload/url");
        let mut line = TcpStream::connect(app.running.address).await.unwrap();
        let told = "content-type: text/plain\r\ncontent-length: 5\r\nexpect: 100-continue\r\nconnection: close";
        let head = format!("PUT {path} HTTP/1.1\r\nhost: localhost\r\n{told}\r\n\r\n");
        line.write_all(head.as_bytes()).await.unwrap();
        // The server says so once it takes the file.
        let mut begun = [0; 12];
        line.read_exact(&mut begun).await.unwrap();
        assert_eq!(&begun, b"HTTP/1.1 100");
        let (status, answer) = put(&app, &path, "text/plain", b"words").await;
        assert_eq!((status, text(&answer, "/errors/0/extensions/code").as_str()), (429, "RATE_LIMITED"));
        line.write_all(b"words").await.unwrap();
        let mut answer = vec![];
        line.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.contains("HTTP/1.1 201"), "{answer}");
        assert_eq!(put(&app, &path, "text/plain", b"words").await.0, 404);
    }
}

on_both! {
    async fn an_address_ends_with_its_time_and_with_the_right_of_who_asked_for_it(database: Database) {
        let clock = crate::support::TestClock::default();
        let app = TestApp::start_with(database, "serve.work = false", clock.ambient()).await;
        let mia = app.person("Mia Member").await;
        let membership = app.join(&mia, "MEMBER").await;
        let [late, theirs] = [&app.owner, &mia].map(|person| announce(&app, person, "text/plain", 5, json!({})));
        let (late, theirs) = (text(&late.await, "/upload/url"), text(&theirs.await, "/upload/url"));
        let remove = "mutation($id: ID!) { removeMember(input: {membershipId: $id}) { removedMembershipId } }";
        app.ok(&app.owner, remove, json!({ "id": membership })).await;
        assert_eq!(put(&app, &theirs, "text/plain", b"words").await.0, 404);
        clock.forward(chrono::TimeDelta::minutes(16));
        assert_eq!(put(&app, &late, "text/plain", b"words").await.0, 404);
        assert_eq!(kept(&app).await.1, 0);
        // What was never used goes when the next one is asked for.
        announce(&app, &app.owner, "text/plain", 5, json!({})).await;
        assert_eq!(kept(&app).await.0, 2, "the new one, and that of who left");
    }
}

on_both! {
    async fn an_announcement_is_checked_and_repeated_by_its_key(database: Database) {
        let app = start(database, "").await;
        for (input, field) in [
            (json!({ "size": 0 }), "size"),
            (json!({ "size": -1 }), "size"),
            (json!({ "size": 20 * 1024 * 1024 + 1 }), "size"),
            (json!({ "name": "" }), "name"),
            (json!({ "name": "x".repeat(501) }), "name"),
            (json!({ "mediaType": "image/png" }), "mediaType"),
            (json!({ "scope": "SESSION" }), "scope"),
        ] {
            let announced = announce(&app, &app.owner, "text/plain", 5, input).await;
            assert_eq!((text(&announced, "/userErrors/0/code"), text(&announced, "/userErrors/0/field")), ("INVALID".into(), field.into()));
        }
        let key = json!({ "idempotencyKey": "k" });
        let first = announce(&app, &app.owner, "text/plain", 5, key.clone()).await;
        assert_eq!(announce(&app, &app.owner, "text/plain", 5, key.clone()).await, first);
        let other = announce(&app, &app.owner, "text/plain", 6, key).await;
        assert_eq!(text(&other, "/userErrors/0/code"), "IDEMPOTENCY_CONFLICT");
        for _ in 1..100 {
            announce(&app, &app.owner, "text/plain", 5, json!({})).await;
        }
        let beyond = announce(&app, &app.owner, "text/plain", 5, json!({})).await;
        assert_eq!(text(&beyond, "/userErrors/0/code"), "LIMIT_REACHED");
    }
}

on_both! {
    async fn two_hundred_files_of_a_workspace_wait_and_no_more(database: Database) {
        // Nobody reads them.
        let app = start(database, "serve.work = false").await;
        for _ in 0..199 {
            send(&app, "text/plain", b"words", json!({})).await;
        }
        let last = announce(&app, &app.owner, "text/plain", 5, json!({})).await;
        assert_eq!(last["userErrors"], json!([]));
        let mia = app.person("Mia Member").await;
        app.join(&mia, "MEMBER").await;
        let beyond = announce(&app, &mia, "text/plain", 5, json!({})).await;
        assert_eq!(text(&beyond, "/userErrors/0/code"), "LIMIT_REACHED");
        assert!(text(&beyond, "/userErrors/0/message").contains("of this workspace"), "{beyond:#}");
        // What was announced may still come.
        assert_eq!(put(&app, &text(&last, "/upload/url"), "text/plain", b"words").await.0, 201);
    }
}

on_both! {
    async fn a_file_that_is_cut_leaves_nothing_and_may_be_sent_again(database: Database) {
        let app = start(database, "").await;
        let file = "It is so. ".repeat(100_000);
        let announced = announce(&app, &app.owner, "text/plain", file.len(), json!({})).await;
        let path = text(&announced, "/upload/url");
        for told in [format!("content-length: {}", file.len()), "transfer-encoding: chunked".to_owned()] {
            let mut line = TcpStream::connect(app.running.address).await.unwrap();
            let head = format!("PUT {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\n{told}\r\n\r\n");
            line.write_all(head.as_bytes()).await.unwrap();
            let half = &file[..file.len() / 2];
            let half = if told.contains("chunked") { format!("{:x}\r\n{half}\r\n", half.len()) } else { half.to_owned() };
            line.write_all(half.as_bytes()).await.unwrap();
            line.shutdown().await.unwrap();
            // Until the server is done with it.
            let mut answer = vec![];
            let _ = line.read_to_end(&mut answer).await;
            assert!(!String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 2"), "half a file is none");
        }
        assert_eq!((kept(&app).await, lying_about(&app)), ((1, 0), vec![]));
        let (status, answer) = put(&app, &path, "text/plain", file.as_bytes()).await;
        assert_eq!(status, 201, "{answer:#}");
    }
}

on_both! {
    async fn a_document_that_is_forgotten_before_it_was_read_does_not_come_back(database: Database) {
        let app = start(database, "serve.work = false").await;
        let id = send(&app, "text/plain", b"zyxwvowl sings", json!({ "title": "zyxwvowl", "externalId": "e" })).await;
        assert_eq!(read(&app, &app.owner, &id).await["status"], "PROCESSING");
        let late = announce(&app, &app.owner, "text/plain", 5, json!({ "externalId": "e" })).await;
        app.ok(&app.owner, super::FORGET, json!({ "id": id })).await;
        assert_eq!((kept(&app).await.1, app.columns_with("zyxwvowl").await), (0, vec![]));
        let (status, answer) = put(&app, &text(&late, "/upload/url"), "text/plain", b"words").await;
        assert_eq!(status, 409, "{answer:#}");
        let again = announce(&app, &app.owner, "text/plain", 5, json!({ "externalId": "e" })).await;
        assert_eq!(text(&again, "/userErrors/0/code"), "FORGOTTEN");
        let list = app.ok(&app.owner, super::LIST, json!({ "ws": app.workspace })).await;
        assert_eq!(list["workspace"]["documents"]["totalCount"], 0);
    }
}

on_both! {
    async fn a_text_that_comes_after_a_file_is_what_the_document_says(database: Database) {
        let app = start(database, "serve.work = false").await;
        let id = send(&app, "text/plain", b"from the file", json!({ "externalId": "e" })).await;
        let added = add(&app, &app.owner, json!({ "externalId": "e", "text": "from the text" })).await;
        assert_eq!((&added["document"]["id"], kept(&app).await), (&id, (0, 0)));
        assert_eq!(read(&app, &app.owner, &id).await["text"], "from the text");
    }
}

on_both! {
    async fn a_file_whose_server_is_killed_while_it_is_read_is_read_by_the_next(database: Database) {
        let folder = tempfile::tempdir().unwrap();
        // Reads its input as long as it lives, and says nothing.
        let stuck = folder.path().join("stuck");
        std::fs::write(&stuck, "#!/bin/sh\nread line\nexec sleep 60\n").unwrap();
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&stuck, executable).unwrap();
        let binary = Binary::on(&database).set("DOCUMENTS__LEASE_SECONDS", 2);
        let server = binary.clone().set("DOCUMENTS__PROGRAM", stuck.display()).serve().await;
        let client = server.client();
        let workspace = client.workspace().await;
        let input = json!({ "workspaceId": workspace, "name": "f", "mediaType": "text/plain", "size": 5 });
        let announced = client.get(CREATE, json!({ "input": input })).await;
        let root = server.url.strip_suffix("/graphql").unwrap().to_owned();
        let url = format!("{root}{}", text(&announced, "/createUpload/upload/url"));
        let http = aifirst::shared::http::plain().unwrap();
        let response = http.put(url).header("content-type", "text/plain").body("words").send().await.unwrap();
        let answer: Value = response.json().await.unwrap();
        let document = json!({ "id": answer["documentId"] });
        assert_eq!(client.get(READ, document.clone()).await["node"]["status"], "PROCESSING");
        server.kill();

        let server = binary.serve().await;
        let (client, begun) = (server.client(), Instant::now());
        loop {
            let node = client.get(READ, document.clone()).await["node"].clone();
            if node["status"] == "READY" {
                assert_eq!((&node["text"], &node["version"]), (&json!("words"), &json!(1)));
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "{node:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
