//! Ends turns: whoever does it, here.
use super::{
    Parts,
    model::{Ending, Turn, TurnStatus},
    service::record_turn,
    speech::Speech,
    store::{message as messages, turn as turns},
};
use crate::{
    event::Tx,
    shared::{
        Result,
        actor::{Grant, Write},
    },
};

impl Parts {
    /// Ends the turn and its reply, and records it; `None` where the turn is in other hands or over: then nothing was
    /// changed.
    ///
    /// What was forgotten while the coach spoke is not kept. What it quotes is held first, as forgetting does: so the
    /// two take turns, and never wait for each other both.
    pub(super) async fn end_turn(
        &self,
        tx: &mut Tx,
        grant: &Grant<Write>,
        turn: &Turn,
        ending: &Ending,
    ) -> Result<Option<Turn>> {
        let speech = match (&ending.speech, turn.reply) {
            (Some(speech), _) => speech.clone(),
            (None, Some(reply)) => messages::kept(tx, grant, reply).await?,
            (None, None) => Speech::default(),
        };
        let speech = if ending.status == TurnStatus::Completed { speech } else { speech.broken_off() };
        let quoted: Vec<_> = speech.citations.iter().map(|citation| citation.from).collect();
        let there = self.memory.hold(tx, grant, &quoted).await?;
        let speech = speech.only_of(&there);
        let Some(ended) = turns::end(tx, turn, ending.status, self.ambient.now()).await? else {
            return Ok(None);
        };
        if let Some(reply) = ended.reply {
            messages::close(tx, reply, ending, &speech).await?;
        }
        record_turn(tx, grant, &ended, Some(ending.reason))?;
        Ok(Some(ended))
    }
}
