//! Passes that do not always pay, and who decides: their rewrites are tried on a copy, and what the whole graph then costs is
//! compared with what it cost before.

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

/// What a query costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weight {
    /// Bytes a party sends and receives.
    pub bytes: f64,
    /// Seconds.
    pub seconds: f64,
    /// Exchanges in a row.
    pub rounds: f64,
    /// Multiply-accumulates of one image.
    pub macs: f64,
}

/// Weighs graphs, and says whether one rewrite was worth it. Judges the rewrites of one graph only.
pub trait Judge: Debug + Send + Sync {
    /// What a complete graph that types costs, or why that is not known.
    fn weigh(&self, g: &Graph) -> Result<Weight, String>;
    /// Of a graph that cost `first` before any rewrite: is one that makes `now` out of `was` worth it?
    fn judge(&self, first: &Weight, was: &Weight, now: &Weight) -> Verdict;
}

/// The scales of one run of passes: what the graph cost before any rewrite, and what it costs now.
#[derive(Debug, Clone, Default)]
pub struct Scales(Option<Result<(Weight, Weight), String>>);

impl Scales {
    /// Weighs a rewrite of `before`, which has to be the graph that the last rewrite that paid has left.
    pub fn weigh(&mut self, judge: &dyn Judge, before: &Graph, after: &Graph) -> Verdict {
        let held = self.0.get_or_insert_with(|| judge.weigh(before).map(|w| (w, w)));
        let (first, was, now) = match (held.clone(), judge.weigh(after)) {
            (Ok((first, was)), Ok(now)) => (first, was, now),
            (Err(e), _) | (_, Err(e)) => return Verdict { pays: false, why: format!("not weighed: {e}") },
        };
        let verdict = judge.judge(&first, &was, &now);
        if verdict.pays {
            self.0 = Some(Ok((first, now)));
        }
        verdict
    }
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
