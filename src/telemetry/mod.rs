//! What the server tells its operator: one line a request, faults with the request's id, and counters. Never what
//! people wrote.
mod prometheus;

pub use prometheus::{Metrics, Running};

use crate::config::{LogConfig, LogFormat};
use std::{fmt, io::IsTerminal};
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::Targets,
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{self, Format, JsonFields, Writer},
    },
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

/// Logs go to standard error from here on, panics among them. A second call changes nothing.
pub fn init(config: &LogConfig) {
    let pretty = match config.format {
        LogFormat::Pretty => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    };
    let lines = tracing_subscriber::fmt::layer::<Registry>().with_writer(std::io::stderr);
    let lines = if pretty {
        lines.with_target(false).compact().boxed()
    } else {
        lines.event_format(Lines::default()).fmt_fields(JsonFields::new()).boxed()
    };
    let installed = tracing_subscriber::registry().with(lines).with(filter(&config.filter)).try_init();
    if installed.is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            let text = panic.payload_as_str().unwrap_or("no text");
            tracing::error!(place, text, "a panic: a fault of the server");
        }));
    }
}

fn filter<S: Subscriber + for<'a> LookupSpan<'a>>(directives: &str) -> Box<dyn Layer<S> + Send + Sync> {
    match by_target(directives) {
        Some(targets) => targets.boxed(),
        None => EnvFilter::new(directives).boxed(),
    }
}

/// What says no more than targets and levels, as nearly all do: this filter is asked once of each place that logs, `EnvFilter`
/// whenever a span is entered. `None` for what the two may read in different ways.
fn by_target(directives: &str) -> Option<Targets> {
    let plain = |part: &str| !part.is_empty() && !part.ends_with('=') && !part.contains(['[', '{', '"']);
    directives.split(',').all(plain).then(|| directives.parse().ok()).flatten()
}

/// JSON, with the span in which something happened; without it where the line says for itself what it belongs to.
struct Lines {
    within: Format<format::Json>,
    alone: Format<format::Json>,
}

impl Default for Lines {
    fn default() -> Self {
        let json = || format::json().flatten_event(true).with_span_list(false);
        Self { within: json().with_current_span(true), alone: json().with_current_span(false) }
    }
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let form = if event.is_root() { &self.alone } else { &self.within };
        form.format_event(ctx, writer, event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_targets_and_levels_are_read_without_the_rules_of_spans() {
        for plain in ["info", "off", "aifirst=debug", "info,sqlx=trace", "warn,aifirst::http=info", "aifirst"]
        {
            assert_eq!(
                by_target(plain).map(|targets| targets.to_string().len()),
                Some(EnvFilter::new(plain).to_string().len()),
                "{plain}"
            );
        }
        for other in
            ["info,", "info,,aifirst=debug", "aifirst=", "info,[http]=debug", "info,[{request_id}]=debug"]
        {
            assert!(by_target(other).is_none(), "{other}");
        }
    }
}
