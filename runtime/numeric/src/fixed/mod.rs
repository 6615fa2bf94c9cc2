//! Fixed point: what a graph computes on the integers modulo 2^k of an MPC runtime, how close it comes to the limits of
//! the ring, and where its error enters. `docs/fixed-point.md` says what is emulated and how it was checked.
//!
//! [`Emulator`], or [`AnyRing`] where the ring is chosen by the user, executes a graph on one image, [`analyse`] on many beside the f32 interpreter, and [`propose()`] picks the
//! number of fraction bits.

mod analyse;
mod any_ring;
mod bounds;
mod certainty;
mod crypten;
mod emulator;
mod format;
mod lane;
mod ops;
mod pool;
mod product;
mod propose;
mod ranges;
mod report;
mod rules;
mod stand_in;
mod truncation;
mod watch;

#[cfg(test)]
mod tests;

pub use analyse::{Outputs, Settings, analyse};
pub use any_ring::AnyRing;
pub use bounds::{Bounds, MayOverflow, bounds};
pub use certainty::at_most;
pub use emulator::{Emulator, Unknown, Value};
pub use format::{Format, decode, encode};
pub use lane::{Lane, Word};
pub use propose::{Proposal, propose};
pub use ranges::ranges;
pub use report::{Analysis, LayerStats, Overflow};
pub use truncation::Truncation;
pub use watch::Products;

/// Why a graph cannot be executed in fixed point.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FixedError {
    /// Operations without a fixed-point form here, all of them, each with what to do.
    #[error("{} cannot be emulated in fixed point:\n  {}", if .0.len() == 1 { "a node" } else { "nodes" }, .0.join("\n  "))]
    Unsupported(Vec<String>),
    /// The graph or the images do not fit.
    #[error("{0}")]
    Graph(String),
}
