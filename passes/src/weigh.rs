//! Passes that do not always pay, and who decides: their rewrites are tried on a copy and judged by what the whole graph
//! then costs.

use crate::ir::Graph;
use std::fmt::Debug;
use std::sync::Arc;

/// What the judge says of a rewrite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Make it?
    pub pays: bool,
    /// What is gained or lost, in words for the user: "5.1 MB instead of 5.8 MB".
    pub why: String,
}

/// Compares a graph before and after one rewrite. Both are complete graphs that type.
pub trait Judge: Debug + Send + Sync {
    /// The verdict.
    fn judge(&self, before: &Graph, after: &Graph) -> Verdict;
}

/// When a weighed pass rewrites.
#[derive(Debug, Clone, Default)]
pub enum Fold {
    /// At no place.
    #[default]
    Never,
    /// Wherever it is exact.
    Always,
    /// Where a judge says that it pays.
    Auto(Arc<dyn Judge>),
}

/// A place where a weighed pass could rewrite, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Candidate {
    /// The value's name.
    pub node: String,
    /// Was it rewritten?
    pub taken: bool,
    /// The verdict's words.
    pub why: String,
}
