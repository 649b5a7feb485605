//! aifirst: workflows, memory and coaching as one GraphQL API, carried by an AI gateway.
//!
//! A request's way: [`http`] takes it and finds the actor, [`graphql`] checks and executes the document, a slice's
//! `graphql` translates, its `service` decides and commits, its `store` speaks SQL. [`app`] puts all together.
//!
//! | module | what it is |
//! |---|---|
//! | [`cli`], [`config`], [`app`], [`services`] | commands, configuration, composition |
//! | [`client`], [`demo`] | a small client of the API, and the session that it plays |
//! | [`shared`] | errors, ids, pages, time, who asks |
//! | [`db`], [`event`] | the database; the event log and the bus |
//! | [`graphql_kit`], [`graphql`], [`http`], [`telemetry`] | the front door |
//! | [`account`], [`trusted`], [`gateway`], [`memory`], [`workflow`], [`coaching`], [`sync`] | the slices, in the order in which they may use each other |
pub mod account;
pub mod app;
pub mod cli;
pub mod client;
pub mod coaching;
pub mod config;
pub mod db;
pub mod demo;
pub mod event;
pub mod gateway;
pub mod graphql;
pub mod graphql_kit;
pub mod http;
pub mod memory;
pub mod services;
pub mod shared;
pub mod sync;
pub mod telemetry;
pub mod trusted;
pub mod workflow;
