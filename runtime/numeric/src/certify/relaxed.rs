//! A network around one sample: bounds of every value, tightened gate by gate, and the lines that take the gates' place.

#![deny(clippy::wildcard_enum_match_arm)]

use super::Sample;
use super::alpha;
use super::backward::{Lines, Lower, lower};
use super::function::{Function, Side};
use super::interval::{self, Bounds};
use super::program::{Program, Work};
use super::rounding::Arithmetic;
use crate::kernels::lines::Lines as Usual;
use rayon::prelude::*;

/// Elements that are bounded together: twice so many rows.
const TOGETHER: usize = 64;

/// The network around one sample.
pub(super) struct Relaxed<'p> {
    pub program: &'p Program,
    arithmetic: Arithmetic,
    pub bounds: Vec<Bounds>,
    /// Of each gate, the usual lines below and above each element; none of other steps.
    pub lines: Vec<Usual>,
    /// Elements that are no line on their interval.
    pub bent: usize,
}

/// How the operands of gates are bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inner {
    /// By intervals.
    Interval,
    /// By linear functions that go back to the input, with the usual slopes.
    Crown,
    /// The same with slopes optimised for each element, so many rounds.
    Alpha(usize),
}

impl Lines for Relaxed<'_> {
    fn line(&self, step: usize, _: usize, element: usize, side: Side) -> (f32, f64) {
        self.lines[step].of(side as usize, element)
    }
    fn through(&self, step: usize, _: usize, coefficients: &mut [f32]) -> f64 {
        self.lines[step].through(coefficients)
    }
}

impl<'p> Relaxed<'p> {
    /// Bounds every value of the program on the sample's box.
    pub fn new(program: &'p Program, sample: &Sample, arithmetic: Arithmetic, inner: Inner) -> Relaxed<'p> {
        let mut r = Relaxed { program, arithmetic, bounds: vec![], lines: vec![], bent: 0 };
        // A value that is an affine function of the input, each element of its own products, has no tighter bounds.
        let mut tight: Vec<bool> = vec![];
        for (at, step) in program.steps.iter().enumerate() {
            if let Work::Gate { from, functions, of } = &step.work
                && inner != Inner::Interval
                && !tight[*from]
            {
                r.tighten(*from, functions, of, inner);
            }
            let bounds = interval::forward(program, at, &r.bounds, sample, arithmetic);
            r.bounds.push(bounds);
            let lines = r.usual(&step.work);
            r.lines.push(lines);
            tight.push(match &step.work {
                Work::Input => true,
                Work::Conv { from, .. } | Work::Sparse { from, .. } => *from == 0,
                Work::Scale { from, .. } => tight[*from],
                Work::Sum(..) | Work::Gate { .. } => false,
            });
        }
        r
    }

    /// The usual lines of a gate, and how many of its elements bend.
    fn usual(&mut self, work: &Work) -> Usual {
        let Work::Gate { from, functions, of } = work else { return Usual::default() };
        let (mut slopes, mut intercepts) = ([vec![], vec![]], [vec![], vec![]]);
        let b = &self.bounds[*from];
        let mut bent = 0;
        for (i, &k) in of.iter().enumerate() {
            let (f, l, u) = (functions[k as usize], f64::from(b.low[i]), f64::from(b.high[i]));
            bent += usize::from(f.is_bent_on(l, u));
            for (side, s) in [Side::Below, Side::Above].into_iter().zip(f.slopes(l, u)) {
                slopes[side as usize].push(s.usual);
                intercepts[side as usize].push(f.line(l, u, s.usual, side).intercept);
            }
        }
        self.bent += bent;
        Usual::new(slopes, intercepts)
    }

    /// Bounds those elements of a gate's operand better on whose intervals the gate is no line.
    fn tighten(&mut self, from: usize, functions: &[Function], of: &[u32], inner: Inner) {
        let b = &self.bounds[from];
        let bent = |&i: &usize| functions[of[i] as usize].is_bent_on(b.low[i].into(), b.high[i].into());
        let elements: Vec<usize> = (0..of.len()).filter(bent).collect();
        let len = self.program.steps[from].len;
        let share = elements.len().div_ceil(rayon::current_num_threads()).next_multiple_of(8);
        let now = &*self;
        let found = elements.par_chunks(share.clamp(8, TOGETHER)).map(|some| {
            let mut rows = vec![0.0f32; 2 * some.len() * len];
            for (pair, &i) in rows.chunks_mut(2 * len).zip(some) {
                (pair[i], pair[len + i]) = (1.0, -1.0);
            }
            match inner {
                Inner::Interval | Inner::Crown => {
                    lower(now.program, &now.bounds, from, rows, Some(now), None)
                }
                Inner::Alpha(rounds) => alpha::optimised(now, from, rows, rounds, false),
            }
        });
        let found: Vec<Lower> = found.collect::<Vec<_>>().concat();
        for (pair, &i) in found.chunks(2).zip(&elements) {
            self.bounds[from].tighten(i, pair[0].proven(), -pair[1].proven(), self.arithmetic);
        }
    }
}

impl Program {
    /// For each ReLU layer, by name, which operands may have either sign somewhere in the box. Bounds are linear for elements that
    /// bend and intervals for others, and rounding is left out of account.
    ///
    /// # Errors
    /// A box of another size than the input's.
    pub fn crossing(&self, sample: &Sample) -> Result<Vec<(&str, Vec<bool>)>, String> {
        if sample.low.len() != self.inputs() || sample.high.len() != self.inputs() {
            return Err(format!(
                "the model takes {} numbers, the image has {}",
                self.inputs(),
                sample.low.len()
            ));
        }
        let relaxed = Relaxed::new(self, sample, Arithmetic::Real, Inner::Crown);
        let of = |step: usize| match &self.steps[step].work {
            Work::Gate { from, .. } => {
                let b = &relaxed.bounds[*from];
                b.low.iter().zip(&b.high).map(|(l, h)| *l < 0.0 && *h > 0.0).collect()
            }
            Work::Input | Work::Conv { .. } | Work::Scale { .. } | Work::Sum(..) | Work::Sparse { .. } => {
                vec![]
            }
        };
        Ok(self.layers.iter().map(|(name, step)| (name.as_str(), of(*step))).collect())
    }
}
