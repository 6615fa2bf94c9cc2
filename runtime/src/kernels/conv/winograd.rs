//! Winograd's F(2×2, 3×3): 16 multiplications instead of 36 for four outputs of a 3×3 kernel without stride.
//!
//! Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (CVPR 2016). Its rounding errors are of the size of
//! those of the direct sum.

use std::ops::Range;

use rayon::prelude::*;

use super::correlate::{Method, Sizes};
use super::strip::{Images, Strips};
use crate::kernels::micro::{self, CHANNELS, LANES, Panel, Position};
use crate::kernels::pool::Buffer;
use crate::kernels::simd::{Level, wide};
use crate::kernels::tiles::{self, POINTS};
use crate::kernels::transpose::Stage;

/// Channels of a group below which the transforms cost more than they save.
const FEW: usize = 8;

/// A 3×3 kernel with neither stride nor dilation.
pub(super) struct Winograd {
    level: Level,
    sizes: Sizes,
    strips: Strips,
    /// Transformed weights, `[group][block][point][channel][CHANNELS]`.
    weights: Buffer,
}

/// Working memory: one transposed channel, transformed channels `[point][read][tiles]`, products
/// `[point][blocks][CHANNELS][tiles]`, and the tiles' offsets.
pub(super) struct Scratch {
    plane: Buffer,
    spectrum: Buffer,
    products: Buffer,
    tiles: Vec<Position>,
    stage: Box<Stage>,
}

impl Winograd {
    /// Tiles that are worth computing together, whatever memory they need: each weight is then read once for so many.
    pub(super) const LEAST: usize = 4;

    /// Whether the strips are those of a kernel that this method computes, and it is worth it.
    pub(super) fn fits(sizes: &Sizes, strips: &Strips) -> bool {
        let (read, written) = sizes.per_group();
        read >= FEW && written >= FEW && strips.is_dense(3) && strips.positions() >= 4
    }

    /// Bytes of working memory for strips of so many tiles.
    pub(super) fn bytes(sizes: &Sizes, tiles: usize) -> usize {
        4 * LANES * POINTS * tiles * (sizes.read + sizes.written)
    }

    /// `weight(group, to, from, tap)` is the weight between channels of a group.
    pub(super) fn new(
        level: Level,
        sizes: Sizes,
        strips: Strips,
        weight: impl Fn(usize, usize, usize, usize) -> f32 + Sync,
    ) -> Self {
        let (read, written) = sizes.per_group();
        // The taps in the order of their offsets, which for a transposed convolution is not that of the kernel.
        let mut taps = strips.taps(0, 0);
        taps.sort_by_key(|&(_, offset)| offset);
        let length = POINTS * read * CHANNELS;
        let mut weights = Buffer::work(sizes.groups * sizes.blocks() * length);
        weights.par_chunks_exact_mut(length).enumerate().for_each(|(block, weights)| {
            let (group, first) = (block / sizes.blocks(), block % sizes.blocks() * CHANNELS);
            for from in 0..read {
                let mut kernels = [[0.0; CHANNELS]; 9];
                for (k, kernels) in kernels.iter_mut().enumerate() {
                    for (m, v) in kernels.iter_mut().enumerate().take(written - first) {
                        *v = f64::from(weight(group, first + m, from, taps[k].0));
                    }
                }
                let mut values = [[0.0; CHANNELS]; POINTS];
                transform_kernels(&kernels, &mut values);
                for (point, values) in values.iter().enumerate() {
                    weights[(point * read + from) * CHANNELS..][..CHANNELS].copy_from_slice(values);
                }
            }
        });
        Winograd { level, sizes, strips, weights }
    }

    fn tiles(&self, rows: usize) -> (usize, usize) {
        (rows.div_ceil(2), self.strips.row().div_ceil(2))
    }

    /// Floats from one transformed channel to the next: an odd number of vectors, as in [`Strips::plane`].
    fn channel(&self) -> usize {
        let (down, across) = self.tiles(self.strips.height);
        ((down * across) | 1) * LANES
    }

