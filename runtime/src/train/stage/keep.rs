//! What a stage keeps: checkpoints, and the network it leaves.

use super::Run;
use crate::exec::value::{download, upload};
use crate::exec::{Kernels, Param, Precision};
use crate::train::recipe::{Keep, Kind};
use crate::train::record::{StageError, Watcher};
use crate::train::scale::LossScale;
use crate::train::state::{Checkpoint, Progress, Tensors};
use burn::tensor::Tensor as Burn;
use std::path::Path;

impl Run<'_, '_> {
    /// Is what the stage leaves the epoch that validated best?
    pub(super) fn keeps_best(&self) -> bool {
        let r = &self.stage.recipe;
        r.kind != Kind::Search && r.keep == Keep::Best && self.best.is_some()
    }

    /// Leaves in the model what the stage found.
    pub(super) fn keep_result(&mut self) {
        if self.keeps_best()
            && let Some(best) = self.best.take()
        {
            self.model.params = best;
        }
    }

    /// Says that the epoch which validated best lies in the first half of the stage.
    pub(super) fn doubt(&self, watcher: &mut dyn Watcher) {
        let (r, at) = (&self.stage.recipe, self.progress.best_epoch);
        if self.keeps_best() && 2 * at <= r.epochs {
            watcher.note(&format!(
                "stage {} keeps epoch {at} of {}, which validated best. Where the model had been trained on these images before, early \
                 epochs look better than they are: --keep last leaves the last epoch, with --restart.",
                self.stage.name, r.epochs
            ));
        }
    }

    pub(super) fn save(&self) -> Result<(), StageError> {
        let Some(path) = self.stage.checkpoint() else { return Ok(()) };
        let mut tensors = Tensors::new();
        let names: Vec<&str> = self.model.net.params().iter().map(|p| p.name.as_str()).collect();
        let mut put = |prefix: &str, values: &mut dyn Iterator<Item = Option<Burn<1>>>| {
            for (n, v) in names.iter().zip(values) {
                if let Some(v) = v {
                    tensors.insert(format!("{prefix}/{n}"), download(v));
                }
            }
        };
        put("param", &mut self.model.params.iter().cloned().map(Some));
        put("velocity", &mut self.sgd.velocity.iter().cloned());
        put("average", &mut self.average.iter().flatten().cloned().map(Some));
        put("best", &mut self.best.iter().flatten().cloned().map(Some));
        tensors.extend(self.learner.save().into_iter().map(|(k, v)| (format!("learner/{k}"), v)));
        if self.stage.recipe.hardest < 1.0 {
            tensors.extend(self.losses.save());
        }
        if self.stage.recipe.objective.precision == Precision::F16 {
            tensors.insert("scale".into(), vec![self.scale.factor, self.scale.steps as f32]);
        }
        let c = Checkpoint {
            progress: self.progress.clone(),
            tensors,
            masks: self.masks.clone(),
            epoch_masks: self.epoch_masks.clone(),
        };
        c.write(&path).map_err(StageError::Kept)
    }

    /// Goes on where the checkpoint stopped, if there is one and it may be used.
    pub(super) fn load(&mut self, watcher: &mut dyn Watcher) -> Result<bool, StageError> {
        let Some(path) = self.stage.checkpoint().filter(|p| self.stage.resume && p.exists()) else {
            return Ok(false);
        };
        let c = Checkpoint::read(&path, self.model.net.relus()).map_err(StageError::Kept)?;
        let present = self.stage.recipe.objective.precision;
        let in_other = |p: &Precision| {
            let text = self
                .progress
                .recipe
                .replace(&format!("precision: {present:?}"), &format!("precision: {p:?}"));
            *p != present && text == c.progress.recipe
        };
        if let Some(p) = Precision::ALL.iter().find(|p| in_other(p)) {
            return Err(StageError::Kept(format!(
                "{}: was trained in {p}, and would go on in {present}; continue with precision {p}, or remove it",
                path.display()
            )));
        }
        if c.progress.recipe != self.progress.recipe {
            return Err(StageError::Kept(format!(
                "{}: was made by another recipe or data set; continue with the same options, or remove it",
                path.display()
            )));
        }
        let device = self.model.net.device().clone();
        let row = |prefix: &str, p: &Param| {
            let v = c.tensors.get(&format!("{prefix}/{}", p.name));
            match v.filter(|v| v.len() != p.shape.iter().product::<usize>()) {
                None => Ok(v.map(|v| upload(v.clone(), &device))),
                Some(_) => Err(StageError::Kept(format!(
                    "{}: {prefix}/{} has another size than in this network; remove it to start anew",
                    path.display(),
                    p.name
                ))),
            }
        };
        let params = self.model.net.params();
        let rows =
            |prefix: &str| params.iter().map(|p| row(prefix, p)).collect::<Result<Vec<_>, StageError>>();
        let whole = |prefix: &str| rows(prefix).map(|v| v.into_iter().collect::<Option<Vec<_>>>());
        if let Some(&[factor, steps]) = c.tensors.get("scale").map(Vec::as_slice) {
            self.scale = LossScale { factor, steps: steps as u32 };
        }
        self.losses.load(&c.tensors);
        self.sgd.velocity = rows("velocity")?;
        (self.average, self.best) = (whole("average")?, whole("best")?);
        let lacking = || {
            let shown = path.display();
            StageError::Kept(format!("{shown}: lacks parameters of this network; remove it to start anew"))
        };
        self.model.params = whole("param")?.ok_or_else(lacking)?;
        let learned =
            c.tensors.iter().filter_map(|(k, v)| Some((k.strip_prefix("learner/")?.to_string(), v.clone())));
        self.learner.load(&learned.collect(), &device)?;
        self.progress = match c.progress {
            done if done.finished => done,
            before => self.moved(before, &path, watcher),
        };
        self.epoch_masks = c.epoch_masks;
        self.apply_masks(c.masks);
        Ok(true)
    }

    /// Where a stage goes on by this machine's kernels, which may be others than before.
    fn moved(&mut self, before: Progress, path: &Path, watcher: &mut dyn Watcher) -> Progress {
        let kernels = self.progress.kernels.take();
        let same = kernels == before.kernels;
        if !same {
            let of = |k: &Option<Kernels>| k.as_ref().map_or("a card", |k| k.cpu.name());
            watcher.note(&format!(
                "{}: goes on by other kernels ({} before, {} now): what follows may be rounded differently",
                path.display(),
                of(&before.kernels),
                of(&kernels),
            ));
        }
        Progress { kernels, told: before.told && same, ..before }
    }
}
