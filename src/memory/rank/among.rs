//! What is ranked among, and with how many threads: no result depends on those.
use crate::memory::index::Replica;
use std::{ops::Range, thread};

/// Copies of the partitions that are asked.
#[derive(Clone, Copy, Debug)]
pub struct Among<'a> {
    pub copies: &'a [&'a Replica],
    /// One or two.
    threads: usize,
}

impl<'a> Among<'a> {
    pub fn of(copies: &'a [&'a Replica]) -> Self {
        Self { copies, threads: 1 }
    }

    /// The same with a thread more, where somebody has a processor to give.
    pub fn with_help(self, has_help: bool) -> Self {
        Self { threads: if has_help { 2 } else { 1 }, ..self }
    }

    /// One beside the other.
    pub fn both<A: Send, B>(&self, one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B) -> (A, B) {
        if self.threads == 1 {
            return (one(), other());
        }
        thread::scope(|scope| {
            let one = scope.spawn(one);
            let other = other();
            (one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), other)
        })
    }

    /// What is done with each part of so many, in their order.
    pub fn parts<T: Send>(&self, count: usize, of: impl Fn(Range<usize>) -> T + Sync) -> Vec<T> {
        let middle = if self.threads == 1 { count } else { count / 2 };
        if middle == 0 || middle == count {
            return vec![of(0..count)];
        }
        let (first, second) = self.both(|| of(0..middle), || of(middle..count));
        vec![first, second]
    }
}
