//! What coaching gives to memory below it.
use super::{
    event::{action_item_erased, reply_erased},
    store,
    stream::Texts,
    turn::INSTRUCTIONS,
};
use crate::{
    db::Db,
    event::Tx,
    memory::{Derived, Erased, Passage, Remembered, Said, Sessions, Transcript},
    shared::{
        Result,
        actor::{Grant, Write},
        id::{CoachingSessionId, WorkspaceId},
    },
};

/// Tells memory whose a session is, and lets forgetting reach what replies and action items quote.
#[derive(Clone, Debug, Default)]
pub struct MemoryPorts {
    /// Of the service.
    pub(super) texts: Texts,
}

#[async_trait::async_trait]
impl Sessions for MemoryPorts {
    async fn is_own(&self, tx: &Tx, grant: &Grant<Write>, session: CoachingSessionId) -> Result<bool> {
        store::is_own(tx, grant, session).await
    }
}

#[async_trait::async_trait]
impl Transcript for MemoryPorts {
    async fn read(
        &self,
        db: &Db,
        grant: &Grant<Write>,
        session: CoachingSessionId,
        characters: usize,
    ) -> Result<Option<Said>> {
        if !store::is_own(db, grant, session).await? {
            return Ok(None);
        }
        let messages = store::message::said(db, grant, session, MESSAGES).await?;
        let mut left = characters;
        let latest = messages.into_iter().take_while(|message| {
            let count = message.text.chars().count();
            let fits = count <= left;
            left = left.saturating_sub(count);
            fits
        });
        let passages = latest.map(|message| Passage {
            text: message.text,
            message: Some(message.id),
            speaker: None,
            at: Some(message.created_at),
        });
        let mut passages: Vec<_> = passages.collect();
        passages.reverse();
        let recalled = store::message::quotes(db, grant, session).await?;
        Ok(Some(Said {
            passages,
            recalled,
            instructions: vec![INSTRUCTIONS.to_owned()],
            leaves_nothing: false,
        }))
    }
}

/// Messages of a session that are read, the latest.
const MESSAGES: u64 = 500;

#[async_trait::async_trait]
impl Derived for MemoryPorts {
    async fn erase(&self, tx: &mut Tx, grant: &Grant<Write>, from: &[Remembered]) -> Result<Vec<Erased>> {
        let (replies, of_replies) = store::message::erase_quotes(tx, grant, from).await?;
        for (reply, owner) in replies {
            tx.record(grant, reply_erased(reply, owner));
        }
        let (items, of_items) = store::erase_item_quotes(tx, grant, from).await?;
        for (item, owner) in items {
            tx.record(grant, action_item_erased(item, owner));
        }
        let count = of_replies + of_items;
        Ok(if count == 0 { vec![] } else { vec![Erased { kind: "QUOTE".to_owned(), count }] })
    }

    fn erased(&self, workspace: WorkspaceId) {
        self.texts.forget(workspace);
    }
}
