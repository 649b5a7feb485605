//! How many sockets and event streams one actor holds open. Those of nobody share one bound.
use crate::shared::actor::Principal;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Seats {
    taken: Arc<Mutex<HashMap<Option<Principal>, usize>>>,
    each: usize,
}

/// Given back when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Seats,
    of: Option<Principal>,
}

impl Seats {
    pub(super) fn new(each: usize) -> Self {
        Self { taken: Arc::default(), each }
    }

    /// `None` where the actor has as many as it may.
    pub(super) fn take(&self, of: Option<Principal>) -> Option<Seat> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(of).or_default();
        if *count >= self.each {
            return None;
        }
        *count += 1;
        Some(Seat { seats: self.clone(), of })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.of);
            }
        }
    }
}
