//! Where a call goes: in which order the targets of a route are tried, and what follows a failure. Pure: no clock, no
//! network, no chance but the one handed in.
mod circuit;
mod explain;
mod journey;
mod seam;

pub use circuit::{Circuit, CircuitState};
pub use explain::{Explained, Explanation, Skipped, Standing};
pub use journey::{Journey, Next};
pub use seam::Seam;
