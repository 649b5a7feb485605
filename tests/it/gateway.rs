//! Calls of models, as clients see and steer them.
mod budgets;
mod cache;
mod calls;
mod overspend;
mod routes;
mod scripted;
