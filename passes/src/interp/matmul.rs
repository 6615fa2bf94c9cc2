//! Matrix products.

use super::arg::f32s;
use super::par::threads;
use super::sgemm::{Mat, sgemm};
use crate::ir::movement::broadcast_steps;
use crate::ir::tensor::Tensor;
use rayon::prelude::*;

/// Multiplications above which one product is split over the thread pool.
const SPLIT: usize = 1 << 20;

/// `x·wᵀ + b` over the last axis: x `[…, in]`, w `[out, in]`, b `[out]`.
pub(crate) fn linear(
    x: &Tensor,
    w: &Tensor,
    b: Option<&Tensor>,
    shape: Vec<usize>,
) -> Result<Tensor, String> {
    let (xv, wv) = (f32s(x, "the operand")?, f32s(w, "the weights")?);
    let (n, k) = (w.shape()[0], w.shape()[1]);
    let m = shape[..shape.len() - 1].iter().product();
    let mut out = vec![0.0; m * n];
    if let Some(b) = b {
        let b = f32s(b, "the bias")?;
        out.chunks_exact_mut(n.max(1)).for_each(|row| row.copy_from_slice(b));
    }
    sgemm((m, n, k), 1.0, Mat::rows(xv, k), Mat::rows(wv, k).t(), &mut out, n, m * n * k > SPLIT);
    Ok(Tensor::f32(shape, out))
}

/// `alpha·A·B + beta·C` with optional transposes; C is broadcast to the result.
pub(crate) fn gemm(
    (a, trans_a): (&Tensor, bool),
    (b, trans_b): (&Tensor, bool),
    c: Option<&Tensor>,
    alpha: f32,
    beta: f32,
    shape: Vec<usize>,
) -> Result<Tensor, String> {
    let (m, n) = (shape[0], shape[1]);
    let k = a.shape()[if trans_a { 0 } else { 1 }];
    let mat = |v, cols, flip: bool| if flip { Mat::rows(v, cols).t() } else { Mat::rows(v, cols) };
    let am = mat(f32s(a, "the first factor")?, a.shape()[1], trans_a);
    let bm = mat(f32s(b, "the second factor")?, b.shape()[1], trans_b);
    let mut out = match c {
        Some(c) if beta != 0.0 => {
            let mut v = crate::ir::movement::expand(f32s(c, "the addend")?, c.shape(), &shape);
            v.iter_mut().for_each(|v| *v *= beta);
            v
        }
        _ => vec![0.0; m * n],
    };
    sgemm((m, n, k), alpha, am, bm, &mut out, n, m * n * k > SPLIT);
    Ok(Tensor::f32(shape, out))
}

/// Where the matrices of a batched operand start, for each matrix of a result of batch shape `to`.
pub(crate) fn matrix_starts(shape: &[usize], to: &[usize]) -> Vec<usize> {
    let (lead, size) = (&shape[..shape.len() - 2], shape[shape.len() - 2] * shape[shape.len() - 1]);
    let steps = broadcast_steps(lead, to);
    let count = to.iter().product();
    (0..count)
        .map(|mut i: usize| {
            let mut at = 0;
            for axis in (0..to.len()).rev() {
                at += (i % to[axis]) * steps[axis] as usize;
                i /= to[axis];
            }
            at * size
        })
        .collect()
}

/// Matrix product over the two last axes; leading axes broadcast.
pub(crate) fn matmul(a: &Tensor, b: &Tensor, shape: Vec<usize>) -> Result<Tensor, String> {
    let (av, bv) = (f32s(a, "the first factor")?, f32s(b, "the second factor")?);
    let rank = shape.len();
    let (m, n, k) = (shape[rank - 2], shape[rank - 1], a.shape()[a.rank() - 1]);
    let mut out = vec![0.0; shape.iter().product()];
    if m * n == 0 {
        return Ok(Tensor::f32(shape, out));
    }
    let batch = &shape[..rank - 2];
    if b.rank() == 2 {
        // One matrix on the right: the left ones are one tall matrix.
        let rows = out.len() / n;
        sgemm((rows, n, k), 1.0, Mat::rows(av, k), Mat::rows(bv, n), &mut out, n, rows * n * k > SPLIT);
        return Ok(Tensor::f32(shape, out));
    }
    let (sa, sb) = (matrix_starts(a.shape(), batch), matrix_starts(b.shape(), batch));
    let one = |i: usize, c: &mut [f32], split: bool| {
        sgemm((m, n, k), 1.0, Mat::rows(&av[sa[i]..], k), Mat::rows(&bv[sb[i]..], n), c, n, split);
    };
    if sa.len() >= threads() {
        out.par_chunks_exact_mut(m * n).enumerate().for_each(|(i, c)| one(i, c, false));
    } else {
        out.chunks_exact_mut(m * n).enumerate().for_each(|(i, c)| one(i, c, m * n * k > SPLIT));
    }
    Ok(Tensor::f32(shape, out))
}
