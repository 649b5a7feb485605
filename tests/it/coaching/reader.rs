//! A client that shows replies as they grow, as the schema tells it to, and complains of whatever does not fit.
use crate::support::{Subscription, text};
use serde_json::Value;
use std::collections::HashMap;

#[derive(Clone, Default)]
pub struct Reader {
    /// What it shows of each turn's reply.
    pub texts: HashMap<String, String>,
    /// What is in the log, as far as it was heard: type and cursor of each event.
    pub log: Vec<(String, String)>,
    /// Each turn that is over, and its last event.
    pub ended: HashMap<String, Value>,
    pub cursor: Option<Value>,
    /// Pieces of text heard: snapshots and deltas.
    pub pieces: Vec<Value>,
}

const ENDS: [&str; 4] = ["TurnCompleted", "TurnInterrupted", "TurnIncomplete", "TurnFailed"];

pub fn name(event: &Value) -> &str {
    event["__typename"].as_str().unwrap()
}

pub fn is_end(event: &Value) -> bool {
    ENDS.contains(&name(event))
}

pub fn utf16(text: &str) -> usize {
    text.encode_utf16().count()
}

impl Reader {
    pub fn take(&mut self, event: &Value) {
        let turn = || text(event, "/turn/id");
        let said = || text(event, "/text");
        let offset = || usize::try_from(event["offset"].as_u64().unwrap()).unwrap();
        match name(event) {
            "TurnSnapshot" => {
                assert_eq!(offset(), utf16(&said()), "{event:#}");
                self.texts.insert(turn(), said());
            }
            "TurnDelta" => {
                let shown = self.texts.entry(turn()).or_default();
                assert_eq!(offset(), utf16(shown), "a gap or a double after {shown:?}: {event:#}");
                assert!(!said().is_empty(), "{event:#}");
                shown.push_str(&said());
            }
            other => self.log.push((other.to_owned(), text(event, "/cursor"))),
        }
        if matches!(name(event), "TurnSnapshot" | "TurnDelta") {
            assert!(!self.ended.contains_key(&turn()), "said after its end: {event:#}");
            assert_eq!(event["turn"]["status"], "RUNNING", "{event:#}");
            self.pieces.push(event.clone());
        }
        if is_end(event) {
            let shown = self.texts.get(&turn()).cloned().unwrap_or_default();
            assert_eq!(shown, event["turn"]["reply"]["text"].as_str().unwrap_or_default(), "{event:#}");
            assert!(self.ended.insert(turn(), event.clone()).is_none(), "ended twice: {event:#}");
        }
        self.cursor = Some(event["cursor"].clone());
    }

    /// What it shows of the turn's reply.
    pub fn shown(&self, turn: &str) -> &str {
        self.texts.get(turn).map(String::as_str).unwrap_or_default()
    }

    /// Reads up to the event that satisfies `last`, which it gives.
    pub async fn read_until(&mut self, events: &mut Subscription, last: impl Fn(&Value) -> bool) -> Value {
        loop {
            let event = events.next().await.expect("completed too early")["coachingEvents"].clone();
            self.take(&event);
            if last(&event) {
                return event;
            }
        }
    }

    /// Reads until it shows so much of the turn's reply.
    pub async fn read_words(&mut self, events: &mut Subscription, turn: &str, enough: impl Fn(&str) -> bool) {
        while !enough(self.shown(turn)) {
            self.read_until(events, |_| true).await;
            assert!(!self.ended.contains_key(turn), "over too early: {}", self.shown(turn));
        }
    }

    /// The names of what is in the log, from the beginning.
    pub fn names(&self) -> Vec<&str> {
        self.log.iter().map(|(name, _)| name.as_str()).collect()
    }
}
