//! Slopes that make a bound as tight as they can (α-CROWN, Xu et al., ICLR 2021): every line that touches a gate from the right
//! side gives a bound, and projected steps along the gradient look for the best ones, for each row its own.

#![deny(clippy::wildcard_enum_match_arm)]

use super::backward::{Lines, Lower, Trace, lower};
use super::function::{Side, Slopes};
use super::program::Work;
use super::relaxed::Relaxed;
use crate::kernels::conv::{ConvShape, forward_by_taps};

/// The first step, as a share of the slopes' range, and what is left of it after a round.
const STEP: f32 = 0.25;
const DECAY: f32 = 0.9;
/// Decays of the running means of gradients and their squares.
const MEAN: f32 = 0.7;
const SQUARE: f32 = 0.95;

/// The slopes of a gate that may be chosen: of elements on one side.
struct Free {
    /// `(element, side, range)`, in order of elements.
    places: Vec<(u32, Side, Slopes)>,
    /// Where in `places` the sides of an element are; none for one without a choice.
    of: Vec<[u32; 2]>,
    /// `[rows, places]`: shares of the ranges, and running means of their gradients.
    share: Vec<f32>,
    mean: Vec<f32>,
    square: Vec<f32>,
}

const NONE: u32 = u32::MAX;

/// Slopes for each row.
struct Chosen<'a> {
    relaxed: &'a Relaxed<'a>,
    /// Of each step; empty for those that are no gates.
    free: Vec<Option<Free>>,
}

impl Free {
    fn slope(&self, row: usize, place: usize) -> f32 {
        let (_, _, s) = self.places[place];
        (s.least + self.share[row * self.places.len() + place] * (s.most - s.least)).clamp(s.least, s.most)
    }
}

impl Lines for Chosen<'_> {
    fn line(&self, step: usize, row: usize, element: usize, side: Side) -> (f32, f64) {
        let usual = self.relaxed.line(step, row, element, side);
        let Some(free) = &self.free[step] else { return usual };
        match free.of[element][side as usize] {
            NONE => usual,
            place => {
                let slope = free.slope(row, place as usize);
                (slope, self.relaxed.touch(step, element, slope, side).0)
            }
        }
    }
}

impl Relaxed<'_> {
    /// Intercept and place of contact of a line at an element of a gate.
    fn touch(&self, step: usize, element: usize, slope: f32, side: Side) -> (f64, f64) {
        let Work::Gate { from, functions, of } = &self.program.steps[step].work else { return (0.0, 0.0) };
        let b = &self.bounds[*from];
        let line =
            functions[of[element] as usize].line(b.low[element].into(), b.high[element].into(), slope, side);
        (line.intercept, line.contact)
    }

    fn free(&self, step: usize, rows: usize) -> Option<Free> {
        let Work::Gate { from, functions, of } = &self.program.steps[step].work else { return None };
        let b = &self.bounds[*from];
        let (mut places, mut index, mut start) = (vec![], vec![], vec![]);
        for (i, &k) in of.iter().enumerate() {
            let sides = functions[k as usize].slopes(b.low[i].into(), b.high[i].into());
            let mut at = [NONE; 2];
            for (side, s) in [Side::Below, Side::Above].into_iter().zip(sides) {
                if s.most > s.least {
                    at[side as usize] = places.len() as u32;
                    start.push(((s.usual - s.least) / (s.most - s.least)).clamp(0.0, 1.0));
                    places.push((i as u32, side, s));
                }
            }
            index.push(at);
        }
        let n = rows * places.len();
        Some(Free { places, of: index, share: start.repeat(rows), mean: vec![0.0; n], square: vec![0.0; n] })
    }
}

/// Lower bounds of linear functions of step `at`, the best of so many rounds; `[rows, elements]` are their coefficients.
/// With `enough`, it ends once every bound is above 0.
pub(super) fn optimised(
    relaxed: &Relaxed<'_>,
    at: usize,
    coefficients: Vec<f32>,
    rounds: usize,
    enough: bool,
) -> Vec<Lower> {
    let rows = coefficients.len() / relaxed.program.steps[at].len.max(1);
    let free = (0..=at).map(|step| if step < relaxed.lines.len() { relaxed.free(step, rows) } else { None });
    let mut chosen = Chosen { relaxed, free: free.collect() };
    let mut best: Vec<Lower> = vec![];
    for round in 0..=rounds {
        let mut trace = Trace::default();
        let found = lower(
            relaxed.program,
            &relaxed.bounds,
            at,
            coefficients.clone(),
            Some(&chosen),
            Some(&mut trace),
        );
        best = match best.is_empty() {
            true => found,
            false => best
                .into_iter()
                .zip(found)
                .map(|(b, f)| if f.proven() > b.proven() { f } else { b })
                .collect(),
        };
        if round == rounds || (enough && best.iter().all(|b| b.proven() > 0.0)) {
            break;
        }
        chosen.ascend(at, rows, &trace, round);
    }
    best
}

