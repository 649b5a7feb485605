use super::{CoachingService, own_event};
use crate::{
    coaching::{
        event::{GOAL_CREATED, SESSION_STARTED},
        model::{Goal, GoalStatus, NewGoal, NewSession, Session, SessionStatus},
        policy, store,
    },
    db::{
        self,
        idempotency::{self, Claimed, Key},
    },
    shared::{
        Error, Result,
        actor::{Actor, Read},
    },
};

impl CoachingService {
    /// A new goal. The same client id again gives the same goal.
    pub async fn create_goal(&self, actor: &Actor, new: NewGoal, key: Option<String>) -> Result<Goal> {
        match self.create_goal_once(actor, &new, key.clone()).await {
            // Another call with this client id was faster: its goal is there now.
            Err(error) if db::is_unique_violation(&error) => self.create_goal_once(actor, &new, key).await,
            outcome => outcome,
        }
    }

    async fn create_goal_once(&self, actor: &Actor, new: &NewGoal, key: Option<String>) -> Result<Goal> {
        let grant = policy::begin(actor, new.workspace)?;
        let (title, client_id) = new.checked()?;
        let key = key.map(|key| Key::new("createGoal", key, new)).transpose()?;
        let ambient = &self.parts.ambient;
        let mut tx = self.parts.log.begin().await?;
        let claim = match idempotency::claim(&tx, ambient, actor.principal(), key.as_ref()).await? {
            Claimed::Replay(id) => {
                return store::find_goal(&tx, &grant, id).await?.ok_or(Error::NotFound("goal"));
            }
            Claimed::New(claim) => claim,
        };
        if let Some(client_id) = &client_id
            && let Some((goal, hash)) = store::find_goal_by_client_id(&tx, &grant, client_id.id).await?
        {
            client_id.require_same(hash.as_deref())?;
            claim.keep(&tx, &goal.id).await?;
            tx.commit().await?;
            return Ok(goal);
        }
        let (client_id, client_hash) = client_id.map(|client| (client.id, client.hash)).unzip();
        let goal = Goal {
            id: ambient.ids.next(),
            workspace: new.workspace,
            title,
            progress: 0.0,
            status: GoalStatus::Active,
            version: 1,
            client_id,
            created_at: ambient.now(),
        };
        store::insert_goal(&tx, &grant, &goal, client_hash).await?;
        tx.record(&grant, own_event(&grant, GOAL_CREATED, goal.id.uuid(), serde_json::json!({})));
        claim.keep(&tx, &goal.id).await?;
        tx.commit().await?;
        Ok(goal)
    }

    /// A new session. The same client id again gives the same session.
    pub async fn start(&self, actor: &Actor, new: NewSession, key: Option<String>) -> Result<Session> {
        match self.start_once(actor, &new, key.clone()).await {
            // Another call with this client id was faster: its session is there now.
            Err(error) if db::is_unique_violation(&error) => self.start_once(actor, &new, key).await,
            outcome => outcome,
        }
    }

    async fn start_once(&self, actor: &Actor, new: &NewSession, key: Option<String>) -> Result<Session> {
        let (grant, owner) = policy::begin_as(actor, new.workspace)?;
        let (topic, client_id) = new.checked()?;
        let key = key.map(|key| Key::new("startCoachingSession", key, new)).transpose()?;
        let ambient = &self.parts.ambient;
        let mut tx = self.parts.log.begin().await?;
        let claim = match idempotency::claim(&tx, ambient, actor.principal(), key.as_ref()).await? {
            Claimed::Replay(id) => return Ok(self.get_session::<Read>(&tx, actor, id).await?.0),
            Claimed::New(claim) => claim,
        };
        if let Some(goal) = new.goal
            && store::find_goal(&tx, &grant, goal).await?.is_none()
        {
            return Err(Error::invalid("goalId", "there is no such goal of yours in this workspace"));
        }
        if let Some(client_id) = &client_id
            && let Some((session, hash)) = store::find_session_by_client_id(&tx, &grant, client_id.id).await?
        {
            client_id.require_same(hash.as_deref())?;
            claim.keep(&tx, &session.id).await?;
            tx.commit().await?;
            return Ok(session);
        }
        let now = ambient.now();
        let (client_id, client_hash) = client_id.map(|client| (client.id, client.hash)).unzip();
        let session = Session {
            id: ambient.ids.next(),
            workspace: new.workspace,
            owner,
            goal: new.goal,
            mode: new.mode,
            topic,
            status: SessionStatus::Active,
            summary: None,
            version: 1,
            client_id,
            created_at: now,
            updated_at: now,
        };
        store::insert_session(&tx, &grant, &session, client_hash).await?;
        tx.record(&grant, own_event(&grant, SESSION_STARTED, session.id.uuid(), serde_json::json!({})));
        claim.keep(&tx, &session.id).await?;
        tx.commit().await?;
        Ok(session)
    }
}
