//! Gradients of reductions and of softmax.

use super::super::arg::f32s;
use super::super::movement::expand;
use super::super::reduce::{reduce, split};
use crate::ir::op::ReduceKind;
use crate::ir::tensor::Tensor;

/// Sums a gradient over the axes along which an operand of shape `to` was broadcast.
pub(super) fn unbroadcast(dy: Tensor, to: &[usize]) -> Result<Tensor, String> {
    if dy.shape() == to {
        return Ok(dy);
    }
    let lead = dy.rank() - to.len();
    let axes: Vec<usize> = (0..dy.rank()).filter(|&i| i < lead || to[i - lead] != dy.shape()[i]).collect();
    reduce(ReduceKind::Sum, &dy, &axes, to.to_vec())
}

/// The gradient of a sum, or mean, over `axes`: the same for every element combined.
pub(super) fn spread(x: &[usize], axes: &[usize], mean: bool, dy: Tensor) -> Result<Tensor, String> {
    let kept: Vec<usize> = (0..x.len()).map(|i| if axes.contains(&i) { 1 } else { x[i] }).collect();
    let mut v = expand(f32s(&dy, "the gradient")?, &kept, x);
    if mean {
        let count = axes.iter().map(|&a| x[a]).product::<usize>() as f32;
        v.iter_mut().for_each(|v| *v /= count);
    }
    Ok(Tensor::f32(x, v))
}

/// The gradient of a maximum: to the first largest element.
pub(super) fn largest(x: &Tensor, axes: &[usize], dy: &Tensor) -> Result<Tensor, String> {
    let (over, kept) = split(x.shape(), axes);
    let v = f32s(x, "the operand")?;
    let mut dx = vec![0.0; v.len()];
    for (&at, d) in kept.iter().zip(f32s(dy, "the gradient")?) {
        if let Some(best) = over.iter().map(|o| at + o).reduce(|m, j| if v[j] > v[m] { j } else { m }) {
            dx[best] += d;
        }
    }
    Ok(Tensor::f32(x.shape(), dx))
}

/// Softmax: `y·(dy − Σ y·dy)`; its logarithm: `dy − eʸ·Σ dy`.
pub(super) fn softmax(y: &Tensor, axis: usize, log: bool, mut dy: Tensor) -> Result<Tensor, String> {
    let (dim, inner) = (y.shape()[axis], y.shape()[axis + 1..].iter().product::<usize>());
    let y = f32s(y, "the result")?;
    let d = dy.as_f32_mut().ok_or("the gradient must be f32")?;
    let block = (dim * inner).max(1);
    for (d, y) in d.chunks_exact_mut(block).zip(y.chunks_exact(block)) {
        for i in 0..inner {
            let at = || (0..dim).map(|j| i + j * inner);
            let sum: f32 = at().map(|j| if log { d[j] } else { y[j] * d[j] }).sum();
            at().for_each(|j| d[j] = if log { d[j] - y[j].exp() * sum } else { y[j] * (d[j] - sum) });
        }
    }
    Ok(dy)
}
