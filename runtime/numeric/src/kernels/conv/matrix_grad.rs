//! The gradient of the weights by a matrix unit: tiles of 16 output channels by 16 input channels, summed over pairs of images and
//! over positions.
//!
//! Gradients and inputs are transposed so that 16 channels lie side by side at each position, a vector of 16 pairs of images each:
//! a left tile of gradients as it lies there. Those of the inputs are turned once more, so that pairs of images are the rows of a
//! right tile and channels its columns.

use std::ops::Range;

use super::axis::Axis;
use super::shape::ConvShape;
use super::strip::Strips;
use super::weight_grad::{images, part, pieces};
use crate::kernels::amx::{Factors, SIDE, Steps, Sums, TILE, Tiles};
use crate::kernels::element::Element;
use crate::kernels::micro::{LANES, Products};
use crate::kernels::parallel;
use crate::kernels::pool::Buffer;
use crate::kernels::simd::Level;
use crate::kernels::transpose::{self, Stage};
use rayon::prelude::*;

/// Positions of a strip.
const POSITIONS: usize = 128;
/// Positions whose gradients stay in the first-level cache while all taps go by.
const TOGETHER: usize = 16;
/// Shares of images times shares of output channels. Fixed, so that sums do not depend on the number of threads.
const SHARES: usize = 8;
/// Bytes of all sums.
const SUMS: usize = 32 << 20;
/// Output channels of a share at least: every share turns all input channels.
const LEAST: usize = 64;

pub(super) struct MatrixGrad<'a, E> {
    level: Level,
    s: &'a ConvShape,
    x: &'a [E],
    g: &'a [E],
    strips: Strips,
}

/// Working memory: transposed gradients, `[output tile][block][position][channel][pairs of images]`, and of one tile of input channels
/// the turned planes, `[block][plane][pairs of images][channel]`.
struct Scratch<P> {
    grads: Buffer<P>,
    inputs: Buffer<P>,
    stage: Box<Stage>,
}

impl<'a, E: Element> MatrixGrad<'a, E> {
    /// The method for a convolution in one group.
    pub(super) fn new(level: Level, s: &'a ConvShape, (x, g): (&'a [E], &'a [E])) -> Self {
        let row = s.output()[1];
        let strips = Strips::new(Axis::forward(s, 0), Axis::forward(s, 1), |rows, _| rows * row <= POSITIONS);
        MatrixGrad { level, s, x, g, strips }
    }

    /// The gradient, `[c_out, c_in, kernel…]`.
    pub(super) fn compute(&self) -> Buffer {
        let (s, blocks) = (self.s, self.s.n.div_ceil(images::<E>()));
        let together = self.blocks_together(blocks);
        let of_images =
            blocks.div_ceil(together).min(SHARES).min((SUMS / (4 * s.weight_len()).max(1)).max(1));
        let of_channels = (SHARES / of_images).min((s.c_out / LEAST).max(1));
        let cut = |j: usize| (j * s.c_out / of_channels).next_multiple_of(SIDE).min(s.c_out);
        let parts: Vec<Range<usize>> = (0..of_channels).map(|j| cut(j)..cut(j + 1)).collect();
        let inner = s.c_in.div_ceil(SIDE);
        let sums = |to: &Range<usize>| inner * s.taps() * to.len().div_ceil(SIDE) * TILE;
        let mut all = Buffer::work(of_images * parts.iter().map(sums).sum::<usize>());
        let lengths = parts.iter().flat_map(|to| std::iter::repeat_n(sums(to), of_images));
        let mut shares = pieces(&mut all, lengths);
        shares.par_iter_mut().enumerate().for_each(|(share, sums)| {
            let (to, images) = (parts[share / of_images].clone(), share % of_images);
            self.share(images * blocks / of_images..(images + 1) * blocks / of_images, to, sums);
        });
        let mut result = Buffer::stale(s.weight_len());
        let weights = pieces(&mut result, parts.iter().map(|to| to.len() * s.c_in * s.taps()));
        for ((to, weights), sums) in parts.iter().zip(weights).zip(shares.chunks(of_images)) {
            let sums: Vec<&[f32]> = sums.iter().map(|sums| &**sums).collect();
            self.unpack(&sums, to.len(), weights);
        }
        result
    }

    /// Blocks of images whose small maps are summed together.
    fn blocks_together(&self, blocks: usize) -> usize {
        (POSITIONS / 2 / self.strips.positions().max(1)).clamp(1, blocks.div_ceil(2).max(1))
    }

    /// Writes the sums of some blocks of images for some output channels, `[input tile][tap][output tile][TILE]`.
    fn share(&self, blocks: Range<usize>, to: Range<usize>, sums: &mut [f32]) {
        let (s, plane) = (self.s, self.strips.plane());
        let together = self.blocks_together(blocks.len());
        let (outer, g_tile) = (to.len().div_ceil(SIDE), together * self.strips.positions() * TILE);
        let mut scratch = Scratch {
            grads: Buffer::scratch(outer * g_tile),
            inputs: Buffer::scratch(together * plane * SIDE),
            stage: Box::default(),
        };
        let taps: Vec<usize> = self.strips.taps(0, 0).into_iter().map(|(_, offset)| offset * SIDE).collect();
        sums.fill(0.0);
        let machine = Tiles::new(self.level, LANES);
        for first in blocks.clone().step_by(together) {
            let several = first..(first + together).min(blocks.end);
            for range in self.strips.ranges() {
                let windows: Vec<usize> = self.strips.bases(range, (0, 0)).into_iter().map(|w| w.2).collect();
                let bases: Vec<usize> = (0..several.len())
                    .flat_map(|b| windows.iter().map(move |base| 4 * (b * plane + base) * SIDE))
                    .collect();
                for (b, block) in several.clone().enumerate() {
                    self.load_grads(block, (b, g_tile), range, to.clone(), &mut scratch);
                }
                let of_input = sums.chunks_exact_mut(taps.len() * outer * TILE);
                for (tile, sums) in of_input.enumerate() {
                    let from = tile * SIDE..((tile + 1) * SIDE).min(s.c_in);
                    for (b, block) in several.clone().enumerate() {
                        self.load_inputs(block, b, range, from.clone(), &mut scratch);
                    }
                    multiply(
                        &machine,
                        (&scratch.grads, g_tile),
                        (&scratch.inputs, &bases),
                        (&taps, outer),
                        sums,
                    );
                }
            }
        }
    }

