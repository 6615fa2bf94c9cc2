//! One stage of a run: epochs of steps with masks, validation, log and checkpoints.

mod far;
mod keep;
mod step;
mod validate;

pub use validate::hamming;

use super::hardest::Losses;
use super::learner::{Scene, learner};
use super::model::Model;
use super::objective::At;
use super::optimizer::Sgd;
use super::recipe::{Kind, Recipe};
use super::record::{Ended, Now, Record, StageError, Watcher};
use super::replicas::Replicas;
use super::scale::LossScale;
use super::schedule::Schedule;
use super::squares;
use super::state::{Progress, Sums};
use crate::attack::Attack;
use crate::data::Dataset;
use crate::fnv::fingerprint;
use burn::tensor::{Device, Tensor as Burn};
use relinc_passes::choice::Choice;
use relinc_passes::masks::Masks;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Attacked validation images take this attack: ten steps, cross-entropy.
const VAL_STEPS: usize = 10;
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
    /// Devices that share each batch with the model's own.
    pub beside: Vec<Device>,
}

/// The state of a running stage.
struct Run<'a, 's> {
    stage: &'s Stage<'a>,
    model: &'s mut Model,
    masks: Masks,
    sgd: Sgd,
    scale: LossScale,
    average: Option<Vec<Burn<1>>>,
    best: Option<Vec<Burn<1>>>,
    learner: Box<dyn super::learner::Learner>,
    progress: Progress,
    steps: usize,
    epoch_masks: Masks,
    losses: Losses,
    replicas: Replicas,
}

impl Stage<'_> {
    /// The checkpoint's file.
    pub fn checkpoint(&self) -> Option<PathBuf> {
        self.folder.as_ref().map(|f| f.join(format!("{}.safetensors", self.name)))
    }

    /// What validation images are attacked with: the training attack with ten steps, inside the ball.
    pub fn validation_attack(&self) -> Attack {
        self.recipe.objective.attack.measuring(VAL_STEPS)
    }

    /// What a checkpoint must have been made for to be continued.
    /// Rates and limits may change: lowering them is how a run is saved whose loss left the numbers.
    fn recipe_text(&self, start: &Model, masks: &Masks) -> String {
        let mut r = Recipe { rate: 0.0, clip: 0.0, schedule: Schedule::Constant, ..self.recipe.clone() };
        r.objective.tails = 0.0;
        if let Some(s) = &mut r.search {
            s.first = None;
        }
        let teacher = self.teacher.map_or(0, Model::fingerprint);
        format!(
            "{r:?} from {:016x} under {:016x} taught by {teacher:016x} at density {:?} on {} images of {}, {:?}",
            start.fingerprint(),
            fingerprint(masks.layers.values().flat_map(|l| &l.values).map(|v| v.code().into())),
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
        let r = &self.recipe;
        if r.epochs > 0 && !model.net.params().iter().any(|p| p.role.trainable()) {
            let why = "the network has no weights to train; search with method oneshot, which trains nothing";
            return Err(StageError::Other(format!("stage {}: {why}", self.name)));
        }
        model.learn_slopes(r.slopes);
        match r.kind {
            Kind::Search => model.settle(masks),
            Kind::Teacher | Kind::Tune => model.unsettle(),
        }
        let fresh = r.epochs > 0 && self.has_squares(masks) && model.learn_squares();
        model.set_masks(masks);
        let mut run = Run {
            steps: match &self.order {
                Some(o) => o.first().map_or(1, Vec::len),
                None => r.steps(self.train.len()),
            },
            sgd: Sgd {
                gains: model.net.params().iter().map(|p| Sgd::gain(p.role)).collect(),
                ..Sgd::new(model.params.len(), r.momentum, r.decay, r.clip)
            },
            scale: LossScale::default(),
            average: None,
            best: None,
            learner: learner(r.search.as_ref(), masks.clone()),
            progress: Progress {
                recipe: self.recipe_text(model, masks),
                kernels: model.net.kernels(r.objective.precision),
                ..Progress::default()
            },
            epoch_masks: masks.clone(),
            losses: Losses::new(self.train.len()),
            replicas: Replicas::new(&self.beside, model, self.teacher),
            masks: masks.clone(),
            stage: self,
            model,
        };
        let ended = run.all(watcher, fresh)?;
        if ended == Ended::Finished {
            run.keep_result();
        }
        crate::kernels::pool::clear();
        *masks = run.model.with_squares(run.masks);
        if r.slopes {
            *masks = run.model.with_slopes(std::mem::take(masks));
            run.model.learn_slopes(false);
            run.model.set_masks(masks);
        }
        Ok(ended)
    }

    /// May layers be quadratic in all their elements?
    fn has_squares(&self, masks: &Masks) -> bool {
        let searched = self.recipe.search.as_ref().is_some_and(|s| s.choices.contains(&Choice::Quadratic));
        searched || masks.layers.values().any(|m| m.only(Choice::Quadratic))
    }
}

