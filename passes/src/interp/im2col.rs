//! Unfolding the input of a convolution into a matrix.

use crate::ir::geometry::Geometry;
use rayon::prelude::*;
use std::ops::Range;

/// Output rows unfolded at once, so that the matrix keeps to about `budget` elements.
pub(crate) fn tile_rows(g: &Geometry, budget: usize) -> usize {
    (budget / (g.depth() * g.x.output).max(1)).clamp(1, g.y.output.max(1))
}

/// One row of the matrix: the input element that tap `at` (channel, ky, kx) reads, for each output pixel.
fn unfold_row(g: &Geometry, plane: &[f32], at: usize, rows: Range<usize>, out: &mut [f32]) {
    let (ky, kx) = (at / g.x.kernel % g.y.kernel, at % g.x.kernel);
    let (lo, hi) = g.x.inside(kx);
    for (oy, line) in rows.zip(out.chunks_exact_mut(g.x.output)) {
        let Some(iy) = g.y.source(oy, ky) else {
            line.fill(0.0);
            continue;
        };
        line[..lo].fill(0.0);
        line[hi..].fill(0.0);
        if lo < hi {
            let from = iy * g.x.input + lo * g.x.stride + kx * g.x.dilation - g.x.pad[0];
            if g.x.stride == 1 {
                line[lo..hi].copy_from_slice(&plane[from..from + hi - lo]);
            } else {
                let source = plane[from..].iter().step_by(g.x.stride);
                line[lo..hi].iter_mut().zip(source).for_each(|(o, v)| *o = *v);
            }
        }
    }
}

/// Unfolds output rows `rows` of one group of one image: `out` is depth × (rows·width). With `threads`, over
/// the thread pool.
pub(crate) fn unfold(g: &Geometry, x: &[f32], rows: Range<usize>, out: &mut [f32], threads: bool) {
    let (taps, cols) = (g.y.kernel * g.x.kernel, rows.len() * g.x.output);
    let one = |(at, line): (usize, &mut [f32])| {
        let plane = &x[at / taps * g.in_plane()..][..g.in_plane()];
        unfold_row(g, plane, at, rows.clone(), line);
    };
    let out = &mut out[..g.depth() * cols];
    if threads {
        out.par_chunks_exact_mut(cols).enumerate().for_each(one);
    } else {
        out.chunks_exact_mut(cols).enumerate().for_each(one);
    }
}
