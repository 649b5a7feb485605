//! What the gateway promises those who call models through it.
mod guarded;
mod guardrails;
mod policies;
mod tools;
