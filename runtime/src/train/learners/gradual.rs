//! Gradual linearization: the budget falls along a cubic while the network trains.
//!
//! Several times an epoch every element is judged on a few hundred images by what taking its ReLU away would do to the loss
//! ([`crate::search::worth`]). Elements already removed are judged alike, so they may return. Where layers become quadratic, they and
//! those that vanish leave in the first step, and the stage blends their ReLUs out.
//!
//! Where masks shall certify, an element is worth what it is on images around which it does not flip: where it may, bounds pay for it.

use crate::search::layers::{Vanish, along_cubic};
use crate::search::ranking::Ranking;
use crate::search::unstable::unstable;
use crate::train::learner::{Learner, Scene, Tell};
use crate::train::loader::order;
use crate::train::recipe::SearchOptions;
use crate::train::sensitivity;
use relinc_passes::choice::Choice;
use relinc_passes::layers::ReluLayer;
use relinc_passes::masks::{LayerMask, Masks};

/// Images whose surroundings are bounded at each look, where masks shall certify.
const BOUNDED: usize = 16;

/// See the module documentation.
#[derive(Debug)]
pub struct Gradual {
    /// What is searched.
    pub options: SearchOptions,
}

impl Gradual {
    /// Share of the way to the budget when the share `done` of the stage is over.
    fn ramped(&self, done: f64) -> f64 {
        (done / self.options.ramp.max(1e-9)).clamp(0.0, 1.0)
    }

    /// ReLUs to keep when the share `done` of the stage is over.
    fn keep(&self, done: f64, total: usize) -> usize {
        along_cubic(total, self.options.keep.min(total), 1.0 - self.ramped(done))
    }

    /// Do layers leave from the first step on, blended out?
    fn blends(&self) -> bool {
        !self.options.squares.is_empty()
    }

    /// Is there nothing to search within the layers that stay?
    fn settled(&self, scene: &Scene<'_>) -> bool {
        let sizes = scene.student.net.relus().iter().map(ReluLayer::comparisons);
        let room = self.options.vanish.room(sizes);
        let begun = self.options.first.as_ref().map_or(usize::MAX, Masks::kept);
        self.blends() && self.options.keep >= room.min(begun)
    }

    /// Makes the layers that leave quadratic or the identity.
    fn leave(&self, scene: &Scene<'_>, masks: &mut Masks) {
        let Vanish::Given(closed) = &self.options.vanish else { return };
        for (l, r) in
            scene.student.net.relus().iter().enumerate().filter(|(l, _)| closed.get(*l) == Some(&true))
        {
            let becomes = if self.options.squares(l) { Choice::Quadratic } else { Choice::Identity };
            masks.layers.insert(r.name.clone(), LayerMask::uniform(r.shape, becomes).with_cap(r.cap));
        }
    }

    /// Masks that keep `keep` ReLUs; `done` is the share of the stage that is over.
    fn masks(&self, scene: &Scene<'_>, keep: usize, done: f64, round: u64) -> Result<Masks, String> {
        let o = &self.options;
        let seed = o.seed.wrapping_add(round);
        let mut worth = sensitivity::worth(scene, o.calibration, seed)?;
        if let Some(epsilon) = o.certify {
            let images: Vec<usize> =
                order(scene.train.len(), seed, usize::MAX).into_iter().take(BOUNDED).collect();
            let flips = unstable(scene.student, scene.train, &images, epsilon)?;
            for (worth, flips) in worth.iter_mut().zip(flips) {
                worth.scale(&flips.iter().map(|share| 1.0 - share).collect::<Vec<_>>());
            }
        }
        Ranking::new(scene.student, &worth, &o.choices).masks(scene.student, o, keep, self.ramped(done))
    }
}

impl Learner for Gradual {
    fn start(&mut self, scene: &Scene<'_>, _: &mut Tell<'_>) -> Result<Masks, String> {
        let mut masks = self.options.first.clone().unwrap_or_else(|| scene.student.open_masks());
        if self.blends() {
            self.leave(scene, &mut masks);
        }
        Ok(masks)
    }

    fn before_step(&mut self, scene: &Scene<'_>, step: usize) -> Result<Option<Masks>, String> {
        if self.settled(scene) {
            return Ok(None);
        }
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
        if self.settled(scene) {
            return Ok(None);
        }
        self.masks(scene, self.options.keep, 1.0, u64::MAX).map(Some)
    }
}