impl Chosen<'_> {
    /// A step along the gradient of each row's bound, which is g·(x − t) for a slope: g is the coefficient of the gate's result,
    /// x what the other lines make of the corner where the bound is reached, t where the line touches.
    fn ascend(&mut self, at: usize, rows: usize, trace: &Trace, round: usize) {
        let values = self.values(at, rows, trace);
        let (step, age) = (STEP * DECAY.powi(round as i32), round as i32 + 1);
        for gate in 0..=at {
            let Work::Gate { from, .. } = self.relaxed.program.steps[gate].work else { continue };
            let (g, x) = (&trace.gates[gate], &values[from]);
            if g.is_empty() {
                continue;
            }
            let len = self.relaxed.program.steps[gate].len;
            let Some(mut free) = self.free[gate].take() else { continue };
            let width = free.places.len();
            for row in 0..rows {
                for place in 0..width {
                    let (element, side, range) = free.places[place];
                    let at = row * len + element as usize;
                    let used = if g[at] > 0.0 { Side::Below } else { Side::Above };
                    if g[at] == 0.0 || used != side {
                        continue;
                    }
                    let slope = free.slope(row, place);
                    let contact = self.relaxed.touch(gate, element as usize, slope, side).1;
                    let gradient = g[at] * (x[at] - contact as f32) * (range.most - range.least);
                    let k = row * width + place;
                    free.mean[k] = MEAN * free.mean[k] + (1.0 - MEAN) * gradient;
                    free.square[k] = SQUARE * free.square[k] + (1.0 - SQUARE) * gradient * gradient;
                    let mean = free.mean[k] / (1.0 - MEAN.powi(age));
                    let spread = (free.square[k] / (1.0 - SQUARE.powi(age))).sqrt();
                    if spread > 0.0 {
                        free.share[k] = (free.share[k] + step * mean / spread).clamp(0.0, 1.0);
                    }
                }
            }
            self.free[gate] = Some(free);
        }
    }

    /// What each row's lines make of the corner of the box that gives its bound: `[rows, elements]` of each step before `at`.
    fn values(&self, at: usize, rows: usize, trace: &Trace) -> Vec<Vec<f32>> {
        let p = self.relaxed.program;
        let mut values: Vec<Vec<f32>> = vec![];
        for (step, of) in p.steps.iter().enumerate().take(at) {
            let len = of.len.max(1);
            let v: Vec<f32> = match &of.work {
                Work::Input => {
                    let b = &self.relaxed.bounds[step];
                    let corner =
                        |(i, &a): (usize, &f32)| if a >= 0.0 { b.low[i % len] } else { b.high[i % len] };
                    trace.input.iter().enumerate().map(corner).collect()
                }
                Work::Conv { from, shape, weights, bias, .. } => {
                    let shape = ConvShape { n: rows, ..*shape };
                    forward_by_taps(&values[*from], weights, bias.as_deref(), &shape).to_vec()
                }
                Work::Scale { from, factor, offset } => {
                    let row = |x: &[f32]| -> Vec<f32> {
                        x.iter().zip(factor.iter().zip(offset)).map(|(x, (f, o))| x * f + o).collect()
                    };
                    values[*from].chunks(len).flat_map(row).collect()
                }
                Work::Sum(a, b) => values[*a].iter().zip(&values[*b]).map(|(a, b)| a + b).collect(),
                Work::Sparse { from, entries } => {
                    let mut out = vec![0.0f32; rows * len];
                    let width = p.steps[*from].len.max(1);
                    for (x, y) in values[*from].chunks(width).zip(out.chunks_mut(len)) {
                        entries.iter().for_each(|e| y[e.to as usize] += e.factor * x[e.from as usize]);
                    }
                    out
                }
                Work::Gate { from, .. } => {
                    let g = &trace.gates[step];
                    let line = |(k, &x): (usize, &f32)| {
                        let side = if g.get(k).is_some_and(|&g| g > 0.0) { Side::Below } else { Side::Above };
                        let (slope, intercept) = self.line(step, k / len, k % len, side);
                        slope * x + intercept as f32
                    };
                    values[*from].iter().enumerate().map(line).collect()
                }
            };
            values.push(v);
        }
        values
    }
}
