//! What follows a linear layer, element by element: scale and shift, a residual, an activation.

use super::planes::Planes;
use crate::kernels::micro::LANES;
use crate::kernels::simd::wide;

/// The activation of an element.
#[derive(Debug, Clone, PartialEq)]
pub enum Activation {
    /// The value itself.
    Identity,
    /// `max(x, 0)`.
    Relu,
    /// The slopes of both signs of each element of an image, `(x < 0, x ≥ 0)`.
    Slopes(Vec<f32>, Vec<f32>),
    /// `x·x`.
    Square,
    /// x plus one number for each element of an image.
    Lifted(Vec<f32>),
    /// `min(max(x, 0), cap)`.
    Capped(f32),
    /// As [`Activation::Slopes`], and what no element is above.
    Limited(Vec<f32>, Vec<f32>, Vec<f32>),
}

/// What is done to sums on their way to a value.
#[derive(Debug, Clone, Copy)]
pub struct Finish<'a> {
    /// A block to add, and how it lies.
    pub residual: Option<(&'a [f32], &'a Planes)>,
    /// Then this.
    pub activation: &'a Activation,
}

impl Finish<'_> {
    /// Finishes a run of a row and writes it to its place.
    pub(super) fn run(
        &self,
        sums: &[f32],
        (channel, row, column): (usize, usize, usize),
        to: &Planes,
        out: &mut [f32],
    ) {
        let start = channel * to.plane() + to.at(row, column);
        let out = &mut out[start..start + sums.len()];
        let residual = self.residual.map(|(values, p)| {
            let start = channel * p.plane() + p.at(row, column);
            &values[start..start + sums.len()]
        });
        let first = (channel * to.rows + row) * to.columns + column;
        let at = first..first + sums.len() / LANES;
        match (self.activation, residual) {
            (Activation::Identity, r) => sum(sums, r, out),
            (Activation::Relu, None) => relu(sums, out),
            (Activation::Relu, Some(r)) => add_relu(sums, r, out),
            (Activation::Slopes(neg, pos), r) => {
                sloped(sums, r, (&neg[at.clone()], &pos[at]), out);
            }
            (Activation::Square, r) => {
                sum(sums, r, out);
                squared(out);
            }
            (Activation::Lifted(map), r) => {
                sum(sums, r, out);
                lifted(&map[at], out);
            }
            (Activation::Capped(cap), r) => {
                match r {
                    None => relu(sums, out),
                    Some(r) => add_relu(sums, r, out),
                }
                capped(*cap, out);
            }
            (Activation::Limited(neg, pos, ceiling), r) => {
                sloped(sums, r, (&neg[at.clone()], &pos[at.clone()]), out);
                limited(&ceiling[at], out);
            }
        }
    }
}

fn sum(sums: &[f32], residual: Option<&[f32]>, out: &mut [f32]) {
    match residual {
        None => out.copy_from_slice(sums),
        Some(r) => add(sums, r, out),
    }
}

fn sloped(sums: &[f32], residual: Option<&[f32]>, of: (&[f32], &[f32]), out: &mut [f32]) {
    match residual {
        None => slopes(sums, of, out),
        Some(r) => add_slopes(sums, r, of, out),
    }
}

/// `finish(x·scale[channel] + shift[channel])`; without factors, `finish(x)`.
pub fn pointwise(
    (x, from): (&[f32], &Planes),
    factors: Option<(&[f32], &[f32])>,
    finish: Finish<'_>,
    (out, to): (&mut [f32], &Planes),
) {
    let mut scaled = vec![0.0; to.columns * LANES];
    for channel in 0..to.channels {
        for row in 0..to.rows {
            let start = channel * from.plane() + from.at(row, 0);
            let x = &x[start..start + to.columns * LANES];
            match factors {
                None => finish.run(x, (channel, row, 0), to, out),
                Some((scale, shift)) => {
                    affine(x, scale[channel], shift[channel], &mut scaled);
                    finish.run(&scaled, (channel, row, 0), to, out);
                }
            }
        }
    }
}

wide! {
    fn affine(x: &[f32], scale: f32, shift: f32, out: &mut [f32]) {
        for (out, x) in out.iter_mut().zip(x) {
            *out = x * scale + shift;
        }
    }
}

wide! {
    fn add(x: &[f32], r: &[f32], out: &mut [f32]) {
        for ((out, x), r) in out.iter_mut().zip(x).zip(r) {
            *out = x + r;
        }
    }
}

wide! {
    fn relu(x: &[f32], out: &mut [f32]) {
        for (out, x) in out.iter_mut().zip(x) {
            *out = if *x < 0.0 { 0.0 } else { *x };
        }
    }
}

wide! {
    fn add_relu(x: &[f32], r: &[f32], out: &mut [f32]) {
        for ((out, x), r) in out.iter_mut().zip(x).zip(r) {
            let v = x + r;
            *out = if v < 0.0 { 0.0 } else { v };
        }
    }
}

wide! {
    fn slopes(x: &[f32], of: (&[f32], &[f32]), out: &mut [f32]) {
        let vectors = out.as_chunks_mut::<LANES>().0.iter_mut().zip(x.as_chunks::<LANES>().0);
        for ((out, x), (neg, pos)) in vectors.zip(of.0.iter().zip(of.1)) {
            for (out, x) in out.iter_mut().zip(x) {
                *out = x * if *x < 0.0 { *neg } else { *pos };
            }
        }
    }
}

wide! {
    fn add_slopes(x: &[f32], r: &[f32], of: (&[f32], &[f32]), out: &mut [f32]) {
        let sums = x.as_chunks::<LANES>().0.iter().zip(r.as_chunks::<LANES>().0);
        let vectors = out.as_chunks_mut::<LANES>().0.iter_mut().zip(sums);
        for ((out, (x, r)), (neg, pos)) in vectors.zip(of.0.iter().zip(of.1)) {
            for (out, (x, r)) in out.iter_mut().zip(x.iter().zip(r)) {
                let v = x + r;
                *out = v * if v < 0.0 { *neg } else { *pos };
            }
        }
    }
}

wide! {
    fn squared(out: &mut [f32]) {
        for out in out {
            *out *= *out;
        }
    }
}

wide! {
    fn lifted(map: &[f32], out: &mut [f32]) {
        for (out, more) in out.as_chunks_mut::<LANES>().0.iter_mut().zip(map) {
            for out in out {
                *out += more;
            }
        }
    }
}

wide! {
    fn capped(cap: f32, out: &mut [f32]) {
        for out in out {
            *out = if *out > cap { cap } else { *out };
        }
    }
}

wide! {
    fn limited(ceiling: &[f32], out: &mut [f32]) {
        for (out, cap) in out.as_chunks_mut::<LANES>().0.iter_mut().zip(ceiling) {
            for out in out {
                *out = if *out > *cap { *cap } else { *out };
            }
        }
    }
}
