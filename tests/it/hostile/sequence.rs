//! Sequences of messages over a WebSocket, as no client would send them: the server goes on, or closes with the code
//! that the protocol has for it.
use super::is_well;
use crate::support::{Database, Dice, Socket, TestApp, text, with_seeds};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio_tungstenite::tungstenite::Message;

const SEQUENCES: u64 = 60;
const LENGTH: u64 = 30;

/// What the protocol makes of what was sent so far.
struct Model {
    dice: Dice,
    token: String,
    session: String,
    initialised: bool,
    /// Operations that do not end by themselves.
    running: BTreeSet<String>,
    /// For ids that were not used before.
    fresh: u64,
}

/// The code with which the server closes; `None`: it goes on.
type Effect = Option<u16>;

impl Model {
    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.dice.throw(of.len() as u64)).unwrap()]
    }

    fn next(&mut self) -> (Vec<Message>, Effect) {
        match self.dice.throw(40) {
            0 => (vec![Message::binary(vec![0xFF; 20])], Some(4400)),
            1 => (vec![Message::text(self.malformed())], Some(4400)),
            2 => (vec![Message::text("x".repeat(70_000))], Some(1009)),
            3 => self.init(json!({ "authorization": 1 }), 4400),
            4 => self.init(json!({ "authorization": "Bearer aif_wrong_wrong" }), 4403),
            5 => self.subscribe(String::new(), "{__typename}", Some(4400)),
            6 => self.subscribe("😀".repeat(129), "{__typename}", Some(4400)),
            7..=11 => self.init(json!({ "Authorization": format!("Bearer {}", self.token) }), 0),
            12..=17 => self.endless(),
            18..=20 => self.complete(),
            21..=23 => {
                let id = self.fresh_id();
                let document =
                    self.pick(&["{__typename}", "{", "{nothing}", "{viewer{id}}", "subscription{nothing}"]);
                self.subscribe(id, document, None)
            }
            24 => (vec![said(json!({ "type": "ping" })); 50], None),
            25 => (vec![said(json!({ "type": "pong", "payload": { "unasked": true } }))], None),
            26 => (vec![Message::Ping(vec![1; 125].into()), Message::Pong(vec![2; 125].into())], None),
            _ => (vec![said(json!({ "type": "ping", "payload": { "n": [1, { "a": null }] } }))], None),
        }
    }

    fn malformed(&mut self) -> String {
        let long = "ü".repeat(500);
        let texts = [
            String::new(),
            "{".into(),
            "[]".into(),
            "null".into(),
            "\"ping\"".into(),
            "{}".into(),
            "{\"type\":null}".into(),
            "{\"type\":\"ping\",\"type\":\"pong\"}".into(),
            "{\"type\":\"ping\",\"payload\":[]}".into(),
            "{\"type\":\"connection_init\",\"payload\":\"x\"}".into(),
            "{\"type\":\"subscribe\",\"id\":\"1\"}".into(),
            "{\"type\":\"subscribe\",\"id\":1,\"payload\":{\"query\":\"{__typename}\"}}".into(),
            "{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":{\"query\":{}}}".into(),
            "{\"type\":\"complete\"}".into(),
            "{\"type\":\"connection_ack\"}".into(),
            "{\"type\":\"start\",\"id\":\"1\"}".into(),
            format!("{{\"type\":\"{long}\"}}"),
            format!(
                "{{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":{{\"query\":\"a\",\"variables\":{}}}}}",
                "[".repeat(20_000)
            ),
            format!("{}{}", "[".repeat(20_000), "]".repeat(20_000)),
        ];
        let place = usize::try_from(self.dice.throw(texts.len() as u64)).unwrap();
        texts[place].clone()
    }

    /// Zero: it is as it should be.
    fn init(&mut self, payload: Value, code: u16) -> (Vec<Message>, Effect) {
        let message = said(json!({ "type": "connection_init", "payload": payload }));
        let effect = match (self.initialised, code) {
            (true, _) => Some(4429),
            (false, 0) => None,
            (false, code) => Some(code),
        };
        self.initialised = true;
        (vec![message], effect)
    }

    fn subscribe(&mut self, id: String, document: &str, effect: Effect) -> (Vec<Message>, Effect) {
        let payload = json!({ "query": document, "variables": { "s": self.session } });
        let message = said(json!({ "type": "subscribe", "id": id, "payload": payload }));
        (vec![message], if self.initialised { effect } else { Some(4401) })
    }

    fn endless(&mut self) -> (Vec<Message>, Effect) {
        let id = self.some_id();
        let effect = if self.running.insert(id.clone()) { None } else { Some(4409) };
        self.subscribe(id, "subscription($s: ID!) { coachingEvents(sessionId: $s) { __typename } }", effect)
    }

    fn complete(&mut self) -> (Vec<Message>, Effect) {
        let id = self.some_id();
        self.running.remove(&id);
        (vec![said(json!({ "type": "complete", "id": id }))], None)
    }

    /// Of a few, so that they meet.
    fn some_id(&mut self) -> String {
        let id = self.pick(&["1", "a", " ", "\u{0}", "😀", "null", "{}", "\"", "x\n", "constructor"]);
        if id == "x\n" { "x".repeat(128) } else { id.to_owned() }
    }

    fn fresh_id(&mut self) -> String {
        self.fresh += 1;
        format!("fresh-{}", self.fresh)
    }
}

fn said(message: Value) -> Message {
    Message::text(message.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_sequences_of_messages_go_on_or_close_with_the_protocols_code() {
    let app = TestApp::start(Database::sqlite()).await;
    let start = "mutation($ws: ID!) { startCoachingSession(input: {workspaceId: $ws}) { session { id } } }";
    let started = app.ok(&app.owner, start, json!({ "ws": app.workspace })).await;
    let session = text(&started, "/startCoachingSession/session/id");
    let seen = std::cell::RefCell::new(BTreeSet::new());
    with_seeds(SEQUENCES, async |seed| {
        let mut model = Model {
            dice: Dice::new(seed),
            token: app.owner.token.clone(),
            session: session.clone(),
            initialised: false,
            running: BTreeSet::new(),
            fresh: 0,
        };
        let mut socket = Socket::open(&app.url()).await;
        let mut sent = vec![];
        let mut effect = None;
        while effect.is_none() && sent.len() < LENGTH as usize {
            let (messages, then) = model.next();
            for message in messages {
                sent.push(message.to_string().chars().take(100).collect::<String>());
                assert!(socket.try_send(message).await, "it hung up: {sent:#?}");
            }
            effect = then;
        }
        seen.borrow_mut().insert(effect);
        match effect {
            None => {
                socket.send(json!({ "type": "ping", "payload": { "seed": seed } })).await;
                let pong = json!({ "type": "pong", "payload": { "seed": seed } });
                while socket.receive().await.unwrap_or_else(|| panic!("it closed: {sent:#?}")) != pong {}
            }
            Some(code) => {
                // What comes after counts no more.
                for message in [said(json!({ "type": "ping" })), Message::binary(vec![0; 10])] {
                    socket.try_send(message).await;
                }
                let (closed, reason) = socket.closed().await;
                assert_eq!(closed, code, "{reason}: {sent:#?}");
                assert!(reason.len() <= 123, "{reason}");
            }
        }
        is_well(&app).await;
    })
    .await;
    if std::env::var_os("AIFIRST_TEST_SEED").is_none() {
        assert!(seen.borrow().len() > 3, "they all ended alike: {seen:?}");
    }
}
