//! What the stages of a plan are made for, and networks that jobs on several machines begin with.

use super::Trainer;
use super::target::Target;
use crate::error::{Result, input};
use crate::jobs::{Made, Shared, Spec, difference, kept, spec_of};
use relinc_passes::front::onnx::ModelInfo;
use relinc_passes::masks::Masks;
use relinc_runtime::data::{Dataset, short};
use relinc_runtime::exec::value::upload;
use relinc_runtime::fnv::fingerprint;
use relinc_runtime::search::budget::Budget;
use relinc_runtime::search::layers::Vanish;
use relinc_runtime::train::state::{Checkpoint, Progress};
use relinc_runtime::train::{Kind, Model};
use serde::{Deserialize, Serialize};

/// Options that may change while a stage is not over: lowering them saves a run whose loss left the numbers.
const RATES: &[&str] = &["rate", "clip", "schedule", "tails"];

/// What a stage was made for, and how its budget was resolved where that was one in seconds.
type Begun = Made<Option<Resolved>>;

/// How a budget in seconds was resolved.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Resolved {
    keep: usize,
    closed: Vec<bool>,
    #[serde(default)]
    squares: Vec<bool>,
    said: Option<String>,
}

impl Resolved {
    fn of(t: &Target) -> Option<Resolved> {
        match &t.vanish {
            Vanish::Given(closed) => {
                let (closed, squares) = (closed.clone(), t.squares.clone());
                Some(Resolved { keep: t.keep, closed, squares, said: t.said.clone() })
            }
            Vanish::AllBut { .. } => None,
        }
    }
}

impl From<Resolved> for Target {
    fn from(r: Resolved) -> Target {
        Target { keep: r.keep, vanish: Vanish::Given(r.closed), squares: r.squares, said: r.said }
    }
}

