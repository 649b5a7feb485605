//! JSON, written straight into the body.
use crate::id;
use chrono::{DateTime, Datelike, Timelike, Utc};
use std::io::Write;
use uuid::Uuid;

pub trait Json {
    fn raw(&mut self, text: &str);
    fn string(&mut self, text: &str);
    fn maybe(&mut self, text: Option<&str>);
    fn id(&mut self, prefix: &str, id: Uuid);
    fn number(&mut self, number: i64);
    fn float(&mut self, number: f64);
    fn time(&mut self, at: DateTime<Utc>);
    /// Before each but the first.
    fn comma(&mut self, first: &mut bool);
}

impl Json for Vec<u8> {
    fn raw(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }

    fn string(&mut self, text: &str) {
        self.push(b'"');
        let plain = |byte: &u8| *byte >= 0x20 && *byte != b'"' && *byte != b'\\';
        if text.as_bytes().iter().all(plain) {
            self.raw(text);
        } else {
            for byte in text.bytes() {
                match byte {
                    b'"' => self.raw("\\\""),
                    b'\\' => self.raw("\\\\"),
                    b'\n' => self.raw("\\n"),
                    0..0x20 => write!(self, "\\u{byte:04x}").expect("a vector takes all"),
                    _ => self.push(byte),
                }
            }
        }
        self.push(b'"');
    }

    fn maybe(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.string(text),
            None => self.raw("null"),
        }
    }

    fn id(&mut self, prefix: &str, id: Uuid) {
        self.push(b'"');
        id::write(self, prefix, id);
        self.push(b'"');
    }

    fn number(&mut self, number: i64) {
        write!(self, "{number}").expect("a vector takes all");
    }

    fn float(&mut self, number: f64) {
        write!(self, "{number}").expect("a vector takes all");
    }

    /// To the millisecond, as finely as the data is.
    fn time(&mut self, at: DateTime<Utc>) {
        let (date, time) = (at.date_naive(), at.time());
        write!(
            self,
            "\"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z\"",
            date.year(),
            date.month(),
            date.day(),
            time.hour(),
            time.minute(),
            time.second(),
            time.nanosecond() / 1_000_000
        )
        .expect("a vector takes all");
    }

    fn comma(&mut self, first: &mut bool) {
        if !std::mem::take(first) {
            self.push(b',');
        }
    }
}
