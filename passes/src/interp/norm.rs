//! Batch normalisation and softmax.

use super::arg::{Arg, f32s};
use super::elementwise::channels;
use super::par::pieces;
use crate::ir::tensor::Tensor;

/// `scale / √(var + eps)` and the matching shift, per channel: normalisation as `a·x + b`.
pub(crate) fn affine(params: [&Tensor; 4], eps: f32) -> Result<Vec<(f32, f32)>, String> {
    let [scale, shift, mean, var] = params;
    let (scale, shift) = (f32s(scale, "the scale")?, f32s(shift, "the shift")?);
    let (mean, var) = (f32s(mean, "the mean")?, f32s(var, "the variance")?);
    Ok((0..scale.len())
        .map(|c| {
            let a = f64::from(scale[c]) / (f64::from(var[c]) + f64::from(eps)).sqrt();
            (a as f32, (f64::from(shift[c]) - a * f64::from(mean[c])) as f32)
        })
        .collect())
}

/// Inference batch normalisation over axis 1: x `[N,C,…]`, parameters scale, shift, mean, variance `[C]`.
pub(crate) fn batch_norm(x: Arg<'_>, params: [&Tensor; 4], eps: f32) -> Result<Tensor, String> {
    let shape = x.shape().to_vec();
    let ab = affine(params, eps)?;
    let (c, inner) = channels(&shape);
    let mut v = x.into_f32()?;
    if !v.is_empty() {
        pieces(&mut v, c * inner, |_, p| {
            for (i, plane) in p.chunks_exact_mut(inner).enumerate() {
                let (a, b) = ab[i % c];
                plane.iter_mut().for_each(|e| *e = *e * a + b);
            }
        });
    }
    Ok(Tensor::f32(shape, v))
}

/// Softmax over one axis, or its logarithm.
pub(crate) fn softmax(x: Arg<'_>, axis: usize, log: bool) -> Result<Tensor, String> {
    let shape = x.shape().to_vec();
    let (dim, inner) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
    let mut v = x.into_f32()?;
    if !v.is_empty() {
        pieces(&mut v, dim * inner, |_, p| {
            for block in p.chunks_exact_mut(dim * inner) {
                (0..inner).for_each(|i| normalise(block, i, inner, log));
            }
        });
    }
    Ok(Tensor::f32(shape, v))
}

fn normalise(block: &mut [f32], first: usize, step: usize, log: bool) {
    let at = || block[first..].iter().step_by(step);
    let max = at().fold(f32::NEG_INFINITY, |m, &v| m.max(v));
    let sum: f64 = at().map(|&v| f64::from(v - max).exp()).sum();
    let ln = sum.ln();
    for v in block[first..].iter_mut().step_by(step) {
        let d = f64::from(*v - max);
        *v = if log { d - ln } else { d.exp() / sum } as f32;
    }
}