    /// Floats from one point of so many channels to the next, odd likewise.
    fn point(&self, channels: usize) -> usize {
        ((channels * self.channel() / LANES) | 1) * LANES
    }
}

wide! {
    fn transform_kernels(g: &[[f64; CHANNELS]; 9], out: &mut [[f32; CHANNELS]; POINTS]) {
        for m in 0..CHANNELS {
            let values = transformed(std::array::from_fn(|k| g[k][m]));
            for point in 0..POINTS {
                out[point][m] = values[point] as f32;
            }
        }
    }
}

/// `G·g·Gᵀ` of a 3×3 kernel.
#[inline(always)]
pub(in crate::kernels) fn transformed(g: [f64; 9]) -> [f64; POINTS] {
    let row = |a: f64, b: f64, c: f64| [a, (a + b + c) / 2.0, (a - b + c) / 2.0, c];
    let columns: [[f64; 4]; 3] = std::array::from_fn(|c| row(g[c], g[3 + c], g[6 + c]));
    let rows = std::array::from_fn::<_, 4, _>(|r| row(columns[0][r], columns[1][r], columns[2][r]));
    std::array::from_fn(|i| rows[i / 4][i % 4])
}

impl Method for Winograd {
    type Scratch = Scratch;

    fn strips(&self) -> &Strips {
        &self.strips
    }

    fn scratch(&self) -> Scratch {
        Scratch {
            plane: Buffer::work(self.strips.plane()),
            spectrum: Buffer::work(POINTS * self.point(self.sizes.read)),
            products: Buffer::work(0),
            tiles: Vec::new(),
            stage: Box::default(),
        }
    }

    fn load(&self, images: Images<'_>, range: (usize, usize), blocks: Range<usize>, scratch: &mut Scratch) {
        let source = self.strips.source(range);
        let tiles = self.tiles(range.1 - range.0);
        let base = self.strips.bases(range, (0, 0)).first().map_or(0, |&(_, _, base)| base);
        let stride = self.point(self.sizes.read);
        for channel in 0..self.sizes.read {
            source.load(self.level, images, channel, &mut scratch.plane, &mut scratch.stage);
            let plane = (&scratch.plane[..], base, self.strips.width());
            let out = &mut scratch.spectrum[channel * self.channel()..];
            tiles::transform(self.level, plane, tiles, out, stride);
        }
        let at = |t: usize| Position { out: t * LANES, base: t * LANES };
        scratch.tiles = (0..tiles.0 * tiles.1).map(at).collect();
        // All channels of a point before the next: what a point has read and written stays in the cache.
        let (read, channel) = (self.sizes.per_group().0, self.channel());
        let (length, out_point) = (read * CHANNELS, self.point(blocks.len() * CHANNELS));
        if scratch.products.len() != POINTS * out_point {
            scratch.products = Buffer::work(POINTS * out_point);
        }
        for (point, products) in scratch.products.chunks_exact_mut(out_point).enumerate() {
            for (block, products) in blocks.clone().zip(products.chunks_exact_mut(CHANNELS * channel)) {
                let first = block / self.sizes.blocks() * read;
                let panel = Panel {
                    x: &scratch.spectrum[point * stride + first * channel..],
                    plane: channel,
                    channels: read,
                    taps: &[0],
                    weights: &self.weights[(block * POINTS + point) * length..][..length],
                    init: [0.0; CHANNELS],
                    out_plane: channel,
                };
                micro::correlate(self.level, &panel, &scratch.tiles, products);
            }
        }
    }

    fn block(
        &self,
        (nth, _): (usize, usize),
        init: [f32; CHANNELS],
        range: (usize, usize),
        scratch: &mut Scratch,
        sums: &mut [f32],
    ) {
        let channel = self.channel();
        let stride = scratch.products.len() / POINTS;
        let size = (range.1 - range.0, self.strips.row());
        for (m, plane) in sums.chunks_exact_mut(self.strips.positions() * LANES).enumerate() {
            let products = (&scratch.products[(nth * CHANNELS + m) * channel..], stride);
            tiles::inverse(self.level, products, init[m], size, plane);
        }
    }
}
