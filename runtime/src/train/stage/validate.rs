//! The end of an epoch: accuracy on validation images, and the epoch's log line.

use super::{EVAL_BATCH, Run};
use crate::exec::{Branch, Gate};
use crate::train::evaluate::{self, First};
use crate::train::record::{Record, StageError};
use relinc_passes::masks::Masks;

/// Share of elements on which two masks differ.
pub fn hamming(a: &Masks, b: &Masks) -> f64 {
    let (mut differ, mut all) = (0usize, 0usize);
    for (name, x) in &a.layers {
        if let Some(y) = b.layers.get(name) {
            differ += x.values.iter().zip(&y.values).filter(|(x, y)| x.compares() != y.compares()).count();
            all += x.values.len();
        }
    }
    differ as f64 / all.max(1) as f64
}

/// A network of which less than this share of what it had learned is left has collapsed.
const COLLAPSED: f64 = 0.25;

impl Run<'_, '_> {
    /// Ends a stage whose quadratics made the network forget, before the state is kept; and in the last epoch one whose running
    /// statistics do not show what was learned, because of what is far out.
    pub(super) fn collapsed(&mut self, now: &Record) -> Result<(), StageError> {
        let (before, trained) = (self.progress.learned, now.train_accuracy);
        self.progress.learned = before.max(trained);
        let val = now.val_clean.filter(|v| now.epoch == now.epochs && *v < COLLAPSED * trained);
        // The hardest images of an epoch are no measure for those before.
        let fell = trained < COLLAPSED * before && self.stage.recipe.hardest == 1.0;
        let seen = match (fell, val) {
            _ if !self.squared() => return Ok(()),
            (false, None) => return Ok(()),
            (true, _) => {
                format!(
                    "{trained:.1} % of the training images are classified correctly, {before:.1} % were before"
                )
            }
            (false, Some(val)) => format!(
                "{val:.1} % of the validation images are classified correctly by running statistics, {trained:.1} % of the training images \
                 by those of their batches"
            ),
        };
        let far = now.largest.map_or(String::new(), |z| {
            format!(", and operands of quadratics reach {z:.3e} on validation images")
        });
        Err(StageError::Collapsed { epoch: now.epoch, what: seen + &far, kept: self.kept() })
    }

    /// Where the last good state is.
    pub(super) fn kept(&self) -> String {
        match self.stage.checkpoint().filter(|p| p.exists()) {
            Some(p) => format!("the last good state is kept in {}", p.display()),
            None => "no epoch was complete before".into(),
        }
    }

    pub(super) fn validate(&mut self, epoch: usize) -> Result<Record, StageError> {
        let r = &self.stage.recipe;
        let params = self.candidate(epoch)?;
        let mut largest = None;
        let own: Option<Vec<Gate>> = self.learner.gates().map(|g| g.iter().map(Gate::detached).collect());
        let gates = own.as_ref().unwrap_or(&self.model.gates);
        let runnable = evaluate::Runnable { params: &params, gates, ..self.model.runnable() };
        let val = self.stage.val;
        let (mut clean, mut adversarial) = (None, None);
        if !val.is_empty() && r.val_images > 0 {
            let first = |n| First { images: val, n, batch: EVAL_BATCH };
            clean = Some(evaluate::clean(&runnable, Branch::Clean, first(r.val_images), &mut |_, _| {})?);
            if self.squared() {
                largest = Some(evaluate::largest(&runnable, first(r.val_images))?);
            }
            if r.objective.robust && r.val_attacked > 0 {
                let attack = self.stage.validation_attack();
                let branch = r.objective.adversarial_branch();
                let first = first(r.val_attacked);
                let tell = &mut |_, _| {};
                adversarial = Some(evaluate::adversarial(&runnable, branch, first, &attack, r.seed, tell)?);
            }
        }
        // Robust stages weigh both accuracies alike.
        let score = clean.map(|c| c + adversarial.unwrap_or(0.0));
        // While ReLUs are still blended in, the network is another one.
        if let Some(s) =
            score.filter(|s| self.model.blend == 1.0 && self.progress.best.is_none_or(|b| *s > b))
        {
            self.progress.best = Some(s);
            self.progress.best_epoch = epoch + 1;
            self.best = Some(params);
        }
        let s = &self.progress.sums;
        let mean = |v: f64| v / s.steps.max(1) as f64;
        Ok(Record {
            stage: self.stage.name.clone(),
            method: r.search.as_ref().map(|s| s.method.name().into()),
            epoch: epoch + 1,
            epochs: r.epochs,
            loss: mean(s.parts.total),
            ce: mean(s.parts.ce),
            kl: mean(s.parts.kl),
            attention: mean(s.parts.attention),
            tails: mean(s.parts.tails),
            largest,
            skipped: s.skipped,
            train_accuracy: 100.0 * s.correct as f64 / s.seen.max(1) as f64,
            val_clean: clean,
            val_adversarial: adversarial,
            rate: self.rate(epoch, self.steps.saturating_sub(1)),
            kept: self.masks.kept(),
            hamming: hamming(&self.epoch_masks, &self.masks),
            gradient: s.gradient,
            images_per_second: s.images_per_second(r.each(self.stage.train.len())),
            precision: self.stage.recipe.objective.precision,
            kernels: None,
            data_wait: s.waited / s.seconds.max(1e-9),
            seconds: 0.0,
        })
    }
}
