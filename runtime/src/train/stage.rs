//! One stage of a run: epochs of steps with masks, validation, log and checkpoints.

mod keep;

use super::evaluate;
use super::insert_norm::remeasure;
use super::learner::{Scene, learner};
use super::loader::{self, Loader, LoaderOptions};
use super::model::{MOMENTUM, Model};
use super::objective::At;
use super::optimizer::Sgd;
use super::recipe::{Kind, Recipe};
use super::record::{Ended, Now, Record, StageError, Watcher};
use super::schedule::Schedule;
use super::sparsity::sparse;
use super::state::{Progress, Sums};
use crate::attack::Attack;
use crate::data::Dataset;
use crate::exec::{Branch, Gate};
use burn::tensor::Tensor as Burn;
use relinc_passes::masks::{Masks, RELU};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Attacked validation images take this attack: ten steps, cross-entropy.
const VAL_STEPS: usize = 10;
/// Training images whose statistics a network gets at the end of a search.
const REMEASURED: usize = 1024;
/// Images a batch of evaluation.
pub const EVAL_BATCH: usize = 128;

/// What one stage is given.
#[derive(Debug)]
pub struct Stage<'a> {
    /// Its name, which its checkpoints carry.
    pub name: String,
    /// What to do.
    pub recipe: Recipe,
    /// The all-ReLU network that teaches, if any.
    pub teacher: Option<&'a Model>,
    /// Training images.
    pub train: Arc<Dataset>,
    /// Validation images.
    pub val: &'a Dataset,
    /// Where checkpoints go; none are written without.
    pub folder: Option<PathBuf>,
    /// Continue from the checkpoint there.
    pub resume: bool,
    /// Set when the user wants to stop.
    pub stop: Arc<AtomicBool>,
    /// Batches recorded elsewhere.
    pub order: Option<Arc<Vec<Vec<Vec<usize>>>>>,
    /// Train with only this share of the weights (SENet's sensitivity run).
    pub density: Option<f64>,
}

/// A number that tells masks apart (FNV-1a).
fn fingerprint(m: &Masks) -> u64 {
    let values = m.layers.values().flat_map(|l| &l.values);
    values.fold(0xcbf2_9ce4_8422_2325, |h, v| (h ^ u64::from(*v)).wrapping_mul(0x100_0000_01b3))
}

/// Share of elements on which two masks differ.
pub fn hamming(a: &Masks, b: &Masks) -> f64 {
    let (mut differ, mut all) = (0usize, 0usize);
    for (name, x) in &a.layers {
        if let Some(y) = b.layers.get(name) {
            differ += x.values.iter().zip(&y.values).filter(|(x, y)| (**x == RELU) != (**y == RELU)).count();
            all += x.values.len();
        }
    }
    differ as f64 / all.max(1) as f64
}

/// The state of a running stage.
struct Run<'a, 's> {
    stage: &'s Stage<'a>,
    model: &'s mut Model,
    masks: Masks,
    sgd: Sgd,
    average: Option<Vec<Burn<1>>>,
    best: Option<Vec<Burn<1>>>,
    best_masks: Option<Masks>,
    learner: Box<dyn super::learner::Learner>,
    progress: Progress,
    steps: usize,
    epoch_masks: Masks,
}

