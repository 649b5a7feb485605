//! Calls of models, as clients see and steer them.
mod action_items;
mod blocks;
mod bounds;
mod budgets;
mod cache;
mod calls;
mod contents;
pub(crate) mod guarded;
mod guardrails;
mod overspend;
mod policies;
mod routes;
mod scripted;
mod spans;
mod step_tools;
mod tools;
