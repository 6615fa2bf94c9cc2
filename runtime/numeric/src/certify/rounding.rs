//! How far a computed value may be from what the values before it say it is: the arithmetic that a certificate covers.
//!
//! A step that computes ŷ of the computed x̂ has |ŷ − f(x̂)| at most what is said here, in any order of summation. Bounds that
//! grant every step so much hold for whatever such an arithmetic computes. Fast convolutions that mix the taps of neighbouring
//! outputs, such as Winograd's, are not among them.

#![deny(clippy::wildcard_enum_match_arm)]

use super::function::{Function, UNIT};
use super::program::{Entry, Work};
use crate::fixed::Format;
use crate::kernels::conv::{ConvShape, forward_by_taps};

/// What the network is run in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    /// Real numbers: rounding is left out of account, in the network and in the bounds, as other verifiers do.
    Real,
    /// Single precision.
    Single,
    /// Numbers on a grid of 2^−fraction, each product truncated to it up or down; overflows and truncations that fail at random,
    /// as over a few protocols they do with a small probability, are not covered.
    Fixed(Format),
}

/// The largest relative error of a sum of n products, and of a few roundings more.
pub(super) fn of_sum(n: usize) -> f64 {
    (n + 4) as f64 * UNIT * (1.0 + (n + 4) as f64 * UNIT)
}

/// A truncation, in units in the last place: the floor, up or down at random, or of both shares by themselves, which may be one
/// further off.
const TRUNCATION: f64 = 2.0;

/// Products that a convolution sums for an output, and for an input of its transpose.
pub(super) fn terms(s: &ConvShape) -> [usize; 2] {
    let taps = s.kernel[0] * s.kernel[1];
    [s.c_in / s.groups * taps, s.c_out / s.groups * taps]
}

impl Arithmetic {
    /// How far an element of the input may be from what it is given as.
    pub(super) fn of_input(self) -> f64 {
        match self {
            // The input is what is given.
            Arithmetic::Real | Arithmetic::Single => 0.0,
            Arithmetic::Fixed(f) => f.ulp() / 2.0,
        }
    }

    /// Of each output of a convolution. `reach` are the inputs' magnitudes, `products` sums of magnitudes of products and bias.
    pub(super) fn of_convolution(self, shape: &ConvShape, reach: &[f32], products: &[f64]) -> Vec<f64> {
        match self {
            Arithmetic::Real => vec![0.0; products.len()],
            Arithmetic::Single => products.iter().map(|p| of_sum(terms(shape)[0]) * p).collect(),
            Arithmetic::Fixed(f) => {
                // Weights and bias are rounded to the grid.
                let half = f.ulp() / 2.0;
                let sums = forward_by_taps(reach, &vec![1.0; shape.weight_len()], None, shape);
                let margin = 1.0 + of_sum(terms(shape)[0]);
                sums.iter().map(|&s| (f64::from(s) * margin + 1.0) * half + TRUNCATION * f.ulp()).collect()
            }
        }
    }

    /// Of `factor·x + offset`.
    pub(super) fn of_scale(self, factor: f32, offset: f32, reach: f64) -> f64 {
        let (factor, offset) = (f64::from(factor.abs()), f64::from(offset.abs()));
        match self {
            Arithmetic::Real => 0.0,
            Arithmetic::Single if factor == 1.0 && offset == 0.0 => 0.0,
            Arithmetic::Single => 4.0 * UNIT * (factor * reach + offset),
            Arithmetic::Fixed(f) => {
                let product = if factor == 1.0 { 0.0 } else { reach / 2.0 + TRUNCATION };
                f.ulp() * (product + if offset == 0.0 { 0.0 } else { 0.5 })
            }
        }
    }

    /// Of a sum of two values of which the result has this magnitude at most.
    pub(super) fn of_addition(self, reach: f64) -> f64 {
        match self {
            Arithmetic::Single => UNIT * reach,
            Arithmetic::Real | Arithmetic::Fixed(_) => 0.0,
        }
    }

