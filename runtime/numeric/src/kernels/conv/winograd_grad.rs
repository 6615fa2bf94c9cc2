//! The gradient of 3×3 weights without stride by Winograd's F(2×2, 3×3): the transpose of the forward transforms, with 16
//! multiplications for four positions instead of 36.
//!
//! `dW = Gᵀ·(Σ (Bᵀ·d·B) ⊙ (A·g·Aᵀ))·G` over the tiles `d` of the input and `g` of the gradient.

use std::ops::Range;

use rayon::prelude::*;

use super::axis::Axis;
use super::shape::ConvShape;
use super::strip::Strips;
use super::weight_grad::{images, part, pieces};
use crate::kernels::element::Element;
use crate::kernels::micro::{self, LANES, Products, SIDE};
use crate::kernels::parallel;
use crate::kernels::pool::Buffer;
use crate::kernels::simd::{Level, wide};
use crate::kernels::tiles::{self, POINTS, Planes};
use crate::kernels::transpose::{self, Stage};

/// Bytes of transformed inputs and gradients.
const BUDGET: usize = 1 << 20;
/// Tiles that are summed together, whatever memory they need: each sum over the lanes is then shared by so many.
const TOGETHER: usize = 16;
/// Shares of images times shares of output channels. Fixed, so that sums do not depend on the number of threads.
const SHARES: usize = 8;
/// Bytes of all sums.
const SUMS: usize = 16 << 20;
/// Output channels of a share at least: every share transforms all input channels.
const LEAST: usize = 32;

/// Values of a tile of sums: [`SIDE`] output channels times as many input channels.
const TILE: usize = SIDE * SIDE;

pub(super) struct WinogradGrad<'a, E> {
    level: Level,
    s: &'a ConvShape,
    x: &'a [E],
    g: &'a [E],
    strips: Strips,
    together: usize,
}

/// Working memory: the planes of a channel of the input and of the gradient, and both transformed, `[point][channel][tiles]`.
struct Scratch<P> {
    input: Buffer,
    grad: Buffer,
    inputs: Buffer<P>,
    grads: Buffer<P>,
    stages: [Box<Stage>; 2],
}

impl<'a, E: Element> WinogradGrad<'a, E> {
    /// The method for a convolution in one group.
    pub(super) fn new(level: Level, s: &'a ConvShape, (x, g): (&'a [E], &'a [E])) -> Self {
        let across = s.output()[1].div_ceil(2);
        let strips = Strips::new(Axis::forward(s, 0), Axis::forward(s, 1), |rows, _| {
            let tiles = rows.div_ceil(2) * across;
            4 * LANES * POINTS * tiles * (s.c_in + s.c_out) <= BUDGET || tiles <= TOGETHER || rows <= 2
        });
        let together = (TOGETHER / (strips.height.div_ceil(2) * across)).max(1);
        WinogradGrad { level, s, x, g, strips, together }
    }

    /// The gradient, `[c_out, c_in, 3, 3]`.
    pub(super) fn compute(&self) -> Buffer {
        let (s, blocks) = (self.s, self.s.n.div_ceil(images::<E>()));
        let weights = 4 * POINTS * s.c_in * s.c_out;
        let of_images = blocks.min(SHARES).min((SUMS / weights).max(1));
        let of_channels = (SHARES / of_images).min((s.c_out / LEAST).max(1));
        let cut = |j: usize| (j * s.c_out / of_channels).next_multiple_of(SIDE).min(s.c_out);
        let inner = s.c_in.div_ceil(SIDE);
        let sums = |to: &Range<usize>| TILE * POINTS * to.len().div_ceil(SIDE) * inner;
        let parts: Vec<Range<usize>> = (0..of_channels).map(|j| cut(j)..cut(j + 1)).collect();
        let mut result = Buffer::stale(s.weight_len());
        let weights = pieces(&mut result, parts.iter().map(|to| to.len() * s.c_in * 9));
        if of_images == 1 {
            // Nothing is added to such a share, so that no more of them than are computed need memory.
            weights.into_par_iter().zip(&parts).for_each(|(weights, to)| {
                let mut of_share = Buffer::work(sums(to));
                self.share(0..blocks, to.clone(), &mut of_share);
                self.unpack(&[&of_share], to.len(), weights);
            });
            return result;
        }
        let mut all = Buffer::work(of_images * parts.iter().map(sums).sum::<usize>());
        let lengths = parts.iter().flat_map(|to| std::iter::repeat_n(sums(to), of_images));
        let mut shares = pieces(&mut all, lengths);
        shares.par_iter_mut().enumerate().for_each(|(share, sums)| {
            let (to, images) = (parts[share / of_images].clone(), share % of_images);
            self.share(images * blocks / of_images..(images + 1) * blocks / of_images, to, sums);
        });
        for ((to, weights), sums) in parts.iter().zip(weights).zip(shares.chunks(of_images)) {
            let sums: Vec<&[f32]> = sums.iter().map(|sums| &**sums).collect();
            self.unpack(&sums, to.len(), weights);
        }
        result
    }

