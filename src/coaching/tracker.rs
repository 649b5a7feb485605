//! How much of a reply one follower has heard, and what to tell it next. Pure: deltas come by the bus, which may
//! lose some; the checkpoint is late but whole.
use crate::shared::text::{byte_at_utf16, utf16_len};

/// What to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Everything so far, in place of what was heard.
    Snapshot(String),
    /// What follows at `offset`, which is where the follower stands.
    Delta { offset: u32, text: String },
}

impl Piece {
    /// Where a follower stands that has heard this, and nothing after it yet.
    pub(super) fn end(&self) -> u32 {
        match self {
            Self::Snapshot(text) => length(text),
            Self::Delta { offset, text } => offset + length(text),
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Tracker {
    /// Where the follower stands, in UTF-16 code units; `None` before it was told anything.
    heard: Option<u32>,
    /// Heard on the bus, but beyond a gap: where it begins, and the text.
    ahead: Option<(u32, String)>,
}

impl Tracker {
    /// A follower that stands at `offset`.
    pub(super) fn at(offset: u32) -> Self {
        Self { heard: Some(offset), ahead: None }
    }

    /// Whether a checkpoint is needed before it can go on.
    pub(super) fn is_behind(&self) -> bool {
        self.ahead.is_some()
    }

    /// A delta came by the bus.
    pub(super) fn delta(&mut self, offset: u32, text: &str) -> Option<Piece> {
        let heard = self.heard.unwrap_or_default();
        match &mut self.ahead {
            None if offset <= heard => self.extend(offset, text),
            Some((start, ahead)) if offset == *start + length(ahead) => {
                ahead.push_str(text);
                None
            }
            // A second gap behind the first: the newer part is the one that the next checkpoint may reach.
            _ => {
                self.ahead = Some((offset, text.to_owned()));
                None
            }
        }
    }

    /// The text as it was checkpointed a moment ago.
    pub(super) fn checkpoint(&mut self, text: &str) -> Vec<Piece> {
        let mut pieces: Vec<_> = match self.heard {
            None => self.snapshot(text).into_iter().collect(),
            Some(_) => self.extend(0, text).into_iter().collect(),
        };
        let reached = self.heard.unwrap_or_default();
        if let Some((start, ahead)) = self.ahead.take_if(|(start, _)| *start <= reached) {
            pieces.extend(self.extend(start, &ahead));
        }
        pieces
    }

    /// The text as it stays for good. After this the follower has exactly it.
    pub(super) fn finish(&mut self, text: &str) -> Option<Piece> {
        self.ahead = None;
        match self.heard {
            // More was heard than was kept: a crash came between.
            Some(heard) if heard > length(text) => self.snapshot(text),
            Some(_) => self.extend(0, text),
            // What it may have heard before it came with this cursor is not known: an empty text is told too.
            None => self.snapshot(text),
        }
    }

    fn snapshot(&mut self, text: &str) -> Option<Piece> {
        self.heard = Some(length(text));
        Some(Piece::Snapshot(text.to_owned()))
    }

    /// Of a text that begins at `offset`, at or before where the follower stands, what is new to it.
    fn extend(&mut self, offset: u32, text: &str) -> Option<Piece> {
        let heard = self.heard.unwrap_or_default();
        let end = offset + length(text);
        if end <= heard {
            self.heard = Some(heard);
            return None;
        }
        let from = byte_at_utf16(text, usize::try_from(heard - offset).unwrap_or(usize::MAX));
        self.heard = Some(end);
        match from {
            Some(from) => Some(Piece::Delta { offset: heard, text: text[from..].to_owned() }),
            // A cursor that no server gave, inside a character.
            None => Some(Piece::Snapshot(text.to_owned())),
        }
    }
}

pub(super) fn length(text: &str) -> u32 {
    u32::try_from(utf16_len(text)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A client that does as the schema says.
    #[derive(Default)]
    struct Client(String);

    impl Client {
        fn take(&mut self, piece: Piece) {
            let end = piece.end();
            match piece {
                Piece::Snapshot(text) => self.0 = text,
                Piece::Delta { offset, text } => {
                    assert_eq!(offset, length(&self.0), "no gap, no double");
                    self.0.push_str(&text);
                }
            }
            assert_eq!(end, length(&self.0), "who reconnects after this piece goes on where it ends");
        }
    }

    proptest! {
        #[test]
        fn a_follower_ends_with_the_whole_text_whatever_the_bus_loses(
            words in prop::collection::vec("(a|bc|ä|😀|de f){1,3}", 0..30),
            lost in prop::collection::vec(any::<bool>(), 30),
            checkpoints in prop::collection::vec(any::<bool>(), 30),
            joins in 0_usize..30,
            reconnects in prop::collection::vec(any::<bool>(), 30),
        ) {
            let (mut said, mut saved) = (String::new(), String::new());
            let (mut client, mut tracker) = (Client::default(), Tracker::default());
            for (at, word) in words.iter().enumerate() {
                let offset = length(&said);
                said.push_str(word);
                if at == joins {
                    for piece in tracker.checkpoint(&saved) { client.take(piece); }
                }
                if at >= joins && !lost[at] && let Some(piece) = tracker.delta(offset, word) {
                    client.take(piece);
                }
                if checkpoints[at] {
                    saved = said.clone();
                    if tracker.is_behind() {
                        for piece in tracker.checkpoint(&saved) { client.take(piece); }
                        prop_assert!(!tracker.is_behind());
                    }
                }
                if reconnects[at] && at > joins {
                    tracker = Tracker::at(length(&client.0));
                }
                prop_assert!(said.starts_with(&client.0));
            }
            if let Some(piece) = tracker.finish(&said) { client.take(piece); }
            prop_assert_eq!(client.0, said);
        }

        #[test]
        fn what_a_crash_took_back_is_taken_back_from_the_follower(
            text in "[a-zä😀]{1,20}", lost in "[a-zä😀]{1,20}",
        ) {
            let (mut client, mut tracker) = (Client::default(), Tracker::default());
            if let Some(piece) = tracker.delta(0, &format!("{text}{lost}")) { client.take(piece); }
            if let Some(piece) = tracker.finish(&text) { client.take(piece); }
            prop_assert_eq!(client.0, text);
        }

        #[test]
        fn a_forged_place_breaks_nothing(offset: u32, text in "[aä😀]{0,9}", delta in "[aä😀]{0,9}", at in 0_u32..20) {
            let mut tracker = Tracker::at(offset);
            let _ = tracker.delta(at, &delta);
            let _ = tracker.checkpoint(&text);
            let _ = tracker.finish(&text);
        }
    }
}
