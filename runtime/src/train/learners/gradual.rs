//! Gradual linearization: the budget falls along a cubic while the network trains (method, section 11).
//!
//! Several times an epoch every element is judged by what taking its ReLU away would do to the loss: to first order
//! `(∂loss/∂y · Δ)²` summed over a few hundred images, where Δ is `min(x,0)` when the element becomes the identity and
//! `−max(x,0)` when it becomes zero; the cheaper counts. Elements already removed are judged alike, so they may return.

use super::{masks_of, shapes};
use crate::train::learner::{Learner, Scene};
use crate::train::recipe::{Counts, SearchOptions};
use crate::train::select::select;
use crate::train::sensitivity::{self, Worth};
use relinc_passes::choice::Choice;
use relinc_passes::masks::Masks;

/// See the module documentation.
#[derive(Debug)]
pub struct Gradual {
    options: SearchOptions,
}

impl Gradual {
    /// Before the first epoch.
    pub fn new(options: SearchOptions) -> Gradual {
        Gradual { options }
    }

    /// Share of the way to the budget when the share `done` of the stage is over.
    fn ramped(&self, done: f64) -> f64 {
        (done / self.options.ramp.max(1e-9)).clamp(0.0, 1.0)
    }

    /// ReLUs to keep when the share `done` of the stage is over.
    fn keep(&self, done: f64, total: usize) -> usize {
        let keep = self.options.keep.min(total);
        let left = 1.0 - self.ramped(done);
        keep + ((total - keep) as f64 * left.powi(3)).round() as usize
    }

    /// Masks that keep `keep` ReLUs; `done` is the share of the stage that is over.
    fn masks(&self, scene: &Scene<'_>, keep: usize, done: f64, round: u64) -> Result<Masks, String> {
        let o = &self.options;
        let worth = sensitivity::worth(scene, o.calibration, o.seed.wrapping_add(round))?;
        let cost = |w: &Worth, i: usize| if o.zeros { w.identity[i].min(w.zero[i]) } else { w.identity[i] };
        let mut costs: Vec<Vec<f64>> =
            worth.iter().map(|w| (0..w.identity.len()).map(|i| cost(w, i)).collect()).collect();
        let (closed, keep) = o.vanish.at(&costs, keep, self.ramped(done));
        // What has to go is ranked below everything.
        costs.iter_mut().zip(&closed).filter(|(_, closed)| **closed).for_each(|(c, _)| c.fill(-1.0));
        let shapes = shapes(scene.student);
        let caps: Vec<usize> = costs.iter().map(Vec::len).collect();
        let counts = match &o.counts {
            Counts::Global => None,
            c => super::senet::layer_counts(c, &caps, keep)?,
        };
        let kept = select(&costs, &shapes, keep, counts.as_deref(), o.granularity);
        let removed = |l: usize, i: usize| {
            if o.zeros && !closed[l] && worth[l].zero[i] < worth[l].identity[i] {
                Choice::Zero
            } else {
                Choice::Identity
            }
        };
        Ok(masks_of(scene.student, &kept, removed))
    }
}

impl Learner for Gradual {
    fn start(&mut self, scene: &Scene<'_>) -> Result<Masks, String> {
        Ok(self.options.first.clone().unwrap_or_else(|| scene.student.open_masks()))
    }

    fn before_step(&mut self, scene: &Scene<'_>, step: usize) -> Result<Option<Masks>, String> {
        let every = (scene.steps / self.options.refreshes.max(1)).max(1);
        if !step.is_multiple_of(every) {
            return Ok(None);
        }
        let done = (scene.epoch * scene.steps + step + every) as f64 / (scene.epochs * scene.steps) as f64;
        let total = self.options.first.as_ref().map_or(scene.student.net.relu_count(), Masks::kept);
        let keep = self.keep(done, total);
        self.masks(scene, keep, done, scene.at.step).map(Some)
    }

    fn finish(&mut self, scene: &Scene<'_>) -> Result<Option<Masks>, String> {
        self.masks(scene, self.options.keep, 1.0, u64::MAX).map(Some)
    }
}
