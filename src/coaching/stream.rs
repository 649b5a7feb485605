//! A session as one follower hears it: what is in the log after its cursor, then what comes; while the coach speaks,
//! the text as it grows.
//!
//! The log is the truth and is read after each wake-up; the bus only brings deltas sooner. What a follower hears of a
//! reply before its terminal event is exactly the reply's text: what the bus lost comes from the checkpoint, the
//! rest with the end.
use super::{
    CoachingService,
    event::{CoachingEvent, Delta, Happened, SESSION_STARTED, TurnFacts, delta_topic},
    model::{SessionStatus, TurnStatus},
    speech::ERASED,
    store::turn as turns,
    tracker::{Piece, Tracker},
};
use crate::{
    event::{Cursor, Event, Place, Shares, Signal},
    shared::{
        Result,
        actor::{Actor, Grant, Principal, Read},
        id::{CoachingSessionId, MessageId, WorkspaceId},
    },
};
use chrono::{DateTime, Utc};
use futures_util::Stream;
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};
use tokio::time::sleep;

/// How soon a follower that lost a delta looks at the checkpoint.
const CATCH_UP: Duration = Duration::from_millis(100);

/// Deltas kept of a turn whose start was not read yet. What is lost comes from the checkpoint.
const EARLY: usize = 32;

/// A turn that runs, as far as this follower has heard it.
struct Current {
    facts: TurnFacts,
    tracker: Tracker,
    /// Whether it stands at the checkpoint or beyond; before, it is told that first.
    caught_up: bool,
}

impl CoachingService {
    /// What happens in the session after `after`, without gap or double; from its beginning without a cursor. Ends
    /// after the session has.
    pub async fn follow(
        &self,
        actor: &Actor,
        id: CoachingSessionId,
        after: Option<Cursor>,
    ) -> Result<impl Stream<Item = Result<CoachingEvent>> + Send + use<>> {
        let parts = &self.parts;
        let (session, grant) = self.get_session::<Read>(&parts.db, actor, id).await?;
        // Listening comes first, then reading: so nothing falls between.
        let mut deltas = parts.bus.subscribe(&delta_topic(id)).await;
        let mut position = parts.log.begin_of(&grant, id.uuid(), SESSION_STARTED, after.as_ref()).await?;
        let mut follower = parts.log.follower(&grant, Some(id.uuid()), position);
        let mut current = self.current(actor, &grant, id, after).await?;
        let (service, actor) = (self.clone(), actor.clone());
        Ok(async_stream::try_stream! {
            let (mut replaying, mut look) = (true, true);
            let mut early: VecDeque<Delta> = VecDeque::new();
            loop {
                let events = match look {
                    true => follower.read().await?,
                    false => vec![],
                };
                let more = !events.is_empty();
                let mut replies = Replies::of(&events);
                for event in events {
                    let Some(what) = Happened::of(&event) else {
                        position = event.position;
                        continue;
                    };
                    if let Some(ended) = what.ended() {
                        // One that waited may end while another one runs.
                        let last = current.take_if(|current| current.facts.turn == ended.turn);
                        let mut last = last.unwrap_or_else(|| Current::new(ended.clone(), Tracker::default()));
                        let text = replies.text(&service, &actor, &grant, event.position, ended).await?;
                        if text.contains(ERASED) {
                            // Not the text that was heard: it is told anew, without what was forgotten.
                            last.tracker = Tracker::default();
                        }
                        if ended.reply.is_some()
                            && let Some(piece) = last.tracker.finish(&text)
                        {
                            yield last.event(piece, &grant, position, event.at);
                        }
                    }
                    if let Happened::TurnStarted(facts) = &what {
                        let mut started = Current::new(facts.clone(), Tracker::default());
                        started.caught_up = !replaying;
                        current = Some(started);
                    }
                    position = event.position;
                    let over = matches!(what, Happened::SessionEnded(_));
                    yield heard(&event, what);
                    if over {
                        return;
                    }
                }
                if more {
                    continue;
                }
                if replaying && session.status == SessionStatus::Ended {
                    return;
                }
                replaying = false;
                if let Some(current) = current.as_mut().filter(|_| !early.is_empty()) {
                    let (ready, later): (VecDeque<Delta>, VecDeque<Delta>) =
                        early.drain(..).partition(|delta| delta.turn == current.facts.turn);
                    early = later;
                    for delta in ready {
                        if let Some(piece) = current.tracker.delta(delta.offset, &delta.text) {
                            yield current.event(piece, &grant, position, delta.at);
                        }
                    }
                    current.caught_up &= !current.tracker.is_behind();
                }
                if let Some(current) = current.as_mut().filter(|current| !current.caught_up) {
                    let text = service.text_of(&actor, &grant, position, &current.facts).await?;
                    let now = service.parts.ambient.now();
                    for piece in current.tracker.checkpoint(&text) {
                        yield current.event(piece, &grant, position, now);
                    }
                    current.caught_up = !current.tracker.is_behind();
                }
                let behind = current.as_ref().is_some_and(|current| !current.caught_up);
                tokio::select! {
                    signal = deltas.next() => {
                        let delta = match &signal {
                            Signal::Message(message) => serde_json::from_slice::<Delta>(message).ok(),
                            Signal::Lost => None,
                        };
                        look = delta.is_none();
                        match (delta, current.as_mut()) {
                            (Some(delta), Some(current)) if current.facts.turn == delta.turn => {
                                if let Some(piece) = current.tracker.delta(delta.offset, &delta.text) {
                                    yield current.event(piece, &grant, position, delta.at);
                                }
                                current.caught_up &= !current.tracker.is_behind();
                            }
                            // Of a turn whose start is in the log, but not read yet; or of one that is over.
                            (Some(delta), _) => {
                                if early.len() == EARLY {
                                    early.pop_front();
                                }
                                early.push_back(delta);
                                look = true;
                            }
                            (None, Some(current)) => current.caught_up = false,
                            (None, None) => {}
                        }
                    }
                    () = follower.wait() => look = true,
                    () = sleep(CATCH_UP), if behind => look = false,
                }
            }
        })
    }

