//! Correlation by a matrix unit: tiles of 16 output channels by 16 images, summed over pairs of input channels and over taps.
//!
//! A strip is transposed so that the pairs of channels of one product lie side by side at each position: a right tile is a window's
//! tap as it lies there, and sums are written as tiles. Tiles are read as wholes, not row by row from as many pages of memory.

use std::ops::Range;

use super::correlate::{Method, Sizes};
use super::strip::{Images, Strips};
use crate::kernels::amx::{Factors, SIDE, Steps, Sums, TILE, Tiles};
use crate::kernels::element::{Element, bf16};
use crate::kernels::micro::LANES;
use crate::kernels::parallel;
use crate::kernels::pool::Buffer;
use crate::kernels::simd::{Level, wide};
use crate::kernels::transpose::Stage;

/// Bytes of a transposed strip and its sums: most of the second-level cache of a CPU that has a matrix unit.
pub(super) const BUDGET: usize = 1 << 20;
/// Steps whose weights stay in the first-level cache while all positions of a strip go by, at most.
const STEPS: usize = 9;

/// Any kernel, stride and dilation.
pub(super) struct Matrix {
    level: Level,
    sizes: Sizes,
    strips: Strips,
    phases: Vec<Phase>,
}

struct Phase {
    at: (usize, usize),
    /// Offset of each step, a tap of the channels of one product, from a window in bytes.
    steps: Vec<usize>,
    /// `[group][block][step][rows of tiles][SIDE][SIDE]`, the last two output channels and pairs of input channels.
    weights: Buffer<u32>,
}

/// A transposed strip, `[group][product][plane][pair of channels][LANES]`, and where the windows of each phase start and where they go.
pub(super) struct Scratch {
    transposed: Buffer<u32>,
    windows: Vec<Vec<(usize, usize)>>,
    /// What sums start from: tiles of rows.
    init: Vec<f32>,
    stage: Box<Stage>,
}

/// Products that the packed channels of a group are cut into, and packed channels of one, the last filled with zeros.
fn cut(sizes: &Sizes) -> (usize, usize) {
    let products = sizes.packed::<u32>().div_ceil(SIDE).max(1);
    (products, sizes.packed::<u32>().div_ceil(products).max(1))
}

impl Matrix {
    /// The sizes with blocks of output channels that are one or two tiles high.
    pub(super) fn sizes(sizes: Sizes) -> Sizes {
        Sizes { block: if sizes.per_group().1 > SIDE { 2 * SIDE } else { SIDE }, ..sizes }
    }

    /// Bytes of working memory for strips of so many positions, with so many numbers of a transposed channel.
    pub(super) fn bytes(sizes: &Sizes, plane: usize, positions: usize) -> usize {
        let (products, depth) = cut(sizes);
        4 * (sizes.groups * products * depth * plane + sizes.block * positions * LANES)
    }

    /// `kernel(group, to, from)` is where the taps between channels of a group start in the weights `w`.
    pub(super) fn new(
        level: Level,
        sizes: Sizes,
        strips: Strips,
        w: &[f32],
        kernel: impl Fn(usize, usize, usize) -> usize + Sync,
    ) -> Self {
        let ((read, written), (products, depth)) = (sizes.per_group(), cut(&sizes));
        let mut halves = Buffer::<bf16>::scratch(w.len());
        parallel::pieces(&mut halves, 1 << 14, &|piece, halves| {
            round(&w[piece << 14..][..halves.len()], halves)
        });
        let bits = |at: usize| u32::from(halves[at].to_bits());
        let ((rows, columns), plane) = (strips.phases(), strips.plane());
        let mut phases = Vec::new();
        for at in (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))) {
            let taps = strips.taps(at.0, at.1);
            let step = sizes.block * SIDE;
            let length = products * taps.len() * step;
            let mut weights = Buffer::scratch(sizes.groups * sizes.blocks() * length);
            parallel::pieces(&mut weights, length, &|block, weights| {
                let (group, first) = (block / sizes.blocks(), block % sizes.blocks() * sizes.block);
                let real = (written - first).min(sizes.block);
                if real < sizes.block || read < 2 * products * SIDE {
                    weights.fill(0);
                }
                for (product, weights) in weights.chunks_exact_mut((taps.len() * step).max(1)).enumerate() {
                    for (row, k) in (0..real).flat_map(|row| (0..depth).map(move |k| (row, k))) {
                        let from = 2 * (product * depth + k);
                        if from >= read {
                            continue;
                        }
                        let low = kernel(group, first + row, from);
                        let high = (from + 1 < read).then(|| kernel(group, first + row, from + 1));
                        let places = weights[row * SIDE + k..].iter_mut().step_by(step);
                        for (w, (tap, _)) in places.zip(&taps) {
                            *w = bits(low + tap) | high.map_or(0, |high| bits(high + tap) << 16);
                        }
                    }
                }
            });
            let each = |product: usize| taps.iter().map(move |(_, tap)| 4 * depth * (product * plane + tap));
            phases.push(Phase { at, steps: (0..products).flat_map(each).collect(), weights });
        }
        Matrix { level, sizes, strips, phases }
    }

    /// Computes a block at the windows of a phase.
    fn phase(
        &self,
        tiles: &Tiles,
        (phase, weights): (&Phase, &[u32]),
        (x, windows): (&[u32], &[(usize, usize)]),
        init: &[f32],
        sums: &mut [f32],
    ) {
        let (high, plane) = (self.sizes.block / SIDE, self.strips.positions() * TILE);
        let step = self.sizes.block * SIDE;
        let chunks = phase.steps.len().div_ceil(STEPS).max(1);
        let of_chunk = phase.steps.len().div_ceil(chunks).max(1);
        for (chunk, steps) in phase.steps.chunks(of_chunk).map(Steps::new).enumerate() {
            let of = |columns: Range<usize>| {
                let windows = &windows[columns];
                let column = |i: usize| windows.get(i).copied().unwrap_or_default();
                let factors = Factors {
                    left: &weights[chunk * of_chunk * step..],
                    left_at: [0, TILE],
                    left_stride: SIDE,
                    left_step: step,
                    right: x,
                    right_at: std::array::from_fn(|i| column(i).0),
                    right_stride: LANES,
                    steps,
                };
                let tile = |i: usize| (i / windows.len(), i % windows.len());
                let of_init = std::array::from_fn(|i| tile(i).0 * TILE);
                let start = (chunk == 0).then_some((init, Sums { at: of_init, stride: LANES }));
                let at = std::array::from_fn(|i| tile(i).0 * plane + column(tile(i).1).1);
                (factors, start, Sums { at, stride: LANES })
            };
            tiles.multiply_all(high == 2, windows.len(), of, sums);
        }
        if phase.steps.is_empty() {
            for (rows, init) in sums.chunks_exact_mut(plane).zip(init.chunks_exact(TILE)) {
                windows.iter().for_each(|(_, out)| rows[*out..][..TILE].copy_from_slice(init));
            }
        }
    }
}

