//! One training step, timed: of a search on clean images, or RLNet's three-way step.

use super::{Plan, Row, Subject, Task};
use crate::error::{Error, Result, input};
use relinc_passes::ir::infer::infer;
use relinc_passes::layers::name_layers;
use relinc_runtime::cost;
use relinc_runtime::data::{DataSpec, Split};
use relinc_runtime::exec::{Gate, Network};
use relinc_runtime::kernels::clock::timed;
use relinc_runtime::train::loader::{Batch, LoaderOptions, batch};
use relinc_runtime::train::model::MOMENTUM;
use relinc_runtime::train::objective::At;
use relinc_runtime::train::optimizer::Sgd;
use relinc_runtime::train::replicas::{Replicas, StepOptions, read};
use relinc_runtime::train::{Kind, Method, Model, Recipe};

/// What a step computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Cross-entropy of clean images.
    Clean,
    /// RLNet's: clean and AugMix views through BN_c, images attacked by PGD-7 through BN_a, cross-entropy and divergence from
    /// a teacher.
    Robust,
}

/// Times SGD steps with masked ReLUs, on drawn images.
pub fn measure(step: Step, plan: &mut Plan<'_>) -> Result<Vec<Row>> {
    plan.subjects.clone().iter().map(|(s, batch)| one(step, s, *batch, plan)).collect()
}

fn one(step: Step, subject: &Subject, size: usize, plan: &mut Plan<'_>) -> Result<Row> {
    relinc_runtime::kernels::pool::clear();
    let mut g = subject.0.build(0).map_err(input)?;
    let facts = infer(&g).map_err(|e| input(&e[0]))?;
    name_layers(&mut g, &facts);
    let macs = cost::totals(&g, &facts).macs as f64;
    let robust = step == Step::Robust;
    let spec: DataSpec = format!("shapes?train={size}").parse().map_err(input)?;
    let ds = spec.open(Split::Train, Some(size)).map_err(input)?;
    let [c, h, w] = subject.0.input;
    let model = |dual| {
        let mut m = Model::new(Network::new(&g, dual, plan.device)?, &spec.normalize(), [c, h, w])?;
        m.gates = m.gates.iter().map(|open| halved(open, &m)).collect();
        Ok::<_, String>(m)
    };
    let mut student = model(robust).map_err(input)?;
    let teacher = robust.then(|| model(false)).transpose().map_err(input)?;
    // Its weights are now the models'.
    drop((g, facts));
    let (kind, method) = match step {
        Step::Clean => (Kind::Teacher, None),
        Step::Robust => (Kind::Search, Some(Method::Rlnet)),
    };
    let mut recipe = Recipe::new(kind, method, robust, 0.5, 1);
    recipe.objective.precision = plan.precision;
    let mut sgd = Sgd::new(student.params.len(), recipe.momentum, recipe.decay, 0.0);
    let loader = LoaderOptions { augment: true, augmix: robust, seed: 0 };
    let images = ds.image_shape() == [c, h, w];
    let made =
        if images { batch(&ds, &loader, 0, 0, (0..size).collect()) } else { noise(size, c * h * w, robust) };
    let mut alone = Replicas::new(&[], &student, teacher.as_ref());
    let mut steps = 0;
    let mut once = || {
        let at = At { seed: 0, step: steps };
        steps += 1;
        let asked = StepOptions { objective: &recipe.objective, scale: 1.0, watch: false, at };
        let found = alone.compute(asked, &student, &student.gates, teacher.as_ref(), &made).map_err(input)?;
        let norm = timed("optimizer", String::new, || 0, || sgd.step(&mut student.params, found.grads, 1e-3));
        for (branch, s) in &found.statistics {
            timed(
                "running statistics",
                String::new,
                || 0,
                || student.update_statistics(*branch, s, MOMENTUM),
            );
        }
        if !read(found.pending, norm).parts.total.is_finite() {
            return Err(Error::Answer("the loss is not a finite number".into()));
        }
        student.net.device().sync().map_err(|e| input(format!("the device failed: {e}")))?;
        Ok(())
    };
    // Forward and both gradients of each row; of attacked rows, forward and data gradient in each iterate.
    let rows = size as f64;
    let passes = match step {
        Step::Clean => 6.0 * rows,
        Step::Robust => {
            6.0 * 1.5 * rows + 4.0 * 0.5 * rows * f64::from(recipe.objective.attack.steps as u32) + 2.0 * rows
        }
    };
    let name = match step {
        Step::Clean => format!("train-step {subject}, batch {size}"),
        Step::Robust => format!("robust-step {subject}, batch {size}"),
    };
    let mut row = Task { name, batch: size, flops: passes * macs }.measure(plan, &mut once)?;
    if plan.profile && images {
        let made = || {
            drop(batch(&ds, &loader, 0, 1, (0..size).collect()));
            Ok(())
        };
        row.profile.extend(super::profile::beside("data, made ahead on another thread", row.seconds, made)?);
    }
    Ok(row)
}

/// A gate that keeps every second ReLU and lets the others through.
fn halved(open: &Gate, m: &Model) -> Gate {
    let n = open.pos.dims()[0];
    let neg = (0..n).map(|i| (i % 2) as f32).collect();
    Gate::upload(vec![1.0; n], neg, m.net.device())
}

/// Images of a size that no built-in data set has.
fn noise(size: usize, each: usize, augmix: bool) -> Batch {
    let drawn =
        |n: usize, seed| crate::random::uniform(&[n * each], seed).as_f32().unwrap_or_default().to_vec();
    let pixels = |n, seed| drawn(n, seed).into_iter().map(|v| 0.5 * v + 0.5).collect();
    Batch {
        step: 0,
        images: (0..size).collect(),
        labels: (0..size).map(|i| i % 10).collect(),
        clean: pixels(size, 0),
        augmix: if augmix { pixels(size / 2, 1) } else { vec![] },
    }
}
