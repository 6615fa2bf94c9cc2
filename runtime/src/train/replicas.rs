//! One batch on several devices: each computes its rows on a copy of the network, the first adds up.
//!
//! As in data-parallel training elsewhere, batch normalisations see the rows of their own device, and the running statistics
//! get the mean of the devices'.

use super::loader::Batch;
use super::model::Model;
use super::objective::{At, Objective, Parts, Pending, Reading};
use super::seen::Seen;
use crate::exec::value::detached;
use crate::exec::{Branch, Gate, Statistics};
use burn::tensor::{Device, Tensor as Burn};
use std::ops::Range;

/// Copies of the student and the teacher on the devices after the first.
#[derive(Debug, Clone)]
pub struct Replicas {
    others: Vec<(Model, Option<Model>)>,
}

/// What a step gave: on one device, or on all of them and brought to the first.
#[derive(Debug)]
pub struct Joined {
    /// The gradients of the mean loss times the loss scale, one a parameter.
    pub grads: Vec<Option<Burn<1>>>,
    /// What the learner is shown.
    pub seen: Seen,
    /// Batch statistics by branch.
    pub statistics: Vec<(Branch, Vec<Statistics>)>,
    /// The numbers of each part, with its share of the rows.
    pub pending: Vec<(Pending, f64)>,
    /// Rows that went in clean.
    pub clean_rows: usize,
}

/// Fetches the numbers of all parts: their mean, and how many rows were classified correctly.
pub fn read(pending: Vec<(Pending, f64)>, norm: Burn<1>) -> Reading {
    let mut sum = Reading { parts: Parts::default(), correct: 0, losses: vec![], norm: 0.0 };
    for (p, share) in pending {
        let device = p.device();
        let r = p.read(norm.clone().to_device(&device));
        sum.parts.total += share * r.parts.total;
        sum.parts.ce += share * r.parts.ce;
        sum.parts.kl += share * r.parts.kl;
        sum.parts.attention += share * r.parts.attention;
        sum.parts.tails += share * r.parts.tails;
        sum.correct += r.correct;
        sum.losses.extend(r.losses);
        sum.norm = r.norm;
    }
    sum
}

impl Replicas {
    /// Copies for further devices.
    pub fn new(devices: &[Device], student: &Model, teacher: Option<&Model>) -> Replicas {
        let copy = |d: &Device| (student.to_device(d), teacher.map(|t| t.to_device(d)));
        Replicas { others: devices.iter().map(copy).collect() }
    }

    /// A step's gradients under `gates`.
    ///
    /// # Errors
    /// Those of [`Objective::compute`]; a batch with fewer than two images a device.
    pub fn compute(
        &mut self,
        step: StepOptions<'_>,
        student: &Model,
        gates: &[Gate],
        teacher: Option<&Model>,
        batch: &Batch,
    ) -> Result<Joined, String> {
        if self.others.is_empty() {
            return step.on(student, gates, teacher, batch);
        }
        let devices = self.others.len() + 1;
        if batch.images.len() < 2 * devices {
            let n = batch.images.len();
            return Err(format!("a batch of {n} images is too small for {devices} devices"));
        }
        let parts: Vec<Batch> =
            (0..devices).map(|i| part(batch, step.objective.robust, i, devices)).collect();
        let (first, rest) = parts.split_first().ok_or("there is no device")?;
        let found = std::thread::scope(|s| {
            let others: Vec<_> = self
                .others
                .iter_mut()
                .zip(rest)
                .map(|((m, t), b)| {
                    s.spawn(move || {
                        m.params =
                            student.params.iter().map(|p| p.clone().to_device(m.net.device())).collect();
                        let gates: Vec<Gate> = gates.iter().map(|g| g.to_device(m.net.device())).collect();
                        step.on(m, &gates, t.as_ref(), b)
                    })
                })
                .collect();
            let mut found = vec![step.on(student, gates, teacher, first)];
            found.extend(
                others.into_iter().map(|t| t.join().unwrap_or_else(|p| std::panic::resume_unwind(p))),
            );
            found.into_iter().collect::<Result<Vec<Joined>, String>>()
        })?;
        Ok(join(found, student.net.device()))
    }
}

