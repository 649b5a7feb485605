//! One way for all transports: who asks, what they ask, execution, and what may leave.
use super::{
    admitted::{Admitted, Explains},
    answer::{Answer, refuse},
    call::{Answered, Call, Caller, Next},
    document::{self, Documents},
    log::Operation,
    rate::Rates,
    rights::RightsNow,
};
use crate::{
    config::{Config, Mode},
    graphql::{
        self, Schema,
        pipeline::{Asks, OperationType, Pipeline},
    },
    graphql_kit::{ApiError, ErrorCode, Telling, Told, batching},
    services::Services,
    shared::{
        Error,
        actor::Actor,
        explain::{self, Record},
    },
    telemetry::Running,
};
use async_graphql::{Request, Response, ServerError};
use axum::http::StatusCode;
use futures_util::{FutureExt, Stream, StreamExt};
use std::{
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct FrontDoor(Arc<Inner>);

struct Inner {
    services: Services,
    schema: Schema,
    /// Made when somebody asks.
    explaining: OnceLock<Schema>,
    pipeline: Pipeline,
    documents: Documents,
    mode: Mode,
    timeout: Duration,
    rates: Rates,
    /// Mutations that nobody may be waiting for any more.
    mutations: TaskTracker,
}

impl FrontDoor {
    pub(super) fn new(
        config: &Config,
        schema: Schema,
        pipeline: Pipeline,
        services: Services,
        tasks: TaskTracker,
    ) -> Self {
        let clock = services.ambient.clock.clone();
        Self(Arc::new(Inner {
            services,
            schema,
            explaining: OnceLock::new(),
            pipeline,
            documents: Documents::new(&config.http.documents, config.graphql.document_bytes),
            mode: config.mode,
            timeout: Duration::from_secs(config.http.request_timeout_seconds),
            rates: Rates::new(config.http.cost_per_minute, clock),
            mutations: tasks,
        }))
    }

    pub(super) async fn authenticate(&self, credential: &str) -> Result<Actor, Error> {
        self.0.services.account.authenticate(token(credential)?).await
    }

    /// Forgets what time has made good.
    pub(super) fn tidy(&self) {
        self.0.rates.tidy();
    }

    pub(super) fn services(&self) -> &Services {
        &self.0.services
    }

    /// As [`Self::admit`], and recorded where an explanation is asked for. Only a server for development gives one.
    async fn admit_recorded(
        &self,
        call: Call,
        caller: &Caller,
        log: &mut Operation,
    ) -> Result<Admitted, Answer> {
        let explains = self.0.mode == Mode::Development && call.asks_to_explain();
        let record = explains.then(Arc::<Record>::default);
        let admission = pin!(self.admit(call, caller, log));
        explain::recorded(record, admission).await
    }

    /// Everything before execution. What is refused here has no effect, and costs one of the actor's rate.
    async fn admit(&self, mut call: Call, caller: &Caller, log: &mut Operation) -> Result<Admitted, Answer> {
        let actor = match &caller.credential {
            None => None,
            Some(credential) => {
                let actor = self.authenticate(credential).await.map_err(refused_by)?;
                Some(actor.with_trace(Some(caller.trace)))
            }
        };
        log.actor(actor.as_ref());
        let begin = |actor: &Actor| self.0.rates.begin(actor.principal());
        let begun = actor.as_ref().map(begin).transpose().map_err(refused_by)?;
        let tells_cost = call.asks_for_cost();
        let (services, documents) = (&self.0.services, &self.0.documents);
        let mut found =
            documents.find(&mut call, services, actor.as_ref()).await.map_err(|refusal| *refusal)?;
        let actor = actor.map(|actor| found.run_by(actor));
        let variables = call.variables.unwrap_or_default();
        let mut prepared = self
            .0
            .pipeline
            .prepare_with(&found.text, call.operation_name.as_deref(), &variables, call.files)
            .map_err(|errors| Answer::document(errors.into_iter().map(ServerError::from).collect()))?;
        log.operation(prepared.operation_type, prepared.operation_name.as_deref());
        documents.check(&found, &prepared, log).map_err(|refusal| *refusal)?;
        if caller.read_only && prepared.operation_type == OperationType::Mutation {
            return Err(refuse(
                StatusCode::METHOD_NOT_ALLOWED,
                ErrorCode::BadRequest,
                "GET changes nothing: send a mutation by POST",
            ));
        }
        let anybody_may = match self.0.mode {
            Mode::Development => Asks::Schema,
            Mode::Production => Asks::Typename,
        };
        if let (Some(cursor), OperationType::Subscription) = (&caller.after, prepared.operation_type) {
            prepared.resume_after(cursor);
        }
        let is_stream = prepared.operation_type == OperationType::Subscription;
        let words = is_stream.then(|| prepared.words(&found.text)).flatten();
        let request = std::mem::replace(&mut prepared.request, Request::new(String::new()));
        let request = match &actor {
            Some(actor) => graphql::request_data(request, actor.clone()),
            None if prepared.asks <= anybody_may => request,
            None => {
                return Err(unauthenticated());
            }
        };
        actor
            .as_ref()
            .map(|actor| document::within_limit(actor, &prepared))
            .transpose()
            .map_err(refused_by)?;
        let spend = |begun| self.0.rates.spend(begun, prepared.cost);
        let spent = begun.map(spend).transpose().map_err(refused_by)?;
        let explains = explain::record().map(|record| {
            let costs = self.0.pipeline.costs(&found.text, prepared.operation_name.as_deref(), &variables);
            Explains { record, costs: costs.unwrap_or_default() }
        });
        documents.keep(&mut found);
        Ok(Admitted { prepared, request, actor, spent, tells_cost, explains, words })
    }

    /// A query or a mutation, whole.
    pub(super) async fn execute(&self, call: Call, caller: &Caller) -> Answer {
        let mut log = Operation::begin(caller);
        let answer = match self.admit_recorded(call, caller, &mut log).await {
            Ok(admitted) if admitted.prepared.operation_type == OperationType::Subscription => refuse(
                StatusCode::BAD_REQUEST,
                ErrorCode::BadRequest,
                "subscriptions need a stream: a WebSocket with the protocol graphql-transport-ws, or accept: text/event-stream",
            ),
            Ok(admitted) => self.run(admitted.written_at_once()).await,
            Err(answer) => answer,
        };
        let answer = answer.made_public(&caller.request_id);
        log.outcome(answer.errors());
        answer
    }

    /// Any operation; an `Err` was never executed. A subscription ends once `rights` become less.
    pub(super) async fn stream(
        &self,
        call: Call,
        caller: &Caller,
        rights: RightsNow,
    ) -> Result<Answered, Answer> {
        let mut log = Operation::begin(caller);
        let request_id = caller.request_id.clone();
        let admitted = self.admit_recorded(call, caller, &mut log).await;
        let refused = match admitted {
            Ok(admitted) if admitted.prepared.operation_type == OperationType::Subscription => {
                let of = admitted.actor.as_ref().map(Actor::principal);
                let answers = self.events(admitted, rights).map(move |event| match event {
                    Event::Alone(answer) => {
                        let answer = answer.made_public(&request_id);
                        log.event(answer.errors());
                        Next::Response(Box::new(answer.into_response_of_stream()))
                    }
                    Event::Told(told) => {
                        log.event(&[]);
                        Next::Told(told)
                    }
                });
                return Ok(Answered::Stream { answers: Box::pin(answers), of });
            }
            Ok(admitted) => match self.run(admitted).await {
                Answer::Executed(response) => {
                    let answer = Answer::Executed(response).made_public(&request_id);
                    log.outcome(answer.errors());
                    return Ok(Answered::Once(Box::new(answer.into_response_of_stream())));
                }
                failed => failed,
            },
            Err(answer) => answer,
        };
        let refused = refused.made_public(&request_id);
        log.outcome(refused.errors());
        Err(refused)
    }

    fn schema(&self, admitted: &Admitted) -> &Schema {
        match &admitted.explains {
            Some(_) => self.0.explaining.get_or_init(|| graphql::explaining_schema(&self.0.services)),
            None => &self.0.schema,
        }
    }

    fn events(&self, mut admitted: Admitted, rights: RightsNow) -> impl Stream<Item = Event> + Send + use<> {
        let mut request = std::mem::replace(&mut admitted.request, Request::new(String::new()));
        let telling = admitted.telling();
        if let Some(telling) = &telling {
            request = request.data(telling.clone());
        }
        let actor = admitted.actor.take();
        let schema = self.schema(&admitted);
        let responses = batching(request, |request| schema.execute_stream(request));
        let mut responses = AssertUnwindSafe(admitted.recorded(responses)).catch_unwind();
        async_stream::stream! {
            let mut less = std::pin::pin!(rights.become_less(actor));
            loop {
                tokio::select! {
                    biased;
                    () = &mut less => {
                        yield Event::Alone(Box::new(refused_by(Error::Forbidden(
                            "your roles or your key's scopes have become less: subscribe again, from your cursor",
                        ))));
                        return;
                    }
                    response = responses.next() => match response {
                        Some(Ok(response)) => match telling.as_ref().and_then(Telling::take) {
                            Some(told) => yield Event::Told(told),
                            None => yield Event::Alone(Box::new(admitted.executed(response))),
                        },
                        Some(Err(_)) => yield Event::Alone(Box::new(panicked())),
                        None => return,
                    }
                }
            }
        }
    }

    /// A mutation goes on to its end, whether or not somebody still waits for it.
    async fn run(&self, mut admitted: Admitted) -> Answer {
        let request = std::mem::replace(&mut admitted.request, Request::new(String::new()));
        let operation_type = admitted.prepared.operation_type;
        let schema = self.schema(&admitted).clone();
        let execution = batching(request, |request| async move { schema.execute(request).await });
        let execution = caught(admitted.recorded(execution));
        let outcome = if operation_type == OperationType::Mutation {
            let running = Running::one("aifirst_mutations_running");
            let execution = async move {
                let _running = running;
                execution.await
            };
            let task = self.0.mutations.spawn(execution.in_current_span());
            tokio::time::timeout(self.0.timeout, task).await.map(|joined| joined.unwrap_or(Err(Panic)))
        } else {
            tokio::time::timeout(self.0.timeout, execution).await
        };
        match outcome {
            Ok(Ok(response)) => admitted.answered(response),
            Ok(Err(Panic)) => panicked(),
            Err(_) if operation_type == OperationType::Mutation => refuse(
                StatusCode::SERVICE_UNAVAILABLE,
                ErrorCode::Timeout,
                "this takes too long to wait for and may still be carried out: ask again with the same idempotencyKey",
            ),
            Err(_) => refuse(
                StatusCode::SERVICE_UNAVAILABLE,
                ErrorCode::Timeout,
                "the query took too long: ask for less, or try again later",
            ),
        }
    }
}

/// One of a stream.
enum Event {
    Alone(Box<Answer>),
    /// Without an error, and told to others in the same words.
    Told(Arc<Told>),
}

/// A fault of one field is an answer, not the end of the connection.
async fn caught(execution: impl Future<Output = Response>) -> Result<Response, Panic> {
    AssertUnwindSafe(execution).catch_unwind().await.map_err(|_| Panic)
}

#[derive(Debug)]
struct Panic;

fn panicked() -> Answer {
    // The panic itself was logged by the hook.
    refuse(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::Internal, "internal error")
}

pub(super) fn refused_by(error: Error) -> Answer {
    let status = match &error {
        Error::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        Error::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::Forbidden(_) => StatusCode::FORBIDDEN,
        Error::BadInput(_) => StatusCode::BAD_REQUEST,
        Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let error: async_graphql::Error = ApiError::from(error).into();
    let mut refusal = ServerError::new(error.message, None);
    refusal.extensions = error.extensions;
    Answer::Refused { status, errors: vec![refusal] }
}

pub(super) fn unauthenticated() -> Answer {
    refused_by(Error::anonymous())
}

/// The token of `Bearer …`.
fn token(credential: &str) -> Result<&str, Error> {
    let (scheme, token) = credential.trim().split_once(' ').unwrap_or_default();
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(Error::Unauthenticated("the credential is malformed: it has the form `Bearer …`"));
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::{EmptyMutation, EmptySubscription, Object};

    struct Broken;

    #[Object]
    impl Broken {
        async fn sound(&self) -> i32 {
            1
        }
        async fn broken(&self) -> i32 {
            let none: Vec<i32> = vec![];
            none[0]
        }
    }

    #[tokio::test]
    async fn a_panic_in_a_resolver_is_a_generic_error_with_the_requests_id() {
        let schema = async_graphql::Schema::new(Broken, EmptyMutation, EmptySubscription);
        let outcome = caught(schema.execute("{ sound broken }")).await;
        assert!(matches!(outcome, Err(Panic)));
        let answer = panicked().made_public("r1").into_response_of_stream();
        let expected = serde_json::json!({ "data": null, "errors": [{ "message": "internal error",
            "extensions": { "code": "INTERNAL", "requestId": "r1" } }] });
        assert_eq!(serde_json::to_value(answer).unwrap(), expected);
        assert!(caught(schema.execute("{ sound }")).await.unwrap().errors.is_empty(), "and it goes on");
    }
}
