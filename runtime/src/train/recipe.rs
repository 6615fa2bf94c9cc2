//! The recipes: what each stage does by default, from the released codes and from our own measurements.

use super::hardest::share_of;
use super::learner::Method;
use super::loader;
use super::loss::{ATTENTION, TEMPERATURE};
use super::objective::Objective;
use super::schedule::Schedule;
use super::select::Granularity;
use crate::attack::Attack;
use crate::exec::Precision;
pub use crate::search::allocate::Counts;
use crate::search::layers::Vanish;
use relinc_passes::choice::Choice;
use relinc_passes::masks::Masks;

relinc_passes::words! {
    /// The three stages of RLNet (arXiv 2402.05521).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Kind {
        /// An all-ReLU network, to teach.
        Teacher = "teacher",
        /// Masks are learned.
        Search = "search",
        /// Masks are frozen.
        Tune = "tune",
    }
}

relinc_passes::words! {
    /// Which weights a stage with frozen masks leaves.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub enum Keep ("keep") {
        /// Those of the epoch that validated best.
        #[default]
        Best = "best",
        /// Those of its last epoch: validation images that the network had been trained on before favour early ones.
        Last = "last",
    }
}

/// How masks are searched.
#[derive(Debug, Clone)]
pub struct SearchOptions {
    /// The method.
    pub method: Method,
    /// ReLUs to keep.
    pub keep: usize,
    /// Spread over the layers.
    pub counts: Counts,
    /// Unit of removal.
    pub granularity: Granularity,
    /// What removed elements may become.
    pub choices: Vec<Choice>,
    /// Times an epoch the gradual search looks again at what each ReLU is worth.
    pub refreshes: usize,
    /// Images it looks at.
    pub calibration: usize,
    /// The radius, in units of a full pixel, within which an element shall not flip to be worth something (gradual).
    pub certify: Option<f64>,
    /// Rounds the one-shot search spreads the removal over.
    pub rounds: usize,
    /// Share of the stage after which the gradual search has reached the budget.
    pub ramp: f64,
    /// Layers that keep no ReLU (gradual, oneshot).
    pub vanish: Vanish,
    /// Those of the layers that vanish which become quadratic instead, one entry a layer; empty for none (gradual, oneshot).
    pub squares: Vec<bool>,
    /// Masks to begin with, instead of the method's own.
    pub first: Option<Masks>,
    /// Seed of everything random.
    pub seed: u64,
}

/// Training images whose statistics a network gets at the end of a search, and averaged weights after each epoch.
pub const REMEASURED: usize = 1024;
/// Weight of the penalty on what is far out in quadratics.
pub const TAILS: f32 = 10.0;
/// Share of a search over which quadratics take the ReLUs' place.
pub const BLEND: f64 = 0.25;
/// Share of a search that may make quadratics after which the budget is reached: statistics that stay want masks that stay.
pub const RAMP: f64 = 0.6;
/// Share of a stage with quadratics whose statistics stay.
pub const FREEZE: f64 = 0.25;

impl SearchOptions {
    /// Does a layer become quadratic?
    pub fn squares(&self, layer: usize) -> bool {
        self.squares.get(layer).copied().unwrap_or(false)
    }
}

/// One stage.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Teacher, search or tuning.
    pub kind: Kind,
    /// Passes over the training images; none in a search that trains nothing.
    pub epochs: usize,
    /// Images a step.
    pub batch: usize,
    /// Learning rate at the schedule's top.
    pub rate: f64,
    /// How it runs.
    pub schedule: Schedule,
    /// Momentum.
    pub momentum: f32,
    /// Weight decay.
    pub decay: f32,
    /// Largest gradient norm; 0 for none.
    pub clip: f32,
    /// Decay of the running average of the weights that is validated and kept; 0 for none.
    pub average: f32,
    /// Crop and flip.
    pub augment: bool,
    /// Share of the training images that an epoch sees: those whose loss was largest when they were last seen clean.
    pub hardest: f64,
    /// A search learns the slopes of identity elements, one a channel.
    pub slopes: bool,
    /// Share of the stage over which layers that become quadratic, and those that vanish beside them, take the ReLUs' place.
    pub blend: f64,
    /// Share of the stage, at its end, in which normalisations are by their running statistics, as in what is compiled; `None` for
    /// [`FREEZE`] where layers are quadratic and views are not robust, and for nothing elsewhere.
    pub freeze: Option<f64>,
    /// What is minimised.
    pub objective: Objective,
    /// How masks are searched, in a search.
    pub search: Option<SearchOptions>,
    /// Which weights are kept, in a stage with frozen masks.
    pub keep: Keep,
    /// Validation images.
    pub val_images: usize,
    /// Validation images that are attacked as well, in robust stages.
    pub val_attacked: usize,
    /// Seed.
    pub seed: u64,
}

/// The rate at which an unrobust search by `gradual`, and the tuning after it, does best when a share of the ReLUs is kept: 0.01
/// down to a quarter, rising to 0.03 at a twentieth, where more has to be learned anew (docs/results.md).
fn rate_for(share: f64) -> f64 {
    (0.01 * (share.max(f64::MIN_POSITIVE) / 0.25).powf(-0.7)).clamp(0.01, 0.03)
}

impl Recipe {
    /// Steps of an epoch when there are `images` to train on.
    pub fn steps(&self, images: usize) -> usize {
        loader::steps(share_of(images, self.hardest), self.batch)
    }

    /// Images that are looked at after an epoch where there are so many for validation, those for the statistics of averaged weights among
    /// them.
    pub fn looked_at(&self, validation: usize) -> usize {
        let n = self.val_images.min(validation);
        if n > 0 && self.average > 0.0 { n + REMEASURED } else { n }
    }

    /// Images of a step.
    pub fn each(&self, images: usize) -> usize {
        self.batch.min(share_of(images, self.hardest))
    }

    /// The defaults of a stage after which `share` of the network's ReLUs is left. `robust` is RLNet's three-way form.
    pub fn new(kind: Kind, method: Option<Method>, robust: bool, share: f64, epochs: usize) -> Recipe {
        let released = matches!(method, Some(Method::Senet | Method::Rlnet));
        let objective = Objective {
            robust,
            ce: if kind == Kind::Teacher { 1.0 } else { 0.5 },
            kl: if kind == Kind::Teacher { 0.0 } else { 0.5 },
            temperature: TEMPERATURE,
            attention: if kind == Kind::Tune && released { ATTENTION } else { 0.0 },
            attention_at: vec![],
            smoothing: 0.0,
            attack: Attack::training(),
            reach: 0.0,
            single_norm: false,
            tails: TAILS,
            precision: Precision::F32,
        };
        let own = if robust { 0.03 } else { rate_for(share) };
        let (rate, schedule) = match (kind, released) {
            (Kind::Teacher, _) => (0.05, Schedule::Step),
            (Kind::Search, true) => (0.05, Schedule::Constant),
            (Kind::Tune, true) => (0.01, Schedule::Step),
            (Kind::Search, false) => (own, Schedule::Constant),
            (Kind::Tune, false) => (own, Schedule::Cosine),
        };
        Recipe {
            kind,
            epochs: if kind == Kind::Search && !method.is_none_or(Method::trains) { 0 } else { epochs },
            batch: 128,
            rate,
            schedule,
            momentum: 0.9,
            decay: 5e-4,
            clip: 5.0,
            average: 0.0,
            augment: true,
            hardest: 1.0,
            slopes: false,
            blend: 0.0,
            freeze: None,
            objective,
            search: None,
            keep: Keep::Best,
            val_images: 2000,
            val_attacked: 256,
            seed: 0,
        }
    }
}
