//! Policies as somebody writes them.
use super::guardrail::{GuardrailAction, GuardrailCheck, GuardrailOnError, GuardrailStage, PersonalDataKind};
use crate::{
    gateway::{self, Check, Kind, NewGuardrailPolicy},
    shared::{Error, Problems, id::WorkspaceId},
};
use async_graphql::InputObject;

/// A policy of a workspace's own.
#[derive(InputObject, Debug)]
pub struct SetGuardrailPolicyInput {
    /// The workspace.
    pub(super) workspace_id: WorkspaceId,
    /// Its name in the workspace, at most 100 characters.
    name: String,
    /// Which texts it is about.
    stage: GuardrailStage,
    /// The routes on which it holds, at most 20; on all where it is left out.
    #[graphql(default)]
    routes: Vec<String>,
    /// Its checks, at most 20.
    rules: Vec<GuardrailRuleInput>,
    /// What holds for a text that a check could not check.
    #[graphql(default_with = "GuardrailOnError::FailClosed")]
    on_error: GuardrailOnError,
    /// The version that it is made from: where the policy has another one by now, nothing is changed.
    expected_version: Option<i32>,
}

impl SetGuardrailPolicyInput {
    pub(super) fn policy(self) -> Result<NewGuardrailPolicy, (WorkspaceId, Error)> {
        let mut problems = Problems::default();
        let rules = self.rules.into_iter().enumerate();
        let rules = rules.map(|(place, rule)| rule.rule(place, &mut problems)).collect();
        problems.finish().map_err(|error| (self.workspace_id, error))?;
        Ok(NewGuardrailPolicy {
            workspace: self.workspace_id,
            name: self.name,
            stage: self.stage.into(),
            routes: self.routes,
            rules,
            on_error: self.on_error.into(),
            expected_version: self.expected_version,
        })
    }
}

/// Which policy to remove.
#[derive(InputObject, Debug)]
pub struct RemoveGuardrailPolicyInput {
    /// The workspace.
    pub(super) workspace_id: WorkspaceId,
    /// The policy's name.
    pub(super) name: String,
}

/// A check and what follows where it finds something.
#[derive(InputObject, Debug)]
pub struct GuardrailRuleInput {
    /// What is looked for.
    check: GuardrailCheck,
    /// What follows. MASK goes with PII, SECRET and TOPIC.
    action: GuardrailAction,
    /// With PII: of these kinds; of all where it is left out.
    #[graphql(default)]
    kinds: Vec<PersonalDataKind>,
    /// With TOPIC: up to 200 words and phrases, at most 80 characters each.
    #[graphql(default)]
    phrases: Vec<String>,
    /// With LENGTH: the most characters.
    max: Option<i32>,
    /// With LANGUAGE: the languages that may be, by ISO 639-3, such as `eng`.
    #[graphql(default)]
    allowed: Vec<String>,
}

impl GuardrailRuleInput {
    fn rule(self, place: usize, problems: &mut Problems) -> gateway::Rule {
        let given = [
            ("kinds", !self.kinds.is_empty(), GuardrailCheck::Pii, "PII"),
            ("phrases", !self.phrases.is_empty(), GuardrailCheck::Topic, "TOPIC"),
            ("max", self.max.is_some(), GuardrailCheck::Length, "LENGTH"),
            ("allowed", !self.allowed.is_empty(), GuardrailCheck::Language, "LANGUAGE"),
        ];
        for (field, is_given, check, name) in given {
            if is_given && check != self.check {
                problems.invalid(format!("rules.{place}.{field}"), format!("only {name} has this"));
            }
        }
        let check = match self.check {
            GuardrailCheck::Pii => Check::Pii { kinds: self.kinds.into_iter().map(Kind::from).collect() },
            GuardrailCheck::Secret => Check::Secret,
            GuardrailCheck::Injection => Check::Injection,
            GuardrailCheck::Topic => Check::Topic { phrases: self.phrases },
            GuardrailCheck::Length => {
                Check::Length { max: self.max.and_then(|max| usize::try_from(max).ok()).unwrap_or_default() }
            }
            GuardrailCheck::Language => Check::Language { allowed: self.allowed },
            GuardrailCheck::Schema => Check::Schema,
        };
        gateway::Rule { check, action: self.action.into() }
    }
}

impl From<PersonalDataKind> for Kind {
    fn from(kind: PersonalDataKind) -> Self {
        match kind {
            PersonalDataKind::Email => Self::Email,
            PersonalDataKind::Phone => Self::Phone,
            PersonalDataKind::Card => Self::Card,
            PersonalDataKind::Iban => Self::Iban,
            PersonalDataKind::Ip => Self::IpAddress,
            PersonalDataKind::NationalId => Self::NationalId,
        }
    }
}
