//! Gradients of pooling.

use super::super::arg::f32s;
use super::super::geometry::{Axis, window};
use super::super::pool::divisor;
use crate::ir::op::Window;
use crate::ir::tensor::Tensor;
use rayon::prelude::*;

/// Calls `f(dx, x, index of an output, its window's input positions, its gradient)` for every output of a plane.
fn each(
    [ya, xa]: &[Axis; 2],
    dy: &[f32],
    mut f: impl FnMut([usize; 2], &mut dyn Iterator<Item = usize>, f32),
) {
    for (i, &d) in dy.iter().enumerate() {
        let (oy, ox) = (i / xa.output, i % xa.output);
        let ((y0, y1), (x0, x1)) = (ya.taps(oy), xa.taps(ox));
        let mut at = (y0..y1).flat_map(|ky| {
            let row = (oy * ya.stride + ky - ya.pad[0]) * xa.input;
            (x0..x1).map(move |kx| row + ox * xa.stride + kx - xa.pad[0])
        });
        f([oy, ox], &mut at, d);
    }
}

fn planes(x: &[usize], dy: &Tensor, f: impl Fn(usize, &mut [f32], &[f32]) + Sync) -> Result<Tensor, String> {
    let v = f32s(dy, "the gradient")?;
    let (from, to) = (x[2] * x[3], dy.shape()[2] * dy.shape()[3]);
    let mut dx = vec![0.0; x.iter().product()];
    if from > 0 && to > 0 {
        let pairs = dx.par_chunks_exact_mut(from).zip(v.par_chunks_exact(to));
        pairs.enumerate().with_min_len(16).for_each(|(i, (dx, dy))| f(i, dx, dy));
    }
    Ok(Tensor::f32(x, dx))
}

/// To the first largest element of each window.
pub(super) fn max_pool(w: &Window, x: &Tensor, dy: &Tensor) -> Result<Tensor, String> {
    let axes = window(w, x.shape(), dy.shape());
    let v = f32s(x, "the operand")?;
    planes(x.shape(), dy, |i, dx, dy| {
        let v = &v[i * dx.len()..][..dx.len()];
        each(&axes, dy, |_, at, d| {
            if let Some(best) = at.reduce(|m, j| if v[j] > v[m] { j } else { m }) {
                dx[best] += d;
            }
        });
    })
}

/// Evenly to the elements of each window.
pub(super) fn avg_pool(w: &Window, count_pad: bool, x: &[usize], dy: &Tensor) -> Result<Tensor, String> {
    let axes = window(w, x, dy.shape());
    planes(x, dy, |_, dx, dy| {
        each(&axes, dy, |o, at, d| {
            let share = d / divisor(&axes, o, count_pad).max(1) as f32;
            at.for_each(|j| dx[j] += share);
        });
    })
}
