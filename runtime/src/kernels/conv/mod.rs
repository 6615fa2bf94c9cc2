//! Two-dimensional convolution and its gradients.
//!
//! Sixteen images are computed side by side, one in each lane of a vector. A block of 16 images is transposed strip by strip
//! to `[channel][row][column][image]` with its padding written out; then every output is a sum of vectors times scalars, for
//! any stride, dilation and kernel, and no lane is lost to the borders of a map. Direct convolution in a blocked layout is
//! due to Georganas et al., "Anatomy of High-Performance Deep Learning Convolutions on SIMD Architectures" (SC 2018), who
//! put channels into the lanes. A last block with fewer images costs as much as a full one.

mod axis;
mod correlate;
mod direct;
mod shape;
mod strip;
#[cfg(test)]
mod tests;
mod weight_grad;
mod winograd;
mod winograd_grad;

use rayon::prelude::*;

use self::axis::Axis;
use self::correlate::Sizes;
use self::direct::Direct;
use self::strip::{BUDGET, Strips};
use self::winograd::Winograd;
use super::micro::{CHANNELS, LANES};
use super::pool::Buffer;
use super::simd::Level;
pub use shape::ConvShape;
pub(super) use winograd::transformed;

/// The convolution of `x`, `[n, c_in, h, w]`, with `w`, `[c_out, c_in/groups, kernel…]`, plus a bias for each output
/// channel: `[n, c_out, output…]`.
pub fn forward(x: &[f32], w: &[f32], bias: Option<&[f32]>, s: &ConvShape) -> Buffer {
    forward_at(Level::best(), x, w, bias, s)
}

/// The gradient of the input, `[n, c_in, h, w]`, from that of the output, `g`, `[n, c_out, output…]`.
pub fn data_grad(g: &[f32], w: &[f32], s: &ConvShape) -> Buffer {
    data_grad_at(Level::best(), g, w, s)
}

/// The gradient of the weights, `[c_out, c_in/groups, kernel…]`, from the input and the gradient of the output.
pub fn weight_grad(x: &[f32], g: &[f32], s: &ConvShape) -> Buffer {
    weight_grad_at(Level::best(), x, g, s)
}

/// The gradient of the bias, `[c_out]`: sums over images and positions.
pub fn bias_grad(g: &[f32], s: &ConvShape) -> Vec<f32> {
    assert_eq!(g.len(), s.output_len());
    let plane: usize = s.output().iter().product();
    let channel = |c: usize| {
        let planes = (0..s.n).map(|n| &g[(n * s.c_out + c) * plane..][..plane]);
        planes.map(|p| p.iter().map(|&v| f64::from(v)).sum::<f64>()).sum::<f64>() as f32
    };
    (0..s.c_out).into_par_iter().map(channel).collect()
}

fn forward_at(level: Level, x: &[f32], w: &[f32], bias: Option<&[f32]>, s: &ConvShape) -> Buffer {
    assert_eq!((x.len(), w.len()), (s.input_len(), s.weight_len()));
    assert!(bias.is_none_or(|b| b.len() == s.c_out));
    let sizes = Sizes {
        read: s.c_in,
        written: s.c_out,
        groups: s.groups,
        input: s.h * s.w,
        output: s.output().iter().product(),
    };
    let (per_group, inner) = (s.c_out / s.groups, s.c_in / s.groups);
    let weight = |group: usize, to: usize, from: usize, tap: usize| {
        w[((group * per_group + to) * inner + from) * s.taps() + tap]
    };
    correlate(level, s.n, sizes, [Axis::forward(s, 0), Axis::forward(s, 1)], x, weight, bias)
}

fn data_grad_at(level: Level, g: &[f32], w: &[f32], s: &ConvShape) -> Buffer {
    assert_eq!((g.len(), w.len()), (s.output_len(), s.weight_len()));
    let sizes = Sizes {
        read: s.c_out,
        written: s.c_in,
        groups: s.groups,
        input: s.output().iter().product(),
        output: s.h * s.w,
    };
    let (per_group, inner) = (s.c_out / s.groups, s.c_in / s.groups);
    let weight = |group: usize, to: usize, from: usize, tap: usize| {
        w[((group * per_group + from) * inner + to) * s.taps() + tap]
    };
    correlate(level, s.n, sizes, [Axis::transposed(s, 0), Axis::transposed(s, 1)], g, weight, None)
}

/// Chooses the method.
fn correlate(
    level: Level,
    images: usize,
    sizes: Sizes,
    [rows, columns]: [Axis; 2],
    x: &[f32],
    weight: impl Fn(usize, usize, usize, usize) -> f32 + Sync,
    bias: Option<&[f32]>,
) -> Buffer {
    let mut out = Buffer::stale(images * sizes.written * sizes.output);
    if out.is_empty() {
        return out;
    }
    let row = columns.output;
    let tiled = Strips::new(rows.clone(), columns.clone(), |rows, _| {
        let tiles = rows.div_ceil(2) * row.div_ceil(2);
        Winograd::bytes(&sizes, tiles) <= BUDGET || tiles <= Winograd::LEAST || rows <= 2
    });
    if Winograd::fits(&sizes, &tiled) {
        let method = Winograd::new(level, sizes, tiled, weight);
        correlate::correlate(level, &sizes, &method, x, bias, &mut out);
        return out;
    }
    let strips = Strips::new(rows, columns, |rows, plane| {
        4 * (sizes.read * plane + CHANNELS * rows * row * LANES) <= BUDGET
    });
    let method = Direct::new(level, sizes, strips, weight);
    correlate::correlate(level, &sizes, &method, x, bias, &mut out);
    out
}

fn weight_grad_at(level: Level, x: &[f32], g: &[f32], s: &ConvShape) -> Buffer {
    assert_eq!((x.len(), g.len()), (s.input_len(), s.output_len()));
    if g.is_empty() {
        return Buffer::zeros(s.weight_len());
    }
    weight_grad::weight_grad(level, s, x, g)
}
