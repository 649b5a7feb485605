//! A model that says what a test wants, and remembers what it was asked.
use crate::support::{Database, TestApp};
use aifirst::{
    gateway::{ChatRequest, FinishReason, ModelCall, Provider, ProviderEvent, ProviderStream},
    shared::Ambient,
};
use futures_util::{StreamExt, stream};
use std::sync::{Arc, Mutex};

#[derive(Clone, Debug, Default)]
pub struct Telling(Arc<Mutex<Told>>);

#[derive(Debug, Default)]
struct Told {
    says: String,
    asked: Vec<ChatRequest>,
}

impl Telling {
    pub fn says(&self, text: impl ToString) {
        self.0.lock().unwrap().says = text.to_string();
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<ChatRequest> {
        self.0.lock().unwrap().asked.clone()
    }

    /// A server that has the built-in coach, and the route `model` to this one; with settings over the defaults.
    pub async fn start(&self, database: Database, more: &str) -> TestApp {
        let settings = format!(
            "{more}\ngateway.providers.telling.kind = 'builtin'\ngateway.routes.model = {{ targets = [{{ provider = 'telling', model = 'small-1' }}] }}"
        );
        let model: Arc<dyn Provider> = Arc::new(self.clone());
        TestApp::start_with_models(database, &settings, Ambient::system(), vec![("telling", model)]).await
    }
}

impl Provider for Telling {
    fn chat(&self, call: ModelCall) -> ProviderStream {
        let mut told = self.0.lock().unwrap();
        told.asked.push(ChatRequest::clone(&call.request));
        let text = told.says.clone();
        let events = [
            Ok(ProviderEvent::Delta { text }),
            Ok(ProviderEvent::Finished { reason: FinishReason::EndOfTurn, usage: None }),
        ];
        stream::iter(events).boxed()
    }
}
