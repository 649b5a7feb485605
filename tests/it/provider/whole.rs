//! What is no stream: which models a provider has, and embeddings.
use crate::support::fake::{COUNTED, Embeds, Fake, Format};
use aifirst::{
    config::Config,
    gateway::{EmbedCall, Embeddings, Failure, FailureKind, Provider, open_provider},
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
        let answer = embed(&fake, &["a", "four", "of"]).await;
        let input_tokens = match format {
            Format::OpenAi | Format::Ollama => Some(COUNTED.0),
            // It does not count here.
            Format::Gemini => None,
            Format::Anthropic => {
                assert_eq!(answer, Err(FailureKind::Rejected.plain()));
                continue;
            }
        };
        let vectors = vec![vec![1.0, 1.0], vec![4.0, 1.0], vec![2.0, 1.0]];
        assert_eq!(answer, Ok(Embeddings { vectors, input_tokens }), "{format:?}");
        assert_eq!(fake.asked("one")[0].header("traceparent"), Some(TRACE), "{format:?}");
    }
}

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

async fn embed(fake: &Fake, texts: &[&str]) -> Result<Embeddings, Failure> {
    let texts = texts.iter().map(|text| (*text).to_owned()).collect();
    let call = EmbedCall { model: "one".to_owned(), texts, traceparent: TRACE.to_owned() };
    open(fake).embed(call).await
}

#[tokio::test]
async fn what_is_not_a_vector_for_each_text_is_no_answer() {
    for format in [Format::OpenAi, Format::Ollama, Format::Gemini] {
        let fake = Fake::start(format).await;
        let answer = async |embeds: Embeds| {
            fake.embeds("one", move |_| embeds.clone());
            embed(&fake, &["a", "b"]).await.map(|_| ()).map_err(|failure| failure.kind)
        };
        let vectors = |vectors: &[&[f64]]| Embeds::Vectors(vectors.iter().map(|one| one.to_vec()).collect());
        assert_eq!(answer(vectors(&[&[1.0], &[2.0]])).await, Ok(()), "{format:?}");
        let malformed = [
            vectors(&[&[1.0]]),
            vectors(&[&[1.0], &[1.0], &[1.0]]),
            vectors(&[&[1.0, 2.0], &[1.0]]),
            vectors(&[&[], &[]]),
            // Beyond what the numbers of a vector can be.
            vectors(&[&[1e39], &[1.0]]),
            // JSON has no such number: it is null there.
            vectors(&[&[f64::NAN], &[1.0]]),
            vectors(&[&[1.0; 4097], &[1.0; 4097]]),
            Embeds::Raw("{}".to_owned()),
            Embeds::Raw("[1,2".to_owned()),
            Embeds::Raw(
                r#"{"data":[{"index":0,"embedding":["1.0"]},{"index":1,"embedding":["1.0"]}]}"#.to_owned(),
            ),
            Embeds::Raw(
                r#"{"data":[{"index":1,"embedding":[1.0]},{"index":1,"embedding":[1.0]}]}"#.to_owned(),
            ),
        ];
        for embeds in malformed {
            assert_eq!(answer(embeds.clone()).await, Err(FailureKind::Malformed), "{format:?} {embeds:?}");
        }
        let long = Embeds::Raw(format!("{{\"data\":[{}", "1,".repeat(10 << 20)));
        assert_eq!(answer(long).await, Err(FailureKind::TooLong), "{format:?}");
    }
}
