//! What a pass is, and the one driver that applies, counts and reports.

pub mod core_form;
pub mod patch;
pub mod registry;
pub mod valid;
pub mod weigh;

use crate::driver::patch::{Patch, PatchError};
use crate::driver::weigh::{Candidate, Fold, Scales, Verdict};
use crate::ir::infer::{InferError, infer};
use crate::ir::{Facts, Graph, NodeId};
use crate::masks::Masks;
use crate::passes::normalise_ranges::Ranges;
use crate::passes::stable_sign::Signs;
use std::collections::BTreeMap;

/// What a pass promises about the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarantee {
    /// The same function, up to floating-point rounding.
    Exact,
    /// The same function away from the border of padded maps.
    ExactInterior,
    /// Another function of the same arg max.
    SameArgMax,
    /// Another function, as the learned or given masks say.
    Learned,
    /// The same function on the images that were measured.
    OnData,
    /// Changes nothing.
    Analysis,
}

impl Guarantee {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Guarantee::Exact => "exact",
            Guarantee::ExactInterior => "exact-interior",
            Guarantee::SameArgMax => "same-arg-max",
            Guarantee::Learned => "learned",
            Guarantee::OnData => "on-data",
            Guarantee::Analysis => "analysis",
        }
    }
}

/// Why a rule did nothing at a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skip {
    /// The pattern is not there.
    NoMatch,
    /// The pattern is there and rewriting it would be wrong; the reason reaches the user.
    Refused(String),
}

/// What the passes are asked to do.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The masks that insert-masks inserts.
    pub masks: Option<Masks>,
    /// Run the opt-in drop-softmax.
    pub drop_softmax: bool,
    /// What was measured, for the opt-in normalise-ranges.
    pub ranges: Option<Ranges>,
    /// When the weighed passes rewrite.
    pub fold: Fold,
    /// Between which numbers every element of the model's input lies, where that is known.
    pub input_range: Option<(f32, f32)>,
    /// The signs that were measured, for the opt-in stable-sign.
    pub signs: Option<Signs>,
    /// Run the opt-in hoist-padding, which changes the function at the border.
    pub hoist_padding: bool,
    /// Leave the weights of what is merged zero: for graphs that are priced and not executed.
    pub sketch: bool,
}

/// What a rule sees.
#[derive(Debug, Clone, Copy)]
pub struct Cx<'a> {
    /// The graph.
    pub graph: &'a Graph,
    /// Types of every value.
    pub facts: &'a Facts,
    /// Options.
    pub options: &'a Options,
}

/// A graph transformation. Its file's `//!` text is its documentation: Before, After, Conditions, Formula, Source.
pub trait Pass: Sync {
    /// The name in `.pir` headers, reports and `relinc passes`.
    fn name(&self) -> &'static str;
    /// What it promises.
    fn guarantee(&self) -> Guarantee;
    /// The source file whose leading `//!` lines document the pass.
    fn source(&self) -> &'static str;
    /// Is it switched on by these options?
    fn enabled(&self, _options: &Options) -> bool {
        true
    }
    /// May a rewrite cost more than it saves? Then [`Options::fold`] decides where it is made.
    fn weighed(&self) -> bool {
        false
    }
    /// The rewrite rooted at a node.
    fn rewrite(&self, cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip>;
}

impl dyn Pass {
    /// The documentation in Markdown.
    pub fn doc(&self) -> String {
        let lines = self.source().lines().map_while(|l| l.strip_prefix("//!"));
        lines.map(|l| l.strip_prefix(' ').unwrap_or(l)).collect::<Vec<_>>().join("\n")
    }
    /// The first sentence of the documentation, on one line.
    pub fn summary(&self) -> String {
        self.doc().split("\n\n").next().unwrap_or_default().replace('\n', " ")
    }
}

/// A place where a pass would have been wrong.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Refusal {
    /// The value's name.
    pub node: String,
    /// The reason, in words for the user.
    pub why: String,
}

/// What a pass did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Rewrites applied.
    pub applied: usize,
    /// Rewrites refused.
    pub refused: Vec<Refusal>,
    /// Where a weighed pass could rewrite, in the order of the judgement.
    pub candidates: Vec<Candidate>,
}

