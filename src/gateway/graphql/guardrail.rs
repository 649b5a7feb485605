//! Policies, what they make of a text, and what they did in a call.
use super::guardrail_input::{RemoveGuardrailPolicyInput, SetGuardrailPolicyInput};
use crate::{
    gateway::{self, Check, Gateway, Kind},
    graphql_kit::{ApiError, ContextExt, DateTime, Duration, Shown, UserError, edited, payload},
    shared::id::WorkspaceId,
};
use async_graphql::{Context, Enum, Object, SimpleObject};
use chrono::TimeDelta;

/// Where a text stands when it is checked.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "gateway::Stage")]
pub enum GuardrailStage {
    /// What a person or a workflow asks: instructions and the conversation.
    Input,
    /// What was recalled or found, results of tools included: text of others, which gives no orders.
    Retrieval,
    /// What a model answers.
    Output,
}

/// What is done where a check finds something. The strongest of all findings rules the text.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "gateway::Action")]
pub enum GuardrailAction {
    /// It is noted, and goes on as it is.
    Allow,
    /// A placeholder takes its place; the answer gives it back to whoever asked.
    Mask,
    /// It goes on as it is, and the audit trail asks the workspace's administrators to look.
    Escalate,
    /// It goes no further.
    Block,
}

/// What holds for a text that a check could not check.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "gateway::OnError")]
pub enum GuardrailOnError {
    /// It passes.
    FailOpen,
    /// It is blocked.
    FailClosed,
}

/// What is looked for. New ones may come.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum GuardrailCheck {
    /// Personal data, of the `kinds` that the rule names or of all.
    Pii,
    /// Keys, tokens, passwords.
    Secret,
    /// Text that would give a model orders. INPUT and RETRIEVAL only.
    Injection,
    /// The words and phrases that the rule names.
    Topic,
    /// More characters than the rule's `max`.
    Length,
    /// A language that is none of those `allowed`.
    Language,
    /// An answer that is not of the form that was asked for. OUTPUT only.
    Schema,
}

/// Kinds of personal data.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum PersonalDataKind {
    /// E-mail addresses.
    Email,
    /// Telephone numbers.
    Phone,
    /// Numbers of payment cards, with a right check digit.
    Card,
    /// Bank accounts, with right check digits.
    Iban,
    /// IP addresses.
    Ip,
    /// National ids of some twenty countries.
    NationalId,
}

fn personal(kind: Kind) -> Option<PersonalDataKind> {
    Some(match kind {
        Kind::Email => PersonalDataKind::Email,
        Kind::Phone => PersonalDataKind::Phone,
        Kind::Card => PersonalDataKind::Card,
        Kind::Iban => PersonalDataKind::Iban,
        Kind::IpAddress => PersonalDataKind::Ip,
        Kind::NationalId => PersonalDataKind::NationalId,
        _ => return None,
    })
}

/// A check and what follows where it finds something.
#[derive(SimpleObject, Debug)]
pub struct GuardrailRule {
    /// What is looked for.
    check: GuardrailCheck,
    /// What follows.
    action: GuardrailAction,
    /// PII: of these kinds; empty for all.
    kinds: Vec<PersonalDataKind>,
    /// TOPIC: these words and phrases.
    phrases: Vec<String>,
    /// LENGTH: the most characters.
    max: Option<i32>,
    /// LANGUAGE: the languages that may be, by ISO 639-3.
    allowed: Vec<String>,
}

impl From<gateway::Rule> for GuardrailRule {
    fn from(rule: gateway::Rule) -> Self {
        let (check, action) = (check_of(&rule.check), rule.action.into());
        let mut shown = Self { check, action, kinds: vec![], phrases: vec![], max: None, allowed: vec![] };
        match rule.check {
            Check::Pii { kinds } => shown.kinds = kinds.into_iter().filter_map(personal).collect(),
            Check::Topic { phrases } => shown.phrases = phrases,
            Check::Length { max } => shown.max = i32::try_from(max).ok(),
            Check::Language { allowed } => shown.allowed = allowed,
            Check::Secret | Check::Injection | Check::Schema => {}
        }
        shown
    }
}

