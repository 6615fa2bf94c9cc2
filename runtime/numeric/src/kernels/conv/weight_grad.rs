//! The gradient of the weights: products of output gradients and inputs, summed over images and positions.

use std::ops::Range;

use rayon::prelude::*;

use super::axis::Axis;
use super::matrix_grad::MatrixGrad;
use super::shape::ConvShape;
use super::strip::{Images, Strips};
use super::ways::{How, Way};
use super::winograd_grad::WinogradGrad;
use crate::kernels::element::Element;
use crate::kernels::elementwise;
use crate::kernels::micro::{self, GRADS, INPUTS, LANES, Products};
use crate::kernels::parallel::each;
use crate::kernels::pool::Buffer;
use crate::kernels::simd::Level;
use crate::kernels::transpose::{self, Stage};

/// Positions that are summed at a time: the transposed gradients of one tile then stay in the first-level cache.
const POSITIONS: usize = 64;
/// Bytes of transposed inputs, about half of a second-level cache.
const BUDGET: usize = 384 << 10;
/// Weights above which channels instead of images are shared out: partial sums of so many weights would be large.
const MANY: usize = 64 << 10;
/// Shares of the images, or of the output channels. Fixed, so that sums do not depend on the number of threads.
const SHARES: usize = 8;

const TILE: usize = GRADS * INPUTS;

/// The gradient of `[c_out, c_in/groups, kernel…]`.
pub(super) fn weight_grad<E: Element>(How { level, way }: How, s: &ConvShape, x: &[E], g: &[E]) -> Buffer {
    match way {
        Way::Winograd => return WinogradGrad::new(level, s, (x, g)).compute(),
        Way::Matrix => return MatrixGrad::new(level, s, (x, g)).compute(),
        Way::Taps => {}
    }
    let row = s.output()[1];
    let strips = Strips::new(Axis::forward(s, 0), Axis::forward(s, 1), |rows, _| rows * row <= POSITIONS);
    let task = Task { level, s, x, g, strips };
    let blocks = s.n.div_ceil(images::<E>());
    if s.weight_len() <= MANY || s.groups > 1 || s.c_out < SHARES * GRADS {
        let shares = blocks.min(SHARES);
        let partial = |i: usize| {
            let mut weights = Buffer::work(s.weight_len());
            task.share(i * blocks / shares..(i + 1) * blocks / shares, 0..s.c_out, &mut weights);
            weights
        };
        let mut sum = Buffer::zeros(s.weight_len());
        for partial in &each(shares, &partial) {
            elementwise::accumulate(&mut sum, partial);
        }
        return sum;
    }
    let cut = |share: usize| (share * s.c_out / SHARES).next_multiple_of(GRADS).min(s.c_out);
    let mut weights = Buffer::stale(s.weight_len());
    let of_share: Vec<Range<usize>> = (0..SHARES).map(|share| cut(share)..cut(share + 1)).collect();
    let parts = pieces(&mut weights, of_share.iter().map(|to| to.len() * s.c_in * s.taps()));
    parts.into_par_iter().zip(of_share).for_each(|(weights, to)| task.share(0..blocks, to, weights));
    weights
}

/// Images of a block: a packed lane holds several.
pub(super) const fn images<E: Element>() -> usize {
    LANES * E::Packed::PACK
}

/// The images that are part `k` of a block, from element `start` of the first on, which takes up `image` elements in `values`.
pub(super) fn part<'a, E: Element>(
    values: &'a [E],
    (n, image): (usize, usize),
    block: usize,
    start: usize,
) -> impl Fn(usize) -> Option<Images<'a, E>> {
    move |k| {
        let first = block * images::<E>() + k * LANES;
        let values = values.get(first * image + start..).filter(|_| first < n)?;
        Some(Images { values, stride: image, count: LANES.min(n - first) })
    }
}

/// Cuts numbers into pieces of these lengths.
pub(super) fn pieces(mut numbers: &mut [f32], lengths: impl Iterator<Item = usize>) -> Vec<&mut [f32]> {
    let cut = |length| {
        let (head, tail) = std::mem::take(&mut numbers).split_at_mut(length);
        numbers = tail;
        head
    };
    lengths.map(cut).collect()
}

struct Task<'a, E> {
    level: Level,
    s: &'a ConvShape,
    x: &'a [E],
    g: &'a [E],
    strips: Strips,
}

/// Working memory: transposed inputs `[channel][block][plane]` and gradients `[channel][block][position]`.
struct Scratch<P> {
    inputs: Buffer<P>,
    grads: Buffer<P>,
    stage: Box<Stage>,
}

