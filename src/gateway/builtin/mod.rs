//! A coach without network and without a model: it follows the GROW conversation (Goal, Reality, Options, Will:
//! John Whitmore, "Coaching for Performance"), quotes what is remembered word for word, and says so when nothing
//! is. For a prompt it gives an extract. The same request always gives the same answer.
mod coach;
mod passage;
mod summary;
mod words;

use super::{
    model::{ChatRequest, FinishReason, Quote, Task, Usage, estimate_tokens},
    provider::{Provider, ProviderEvent, ProviderStream},
};
use futures_util::StreamExt;
use std::{sync::Arc, time::Duration};

pub use summary::digest;

#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// Between two words, so that people see an answer grow.
    pace: Duration,
}

/// An answer, and where in it (in bytes) each quote begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Answer {
    text: String,
    quotes: Vec<(usize, Quote)>,
}

impl Builtin {
    pub fn new(pace: Duration) -> Self {
        Self { pace }
    }
}

impl Provider for Builtin {
    fn chat(&self, request: Arc<ChatRequest>) -> ProviderStream {
        let pace = self.pace;
        async_stream::stream! {
            let answer = answer(&request);
            let usage = Usage {
                input_tokens: request.texts().map(estimate_tokens).sum(),
                output_tokens: estimate_tokens(&answer.text),
            };
            let mut quotes = answer.quotes.into_iter().peekable();
            let mut said = 0;
            for word in answer.text.split_inclusive(char::is_whitespace) {
                if !pace.is_zero() && said > 0 {
                    tokio::time::sleep(pace).await;
                }
                said += word.len();
                while let Some((_, quote)) = quotes.next_if(|(start, _)| *start < said) {
                    yield Ok(ProviderEvent::Citation(quote));
                }
                yield Ok(ProviderEvent::Delta { text: word.to_owned() });
            }
            yield Ok(ProviderEvent::Finished { reason: FinishReason::EndOfTurn, usage });
        }
        .boxed()
    }
}

fn answer(request: &ChatRequest) -> Answer {
    match &request.task {
        Task::Coach { topic, goal } => {
            coach::reply(&request.messages, topic.as_deref(), goal.as_deref(), &request.sources)
        }
        Task::Complete => {
            let prompt = request.messages.last().map(|message| message.text.as_str()).unwrap_or_default();
            Answer { text: summary::complete(prompt), quotes: vec![] }
        }
    }
}
