//! Choosing which ReLUs to keep.

pub mod allocate;
pub mod budget;
pub mod oneshot;