    fn tiles(&self, rows: usize) -> (usize, usize) {
        (rows.div_ceil(2), self.strips.row().div_ceil(2))
    }

    /// Writes the sums of some blocks of images for some output channels, `[point][output tile][input tile][TILE]`.
    fn share(&self, blocks: Range<usize>, to: Range<usize>, sums: &mut [f32]) {
        let s = self.s;
        let (down, across) = self.tiles(self.strips.height);
        // Odd numbers of vectors, so that channels share no set of a cache.
        let channel = ((self.together * down * across) | 1) * LANES;
        let point = |channels: usize| ((channels * channel / LANES) | 1) * LANES;
        let (x_point, g_point) = (point(s.c_in), point(to.len()));
        let mut scratch = Scratch {
            input: Buffer::work(E::Packed::PACK * self.strips.plane()),
            grad: Buffer::work(E::Packed::PACK * 4 * down * across * LANES),
            inputs: Buffer::scratch(POINTS * x_point),
            grads: Buffer::scratch(POINTS * g_point),
            stages: [Box::default(), Box::default()],
        };
        // A last column of tiles may stick out of the map.
        scratch.grad.fill(0.0);
        let (outer, inner) = (to.len().div_ceil(SIDE), s.c_in.div_ceil(SIDE));
        sums.fill(0.0);
        for first in blocks.clone().step_by(self.together) {
            let several = first..(first + self.together).min(blocks.end);
            for range in self.strips.ranges() {
                let (down, across) = self.tiles(range.1 - range.0);
                let count = several.len() * down * across;
                for (b, block) in several.clone().enumerate() {
                    let at = b * down * across * LANES;
                    self.load(block, range, to.clone(), (at, channel), (x_point, g_point), &mut scratch);
                }
                for (p, sums) in sums.as_chunks_mut::<TILE>().0.chunks_exact_mut(outer * inner).enumerate() {
                    let (xs, gs) = (&scratch.inputs[p * x_point..], &scratch.grads[p * g_point..]);
                    for (i, sums) in sums.iter_mut().enumerate() {
                        let of = |tile: usize, channels: usize| {
                            std::array::from_fn(|k| (tile * SIDE + k).min(channels - 1) * channel)
                        };
                        let (g_at, x_at) = (of(i / inner, to.len()), of(i % inner, s.c_in));
                        micro::products(self.level, (gs, g_at), (xs, x_at), count, sums);
                    }
                }
            }
        }
    }

