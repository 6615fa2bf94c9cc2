//! Choosing which ReLUs to keep.

pub mod allocate;
pub mod budget;
pub mod latency;
pub mod layers;
pub mod oneshot;
pub mod stable;
pub mod whole;
