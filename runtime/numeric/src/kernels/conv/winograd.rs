//! Winograd's F(2×2, 3×3): 16 multiplications instead of 36 for four outputs of a 3×3 kernel without stride.
//!
//! Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (CVPR 2016). Its rounding errors are of the size of
//! those of the direct sum.

use std::ops::Range;

use super::correlate::{Method, Sizes};
use super::strip::{Images, Strips};
use crate::kernels::element::Element;
use crate::kernels::micro::{self, CHANNELS, LANES, Panel, Position, Products};
use crate::kernels::parallel;
use crate::kernels::pool::Buffer;
use crate::kernels::simd::{Level, wide};
use crate::kernels::tiles::{self, POINTS, Planes};
use crate::kernels::transpose::Stage;

/// A 3×3 kernel with neither stride nor dilation.
pub(super) struct Winograd<P> {
    level: Level,
    sizes: Sizes,
    strips: Strips,
    /// Transformed weights, `[group][block][point][packed channel][CHANNELS]`.
    weights: Buffer<P>,
}

/// Working memory: the planes of a packed channel, transformed channels `[point][packed channel][tiles]`, products
/// `[point][blocks][CHANNELS][tiles]`, and the tiles' offsets.
pub(super) struct Scratch<P> {
    planes: Buffer,
    spectrum: Buffer<P>,
    products: Buffer,
    tiles: Vec<Position>,
    stage: Box<Stage>,
}

impl<P: Products> Winograd<P> {
    /// Tiles that are worth computing together, whatever memory they need: each weight is then read once for so many.
    pub(super) const LEAST: usize = 4;

    /// Bytes of working memory for strips of so many tiles.
    pub(super) fn bytes(sizes: &Sizes, tiles: usize) -> usize {
        4 * LANES * POINTS * tiles * (sizes.groups * sizes.packed::<P>() + sizes.written)
    }

    /// `weight(group, to, from, tap)` is the weight between channels of a group.
    pub(super) fn new(
        level: Level,
        sizes: Sizes,
        strips: Strips,
        weight: impl Fn(usize, usize, usize, usize) -> f32 + Sync,
    ) -> Self {
        let ((read, written), packed) = (sizes.per_group(), sizes.packed::<P>());
        // The taps in the order of their offsets, which for a transposed convolution is not that of the kernel.
        let mut taps = strips.taps(0, 0);
        taps.sort_by_key(|&(_, offset)| offset);
        let length = POINTS * packed * CHANNELS;
        let mut weights = Buffer::scratch(sizes.groups * sizes.blocks() * length);
        parallel::pieces(&mut weights, length, &|block, weights| {
            let (group, first) = (block / sizes.blocks(), block % sizes.blocks() * CHANNELS);
            for pack in 0..packed {
                let mut values = [[[0.0; CHANNELS]; POINTS]; 2];
                for (from, values) in (pack * P::PACK..read).zip(values.iter_mut().take(P::PACK)) {
                    let mut kernels = [[0.0; CHANNELS]; 9];
                    for (k, kernels) in kernels.iter_mut().enumerate() {
                        for (m, v) in kernels.iter_mut().enumerate().take(written - first) {
                            *v = f64::from(weight(group, first + m, from, taps[k].0));
                        }
                    }
                    transform_kernels(&kernels, values);
                }
                for point in 0..POINTS {
                    let out = &mut weights[(point * packed + pack) * CHANNELS..][..CHANNELS];
                    for (m, out) in out.iter_mut().enumerate() {
                        *out = P::packed([values[0][point][m], values[1][point][m]]);
                    }
                }
            }
        });
        Winograd { level, sizes, strips, weights }
    }

    fn tiles(&self, rows: usize) -> (usize, usize) {
        (rows.div_ceil(2), self.strips.row().div_ceil(2))
    }

    /// Lanes from one transformed channel to the next: an odd number of vectors, as in [`Strips::plane`].
    fn channel(&self) -> usize {
        let (down, across) = self.tiles(self.strips.height);
        ((down * across) | 1) * LANES
    }

    /// Lanes from one point of so many channels to the next, odd likewise.
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

impl<E: Element> Method<E> for Winograd<E::Packed> {
    type Scratch = Scratch<E::Packed>;

    fn strips(&self) -> &Strips {
        &self.strips
    }

    fn scratch(&self) -> Self::Scratch {
        let packed = self.sizes.groups * self.sizes.packed::<E::Packed>();
        Scratch {
            planes: Buffer::work(E::Packed::PACK * self.strips.plane()),
            spectrum: Buffer::scratch(POINTS * self.point(packed)),
            products: Buffer::work(0),
            tiles: Vec::new(),
            stage: Box::default(),
        }
    }

    fn load(
        &self,
        images: Images<'_, E>,
        range: (usize, usize),
        blocks: Range<usize>,
        scratch: &mut Self::Scratch,
    ) {
        let source = self.strips.source(range);
        let tiles = self.tiles(range.1 - range.0);
        let base = self.strips.bases(range, (0, 0)).first().map_or(0, |&(_, _, base)| base);
        let (read, each) = (self.sizes.packed::<E::Packed>(), self.strips.plane());
        let stride = self.point(self.sizes.groups * read);
        for packed in 0..self.sizes.groups * read {
            let part = self.sizes.part::<E::Packed>(packed);
            let of = |k| Some((images, part(k)?));
            source.planes(self.level, of, (&mut scratch.planes, each), &mut scratch.stage);
            let planes = Planes { x: &scratch.planes, each, width: self.strips.width() };
            let out = &mut scratch.spectrum[packed * self.channel()..];
            tiles::transform(self.level, (planes, base), tiles, out, stride);
        }
        let at = |t: usize| Position { out: t * LANES, base: t * LANES };
        scratch.tiles = (0..tiles.0 * tiles.1).map(at).collect();
        // All channels of a point before the next: what a point has read and written stays in the cache.
        let channel = self.channel();
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
        init: &[f32],
        range: (usize, usize),
        scratch: &mut Self::Scratch,
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
