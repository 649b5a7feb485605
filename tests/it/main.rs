//! The product as its clients see it: over HTTP and WebSocket, on SQLite and on PostgreSQL.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]
mod support;

mod account;
mod answer;
mod authorization;
mod bad_input;
mod client_id;
mod coaching;
mod contract;
mod database;
mod demo;
mod deploy;
mod docs;
mod documents;
mod editing;
mod eval;
mod explain;
mod gateway;
mod guide;
mod hostile;
mod http;
mod limits;
mod memory;
mod pipeline;
mod processes;
mod provider;
mod readme;
mod retention;
mod rights;
mod start;
mod structure;
mod sync;
mod transaction;
mod upload;
mod websocket;
mod workflow;
