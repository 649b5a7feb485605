//! What many subscriptions of one sight show at once is loaded once.
use super::node::Node;
use crate::{
    graphql_kit::{ApiError, ContextExt},
    shared::{
        actor::{Actor, KeyScope, Principal, Role},
        id::{AnyId, WorkspaceId},
    },
};
use async_graphql::Context;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::OnceCell,
    time::{Instant, sleep, timeout},
};

/// Things kept, of all workspaces.
const MOST: usize = 256;
/// How long, and no more than a sweep longer: what is forgotten meanwhile must not stay in memory.
const KEPT_FOR: Duration = Duration::from_secs(5);
/// From one sweep to the next, as long as something is kept.
const SWEEP: Duration = Duration::from_secs(1);
/// How long to wait for somebody else's load, whose connection may have stopped taking data.
const WAIT: Duration = Duration::from_secs(1);

/// Things as they were loaded last, for as long as nothing newer is known of their workspace. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Shares(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    shares: HashMap<Key, Share>,
    /// Whether somebody sweeps.
    swept: bool,
}

type Key = (WorkspaceId, Sight, AnyId);

/// Two actors with the same see the same of a workspace.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Sight {
    principal: Principal,
    role: Option<Role>,
    limit: KeyScope,
    confined_to: Option<WorkspaceId>,
}

#[derive(Clone)]
struct Share {
    /// How far the log was known when it was loaded, or begun to be.
    as_of: i64,
    made: Instant,
    node: Arc<OnceCell<Option<Node>>>,
}

impl Sight {
    fn of(actor: &Actor, workspace: WorkspaceId) -> Self {
        Self {
            principal: actor.principal(),
            role: actor.role(workspace),
            limit: actor.limit(),
            confined_to: actor.confined_to(),
        }
    }
}

impl Shares {
    /// The thing as it is now, or was when the log was known up to `as_of`. Of those who ask at once, one loads.
    pub(super) async fn visible(
        &self,
        ctx: &Context<'_>,
        workspace: WorkspaceId,
        as_of: i64,
        id: AnyId,
    ) -> Result<Option<Node>, ApiError> {
        let key = (workspace, Sight::of(ctx.actor()?, workspace), id);
        let node = self.share(key, as_of).node;
        match timeout(WAIT, node.get_or_try_init(|| Node::visible(ctx, id))).await {
            Ok(loaded) => loaded.cloned(),
            Err(_) => Node::visible(ctx, id).await,
        }
    }

    fn share(&self, key: Key, as_of: i64) -> Share {
        let mut kept = self.lock();
        let shares = &mut kept.shares;
        if let Some(share) = shares.get(&key).filter(|share| share.as_of >= as_of) {
            return share.clone();
        }
        // What is older may hold what was forgotten meanwhile.
        shares.retain(|(workspace, ..), share| *workspace != key.0 || share.as_of >= as_of);
        if shares.len() >= MOST {
            shares.clear();
        }
        let share = Share { as_of, made: Instant::now(), node: Arc::default() };
        shares.insert(key, share.clone());
        if !std::mem::replace(&mut kept.swept, true) {
            tokio::spawn(self.clone().sweep());
        }
        share
    }

    /// One for all, until nothing is kept.
    async fn sweep(self) {
        loop {
            sleep(SWEEP).await;
            let mut kept = self.lock();
            kept.shares.retain(|_, share| share.made.elapsed() < KEPT_FOR);
            if kept.shares.is_empty() {
                kept.swept = false;
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
