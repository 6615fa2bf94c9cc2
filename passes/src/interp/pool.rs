//! Pooling over windows of the two trailing axes.

use super::arg::f32s;
use crate::ir::geometry::{Axis, divisor, window};
use crate::ir::op::Window;
use crate::ir::tensor::Tensor;
use rayon::prelude::*;

/// Fills each plane of the result from the same plane of the operand.
fn planes(x: &Tensor, out: Vec<usize>, f: impl Fn(&[f32], &mut [f32]) + Sync) -> Result<Tensor, String> {
    let v = f32s(x, "the operand")?;
    let (from, to) = (x.shape()[2] * x.shape()[3], out[2] * out[3]);
    let mut y = vec![0.0; out.iter().product()];
    if from > 0 && to > 0 {
        y.par_chunks_exact_mut(to).zip(v.par_chunks_exact(from)).with_min_len(16).for_each(|(y, x)| f(x, y));
    }
    Ok(Tensor::f32(out, y))
}

/// Calls `f(result, window rows as slices)` for each window, clipped to the operand.
fn windows<'x>(
    [ya, xa]: &[Axis; 2],
    x: &'x [f32],
    y: &mut [f32],
    f: impl Fn(&mut f32, [usize; 2], &mut dyn Iterator<Item = &'x [f32]>),
) {
    for (oy, line) in y.chunks_exact_mut(xa.output).enumerate() {
        let (y0, y1) = ya.taps(oy);
        for (ox, o) in line.iter_mut().enumerate() {
            let (x0, x1) = xa.taps(ox);
            let left = ox * xa.stride + x0 - xa.pad[0].min(ox * xa.stride + x0);
            let mut rows = (y0..y1).map(|ky| {
                let iy = oy * ya.stride + ky - ya.pad[0];
                &x[iy * xa.input + left..][..x1 - x0]
            });
            f(o, [oy, ox], &mut rows);
        }
    }
}

/// Largest element of each window; padding never wins.
pub(crate) fn max_pool(w: &Window, x: &Tensor, out: Vec<usize>) -> Result<Tensor, String> {
    let axes = window(w, x.shape(), &out);
    planes(x, out, |x, y| {
        windows(&axes, x, y, |o, _, rows| {
            *o = rows.flatten().fold(f32::NEG_INFINITY, |m, &v| if v > m || v.is_nan() { v } else { m });
        });
    })
}

/// Mean of each window; a window wholly in the padding gives 0.
pub(crate) fn avg_pool(w: &Window, count_pad: bool, x: &Tensor, out: Vec<usize>) -> Result<Tensor, String> {
    let axes = window(w, x.shape(), &out);
    planes(x, out, |x, y| {
        windows(&axes, x, y, |o, at, rows| {
            let sum: f32 = rows.map(|r| r.iter().sum::<f32>()).sum();
            *o = sum / divisor(&axes, at, count_pad).max(1) as f32;
        });
    })
}
