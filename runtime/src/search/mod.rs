//! Choosing which ReLUs to keep.

pub mod allocate;
pub mod budget;
pub mod latency;
pub mod oneshot;
pub mod stable;
pub mod whole;
