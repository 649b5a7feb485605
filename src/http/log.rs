use super::call::Caller;
use crate::{
    shared::{
        TraceId,
        actor::{Actor, Principal},
    },
    telemetry::Running,
};
use async_graphql::{ServerError, Value, parser::types::OperationType};
use tokio::time::Instant;

/// One GraphQL operation, told in one line and counted when it ends, however it ends.
#[derive(Debug)]
pub(super) struct Operation {
    begun: Instant,
    transport: &'static str,
    request_id: String,
    trace: TraceId,
    operation_type: &'static str,
    name: Option<String>,
    actor: Option<Principal>,
    code: Option<String>,
    /// SHA-256 of a document that was not registered, where the operator wants to know.
    untrusted: Option<String>,
    events: u64,
    _running: Running,
}

/// A name is the client's own choice, of any length.
const NAME_CHARS: usize = 80;

impl Operation {
    pub(super) fn begin(caller: &Caller) -> Self {
        Self {
            begun: Instant::now(),
            transport: caller.transport,
            request_id: caller.request_id.clone(),
            trace: caller.trace,
            operation_type: "unknown",
            name: None,
            actor: None,
            code: None,
            untrusted: None,
            events: 0,
            _running: Running::one("aifirst_operations_running"),
        }
    }

    pub(super) fn actor(&mut self, actor: Option<&Actor>) {
        self.actor = actor.map(Actor::principal);
    }

    pub(super) fn operation(&mut self, operation_type: OperationType, name: Option<&str>) {
        self.operation_type = match operation_type {
            OperationType::Query => "query",
            OperationType::Mutation => "mutation",
            OperationType::Subscription => "subscription",
        };
        self.name = name.map(|name| name.chars().take(NAME_CHARS).collect());
    }

    /// A document that was not registered runs.
    pub(super) fn untrusted(&mut self, hash: String) {
        metrics::counter!("aifirst_untrusted_documents_total", "outcome" => "ran").increment(1);
        self.untrusted = Some(hash);
    }

    /// How it ended: by the code of the first error, if there is one.
    pub(super) fn outcome(&mut self, errors: &[ServerError]) {
        self.code = Some(errors.first().map_or("OK", code).to_owned());
    }

    /// One answer of a stream.
    pub(super) fn event(&mut self, errors: &[ServerError]) {
        self.events += 1;
        self.outcome(errors);
    }
}

fn code(error: &ServerError) -> &str {
    match error.extensions.as_ref().and_then(|extensions| extensions.get("code")) {
        Some(Value::String(code)) => code,
        _ => "INTERNAL",
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        let took = self.begun.elapsed();
        // A stream without an event yet ended well; a request without an outcome was given up by its client.
        let unfinished = if self.operation_type == "subscription" { "OK" } else { "CANCELLED" };
        let code = self.code.take().unwrap_or_else(|| unfinished.to_owned());
        let labels = [
            ("type", self.operation_type.to_owned()),
            ("transport", self.transport.to_owned()),
            ("code", code.clone()),
        ];
        metrics::counter!("aifirst_operations_total", &labels).increment(1);
        if self.operation_type != "subscription" {
            metrics::histogram!("aifirst_operation_seconds", "type" => self.operation_type).record(took);
        }
        let actor = self.actor.map(|principal| match principal {
            Principal::User(id) => id.to_string(),
            Principal::Service(id) => id.to_string(),
        });
        // Without its span, which says the request and the trace again.
        tracing::info!(
            parent: None,
            request_id = self.request_id,
            trace_id = %self.trace,
            operation = self.name,
            r#type = self.operation_type,
            transport = self.transport,
            actor,
            code,
            untrusted_document = self.untrusted,
            events = (self.operation_type == "subscription").then_some(self.events),
            duration_ms = (took.as_secs_f64() * 1e6).round() / 1e3,
            "operation"
        );
    }
}
