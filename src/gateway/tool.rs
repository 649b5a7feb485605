//! Tools: what a model may have done while it answers. A port: the slices above fill it, `app.rs` puts it together.
//!
//! What a model asks for is its word, and may be the word of a text that it was given. So its arguments are held against
//! the tool's schema, and the tool does what it does as the actor for whom the model answers: nothing that they may not.
use super::{
    model::{ToolSpec, ToolUse},
    record::Origin,
    schema::Schema,
};
use crate::{
    event::Tx,
    shared::{
        Error, Result,
        actor::Actor,
        id::{AnyId, WorkflowId, WorkspaceId},
    },
};
use serde_json::Value;
use std::{collections::BTreeMap, fmt, sync::Arc};

/// Characters of what a tool tells a model.
const MAX_TOLD: usize = 20_000;
/// How often a model may ask for tools before it answers, and how many are used each time.
pub const TOOL_ROUNDS: usize = 4;
pub const TOOLS_AT_ONCE: usize = 8;

/// One thing that a model may ask for.
#[async_trait::async_trait]
pub trait Tool: Send + Sync + fmt::Debug {
    fn spec(&self) -> ToolSpec;

    /// Does it, as the actor. The arguments fit the schema of [`Self::spec`].
    async fn run(&self, actor: &Actor, asking: &Asking, arguments: Value) -> Result<Done>;
}

/// Where a model asks for a tool.
#[derive(Clone, Debug)]
pub struct Asking {
    pub workspace: WorkspaceId,
    pub origin: Origin,
    pub workflow: Option<WorkflowId>,
    /// What it was told of memories and documents by then, as far as that is known.
    pub told: Vec<Told>,
}

/// A text of memory that a model was told.
#[derive(Clone, Debug)]
pub struct Told {
    /// The memory or the document.
    pub of: AnyId,
    pub text: String,
}

/// What came of a tool.
#[derive(Debug, Default)]
pub struct Done {
    /// What it changed, not committed yet: whoever ran it does that, together with its own word about it.
    pub tx: Option<Tx>,
    /// For the model.
    pub text: String,
    /// What it tells of memories and documents.
    pub read: Vec<Told>,
}

/// What came of a use of a tool, well or not.
#[derive(Debug)]
pub struct Used {
    pub done: Done,
    pub succeeded: bool,
}

/// The tools that a model is offered, by their names.
#[derive(Clone, Debug, Default)]
pub struct Tools(Arc<BTreeMap<String, Ready>>);

#[derive(Clone, Debug)]
struct Ready {
    tool: Arc<dyn Tool>,
    spec: ToolSpec,
    schema: Arc<Schema>,
}

impl Tools {
    /// One that no provider would take, or whose schema cannot be read, is left out: nobody is offered it.
    pub fn new(tools: impl IntoIterator<Item = Arc<dyn Tool>>) -> Self {
        let ready = tools.into_iter().filter_map(|tool| {
            let spec = tool.spec();
            let schema = spec.check().and_then(|()| Schema::read(&spec.parameters));
            let schema =
                schema.inspect_err(|error| tracing::error!(tool = spec.name, error, "a tool is left out"));
            Some((spec.name.clone(), Ready { tool, schema: Arc::new(schema.ok()?), spec }))
        });
        Self(Arc::new(ready.collect()))
    }

    /// Those of these names.
    pub fn named(&self, names: &[String]) -> Self {
        let named = self.0.iter().filter(|(name, _)| names.contains(name));
        Self(Arc::new(named.map(|(name, ready)| (name.clone(), ready.clone())).collect()))
    }

    pub fn specs(&self) -> Vec<ToolSpec> {
        self.0.values().map(|ready| ready.spec.clone()).collect()
    }

    /// Uses a tool; what goes wrong is told to the model.
    pub async fn use_one(&self, actor: &Actor, asking: &Asking, asked: ToolUse) -> Used {
        let (tool, workspace) = (asked.name.clone(), asking.workspace);
        match self.run(actor, asking, asked).await {
            Ok(done) => Used { done, succeeded: true },
            Err(error) => {
                if let Error::Internal(source) = &error {
                    tracing::error!(%workspace, tool, source = source.as_ref(), "a tool failed");
                }
                Used { done: Done { text: format!("error: {error}"), ..Done::default() }, succeeded: false }
            }
        }
    }

    /// `Refused` where there is no such tool, or where the arguments do not fit.
    async fn run(&self, actor: &Actor, asking: &Asking, asked: ToolUse) -> Result<Done> {
        let Some(ready) = self.0.get(&asked.name) else {
            let names: Vec<_> = self.0.keys().map(String::as_str).collect();
            return Err(Error::invalid(
                "name",
                format!("there is no such tool: {} is possible", names.join(", ")),
            ));
        };
        let problems = ready.schema.problems(&asked.arguments);
        if !problems.is_empty() {
            return Err(Error::invalid("arguments", problems.join("; ")));
        }
        let done = ready.tool.run(actor, asking, asked.arguments).await?;
        Ok(Done { text: done.text.chars().take(MAX_TOLD).collect(), ..done })
    }
}