impl Stage<'_> {
    /// The checkpoint's file.
    pub fn checkpoint(&self) -> Option<PathBuf> {
        self.folder.as_ref().map(|f| f.join(format!("{}.safetensors", self.name)))
    }

    /// What validation images are attacked with: the training attack with ten steps.
    pub fn validation_attack(&self) -> Attack {
        Attack { steps: VAL_STEPS, ..self.recipe.objective.attack }
    }

    /// What a checkpoint must have been made for to be continued.
    /// Rates and limits may change: lowering them is how a run is saved whose loss left the numbers.
    fn recipe_text(&self, start: &Model, masks: &Masks) -> String {
        let mut r = Recipe { rate: 0.0, clip: 0.0, schedule: Schedule::Constant, ..self.recipe.clone() };
        if let Some(s) = &mut r.search {
            s.first = None;
        }
        let teacher = self.teacher.map_or(0, Model::fingerprint);
        format!(
            "{r:?} from {:016x} under {:016x} taught by {teacher:016x} at density {:?} on {} images of {}, {:?}",
            start.fingerprint(),
            fingerprint(masks),
            self.density,
            self.train.len(),
            self.train.describe(),
            self.train.normalize()
        )
    }

    /// Trains `model`, which carries `masks`, in place, and leaves in both what the stage found: the best epoch by
    /// validation where masks are frozen, the last where they are learned.
    pub fn run(
        &self,
        model: &mut Model,
        masks: &mut Masks,
        watcher: &mut dyn Watcher,
    ) -> Result<Ended, StageError> {
        model.set_masks(masks);
        let r = &self.recipe;
        let mut run = Run {
            steps: match &self.order {
                Some(o) => o.first().map_or(1, Vec::len),
                None => loader::steps(self.train.len(), r.batch),
            },
            sgd: Sgd::new(model.params.len(), r.momentum, r.decay, r.clip),
            average: None,
            best: None,
            best_masks: None,
            learner: learner(r.search.as_ref(), masks.clone()),
            progress: Progress { recipe: self.recipe_text(model, masks), ..Progress::default() },
            epoch_masks: masks.clone(),
            masks: masks.clone(),
            stage: self,
            model,
        };
        let ended = run.all(watcher)?;
        if ended == Ended::Finished {
            run.settle();
        }
        *masks = run.masks;
        Ok(ended)
    }
}

impl Run<'_, '_> {
    fn all(&mut self, watcher: &mut dyn Watcher) -> Result<Ended, StageError> {
        let r = &self.stage.recipe;
        if !self.load()? {
            let first = self.ask(0, 0, |l, s| l.start(s))?;
            self.wear(first);
            self.epoch_masks = self.masks.clone();
        }
        while self.progress.epoch < r.epochs && !self.progress.finished {
            if let Ended::Stopped = self.epoch(watcher)? {
                return Ok(Ended::Stopped);
            }
        }
        if !self.progress.finished {
            if let Some(m) = self.ask(r.epochs, 0, |l, s| l.finish(s))? {
                self.wear(m);
            }
            if r.kind == Kind::Search {
                self.model.params = self.candidate();
                self.average = None;
                self.remeasure()?;
            }
            self.progress.finished = true;
            self.save()?;
        }
        Ok(Ended::Finished)
    }

