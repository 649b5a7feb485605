use crate::gateway::model::{ChatEvent, MAX_OUTPUT, text_in};

/// What was said so far, by all attempts.
#[derive(Default)]
pub(super) struct Said {
    pub(super) text: String,
    characters: usize,
    /// Whether something beside the text was passed on.
    more: bool,
    /// A tool was asked for: nobody else goes on after that.
    pub(super) tool: bool,
}

/// What was taken of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// Whether nothing of it is left to be passed on.
    pub(super) is_nothing: bool,
    /// Whether the answer is now as long as one may be.
    pub(super) is_full: bool,
}

impl Said {
    pub(super) fn is_anything(&self) -> bool {
        self.more || !self.text.is_empty()
    }

    /// What is over the greatest length of an answer is cut off; a tool is left out with all of its arguments.
    pub(super) fn take(&mut self, event: &mut ChatEvent) -> Taken {
        let text = match event {
            ChatEvent::Delta { text } => text,
            ChatEvent::Tool(tool) => {
                self.characters = self.characters.saturating_add(text_in(&tool.arguments));
                let is_full = self.characters > MAX_OUTPUT;
                self.more |= !is_full;
                self.tool |= !is_full;
                return Taken { is_nothing: is_full, is_full };
            }
            ChatEvent::Citation(_) | ChatEvent::Finished { .. } | ChatEvent::Failed(_) => {
                self.more = true;
                return Taken { is_nothing: false, is_full: false };
            }
        };
        let mut places = text.char_indices();
        let characters = places.by_ref().take(MAX_OUTPUT.saturating_sub(self.characters)).count();
        let over = places.next().map(|(at, _)| at);
        text.truncate(over.unwrap_or(text.len()));
        self.characters += characters;
        self.text.push_str(text);
        Taken { is_nothing: characters == 0, is_full: over.is_some() }
    }
}
