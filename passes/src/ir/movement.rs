//! Kernels that only move elements, generic so that shape arithmetic can reuse them on symbolic integers.

use super::op::{Kind, Op, SliceAxis};
use super::tensor::strides;

/// What an operation that only moves elements makes of its operands, each with its dimensions; `None` for other operations.
/// `at` are the places and the dimensions of a gather's indices, `out` the result's dimensions, `fill` makes elements of a
/// padding's number.
pub fn moved<T: Clone>(
    op: &Op,
    operands: &[(&[T], &[usize])],
    at: Option<(&[usize], &[usize])>,
    out: &[usize],
    fill: impl Fn(f32) -> T,
) -> Option<Vec<T>> {
    let &(x, shape) = operands.first()?;
    if op.kind() != Kind::Move {
        return None;
    }
    Some(match (op, at) {
        (Op::Pad { before, after, value }, _) => pad(x, shape, before, after, fill(*value)).0,
        (Op::Slice(axes), _) => slice(x, shape, axes).0,
        (Op::Transpose(perm), _) => transpose(x, shape, perm).0,
        (Op::Expand(_), _) => expand(x, shape, out),
        (Op::Gather { axis }, Some((places, of))) => gather(x, shape, *axis, places, of).0,
        (Op::Concat { axis }, _) => concat(operands, *axis).0,
        (Op::Reshape(_) | Op::Identity | Op::Dropout, _) => x.to_vec(),
        _ => return None,
    })
}

/// Visits every index of `shape`, giving the linear offset under `step` (elements per axis) from `base`.
fn walk(shape: &[usize], step: &[isize], base: isize, mut f: impl FnMut(usize)) {
    let total: usize = shape.iter().product();
    if total == 0 {
        return;
    }
    let (inner, inner_step) = match shape.last() {
        Some(&n) => (n, step[shape.len() - 1]),
        None => {
            f(base as usize);
            return;
        }
    };
    let outer = &shape[..shape.len() - 1];
    let mut idx = vec![0usize; outer.len()];
    let mut off = base;
    loop {
        let mut o = off;
        for _ in 0..inner {
            f(o as usize);
            o += inner_step;
        }
        let mut axis = outer.len();
        loop {
            if axis == 0 {
                return;
            }
            axis -= 1;
            idx[axis] += 1;
            off += step[axis];
            if idx[axis] < outer[axis] {
                break;
            }
            off -= step[axis] * outer[axis] as isize;
            idx[axis] = 0;
        }
    }
}

fn collect<T: Clone>(x: &[T], shape: &[usize], step: &[isize], base: isize) -> Vec<T> {
    let mut out = Vec::with_capacity(shape.iter().product());
    walk(shape, step, base, |i| out.push(x[i].clone()));
    out
}

/// Permutes axes: output axis i is input axis `perm[i]`.
pub fn transpose<T: Clone>(x: &[T], shape: &[usize], perm: &[usize]) -> (Vec<T>, Vec<usize>) {
    let s = strides(shape);
    let out: Vec<usize> = perm.iter().map(|&p| shape[p]).collect();
    let step: Vec<isize> = perm.iter().map(|&p| s[p] as isize).collect();
    (collect(x, &out, &step, 0), out)
}

/// Broadcasts to `to` (NumPy rules; the caller has checked compatibility).
pub fn expand<T: Clone>(x: &[T], shape: &[usize], to: &[usize]) -> Vec<T> {
    collect(x, to, &broadcast_steps(shape, to), 0)
}

/// Steps that read a tensor of `shape` as if it had the dimensions `to`.
pub fn broadcast_steps(shape: &[usize], to: &[usize]) -> Vec<isize> {
    let s = strides(shape);
    let lead = to.len() - shape.len();
    (0..to.len()).map(|i| if i < lead || shape[i - lead] == 1 { 0 } else { s[i - lead] as isize }).collect()
}

