//! Convolution: a matrix product with the unfolded input.

use super::arg::f32s;
use super::depthwise;
use super::im2col::{tile_rows, unfold};
use super::par::threads;
use super::sgemm::{Mat, sgemm};
use crate::ir::geometry::Geometry;
use crate::ir::op::Conv;
use crate::ir::tensor::Tensor;
use rayon::prelude::*;
use std::cell::RefCell;

/// Elements of the unfolded matrix one thread works on: a share of the second-level cache.
const TILE: usize = 1 << 16;
/// The same when all threads share one image.
const SHARED_TILE: usize = 1 << 22;

thread_local! {
    static UNFOLDED: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Calls `f` with this thread's scratch buffer of at least `len` elements, of any content.
pub(crate) fn with_scratch<R>(len: usize, f: impl FnOnce(&mut [f32]) -> R) -> R {
    // Taken out, not borrowed: `f` may let the thread pool run another task on this thread.
    let mut buffer = UNFOLDED.take();
    if buffer.len() < len {
        buffer.resize(len, 0.0);
    }
    let r = f(&mut buffer[..len]);
    UNFOLDED.set(buffer);
    r
}

/// Convolves x `[N,C,H,W]` with w `[O,C/group,kH,kW]` and adds a bias `[O]`.
pub(crate) fn conv(c: &Conv, x: &Tensor, w: &Tensor, b: Option<&Tensor>) -> Result<Tensor, String> {
    let g = Geometry::new(c, x.shape(), w.shape());
    let (xv, wv) = (f32s(x, "the operand")?, f32s(w, "the weights")?);
    let bias = b.map(|b| f32s(b, "the bias")).transpose()?;
    let n = x.shape()[0];
    let shape = [n, g.group * g.cout, g.y.output, g.x.output];
    let mut out = vec![0.0; shape.iter().product()];
    let (image, result) = (g.group * g.cin * g.in_plane(), g.group * g.cout * g.out_plane());
    if !out.is_empty() {
        let one = |at: usize, y: &mut [f32], threads: bool| {
            convolve(&g, &xv[at * image..][..image], wv, bias, y, threads);
        };
        if n >= threads() {
            out.par_chunks_exact_mut(result).enumerate().for_each(|(i, y)| one(i, y, false));
        } else {
            out.chunks_exact_mut(result).enumerate().for_each(|(i, y)| one(i, y, true));
        }
    }
    Ok(Tensor::f32(shape, out))
}

/// One image.
fn convolve(g: &Geometry, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32], threads: bool) {
    match bias {
        Some(b) => y.chunks_exact_mut(g.out_plane()).zip(b).for_each(|(p, &v)| p.fill(v)),
        None => y.fill(0.0),
    }
    if depthwise::applies(g) {
        return depthwise::convolve(g, x, w, y, threads);
    }
    let (depth, plane) = (g.depth(), g.out_plane());
    for group in 0..g.group {
        let x = &x[group * g.cin * g.in_plane()..][..g.cin * g.in_plane()];
        let w = Mat::rows(&w[group * g.cout * depth..][..g.cout * depth], depth);
        let y = &mut y[group * g.cout * plane..][..g.cout * plane];
        if g.is_pointwise() {
            sgemm((g.cout, plane, depth), 1.0, w, Mat::rows(x, plane), y, plane, threads);
            continue;
        }
        let rows = tile_rows(g, if threads { SHARED_TILE } else { TILE });
        with_scratch(depth * rows * g.x.output, |cols| {
            for y0 in (0..g.y.output).step_by(rows) {
                let y1 = (y0 + rows).min(g.y.output);
                let width = (y1 - y0) * g.x.output;
                unfold(g, x, y0..y1, cols, threads);
                let out = &mut y[y0 * g.x.output..];
                sgemm((g.cout, width, depth), 1.0, w, Mat::rows(cols, width), out, plane, threads);
            }
        });
    }
}
