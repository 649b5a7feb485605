//! What is no stream: which models a provider has, and embeddings.
use crate::support::fake::{COUNTED, Fake, Format};
use aifirst::{
    config::Config,
    gateway::{Embeddings, FailureKind, Provider, open_provider},
};
use std::sync::Arc;

fn open(fake: &Fake) -> Arc<dyn Provider> {
    let config = Config::with(&fake.settings("main")).unwrap().gateway;
    open_provider(&config.providers["main"], &config.builtin).unwrap()
}

#[tokio::test]
async fn a_provider_names_its_models() {
    for format in Format::ALL {
        let fake = Fake::start(format).await;
        assert_eq!(open(&fake).models().await.unwrap(), ["one"], "{format:?}");
        drop(fake);
    }
}

#[tokio::test]
async fn each_text_has_its_vector_where_a_format_has_embeddings() {
    for format in Format::ALL {
        let fake = Fake::start(format).await;
        let texts = ["a", "four", "of"].map(str::to_owned).to_vec();
        let answer = open(&fake).embed("one", texts).await;
        match format {
            Format::OpenAi | Format::Ollama => {
                let vectors = vec![vec![1.0, 1.0], vec![4.0, 1.0], vec![2.0, 1.0]];
                assert_eq!(answer, Ok(Embeddings { vectors, input_tokens: COUNTED.0 }), "{format:?}");
            }
            Format::Anthropic | Format::Gemini => {
                assert_eq!(answer, Err(FailureKind::Rejected.plain()), "{format:?}");
            }
        }
    }
}
