//! Calls of models, as clients see and steer them.
mod cache;
mod calls;
mod routes;
mod scripted;
