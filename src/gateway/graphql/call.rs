use super::{
    CallLoader, ContentOf,
    content::LlmCallContent,
    guardrail::{GuardrailPolicy, LlmGuardrail},
    usage::{Money, Usage, UsageGroup, UsagePeriod, UsageShare},
};
use crate::{
    gateway::{
        self, Attempt, Gateway,
        store::{CallFilter, CallOrder},
    },
    graphql_kit::{
        ApiError, Connection, ContextExt, DateTime, Duration, OrderDirection, connection, page_request,
    },
    shared::{
        Error,
        actor::Principal,
        id::{AnyId, LlmCallId, WorkspaceId},
    },
};
use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};

/// Where a call of a model, or one try of it, is in its life.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "gateway::LlmCallStatus")]
pub enum LlmCallStatus {
    /// It is under way.
    Running,
    /// It was answered to the end.
    Completed,
    /// It broke off, or was cut at its greatest length.
    Incomplete,
    /// It was not answered.
    Failed,
    /// A budget or a rule did not let it pass.
    Blocked,
    /// Who asked went away.
    Cancelled,
}

#[derive(Clone, Debug)]
pub struct LlmCall(pub(super) gateway::LlmCall);

/// A call of a model: what it used and how it went. Its contents are kept only where the workspace wants it.
#[Object]
impl LlmCall {
    /// Stable for ever.
    pub async fn id(&self) -> LlmCallId {
        self.0.id
    }

    /// The route that was asked for.
    async fn route_name(&self) -> &str {
        &self.0.route
    }

    /// The model of the route's first target.
    async fn model_requested(&self) -> Option<&str> {
        self.0.model_requested.as_deref()
    }

    /// The model that answered, or was the last to say something; null where none did, as for an answer from memory.
    async fn model_used(&self) -> Option<&str> {
        self.0.model_used.as_deref()
    }

    /// How it went.
    async fn status(&self) -> LlmCallStatus {
        self.0.status.into()
    }

    /// Why the answer ended: END_OF_TURN, LENGTH, CONTENT_POLICY, TOOL_USE; null where it broke off.
    async fn finish_reason(&self) -> Option<&str> {
        self.0.finish_reason.map(gateway::FinishReason::name)
    }

    /// It was answered from memory, and no model was asked: see `Route.cacheFor`.
    async fn cache_hit(&self) -> bool {
        self.0.cache_hit
    }

    /// The trace that it belongs to, as W3C Trace Context names it, in 32 hexadecimal digits: that of the header
    /// `traceparent` of the request that caused it, or a new one. What a request causes later has it, too: the turn of a
    /// session, the run of a workflow. Null of calls from before it was kept.
    async fn trace_id(&self) -> Option<String> {
        self.0.trace.map(|trace| trace.to_string())
    }

    /// Tokens that went in, all attempts together: as the provider counted them, or estimated.
    async fn input_tokens(&self) -> Option<i32> {
        i32::try_from(self.0.usage.input_tokens).ok()
    }

    /// Of these, read from the provider's cache.
    async fn cached_input_tokens(&self) -> Option<i32> {
        i32::try_from(self.0.usage.cached_input_tokens).ok()
    }

    /// Tokens that came out, all attempts together.
    async fn output_tokens(&self) -> Option<i32> {
        i32::try_from(self.0.usage.output_tokens).ok()
    }

    /// What it cost by the table of prices; null where a model has no price there, never 0 for that.
    async fn cost(&self) -> Option<Money> {
        self.0.cost.clone().map(Money::from)
    }

    /// From the call to the first word.
    async fn time_to_first_token(&self) -> Option<Duration> {
        self.0.time_to_first_token.map(length)
    }

    /// From the call to its end.
    async fn duration(&self) -> Option<Duration> {
        Some(length(self.0.duration))
    }

    /// The targets that were tried, in order.
    async fn attempts(&self) -> Vec<LlmAttempt> {
        self.0.attempts.iter().map(LlmAttempt::from).collect()
    }