    /// The turn in whose midst the cursor lies, or which runs.
    async fn current(
        &self,
        actor: &Actor,
        grant: &Grant<Read>,
        session: CoachingSessionId,
        after: Option<Cursor>,
    ) -> Result<Option<Current>> {
        if let Some(Place::Reply { turn, offset }) = after.and_then(|cursor| cursor.place) {
            let found = turns::find_turn(&self.parts.db, &actor.scope::<Read>(), turn).await?;
            // A cursor of another stream of the workspace is fine; its place says nothing here.
            if let Some((turn, _)) = found.filter(|(turn, _)| turn.session == session) {
                return Ok(Some(Current::new(TurnFacts::of(&turn, None), Tracker::at(offset))));
            }
        }
        let open = turns::open_turns(&self.parts.db, grant, session).await?;
        let running = open.into_iter().find(|turn| turn.status == TurnStatus::Running);
        Ok(running.map(|turn| Current::new(TurnFacts::of(&turn, None), Tracker::default())))
    }

    /// The text of a reply that is still spoken, as it is stored.
    async fn text_of(
        &self,
        actor: &Actor,
        grant: &Grant<Read>,
        position: i64,
        turn: &TurnFacts,
    ) -> Result<Arc<str>> {
        let Some(reply) = turn.reply else { return Ok(Arc::default()) };
        let found = Box::pin(self.texts(&self.texts.spoken, actor, grant, position, vec![reply])).await?;
        Ok(found.get(&reply).cloned().unwrap_or_default())
    }

