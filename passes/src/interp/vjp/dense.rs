//! Gradients of matrix products.

use super::super::movement::transpose;
use super::super::{arg::f32s, matmul as forward};
use super::reduce::unbroadcast;
use super::rules::{Operand, Pulled};
use crate::ir::tensor::Tensor;

/// x `[…, in]`, w `[out, in]`: the gradient is `dy·w`.
pub(super) fn linear(x: &[usize], w: &Tensor, dy: &Tensor) -> Result<Tensor, String> {
    forward::matmul(
        &at_least_2d(dy),
        w,
        match x {
            [k] => vec![1, *k],
            _ => x.to_vec(),
        },
    )
    .map(|d| d.reshaped(x))
}

fn at_least_2d(t: &Tensor) -> Tensor {
    match t.shape() {
        [n] => t.clone().reshaped([1, *n]),
        _ => t.clone(),
    }
}

/// `alpha·A·B + beta·C`: a gradient for each live operand.
pub(super) fn gemm(
    x: &[Operand<'_>],
    (alpha, beta): (f32, f32),
    (ta, tb): (bool, bool),
    dy: Tensor,
) -> Pulled {
    let (a, b) = (x[0].tensor()?, x[1].tensor()?);
    let product = |l, r, to: &Operand<'_>| forward::gemm(l, r, None, alpha, 0.0, to.shape.to_vec());
    let da =
        || if ta { product((b, tb), (&dy, true), &x[0]) } else { product((&dy, false), (b, !tb), &x[0]) };
    let db =
        || if tb { product((&dy, true), (a, ta), &x[1]) } else { product((a, !ta), (&dy, false), &x[1]) };
    let mut out = vec![x[0].live.then(da).transpose()?, x[1].live.then(db).transpose()?];
    if let Some(c) = x.get(2) {
        let mut dc = unbroadcast(dy, c.shape)?;
        dc.as_f32_mut().into_iter().flatten().for_each(|v| *v *= beta);
        out.push(Some(dc));
    }
    Ok(out)
}

/// The two last axes exchanged.
fn flipped(t: &Tensor) -> Result<Tensor, String> {
    let mut perm: Vec<usize> = (0..t.rank()).collect();
    perm.swap(t.rank() - 2, t.rank() - 1);
    let (v, shape) = transpose(f32s(t, "a factor")?, t.shape(), &perm);
    Ok(Tensor::f32(shape, v))
}

/// A gradient for each live factor, summed over the leading axes it was broadcast along.
pub(super) fn matmul(x: &[Operand<'_>], dy: &Tensor) -> Pulled {
    let lead = &dy.shape()[..dy.rank() - 2];
    let full = |s: &[usize]| [lead, &s[s.len() - 2..]].concat();
    let da = || unbroadcast(forward::matmul(dy, &flipped(x[1].tensor()?)?, full(x[0].shape))?, x[0].shape);
    let db = || unbroadcast(forward::matmul(&flipped(x[0].tensor()?)?, dy, full(x[1].shape))?, x[1].shape);
    Ok(vec![x[0].live.then(da).transpose()?, x[1].live.then(db).transpose()?])
}
