//! The gradient of the weights: products of output gradients and inputs, summed over images and positions.

use rayon::prelude::*;

use super::axis::Axis;
use super::shape::ConvShape;
use super::strip::{BUDGET, Images, Strips};
use crate::kernels::micro::{self, GRADS, INPUTS, LANES};
use crate::kernels::simd::Level;
use crate::kernels::transpose;

/// Positions of a strip: the transposed gradients of one tile then stay in the first-level cache.
const POSITIONS: usize = 64;
/// Weights above which channels instead of images are shared out: partial sums of so many weights would be large.
const MANY: usize = 64 << 10;
/// Shares of the images, or of the output channels. Fixed, so that sums do not depend on the number of threads.
const SHARES: usize = 8;

const TILE: usize = GRADS * INPUTS;

/// The gradient of `[c_out, c_in/groups, kernel…]`.
pub(super) fn weight_grad(level: Level, s: &ConvShape, x: &[f32], g: &[f32]) -> Vec<f32> {
    let blocks = s.n.div_ceil(LANES);
    let tiles = s.c_out / s.groups;
    let row = s.output()[1];
    let strips = |written: usize| {
        Strips::new(Axis::forward(s, 0), Axis::forward(s, 1), |rows, plane| {
            rows * row <= POSITIONS && 4 * (s.c_in * plane + written * rows * row * LANES) <= BUDGET
        })
    };
    if s.weight_len() <= MANY || s.groups > 1 || tiles < SHARES * GRADS {
        let shares = blocks.min(SHARES);
        let strips = strips(s.c_out);
        let partial = |share: usize| {
            share_of(
                level,
                s,
                &strips,
                (x, g),
                (share * blocks / shares, (share + 1) * blocks / shares),
                (0, s.c_out),
            )
        };
        let partials: Vec<Vec<f32>> = (0..shares).into_par_iter().map(partial).collect();
        let mut sum = vec![0.0; s.weight_len()];
        for partial in partials {
            sum.iter_mut().zip(partial).for_each(|(sum, part)| *sum += part);
        }
        return sum;
    }
    let cut = |share: usize| (share * s.c_out / SHARES).next_multiple_of(GRADS).min(s.c_out);
    let strips = strips(s.c_out / SHARES);
    let partial =
        |share: usize| share_of(level, s, &strips, (x, g), (0, blocks), (cut(share), cut(share + 1)));
    (0..SHARES).into_par_iter().map(partial).collect::<Vec<_>>().concat()
}

/// The part of some blocks of images, for output channels `channels.0..channels.1`.
fn share_of(
    level: Level,
    s: &ConvShape,
    strips: &Strips,
    (x, g): (&[f32], &[f32]),
    blocks: (usize, usize),
    channels: (usize, usize),
) -> Vec<f32> {
    let count = channels.1 - channels.0;
    let (out_group, in_group) = (s.c_out / s.groups, s.c_in / s.groups);
    let output: usize = s.output().iter().product();
    let (x_image, g_image) = (s.c_in * s.h * s.w, s.c_out * output);
    let (plane, g_plane) = (strips.plane(), (strips.positions() | 1) * LANES);
    let mut xs = vec![0.0; s.c_in * plane];
    let mut gs = vec![0.0; count * g_plane];
    let g_at: Vec<usize> = (0..strips.positions()).map(|p| p * LANES).collect();
    let taps = strips.taps(0, 0);
    // Weight `k` of an output channel: channel of its group, then tap.
    let inputs: Vec<usize> =
        (0..in_group).flat_map(|c| taps.iter().map(move |&(_, offset)| c * plane + offset)).collect();
    let (across, down) = (inputs.len().div_ceil(INPUTS), out_group.min(count).div_ceil(GRADS));
    let groups = count / out_group.min(count).max(1);
    let mut sums = vec![[0.0; TILE]; groups * down * across];
    for block in blocks.0..blocks.1 {
        let images = LANES.min(s.n - block * LANES);
        for range in strips.ranges() {
            let inputs_of = Images { values: &x[block * LANES * x_image..], stride: x_image, count: images };
            strips.load(level, inputs_of, range, &mut xs);
            let positions = (range.1 - range.0) * strips.row();
            let bases: Vec<usize> =
                strips.bases(range, (0, 0)).into_iter().map(|(_, _, base)| base).collect();
            let from = block * LANES * g_image + range.0 * strips.row();
            for (channel, plane) in gs.chunks_exact_mut(g_plane).enumerate() {
                let src = &g[from + (channels.0 + channel) * output..];
                transpose::gather(level, (src, g_image, images), &g_at[..positions], output, plane);
            }
            for (tile, sums) in sums.chunks_exact_mut(across).enumerate() {
                let (group, tile) = (tile / down, tile % down);
                let last = (group + 1) * out_group.min(count) - 1;
                let first = group * out_group.min(count) + tile * GRADS;
                let grads = std::array::from_fn(|m| (first + m).min(last) * g_plane);
                let xs = &xs[group * in_group * plane..];
                for (k, sums) in sums.iter_mut().enumerate() {
                    let at = std::array::from_fn(|j| inputs[(k * INPUTS + j).min(inputs.len() - 1)]);
                    micro::outer_sums(level, (&gs, grads), (xs, at), &bases, sums);
                }
            }
        }
    }
    unpack(&sums, (across, down), (out_group.min(count), inputs.len()), groups)
}

/// Tiles to `[groups·rows][columns]`.
fn unpack(
    sums: &[[f32; TILE]],
    (across, down): (usize, usize),
    (rows, columns): (usize, usize),
    groups: usize,
) -> Vec<f32> {
    let mut weights = Vec::with_capacity(groups * rows * columns);
    for (group, row) in (0..groups).flat_map(|g| (0..rows).map(move |r| (g, r))) {
        let tiles = &sums[(group * down + row / GRADS) * across..][..across];
        let values = tiles.iter().flat_map(|tile| tile[row % GRADS * INPUTS..][..INPUTS].iter().copied());
        weights.extend(values.take(columns));
    }
    weights
}
