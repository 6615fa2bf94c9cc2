//! Block coordinate descent: of a few random blocks of ReLUs the one whose removal costs least goes, again and again
//! (arXiv 2511.11781).
//!
//! Starts from a gradual mask with twice the budget, so that only the last half is removed block by block; between the
//! epochs of removal the student trains on.

use super::{comparisons, identity_masks, masks_of};
use crate::dice::Dice;
use crate::exec::{Branch, Gate};
use crate::search::ranking::Ranking;
use crate::train::evaluate::{self, Runnable, pixels_of};
use crate::train::learner::{Learner, Scene, Tell};
use crate::train::loader::order;
use crate::train::loss::{cross_entropy, labels};
use crate::train::recipe::SearchOptions;
use crate::train::sensitivity;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use relinc_passes::choice::Choice;
use relinc_passes::layers::ReluLayer;
use relinc_passes::masks::Masks;

/// ReLUs in a block, at least; larger when the budget would take too many blocks.
const BLOCK: usize = 150;
/// Blocks removed between two epochs, at most.
const BLOCKS: usize = 24;
/// Blocks tried for each removal.
const TRIALS: usize = 6;

/// See the module documentation.
#[derive(Debug)]
pub struct Bcd {
    /// What is searched.
    pub options: SearchOptions,
}

impl Bcd {
    /// Comparisons that are still there.
    fn active(scene: &Scene<'_>) -> Vec<Vec<bool>> {
        let kept = |r: &ReluLayer| comparisons(r, scene.student.masks.layers.get(&r.name));
        scene.student.net.relus().iter().map(kept).collect()
    }

    /// Loss on calibration images under these masks.
    fn loss(scene: &Scene<'_>, gates: &[Gate], images: &[usize]) -> Result<f64, String> {
        let m = scene.student;
        let device = m.net.device();
        let x = pixels_of(scene.train, images, device);
        let r = Runnable { gates, ..m.runnable() };
        let z = r.logits(x, Branch::Clean)?;
        let of: Vec<usize> = images.iter().map(|&i| scene.train.label(i)).collect();
        let right = evaluate::predictions(z.clone()).iter().zip(&of).filter(|(p, l)| p == l).count();
        let ce: f32 = cross_entropy(z, labels(&of, device), 0.0).into_scalar();
        Ok(f64::from(ce) - right as f64 / images.len() as f64)
    }
}

impl Learner for Bcd {
    fn start(&mut self, scene: &Scene<'_>, _: &mut Tell<'_>) -> Result<Masks, String> {
        if let Some(m) = &self.options.first {
            return Ok(m.clone());
        }
        let o = &self.options;
        let keep = (o.keep * 2).min(scene.student.net.relu_count());
        let worth = sensitivity::worth(scene, o.calibration, o.seed)?;
        Ranking::new(scene.student, &worth, &o.choices).masks(scene.student, o, keep, 1.0)
    }

    fn after_epoch(&mut self, scene: &Scene<'_>) -> Result<Option<Masks>, String> {
        let mut kept = Bcd::active(scene);
        let count = kept.iter().flatten().filter(|k| **k).count();
        let epochs_left = (scene.epochs - scene.epoch.min(scene.epochs - 1)).max(1);
        let remove = count.saturating_sub(self.options.keep).div_ceil(epochs_left);
        let goal = count - remove;
        let block = BLOCK.max(remove.div_ceil(BLOCKS));
        let mut dice = Dice::of(ChaCha8Rng::seed_from_u64(self.options.seed ^ scene.at.step));
        let images: Vec<usize> = order(scene.train.len(), self.options.seed, scene.epoch)
            .into_iter()
            .take(self.options.calibration)
            .collect();
        let mut left = count;
        while left > goal {
            let size = block.min(left - goal);
            let places: Vec<(usize, usize)> = kept
                .iter()
                .enumerate()
                .flat_map(|(l, k)| k.iter().enumerate().filter(|(_, on)| **on).map(move |(i, _)| (l, i)))
                .collect();
            let mut best: Option<(f64, Vec<(usize, usize)>)> = None;
            for _ in 0..TRIALS {
                let drawn: Vec<_> = dice.some(size, places.len()).into_iter().map(|i| places[i]).collect();
                let mut tried = kept.clone();
                drawn.iter().for_each(|&(l, i)| tried[l][i] = false);
                let masks = masks_of(scene.student, &tried, |_, _| Choice::Identity);
                let mut m = scene.student.clone();
                m.set_masks(&masks);
                let loss = Bcd::loss(scene, &m.gates, &images)?;
                if best.as_ref().is_none_or(|(b, _)| loss < *b) {
                    best = Some((loss, drawn));
                }
            }
            for (l, i) in best.map(|(_, drawn)| drawn).unwrap_or_default() {
                kept[l][i] = false;
            }
            left -= size;
        }
        Ok(Some(identity_masks(scene.student, &kept)))
    }
}
