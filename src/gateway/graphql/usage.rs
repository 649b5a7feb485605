use crate::{
    gateway::{
        self, Cost,
        store::{self, UsageSum},
    },
    graphql_kit::Decimal,
};
use async_graphql::{Enum, SimpleObject};

/// Over what time something is counted: from the beginning of the day or the month, in UTC, until now.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "gateway::UsagePeriod")]
pub enum UsagePeriod {
    /// Since midnight.
    Day,
    /// Since the first of the month.
    Month,
}

/// By what usage is told apart.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "store::UsageGroup")]
pub enum UsageGroup {
    /// By the model that answered.
    Model,
    /// By the route.
    Route,
    /// By who asked: a person or a service account.
    Principal,
    /// By the workflow whose step asked.
    Workflow,
}

/// A part of what calls of models used.
#[derive(SimpleObject, Debug)]
pub struct UsageShare {
    /// The model's or the route's name, or the id of who asked or of the workflow; null for calls that no model answered,
    /// or that were not made for a workflow.
    pub key: Option<String>,
    /// What they used.
    pub usage: Usage,
}

/// An amount of money.
#[derive(SimpleObject, Clone, Debug)]
pub struct Money {
    /// How much, in the currency's unit.
    amount: Decimal,
    /// Three letters by ISO 4217.
    currency: String,
}

impl From<Cost> for Money {
    fn from(cost: Cost) -> Self {
        Self { amount: Decimal(cost.amount), currency: cost.currency }
    }
}

/// What calls of models used.
#[derive(SimpleObject, Debug)]
pub struct Usage {
    /// How many there were.
    calls: i32,
    /// Tokens that went in.
    input_tokens: i32,
    /// Tokens that came out.
    output_tokens: i32,
    /// What they cost together, in the currency in which most was spent. Calls of models without a price add nothing:
    /// `llmCalls` shows them, with the cost null.
    cost: Money,
}

impl From<UsageSum> for Usage {
    fn from(usage: UsageSum) -> Self {
        let nothing = Cost { amount: crate::shared::amount::Amount::ZERO, currency: "USD".to_owned() };
        let most = usage.costs.into_iter().max_by_key(|cost| cost.amount);
        Self {
            calls: count(usage.calls),
            input_tokens: count(usage.input_tokens),
            output_tokens: count(usage.output_tokens),
            cost: most.unwrap_or(nothing).into(),
        }
    }
}

fn count(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
