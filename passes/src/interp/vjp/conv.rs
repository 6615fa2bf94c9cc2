//! The input gradient of a convolution: the transposed product, folded back onto the input.

use super::super::arg::f32s;
use super::super::conv::with_scratch;
use super::super::depthwise;
use super::super::geometry::Geometry;
use super::super::im2col::{fold, tile_rows};
use super::super::sgemm::{Mat, sgemm};
use crate::ir::op::Conv;
use crate::ir::tensor::Tensor;
use rayon::prelude::*;

/// Elements of the unfolded gradient a thread works on at once.
const TILE: usize = 1 << 16;

/// The gradient for x `[N,C,H,W]` of the convolution with w, from that of its result.
pub(super) fn conv(c: &Conv, x: &[usize], w: &Tensor, dy: &Tensor) -> Result<Tensor, String> {
    let g = Geometry::new(c, x, w.shape());
    let (wv, dyv) = (f32s(w, "the weights")?, f32s(dy, "the gradient")?);
    let mut dx = vec![0.0; x.iter().product()];
    let (image, result) = (g.group * g.cin * g.in_plane(), g.group * g.cout * g.out_plane());
    if image > 0 && result > 0 {
        dx.par_chunks_exact_mut(image)
            .zip(dyv.par_chunks_exact(result))
            .for_each(|(dx, dy)| pull(&g, wv, dy, dx));
    }
    Ok(Tensor::f32(x, dx))
}

/// One image; `dx` is zero before.
fn pull(g: &Geometry, w: &[f32], dy: &[f32], dx: &mut [f32]) {
    if depthwise::applies(g) {
        return depthwise::pull(g, dy, w, dx);
    }
    let (depth, plane) = (g.depth(), g.out_plane());
    for group in 0..g.group {
        let dx = &mut dx[group * g.cin * g.in_plane()..][..g.cin * g.in_plane()];
        let w = Mat::rows(&w[group * g.cout * depth..][..g.cout * depth], depth).t();
        let dy = &dy[group * g.cout * plane..][..g.cout * plane];
        if g.is_pointwise() {
            sgemm((depth, plane, g.cout), 1.0, w, Mat::rows(dy, plane), dx, plane, false);
            continue;
        }
        let rows = tile_rows(g, TILE);
        with_scratch(depth * rows * g.x.output, |cols| {
            for y0 in (0..g.y.output).step_by(rows) {
                let y1 = (y0 + rows).min(g.y.output);
                let width = (y1 - y0) * g.x.output;
                let cols = &mut cols[..depth * width];
                cols.fill(0.0);
                let from = Mat::rows(&dy[y0 * g.x.output..], plane);
                sgemm((depth, width, g.cout), 1.0, w, from, cols, width, false);
                fold(g, cols, y0..y1, dx);
            }
        });
    }
}
