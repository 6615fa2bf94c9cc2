//! Which stages a first pipeline has: those that measured best on networks of this kind (docs/results.md).

use crate::compile::{Search, Target};
use crate::error::Result;
use crate::model::Model;
use crate::training::spec::{MaskOptions, StageOptions};
use relinc_passes::layers::ReluLayer;
use relinc_runtime::cost::Protocol;
use relinc_runtime::device::DeviceSpec;
use relinc_runtime::search::budget::Budget;
use relinc_runtime::search::structure::{Place, places};
use relinc_runtime::train::Method;
use std::fmt;

/// What the search removes.
#[derive(Debug, Clone, PartialEq)]
enum Kind {
    /// Layers inside blocks become quadratic, those at the ends of stages keep their ReLUs.
    Squares {
        /// How many keep theirs.
        keep: usize,
        /// How many become quadratic.
        squares: usize,
        /// How many become the identity.
        gone: usize,
    },
    /// Single ReLUs leave, and half of the layers.
    Pixels {
        /// Layers that may keep ReLUs.
        layers: usize,
    },
}

/// The stages.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    kind: Kind,
    /// ReLU layers of the network.
    all: usize,
    targets: Vec<Target>,
}

/// Share of the ReLUs that is kept where single ones leave.
const SHARE: f64 = 25.0;

impl Recipe {
    /// For a canonical network without redundant layers, on the first of these protocols.
    pub fn of(model: &Model, protocols: &[Protocol]) -> Result<Recipe> {
        let places = places(&model.graph, &model.layers);
        let count = |p: Place| places.iter().filter(|q| **q == p).count();
        let (keep, squares, gone) = (count(Place::Reset), count(Place::Inside), count(Place::After));
        let capped = model.layers.iter().any(ReluLayer::capped);
        let priced = protocols.iter().all(|p| p.law("mul", p.default_weights).is_some());
        let all = model.layers.len();
        let kind = match squares > 0 && !capped && priced {
            true => Kind::Squares { keep, squares, gone },
            false => Kind::Pixels { layers: all.div_ceil(2) },
        };
        let runtime = |p: &Protocol| match p.on_spu() {
            Some(_) => Some(Target::Spu),
            None if p.runtime.to_lowercase().starts_with("crypten") => Some(Target::Crypten),
            None if p.runtime.to_lowercase().starts_with("mp-spdz") => Some(Target::MpSpdz),
            None => None,
        };
        let mut targets = vec![Target::Onnx];
        for t in protocols.iter().filter_map(runtime) {
            if !targets.contains(&t) {
                targets.push(t);
            }
        }
        Ok(Recipe { kind, all, targets })
    }

    /// What is emitted.
    pub fn targets(&self) -> Vec<Target> {
        self.targets.clone()
    }

    /// The search of the pipeline as one without training, for its price.
    pub fn search(&self, device: DeviceSpec) -> Result<Search> {
        let (budget, layers, choices) = match self.kind {
            Kind::Squares { keep, .. } => (100.0, keep, Some(["relu", "identity", "quadratic"])),
            Kind::Pixels { layers } => (SHARE, layers, None),
        };
        let masks = MaskOptions {
            layers: Some(layers),
            choices: choices.map(|c| c.map(String::from).to_vec()),
            ..MaskOptions::default()
        };
        one_shot(masks, Budget::Percent(budget), device)
    }

    /// The stages as YAML, with comments.
    pub fn stages(&self) -> String {
        match self.kind {
            Kind::Squares { keep, .. } => format!(
                "  - stage: search
    method: gradual                          # masks are learned while the network trains
    choices: [relu, identity, quadratic]     # layers inside blocks become a·x² + b·x + c: one product instead of comparisons
    budget: 100%                             # of the ReLUs in the layers that keep some; fewer, such as 38k, thin them out
    # budget: latency=2s@semi2k/wan          # or seconds that a query may take; then leave out layers
    layers: {keep:<2}                               # layers that keep ReLUs: the first, and the last of each stage
    epochs: 5
    blend: 0.2                               # share of the epochs over which the layers are exchanged
    rate: 0.02
    schedule: cosine
  # - stage: tune                            # with masks frozen; where accuracy is to rise further
  #   epochs: 5
  #   rate: 0.01
"
            ),
            Kind::Pixels { layers } => format!(
                "  - stage: search
    method: gradual                          # masks are learned while the network trains
    budget: {SHARE}%                              # of the ReLUs: a number such as 50k, too, or
    # budget: latency=2s@semi2k/wan          # seconds that a query may take; then leave out layers
    layers: {layers:<2}                               # layers that keep ReLUs, about half: each costs exchanges of its own
    epochs: 3
    rate: 0.01                               # a tenth: 0.02 and 4 + 6 epochs; a twentieth: 0.03 and 5 + 7
  - stage: tune                              # with masks frozen
    epochs: 8
    rate: 0.01
"
            ),
        }
    }

    /// What was measured with it, in a sentence.
    pub fn measured(&self) -> &'static str {
        match self.kind {
            Kind::Squares { .. } => {
                "On ResNet-20 and CIFAR-10 (45,000 images, five epochs) it left 90.8 % of 91.7 % and 2.1 times less communication on a WAN \
                 than the compiled network with all ReLUs (docs/results.md, Quadratic layers, trained)."
            }
            Kind::Pixels { .. } => {
                "On ResNet-20 and CIFAR-10 (45,000 images, 3 + 8 epochs) it left 90.5 % of 91.7 % with a quarter of the ReLUs in 10 of 19 \
                 layers (docs/results.md, Training: masks, not robust)."
            }
        }
    }
}

impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Squares { keep, squares, gone } => write!(
                f,
                "Of {} ReLU layers {keep} keep their ReLUs, {squares} inside blocks become quadratic and {gone} the identity, while the \
                 network trains",
                self.all
            ),
            Kind::Pixels { layers } => write!(
                f,
                "A quarter of the ReLUs stays, in at most {layers} of {} layers; masks are learned while the network trains, then it is \
                 tuned",
                self.all
            ),
        }
    }
}

/// A search for a budget that trains nothing.
pub fn untrained(budget: Budget, device: DeviceSpec) -> Result<Search> {
    one_shot(MaskOptions::default(), budget, device)
}

fn one_shot(masks: MaskOptions, budget: Budget, device: DeviceSpec) -> Result<Search> {
    let masks = MaskOptions { method: Some(Method::Oneshot.name().into()), ..masks };
    Search::new(StageOptions { masks, ..StageOptions::default() }, budget, device)
}
