//! What learns masks: the interface all methods stand behind, and their names.

use super::learners::{bcd, frozen, gradual, oneshot, senet, snl};
use super::model::Model;
use super::objective::At;
use super::recipe::SearchOptions;
use super::seen::Seen;
use super::state::Tensors;
use crate::data::Dataset;
use crate::exec::Gate;
use burn::tensor::Device;
use relinc_passes::masks::Masks;
use std::str::FromStr;
use std::sync::Arc;

relinc_passes::words! {
    /// The mask learners by name.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Method {
        /// One ranking of all ReLUs on calibration images, in rounds; trains nothing. The default of a stage that names no method.
        #[default]
        Oneshot = "oneshot",
        /// Removal along a cubic, ranked by what each removal would do to the loss.
        Gradual = "gradual",
        /// SENet: a mask an epoch from activation differences to the teacher, counts by layer sensitivity (arXiv 2301.09254).
        Senet = "senet",
        /// RLNet: SENet's search with three-way robust views and dual batch normalisation (arXiv
        /// 2402.05521).
        Rlnet = "rlnet",
        /// SNL: a slope per element, driven to 0 by an L1 term (arXiv 2202.02340).
        Snl = "snl",
        /// Block coordinate descent: the block of ReLUs that costs least goes (arXiv 2511.11781).
        Bcd = "bcd",
    }
}

impl Method {
    /// Does it take steps of training?
    pub fn trains(self) -> bool {
        self != Method::Oneshot
    }
}

impl FromStr for Method {
    type Err = String;
    fn from_str(s: &str) -> Result<Method, String> {
        Method::ALL.into_iter().find(|m| m.name() == s).ok_or_else(|| {
            let hint = crate::nearest::did_you_mean(s, &Method::ALL.map(Method::name));
            format!("method '{s}' is not known{hint}")
        })
    }
}

/// What a learner may look at when it changes masks.
#[derive(Debug)]
pub struct Scene<'a> {
    /// The student.
    pub student: &'a Model,
    /// The teacher.
    pub teacher: Option<&'a Model>,
    /// Training images.
    pub train: &'a Arc<Dataset>,
    /// Where the run is.
    pub at: At,
    /// Epochs of the stage.
    pub epochs: usize,
    /// Present epoch, from 0.
    pub epoch: usize,
    /// Batches in an epoch.
    pub steps: usize,
}

/// Hears which round of how many is to begin, and says whether it may: false where somebody wants to stop.
pub type Tell<'a> = dyn FnMut(usize, usize) -> bool + 'a;

/// Learns masks while the student trains, or before.
pub trait Learner: std::fmt::Debug {
    /// The masks to begin with.
    fn start(&mut self, scene: &Scene<'_>, tell: &mut Tell<'_>) -> Result<Masks, String>;
    /// New masks before a step, when it is time for them.
    fn before_step(&mut self, _scene: &Scene<'_>, _step: usize) -> Result<Option<Masks>, String> {
        Ok(None)
    }
    /// Does it want to see what goes through the ReLU layers?
    fn watches(&self) -> bool {
        false
    }
    /// Gates that want gradients, instead of the masks'.
    fn gates(&self) -> Option<Vec<Gate>> {
        None
    }
    /// After a step's gradients are there.
    fn observe(&mut self, _seen: Seen) {}
    /// New masks at the end of an epoch.
    fn after_epoch(&mut self, _scene: &Scene<'_>) -> Result<Option<Masks>, String> {
        Ok(None)
    }
    /// The masks at the end of the stage, exactly at the budget; nothing to keep the present ones.
    fn finish(&mut self, _scene: &Scene<'_>) -> Result<Option<Masks>, String> {
        Ok(None)
    }
    /// What it carries from step to step.
    fn save(&self) -> Tensors {
        Tensors::new()
    }
    /// The inverse of [`Learner::save`], onto the device of the student.
    fn load(&mut self, _saved: &Tensors, _device: &Device) -> Result<(), String> {
        Ok(())
    }
}

/// The learner of a method; `None` for a frozen mask.
pub fn learner(o: Option<&SearchOptions>, start: Masks) -> Box<dyn Learner> {
    let Some(o) = o else { return Box::new(frozen::Frozen(start)) };
    match o.method {
        Method::Oneshot => Box::new(oneshot::Oneshot::new(o.clone())),
        Method::Gradual => Box::new(gradual::Gradual { options: o.clone() }),
        Method::Senet | Method::Rlnet => Box::new(senet::Senet::new(o.clone())),
        Method::Snl => Box::new(snl::Snl::new(o.clone())),
        Method::Bcd => Box::new(bcd::Bcd { options: o.clone() }),
    }
}
