//! Everything that computes numbers on graphs.

pub mod cost;
