//! Budgets: no more is spent than was set, whatever happens to whom.
//!
//! The money of a budget's day or month is an account in the database. A process leases a block of it in one short
//! transaction ([`Ledger`]), takes the most that each call can cost ([`worst`]) from the block in memory ([`block`]),
//! gives back what the call did not cost when it ends, however it ends ([`Reservation`]), and writes what was used into the
//! account every half second. What it cannot take it leases, and what cannot be leased is not spent.
//!
//! A process that dies leaves its block behind: it counts as reserved until its lease is over, and as spent from then on,
//! for nobody knows what of it was spent. So it makes no difference for safety when a lease ends, and clocks may differ: a
//! process that was taken for dead spends what counts as spent already.
mod account;
mod block;
mod known;
mod ledger;
mod model;
mod reservation;
mod worst;

pub use block::{Settlement, Wanted};
pub use ledger::{Ledger, Routes, Written};
pub use model::{Budget, BudgetAction, BudgetScope, BudgetUse, Caller, NewBudget};
pub use reservation::Reservation;
