//! What a run will take, from a few of its steps.

use super::evaluate::Measure;
use super::student::Setup;
use super::{Plan, Planned};
use crate::bench::peak_memory;
use crate::error::{Result, input};
use crate::images::Images;
use crate::model::Model as Canonical;
use relinc_runtime::data::Split;
use relinc_runtime::device;
use relinc_runtime::eval;
use relinc_runtime::threads;
use relinc_runtime::train::loader::{LoaderOptions, batch};
use relinc_runtime::train::objective::At;
use relinc_runtime::train::optimizer::Sgd;
use relinc_runtime::train::replicas::{Replicas, StepOptions, read};
use relinc_runtime::train::{Kind, Model, Recipe};
use serde::Serialize;
use std::sync::Arc;
use std::time::Instant;

/// Steps that are timed, after one that is not.
const STEPS: usize = 3;
/// Images whose evaluation is timed.
const IMAGES: usize = 256;
/// An image costs an evaluation by the training's kernels this share of what it costs a step.
const FORWARD: f64 = 1.0 / 3.0;

/// What a run will take on this machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// Seconds of all stages and the accuracies after them.
    pub seconds: f64,
    /// The largest resident memory of this process once it had the images and made some steps, in bytes; a run takes about that.
    pub memory_bytes: Option<u64>,
    /// Seconds of a training step.
    pub step_s: f64,
    /// Steps that were timed.
    pub timed: usize,
    /// Images of a step.
    pub batch: usize,
    /// Steps of all stages.
    pub steps: usize,
    /// Training images.
    pub images: usize,
    /// Threads that compute.
    pub threads: usize,
    /// Where it computes, in a sentence.
    pub device: String,
}

/// Makes the networks of a plan and takes a few steps of its first stage that trains, with all ReLUs.
pub(super) fn estimate(
    plan: &Plan,
    measure: &Measure,
    images: &Images,
    (form, teacher): (&Canonical, Option<&Canonical>),
) -> Result<Estimate> {
    let named = |e: String| input(format!("{}: {e}", form.info.path.display()));
    let chosen = device::choose(&plan.device).map_err(input)?;
    let (train, val) = (Arc::new(images.open(Split::Train, None)?), images.open(Split::Val, None)?);
    let setup = Setup { plan, data: &images.spec, train: train.clone(), val, device: chosen.first() };
    let (first, mut recipe) = first(plan)?;
    recipe.objective.precision = first.options.precision_on(chosen.first())?;
    let teacher = match first.kind {
        Kind::Teacher => None,
        Kind::Search | Kind::Tune => Some(setup.teacher(teacher.unwrap_or(form)).map_err(named)?),
    };
    let mut student = setup.student(form, plan.masks.as_ref()).map_err(named)?;
    let step_s = steps(&setup, &mut student, teacher.as_ref(), &recipe).map_err(named)?;
    let evaluated = eval::clean(&form.graph, &setup.val, IMAGES, &mut |_, _| {}).map_err(named)?;
    let each = evaluated.seconds / evaluated.n.max(1) as f64;
    let mut seconds = 0.0;
    let mut all = 0;
    for s in &plan.stages {
        let r = of(s, plan)?;
        let per_epoch = r.steps(train.len());
        // The looks of gradual are about as many images forward and back.
        let looks = match (&s.kind, s.options.method()) {
            (Kind::Search, Ok(m)) if m.trains() => {
                s.options.search(0, plan.seed).map(|o| (o.refreshes * o.calibration).div_ceil(r.batch))?
            }
            _ => 0,
        };
        let validated = r.looked_at(setup.val.len()) as f64 * FORWARD / r.batch as f64;
        seconds += r.epochs as f64 * step_s * ((per_epoch + looks) as f64 + validated);
        all += r.epochs * per_epoch;
    }
    // The network before and the one after, the latter as it was trained and as it is emitted.
    seconds += 3.0 * measure.clean as f64 * each;
    // Before and after, the latter with fewer elements that bend.
    seconds += 2.0 * measure.certificates(&form.graph, &setup.val).map_err(named)?;
    Ok(Estimate {
        seconds,
        memory_bytes: peak_memory().filter(|_| chosen.card.is_none()),
        step_s,
        timed: STEPS,
        batch: recipe.batch,
        steps: all,
        images: train.len(),
        threads: threads::count(),
        device: chosen.said.clone(),
    })
}

/// The recipe of a stage, as if all ReLUs were kept.
fn of(s: &Planned, plan: &Plan) -> Result<Recipe> {
    let method = (s.kind == Kind::Search).then(|| s.options.method()).transpose()?;
    let robust = s.options.steps.robust.unwrap_or_else(|| plan.robust());
    s.options.recipe(s.kind, method, robust, !robust, 1.0, plan.seed)
}

/// The first stage that trains, and its recipe.
fn first(plan: &Plan) -> Result<(&Planned, Recipe)> {
    let s = plan.first_to_train().ok_or_else(|| input("no stage trains"))?;
    Ok((s, of(s, plan)?))
}

/// The median of the seconds of some steps.
fn steps(setup: &Setup<'_>, student: &mut Model, teacher: Option<&Model>, r: &Recipe) -> Result<f64, String> {
    let options = LoaderOptions { augment: r.augment, augmix: r.objective.robust, seed: r.seed };
    let n = r.each(setup.train.len());
    let made = batch(&setup.train, &options, 0, 0, (0..n).collect());
    let mut sgd = Sgd::new(student.params.len(), r.momentum, r.decay, r.clip);
    let mut alone = Replicas::new(&[], student, teacher);
    let mut all = vec![];
    for step in 0..=STEPS {
        let start = Instant::now();
        let at = At { seed: r.seed, step: step as u64 };
        let asked = StepOptions { objective: &r.objective, scale: 1.0, watch: false, at };
        let found = alone.compute(asked, student, &student.gates, teacher, &made)?;
        let norm = sgd.step(&mut student.params, found.grads, 0.0);
        read(found.pending, norm);
        student.net.device().sync().map_err(|e| format!("the device failed: {e}"))?;
        all.push(start.elapsed().as_secs_f64());
    }
    all.remove(0);
    all.sort_by(f64::total_cmp);
    Ok(all[all.len() / 2])
}
