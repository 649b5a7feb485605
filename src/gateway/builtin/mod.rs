//! A coach without network and without a model: it follows the GROW conversation (Goal, Reality, Options, Will:
//! John Whitmore, "Coaching for Performance"), quotes what is remembered word for word, and says so when nothing
//! is. For a prompt it gives an extract. The same request always gives the same answer.
mod answer;
mod coach;
mod passage;
mod summary;
mod words;

use super::{
    model::{ChatRequest, Failure, FinishReason, Quote, Task, Usage},
    ordering::Ordered,
    provider::{ModelCall, Provider, ProviderEvent, ProviderStream},
    size::estimate_tokens,
};
use futures_util::{FutureExt, StreamExt, future::BoxFuture};
use std::time::Duration;

pub use summary::digest;

/// The name of its only model.
pub const MODEL: &str = "builtin";

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
    /// As it always gives the same answer, it goes on after a prefill by leaving out what is said already.
    fn chat(&self, call: ModelCall) -> ProviderStream {
        let pace = self.pace;
        async_stream::stream! {
            let answer = answer(&call.request);
            let usage = Usage {
                input_tokens: call.request.words().map(estimate_tokens).sum(),
                cached_input_tokens: 0,
                output_tokens: estimate_tokens(&answer.text),
            };
            let mut quotes = answer.quotes.into_iter().peekable();
            let mut said = 0;
            let rest = answer.text.strip_prefix(&*call.prefill);
            if let Some(rest) = rest {
                said = answer.text.len() - rest.len();
                while quotes.next_if(|(start, _)| *start < said).is_some() {}
            }
            for word in rest.unwrap_or(&answer.text).split_inclusive(char::is_whitespace) {
                if !pace.is_zero() && said > 0 {
                    tokio::time::sleep(pace).await;
                }
                said += word.len();
                while let Some((_, quote)) = quotes.next_if(|(start, _)| *start < said) {
                    yield Ok(ProviderEvent::Citation(quote));
                }
                yield Ok(ProviderEvent::Delta { text: word.to_owned() });
            }
            yield Ok(ProviderEvent::Finished { reason: FinishReason::EndOfTurn, usage: Some(usage) });
        }
        .boxed()
    }

    /// Its own answer alone.
    fn continues(&self, call: &ModelCall) -> bool {
        call.prefill.is_empty() || answer(&call.request).text.starts_with(&*call.prefill)
    }

    fn models(&self) -> BoxFuture<'static, Result<Vec<String>, Failure>> {
        async { Ok(vec![MODEL.to_owned()]) }.boxed()
    }
}

fn answer(request: &ChatRequest) -> Answer {
    match &request.task {
        Task::Coach { topic, goal } => {
            coach::reply(&request.messages, topic.as_deref(), goal.as_deref(), &request.sources)
        }
        Task::Answer => {
            let question = request.messages.last().map(|message| message.text.as_str()).unwrap_or_default();
            Answer { text: answer::answer(question, &request.sources), quotes: vec![] }
        }
        // It knows no better one.
        Task::Order => {
            let order = request.sources.iter().filter_map(|source| source.id.parse().ok()).collect();
            Answer { text: serde_json::json!(Ordered { order }).to_string(), quotes: vec![] }
        }
        // It cannot tell, which is another answer than that there are none; nor has it vectors.
        Task::Contradict | Task::Embed(_) => Answer { text: String::new(), quotes: vec![] },
        Task::Complete => {
            let prompt = request.messages.last().map(|message| message.text.as_str()).unwrap_or_default();
            Answer { text: summary::complete(prompt), quotes: vec![] }
        }
    }
}
