use super::{
    builtin::Builtin,
    model::{
        ChatEvent, ChatRequest, Completion, FailureKind, FinishReason, MAX_INPUT, MAX_OUTPUT, Usage,
        estimate_tokens,
    },
    provider::{ModelCall, Provider, ProviderEvent, ProviderStream},
};
use crate::shared::{
    Error, Result,
    actor::{Actor, Write},
};
use futures_util::{Stream, StreamExt, stream::BoxStream};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

pub const DEFAULT_ROUTE: &str = "default";

/// The door to every model.
#[derive(Clone, Debug)]
pub struct Gateway {
    routes: Arc<BTreeMap<String, Arc<dyn Provider>>>,
}

impl Gateway {
    pub fn new(routes: impl IntoIterator<Item = (String, Arc<dyn Provider>)>) -> Self {
        Self { routes: Arc::new(routes.into_iter().collect()) }
    }

    /// The embedded default: the built-in coach, which waits `pace` between two words.
    pub fn builtin(pace: Duration) -> Self {
        let builtin: Arc<dyn Provider> = Arc::new(Builtin::new(pace));
        Self::new([(DEFAULT_ROUTE.to_owned(), builtin)])
    }

    pub fn has_route(&self, name: &str) -> bool {
        self.routes.contains_key(name)
    }

    /// Starts an answer. The stream ends with exactly one terminal event; dropping it ends the call.
    ///
    /// `Refused` at `route` where no route has this name, and where the texts are longer than a call may be.
    pub fn chat(&self, actor: &Actor, request: ChatRequest) -> Result<BoxStream<'static, ChatEvent>> {
        actor.may::<Write>(request.workspace)?;
        let provider = self.routes.get(&request.route).ok_or_else(|| {
            let names: Vec<_> = self.routes.keys().map(String::as_str).collect();
            Error::invalid("route", format!("there is no such route: {} is possible", names.join(", ")))
        })?;
        let length: usize = request.texts().map(|text| text.chars().count()).sum();
        if length > MAX_INPUT {
            return Err(Error::invalid(
                "prompt",
                format!("{length} characters: at most {MAX_INPUT} are possible"),
            ));
        }
        let call = ModelCall {
            model: super::builtin::MODEL.to_owned(),
            request: Arc::new(request),
            prefill: "".into(),
            max_output_tokens: 4_096,
        };
        let input_tokens = call.request.texts().map(estimate_tokens).sum();
        Ok(until_terminal(provider.chat(call), input_tokens).boxed())
    }

    /// The whole answer at once. `Unavailable` where the provider failed, which a retry may mend.
    pub async fn complete(&self, actor: &Actor, request: ChatRequest) -> Result<Completion> {
        let mut events = self.chat(actor, request)?;
        let (mut text, mut quotes) = (String::new(), vec![]);
        while let Some(event) = events.next().await {
            match event {
                ChatEvent::Delta { text: more } => text.push_str(&more),
                ChatEvent::Citation(quote) => quotes.push(quote),
                ChatEvent::Finished { reason, usage } => {
                    return Ok(Completion { text, quotes, reason, usage });
                }
                ChatEvent::Failed(failure) => return Err(failure.into()),
                ChatEvent::Tool(_) => {}
            }
        }
        Err(FailureKind::CutOff.plain().into())
    }
}