    /// Transposes a strip of the gradients of the `b`-th block of a few.
    fn load_grads(
        &self,
        block: usize,
        (b, g_tile): (usize, usize),
        range: (usize, usize),
        to: Range<usize>,
        scratch: &mut Scratch<E::Packed>,
    ) {
        let (s, strips) = (self.s, &self.strips);
        let output: usize = s.output().iter().product();
        let positions = (range.1 - range.0) * strips.row();
        let at: Vec<usize> = (0..positions).map(|p| p * TILE).collect();
        for (tile, lanes) in scratch.grads.chunks_exact_mut(g_tile).enumerate() {
            for k in 0..SIDE {
                let channel = to.start + tile * SIDE + k;
                let start = channel * output + range.0 * strips.row();
                let images = part(self.g, (s.n, s.c_out * output), block, start);
                let there = |half| images(half).filter(|_| channel < to.end);
                let rows = |half| there(half).map(|i| (i.values, i.stride, i.count));
                let lanes = &mut lanes[b * positions * TILE + k * LANES..];
                transpose::pack(self.level, rows, &at, output, lanes, &mut scratch.stage);
            }
        }
    }

    /// Transposes a strip of some input channels of the `b`-th block of a few, and turns it.
    fn load_inputs(
        &self,
        block: usize,
        b: usize,
        range: (usize, usize),
        from: Range<usize>,
        scratch: &mut Scratch<E::Packed>,
    ) {
        let (s, strips) = (self.s, &self.strips);
        let images = part(self.x, (s.n, s.c_in * s.h * s.w), block, from.start * s.h * s.w);
        let of = |k, half| Some((images(half)?, (k < from.len()).then_some(k)?));
        let lanes = &mut scratch.inputs[b * strips.plane() * SIDE..][..strips.plane() * SIDE];
        strips.source(range).pack_side_by_side(self.level, SIDE, of, lanes, &mut scratch.stage);
        transpose::turn(self.level, lanes);
    }

    /// The sums of all shares, added in order, to `[output channel][input channel][tap]`.
    fn unpack(&self, shares: &[&[f32]], rows: usize, weights: &mut [f32]) {
        let c_in = self.s.c_in;
        let order: Vec<usize> = self.strips.taps(0, 0).into_iter().map(|(tap, _)| tap).collect();
        let (taps, outer) = (order.len(), rows.div_ceil(SIDE));
        parallel::pieces(weights, SIDE * c_in * taps, &|tile, weights| {
            let mut sums = vec![[0.0; TILE]; taps];
            for input in 0..c_in.div_ceil(SIDE) {
                for (at, &tap) in order.iter().enumerate() {
                    let start = ((input * taps + at) * outer + tile) * TILE;
                    sums[tap].fill(0.0);
                    for share in shares {
                        sums[tap].iter_mut().zip(&share[start..start + TILE]).for_each(|(sum, v)| *sum += v);
                    }
                }
                for (m, row) in weights.chunks_exact_mut(c_in * taps).enumerate() {
                    let kernels = row[input * SIDE * taps..].chunks_exact_mut(taps).take(SIDE);
                    for (n, kernel) in kernels.enumerate() {
                        kernel.iter_mut().zip(&sums).for_each(|(w, sums)| *w = sums[m * SIDE + n]);
                    }
                }
            }
        });
    }
}

/// Adds to `[tap][output tile][TILE]` the products of the gradients and of turned inputs, at all positions.
fn multiply<P: Products>(
    machine: &Tiles,
    (g, g_tile): (&[P], usize),
    (x, bases): (&[P], &[usize]),
    (taps, outer): (&[usize], usize),
    sums: &mut [f32],
) {
    for (chunk, steps) in bases.chunks(TOGETHER).map(Steps::new).enumerate() {
        for tile in (0..outer).step_by(2) {
            let of = |columns: Range<usize>| {
                let several = columns.len();
                let factors = Factors {
                    left: bytemuck::cast_slice(&g[chunk * TOGETHER * TILE..]),
                    left_at: [0, 1].map(|m| (tile + m) * g_tile),
                    left_stride: LANES,
                    left_step: TILE,
                    right: bytemuck::cast_slice(x),
                    right_at: std::array::from_fn(|i| if i < several { taps[columns.start + i] } else { 0 }),
                    right_stride: SIDE,
                    steps,
                };
                // Rows of tiles follow each other, columns of them are taps.
                let at = |i: usize| ((columns.start + i % several) * outer + tile + i / several) * TILE;
                (factors, None, Sums { at: std::array::from_fn(at), stride: SIDE })
            };
            machine.multiply_all(tile + 1 < outer, taps.len(), of, sums);
        }
    }
}