    /// What guardrails did: one entry for each check of each stage, also where it found nothing. Nothing of the texts.
    async fn guardrails(&self) -> Vec<LlmGuardrail> {
        self.0.guardrails.iter().map(LlmGuardrail::from).collect()
    }

    /// What it asked and answered, where the workspace wants that kept (`Workspace.keepsCallContents`): for who made the
    /// call, and of a service account's for who administers the workspace. Null where it is not kept or not shown. A
    /// forgetting in the workspace erases the contents of all calls before it.
    async fn content(&self, ctx: &Context<'_>) -> Result<Option<LlmCallContent>, ApiError> {
        ctx.load::<_, CallLoader>(ContentOf(self.0.id)).await
    }

    /// When it was made.
    async fn started_at(&self) -> DateTime {
        self.0.started_at.into()
    }
}

/// One target that was tried.
#[derive(SimpleObject, Debug)]
pub struct LlmAttempt {
    /// Provider and model: `main/small-1`.
    target: String,
    /// How it went.
    status: LlmCallStatus,
    /// What went wrong.
    error: Option<LlmError>,
}

/// What went wrong with a provider, in our words.
#[derive(SimpleObject, Debug)]
pub struct LlmError {
    /// Such as RATE_LIMITED, TIMEOUT, CUT_OFF.
    code: String,
    /// What that means.
    message: String,
}

impl From<&Attempt> for LlmAttempt {
    fn from(attempt: &Attempt) -> Self {
        Self {
            target: format!("{}/{}", attempt.provider, attempt.model),
            status: attempt.status.into(),
            error: attempt
                .error
                .map(|kind| LlmError { code: kind.name().into(), message: kind.text().into() }),
        }
    }
}

fn length(duration: std::time::Duration) -> Duration {
    Duration(chrono::TimeDelta::from_std(duration).unwrap_or(chrono::TimeDelta::MAX))
}

/// Which calls of models; each part narrows further.
#[derive(InputObject, Debug)]
pub struct LlmCallFilter {
    /// Those that went so: any of these, at most 10.
    status: Option<Vec<LlmCallStatus>>,
    /// Those along the route of this name.
    route: Option<String>,
    /// Those for which this model was asked for, or answered.
    model: Option<String>,
    /// Those of this person or service account.
    principal_id: Option<ID>,
    /// Those of this trace: 32 of the digits 0 to 9 and a to f.
    trace_id: Option<String>,
    /// Those made then or later.
    since: Option<DateTime>,
    /// Those made before.
    until: Option<DateTime>,
}

/// Values of `status`.
const MAX_STATUS: usize = 10;
/// Characters of a name in a filter.
const MAX_NAME: usize = 200;

impl LlmCallFilter {
    fn checked(self) -> Result<CallFilter, ApiError> {
        let status = self.status.unwrap_or_default();
        if status.len() > MAX_STATUS {
            return Err(Error::BadInput(format!("status: at most {MAX_STATUS} are possible")).into());
        }
        for (field, name) in [("route", &self.route), ("model", &self.model)] {
            let good =
                |name: &String| name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control);
            if !name.as_ref().is_none_or(good) {
                return Err(Error::BadInput(format!(
                    "{field}: at most {MAX_NAME} characters on one line are possible"
                ))
                .into());
            }
        }
        let principal = match self.principal_id.map(|id| id.parse::<AnyId>()).transpose()? {
            None => None,
            Some(AnyId::User(id)) => Some(Principal::User(id)),
            Some(AnyId::ServiceAccount(id)) => Some(Principal::Service(id)),
            Some(_) => {
                let message = "principalId: it is of a person (user_…) or of a service account (svc_…)";
                return Err(Error::BadInput(message.into()).into());
            }
        };
        Ok(CallFilter {
            status: status.into_iter().map(Into::into).collect(),
            route: self.route,
            model: self.model,
            principal,
            trace: self.trace_id.map(|id| id.parse()).transpose()?,
            since: self.since.map(|at| at.0),
            until: self.until.map(|at| at.0),
        })
    }
}

