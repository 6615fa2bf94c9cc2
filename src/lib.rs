//! The facade.

pub mod report;
