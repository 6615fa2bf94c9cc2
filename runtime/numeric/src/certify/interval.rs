//! Interval bounds, forward: the first bounds of every value, and what rounding may add to each.

#![deny(clippy::wildcard_enum_match_arm)]

use super::Sample;
use super::function::Function;
use super::program::{Program, Work};
use super::rounding::{Arithmetic, terms};
use crate::kernels::conv::forward_by_taps;

/// Between which numbers each element of a value lies.
#[derive(Debug, Clone, Default)]
pub(super) struct Bounds {
    pub low: Vec<f32>,
    pub high: Vec<f32>,
    /// How much a linear function of the value may be off for each unit of an element's coefficient: what the network's own
    /// arithmetic adds to the element, and what going back through the step does to the function.
    pub slack: Vec<f32>,
    /// The same where two linear functions of the value are added.
    pub merging: Vec<f32>,
}

/// Outward where rounding counts, so that what lies between the bounds still does; else to the nearest.
fn down(v: f64, a: Arithmetic) -> f32 {
    if a == Arithmetic::Real { v as f32 } else { (v as f32).next_down() }
}

fn up(v: f64, a: Arithmetic) -> f32 {
    -down(-v, a)
}

impl Bounds {
    /// The largest magnitude of an element.
    pub fn reach(&self, i: usize) -> f32 {
        self.low[i].abs().max(self.high[i].abs())
    }
    fn reaches(&self) -> Vec<f32> {
        (0..self.low.len()).map(|i| self.reach(i)).collect()
    }
    /// Takes what is tighter.
    pub fn tighten(&mut self, i: usize, low: f64, high: f64, a: Arithmetic) {
        // What is not a number says nothing.
        self.low[i] = self.low[i].max(down(low, a));
        self.high[i] = self.high[i].min(up(high, a));
    }
    fn of(pairs: impl Iterator<Item = [f64; 2]>, slack: impl Iterator<Item = f64>, a: Arithmetic) -> Bounds {
        let mut b = Bounds::default();
        for [low, high] in pairs {
            b.low.push(down(low, a));
            b.high.push(up(high, a));
        }
        b.slack = slack.map(|s| if s == 0.0 { 0.0 } else { up(s, a) }).collect();
        b
    }
}

/// The bounds of step `at`, of those of the steps before it.
pub(super) fn forward(p: &Program, at: usize, before: &[Bounds], sample: &Sample, a: Arithmetic) -> Bounds {
    let mut b = of_step(p, at, before, sample, a);
    b.merging = (0..b.low.len()).map(|i| a.of_merging(b.reach(i).into()) as f32).collect();
    b
}

fn of_step(p: &Program, at: usize, before: &[Bounds], sample: &Sample, a: Arithmetic) -> Bounds {
    let step = &p.steps[at];
    let reach = step.work.reads().next().map_or_else(Vec::new, |from| before[from].reaches());
    match &step.work {
        Work::Input => {
            let off = a.of_input();
            let pairs =
                sample.low.iter().zip(&sample.high).map(|(l, h)| [f64::from(*l) - off, f64::from(*h) + off]);
            Bounds::of(pairs, sample.low.iter().map(|_| 0.0), a)
        }
        Work::Conv { from, shape, weights, magnitudes, bias } => {
            let b = &before[*from];
            let centre: Vec<f32> = b.low.iter().zip(&b.high).map(|(l, h)| l / 2.0 + h / 2.0).collect();
            let radius = (0..centre.len()).map(|i| {
                let (c, l, h) = (f64::from(centre[i]), f64::from(b.low[i]), f64::from(b.high[i]));
                up(if a == Arithmetic::Real { (h - l) / 2.0 } else { (h - c).max(c - l) }, a)
            });
            let both: Vec<f32> = radius.chain(reach.iter().copied()).collect();
            let middle = forward_by_taps(&centre, weights, bias.as_deref(), shape);
            let spread =
                forward_by_taps(&both, magnitudes, None, &crate::kernels::conv::ConvShape { n: 2, ..*shape });
            let (radius, products) = spread.split_at(step.len);
            let plane = (step.len / shape.c_out.max(1)).max(1);
            let error = a.of_own_sum(terms(shape)[0]);
            let bias = |i: usize| bias.as_ref().map_or(0.0, |b| f64::from(b[i / plane].abs()));
            let products: Vec<f64> =
                products.iter().enumerate().map(|(i, v)| f64::from(*v) * (1.0 + error) + bias(i)).collect();
            let noise = a.of_convolution(shape, &reach, &products);
            let back = a.of_backward(&step.work, &reach, &products, step.len);
            // The middle and the radius were rounded, too.
            let pair = |i: usize| {
                let off = f64::from(radius[i]) + 2.0 * error * products[i] + noise[i];
                [f64::from(middle[i]) - off, f64::from(middle[i]) + off]
            };
            Bounds::of((0..step.len).map(pair), noise.iter().zip(&back).map(|(n, b)| n + b), a)
        }
        Work::Scale { from, factor, offset } => {
            let b = &before[*from];
            let back = a.of_backward(&step.work, &reach, &[], step.len);
            let noise = |i: usize| a.of_scale(factor[i], offset[i], reach[i].into());
            let pair = |i: usize| {
                let at = |x: f32| f64::from(factor[i]) * f64::from(x) + f64::from(offset[i]);
                let (l, h) = (at(b.low[i]), at(b.high[i]));
                [l.min(h) - noise(i), l.max(h) + noise(i)]
            };
            Bounds::of((0..step.len).map(pair), (0..step.len).map(|i| noise(i) + back[i]), a)
        }
        Work::Sum(x, y) => {
            let (x, y) = (&before[*x], &before[*y]);
            let pair = |i: usize| {
                let (l, h) =
                    (f64::from(x.low[i]) + f64::from(y.low[i]), f64::from(x.high[i]) + f64::from(y.high[i]));
                let noise = a.of_addition(l.abs().max(h.abs()));
                ([l - noise, h + noise], noise)
            };
            Bounds::of((0..step.len).map(|i| pair(i).0), (0..step.len).map(|i| pair(i).1), a)
        }
        Work::Sparse { from, entries } => {
            let b = &before[*from];
            let mut pairs = vec![[0.0f64; 2]; step.len];
            for e in entries {
                let at = |x: &[f32]| f64::from(e.factor) * f64::from(x[e.from as usize]);
                let (l, h) = (at(&b.low), at(&b.high));
                let [low, high] = &mut pairs[e.to as usize];
                (*low, *high) = (*low + l.min(h), *high + l.max(h));
            }
            let noise = a.of_entries(entries, &reach, step.len);
            let back = a.of_backward(&step.work, &reach, &[], step.len);
            let wider = pairs.into_iter().zip(&noise).map(|([l, h], n)| [l - n, h + n]);
            Bounds::of(wider, noise.iter().zip(&back).map(|(n, b)| n + b), a)
        }
        Work::Gate { from, functions, of } => {
            let b = &before[*from];
            let back = a.of_backward(&step.work, &reach, &[], step.len);
            let function = |i: usize| -> Function { functions[of[i] as usize] };
            let noise = |i: usize| a.of_function(function(i), reach[i].into());
            let pair = |i: usize| {
                let [l, h] = function(i).range(b.low[i].into(), b.high[i].into());
                [l - noise(i), h + noise(i)]
            };
            Bounds::of((0..step.len).map(pair), (0..step.len).map(|i| noise(i) + back[i]), a)
        }
    }
}
