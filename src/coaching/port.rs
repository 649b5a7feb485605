//! What coaching gives to memory below it.
use super::{event::reply_erased, store};
use crate::{
    event::Tx,
    memory::{Derived, Erased, Remembered, Sessions},
    shared::{
        Result,
        actor::{Grant, Write},
        id::CoachingSessionId,
    },
};

/// Tells memory whose a session is, and lets forgetting reach what replies quote.
#[derive(Clone, Copy, Debug)]
pub struct MemoryPorts;

#[async_trait::async_trait]
impl Sessions for MemoryPorts {
    async fn is_own(&self, tx: &Tx, grant: &Grant<Write>, session: CoachingSessionId) -> Result<bool> {
        store::is_own(tx, grant, session).await
    }
}

#[async_trait::async_trait]
impl Derived for MemoryPorts {
    async fn erase(&self, tx: &mut Tx, grant: &Grant<Write>, from: Remembered) -> Result<Vec<Erased>> {
        let (replies, count) = store::message::erase_quotes(tx, grant, from).await?;
        for (reply, owner) in replies {
            tx.record(grant, reply_erased(reply, owner));
        }
        Ok(if count == 0 { vec![] } else { vec![Erased { kind: "QUOTE".to_owned(), count }] })
    }
}
