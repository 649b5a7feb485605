//! Calls in traces and metrics, by the names that OpenTelemetry gives them (`gen_ai.*`).
use super::record::LlmCall;
use crate::config::Prices;
use metrics::histogram;
use tracing::{Span, field::Empty, info_span};

/// How models are named that have no price: workspaces name models as they like, and metrics need a bound.
const OTHER: &str = "other";

/// `operation` is `chat` or `embeddings`.
pub(super) fn span(call: &LlmCall, operation: &'static str) -> Span {
    let model = call.model_requested.as_deref().unwrap_or_default();
    info_span!(
        "chat",
        otel.name = format!("{operation} {model}"),
        otel.kind = "client",
        gen_ai.operation.name = operation,
        gen_ai.request.model = call.model_requested,
        gen_ai.provider.name = Empty,
        gen_ai.response.model = Empty,
        gen_ai.response.finish_reasons = Empty,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.cache_read.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
        error.type = Empty,
        aifirst.route = call.route,
        aifirst.call = %call.id,
        trace_id = call.trace.map(tracing::field::display),
    )
}

pub(super) fn ended(span: &Span, call: &LlmCall, prices: &Prices) {
    let last = call.attempts.last();
    let answered = call.attempts.iter().rfind(|it| Some(&it.model) == call.model_used.as_ref()).or(last);
    let provider = answered.map_or("", |attempt| attempt.provider.as_str());
    let error = last.and_then(|attempt| attempt.error).map(|kind| kind.name());
    span.record("gen_ai.provider.name", provider);
    span.record("gen_ai.response.model", call.model_used.as_deref());
    span.record("gen_ai.response.finish_reasons", call.finish_reason.map(|reason| reason.name()));
    span.record("gen_ai.usage.input_tokens", call.usage.input_tokens);
    span.record("gen_ai.usage.cache_read.input_tokens", call.usage.cached_input_tokens);
    span.record("gen_ai.usage.output_tokens", call.usage.output_tokens);
    span.record("error.type", error);

    let known = |model: Option<&String>| {
        model.filter(|model| prices.contains_key(*model)).map_or(OTHER, String::as_str).to_owned()
    };
    let labels = [
        ("gen_ai_operation_name", "chat".to_owned()),
        ("gen_ai_provider_name", provider.to_owned()),
        ("gen_ai_request_model", known(call.model_requested.as_ref())),
        ("gen_ai_response_model", known(call.model_used.as_ref())),
    ];
    let duration = [("status", call.status.name().to_owned())];
    let of_duration: Vec<_> = labels.iter().cloned().chain(duration).collect();
    histogram!("gen_ai_client_operation_duration_seconds", &of_duration).record(call.duration);
    for (kind, tokens) in [("input", call.usage.input_tokens), ("output", call.usage.output_tokens)] {
        let of_tokens: Vec<_> =
            labels.iter().cloned().chain([("gen_ai_token_type", kind.to_owned())]).collect();
        histogram!("gen_ai_client_token_usage", &of_tokens).record(f64::from(tokens));
    }
}
