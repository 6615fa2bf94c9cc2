//! One step of training, and the statistics and averages that follow it.

use super::{EVAL_BATCH, Run};
use crate::exec::Precision;
use crate::train::evaluate;
use crate::train::insert_norm::remeasure;
use crate::train::loader::Batch;
use crate::train::model::{MOMENTUM, Model};
use crate::train::objective::At;
use crate::train::record::StageError;
use crate::train::replicas::{StepOptions, read};
use crate::train::sparsity::sparse;
use burn::tensor::Tensor as Burn;

/// Steps in a row whose gradient may be no number, where layers are quadratic.
const SKIPS: usize = 20;
/// Training images whose statistics a network gets at the end of a search.
const REMEASURED: usize = 1024;

impl Run<'_, '_> {
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
        self.progress.sums.add(&read.parts, found.clean_rows, read.correct, read.norm);
        Ok(())
    }

    /// Takes the running statistics anew, from the first training images under the present masks.
    pub(super) fn remeasure(&mut self) -> Result<(), StageError> {
        if self.model.net.norms().is_empty() {
            return Ok(());
        }
        let (ds, o) = (&self.stage.train, &self.stage.recipe.objective);
        let device = self.model.net.device().clone();
        let n = REMEASURED.min(ds.len());
        let batches: Vec<_> = (0..n)
            .step_by(EVAL_BATCH)
            .map(|from| {
                let range = from..(from + EVAL_BATCH).min(n);
                (evaluate::pixels(ds, range.clone(), &device), range.map(|i| ds.label(i)).collect())
            })
            .collect();
        let at = At { seed: self.stage.recipe.seed, step: u64::MAX / 2 };
        Ok(remeasure(self.model, &batches, o.robust.then_some(&o.attack), at)?)
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

    /// The weights that are validated and kept: the average where there is one.
    pub(super) fn candidate(&self) -> Vec<Burn<1>> {
        self.average.clone().unwrap_or_else(|| self.model.params.clone())
    }
}