impl<E: Element> Task<'_, E> {
    /// Writes the part of some blocks of images in the gradient for some output channels, which are all with groups.
    fn share(&self, blocks: Range<usize>, to: Range<usize>, weights: &mut [f32]) {
        let (s, taps) = (self.s, self.s.taps());
        let (plane, positions) = (self.strips.plane(), self.strips.positions());
        // Small maps are summed over several blocks of images at a time.
        let together = (POSITIONS / positions.max(1)).clamp(1, blocks.len().max(1));
        let inner = s.c_in / s.groups;
        let chunk =
            if s.groups > 1 { s.c_in } else { (BUDGET / (4 * plane * together)).clamp(16, s.c_in.max(16)) };
        let mut scratch = Scratch {
            inputs: Buffer::scratch(chunk.min(s.c_in) * together * plane),
            grads: Buffer::scratch(to.len() * ((together * positions) | 1) * LANES),
            stage: Box::default(),
        };
        for first in (0..s.c_in).step_by(chunk) {
            let from = first..(first + chunk).min(s.c_in);
            let part = self.part(blocks.clone(), together, from.clone(), to.clone(), &mut scratch);
            let (start, length) = (first % inner * taps, part.len() / to.len());
            for (row, part) in weights.chunks_exact_mut(inner * taps).zip(part.chunks_exact(length)) {
                row[start..start + length].copy_from_slice(part);
            }
        }
    }

    /// The gradient for input channels `from`, all or of the only group, and output channels `to`.
    fn part(
        &self,
        blocks: Range<usize>,
        together: usize,
        from: Range<usize>,
        to: Range<usize>,
        scratch: &mut Scratch<E::Packed>,
    ) -> Vec<f32> {
        let s = self.s;
        let (outer, inner) = (to.len() / s.groups, from.len() / s.groups);
        let plane = self.strips.plane();
        let (x_plane, g_plane) = (together * plane, ((together * self.strips.positions()) | 1) * LANES);
        // Weight `k` of an output channel: channel of its group, then tap.
        let taps = self.strips.taps(0, 0);
        let inputs: Vec<usize> =
            (0..inner).flat_map(|c| taps.iter().map(move |&(_, offset)| c * x_plane + offset)).collect();
        let (across, down) = (inputs.len().div_ceil(INPUTS), outer.div_ceil(GRADS));
        let mut sums = vec![[0.0; TILE]; s.groups * down * across];
        for first in blocks.clone().step_by(together) {
            let several = first..(first + together).min(blocks.end);
            for range in self.strips.ranges() {
                let windows: Vec<usize> = self.strips.bases(range, (0, 0)).into_iter().map(|w| w.2).collect();
                let bases: Vec<usize> = (0..several.len())
                    .flat_map(|b| windows.iter().map(move |base| base + b * plane))
                    .collect();
                for (b, block) in several.clone().enumerate() {
                    self.load(block, (b, together), range, (from.clone(), to.clone()), scratch);
                }
                for (tile, sums) in sums.chunks_exact_mut(across).enumerate() {
                    let (group, tile) = (tile / down, tile % down);
                    let last = (group + 1) * outer - 1;
                    let grads =
                        std::array::from_fn(|m| (group * outer + tile * GRADS + m).min(last) * g_plane);
                    let xs = &scratch.inputs[group * inner * x_plane..];
                    for (k, sums) in sums.iter_mut().enumerate() {
                        let at = std::array::from_fn(|j| inputs[(k * INPUTS + j).min(inputs.len() - 1)]);
                        micro::outer_sums(self.level, (&scratch.grads, grads), (xs, at), &bases, sums);
                    }
                }
            }
        }
        unpack(&sums, (across, down), (outer, inputs.len()), s.groups)
    }

    /// Transposes a strip of the `b`-th block of a few.
    fn load(
        &self,
        block: usize,
        (b, together): (usize, usize),
        range: (usize, usize),
        (from, to): (Range<usize>, Range<usize>),
        scratch: &mut Scratch<E::Packed>,
    ) {
        let (s, strips) = (self.s, &self.strips);
        let output: usize = s.output().iter().product();
        let (x_image, g_image) = (s.c_in * s.h * s.w, s.c_out * output);
        let (plane, level, stage) = (strips.plane(), self.level, &mut scratch.stage);
        let images = part(self.x, (s.n, x_image), block, from.start * s.h * s.w);
        let source = strips.source(range);
        for channel in 0..from.len() {
            let lanes = &mut scratch.inputs[(channel * together + b) * plane..][..plane];
            source.pack(level, |k| Some((images(k)?, channel)), lanes, stage);
        }
        let positions = (range.1 - range.0) * strips.row();
        let at: Vec<usize> = (0..positions).map(|p| p * LANES).collect();
        let (each, g_plane) = (positions * LANES, ((together * strips.positions()) | 1) * LANES);
        for (channel, lanes) in to.zip(scratch.grads.chunks_exact_mut(g_plane)) {
            let lanes = &mut lanes[b * each..][..each];
            let images = part(self.g, (s.n, g_image), block, channel * output + range.0 * strips.row());
            let rows = |k| images(k).map(|i| (i.values, i.stride, i.count));
            transpose::pack(level, rows, &at, output, lanes, stage);
        }
    }
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