impl Trainer<'_> {
    /// What every stage depends on.
    pub(super) fn common(&self, info: &ModelInfo, teacher: &Model, train: &Dataset, val: &Dataset) -> Spec {
        let data = self.images.spec.to_string();
        let classes = &self.images.catalogue.classes;
        let options = data.split_once('?').map_or("", |(_, o)| o);
        let network = match info.sha256.as_str() {
            "" => info.path.display().to_string(),
            hash => hash.to_string(),
        };
        let pairs = [
            ("model", network),
            ("teacher", format!("{:016x}", teacher.fingerprint())),
            ("data", format!("{} and {}, {options}", train.describe(), val.describe())),
            (
                "classes",
                format!(
                    "{} ({:016x})",
                    short(classes),
                    fingerprint(classes.iter().flat_map(|c| c.bytes().chain([0])).map(u64::from))
                ),
            ),
            ("seed", self.plan.seed.to_string()),
            ("batch_norm", format!("{:?}", self.plan.norm).to_lowercase()),
            ("augment", self.plan.augments().to_string()),
            ("start", if self.plan.random_start { "random" } else { "model" }.to_string()),
            ("masks", self.plan.masks.as_ref().map_or("none".into(), of_masks)),
            ("any stage robust", self.plan.robust().to_string()),
        ];
        let output = self.scores.as_ref().and_then(|s| s.output.clone());
        let pairs = pairs.into_iter().chain(output.map(|o| ("output", o)));
        pairs.map(|(k, v)| (k.to_string(), v)).collect()
    }

    /// What stage `i` is made for.
    pub(super) fn spec(&self, i: usize, common: &Spec) -> Result<Spec> {
        let planned = &self.plan.stages[i];
        let mut spec = common.clone();
        spec.extend(spec_of(&planned.options)?);
        if let Some(b) = &planned.budget {
            spec.insert("budget".into(), b.to_string());
        }
        if planned.kind == Kind::Tune {
            let how = if self.fold.is_some() { "before-tune" } else { "after tuning" };
            spec.insert("fold".into(), how.into());
        }
        // What is priced decides what folds and which layers fit a time.
        if planned.kind == Kind::Tune && self.fold.is_some()
            || matches!(planned.budget, Some(Budget::Latency(_)))
        {
            let p = &self.pricing;
            let first = p.first.as_ref().map(|(p, n)| format!("{} on {}", p.name, n.name));
            let form = p.forms.as_ref().map(|(form, n)| format!("{form:?} on {}", n.name));
            let weights = p.weights.map(|w| w.name().to_string());
            let priced = [("priced", first), ("conv_form", form), ("weights", weights)];
            spec.extend(priced.into_iter().filter_map(|(k, v)| Some((k.to_string(), v?))));
        }
        Ok(spec)
    }

    /// Refuses to build on stages that were made for something else.
    pub(super) fn unchanged(&self, shared: &Shared, common: &Spec) -> Result<()> {
        for (i, name) in self.part.names().iter().enumerate().take(self.plan.stages.len()) {
            let runs = self.part.has(name);
            if i > self.part.last() || runs && !self.resume || !shared.tensors(name).exists() {
                continue;
            }
            let Some(made) = kept::read::<Begun>(&shared.made(name))? else { continue };
            let (mut then, mut now) = (made.spec, self.spec(i, common)?);
            if runs {
                RATES.iter().for_each(|&r| {
                    then.remove(r);
                    now.remove(r);
                });
            }
            if let Some(said) = difference(&then, &now) {
                return Err(input(format!(
                    "stage {name} in {} was made for something else: {said}; run with what it was made for, or make it anew with \
                     --restart",
                    shared.path().display()
                )));
            }
        }
        Ok(())
    }

    /// How a search's budget was resolved by the job that began it.
    pub(super) fn resolved(&self, shared: &Shared, name: &str) -> Result<Option<Target>> {
        if !shared.tensors(name).exists() {
            return Ok(None);
        }
        let made = kept::read::<Begun>(&shared.made(name))?;
        Ok(made.and_then(|m| m.found).map(Target::from))
    }

    /// Writes what a stage that runs here is made for.
    pub(super) fn begin(&self, shared: &Shared, i: usize, common: &Spec, t: Option<&Target>) -> Result<()> {
        let found: Option<Resolved> = t.and_then(Resolved::of);
        kept::write(&shared.made(&self.part.names()[i]), &Made::new(self.spec(i, common)?, found))
    }

    /// Gives the student the parameters that an earlier job began with, or leaves its own for later jobs. Measured statistics
    /// may differ in their last bits between machines; what is trained from them must not.
    pub(super) fn same(
        &self,
        shared: &Shared,
        which: &str,
        made_for: String,
        student: &mut Model,
    ) -> Result<()> {
        let path = shared.tensors(which);
        let progress = Progress { recipe: made_for, finished: true, ..Progress::default() };
        if path.exists() {
            let c = Checkpoint::read(&path, &[]).map_err(input)?;
            let other = || {
                input(format!(
                    "{}: was made for another model, data set or seed; --restart starts anew",
                    path.display()
                ))
            };
            if c.progress.recipe != progress.recipe {
                return Err(other());
            }
            let device = student.net.device().clone();
            for (p, v) in student.net.params().iter().zip(&mut student.params) {
                let kept = c.tensors.get(&format!("param/{}", p.name));
                let kept = kept.filter(|k| k.len() == p.shape.iter().product::<usize>()).ok_or_else(other)?;
                *v = upload(kept.clone(), &device);
            }
            return Ok(());
        }
        let tensors = student.export().into_iter().map(|(n, v)| (format!("param/{n}"), v)).collect();
        let c = Checkpoint { progress, tensors, ..Checkpoint::default() };
        c.write(&path).map_err(input)
    }
}

/// A number that tells masks apart.
pub(super) fn of_masks(m: &Masks) -> String {
    let parameters = m.layers.values().flat_map(|l| l.parameters.values().flatten());
    let values = m.layers.values().flat_map(|l| &l.values).map(|v| v.code().into());
    format!("{:016x}", fingerprint(values.chain(parameters.map(|p| p.to_bits().into()))))
}
