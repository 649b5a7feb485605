//! How many tokens a request or an answer has, where no provider counts them. No tokenizer is at hand, so this errs on
//! the high side: what a budget is told of an answer that broke off must not be less than what it cost.
use super::model::{ChatEvent, ChatRequest, Usage};
use std::{borrow::Cow, mem};

/// Tokens that a provider adds of its own to each part of a request, and where it explains to its model what tools are.
const FRAME: u32 = 8;
const TOOLS: u32 = 512;

/// Small letters and blanks of ASCII that make a token: English text has 4 to 4.5, other languages and code have 3 and more.
const LETTERS: usize = 3;
/// What no tokenizer of today takes more tokens for, in characters of all kinds.
const CHARACTERS: usize = 4;

/// Counts the tokens of a text that comes in pieces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tokens {
    /// Of letters one after the other, at the end of what came.
    letters: usize,
    /// Tokens of what came before them.
    before: usize,
    characters: usize,
}

impl Tokens {
    pub fn of(text: &str) -> Self {
        let mut tokens = Self::default();
        tokens.add(text);
        tokens
    }

    pub fn add(&mut self, text: &str) {
        for character in text.chars() {
            self.characters += 1;
            match character {
                'a'..='z' | ' ' => self.letters += 1,
                // A digit, a sign or a capital may be a token of its own; ä or я is one at most, a character of Chinese or Japanese
                // two, an emoji three.
                other => {
                    let letters = mem::take(&mut self.letters);
                    self.before += letters.div_ceil(LETTERS) + (other.len_utf8() - 1).max(1);
                }
            }
        }
    }

    /// What a provider may have made of it, where it was to stop at `most`. One that says more than that has surely made as
    /// many as the longest tokens give.
    pub fn up_to(self, most: u32) -> u32 {
        self.count().min(most).max(count(self.characters.div_ceil(CHARACTERS)))
    }

    pub fn count(self) -> u32 {
        count(self.before + self.letters.div_ceil(LETTERS))
    }

    /// What goes out to a caller is what came from a model.
    pub fn hear(&mut self, event: &ChatEvent) {
        match event {
            ChatEvent::Delta { text } => self.add(text),
            ChatEvent::Tool(tool) => {
                self.add(&tool.name);
                self.add(&tool.arguments.to_string());
            }
            ChatEvent::Citation(_) | ChatEvent::Finished { .. } | ChatEvent::Failed(_) => {}
        }
    }
}

fn count(tokens: usize) -> u32 {
    u32::try_from(tokens).unwrap_or(u32::MAX)
}

/// A count of tokens that errs on the high side.
pub fn estimate_tokens(text: &str) -> u32 {
    Tokens::of(text).count()
}

impl ChatRequest {
    /// All that a provider is told, in any form.
    pub(super) fn parts(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let asked = self.asked();
        let asked =
            asked.flat_map(|tool| [Cow::from(tool.name.as_str()), Cow::from(tool.arguments.to_string())]);
        let offered = self.tools.iter().flat_map(|tool| {
            let words = [tool.name.as_str(), tool.description.as_str()].map(Cow::from);
            words.into_iter().chain([Cow::from(tool.parameters.to_string())])
        });
        let schema = self.output_schema.iter().map(|schema| Cow::from(schema.to_string()));
        let words = self.words().map(Cow::from);
        words.filter(|text| !text.is_empty()).chain(asked).chain(offered).chain(schema)
    }

    pub(super) fn estimate_tokens(&self) -> u32 {
        let parts = self.parts().map(|part| estimate_tokens(&part).saturating_add(FRAME));
        let tools = if self.tools.is_empty() { 0 } else { TOOLS };
        parts.fold(tools, u32::saturating_add)
    }
}

impl Usage {
    /// As many as a provider may have counted that counted nothing.
    pub(super) fn estimated(input_tokens: u32, said: Tokens, most: u32) -> Self {
        Self { input_tokens, cached_input_tokens: 0, output_tokens: said.up_to(most) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn in_whatever_pieces_it_comes_it_is_as_long_and_never_longer_than_its_bytes(
            pieces in prop::collection::vec(any::<String>(), 0..8), most in 1_u32..100,
        ) {
            let mut tokens = Tokens::default();
            pieces.iter().for_each(|piece| tokens.add(piece));
            let whole = pieces.concat();
            prop_assert_eq!(tokens, Tokens::of(&whole));
            prop_assert!(tokens.count() as usize <= whole.len());
            prop_assert!(tokens.up_to(most) <= tokens.count());
            prop_assert!(tokens.up_to(most) >= tokens.count().min(most));
        }
    }
}
