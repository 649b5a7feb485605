//! How much the pipeline has worked: what a hostile document must not drive up.
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[derive(Debug, Default)]
pub(super) struct Work {
    /// Text that was hashed or read.
    bytes: AtomicU64,
    /// Lexical tokens of documents that were not at hand.
    tokens: AtomicU64,
    /// Selections that were visited to measure and translate them.
    nodes: AtomicU64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unit {
    Bytes,
    Tokens,
    Nodes,
}

impl Work {
    pub(super) fn add(&self, unit: Unit, amount: u64) {
        let (counter, name) = match unit {
            Unit::Bytes => (&self.bytes, "bytes"),
            Unit::Tokens => (&self.tokens, "tokens"),
            Unit::Nodes => (&self.nodes, "nodes"),
        };
        counter.fetch_add(amount, Relaxed);
        metrics::counter!("aifirst_pipeline_work_total", "unit" => name).increment(amount);
    }

    /// Bytes, tokens and nodes since the start.
    pub(super) fn done(&self) -> [u64; 3] {
        [&self.bytes, &self.tokens, &self.nodes].map(|counter| counter.load(Relaxed))
    }
}
