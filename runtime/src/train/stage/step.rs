//! One step of training, and the statistics and averages that follow it.

use super::{EVAL_BATCH, Run};
use crate::train::evaluate;
use crate::train::insert_norm::remeasure;
use crate::train::loader::Batch;
use crate::train::model::{MOMENTUM, Model};
use crate::train::objective::At;
use crate::train::record::StageError;
use crate::train::sparsity::sparse;
use burn::tensor::Tensor as Burn;

/// Training images whose statistics a network gets at the end of a search.
const REMEASURED: usize = 1024;

impl Run<'_, '_> {
    pub(super) fn step(&mut self, batch: &Batch, epoch: usize, step: usize) -> Result<(), StageError> {
        let r = &self.stage.recipe;
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
        let c = r.objective.compute(student, gates, self.stage.teacher, batch, self.learner.watches(), at)?;
        let bad = || StageError::NotFinite {
            epoch: epoch + 1,
            step: step + 1,
            kept: match self.stage.checkpoint().filter(|p| p.exists()) {
                Some(p) => format!("the last good state is kept in {}", p.display()),
                None => "no epoch was complete before".into(),
            },
        };
        if !c.parts.total.is_finite() {
            return Err(bad());
        }
        let grads = c.loss.backward();
        let rate = self.rate(epoch, step) as f32;
        self.learner.observe(&c, gates, &grads, rate)?;
        let all = c.leaves.iter().map(|l| if l.is_require_grad() { l.grad(&grads) } else { None }).collect();
        let norm = self.sgd.step(&mut self.model.params, all, rate);
        if !norm.is_finite() {
            return Err(bad());
        }
        for (branch, s) in &c.statistics {
            // New masks make the old statistics wrong: what came since is averaged before the old is blended in again.
            let momentum = MOMENTUM.max(1.0 / (1 + self.progress.since_masks) as f32);
            self.model.update_statistics(*branch, s, momentum);
        }
        self.progress.since_masks += 1;
        self.track();
        self.progress.sums.add(&c.parts, c.clean_rows, c.correct, f64::from(norm));
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
