//! Changes by hand: of a goal, and of what a session is about.
use super::{CoachingService, NO_SESSION, own_event};
use crate::{
    coaching::{
        event::{GOAL_UPDATED, SESSION_UPDATED},
        model::{Goal, GoalUpdate, Session, SessionUpdate},
        policy, store,
    },
    shared::{Edited, Error, Result, actor::Actor, edit},
};
use serde_json::json;

impl CoachingService {
    pub async fn update_goal(&self, actor: &Actor, update: GoalUpdate) -> Result<Edited<Goal>> {
        let mut tx = self.parts.log.begin().await?;
        let scope = actor.scope::<policy::UpdateGoal>();
        let found = store::find_goal_to_change(&tx, &scope, update.goal).await?;
        let (old, grant) = found.ok_or(Error::NotFound("goal"))?;
        let expected = update.expected_version;
        let changed = update.apply(&old)?;
        if edit::is_stale(expected, old.version) {
            return Ok(Edited::Stale { version: old.version, current: old });
        }
        if changed == old {
            return Ok(Edited::Done(old));
        }
        let changed = Goal { version: old.version + 1, ..changed };
        store::update_goal(&tx, &grant, &changed, self.parts.ambient.now()).await?;
        tx.record(&grant, own_event(&grant, GOAL_UPDATED, changed.id.uuid(), json!({})));
        tx.commit().await?;
        Ok(Edited::Done(changed))
    }

    pub async fn update_session(&self, actor: &Actor, update: SessionUpdate) -> Result<Edited<Session>> {
        let mut tx = self.parts.log.begin().await?;
        let scope = actor.scope::<policy::UpdateCoachingSession>();
        let found = store::find_session_to_change(&tx, &scope, update.session).await?;
        let (old, grant) = found.ok_or(NO_SESSION)?;
        let expected = update.expected_version;
        let changed = update.apply(&old)?;
        if edit::is_stale(expected, old.version) {
            return Ok(Edited::Stale { version: old.version, current: old });
        }
        if let Some(goal) = changed.goal
            && changed.goal != old.goal
            && store::find_goal(&tx, &grant, goal).await?.is_none()
        {
            return Err(Error::invalid("goalId", "there is no such goal of yours in this workspace"));
        }
        if changed == old {
            return Ok(Edited::Done(old));
        }
        let now = self.parts.ambient.now();
        let changed = Session { version: old.version + 1, updated_at: now, ..changed };
        store::update_session(&tx, &grant, &changed).await?;
        tx.record(&grant, own_event(&grant, SESSION_UPDATED, changed.id.uuid(), json!({})));
        tx.commit().await?;
        Ok(Edited::Done(changed))
    }
}
