//! What an answer quotes word for word, found in the answer itself: models are asked to put it in quotation marks, and
//! no wire format has more for it.
use super::{Embeddings, ModelCall, Provider, ProviderEvent, ProviderStream};
use crate::gateway::model::{Failure, GroundingSource, Quote};
use futures_util::{StreamExt, future::BoxFuture};
use std::mem;

/// Characters of the shortest quote that counts: fewer may stand there by chance.
const LEAST: usize = 12;
/// Bytes of the longest.
const MOST: usize = 4 << 10;

/// A provider whose answers tell what they quote.
#[derive(Debug)]
pub(super) struct Quoting<P>(pub(super) P);

impl<P: Provider> Provider for Quoting<P> {
    fn chat(&self, call: ModelCall) -> ProviderStream {
        if call.request.sources.is_empty() {
            return self.0.chat(call);
        }
        let mut quotes = Quotes::of(&call.request.sources);
        // What was said before is told before.
        quotes.hear(&call.prefill);
        let events = self.0.chat(call);
        async_stream::stream! {
            for await event in events {
                let quoted = match &event {
                    Ok(ProviderEvent::Delta { text }) => quotes.hear(text),
                    _ => vec![],
                };
                yield event;
                for quote in quoted {
                    yield Ok(ProviderEvent::Citation(quote));
                }
            }
        }
        .boxed()
    }

    fn embed(&self, model: &str, texts: Vec<String>) -> BoxFuture<'static, Result<Embeddings, Failure>> {
        self.0.embed(model, texts)
    }

    fn models(&self) -> BoxFuture<'static, Result<Vec<String>, Failure>> {
        self.0.models()
    }
}

/// Finds quotes in a text that comes piece by piece.
struct Quotes {
    sources: Vec<Source>,
    /// What stands behind a mark that was not closed yet.
    open: Option<String>,
    found: Vec<Quote>,
}

impl Quotes {
    fn of(sources: &[GroundingSource]) -> Self {
        Self { sources: sources.iter().map(Source::new).collect(), open: None, found: vec![] }
    }

    /// Those that end in this piece, each once.
    fn hear(&mut self, piece: &str) -> Vec<Quote> {
        let before = self.found.len();
        for c in piece.chars() {
            match c {
                '“' | '«' | '„' => self.open = Some(String::new()),
                '”' | '»' => self.close(),
                '"' if self.open.is_some() => self.close(),
                '"' => self.open = Some(String::new()),
                c => {
                    if let Some(open) = &mut self.open {
                        open.push(c);
                    }
                }
            }
            if self.open.as_ref().is_some_and(|open| open.len() > MOST) {
                self.open = None;
            }
        }
        self.found.get(before..).unwrap_or_default().to_vec()
    }

    fn close(&mut self) {
        let Some(open) = mem::take(&mut self.open) else { return };
        let whole = open.split_whitespace().collect::<Vec<_>>().join(" ");
        // The end of the answer's own sentence may stand before the mark.
        let bare = whole.trim_end_matches(['.', ',', '!', '?', ';', ':']);
        let found = [whole.as_str(), bare].into_iter().filter(|quote| quote.chars().count() >= LEAST);
        let found = found.into_iter().find_map(|quote| self.sources.iter().find_map(|it| it.find(quote)));
        self.found.extend(found.filter(|quote| !self.found.contains(quote)));
    }
}

/// A source with its words one blank apart, as models are shown it.
struct Source {
    id: String,
    text: String,
    /// Where each character of the text stands in the source, in UTF-16 code units.
    places: Vec<(usize, usize)>,
}

impl Source {
    fn new(source: &GroundingSource) -> Self {
        let (mut text, mut places, mut at) = (String::new(), vec![], 0);
        for c in source.text.chars() {
            let place = (at, at + c.len_utf16());
            at = place.1;
            let c = if c.is_whitespace() { ' ' } else { c };
            if c != ' ' || !text.ends_with(' ') {
                text.push(c);
                places.push(place);
            }
        }
        Self { id: source.id.clone(), text, places }
    }

    fn find(&self, quote: &str) -> Option<Quote> {
        let first = self.text.get(..self.text.find(quote)?)?.chars().count();
        let last = first + quote.chars().count().checked_sub(1)?;
        let (&(start, _), &(_, end)) = (self.places.get(first)?, self.places.get(last)?);
        Some(Quote { source: self.id.clone(), start, end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{gateway::model::Egress, shared::text::slice_utf16};
    use proptest::prelude::*;

    fn source(id: &str, text: &str) -> GroundingSource {
        let (id, text) = (id.to_owned(), text.to_owned());
        GroundingSource { id, text, speaker: None, occurred_at: None, egress: Egress::Allowed }
    }

    fn quoted(sources: &[GroundingSource], pieces: &[&str]) -> Vec<(String, String)> {
        let mut quotes = Quotes::of(sources);
        let found = pieces.iter().flat_map(|piece| quotes.hear(piece)).collect::<Vec<_>>();
        let text = |quote: &Quote| {
            let source = sources.iter().find(|source| source.id == quote.source).unwrap();
            slice_utf16(&source.text, quote.start, quote.end).unwrap().to_owned()
        };
        found.iter().map(|quote| (quote.source.clone(), text(quote))).collect()
    }

    #[test]
    fn what_stands_in_a_source_word_for_word_is_a_quote() {
        let sources =
            [source("a", "Ana prefers  short\nstand-ups 😀 before ten"), source("b", "Tom does not")];
        let whole = ("a".to_owned(), "prefers  short\nstand-ups 😀 before ten".to_owned());
        for said in [
            "You said “prefers short stand-ups 😀 before ten”.",
            "You said \"prefers short stand-ups 😀 before ten.\"",
            "„He“ said «prefers short stand-ups 😀 before ten»",
        ] {
            assert_eq!(quoted(&sources, &[said]), [whole.clone()], "{said}");
        }
        for said in [
            "prefers short stand-ups 😀 before ten",
            "“prefers long stand-ups”",
            "“before ten”",
            "“prefers short stand-ups",
            "”prefers short stand-ups“",
        ] {
            assert_eq!(quoted(&sources, &[said]), [], "{said}");
        }
        let twice = "“Ana prefers short stand-ups” and “Tom does not” and “Ana prefers short stand-ups”";
        let told = quoted(&sources, &[twice]).into_iter().map(|(source, _)| source);
        assert_eq!(told.collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn a_quote_that_does_not_end_costs_no_memory() {
        let mut quotes = Quotes::of(&[source("a", "Ana prefers short stand-ups")]);
        quotes.hear("“");
        for _ in 0..1_000 {
            quotes.hear(&"x".repeat(100));
        }
        assert_eq!(quotes.open, None);
        assert_eq!(quotes.hear("“Ana prefers short stand-ups”").len(), 1);
    }

    proptest! {
        #[test]
        fn pieces_give_the_same_as_the_whole(said in "([“”\"]|Ana prefers short stand-ups|[a-z😀 ]){0,12}", at in 0usize..200) {
            let sources = [source("a", "Ana prefers short stand-ups")];
            let at = said.floor_char_boundary(at);
            prop_assert_eq!(quoted(&sources, &[&said[..at], &said[at..]]), quoted(&sources, &[&said]));
        }
    }
}
