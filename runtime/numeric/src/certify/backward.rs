//! Linear functions of a value, taken back through the network to its input (CROWN, Zhang et al., NeurIPS 2018): where a gate
//! bends, a line below or above it takes its place, and on the input's box the least value is read off.

#![deny(clippy::wildcard_enum_match_arm)]

use super::function::Side;
use super::interval::Bounds;
use super::program::{Program, Work};
use super::sums::{product, sum};
use crate::kernels::conv::{ConvShape, data_grad_by_taps};
use crate::kernels::lines::{least, magnitudes};

/// The lines that take the place of gates.
pub(super) trait Lines {
    /// Slope and intercept of the line on one side of an element of a gate, for a row.
    fn line(&self, step: usize, row: usize, element: usize, side: Side) -> (f32, f64);

    /// Takes a row's coefficients back through all of a gate's lines, and returns what their intercepts add.
    fn through(&self, step: usize, row: usize, coefficients: &mut [f32]) -> f64 {
        let mut sum = 0.0;
        for (i, v) in coefficients.iter_mut().enumerate().filter(|(_, v)| **v != 0.0) {
            let side = if *v > 0.0 { Side::Below } else { Side::Above };
            let (slope, intercept) = self.line(step, row, i, side);
            sum += f64::from(*v) * intercept;
            *v *= slope;
        }
        sum
    }
}

/// No line: functions stop at gates, and are bounded on their intervals.
pub(super) struct Stop;

/// A lower bound: no value of the function is below `bound − slack`.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Lower {
    /// The bound as computed.
    pub bound: f64,
    /// What rounding may have added to it, here and in the network's own arithmetic.
    pub slack: f64,
}

impl Lower {
    /// What is proven.
    pub fn proven(self) -> f64 {
        self.bound - self.slack
    }
}

/// The functions as they were on the way back.
#[derive(Debug, Default)]
pub(super) struct Trace {
    /// Coefficients `[rows, elements]` of each gate's results; empty for other steps.
    pub gates: Vec<Vec<f32>>,
    /// Those of the input.
    pub input: Vec<f32>,
}

/// Functions on their way: a block of rows for each step that is reached.
struct Walk<'a> {
    bounds: &'a [Bounds],
    /// `[rows, elements]` of each step.
    reached: Vec<Option<Vec<f32>>>,
    found: Vec<Lower>,
}

impl Walk<'_> {
    /// Adds coefficients to those of a step. Where there are some, sums are rounded.
    fn add(&mut self, step: usize, more: Vec<f32>) {
        let Some(have) = &mut self.reached[step] else {
            self.reached[step] = Some(more);
            return;
        };
        have.iter_mut().zip(more).for_each(|(h, m)| *h += m);
        let merging = &self.bounds[step].merging;
        for (row, found) in have.chunks(merging.len().max(1)).zip(&mut self.found) {
            found.slack += magnitudes(row, merging);
        }
    }

    /// Adds each row's least value on a step's intervals.
    fn settle(&mut self, step: usize, coefficients: &[f32]) {
        let b = &self.bounds[step];
        for (row, found) in coefficients.chunks(b.low.len().max(1)).zip(&mut self.found) {
            found.bound += least(row, &b.low, &b.high);
        }
    }
}

/// Lower bounds of linear functions of step `at`: `coefficients` are `[rows, elements]` of it.
pub(super) fn lower<L: Lines>(
    p: &Program,
    bounds: &[Bounds],
    at: usize,
    coefficients: Vec<f32>,
    lines: Option<&L>,
    mut trace: Option<&mut Trace>,
) -> Vec<Lower> {
    let rows = coefficients.len() / p.steps[at].len.max(1);
    let mut walk =
        Walk { bounds, reached: vec![None; at + 1], found: vec![Lower { bound: 0.0, slack: 0.0 }; rows] };
    walk.reached[at] = Some(coefficients);
    if let Some(t) = &mut trace {
        t.gates = vec![vec![]; at + 1];
    }
    for step in (0..=at).rev() {
        let Some(g) = walk.reached[step].take() else { continue };
        let len = p.steps[step].len.max(1);
        let slack = &bounds[step].slack;
        if slack.iter().any(|s| *s != 0.0) {
            for (row, found) in g.chunks(len).zip(&mut walk.found) {
                found.slack += magnitudes(row, slack);
            }
        }
        match &p.steps[step].work {
            Work::Input => {
                walk.settle(step, &g);
                if let Some(t) = &mut trace {
                    t.input = g;
                }
            }
            Work::Conv { from, shape, weights, bias, .. } => {
                if let Some(b) = bias {
                    let plane = (len / shape.c_out.max(1)).max(1);
                    for (row, found) in g.chunks(len).zip(&mut walk.found) {
                        let channel = |(c, b): (&[f32], &f32)| f64::from(*b) * sum(c);
                        found.bound += row.chunks(plane).zip(b).map(channel).sum::<f64>();
                    }
                }
                let back = data_grad_by_taps(&g, weights, &ConvShape { n: rows, ..*shape });
                walk.add(*from, back.to_vec());
            }
            Work::Scale { from, factor, offset } => {
                for (row, found) in g.chunks(len).zip(&mut walk.found) {
                    found.bound += product(row, offset);
                }
                let mut back = g;
                back.chunks_mut(len).for_each(|row| row.iter_mut().zip(factor).for_each(|(v, f)| *v *= f));
                walk.add(*from, back);
            }
            Work::Sum(a, b) => {
                walk.add(*a, g.clone());
                walk.add(*b, g);
            }
            Work::Sparse { from, entries } => {
                let width = p.steps[*from].len;
                let mut back = vec![0.0f32; rows * width];
                for (row, to) in g.chunks(len).zip(back.chunks_mut(width.max(1))) {
                    entries.iter().for_each(|e| to[e.from as usize] += e.factor * row[e.to as usize]);
                }
                walk.add(*from, back);
            }
            Work::Gate { from, .. } => {
                let Some(lines) = lines else {
                    walk.settle(step, &g);
                    continue;
                };
                let mut back = g;
                if let Some(t) = &mut trace {
                    t.gates[step].clone_from(&back);
                }
                for (r, (row, found)) in back.chunks_mut(len).zip(&mut walk.found).enumerate() {
                    found.bound += lines.through(step, r, row);
                }
                walk.add(*from, back);
            }
        }
    }
    // Where coefficients have grown beyond all numbers, nothing is known.
    walk.found.iter_mut().filter(|f| !f.bound.is_finite()).for_each(|f| f.bound = f64::NEG_INFINITY);
    walk.found
}

impl Lines for Stop {
    fn line(&self, _: usize, _: usize, _: usize, _: Side) -> (f32, f64) {
        (0.0, 0.0)
    }
}
