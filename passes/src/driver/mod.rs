//! What a pass is, and the one driver that applies, counts and reports.

pub mod core_form;
pub mod patch;
pub mod valid;
pub mod weigh;
pub mod weights;

use crate::driver::patch::{Patch, PatchError};
use crate::driver::weigh::{Candidate, Fold, Scales, Verdict};
use crate::ir::infer::{InferError, infer};
use crate::ir::{Facts, Graph, NodeId};
use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::rc::Rc;
use std::sync::Arc;

crate::words! {
    /// What a pass promises about the numbers.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Guarantee {
        /// The same function, up to floating-point rounding.
        Exact = "exact",
        /// The same function away from the border of padded maps.
        ExactInterior = "exact-interior",
        /// Another function of the same arg max.
        SameArgMax = "same-arg-max",
        /// Another function, as the learned or given masks say.
        Learned = "learned",
        /// The same function on the images that were measured.
        OnData = "on-data",
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

/// Where a pass has its part. What its passes are stands with each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Brings any import to the canonical, unmasked form that `inspect` counts.
    Canonical,
    /// The same but for batch normalisations, which stay: the form that is trained.
    Trainable,
    /// Lowers a canonical graph with named layers and its head: the head, scales, then masks. [`Phase::Cleanup`] follows.
    Lowering,
    /// The weighed passes that make room for each other: a merged block is one convolution, which the next one may take
    /// in. To be run in turn until none rewrites.
    Folding,
    /// The weighed passes that fold a network before it is tuned, in turn.
    FoldingBeforeTuning,
    /// What follows every merge before its cost is looked at, and all lowering.
    Cleanup,
    /// Scales the graph that is emitted.
    Rescaling,
    /// Rewrites it for back ends with few operations, which run it themselves.
    Emission,
}

/// What the passes are asked to do.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The opt-in passes that run, each with its data.
    pub opted: Vec<Arc<dyn Pass>>,
    /// When the weighed passes rewrite.
    pub fold: Fold,
    /// Between which numbers every element of the model's input lies, where that is known.
    pub input_range: Option<(f32, f32)>,
    /// Leave the weights of what is merged zero: for graphs that are priced and not executed.
    pub sketch: bool,
}

impl Options {
    /// With an opt-in pass, in the place of another one of its name.
    pub fn with(self, pass: impl Pass + 'static) -> Options {
        self.with_shared(Arc::new(pass))
    }
    /// The same for a pass of any type.
    pub fn with_shared(mut self, pass: Arc<dyn Pass>) -> Options {
        self.opted.retain(|p| p.name() != pass.name());
        self.opted.push(pass);
        self
    }
    /// A pass as it runs: with its data where it was opted for; `None` for an opt-in pass that was not.
    pub fn instance<'a>(&'a self, pass: &'a dyn Pass) -> Option<&'a dyn Pass> {
        let opted = self.opted.iter().find(|p| p.name() == pass.name()).map(Arc::as_ref);
        opted.or((!pass.about().opt_in).then_some(pass))
    }
}

/// What a pass found out about a graph as it is.
#[derive(Debug, Default)]
pub struct Analyses {
    of_graph: Known,
    of_values: Known,
}

/// Results of analyses, one of each type.
type Known = RefCell<Vec<Rc<dyn Any>>>;

fn known<T: Any>(all: &Known, make: impl FnOnce() -> T) -> Rc<T> {
    let known = all.borrow().iter().find_map(|a| Rc::clone(a).downcast().ok());
    known.unwrap_or_else(|| {
        let new = Rc::new(make());
        all.borrow_mut().push(new.clone());
        new
    })
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
    /// What was found out since the last rewrite.
    pub analyses: &'a Analyses,
}