    /// Lets the learner look at where the run is.
    fn ask<T>(
        &mut self,
        epoch: usize,
        step: usize,
        what: impl FnOnce(&mut dyn super::learner::Learner, &Scene<'_>) -> Result<T, String>,
    ) -> Result<T, StageError> {
        let scene = Scene {
            student: self.model,
            teacher: self.stage.teacher,
            train: &self.stage.train,
            at: At { seed: self.stage.recipe.seed, step: (epoch * self.steps + step) as u64 },
            epochs: self.stage.recipe.epochs,
            epoch,
            steps: self.steps,
        };
        Ok(what(self.learner.as_mut(), &scene)?)
    }

    fn wear(&mut self, masks: Masks) {
        self.masks.layers = masks.layers;
        self.model.set_masks(&self.masks);
    }

    fn rate(&self, epoch: usize, step: usize) -> f64 {
        let r = &self.stage.recipe;
        let done = (epoch * self.steps + step) as f64 / (r.epochs * self.steps).max(1) as f64;
        r.rate * r.schedule.factor(done)
    }

    fn epoch(&mut self, watcher: &mut dyn Watcher) -> Result<Ended, StageError> {
        let r = &self.stage.recipe;
        let epoch = self.progress.epoch;
        let options = LoaderOptions {
            batch: r.batch,
            augment: r.augment,
            augmix: r.objective.robust,
            seed: r.seed,
            order: self.stage.order.clone(),
        };
        let mut batches =
            Loader::start(self.stage.train.clone(), &options, epoch, self.progress.step..self.steps);
        let mut started = Instant::now();
        let mut waited = 0.0;
        for step in self.progress.step..self.steps {
            if self.stage.stop.load(Ordering::Relaxed) {
                self.save()?;
                return Ok(Ended::Stopped);
            }
            let changed = self.ask(epoch, step, |l, s| l.before_step(s, step))?;
            if let Some(m) = changed {
                self.progress.since_masks = 0;
                self.wear(m);
            }
            let Some(batch) = batches.next() else {
                return Err(StageError::Other("the data loader ended early".into()));
            };
            self.step(&batch, epoch, step)?;
            let s = &mut self.progress.sums;
            s.seconds += started.elapsed().as_secs_f64();
            let total_wait = batches.waited().as_secs_f64();
            s.waited += total_wait - waited;
            waited = total_wait;
            started = Instant::now();
            self.progress.step = step + 1;
            self.tell(watcher, epoch);
        }
        drop(batches);
        let found = self.ask(epoch, self.steps, |l, s| l.after_epoch(s))?;
        if let Some(m) = found {
            self.wear(m);
        }
        let end = Instant::now();
        let record = self.validate(epoch)?;
        self.progress.seconds += self.progress.sums.seconds + end.elapsed().as_secs_f64();
        watcher.epoch(&Record { seconds: self.progress.seconds, ..record })?;
        self.progress.sums = Sums::default();
        self.progress.epoch = epoch + 1;
        self.progress.step = 0;
        self.epoch_masks = self.masks.clone();
        self.save()?;
        Ok(Ended::Finished)
    }

    fn tell(&self, watcher: &mut dyn Watcher, epoch: usize) {
        let s = &self.progress.sums;
        watcher.step(&Now {
            stage: &self.stage.name,
            epoch: epoch + 1,
            epochs: self.stage.recipe.epochs,
            step: self.progress.step,
            steps: self.steps,
            loss: s.parts.total / s.steps.max(1) as f64,
            accuracy: 100.0 * s.correct as f64 / s.seen.max(1) as f64,
            images_per_second: (s.steps * self.stage.recipe.batch.min(self.stage.train.len())) as f64
                / s.seconds.max(1e-9),
            kept: self.masks.kept(),
        });
    }

    fn step(&mut self, batch: &loader::Batch, epoch: usize, step: usize) -> Result<(), StageError> {
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
    fn remeasure(&mut self) -> Result<(), StageError> {
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
    fn candidate(&self) -> Vec<Burn<1>> {
        self.average.clone().unwrap_or_else(|| self.model.params.clone())
    }

    fn validate(&mut self, epoch: usize) -> Result<Record, StageError> {
        let r = &self.stage.recipe;
        let params = self.candidate();
        let own: Option<Vec<Gate>> = self.learner.gates().map(|g| g.iter().map(Gate::detached).collect());
        let gates = own.as_ref().unwrap_or(&self.model.gates);
        let runnable = evaluate::Runnable { params: &params, gates, ..self.model.runnable() };
        let val = self.stage.val;
        let (mut clean, mut adversarial) = (None, None);
        if !val.is_empty() && r.val_images > 0 {
            clean = Some(evaluate::clean(
                &runnable,
                Branch::Clean,
                val,
                r.val_images,
                EVAL_BATCH,
                &mut |_, _| {},
            )?);
            if r.objective.robust && r.val_attacked > 0 {
                let attack = self.stage.validation_attack();
                let branch = r.objective.adversarial_branch();
                let n = r.val_attacked;
                adversarial = Some(evaluate::adversarial(
                    &runnable,
                    branch,
                    val,
                    n,
                    EVAL_BATCH,
                    &attack,
                    r.seed,
                    &mut |_, _| {},
                )?);
            }
        }
        // Robust stages weigh both accuracies alike.
        let score = clean.map(|c| c + adversarial.unwrap_or(0.0));
        if let Some(s) = score.filter(|s| self.progress.best.is_none_or(|b| *s > b)) {
            self.progress.best = Some(s);
            self.progress.best_epoch = epoch + 1;
            self.best = Some(params);
            self.best_masks = Some(self.masks.clone());
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
            train_accuracy: 100.0 * s.correct as f64 / s.seen.max(1) as f64,
            val_clean: clean,
            val_adversarial: adversarial,
            rate: self.rate(epoch, self.steps.saturating_sub(1)),
            kept: self.masks.kept(),
            hamming: hamming(&self.epoch_masks, &self.masks),
            gradient: s.gradient,
            images_per_second: (s.steps * r.batch.min(self.stage.train.len())) as f64 / s.seconds.max(1e-9),
            data_wait: s.waited / s.seconds.max(1e-9),
            seconds: 0.0,
        })
    }
}
