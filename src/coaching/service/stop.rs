use super::{CoachingService, NO_SESSION, NO_TURN, chat_message, own_event};
use crate::{
    coaching::{
        event::{SESSION_ENDED, interrupt_topic},
        model::{Ending, Session, SessionStatus, StopReason, Turn, TurnStatus},
        policy,
        store::{self, message as messages, turn as turns},
    },
    event::Tx,
    gateway::{ChatMessage, digest},
    shared::{
        Result,
        actor::{Actor, Grant, Write},
        id::{CoachingSessionId, TurnId},
    },
};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How long whoever interrupts waits for the worker to stop by itself, with its last words.
const GRACE: Duration = Duration::from_secs(2);
/// Messages that a summary looks at.
const SUMMARISED: u64 = 1_000;

impl CoachingService {
    /// Stops a turn; what was said so far stays. A turn that is over already is given back as it is.
    pub async fn interrupt(&self, actor: &Actor, id: TurnId) -> Result<Turn> {
        actor.key_allows::<policy::InterruptTurn>()?;
        let scope = actor.scope::<policy::InterruptTurn>();
        let (turn, grant) = turns::find_turn(&self.parts.db, &scope, id).await?.ok_or(NO_TURN)?;
        if turn.status == TurnStatus::Running {
            self.ask_to_stop(&grant, &turn).await?;
        }
        let mut tx = self.parts.log.begin().await?;
        // Writers take turns at the session, so that what is read next stays so.
        store::lock_session(&tx, &grant, turn.session, (0, 0), self.parts.ambient.now()).await?;
        let (turn, _) = turns::find_turn(&tx, &scope, id).await?.ok_or(NO_TURN)?;
        // Where nothing ended, nothing was done, and the session is as it was.
        let Some(ended) = self.stop_in(&mut tx, &grant, &turn).await? else { return Ok(turn) };
        tx.commit().await?;
        Ok(ended)
    }

    /// Ends a turn that waits, or whose worker did not stop by itself; `None` where it is over.
    async fn stop_in(&self, tx: &mut Tx, grant: &Grant<Write>, turn: &Turn) -> Result<Option<Turn>> {
        if turn.status.is_over() {
            return Ok(None);
        }
        let ending = Ending::interrupted(StopReason::Interrupted, None);
        self.parts.end_turn(tx, grant, turn, &ending).await
    }

    /// Leaves word for the turn's worker, and waits a little for it to stop.
    async fn ask_to_stop(&self, grant: &Grant<Write>, turn: &Turn) -> Result<()> {
        let mut wake = self.parts.log.listen(grant.workspace()).await;
        let tx = self.parts.log.begin().await?;
        turns::request_interrupt(&tx, grant, turn.id).await?;
        tx.commit().await?;
        self.parts.bus.publish(&interrupt_topic(turn.id), vec![]).await;
        let deadline = Instant::now() + GRACE;
        loop {
            let open = turns::open_turns(&self.parts.db, grant, turn.session).await?;
            let runs = open.iter().any(|open| open.id == turn.id && open.status == TurnStatus::Running);
            let left = deadline.saturating_duration_since(Instant::now());
            if !runs || left.is_zero() {
                return Ok(());
            }
            let _ = timeout(left, wake.wait()).await;
        }
    }

    /// Ends the session, with a summary of what was said. A turn that runs is interrupted, keeping its text; those
    /// that wait are not answered any more.
    pub async fn end(&self, actor: &Actor, id: CoachingSessionId) -> Result<Session> {
        actor.key_allows::<policy::EndCoachingSession>()?;
        let found = self.get_session::<policy::EndCoachingSession>(&self.parts.db, actor, id);
        let (session, grant) = found.await?;
        if session.status == SessionStatus::Ended {
            return Ok(session);
        }
        if let Some(running) = self.stop_waiting(&grant, id).await? {
            self.ask_to_stop(&grant, &running).await?;
        }
        let now = self.parts.ambient.now();
        let mut tx = self.parts.log.begin().await?;
        let locked = store::lock_session(&tx, &grant, id, (0, 0), now).await?.ok_or(NO_SESSION)?;
        if locked.session.status == SessionStatus::Ended {
            return Ok(locked.session);
        }
        for turn in turns::open_turns(&tx, &grant, id).await? {
            self.stop_in(&mut tx, &grant, &turn).await?;
        }
        let goal = match session.goal {
            Some(goal) => store::find_goal(&tx, &grant, goal).await?.map(|goal| goal.title),
            None => None,
        };
        let messages = messages::conversation(&tx, &grant, id, locked.turns, SUMMARISED).await?;
        let messages: Vec<ChatMessage> = messages.iter().map(chat_message).collect();
        let summary = digest(session.topic.as_deref(), goal.as_deref(), &messages);
        store::end_session(&tx, &grant, id, &summary).await?;
        tx.record(&grant, own_event(&grant, SESSION_ENDED, id.uuid(), serde_json::json!({})));
        tx.commit().await?;
        Ok(Session { status: SessionStatus::Ended, summary: Some(summary), ..locked.session })
    }

    /// Ends the turns that wait, and gives the one that runs. They come first: else a worker would begin with the next
    /// one as soon as that one stops.
    async fn stop_waiting(&self, grant: &Grant<Write>, id: CoachingSessionId) -> Result<Option<Turn>> {
        let mut tx = self.parts.log.begin().await?;
        store::lock_session(&tx, grant, id, (0, 0), self.parts.ambient.now()).await?;
        let (mut running, mut stopped) = (None, false);
        for turn in turns::open_turns(&tx, grant, id).await? {
            if turn.status == TurnStatus::Running {
                running = Some(turn);
            } else {
                stopped |= self.stop_in(&mut tx, grant, &turn).await?.is_some();
            }
        }
        if stopped {
            tx.commit().await?;
        }
        Ok(running)
    }
}