impl<E: Element> Method<E> for Matrix {
    type Scratch = Scratch;

    fn strips(&self) -> &Strips {
        &self.strips
    }

    fn place(&self, channel: usize) -> (usize, usize) {
        (channel / SIDE * self.strips.positions() * TILE + channel % SIDE * LANES, TILE)
    }

    fn scratch(&self) -> Self::Scratch {
        let ((products, depth), plane) = (cut(&self.sizes), self.strips.plane());
        Scratch {
            transposed: Buffer::scratch(self.sizes.groups * products * depth * plane),
            windows: Vec::new(),
            init: vec![0.0; self.sizes.block * LANES],
            stage: Box::default(),
        }
    }

    fn load(
        &self,
        images: Images<'_, E>,
        range: (usize, usize),
        _: Range<usize>,
        scratch: &mut Self::Scratch,
    ) {
        let source = self.strips.source(range);
        let (packed, plane) = (self.sizes.packed::<u32>(), self.strips.plane());
        let (products, depth) = cut(&self.sizes);
        let groups = scratch.transposed.chunks_exact_mut(products * depth * plane);
        let length = depth * plane;
        for (group, of_group) in groups.enumerate() {
            for (product, lanes) in of_group.chunks_exact_mut(length).enumerate() {
                let part = |k: usize, half: usize| {
                    let pair = product * depth + k;
                    let of = self.sizes.part::<E::Packed>(group * packed + pair);
                    Some((images, of(half).filter(|_| pair < packed)?))
                };
                let lanes = bytemuck::cast_slice_mut(lanes);
                source.pack_side_by_side(self.level, depth, part, lanes, &mut scratch.stage);
            }
        }
        let row = self.strips.row();
        let at = |(r, c, base): (usize, usize, usize)| (base * depth, (r * row + c) * TILE);
        let windows = |p: &Phase| self.strips.bases(range, p.at).into_iter().map(at).collect();
        scratch.windows = self.phases.iter().map(windows).collect();
    }

    fn block(
        &self,
        (_, block): (usize, usize),
        init: &[f32],
        _range: (usize, usize),
        scratch: &mut Self::Scratch,
        sums: &mut [f32],
    ) {
        let (products, depth) = cut(&self.sizes);
        let (group, plane) = (block / self.sizes.blocks(), self.strips.plane());
        for (row, init) in scratch.init.chunks_exact_mut(LANES).zip(init) {
            row.fill(*init);
        }
        let tiles = Tiles::new(self.level, depth);
        let x = &scratch.transposed[group * products * depth * plane..][..products * depth * plane];
        for (phase, windows) in self.phases.iter().zip(&scratch.windows) {
            let length = phase.steps.len() * self.sizes.block * SIDE;
            let weights = &phase.weights[block * length..(block + 1) * length];
            self.phase(&tiles, (phase, weights), (x, windows), &scratch.init, sums);
        }
    }
}

wide! {
    fn round(w: &[f32], halves: &mut [bf16]) {
        for (half, w) in halves.iter_mut().zip(w) {
            *half = bf16::nearest(*w);
        }
    }
}
