//! A tool in a turn: what the coach has done, as the person for whom it answers; and what coaching itself can do for a
//! model.
use super::{
    CoachingService,
    event::tool_event,
    model::{MAX_ITEM, NewActionItem, Turn},
    store::turn as turns,
    worker::{Worker, upkeep},
};
use crate::{
    gateway::{Asking, Done, Origin, Told, Tool, ToolSpec, ToolUse, Used},
    shared::{Error, Result, actor::Actor, moment},
};
use serde::Deserialize;
use serde_json::{Value, json};

impl Worker {
    /// Uses a tool, and gives what the model is told of it, and of what in memory. In a task of its own: what a tool
    /// changes and what tells of it commit together, whoever interrupts the turn.
    pub(super) async fn use_tool(
        &self,
        turn: &Turn,
        actor: &Actor,
        told: Vec<Told>,
        asked: ToolUse,
    ) -> Result<(String, Vec<Told>)> {
        let (worker, turn, actor) = (self.clone(), turn.clone(), actor.clone());
        let used = tokio::spawn(async move { worker.use_tool_whole(&turn, &actor, told, asked).await });
        used.await.map_err(Error::internal)?
    }

    async fn use_tool_whole(
        &self,
        turn: &Turn,
        actor: &Actor,
        told: Vec<Told>,
        asked: ToolUse,
    ) -> Result<(String, Vec<Told>)> {
        let (grant, tool) = (upkeep(turn), asked.name.clone());
        let mut tx = self.parts.log.begin().await?;
        self.hold_on(&tx, turn).await?;
        tx.record(&grant, tool_event(&grant, turn, &tool, None)?);
        tx.commit().await?;
        let asking =
            Asking { workspace: turn.workspace, origin: Origin::Turn(turn.id), workflow: None, told };
        let Used { done, succeeded } = self.parts.tools.use_one(actor, &asking, asked).await;
        let mut tx = match done.tx {
            Some(tx) => tx,
            None => self.parts.log.begin().await?,
        };
        self.hold_on(&tx, turn).await?;
        tx.record(&grant, tool_event(&grant, turn, &tool, Some(succeeded))?);
        tx.commit().await?;
        Ok((done.text, done.read))
    }

    /// An error where the turn is over or in other hands: then nothing of the transaction is to stay.
    async fn hold_on(&self, tx: &crate::event::Tx, turn: &Turn) -> Result<()> {
        let lease_until = self.parts.ambient.now() + self.parts.config.lease();
        let held = turns::renew(tx, turn, lease_until).await?;
        held.map(|_| ()).ok_or(Error::NotFound("turn"))
    }
}

/// Makes an action item of the actor's own.
#[derive(Clone, Debug)]
pub struct CreateActionItemTool(pub CoachingService);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Create {
    text: String,
    due_at: Option<String>,
}

#[async_trait::async_trait]
impl Tool for CreateActionItemTool {
    fn spec(&self) -> ToolSpec {
        ToolSpec {
            name: "create_action_item".to_owned(),
            description: "Writes down something that this person means to do, in their list of action items. Use it when \
                          they ask you to, or commit to a step."
                .to_owned(),
            parameters: json!({
                "type": "object", "additionalProperties": false, "required": ["text"],
                "properties": {
                    "text": {
                        "type": "string", "minLength": 1, "maxLength": MAX_ITEM,
                        "description": "One line that is understood by itself, beginning with a verb."
                    },
                    "dueAt": {
                        "type": "string", "maxLength": 40,
                        "description": "By when, if the person said so: RFC 3339, such as 2026-05-08T17:00:00Z."
                    }
                }
            }),
        }
    }

    async fn run(&self, actor: &Actor, asking: &Asking, arguments: Value) -> Result<Done> {
        let misfit = |_| Error::invalid("arguments", "they do not fit the schema");
        let Create { text, due_at } = serde_json::from_value(arguments).map_err(misfit)?;
        let due_at = due_at.as_deref().map(moment::parse).transpose();
        let due_at = due_at.map_err(|why| Error::invalid("dueAt", why))?;
        let workspace = asking.workspace;
        let new = NewActionItem { workspace, text, due_at, session: None, goal: None, client_id: None };
        let (tx, item) = self.0.begin_action_item(actor, asking, new).await?;
        let text = json!({ "created": item.text, "dueAt": item.due_at, "id": item.id }).to_string();
        Ok(Done { tx: Some(tx), text, read: vec![] })
    }
}
