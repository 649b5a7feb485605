//! What an answer quotes word for word, found in the answer itself: models are asked to put it in quotation marks, and
//! no wire format has more for it.
use super::{EmbedCall, Embeddings, ModelCall, Provider, ProviderEvent, ProviderStream};
use crate::gateway::model::{ChatRequest, Failure, GroundingSource, Quote};
use futures_util::{StreamExt, future::BoxFuture};
use std::{mem, sync::Arc};

/// Characters of the shortest quote that counts: fewer may stand there by chance.
const LEAST: usize = 12;
/// Bytes of the longest.
const MOST: usize = 4 << 10;
/// Quotes of one answer that are looked for.
const SEARCHES: usize = 64;

/// A provider whose answers tell what they quote.
#[derive(Debug)]
pub(super) struct Quoting<P>(pub(super) P);

impl<P: Provider> Provider for Quoting<P> {
    fn chat(&self, call: ModelCall) -> ProviderStream {
        if call.request.sources.is_empty() {
            return self.0.chat(call);
        }
        let mut quotes = Quotes::of(call.request.clone());
        // What was said before is told already.
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

    fn continues(&self, call: &ModelCall) -> bool {
        self.0.continues(call)
    }

    fn embed(&self, call: EmbedCall) -> BoxFuture<'static, Result<Embeddings, Failure>> {
        self.0.embed(call)
    }

    fn models(&self) -> BoxFuture<'static, Result<Vec<String>, Failure>> {
        self.0.models()
    }
}

/// Finds quotes in a text that comes piece by piece.
struct Quotes {
    request: Arc<ChatRequest>,
    /// What stands behind a mark that was not closed yet.
    open: Option<String>,
    found: Vec<Quote>,
    /// How often sources were searched.
    searched: usize,
}

impl Quotes {
    fn of(request: Arc<ChatRequest>) -> Self {
        Self { request, open: None, found: vec![], searched: 0 }
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
        if bare.chars().count() < LEAST || self.searched >= SEARCHES {
            return;
        }
        self.searched += 1;
        let sources = &self.request.sources;
        let found = [whole.as_str(), bare]
            .into_iter()
            .find_map(|quote| sources.iter().find_map(|it| find(it, quote)));
        self.found.extend(found.filter(|quote| !self.found.contains(quote)));
    }
}

fn find(source: &GroundingSource, quote: &str) -> Option<Quote> {
    let text: String = shown(&source.text).map(|(c, _)| c).collect();
    let first = text.get(..text.find(quote)?)?.chars().count();
    let mut places = shown(&source.text).skip(first).take(quote.chars().count()).map(|(_, place)| place);
    let (start, end) = places.next()?;
    let end = places.last().map_or(end, |(_, end)| end);
    Some(Quote { source: source.id.clone(), start, end })
}

/// A source's characters as models are shown them, with one blank between words; and where each stands, in UTF-16 code
/// units.
fn shown(text: &str) -> impl Iterator<Item = (char, (usize, usize))> {
    let shown = text.chars().scan((0, false), |(at, after_blank), c| {
        let (start, is_blank) = (*at, c.is_whitespace());
        *at += c.len_utf16();
        let is_shown = !(is_blank && *after_blank);
        let c = if is_blank { ' ' } else { c };
        *after_blank = is_blank;
        Some(is_shown.then_some((c, (start, *at))))
    });
    shown.flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        gateway::model::Egress,
        shared::{id::WorkspaceId, text::slice_utf16},
    };
    use proptest::prelude::*;
    use uuid::Uuid;

    fn source(id: &str, text: &str) -> GroundingSource {
        let (id, text) = (id.to_owned(), text.to_owned());
        GroundingSource { id, text, speaker: None, occurred_at: None, egress: Egress::Allowed }
    }

    fn quotes(sources: &[GroundingSource]) -> Quotes {
        let request = ChatRequest::prompt(WorkspaceId::from_uuid(Uuid::nil()), "default", "");
        Quotes::of(Arc::new(ChatRequest { sources: sources.to_vec(), ..request }))
    }

    fn quoted(sources: &[GroundingSource], pieces: &[&str]) -> Vec<(String, String)> {
        let mut quotes = quotes(sources);
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
            assert_eq!(quoted(&sources, &[said]), std::slice::from_ref(&whole), "{said}");
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
        let mut quotes = quotes(&[source("a", "Ana prefers short stand-ups")]);
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
