//! Looks after the providers in the background, so that nobody waits who only wants to know how they are.
use super::{
    model::FailureKind,
    provider::Provider,
    providers::{Health, Providers},
};
use crate::shared::Clock;
use futures_util::future::join_all;
use std::{sync::Arc, time::Duration};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(60);
/// How long a provider may take to name its models.
const PATIENCE: Duration = Duration::from_secs(10);
/// Models of one provider that are kept, and characters of a name.
const MODELS: usize = 500;
const NAME: usize = 200;

/// Looks at once, and then again and again until `stop`.
pub(super) async fn watch(providers: Providers, clock: Clock, stop: CancellationToken) {
    loop {
        let looks = providers.iter().map(async |(name, known)| {
            let health = look(&known.provider, &clock).await;
            providers.set_health(name, health);
        });
        tokio::select! {
            () = stop.cancelled() => return,
            _ = join_all(looks) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(PAUSE) => {}
        }
    }
}

async fn look(provider: &Arc<dyn Provider>, clock: &Clock) -> Health {
    let found = timeout(PATIENCE, provider.models()).await.unwrap_or(Err(FailureKind::Timeout.plain()));
    let (mut models, failure) = match found {
        Ok(models) => (models, None),
        Err(failure) => (vec![], Some(failure)),
    };
    models.retain(|name| name.chars().count() <= NAME);
    models.truncate(MODELS);
    Health { models, failure, at: clock.now() }
}
