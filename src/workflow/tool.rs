//! What a model may do with workflows, as the actor for whom it answers.
use super::{WorkflowService, model::NewRun};
use crate::{
    gateway::{Asking, Done, Tool, ToolSpec},
    shared::{Error, Result, actor::Actor},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// Starts a run of a published workflow.
#[derive(Clone, Debug)]
pub struct StartWorkflowTool(pub WorkflowService);

#[derive(Deserialize)]
struct Start {
    workflow: String,
    #[serde(default)]
    input: Option<Value>,
}

#[async_trait::async_trait]
impl Tool for StartWorkflowTool {
    fn spec(&self) -> ToolSpec {
        ToolSpec {
            name: "start_workflow".to_owned(),
            description: "Starts one of the workspace's published workflows. Use it only when the person asks for it by \
                          name."
                .to_owned(),
            parameters: json!({
                "type": "object", "additionalProperties": false, "required": ["workflow"],
                "properties": {
                    "workflow": { "type": "string", "maxLength": 200, "description": "Its slug, such as weekly-review." },
                    "input": { "type": "object", "description": "What the workflow needs to know." }
                }
            }),
        }
    }

    async fn run(&self, actor: &Actor, asking: &Asking, arguments: Value) -> Result<Done> {
        let misfit = |_| Error::invalid("arguments", "they do not fit the schema");
        let Start { workflow, input } = serde_json::from_value(arguments).map_err(misfit)?;
        let workflow = self.0.find_by_slug(actor, asking.workspace, &workflow).await?;
        let workflow = workflow.ok_or(Error::NotFound("workflow"))?;
        let new = NewRun { workflow: workflow.id, version: None, input: input.unwrap_or_else(|| json!({})) };
        let (tx, run) = self.0.begin_run(actor, new).await?;
        let text = json!({ "started": workflow.name, "run": run.id, "status": run.status.name() });
        Ok(Done { tx: Some(tx), text: text.to_string(), read: vec![] })
    }
}