    /// Transforms a strip of a block of images to the tiles from `at` on.
    fn load(
        &self,
        block: usize,
        range: (usize, usize),
        to: Range<usize>,
        (at, channel): (usize, usize),
        (x_point, g_point): (usize, usize),
        scratch: &mut Scratch<E::Packed>,
    ) {
        let (s, strips) = (self.s, &self.strips);
        let output: usize = s.output().iter().product();
        let (x_image, g_image) = (s.c_in * s.h * s.w, s.c_out * output);
        let images = part(self.x, (s.n, x_image), block, 0);
        let tiles = self.tiles(range.1 - range.0);
        let source = strips.source(range);
        let base = strips.bases(range, (0, 0)).first().map_or(0, |&(_, _, base)| base);
        let [x_stage, g_stage] = &mut scratch.stages;
        for c in 0..s.c_in {
            let each = strips.plane();
            source.planes(self.level, |k| Some((images(k)?, c)), (&mut scratch.input, each), x_stage);
            let planes = Planes { x: &scratch.input, each, width: strips.width() };
            let out = &mut scratch.inputs[c * channel + at..];
            tiles::transform(self.level, (planes, base), tiles, out, x_point);
        }
        let (row, width) = (strips.row(), 2 * tiles.1);
        let positions = (range.1 - range.0) * row;
        let places: Vec<usize> = (0..positions).map(|p| (p / row * width + p % row) * LANES).collect();
        let (rows, each) = ((range.1 - range.0) * width * LANES, scratch.grad.len() / E::Packed::PACK);
        // A last row of tiles may stick out of the map.
        scratch.grad.chunks_exact_mut(each).for_each(|plane| plane[rows..].fill(0.0));
        for (i, c) in to.enumerate() {
            let images = part(self.g, (s.n, g_image), block, c * output + range.0 * row);
            for (k, plane) in scratch.grad.chunks_exact_mut(each).enumerate() {
                match images(k) {
                    Some(of) => {
                        let src = (of.values, of.stride, of.count);
                        transpose::gather(self.level, src, &places, output, plane, g_stage);
                    }
                    None => plane.fill(0.0),
                }
            }
            let out = &mut scratch.grads[i * channel + at..];
            let planes = Planes { x: &scratch.grad, each, width };
            tiles::spread(self.level, planes, tiles, out, g_point);
        }
    }

    /// `Gᵀ·m·G` of the sums of all shares, added in order, for so many output channels.
    fn unpack(&self, shares: &[&[f32]], outer: usize, out: &mut [f32]) {
        let (inner, row) = (self.s.c_in.div_ceil(SIDE), 9 * self.s.c_in);
        let point = outer.div_ceil(SIDE) * inner * TILE;
        parallel::pieces(out, SIDE * row, &|down, out| {
            for across in 0..inner {
                let at = (down * inner + across) * TILE;
                let mut sums = [[0.0; TILE]; POINTS];
                for (p, sums) in sums.iter_mut().enumerate() {
                    for share in shares {
                        add_run(&share[p * point + at..][..TILE], sums);
                    }
                }
                let mut weights = [[0.0; TILE]; 9];
                fold_run(&sums, &mut weights);
                for (to, out) in out.chunks_exact_mut(row).enumerate() {
                    let columns = out[9 * across * SIDE..].chunks_exact_mut(9).take(SIDE);
                    for (from, out) in columns.enumerate() {
                        out.iter_mut().zip(&weights).for_each(|(out, w)| *out = w[to * SIDE + from]);
                    }
                }
            }
        });
    }
}

wide! {
    fn add_run(part: &[f32], sums: &mut [f64; TILE]) {
        sums.iter_mut().zip(part).for_each(|(sum, v)| *sum += f64::from(*v));
    }
}

wide! {
    /// `Gᵀ·m·G` for the pairs of channels of a tile.
    fn fold_run(m: &[[f64; TILE]; POINTS], out: &mut [[f32; TILE]; 9]) {
        for k in 0..TILE {
            let fold = |a: f64, b: f64, c: f64, d: f64| [a + (b + c) / 2.0, (b - c) / 2.0, (b + c) / 2.0 + d];
            let columns: [[f64; 3]; 4] =
                std::array::from_fn(|c| fold(m[c][k], m[4 + c][k], m[8 + c][k], m[12 + c][k]));
            for r in 0..3 {
                let row = fold(columns[0][r], columns[1][r], columns[2][r], columns[3][r]);
                for c in 0..3 {
                    out[3 * r + c][k] = row[c] as f32;
                }
            }
        }
    }
}