impl Run<'_, '_> {
    /// Runs all epochs; `fresh` says that coefficients of quadratics have no values yet.
    fn all(&mut self, watcher: &mut dyn Watcher, fresh: bool) -> Result<Ended, StageError> {
        let r = &self.stage.recipe;
        if !self.load(watcher)? {
            let leave = r.search.as_ref().is_some_and(|s| !s.squares.is_empty());
            if fresh || leave {
                squares::fit(self.model, &self.stage.train, &self.masks, fresh)?;
            }
            let stop = self.stage.stop.clone();
            let mut tell = |i, n| {
                watcher.round(i, n);
                !stop.load(Ordering::Relaxed)
            };
            match self.ask(0, 0, |l, s| l.start(s, &mut tell)) {
                Err(_) if stop.load(Ordering::Relaxed) => return Ok(Ended::Stopped),
                first => self.apply_masks(first?),
            }
            self.epoch_masks = self.masks.clone();
        }
        while self.progress.epoch < r.epochs && !self.progress.finished {
            if let Ended::Stopped = self.epoch(watcher)? {
                return Ok(Ended::Stopped);
            }
        }
        if !self.progress.finished {
            self.model.set_blend(1.0);
            self.model.frozen = None;
            if let Some(m) = self.ask(r.epochs, 0, |l, s| l.finish(s))? {
                self.apply_masks(m);
            }
            let last = r.epochs.saturating_sub(1);
            if !self.keeps_best() {
                self.model.params = self.candidate(last)?;
                self.average = None;
            }
            if r.kind == Kind::Search {
                if r.slopes {
                    let rounded = self.model.with_slopes(self.masks.clone());
                    self.apply_masks(rounded);
                }
                if r.epochs > 0 && self.measurable(last) {
                    let mut ended = self.model.clone();
                    self.remeasure(&mut ended)?;
                    self.model.params = ended.params;
                }
            }
            self.doubt(watcher);
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

    fn apply_masks(&mut self, masks: Masks) {
        self.masks.layers = masks.layers;
        self.model.set_masks(&self.masks);
        if self.stage.recipe.slopes {
            // From here on they are parameters.
            self.masks.layers.values_mut().for_each(|m| drop(m.parameters.remove(&Choice::Identity)));
        }
        if self.model.squares {
            let whole = self.masks.layers.values_mut().filter(|m| m.only(Choice::Quadratic));
            whole.for_each(|m| drop(m.parameters.remove(&Choice::Quadratic)));
        }
    }

    /// Is a layer quadratic in all its elements?
    fn squared(&self) -> bool {
        self.model.gates.iter().any(|g| g.square.is_some())
    }

    /// The share of the stage that is done before a step.
    fn done(&self, epoch: usize, step: usize) -> f64 {
        (epoch * self.steps + step) as f64 / (self.stage.recipe.epochs * self.steps).max(1) as f64
    }

    /// The share of the ReLUs' place that layers which leave have taken after a step.
    fn blend(&self, epoch: usize, step: usize) -> f32 {
        let over = self.stage.recipe.blend;
        if over > 0.0 { (self.done(epoch, step + 1) / over).min(1.0) as f32 } else { 1.0 }
    }

    fn rate(&self, epoch: usize, step: usize) -> f64 {
        let r = &self.stage.recipe;
        r.rate * r.schedule.factor(self.done(epoch, step))
    }

    fn epoch(&mut self, watcher: &mut dyn Watcher) -> Result<Ended, StageError> {
        let epoch = self.progress.epoch;
        let first = self.progress.step;
        self.model.set_blend(self.blend(epoch, first));
        self.freeze(epoch, first)?;
        let mut batches = self.batches(epoch, first);
        let mut started = Instant::now();
        let mut waited = 0.0;
        for step in first..self.steps {
            if self.stage.stop.load(Ordering::Relaxed) {
                self.sound(epoch, step)?;
                self.save()?;
                return Ok(Ended::Stopped);
            }
            self.model.set_blend(self.blend(epoch, step));
            if step > first && self.freeze(epoch, step)? {
                batches = self.batches(epoch, step);
            }
            let changed = self.ask(epoch, step, |l, s| l.before_step(s, step))?;
            if let Some(m) = changed {
                self.progress.since_masks = 0;
                self.apply_masks(m);
            }
            let Some(mut batch) = batches.next() else {
                return Err(StageError::Other("the data loader ended early".into()));
            };
            if self.model.frozen.is_some() && self.squared() {
                far::harden(&mut batch);
            }
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
        self.sound(epoch, self.steps)?;
        let found = self.ask(epoch, self.steps, |l, s| l.after_epoch(s))?;
        if let Some(m) = found {
            self.apply_masks(m);
        }
        let end = Instant::now();
        let record = self.validate(epoch)?;
        self.collapsed(&record)?;
        self.progress.seconds += self.progress.sums.seconds + end.elapsed().as_secs_f64();
        let kernels = self.progress.kernels.clone().filter(|_| !self.progress.told);
        let record = Record { seconds: self.progress.seconds, kernels, ..record };
        watcher.epoch(&record).map_err(StageError::Kept)?;
        self.progress.told = true;
        self.progress.sums = Sums::default();
        self.progress.epoch = epoch + 1;
        self.progress.step = 0;
        self.epoch_masks = self.masks.clone();
        self.losses.turn();
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
            images_per_second: s.images_per_second(self.stage.recipe.each(self.stage.train.len())),
            kept: self.masks.kept(),
        });
    }
}
