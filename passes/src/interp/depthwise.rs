//! Convolution with few input channels a group, tap by tap without unfolding.

use crate::ir::geometry::Geometry;
use rayon::prelude::*;

/// Is the matrix product too thin to be worth its unfolding?
pub(crate) fn applies(g: &Geometry) -> bool {
    g.group > 1 && g.cin * g.cout <= 4
}

/// Adds the convolution of one image to `y`.
pub(crate) fn convolve(g: &Geometry, x: &[f32], w: &[f32], y: &mut [f32], threads: bool) {
    let one = |(o, plane): (usize, &mut [f32])| {
        let first = o / g.cout * g.cin;
        for c in 0..g.cin {
            let x = &x[(first + c) * g.in_plane()..][..g.in_plane()];
            let taps = g.y.kernel * g.x.kernel;
            accumulate(g, x, &w[(o * g.cin + c) * taps..][..taps], plane);
        }
    };
    if threads {
        y.par_chunks_exact_mut(g.out_plane()).enumerate().for_each(one);
    } else {
        y.chunks_exact_mut(g.out_plane()).enumerate().for_each(one);
    }
}

fn accumulate(g: &Geometry, x: &[f32], w: &[f32], y: &mut [f32]) {
    for ky in 0..g.y.kernel {
        for kx in 0..g.x.kernel {
            let (tap, (lo, hi)) = (w[ky * g.x.kernel + kx], g.x.inside(kx));
            if lo >= hi {
                continue;
            }
            for oy in 0..g.y.output {
                let Some(iy) = g.y.source(oy, ky) else { continue };
                let from = iy * g.x.input + lo * g.x.stride + kx * g.x.dilation - g.x.pad[0];
                let line = &mut y[oy * g.x.output + lo..oy * g.x.output + hi];
                if g.x.stride == 1 {
                    line.iter_mut().zip(&x[from..]).for_each(|(o, v)| *o += tap * v);
                } else {
                    line.iter_mut()
                        .zip(x[from..].iter().step_by(g.x.stride))
                        .for_each(|(o, v)| *o += tap * v);
                }
            }
        }
    }
}
