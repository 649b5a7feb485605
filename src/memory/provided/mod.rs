//! Meaning by a model of a provider, where the operator names a route to one (`memory.embedding`): its vectors stand beside
//! those of the embedded model, which every item has from the transaction that writes it.
//!
//! `work` gives items their vectors, in the background, and moves a workspace from one model to another: a workspace has a
//! `turn`, and that asks (`ask`) the provider. `query` has the query of a recall.
mod ask;
mod progress;
mod query;
mod turn;
mod work;

use crate::{account::AccountService, config::EmbeddingConfig, gateway::Gateway, shared::id::WorkspaceId};
use quick_cache::sync::Cache;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use tokio::time::Instant;

/// Queries whose vectors are kept in memory, at most 4 KiB each.
const QUERIES: usize = 1_000;

/// What the operator set up. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ProviderEmbeddings {
    gateway: Gateway,
    account: AccountService,
    config: EmbeddingConfig,
    /// Of queries, by a digest of workspace, model and text.
    queries: Arc<Cache<[u8; 32], Arc<[i8]>>>,
    /// Models that did not answer a query in time, and until when they are not asked for another.
    resting: Arc<Mutex<HashMap<String, Instant>>>,
}

impl ProviderEmbeddings {
    pub fn new(gateway: Gateway, account: AccountService, config: EmbeddingConfig) -> Self {
        Self { gateway, account, config, queries: Arc::new(Cache::new(QUERIES)), resting: Arc::default() }
    }

    /// The same, with this gateway before its model.
    pub fn answered_by(self, gateway: Gateway) -> Self {
        Self { gateway, ..self }
    }

    /// The model that the route leads to in the workspace; `None` where it leads to none that has vectors.
    async fn wanted(&self, workspace: WorkspaceId) -> Option<String> {
        let model = self.gateway.embedding_model(workspace, &self.config.route).await;
        model.ok().map(|model| model.to_string())
    }

    /// As much of a text as is sent.
    fn cut(&self, text: &str) -> String {
        text.chars().take(self.config.characters).collect()
    }
}

/// Scaled so that its largest number is 127: of a length that all vectors share, numbers of long vectors would be too small to
/// be told apart. Cosines are reckoned with the length that it has then.
fn quantised(vector: &[f32]) -> Vec<i8> {
    let largest = vector.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
    let unit = if largest > 0.0 { 127.0 / f64::from(largest) } else { 0.0 };
    vector.iter().map(|number| (f64::from(*number) * unit).round() as i8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cosine<T: Copy + Into<f64>>(one: &[T], other: &[T]) -> f64 {
        let product =
            |a: &[T], b: &[T]| -> f64 { a.iter().zip(b).map(|(a, b)| (*a).into() * (*b).into()).sum() };
        product(one, other) / (product(one, one) * product(other, other)).sqrt()
    }

    proptest! {
        #[test]
        fn cosines_are_nearly_those_of_the_numbers_that_came(
            (one, other) in (64_usize..2048).prop_flat_map(|length| {
                let vector = || prop::collection::vec(-1.0_f32..1.0, length);
                (vector(), vector())
            }),
            scale in 1e-6_f32..1e6,
        ) {
            let one: Vec<f32> = one.iter().map(|number| number * scale).collect();
            let near = cosine(&quantised(&one), &quantised(&other)) - cosine(&one, &other);
            prop_assert!(near.abs() < 0.01, "{near}");
        }
    }

    #[test]
    fn what_points_nowhere_stays_so_and_what_is_largest_fits() {
        assert_eq!(quantised(&[0.0, -0.0]), [0, 0]);
        assert_eq!(quantised(&[f32::MAX, -f32::MAX, f32::MIN_POSITIVE]), [127, -127, 0]);
        assert_eq!(quantised(&[f32::MIN_POSITIVE, 0.0]), [127, 0]);
    }
}