/// The first index and the count a slice takes of an axis of `dim` elements (ONNX clamping rules).
pub fn slice_range(a: &SliceAxis, dim: usize) -> (usize, usize) {
    let d = dim as i64;
    // A longer step than the axis takes one element, as this one does.
    let step = a.step.clamp(-d - 1, d + 1);
    if step == 0 {
        return (0, 0);
    }
    let norm = |v: i64| if v < 0 { v.saturating_add(d) } else { v };
    if step > 0 {
        let (s, e) = (norm(a.start).clamp(0, d), norm(a.end).clamp(0, d));
        (s as usize, if e > s { ((e - s + step - 1) / step) as usize } else { 0 })
    } else {
        let (s, e) = (norm(a.start).clamp(-1, d - 1), norm(a.end).clamp(-1, d - 1));
        (s.max(0) as usize, if s > e { ((s - e - step - 1) / -step) as usize } else { 0 })
    }
}

/// Strided slice.
pub fn slice<T: Clone>(x: &[T], shape: &[usize], axes: &[SliceAxis]) -> (Vec<T>, Vec<usize>) {
    let s = strides(shape);
    let mut out = shape.to_vec();
    let mut step: Vec<isize> = s.iter().map(|&v| v as isize).collect();
    let mut base = 0isize;
    for a in axes {
        let (first, count) = slice_range(a, shape[a.axis]);
        out[a.axis] = count;
        base += (first * s[a.axis]) as isize;
        // Not taken beyond the axis, whatever its size: only single elements have a step that long.
        step[a.axis] *= a.step.clamp(-(shape[a.axis] as i64), shape[a.axis] as i64) as isize;
    }
    (collect(x, &out, &step, base), out)
}

/// Concatenation along an axis.
pub fn concat<T: Clone>(parts: &[(&[T], &[usize])], axis: usize) -> (Vec<T>, Vec<usize>) {
    let mut shape = parts[0].1.to_vec();
    shape[axis] = parts.iter().map(|p| p.1[axis]).sum();
    let outer: usize = shape[..axis].iter().product();
    let mut out = Vec::with_capacity(shape.iter().product());
    for o in 0..outer {
        for (data, s) in parts {
            let run: usize = s[axis..].iter().product();
            out.extend_from_slice(&data[o * run..(o + 1) * run]);
        }
    }
    (out, shape)
}

/// Picks along an axis; indices are already in range. The result has the indices' dimensions in place of the axis.
pub fn gather<T: Clone>(
    x: &[T],
    shape: &[usize],
    axis: usize,
    idx: &[usize],
    idx_shape: &[usize],
) -> (Vec<T>, Vec<usize>) {
    let outer: usize = shape[..axis].iter().product();
    let inner: usize = shape[axis + 1..].iter().product();
    let mut out = Vec::with_capacity(outer * idx.len() * inner);
    for o in 0..outer {
        let row = &x[o * shape[axis] * inner..(o + 1) * shape[axis] * inner];
        if inner == 1 {
            out.extend(idx.iter().map(|&i| row[i].clone()));
        } else {
            for &i in idx {
                out.extend_from_slice(&row[i * inner..(i + 1) * inner]);
            }
        }
    }
    let mut dims = shape[..axis].to_vec();
    dims.extend_from_slice(idx_shape);
    dims.extend_from_slice(&shape[axis + 1..]);
    (out, dims)
}

/// Constant padding.
pub fn pad<T: Clone>(
    x: &[T],
    shape: &[usize],
    before: &[usize],
    after: &[usize],
    value: T,
) -> (Vec<T>, Vec<usize>) {
    let out: Vec<usize> = (0..shape.len()).map(|i| shape[i] + before[i] + after[i]).collect();
    let mut data = vec![value; out.iter().product()];
    let s = strides(&out);
    let base: usize = (0..shape.len()).map(|i| before[i] * s[i]).sum();
    let step: Vec<isize> = s.iter().map(|&v| v as isize).collect();
    let mut src = x.iter();
    walk(shape, &step, base as isize, |i| {
        if let Some(v) = src.next() {
            data[i] = v.clone();
        }
    });
    (data, out)
}
