//! Running models by other means than the reference interpreter.

pub mod tract;
