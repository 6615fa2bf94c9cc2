//! Choosing which ReLUs to keep.

pub mod allocate;
pub mod budget;
pub mod caps;
pub mod latency;
pub mod layers;
pub mod ranking;
pub mod stable;
pub mod structure;
pub mod tails;
pub mod unstable;
pub mod whole;
pub mod worth;