impl Cx<'_> {
    /// The result of an analysis of the whole graph, made once between two rewrites. A pass has one of each type.
    pub fn analysis<T: Any>(&self, make: impl FnOnce() -> T) -> Rc<T> {
        known(&self.analyses.of_graph, make)
    }

    /// As [`Cx::analysis`], of what holds for each value by itself: rewrites of an exact pass that add nothing leave it true.
    pub fn analysis_of_values<T: Any>(&self, make: impl FnOnce() -> T) -> Rc<T> {
        known(&self.analyses.of_values, make)
    }
}

/// What a pass is.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// The name in `.pir` headers, reports and `relinc passes`.
    pub name: &'static str,
    /// What it promises.
    pub guarantee: Guarantee,
    /// The phases it is a part of.
    pub phases: &'static [Phase],
    /// The source file whose leading `//!` lines document the pass.
    pub source: &'static str,
    /// Does it run only where it was asked for, with data it needs?
    pub opt_in: bool,
}

impl About {
    /// A pass that runs in its phases.
    pub const fn new(
        name: &'static str,
        guarantee: Guarantee,
        phases: &'static [Phase],
        source: &'static str,
    ) -> About {
        About { name, guarantee, phases, source, opt_in: false }
    }
    /// A pass that runs only where it was asked for.
    pub const fn opt_in(
        name: &'static str,
        guarantee: Guarantee,
        phases: &'static [Phase],
        source: &'static str,
    ) -> About {
        About { opt_in: true, ..About::new(name, guarantee, phases, source) }
    }
}

/// A graph transformation. Its file's `//!` text is its documentation: Before, After, Conditions, Formula, Source.
pub trait Pass: Debug + Send + Sync {
    /// What it is.
    fn about(&self) -> About;
    /// Its name.
    fn name(&self) -> &'static str {
        self.about().name
    }
    /// What it promises.
    fn guarantee(&self) -> Guarantee {
        self.about().guarantee
    }
    /// The pass with data that is written as text, as cases do.
    ///
    /// # Errors
    /// What is wrong with the text, or that the pass takes no data in this form.
    fn read(&self, _data: &str) -> Result<Arc<dyn Pass>, String> {
        Err(format!("{} takes no data as text", self.name()))
    }
    /// The rewrite rooted at a node.
    fn rewrite(&self, cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip>;
}

impl dyn Pass + '_ {
    /// May a rewrite cost more than it saves? Then [`Options::fold`] decides where it is made.
    pub fn weighed(&self) -> bool {
        self.about().phases.iter().any(|p| matches!(p, Phase::Folding | Phase::FoldingBeforeTuning))
    }
    /// The documentation in Markdown.
    pub fn doc(&self) -> String {
        let lines = self.about().source.lines().map_while(|l| l.strip_prefix("//!"));
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

/// Called after each run of a pass with what it did and the graph after it.
pub type Observer<'a, E> = dyn FnMut(&dyn Pass, Outcome, &Graph) -> Result<(), E> + 'a;

/// Runs passes in turn until none finds anything more, with one pair of scales; `observe` sees every run and the graph
/// after it.
pub fn run_in_turn<E: From<PassError>>(
    passes: &[&dyn Pass],
    g: &mut Graph,
    options: &Options,
    observe: &mut Observer<'_, E>,
) -> Result<(), E> {
    let mut scales = Scales::default();
    loop {
        let mut applied = 0;
        for p in passes {
            let outcome = run_weighed(*p, g, options, &mut scales)?;
            applied += outcome.applied;
            observe(*p, outcome, g)?;
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
    let mut analyses = Analyses::default();
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
            match pass.rewrite(&Cx { graph: g, facts: &facts, options, analyses: &analyses }, id) {
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
                    // A new node may take the number of one that has gone.
                    let same_values = pass.guarantee() == Guarantee::Exact && patch.adds_nothing();
                    patch.apply(g, &mut facts).map_err(fail)?;
                    analyses.of_graph = Known::default();
                    if !same_values {
                        analyses.of_values = Known::default();
                    }
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
