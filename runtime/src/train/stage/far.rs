//! Images that are answered with numbers far out: the last part of a stage, whose statistics stay, sees them in every batch.
//!
//! With statistics of the batch a network never shows them: normalised by itself, an image far out looks like any other. By running
//! statistics it may be far beyond all, and one in ten thousand is never met often enough to be learned.

use super::Run;
use crate::train::calm;
use crate::train::loader::{self, Batch, Loader, LoaderOptions};
use crate::train::recipe::FREEZE;
use crate::train::record::StageError;

/// One image of so many of a batch is far out.
const SHARE: usize = 16;
/// One image of so many is hardened.
const HARD: usize = 8;
/// What contrast is multiplied by.
const CONTRAST: f32 = 2.0;

impl Run<'_, '_> {
    /// Is a step in the stage's last part, where statistics stay?
    pub(super) fn frozen(&self, epoch: usize, step: usize) -> bool {
        let r = &self.stage.recipe;
        let own = if self.squared() && !r.objective.robust { FREEZE } else { 0.0 };
        1.0 - self.done(epoch, step) <= r.freeze.unwrap_or(own)
    }

    /// Freezes what is frozen from a step on, and looks for the images far out at the first such step and at every epoch. Were they
    /// looked for?
    pub(super) fn freeze(&mut self, epoch: usize, step: usize) -> Result<bool, StageError> {
        let frozen = self.frozen(epoch, step);
        let look = frozen && (step == 0 || self.progress.far.is_none());
        if look {
            self.progress.far = Some(calm::far(self.model, &self.stage.train)?);
        }
        self.model.frozen = self.progress.far.as_ref().filter(|_| frozen).map(|f| f.limit);
        Ok(look)
    }

    /// The batches of an epoch from a step on.
    pub(super) fn batches(&self, epoch: usize, from: usize) -> Loader {
        let r = &self.stage.recipe;
        let options = LoaderOptions { augment: r.augment, augmix: r.objective.robust, seed: r.seed };
        let mut batches = match &self.stage.order {
            Some(recorded) => recorded.get(epoch).cloned().unwrap_or_default(),
            None => {
                let order = loader::order(self.stage.train.len(), r.seed, epoch);
                let far = self.progress.far.as_ref().map(|f| f.images.as_slice()).unwrap_or_default();
                with(far, self.losses.hardest(order, r.hardest), r.batch)
            }
        };
        batches.truncate(self.steps);
        Loader::start(self.stage.train.clone(), &options, epoch, batches, from)
    }
}

/// Doubles the contrast of the images before those far out, within black and white: hard edges and full colours are what squares answer
/// with numbers far out, and few images have them.
pub(super) fn harden(batch: &mut Batch) {
    let n = batch.images.len();
    let end = n - n / SHARE;
    let each = batch.clean.len() / n.max(1);
    for p in &mut batch.clean[(end - n / HARD) * each..end * each] {
        *p = (0.5 + CONTRAST * (*p - 0.5)).clamp(0.0, 1.0);
    }
}

/// The batches of an order, in the last places of each some of those far out, by turns.
fn with(far: &[usize], mut order: Vec<usize>, batch: usize) -> Vec<Vec<usize>> {
    let mut next = far.iter().cycle();
    let each = |batch: &mut [usize]| {
        let few = far.len().min(batch.len() / SHARE);
        batch.iter_mut().rev().take(few).zip(&mut next).for_each(|(image, far)| *image = *far);
        batch.to_vec()
    };
    order.chunks_mut(batch.max(1)).map(each).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hard_images_stand_before_those_far_out() {
        let grey = [0.5, 0.6, 0.0, 0.9];
        let clean = grey.repeat(32);
        let images = (0..32).collect();
        let mut batch = Batch { step: 0, images, labels: vec![0; 32], clean, augmix: vec![] };
        harden(&mut batch);
        let rows: Vec<&[f32]> = batch.clean.chunks(4).collect();
        let hard = rows.iter().map(|r| **r != grey[..]).collect::<Vec<_>>();
        assert_eq!((0..32).filter(|&i| hard[i]).collect::<Vec<_>>(), [26, 27, 28, 29]);
        let want = [0.5, 0.7, 0.0, 1.0];
        assert!(rows[26].iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-6), "{:?}", rows[26]);
    }

    #[test]
    fn those_far_out_take_the_last_places_by_turns() {
        let order: Vec<usize> = (100..180).collect();
        let found = with(&[1, 2, 3], order.clone(), 32);
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [32, 32, 16]);
        let last = |n: usize, few: usize| found[n].iter().rev().take(few).copied().collect::<Vec<_>>();
        assert_eq!((last(0, 2), last(1, 2), last(2, 1)), (vec![1, 2], vec![3, 1], vec![2]));
        assert_eq!(found[0][..30], order[..30]);
        // One alone stands in a batch once, and without any the order stays.
        assert_eq!(with(&[7], order.clone(), 64)[0].iter().filter(|i| **i == 7).count(), 1);
        assert_eq!(with(&[], order.clone(), 80), [order]);
    }
}
