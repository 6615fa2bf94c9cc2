//! What is trained, and how: the stages and what holds for all of them.

use super::Norm;
use super::spec::StageOptions;
use super::target::chooses_layers;
use crate::error::{Result, input};
use relinc_passes::masks::Masks;
use relinc_runtime::cost;
use relinc_runtime::device::DeviceSpec;
use relinc_runtime::exec::Branch;
use relinc_runtime::search::budget::Budget;
use relinc_runtime::train::{Kind, Method};
use std::path::PathBuf;

relinc_passes::words! {
    /// Which branches of dual batch normalisations are folded and exported.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub enum Export ("branch") {
        /// BN_c.
        #[default]
        Clean = "clean",
        /// BN_a.
        Adversarial = "adversarial",
        /// BN_c into the output folder, BN_a into its subfolder `adversarial`.
        Both = "both",
    }
}

impl Export {
    /// The branch in the output folder itself.
    pub fn first(self) -> Branch {
        if self == Export::Adversarial { Branch::Adversarial } else { Branch::Clean }
    }
}

relinc_passes::words! {
    /// Where training starts.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub enum Start ("start") {
        /// With the model's weights.
        #[default]
        Model = "model",
        /// With random ones.
        Random = "random",
    }
}

/// One stage of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// Teacher, search or tuning.
    pub kind: Kind,
    /// How.
    pub options: StageOptions,
    /// ReLUs to keep, in a search.
    pub budget: Option<Budget>,
}

impl Planned {
    fn check(&self) -> Result<()> {
        let o = &self.options;
        o.check()?;
        if let Some(budget) = &self.budget {
            chooses_layers(budget, o)?;
            if let Budget::Latency(l) = budget {
                cost::find(&l.protocol).map_err(input)?;
            }
        }
        let method =
            (self.kind == Kind::Search || o.masks.method.is_some()).then(|| o.method()).transpose()?;
        if let Some(m) = method.filter(|m| self.kind == Kind::Tune && !m.trains()) {
            return Err(input(format!("method {m} trains nothing, and a stage tune trains; leave it out")));
        }
        o.recipe(self.kind, method, false, true, 1.0, 0)?;
        if self.kind == Kind::Search {
            o.search(0, 0)?;
        }
        match &o.steps.replay {
            Some(dir) if !dir.is_dir() => Err(input(format!("replay: {}: no such folder", dir.display()))),
            _ => Ok(()),
        }
    }
}

/// What is trained, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The stages in order.
    pub stages: Vec<Planned>,
    /// Batch normalisations.
    pub norm: Norm,
    /// Start from random weights instead of the model's.
    pub random_start: bool,
    /// Masks to begin with.
    pub masks: Option<Masks>,
    /// Another network that teaches; otherwise the model itself or the teacher stage's.
    pub teacher: Option<PathBuf>,
    /// The branches that are exported.
    pub branch: Export,
    /// Where it computes.
    pub device: DeviceSpec,
    /// Seed of everything random.
    pub seed: u64,
}

impl Plan {
    /// Finds what the stages ask for that cannot be, whatever the network.
    ///
    /// # Errors
    /// The first stage with a fault, by its name.
    pub fn check(&self) -> Result<()> {
        for (s, name) in self.stages.iter().zip(self.names()) {
            s.check().map_err(|e| e.at(format!("stage {name}")))?;
        }
        Ok(())
    }
    /// Does any stage train?
    pub fn trains(&self) -> bool {
        self.stages.iter().any(|s| s.kind != Kind::Search || s.options.method().is_ok_and(Method::trains))
    }
    /// Can the network be folded before it is tuned: are there masks by then, and no search afterwards?
    pub fn folds(&self) -> bool {
        let tune = self.stages.iter().position(|s| s.kind == Kind::Tune);
        let last_search = self.stages.iter().rposition(|s| s.kind == Kind::Search);
        match (tune, last_search) {
            (Some(t), Some(s)) => s < t,
            (Some(_), None) => self.masks.is_some(),
            (None, _) => false,
        }
    }
    /// Names of the stages, which their checkpoints and log lines carry: the kind, and from the second of a kind on its number.
    pub fn names(&self) -> Vec<String> {
        let name =
            |(i, s): (usize, &Planned)| match self.stages[..i].iter().filter(|o| o.kind == s.kind).count() {
                0 => s.kind.name().to_string(),
                before => format!("{}{}", s.kind.name(), before + 1),
            };
        self.stages.iter().enumerate().map(name).collect()
    }
    /// The first stage that trains.
    pub fn first_to_train(&self) -> Option<&Planned> {
        let trains = |s: &&Planned| s.kind != Kind::Search || s.options.method().is_ok_and(Method::trains);
        self.stages.iter().find(trains)
    }
    /// Does it crop and flip images?
    pub fn augments(&self) -> bool {
        self.first_to_train().and_then(|s| s.options.steps.augment).unwrap_or(true)
    }
    /// Is any stage robust?
    pub fn robust(&self) -> bool {
        self.stages.iter().any(|s| s.options.is_robust())
    }
}