/// Holds a provider to the contract: bounded, one terminal event, nothing after it.
fn until_terminal(mut provider: ProviderStream, input_tokens: u32) -> impl Stream<Item = ChatEvent> + Send {
    async_stream::stream! {
        let (mut length, mut output_tokens) = (0, 0);
        while let Some(event) = provider.next().await {
            let event = match event {
                Ok(ProviderEvent::Delta { text }) => {
                    length += text.chars().count();
                    output_tokens += estimate_tokens(&text);
                    if length > MAX_OUTPUT {
                        let usage = Usage { input_tokens, cached_input_tokens: 0, output_tokens };
                        ChatEvent::Finished { reason: FinishReason::Length, usage }
                    } else {
                        ChatEvent::Delta { text }
                    }
                }
                Ok(ProviderEvent::Citation(quote)) => ChatEvent::Citation(quote),
                Ok(ProviderEvent::Tool(tool)) => ChatEvent::Tool(tool),
                Ok(ProviderEvent::Finished { reason, usage }) => {
                    let estimate = Usage { input_tokens, cached_input_tokens: 0, output_tokens };
                    ChatEvent::Finished { reason, usage: usage.unwrap_or(estimate) }
                }
                Err(failure) => ChatEvent::Failed(failure),
            };
            let last = event.is_terminal();
            yield event;
            if last {
                return;
            }
        }
        yield ChatEvent::Failed(FailureKind::CutOff.plain());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        gateway::model::{ChatMessage, Failure, Quote},
        shared::{
            actor::{KeyScope, Principal, Role},
            id::{UserId, WorkspaceId},
        },
    };
    use futures_util::{FutureExt, stream};
    use proptest::prelude::*;
    use uuid::Uuid;

    #[derive(Debug)]
    struct Scripted(Vec<Result<ProviderEvent, Failure>>);

    impl Provider for Scripted {
        fn chat(&self, _: ModelCall) -> ProviderStream {
            stream::iter(self.0.clone()).boxed()
        }
    }

    fn workspace() -> WorkspaceId {
        WorkspaceId::from_uuid(Uuid::from_u128(1))
    }

    fn actor(role: Role) -> Actor {
        let user = UserId::from_uuid(Uuid::from_u128(2));
        Actor::new(Principal::User(user), [(workspace(), role)].into(), KeyScope::Admin)
    }

    fn gateway(script: Vec<Result<ProviderEvent, Failure>>) -> Gateway {
        Gateway::new([(DEFAULT_ROUTE.to_owned(), Arc::new(Scripted(script)) as Arc<dyn Provider>)])
    }

    fn hear(script: Vec<Result<ProviderEvent, Failure>>) -> Vec<ChatEvent> {
        let request = ChatRequest::prompt(workspace(), DEFAULT_ROUTE, "hello");
        let events = gateway(script).chat(&actor(Role::Member), request).unwrap();
        events.collect().now_or_never().unwrap()
    }

    fn any_event() -> impl Strategy<Value = Result<ProviderEvent, Failure>> {
        prop_oneof![
            6 => "[a-z ]{0,9}".prop_map(|text| Ok(ProviderEvent::Delta { text })),
            2 => Just(Ok(ProviderEvent::Citation(Quote { source: "a".into(), start: 0, end: 1 }))),
            1 => Just(Ok(ProviderEvent::Finished { reason: FinishReason::EndOfTurn, usage: None })),
            1 => Just(Err(FailureKind::CutOff.plain())),
        ]
    }

    proptest! {
        #[test]
        fn whatever_a_provider_does_the_last_event_is_the_only_terminal_one(
            script in prop::collection::vec(any_event(), 0..12),
        ) {
            let heard = hear(script);
            prop_assert!(heard.last().is_some_and(ChatEvent::is_terminal));
            prop_assert_eq!(heard.iter().filter(|event| event.is_terminal()).count(), 1);
        }
    }

    #[test]
    fn an_endless_answer_is_cut_with_a_reason() {
        let heard = hear(vec![Ok(ProviderEvent::Delta { text: "word ".repeat(500) }); 100]);
        assert!(matches!(heard.last(), Some(ChatEvent::Finished { reason: FinishReason::Length, .. })));
    }

    #[test]
    fn an_unknown_route_tells_which_there_are() {
        let error = gateway(vec![])
            .chat(&actor(Role::Member), ChatRequest::prompt(workspace(), "nope", "hello"))
            .map(|_| ())
            .unwrap_err();
        assert!(matches!(&error, Error::Refused(problems) if problems[0].path == "route"), "{error}");
        assert!(error.to_string().contains(DEFAULT_ROUTE), "{error}");
    }

    #[test]
    fn who_may_not_write_may_not_call_a_model() {
        let gateway = gateway(vec![]);
        let request = ChatRequest::prompt(workspace(), DEFAULT_ROUTE, "hello");
        assert!(matches!(
            gateway.chat(&actor(Role::Viewer), request.clone()).map(|_| ()),
            Err(Error::Forbidden(_))
        ));
        let elsewhere = ChatRequest { workspace: WorkspaceId::from_uuid(Uuid::from_u128(9)), ..request };
        assert!(matches!(gateway.chat(&actor(Role::Owner), elsewhere).map(|_| ()), Err(Error::NotFound(_))));
    }

    #[test]
    fn a_prompt_over_the_limit_is_refused() {
        let mut request = ChatRequest::prompt(workspace(), DEFAULT_ROUTE, "");
        request.messages = vec![ChatMessage::user("x".repeat(MAX_INPUT + 1))];
        assert!(matches!(
            gateway(vec![]).chat(&actor(Role::Member), request).map(|_| ()),
            Err(Error::Refused(_))
        ));
    }
}