/// A pass that broke the graph or does not end: a bug in relinc.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// The graph does not type before the pass.
    #[error("pass {pass}: the graph does not type: {}", .errors.iter().map(|e| e.to_string()).collect::<Vec<_>>().join("; "))]
    Infer {
        /// The pass.
        pass: &'static str,
        /// Everything that does not type.
        errors: Vec<InferError>,
    },
    /// A patch does not fit.
    #[error("pass {pass} at '{node}': {error}")]
    Patch {
        /// The pass.
        pass: &'static str,
        /// Where.
        node: String,
        /// Why.
        error: PatchError,
    },
    /// No fixpoint.
    #[error("pass {pass} does not settle after {sweeps} sweeps")]
    Endless {
        /// The pass.
        pass: &'static str,
        /// Sweeps made.
        sweeps: usize,
    },
}

const MAX_SWEEPS: usize = 200;

/// Runs one pass until it finds nothing more to do.
pub fn run(pass: &dyn Pass, g: &mut Graph, options: &Options) -> Result<Outcome, PassError> {
    run_weighed(pass, g, options, &mut Scales::default())
}

/// Hears of a run of a pass: what it did, and the graph after it.
pub type Told<'a, E> = dyn FnMut(&dyn Pass, Outcome, &Graph) -> Result<(), E> + 'a;

/// Runs passes in turn until none finds anything more, with one pair of scales; `did` is told of every run and may look at
/// the graph, but not change what it costs.
pub fn run_in_turn<E: From<PassError>>(
    passes: &[&dyn Pass],
    g: &mut Graph,
    options: &Options,
    did: &mut Told<'_, E>,
) -> Result<(), E> {
    let mut scales = Scales::default();
    loop {
        let mut applied = 0;
        for p in passes {
            let outcome = run_weighed(*p, g, options, &mut scales)?;
            applied += outcome.applied;
            did(*p, outcome, g)?;
        }
        if applied == 0 || passes.len() == 1 {
            return Ok(());
        }
    }
}

/// A weighed pass asks [`Options::fold`] at each place; a place where rewriting does not pay is asked again in the next
/// sweep, for what is around it may have changed.
fn run_weighed(
    pass: &dyn Pass,
    g: &mut Graph,
    options: &Options,
    scales: &mut Scales,
) -> Result<Outcome, PassError> {
    let name = pass.name();
    let mut outcome = Outcome::default();
    if pass.weighed() && matches!(options.fold, Fold::Never) {
        return Ok(outcome);
    }
    let mut facts = infer(g).map_err(|errors| PassError::Infer { pass: name, errors })?;
    for _ in 0..MAX_SWEEPS {
        let order = g.topo().unwrap_or_default();
        let mut refused = BTreeMap::new();
        let mut declined = vec![];
        let before = outcome.applied;
        for id in order {
            if !g.contains(id) {
                continue;
            }
            let node = g.node(id).name.clone();
            match pass.rewrite(&Cx { graph: g, facts: &facts, options }, id) {
                Ok(patch) => {
                    let fail = |error| PassError::Patch { pass: name, node: node.clone(), error };
                    if pass.weighed() {
                        let verdict = weigh(&patch, g, &facts, options, scales).map_err(fail)?;
                        let candidate =
                            Candidate { node: node.clone(), taken: verdict.pays, why: verdict.why };
                        if !candidate.taken {
                            declined.push(candidate);
                            continue;
                        }
                        outcome.candidates.push(candidate);
                    }
                    patch.apply(g, &mut facts).map_err(fail)?;
                    outcome.applied += 1;
                }
                Err(Skip::Refused(why)) => {
                    refused.insert(node, why);
                }
                Err(Skip::NoMatch) => {}
            }
        }
        if outcome.applied == before {
            outcome.refused = refused.into_iter().map(|(node, why)| Refusal { node, why }).collect();
            outcome.candidates.extend(declined);
            return Ok(outcome);
        }
    }
    Err(PassError::Endless { pass: name, sweeps: MAX_SWEEPS })
}

fn weigh(
    patch: &Patch,
    g: &Graph,
    facts: &Facts,
    options: &Options,
    scales: &mut Scales,
) -> Result<Verdict, PatchError> {
    match &options.fold {
        Fold::Never => Ok(Verdict { pays: false, why: "folding is switched off".into() }),
        Fold::Always => Ok(Verdict { pays: true, why: "asked for, not weighed".into() }),
        Fold::Auto(judge) => {
            let mut after = g.clone();
            patch.clone().apply(&mut after, &mut facts.clone())?;
            Ok(scales.weigh(judge.as_ref(), g, &after))
        }
    }
}