fn check_of(check: &Check) -> GuardrailCheck {
    match check {
        Check::Pii { .. } => GuardrailCheck::Pii,
        Check::Secret => GuardrailCheck::Secret,
        Check::Injection => GuardrailCheck::Injection,
        Check::Topic { .. } => GuardrailCheck::Topic,
        Check::Length { .. } => GuardrailCheck::Length,
        Check::Language { .. } => GuardrailCheck::Language,
        Check::Schema => GuardrailCheck::Schema,
    }
}

/// A workspace's own policy for what goes to models and comes from them. It adds to what the server's operator has
/// configured, and takes nothing from it.
#[derive(SimpleObject, Debug)]
pub struct GuardrailPolicy {
    /// Unique in the workspace.
    name: String,
    /// Which texts it is about.
    stage: GuardrailStage,
    /// The routes on which it holds; empty for all.
    routes: Vec<String>,
    /// Its checks.
    rules: Vec<GuardrailRule>,
    /// What holds for a text that a check could not check.
    on_error: GuardrailOnError,
    /// One more with each change.
    version: i32,
    /// When it was changed last.
    updated_at: DateTime,
}

impl From<gateway::GuardrailPolicy> for GuardrailPolicy {
    fn from(it: gateway::GuardrailPolicy) -> Self {
        Self {
            name: it.name,
            stage: it.policy.stage.into(),
            routes: it.routes,
            rules: it.policy.rules.into_iter().map(GuardrailRule::from).collect(),
            on_error: it.policy.on_error.into(),
            version: it.version,
            updated_at: it.updated_at.into(),
        }
    }
}

/// What a guardrail's check did in a call of a model.
#[derive(SimpleObject, Debug)]
pub struct LlmGuardrail {
    /// In which texts.
    stage: GuardrailStage,
    /// What it looked for, as in `GuardrailCheck`; EGRESS for sources that may not go to an outside provider and were
    /// left out.
    check: String,
    /// What was done with what it found.
    action: GuardrailAction,
    /// How much it found; 0 where nothing.
    count: i32,
    /// Whether it could not check: then `action` is what the policy asks for in that case.
    failed: bool,
    /// How long all checks of the stage took together.
    duration: Duration,
}

impl From<&gateway::GuardrailUse> for LlmGuardrail {
    fn from(it: &gateway::GuardrailUse) -> Self {
        let duration = TimeDelta::microseconds(i64::try_from(it.duration_us).unwrap_or(i64::MAX));
        Self {
            stage: it.stage.into(),
            check: it.check.clone(),
            action: it.action.into(),
            count: i32::try_from(it.count).unwrap_or(i32::MAX),
            failed: it.failed,
            duration: Duration(duration),
        }
    }
}

/// What the policies of a route make of a text.
#[derive(SimpleObject, Debug)]
pub struct GuardrailTest {
    /// What would be done with it: the strongest action of all findings.
    action: GuardrailAction,
    /// As it would go on: masked where a rule says so; null where it would go no further.
    text: Option<String>,
    /// What each policy finds in the text as it was given, the operator's policies first.
    findings: Vec<GuardrailFinding>,
    /// Checks that could not check.
    faults: Vec<GuardrailFault>,
}

/// What one rule of a policy found of one kind.
#[derive(SimpleObject, Debug)]
pub struct GuardrailFinding {
    /// The policy's name.
    policy: String,
    /// What was looked for, as in `GuardrailCheck`.
    check: String,
    /// What was found: EMAIL, CARD and so on for personal data, else as the check.
    kind: String,
    /// What follows.
    action: GuardrailAction,
    /// How many there are.
    count: i32,
    /// Where, the first 1,000 of them; empty for what is about the whole text.
    spans: Vec<TextSpan>,
}

/// A stretch of a text. Offsets count UTF-16 code units.
#[derive(SimpleObject, Debug)]
pub struct TextSpan {
    /// Where it begins.
    start: i32,
    /// Behind its end.
    end: i32,
}

/// A check that could not check.
#[derive(SimpleObject, Debug)]
pub struct GuardrailFault {
    /// The policy's name.
    policy: String,
    /// What was to be looked for.
    check: String,
    /// Why that could not be.
    reason: String,
}

