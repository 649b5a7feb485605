use super::{super::model, loader::WorkflowLoader, run::Run, viewer_can::ApprovalViewerCan};
use crate::{
    account::Viewer,
    graphql_kit::{ApiError, ContextExt, DateTime, Json},
    shared::{Error, actor::Principal, id::ApprovalId},
};
use async_graphql::{Context, Enum, Object};

/// Where an approval is in its life.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::ApprovalStatus")]
pub enum ApprovalStatus {
    /// Nobody has decided yet.
    Pending,
    /// Somebody approved.
    Approved,
    /// Somebody rejected.
    Rejected,
    /// Nobody decided in time; the graph says what then.
    Expired,
    /// The run ended before anybody decided.
    Cancelled,
}

#[derive(Clone, Debug)]
pub struct Approval(model::Approval);

impl From<model::Approval> for Approval {
    fn from(approval: model::Approval) -> Self {
        Self(approval)
    }
}

/// A question that a run asks a person. Every member of the workspace can see it and, unless only a viewer, decide.
#[Object]
impl Approval {
    /// Stable for ever.
    pub async fn id(&self) -> ApprovalId {
        self.0.id
    }

    /// What is asked.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// What to fill in, as the graph gives it.
    async fn form(&self) -> Option<Json> {
        self.0.form.clone().map(Json)
    }

    /// Where it is in its life.
    async fn status(&self) -> ApprovalStatus {
        self.0.status.into()
    }

    /// What the caller may do with it: to show or to hide what leads there.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<ApprovalViewerCan, ApiError> {
        Ok(ApprovalViewerCan::of(ctx.actor()?, self.0.workspace))
    }

    /// Who decided; null where nobody has, or a service account did.
    async fn decided_by(&self) -> Option<Viewer> {
        match self.0.decided_by {
            Some(Principal::User(id)) => Some(Viewer { id }),
            Some(Principal::Service(_)) | None => None,
        }
    }

    /// What whoever decided said.
    async fn comment(&self) -> Option<&str> {
        self.0.comment.as_deref()
    }

    /// When it is too late to decide; null where it never is.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(DateTime)
    }

    /// The run that asks.
    async fn run(&self, ctx: &Context<'_>) -> Result<Run, ApiError> {
        let found = ctx.load::<_, WorkflowLoader>(self.0.run).await?;
        Ok(Run::new(found.ok_or(Error::NotFound("run"))?, None))
    }

    /// When it was asked.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}
