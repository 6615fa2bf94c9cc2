//! One step of training, and the statistics and averages that follow it.

use super::{EVAL_BATCH, Run};
use crate::exec::{Gate, Precision};
use crate::train::insert_norm::remeasure;
use crate::train::loader::{self, Batch, LoaderOptions};
use crate::train::model::{MOMENTUM, Model};
use crate::train::objective::At;
use crate::train::recipe::REMEASURED;
use crate::train::record::StageError;
use crate::train::replicas::{StepOptions, read};
use crate::train::sparsity::sparse;
use burn::tensor::Tensor as Burn;

/// Steps in a row whose gradient may be no number, where layers are quadratic.
const SKIPS: usize = 20;
/// Those in robust stages, which attack them.
const ATTACKED: usize = 256;

/// After so many of them what would be kept is not trusted.
const DOUBTFUL: usize = 3;

impl Run<'_, '_> {
    /// Ends a stage whose last gradients were no numbers, before such a state is kept.
    pub(super) fn sound(&self, epoch: usize, step: usize) -> Result<(), StageError> {
        match self.progress.skipped < DOUBTFUL {
            true => Ok(()),
            false => Err(StageError::NotFinite { epoch: epoch + 1, step, kept: self.kept() }),
        }
    }

    pub(super) fn step(&mut self, batch: &Batch, epoch: usize, step: usize) -> Result<(), StageError> {
        let r = &self.stage.recipe;
        let rate = self.rate(epoch, step) as f32;
        let own = self.learner.gates();
        let gates = own.as_ref().unwrap_or(&self.model.gates);
        let at = At { seed: r.seed, step: (epoch * self.steps + step) as u64 };
        let thin;
        let student = match self.stage.density {
            Some(d) => {
                thin = Model { params: sparse(self.model, d), ..self.model.clone() };
                &thin
            }
            None => &*self.model,
        };
        let kept = self.kept();
        let bad = || StageError::NotFinite { epoch: epoch + 1, step: step + 1, kept: kept.clone() };
        let half = r.objective.precision == Precision::F16;
        self.sgd.scale = if half { self.scale.factor } else { 1.0 };
        let watch = self.learner.watches();
        let asked = StepOptions { objective: &r.objective, scale: self.sgd.scale, watch, at };
        let found = self.replicas.compute(asked, student, gates, self.stage.teacher, batch)?;
        if half {
            let finite = self.sgd.norm(&found.grads).into_scalar::<f32>().is_finite();
            self.scale.note(finite)?;
            if !finite {
                return Ok(());
            }
        }
        if self.squared() {
            let finite = self.sgd.norm(&found.grads).into_scalar::<f32>().is_finite();
            self.progress.skipped = if finite { 0 } else { self.progress.skipped + 1 };
            if !finite {
                self.progress.sums.skipped += 1;
                // Nothing of it enters weights or statistics.
                return if self.progress.skipped > SKIPS { Err(bad()) } else { Ok(()) };
            }
        }
        self.learner.observe(found.seen);
        let norm = self.sgd.step(&mut self.model.params, found.grads, rate);
        for (branch, s) in &found.statistics {
            // New masks make the old statistics wrong: what came since is averaged before the old is blended in again.
            let momentum = MOMENTUM.max(1.0 / (1 + self.progress.since_masks) as f32);
            self.model.update_statistics(*branch, s, momentum);
        }
        self.progress.since_masks += 1;
        self.track();
        let read = read(found.pending, norm);
        if !read.parts.total.is_finite() || !read.norm.is_finite() {
            return Err(bad());
        }
        self.losses.note(&batch.images, &read.losses);
        self.progress.sums.add(&read.parts, found.clean_rows, read.correct, read.norm);
        Ok(())
    }

    /// Takes a network's running statistics anew, from the first training images as the stage sees them: cropped and flipped, in robust stages
    /// also as AugMix views and attacked.
    pub(super) fn remeasure(&self, model: &mut Model) -> Result<(), StageError> {
        if model.net.norms().is_empty() {
            return Ok(());
        }
        let (ds, r) = (&self.stage.train, &self.stage.recipe);
        let o = &r.objective;
        let n = if o.robust { ATTACKED } else { REMEASURED }.min(ds.len());
        let options = LoaderOptions { augment: r.augment, augmix: o.robust, seed: r.seed };
        let batches: Vec<Batch> = (0..n)
            .step_by(EVAL_BATCH)
            .map(|from| loader::aside(ds, &options, (from..(from + EVAL_BATCH).min(n)).collect()))
            .collect();
        let at = At { seed: r.seed, step: u64::MAX / 2 };
        Ok(remeasure(model, &batches, o, at)?)
    }

    /// Moves the running average of the weights.
    fn track(&mut self) {
        let d = self.stage.recipe.average;
        if d <= 0.0 {
            return;
        }
        self.average = Some(match self.average.take() {
            None => self.model.params.clone(),
            Some(old) => {
                old.into_iter().zip(&self.model.params).map(|(a, p)| a * d + p.clone() * (1.0 - d)).collect()
            }
        });
    }

    /// The weights that are validated and kept after an epoch: the average where there is one, with statistics of its own. The average of those on the
    /// way is too wide for it: what differs between them is averaged away before it is normalised (Izmailov et al. 2018, arXiv 1803.05407).
    pub(super) fn candidate(&self, epoch: usize) -> Result<Vec<Burn<1>>, StageError> {
        let Some(average) = &self.average else { return Ok(self.model.params.clone()) };
        let mut averaged = Model { params: average.clone(), ..self.model.clone() };
        if let Some(own) = self.learner.gates() {
            averaged.gates = own.iter().map(Gate::detached).collect();
        }
        if self.measurable(epoch) {
            self.remeasure(&mut averaged)?;
        } else if self.frozen_at_end(epoch) {
            averaged.statistics_of(self.model);
        }
        Ok(averaged.params)
    }

    /// May statistics after an epoch be those of a few images? Averages over many batches are better where squares have tails, and weights that are
    /// trained by running statistics belong to them.
    pub(super) fn measurable(&self, epoch: usize) -> bool {
        !self.squared() && !self.frozen_at_end(epoch)
    }

    /// Is an epoch's last step in the part of the stage whose statistics stay?
    fn frozen_at_end(&self, epoch: usize) -> bool {
        self.frozen(epoch, self.steps.saturating_sub(1))
    }
}
