//! Action items: made by hand or by the coach, and changed by hand.
use super::{CoachingService, NO_TURN, own_event};
use crate::{
    coaching::{
        borrowed::{borrowed, redact},
        event::{ACTION_ITEM_UPDATED, action_item_created},
        model::{ActionItem, ActionItemFilter, ActionItemStatus, ActionItemUpdate, Borrowed, NewActionItem},
        policy,
        store::{self, turn as turns},
    },
    db::{
        self,
        idempotency::{self, Claimed, Key},
    },
    event::Tx,
    gateway::{Asking, Origin, Told},
    memory::Remembered,
    shared::{
        Edited, Error, Page, PageRequest, Result,
        actor::{Actor, Grant, Read, Write},
        edit,
        id::{ActionItemId, CoachingSessionId, TurnId, WorkspaceId},
    },
};
use serde_json::json;
use std::collections::HashMap;
use tokio::task::spawn_blocking;

const NO_ITEM: Error = Error::NotFound("action item");

impl CoachingService {
    /// A new action item. The same client id again gives the same one.
    pub async fn create_action_item(
        &self,
        actor: &Actor,
        new: NewActionItem,
        key: Option<String>,
    ) -> Result<ActionItem> {
        match self.create_action_item_once(actor, &new, key.clone()).await {
            // Another call with this client id was faster: its item is there now.
            Err(error) if db::is_unique_violation(&error) => {
                self.create_action_item_once(actor, &new, key).await
            }
            outcome => outcome,
        }
    }

    async fn create_action_item_once(
        &self,
        actor: &Actor,
        new: &NewActionItem,
        key: Option<String>,
    ) -> Result<ActionItem> {
        let grant = policy::begin(actor, new.workspace)?;
        let (text, client_id) = new.checked()?;
        let key = key.map(|key| Key::new("createActionItem", key, new)).transpose()?;
        let mut tx = self.parts.log.begin().await?;
        let claim =
            match idempotency::claim(&tx, &self.parts.ambient, actor.principal(), key.as_ref()).await? {
                Claimed::Replay(id) => return store::find_action_item(&tx, &grant, id).await?.ok_or(NO_ITEM),
                Claimed::New(claim) => claim,
            };
        if let Some(client_id) = &client_id
            && let Some((item, hash)) =
                store::find_action_item_by_client_id(&tx, &grant, client_id.id).await?
        {
            client_id.require_same(hash.as_deref())?;
            claim.keep(&tx, &item.id).await?;
            tx.commit().await?;
            return Ok(item);
        }
        let (client_id, client_hash) = client_id.map(|client| (client.id, client.hash)).unzip();
        let item = ActionItem { client_id, ..self.new_action_item(new, text) };
        let item = self.add_action_item(&mut tx, &grant, item, client_hash, vec![]).await?;
        claim.keep(&tx, &item.id).await?;
        tx.commit().await?;
        Ok(item)
    }

    /// One that a model makes while it answers, not committed yet: of the session in whose turn that is. What its text
    /// quotes of what the model was told can be forgotten.
    pub async fn begin_action_item(
        &self,
        actor: &Actor,
        asking: &Asking,
        new: NewActionItem,
    ) -> Result<(Tx, ActionItem)> {
        let grant = policy::begin(actor, new.workspace)?;
        let (text, _) = new.checked()?;
        // Before the transaction, for which others may wait.
        let (written, told) = (text.clone(), asking.told.clone());
        let quotes = spawn_blocking(move || quotes(&written, &told)).await.map_err(Error::internal)?;
        let mut tx = self.parts.log.begin().await?;
        let mut item = self.new_action_item(&new, text);
        if let Origin::Turn(turn) = &asking.origin {
            let (session, turn) = self.of_turn(&tx, actor, *turn).await?;
            (item.session, item.turn) = (Some(session), Some(turn));
        }
        let item = self.add_action_item(&mut tx, &grant, item, None, quotes).await?;
        Ok((tx, item))
    }

    async fn of_turn(&self, tx: &Tx, actor: &Actor, turn: TurnId) -> Result<(CoachingSessionId, TurnId)> {
        let scope = actor.scope::<policy::CreateActionItem>();
        let (turn, _) = turns::find_turn(tx, &scope, turn).await?.ok_or(NO_TURN)?;
        Ok((turn.session, turn.id))
    }