/// The rows of device `i` of `n`: of a robust batch a piece of each half. Where its halves differ by an image, the last has it.
fn part(b: &Batch, robust: bool, i: usize, n: usize) -> Batch {
    let all = b.images.len();
    let len = if robust { all / 2 } else { all };
    let cut =
        |from: usize, end: usize| from + i * len / n..if i + 1 == n { end } else { from + (i + 1) * len / n };
    let pieces = if robust { vec![cut(0, len), cut(len, all)] } else { vec![cut(0, all)] };
    let each = b.clean.len() / all.max(1);
    let pick = |v: &[usize]| pieces.iter().flat_map(|r| v[r.clone()].to_vec()).collect::<Vec<_>>();
    let pixels = |v: &[f32], r: &Range<usize>| v[r.start * each..r.end * each].to_vec();
    Batch {
        step: b.step,
        images: pick(&b.images),
        labels: pick(&b.labels),
        clean: pieces.iter().flat_map(|r| pixels(&b.clean, r)).collect(),
        augmix: if b.augmix.is_empty() { vec![] } else { pixels(&b.augmix, &pieces[0]) },
    }
}

/// What is computed of every part of a batch.
#[derive(Debug, Clone, Copy)]
pub struct StepOptions<'a> {
    /// The loss.
    pub objective: &'a Objective,
    /// Multiplies the loss before its gradient is taken.
    pub scale: f32,
    /// Also what goes through the ReLU layers.
    pub watch: bool,
    /// Where it is.
    pub at: At,
}

impl StepOptions<'_> {
    fn on(
        self,
        student: &Model,
        gates: &[Gate],
        teacher: Option<&Model>,
        batch: &Batch,
    ) -> Result<Joined, String> {
        let c = self.objective.compute(student, gates, teacher, batch, self.watch, self.at)?;
        let grads = (c.loss.clone() * self.scale).backward();
        let of = |l: &Burn<1>| if l.is_require_grad() { l.grad(&grads) } else { None };
        Ok(Joined {
            grads: c.leaves.iter().map(of).collect(),
            seen: Seen::of(&c, gates, &grads, self.watch),
            statistics: c.statistics,
            pending: vec![(c.pending, 1.0)],
            clean_rows: c.clean_rows,
        })
    }
}

/// Means over the parts, weighed by their rows.
fn join(parts: Vec<Joined>, home: &Device) -> Joined {
    let rows: usize = parts.iter().map(|p| p.clean_rows).sum();
    let mut joined = Joined {
        grads: vec![],
        seen: Seen::default(),
        statistics: vec![],
        pending: vec![],
        clean_rows: rows,
    };
    for (i, p) in parts.into_iter().enumerate() {
        let share = p.clean_rows as f64 / rows.max(1) as f64;
        let weighed = |t: Burn<1>| t.to_device(home) * share;
        let grads = p.grads.into_iter().map(|g| g.map(&weighed));
        let statistics = p.statistics.into_iter().map(|(b, v)| {
            let of = |s: Statistics| Statistics {
                mean: weighed(detached(s.mean)),
                variance: weighed(detached(s.variance)),
                ..s
            };
            (b, v.into_iter().map(of).collect::<Vec<_>>())
        });
        if i == 0 {
            (joined.grads, joined.statistics) = (grads.collect(), statistics.collect());
        } else {
            for (sum, new) in joined.grads.iter_mut().zip(grads) {
                *sum = sum.take().zip(new).map(|(a, b)| a + b);
            }
            for ((_, sum), (_, new)) in joined.statistics.iter_mut().zip(statistics) {
                for (s, n) in sum.iter_mut().zip(new) {
                    (s.mean, s.variance) = (s.mean.clone() + n.mean, s.variance.clone() + n.variance);
                    s.count += n.count;
                }
            }
        }
        joined.seen.add(p.seen, share, home);
        joined.pending.extend(p.pending.into_iter().map(|(numbers, _)| (numbers, share)));
    }
    joined
}
