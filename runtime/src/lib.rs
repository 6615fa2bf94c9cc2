//! Numbers.

pub mod data;