    fn new_action_item(&self, new: &NewActionItem, text: String) -> ActionItem {
        let now = self.parts.ambient.now();
        ActionItem {
            id: self.parts.ambient.ids.next(),
            workspace: new.workspace,
            session: new.session,
            goal: new.goal,
            turn: None,
            text,
            due_at: new.due_at,
            status: ActionItemStatus::Open,
            version: 1,
            client_id: None,
            created_at: now,
            updated_at: now,
            completed_at: None,
        }
    }

    /// Writes it and tells of it, in its session where it has one. What it quotes is held first, as forgetting does; what is
    /// forgotten by then is not written.
    async fn add_action_item(
        &self,
        tx: &mut Tx,
        grant: &Grant<Write>,
        mut item: ActionItem,
        client_hash: Option<Vec<u8>>,
        mut quotes: Vec<Borrowed>,
    ) -> Result<ActionItem> {
        if let Some(session) = item.session {
            let locked = store::lock_session(tx, grant, session, (0, 0), item.created_at).await?;
            let none = || Error::invalid("sessionId", "there is no such session of yours in this workspace");
            item.goal = item.goal.or(locked.ok_or_else(none)?.session.goal);
        }
        if let Some(goal) = item.goal
            && store::find_goal(tx, grant, goal).await?.is_none()
        {
            return Err(Error::invalid("goalId", "there is no such goal of yours in this workspace"));
        }
        let quoted: Vec<_> = quotes.iter().map(|quote| quote.from).collect();
        let there = self.parts.memory.hold(tx, grant, &quoted).await?;
        let marked = quotes.iter().map(|quote| (quote.quote.as_str(), !there.contains(&quote.from)));
        item.text = redact(&item.text, marked);
        quotes.retain(|quote| there.contains(&quote.from));
        store::insert_action_item(tx, grant, &item, client_hash).await?;
        store::insert_item_quotes(tx, item.id, &quotes).await?;
        tx.record(grant, action_item_created(grant, &item)?);
        Ok(item)
    }

    pub async fn update_action_item(
        &self,
        actor: &Actor,
        update: ActionItemUpdate,
    ) -> Result<Edited<ActionItem>> {
        let mut tx = self.parts.log.begin().await?;
        let scope = actor.scope::<policy::UpdateActionItem>();
        let found = store::find_action_item_to_change(&tx, &scope, update.item).await?;
        let (old, grant) = found.ok_or(NO_ITEM)?;
        let (expected, now) = (update.expected_version, self.parts.ambient.now());
        let changed = update.apply(&old, now)?;
        if edit::is_stale(expected, old.version) {
            return Ok(Edited::Stale { version: old.version, current: old });
        }
        if changed == old {
            return Ok(Edited::Done(old));
        }
        let changed = ActionItem { version: old.version + 1, updated_at: now, ..changed };
        store::update_action_item(&tx, &grant, &changed).await?;
        tx.record(&grant, own_event(&grant, ACTION_ITEM_UPDATED, changed.id.uuid(), json!({})));
        tx.commit().await?;
        Ok(Edited::Done(changed))
    }

    pub async fn find_action_items(
        &self,
        actor: &Actor,
        ids: &[ActionItemId],
    ) -> Result<HashMap<ActionItemId, ActionItem>> {
        actor.key_allows::<Read>()?;
        store::find_action_items(&self.parts.db, &actor.scope::<Read>(), ids).await
    }

    pub async fn list_action_items(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        filter: &ActionItemFilter,
        request: &PageRequest,
    ) -> Result<Page<ActionItem>> {
        store::list_action_items(&self.parts.db, &actor.may::<Read>(workspace)?, filter, request).await
    }

    /// The same page of what came from each session.
    pub async fn list_action_items_of(
        &self,
        actor: &Actor,
        sessions: &[CoachingSessionId],
        request: &PageRequest,
    ) -> Result<HashMap<CoachingSessionId, Page<ActionItem>>> {
        actor.key_allows::<Read>()?;
        store::list_action_items_of(&self.parts.db, &actor.scope::<Read>(), sessions, request).await
    }
}

/// What a text has word for word of what was told.
fn quotes(text: &str, told: &[Told]) -> Vec<Borrowed> {
    let of_one = |told: &Told| {
        let from = Remembered::of(told.of)?;
        let quotes = borrowed(text, &told.text).into_iter();
        Some(quotes.map(move |quote| Borrowed { from, quote: quote.to_owned() }).collect::<Vec<_>>())
    };
    let mut quotes: Vec<_> = told.iter().filter_map(of_one).flatten().collect();
    // It may have been told the same twice.
    quotes.sort_unstable();
    quotes.dedup();
    quotes
}
