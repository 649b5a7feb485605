use super::{CoachingService, model};
use crate::{
    graphql_kit::{ApiError, ContextExt, Loaded, Loader, OfRequest, each},
    shared::{
        Page, PageRequest,
        actor::Actor,
        id::{ActionItemId, CoachingSessionId, GoalId, MessageId, TurnId},
    },
};
use async_graphql::Context;
use std::collections::HashMap;

/// What belongs to sessions, by id, and their messages and action items by page. Made of a request, whose actor it carries.
#[derive(Debug)]
pub struct CoachingLoader {
    coaching: CoachingService,
    actor: Actor,
}

impl OfRequest for CoachingLoader {
    fn of(ctx: &Context<'_>) -> Result<Self, ApiError> {
        Ok(Self { actor: ctx.actor()?.clone(), coaching: ctx.service::<CoachingService>()?.clone() })
    }
}

/// A page of a session's messages.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MessagesOf {
    pub session: CoachingSessionId,
    pub request: PageRequest,
}

/// A page of the action items that came from a session.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ActionItemsOf {
    pub session: CoachingSessionId,
    pub request: PageRequest,
}

/// What a message quotes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CitationsOf(pub MessageId);

impl Loader<CoachingSessionId> for CoachingLoader {
    type Value = model::Session;

    async fn load(&self, ids: &[CoachingSessionId]) -> Loaded<HashMap<CoachingSessionId, Self::Value>> {
        Ok(self.coaching.find_sessions(&self.actor, ids).await?)
    }
}

impl Loader<GoalId> for CoachingLoader {
    type Value = super::Goal;

    async fn load(&self, ids: &[GoalId]) -> Loaded<HashMap<GoalId, Self::Value>> {
        let found = self.coaching.find_goals(&self.actor, ids).await?;
        Ok(found.into_iter().map(|(id, goal)| (id, goal.into())).collect())
    }
}

impl Loader<ActionItemId> for CoachingLoader {
    type Value = super::ActionItem;

    async fn load(&self, ids: &[ActionItemId]) -> Loaded<HashMap<ActionItemId, Self::Value>> {
        let found = self.coaching.find_action_items(&self.actor, ids).await?;
        Ok(found.into_iter().map(|(id, item)| (id, item.into())).collect())
    }
}

impl Loader<TurnId> for CoachingLoader {
    type Value = super::Turn;

    async fn load(&self, ids: &[TurnId]) -> Loaded<HashMap<TurnId, Self::Value>> {
        let found = self.coaching.find_turns(&self.actor, ids).await?;
        Ok(found.into_iter().map(|(id, turn)| (id, turn.into())).collect())
    }
}

impl Loader<MessageId> for CoachingLoader {
    type Value = model::Message;

    async fn load(&self, ids: &[MessageId]) -> Loaded<HashMap<MessageId, Self::Value>> {
        Ok(self.coaching.find_messages(&self.actor, ids).await?)
    }
}

impl Loader<MessagesOf> for CoachingLoader {
    type Value = Loaded<Page<model::Message>>;

    async fn load(&self, keys: &[MessagesOf]) -> Loaded<HashMap<MessagesOf, Self::Value>> {
        let mut loaded = HashMap::new();
        for (request, sessions) in by_request(keys.iter().map(|key| (key.request, key.session))) {
            let pages = self.coaching.list_messages(&self.actor, &sessions, &request).await;
            let key = |session| MessagesOf { session, request };
            let pages = pages.map(|pages| pages.into_iter().map(|(session, page)| (key(session), page)));
            loaded.extend(each(sessions.into_iter().map(key), pages));
        }
        Ok(loaded)
    }
}

impl Loader<ActionItemsOf> for CoachingLoader {
    type Value = Loaded<Page<model::ActionItem>>;

    async fn load(&self, keys: &[ActionItemsOf]) -> Loaded<HashMap<ActionItemsOf, Self::Value>> {
        let mut loaded = HashMap::new();
        for (request, sessions) in by_request(keys.iter().map(|key| (key.request, key.session))) {
            let pages = self.coaching.list_action_items_of(&self.actor, &sessions, &request).await;
            let key = |session| ActionItemsOf { session, request };
            let pages = pages.map(|pages| pages.into_iter().map(|(session, page)| (key(session), page)));
            loaded.extend(each(sessions.into_iter().map(key), pages));
        }
        Ok(loaded)
    }
}

/// The sessions of which the same page is asked for.
fn by_request(
    keys: impl Iterator<Item = (PageRequest, CoachingSessionId)>,
) -> HashMap<PageRequest, Vec<CoachingSessionId>> {
    let mut sessions: HashMap<_, Vec<_>> = HashMap::new();
    for (request, session) in keys {
        sessions.entry(request).or_default().push(session);
    }
    sessions
}

impl Loader<CitationsOf> for CoachingLoader {
    type Value = Vec<model::Citation>;

    async fn load(&self, keys: &[CitationsOf]) -> Loaded<HashMap<CitationsOf, Self::Value>> {
        let messages: Vec<MessageId> = keys.iter().map(|key| key.0).collect();
        let found = self.coaching.list_citations(&self.actor, &messages).await?;
        Ok(found.into_iter().map(|(message, citations)| (CitationsOf(message), citations)).collect())
    }
}
