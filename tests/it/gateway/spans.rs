//! Calls in traces.
use super::scripted::{Scripted, ask, begin, start, until, workflow};
use crate::support::Database;
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, Mutex},
};
use tracing::{
    Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
    registry::{LookupSpan, Registry},
};

type Fields = BTreeMap<String, String>;

/// Keeps in memory what spans are told.
#[derive(Clone, Default)]
struct Exported {
    open: Arc<Mutex<HashMap<u64, Fields>>>,
    /// As they began, by name.
    begun: Arc<Mutex<Vec<(String, Fields)>>>,
    /// Of those that are over, by name.
    ended: Arc<Mutex<Vec<(String, Fields)>>>,
}

impl Exported {
    fn chats(&self) -> Vec<Fields> {
        let ended = self.ended.lock().unwrap();
        ended.iter().filter(|(name, _)| name == "chat").map(|(_, fields)| fields.clone()).collect()
    }
}

struct Fill<'f>(&'f mut Fields);

impl Visit for Fill<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

impl<S: Subscriber + for<'l> LookupSpan<'l>> Layer<S> for Exported {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        let mut fields = Fields::new();
        attributes.record(&mut Fill(&mut fields));
        self.begun.lock().unwrap().push((attributes.metadata().name().to_owned(), fields.clone()));
        self.open.lock().unwrap().insert(id.into_u64(), fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        if let Some(fields) = self.open.lock().unwrap().get_mut(&id.into_u64()) {
            values.record(&mut Fill(fields));
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let fields = self.open.lock().unwrap().remove(&id.into_u64()).unwrap_or_default();
        let name = context.span(&id).unwrap().name().to_owned();
        self.ended.lock().unwrap().push((name, fields));
    }
}

/// On one thread, where the test's own subscriber hears all.
#[tokio::test]
async fn a_call_is_a_span_by_the_names_of_opentelemetry() {
    let exported = Exported::default();
    let _hears = tracing::subscriber::set_default(Registry::default().with(exported.clone()));
    let (a, b) = (Scripted::named("a").fails(), Scripted::named("b"));
    let app = start(Database::sqlite(), &[&a, &b], "", "").await;
    ask(&app, "default", "How much?").await;
    until(async || exported.chats().len() == 1).await;
    let chat = exported.chats().remove(0);
    // Nobody counted, and a provider adds some of its own.
    let read = (aifirst::gateway::estimate_tokens("How much?") + 8).to_string();
    let expected = [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "b"),
        ("gen_ai.request.model", "a-1"),
        ("gen_ai.response.model", "b-1"),
        ("gen_ai.response.finish_reasons", "END_OF_TURN"),
        ("gen_ai.usage.input_tokens", read.as_str()),
        ("gen_ai.usage.output_tokens", "1"),
        ("aifirst.route", "default"),
    ];
    for (name, value) in expected {
        assert_eq!(chat.get(name).map(String::as_str), Some(value), "{name} {chat:#?}");
    }
    let begun = exported.begun.lock().unwrap().clone();
    let requests: Vec<_> =
        begun.iter().filter(|(name, _)| name == "http").map(|(_, it)| &it["trace_id"]).collect();
    assert!(
        requests.contains(&&chat["trace_id"]),
        "{chat:#?} is of the request that caused it: {requests:?}"
    );
    assert!(chat["aifirst.call"].starts_with("call_"), "{chat:#?}");
    assert!(!chat.contains_key("error.type"), "the last attempt did well: {chat:#?}");
    assert!(
        !format!("{:?}", exported.ended.lock().unwrap()).contains("How much?"),
        "nothing of what was asked"
    );

    // One that nobody answers.
    let app = start(Database::sqlite(), &[&a], ", retry = { rounds = 1 }", "").await;
    let workflow = workflow(&app, &app.owner, &app.workspace, "default").await;
    begin(&app, &app.owner, &workflow, "Who?").await;
    until(async || exported.chats().len() >= 2).await;
    let chat = exported.chats().remove(1);
    assert_eq!(chat["error.type"], "PROVIDER", "{chat:#?}");
    assert!(!chat.contains_key("gen_ai.response.model"), "{chat:#?}");
}