    /// Of each of `len` results of sparse sums; a movement is exact.
    pub(super) fn of_entries(self, entries: &[Entry], reach: &[f32], len: usize) -> Vec<f64> {
        let mut out = vec![0.0; len];
        let mut count = vec![0usize; len];
        for e in entries {
            let (to, x) = (e.to as usize, f64::from(reach[e.from as usize]));
            count[to] += 1;
            out[to] += match self {
                Arithmetic::Real => 0.0,
                Arithmetic::Single => x * f64::from(e.factor.abs()),
                Arithmetic::Fixed(f) if e.factor != 1.0 => x * f.ulp() / 2.0,
                Arithmetic::Fixed(_) => 0.0,
            };
        }
        for (o, n) in out.iter_mut().zip(count) {
            match self {
                Arithmetic::Real => {}
                Arithmetic::Single if n < 2 => *o = 0.0,
                Arithmetic::Single => *o *= of_sum(n),
                Arithmetic::Fixed(f) if *o > 0.0 => *o += TRUNCATION * f.ulp(),
                Arithmetic::Fixed(_) => {}
            }
        }
        out
    }

    /// Of a function's value, for operands of at most this magnitude.
    pub(super) fn of_function(self, function: Function, reach: f64) -> f64 {
        let fixed = match self {
            Arithmetic::Real => return 0.0,
            Arithmetic::Single => return function.rounding(reach),
            Arithmetic::Fixed(f) => f.ulp(),
        };
        let product = |factor: f64, of: f64| match factor {
            0.0 | 1.0 => 0.0,
            _ => of / 2.0 + TRUNCATION,
        };
        let units = match function {
            Function::Bent { below, above, beyond, .. } => {
                // A slope's own product, and the cap's rounding.
                [below, above, beyond].map(|s| product(s, reach)).into_iter().fold(0.5, f64::max)
            }
            Function::Parabola { square, slope, constant } => {
                let squared = if square == 0.0 {
                    0.0
                } else {
                    TRUNCATION * square.abs() + product(square, reach * reach + 1.0)
                };
                squared + product(slope, reach) + if constant == 0.0 { 0.0 } else { 0.5 }
            }
        };
        units * fixed
    }

    /// The relative error of a sum of n products that the bounds themselves make.
    pub(super) fn of_own_sum(self, n: usize) -> f64 {
        if self == Arithmetic::Real { 0.0 } else { of_sum(n) }
    }

    /// Where two linear functions of a value are added, for each unit of an element's coefficient.
    pub(super) fn of_merging(self, reach: f64) -> f64 {
        if self == Arithmetic::Real { 0.0 } else { 2.0 * UNIT * reach }
    }

    /// What the bounds' own single-precision arithmetic adds where it goes back through a step, for each unit of an output's
    /// coefficient: so much may the function that is bounded be off.
    pub(super) fn of_backward(self, work: &Work, reach: &[f32], products: &[f64], len: usize) -> Vec<f64> {
        if self == Arithmetic::Real {
            return vec![0.0; len];
        }
        match work {
            Work::Conv { shape, .. } => products.iter().map(|p| of_sum(terms(shape)[1]) * p).collect(),
            Work::Scale { factor, .. } => factor
                .iter()
                .zip(reach)
                .map(|(f, x)| 2.0 * UNIT * f64::from(f.abs()) * f64::from(*x))
                .collect(),
            Work::Sparse { entries, .. } => {
                // Sums are over the entries that read one element.
                let mut readers = vec![0usize; reach.len()];
                entries.iter().for_each(|e| readers[e.from as usize] += 1);
                let mut out = vec![0.0; len];
                for e in entries {
                    let (from, n) = (e.from as usize, readers[e.from as usize]);
                    let moved = e.factor == 1.0 && n == 1;
                    let error = if moved { 0.0 } else { of_sum(n) };
                    out[e.to as usize] += error * f64::from(e.factor.abs()) * f64::from(reach[from]);
                }
                out
            }
            Work::Gate { functions, of, .. } => {
                let steep = |f: &Function, x: f64| match *f {
                    Function::Bent { below, above, beyond, .. } => {
                        below.abs().max(above.abs()).max(beyond.abs())
                    }
                    Function::Parabola { square, slope, .. } => 2.0 * square.abs() * x + slope.abs(),
                };
                let each = |(k, x): (&u32, &f32)| {
                    let x = f64::from(*x);
                    2.0 * UNIT * steep(&functions[*k as usize], x) * x
                };
                of.iter().zip(reach).map(each).collect()
            }
            Work::Input | Work::Sum(..) => vec![0.0; len],
        }
    }
}