/// What calls of models can be ordered by.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum LlmCallOrderField {
    /// When they were made.
    StartedAt,
    /// How long they took.
    Duration,
    /// What they cost; those without a price count as nothing.
    Cost,
}

/// An order of calls; where two are equal, their ids decide.
#[derive(InputObject, Debug)]
pub struct LlmCallOrder {
    /// By what.
    field: LlmCallOrderField,
    /// Which way.
    direction: OrderDirection,
}

/// The part of `Workspace` that this slice gives.
#[derive(Clone, Debug)]
pub struct WorkspaceCalls {
    pub workspace: WorkspaceId,
}

#[expect(clippy::too_many_arguments, reason = "a connection's, a filter and an order")]
#[Object]
impl WorkspaceCalls {
    /// Calls of models, the newest first if nothing else is said: everybody's for who administers the workspace, the
    /// caller's own for the others. A call is listed within a second after it has ended.
    async fn llm_calls(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which of them.")] filter: Option<LlmCallFilter>,
        #[graphql(desc = "In which order.")] order_by: Option<LlmCallOrder>,
    ) -> Result<Connection<LlmCall>, ApiError> {
        let request = page_request(ctx, self.workspace, first, after, last, before)?;
        let filter = filter.map(LlmCallFilter::checked).transpose()?.unwrap_or_default();
        let order = match order_by.as_ref().map(|by| by.field) {
            None | Some(LlmCallOrderField::StartedAt) => CallOrder::StartedAt,
            Some(LlmCallOrderField::Duration) => CallOrder::Duration,
            Some(LlmCallOrderField::Cost) => CallOrder::Cost,
        };
        let descending = order_by.as_ref().is_none_or(|by| by.direction == OrderDirection::Desc);
        let gateway = ctx.service::<Gateway>()?;
        let actor = ctx.actor()?;
        let page = gateway.list_calls(actor, self.workspace, &filter, order, descending, &request).await?;
        Ok(connection(self.workspace, page, LlmCall))
    }

    /// Whether contents of calls of models are kept: see `LlmCall.content`.
    async fn keeps_call_contents(&self, ctx: &Context<'_>) -> Result<bool, ApiError> {
        Ok(ctx.service::<Gateway>()?.keeps_call_contents(ctx.actor()?, self.workspace).await?)
    }

    /// The workspace's own policies for what goes to models and comes from them, by name, at most 20; null for who does
    /// not administer it. Those of the server's operator hold beside them.
    async fn guardrail_policies(&self, ctx: &Context<'_>) -> Result<Option<Vec<GuardrailPolicy>>, ApiError> {
        let found = ctx.load::<_, CallLoader>(self.workspace).await?;
        Ok(found.map(|policies| policies.into_iter().map(GuardrailPolicy::from).collect()))
    }

    /// What calls of models used since the beginning of the day or the month, in UTC: everybody's for who administers
    /// the workspace, the caller's own for the others.
    async fn usage(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Over which time.")] period: UsagePeriod,
    ) -> Result<Usage, ApiError> {
        let usage = ctx.service::<Gateway>()?.usage(ctx.actor()?, self.workspace, period.into()).await?;
        Ok(Usage::from(usage))
    }

    /// The same told apart, those with the most calls first, at most 100.
    async fn usage_by(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Over which time.")] period: UsagePeriod,
        #[graphql(desc = "By what.")] group_by: UsageGroup,
    ) -> Result<Vec<UsageShare>, ApiError> {
        let gateway = ctx.service::<Gateway>()?;
        let found = gateway.usage_by(ctx.actor()?, self.workspace, period.into(), group_by.into()).await?;
        Ok(found.into_iter().map(|(key, usage)| UsageShare { key, usage: Usage::from(usage) }).collect())
    }
}