impl From<gateway::Tried> for GuardrailTest {
    fn from(tried: gateway::Tried) -> Self {
        let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        let (mut findings, mut faults) = (vec![], vec![]);
        for (policy, decision) in tried.decisions {
            findings.extend(decision.findings.into_iter().map(|it| {
                GuardrailFinding {
                    policy: policy.clone(),
                    check: it.check.to_owned(),
                    kind: it.kind.name().to_owned(),
                    action: it.action.into(),
                    count: number(it.count),
                    spans: it
                        .spans
                        .iter()
                        .map(|span| TextSpan { start: number(span.start), end: number(span.end) })
                        .collect(),
                }
            }));
            faults.extend(decision.faults.into_iter().map(|it| GuardrailFault {
                policy: policy.clone(),
                check: it.check.to_owned(),
                reason: it.reason.to_owned(),
            }));
        }
        let blocked = tried.action == gateway::Action::Block;
        Self { action: tried.action.into(), text: (!blocked).then_some(tried.text), findings, faults }
    }
}

#[derive(Default, Debug)]
pub struct GuardrailQuery;

#[Object]
impl GuardrailQuery {
    /// Tries the policies that hold on a route, the operator's and the workspace's own, on a text: what they find, and
    /// how it would go on. Nothing of it is kept. Takes an ADMIN.
    async fn test_guardrails(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The workspace whose policies are tried.")] workspace_id: WorkspaceId,
        #[graphql(desc = "The text, at most 20,000 characters.")] text: String,
        #[graphql(desc = "As what it is checked.")] stage: GuardrailStage,
        #[graphql(
            desc = "The route whose policies are tried.",
            default_with = "gateway::DEFAULT_ROUTE.to_owned()"
        )]
        route: String,
    ) -> Result<GuardrailTest, ApiError> {
        let (gateway, actor) = (ctx.service::<Gateway>()?, ctx.actor()?);
        Ok(gateway.test_guardrails(actor, workspace_id, &route, stage.into(), text).await?.into())
    }
}

#[derive(Default, Debug)]
pub struct GuardrailMutation;

#[Object]
impl GuardrailMutation {
    /// Sets a policy of the workspace's own: the one of this name is replaced, or made. It adds to what the operator has
    /// configured. It holds for all calls that begin from now on; on other servers, within two seconds. Takes an ADMIN.
    async fn set_guardrail_policy(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The policy.")] input: SetGuardrailPolicyInput,
    ) -> Result<SetGuardrailPolicyPayload, ApiError> {
        let (gateway, actor) = (ctx.service::<Gateway>()?, ctx.actor()?);
        let outcome = match input.policy() {
            Ok(policy) => gateway.set_guardrail_policy(actor, policy).await,
            Err(problems) => match actor.may::<gateway::policy::SetGuardrailPolicy>(problems.0) {
                Ok(_) => Err(problems.1),
                Err(refused) => Err(refused),
            },
        };
        let Shown { result, current, user_errors } = edited(outcome)?;
        let of = GuardrailPolicy::from;
        Ok(SetGuardrailPolicyPayload {
            guardrail_policy: result.map(of),
            current: current.map(of),
            user_errors,
        })
    }

    /// Removes a policy of the workspace's own. Takes an ADMIN.
    async fn remove_guardrail_policy(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] input: RemoveGuardrailPolicyInput,
    ) -> Result<RemoveGuardrailPolicyPayload, ApiError> {
        let (gateway, actor) = (ctx.service::<Gateway>()?, ctx.actor()?);
        let outcome = gateway.remove_guardrail_policy(actor, input.workspace_id, &input.name).await;
        let (removed_name, user_errors) = payload(outcome)?;
        Ok(RemoveGuardrailPolicyPayload { removed_name, user_errors })
    }
}

/// What came of `setGuardrailPolicy`.
#[derive(SimpleObject, Debug)]
pub struct SetGuardrailPolicyPayload {
    /// As it is now; null where `userErrors` says why not.
    guardrail_policy: Option<GuardrailPolicy>,
    /// As it is, where it was changed meanwhile.
    current: Option<GuardrailPolicy>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// What came of `removeGuardrailPolicy`.
#[derive(SimpleObject, Debug)]
pub struct RemoveGuardrailPolicyPayload {
    /// The name of what is gone; null where `userErrors` says why not.
    removed_name: Option<String>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}
