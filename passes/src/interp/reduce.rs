//! Reductions over axes.

use super::arg::f32s;
use crate::ir::op::ReduceKind;
use crate::ir::tensor::{Tensor, strides};

/// Offsets, from any kept element, of the elements that are combined, and the offsets of the kept ones.
pub(crate) fn split(shape: &[usize], axes: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let s = strides(shape);
    let offsets = |pick: bool| {
        let mut v = vec![0usize];
        for i in (0..shape.len()).filter(|i| axes.contains(i) == pick) {
            v = v
                .iter()
                .flat_map(|&o| (0..shape[i]).map(move |j| (o, j)))
                .map(|(o, j)| o + j * s[i])
                .collect();
        }
        v
    };
    (offsets(true), offsets(false))
}

/// Mean, sum or largest over `axes`; `out` is the result's shape. Floats are summed in double precision.
pub(crate) fn reduce(
    kind: ReduceKind,
    x: &Tensor,
    axes: &[usize],
    out: Vec<usize>,
) -> Result<Tensor, String> {
    let (over, kept) = split(x.shape(), axes);
    if let Some(v) = x.as_i64() {
        let combine = |at: usize| -> Option<i64> {
            let mut e = over.iter().map(|o| v[at + o]);
            match kind {
                ReduceKind::Sum => e.try_fold(0i64, i64::checked_add),
                ReduceKind::Max => e.max(),
                ReduceKind::Mean => {
                    e.try_fold(0i64, i64::checked_add)?.checked_div(i64::try_from(over.len()).ok()?)
                }
            }
        };
        let r = kept.iter().map(|&at| combine(at)).collect::<Option<Vec<_>>>();
        return Ok(Tensor::i64(out, r.ok_or("overflows or reduces no element")?));
    }
    let v = f32s(x, "the operand")?;
    if v.is_empty() && !kept.is_empty() {
        return Err("reduces no element".into());
    }
    let contiguous = over.iter().enumerate().all(|(i, &o)| i == o);
    let sum = |at: usize| -> f64 {
        if contiguous {
            // Eight partial sums, so that additions do not wait for each other.
            let (mut part, run) = ([0.0f64; 8], &v[at..at + over.len()]);
            let chunks = run.chunks_exact(8);
            let rest: f64 = chunks.remainder().iter().map(|&e| f64::from(e)).sum();
            chunks.for_each(|c| part.iter_mut().zip(c).for_each(|(p, &e)| *p += f64::from(e)));
            part.iter().sum::<f64>() + rest
        } else {
            over.iter().map(|o| f64::from(v[at + o])).sum()
        }
    };
    let combine = |&at: &usize| match kind {
        ReduceKind::Sum => sum(at) as f32,
        ReduceKind::Mean => (sum(at) / over.len() as f64) as f32,
        ReduceKind::Max => over.iter().fold(f32::NEG_INFINITY, |m, o| m.max(v[at + o])),
    };
    Ok(Tensor::f32(out, kept.iter().map(combine).collect()))
}

/// Index of the largest element along an axis, the first on ties.
pub(crate) fn arg_max(x: &Tensor, axis: usize, out: Vec<usize>) -> Result<Tensor, String> {
    fn go<T: PartialOrd + Copy>(v: &[T], dim: usize, inner: usize) -> Vec<i64> {
        let block = dim * inner;
        let best = |b: &[T], i: usize| {
            (1..dim).fold(0, |m, j| if b[j * inner + i] > b[m * inner + i] { j } else { m })
        };
        v.chunks_exact(block.max(1)).flat_map(|b| (0..inner).map(move |i| best(b, i) as i64)).collect()
    }
    let (dim, inner) = (x.shape()[axis], x.shape()[axis + 1..].iter().product());
    if dim == 0 {
        return Err("takes the largest of no elements".into());
    }
    let v = match (x.as_f32(), x.as_i64()) {
        (Some(v), _) => go(v, dim, inner),
        (_, Some(v)) => go(v, dim, inner),
        _ => return Err(format!("is not defined on {}", x.dtype())),
    };
    Ok(Tensor::i64(out, v))
}
