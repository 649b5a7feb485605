use super::{CoachingService, NO_SESSION, NO_TURN, record_turn, said};
use crate::{
    coaching::{
        event::{WORK_TOPIC, interrupt_topic},
        model::{
            MAX_QUEUED, Message, MessageRole, MessageStatus, NewMessage, SessionStatus, Turn, TurnStatus,
            WhileRunning,
        },
        policy,
        store::{self, message as messages, turn as turns},
    },
    db::{
        Source,
        idempotency::{self, Claimed, Key},
    },
    event::Tx,
    shared::{
        Error, Problem, ProblemCode, Result,
        actor::{Actor, Grant, Read, Write},
        id::{MessageId, TurnId},
    },
};

impl CoachingService {
    /// Commits the message and its place in the queue, and returns: the answer comes as events.
    pub async fn send(&self, actor: &Actor, new: NewMessage, key: Option<String>) -> Result<(Message, Turn)> {
        actor.key_allows::<policy::SendMessage>()?;
        let (text, client_id) = new.checked()?;
        let key = key.map(|key| Key::new("sendMessage", key, &new)).transpose()?;
        let ambient = &self.parts.ambient;
        let mut tx = self.parts.log.begin().await?;
        let claim = match idempotency::claim(&tx, ambient, actor.principal(), key.as_ref()).await? {
            Claimed::Replay((message, turn)) => return self.sent(&tx, actor, message, turn).await,
            Claimed::New(claim) => claim,
        };
        let (scope, now) = (actor.scope::<policy::SendMessage>(), ambient.now());
        let found = store::find_and_lock_session(&tx, &scope, new.session, (1, 1), now).await?;
        let (locked, grant) = found.ok_or(NO_SESSION)?;
        if let Some(client_id) = &client_id
            && let Some(earlier) =
                messages::find_message_by_client_id(&tx, &grant, new.session, client_id.id).await?
        {
            client_id.require_same(earlier.client_hash.as_deref())?;
            // Nothing new: the counters go back with the transaction.
            return self.sent(&tx, actor, earlier.id, earlier.turn).await;
        }
        if locked.session.status == SessionStatus::Ended {
            return Err(Error::conflict("sessionId", "the session has ended: start a new one"));
        }
        let running = self.make_room(&tx, &grant, &new).await?;
        let turn = Turn {
            id: ambient.ids.next(),
            workspace: grant.workspace(),
            owner: locked.session.owner,
            session: new.session,
            number: locked.turns,
            status: TurnStatus::Queued,
            message: ambient.ids.next(),
            reply: None,
            fence: 0,
            interrupt_requested: false,
            key: actor.key(),
            trace: actor.trace(),
            started_at: None,
            finished_at: None,
        };
        let message = said(&turn, turn.message, MessageRole::User, text, MessageStatus::Completed, now);
        let (client_id, client_hash) = client_id.map(|client| (client.id, client.hash)).unzip();
        let message = Message { client_id, ..message };
        messages::insert_message(&mut tx, &grant, &turn, &message, locked.messages, client_hash).await?;
        turns::insert_turn(&mut tx, &grant, &turn, now).await?;
        record_turn(&mut tx, &grant, &turn, None)?;
        claim.keep(&tx, &(message.id, turn.id)).await?;
        tx.commit().await?;
        if let Some(running) = running {
            self.parts.bus.publish(&interrupt_topic(running), vec![]).await;
        }
        self.parts.bus.publish(WORK_TOPIC, vec![]).await;
        Ok((message, turn))
    }

    /// Holds the message against what waits and runs; gives the running turn that is to be interrupted for it.
    async fn make_room(&self, tx: &Tx, grant: &Grant<Write>, new: &NewMessage) -> Result<Option<TurnId>> {
        let open = turns::open_turns(tx, grant, new.session).await?;
        let running = open.iter().find(|turn| turn.status == TurnStatus::Running);
        if open.len() - usize::from(running.is_some()) >= MAX_QUEUED {
            let message = format!("{MAX_QUEUED} messages are waiting for an answer: let the coach catch up");
            return Err(Error::Refused(vec![Problem::new(ProblemCode::LimitReached, "text", message)]));
        }
        match new.while_running {
            WhileRunning::Reject if !open.is_empty() => {
                return Err(Error::conflict(
                    "whileRunning",
                    "the coach is still answering: wait for it, or send with ENQUEUE or INTERRUPT",
                ));
            }
            WhileRunning::Interrupt => {
                if let Some(running) = running {
                    turns::request_interrupt(tx, grant, running.id).await?;
                    return Ok(Some(running.id));
                }
            }
            WhileRunning::Enqueue | WhileRunning::Reject => {}
        }
        Ok(None)
    }

    /// What an earlier call has sent, as it is now.
    async fn sent(
        &self,
        source: &impl Source,
        actor: &Actor,
        message: MessageId,
        turn: TurnId,
    ) -> Result<(Message, Turn)> {
        let scope = actor.scope::<Read>();
        let message = messages::find_messages(source, &scope, &[message]).await?.remove(&message);
        let turn = turns::find_turn(source, &scope, turn).await?;
        Ok((message.ok_or(Error::NotFound("message"))?, turn.ok_or(NO_TURN)?.0))
    }
}