    /// Texts as they are stored at this position of the log or later. All who follow a session hear its turns end at
    /// the same moment: they are read once for all of them.
    async fn texts(
        &self,
        shares: &TextsOf,
        actor: &Actor,
        grant: &Grant<Read>,
        position: i64,
        replies: Vec<MessageId>,
    ) -> Result<Arc<HashMap<MessageId, Arc<str>>>> {
        let workspace = grant.workspace();
        let as_of = self.parts.log.newest(workspace).map_or(position, |newest| newest.max(position));
        let load = || async {
            let found = self.find_messages(actor, &replies).await?;
            Ok(Arc::new(found.into_iter().map(|(id, message)| (id, message.text.into())).collect()))
        };
        // A session and all in it are its owner's alone.
        shares.get(workspace, as_of, (grant.principal(), replies.clone()), load).await
    }
}

/// Texts of replies, by whose they are.
type TextsOf = Shares<(Principal, Vec<MessageId>), Arc<HashMap<MessageId, Arc<str>>>>;

/// What was read of replies a moment ago.
#[derive(Clone, Debug)]
pub struct Texts {
    /// Of turns that are over: they change only where something is forgotten, which the log tells.
    ended: TextsOf,
    /// Of turns that run: checkpoints, of which the log says nothing.
    spoken: TextsOf,
}

impl Texts {
    /// After something of the workspace was erased: this server need not hear of it by the log first.
    pub(super) fn forget(&self, workspace: WorkspaceId) {
        self.ended.forget(workspace);
        self.spoken.forget(workspace);
    }
}

impl Default for Texts {
    fn default() -> Self {
        Self { ended: Shares::kept_for(Duration::from_secs(5)), spoken: Shares::kept_for(CATCH_UP) }
    }
}

/// The texts of a page's replies, some at a time: whoever hears a long session again costs no statement for each turn.
struct Replies {
    /// Not read yet, in the order of their ends.
    coming: VecDeque<MessageId>,
    read: Arc<HashMap<MessageId, Arc<str>>>,
}

/// Few: what is forgotten after it was read is still told.
const READ_AHEAD: usize = 10;

impl Replies {
    fn of(events: &[Arc<Event>]) -> Self {
        let ended = events.iter().filter_map(|event| Happened::of(event)?.ended()?.reply);
        Self { coming: ended.collect(), read: Arc::default() }
    }

    async fn text(
        &mut self,
        service: &CoachingService,
        actor: &Actor,
        grant: &Grant<Read>,
        position: i64,
        turn: &TurnFacts,
    ) -> Result<Arc<str>> {
        let Some(reply) = turn.reply else { return Ok(Arc::default()) };
        if self.coming.contains(&reply) {
            let next: Vec<_> = self.coming.drain(..self.coming.len().min(READ_AHEAD)).collect();
            let read = service.texts(&service.texts.ended, actor, grant, position, next);
            self.read = Box::pin(read).await?;
        }
        Ok(self.read.get(&reply).cloned().unwrap_or_default())
    }
}

impl Current {
    /// What is heard of it, it says while it runs, whatever became of it since.
    fn new(facts: TurnFacts, tracker: Tracker) -> Self {
        let facts = TurnFacts { status: TurnStatus::Running, finished_at: None, reason: None, ..facts };
        Self { facts, tracker, caught_up: false }
    }

    /// Its cursor: the last event before it, and how far the text goes with it. Not how far the tracker is: it may have
    /// given more pieces, and the follower may be cut between two.
    fn event(&self, piece: Piece, grant: &Grant<Read>, position: i64, at: DateTime<Utc>) -> CoachingEvent {
        let turn = self.facts.clone();
        let end = piece.end();
        let what = match piece {
            Piece::Snapshot(text) => Happened::TurnSnapshot { turn, text, offset: end },
            Piece::Delta { offset, text } => Happened::TurnDelta { turn, text, offset },
        };
        let mut cursor = Cursor::new(grant.workspace(), position);
        cursor.place = Some(Place::Reply { turn: self.facts.turn, offset: end });
        CoachingEvent { cursor, at, what }
    }
}

fn heard(event: &Event, what: Happened) -> CoachingEvent {
    CoachingEvent { cursor: event.cursor(), at: event.at, what }
}
