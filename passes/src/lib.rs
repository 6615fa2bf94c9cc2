//! The graph crate.
