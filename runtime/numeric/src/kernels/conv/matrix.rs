//! Correlation by a matrix unit: tiles of 16 output channels by 16 images, summed over pairs of input channels and over taps.
//!
//! A vector of 16 images is a row of a right tile as it lies in the transposed strip, and input channels follow each other at a
//! fixed distance, so nothing is copied.

use std::ops::Range;

use super::correlate::{Method, Sizes};
use super::strip::{Images, Strips};
use crate::kernels::amx::{Factors, SIDE, Sums, TILE, Tiles};
use crate::kernels::element::Element;
use crate::kernels::micro::{LANES, Products};
use crate::kernels::parallel;
use crate::kernels::pool::Buffer;
use crate::kernels::simd::Level;
use crate::kernels::transpose::Stage;

/// Bytes of a transposed strip and its sums: most of the second-level cache of a CPU that has a matrix unit.
pub(super) const BUDGET: usize = 1 << 20;
/// Steps whose weights stay in the first-level cache while all positions of a strip go by.
const STEPS: usize = 16;

/// Any kernel, stride and dilation.
pub(super) struct Matrix<P> {
    level: Level,
    sizes: Sizes,
    strips: Strips,
    phases: Vec<Phase<P>>,
}

struct Phase<P> {
    at: (usize, usize),
    /// Offset of each step, a tap of [`Sizes`]' channels of one product, from a window in bytes.
    steps: Vec<usize>,
    /// `[group][block][step][rows of tiles][SIDE][SIDE]`, the last two output channels and pairs of input channels.
    weights: Buffer<P>,
}

/// A transposed strip, `[packed channel][plane]`, and where the windows of each phase start and where they go.
pub(super) struct Scratch<P> {
    transposed: Buffer<P>,
    /// The planes of a packed channel.
    planes: Buffer,
    windows: Vec<Vec<(usize, usize)>>,
    /// What sums start from: tiles of rows.
    init: Vec<f32>,
    stage: Box<Stage>,
}

/// Products that the packed channels of a group are cut into, and packed channels of one, the last filled with zeros.
fn cut<P: Products>(sizes: &Sizes) -> (usize, usize) {
    let products = sizes.packed::<P>().div_ceil(SIDE).max(1);
    (products, sizes.packed::<P>().div_ceil(products).max(1))
}

impl<P: Products> Matrix<P> {
    /// The sizes with blocks of output channels that are one or two tiles high.
    pub(super) fn sizes(sizes: Sizes) -> Sizes {
        Sizes { block: if sizes.per_group().1 > SIDE { 2 * SIDE } else { SIDE }, ..sizes }
    }

    /// Bytes of working memory for strips of so many positions, with so many numbers of a transposed channel.
    pub(super) fn bytes(sizes: &Sizes, plane: usize, positions: usize) -> usize {
        let (products, depth) = cut::<P>(sizes);
        4 * (sizes.groups * products * depth * plane + sizes.block * positions * LANES)
    }

    /// `weight(group, to, from, tap)` is the weight between channels of a group.
    pub(super) fn new(
        level: Level,
        sizes: Sizes,
        strips: Strips,
        weight: impl Fn(usize, usize, usize, usize) -> f32 + Sync,
    ) -> Self {
        let ((read, written), (products, depth)) = (sizes.per_group(), cut::<P>(&sizes));
        let (rows, columns) = strips.phases();
        let mut phases = Vec::new();
        for at in (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))) {
            let taps = strips.taps(at.0, at.1);
            let length = products * taps.len() * sizes.block * SIDE;
            let mut weights = Buffer::scratch(sizes.groups * sizes.blocks() * length);
            parallel::pieces(&mut weights, length, &|block, weights| {
                let (group, first) = (block / sizes.blocks(), block % sizes.blocks() * sizes.block);
                let places = (0..products).flat_map(|product| taps.iter().map(move |t| (product, t.0)));
                for ((product, tap), step) in places.zip(weights.chunks_exact_mut(sizes.block * SIDE)) {
                    for (to, row) in (first..).zip(step.chunks_exact_mut(SIDE)) {
                        for (k, w) in row.iter_mut().enumerate() {
                            let pair = (product * depth + k) * P::PACK;
                            *w = P::packed(std::array::from_fn(|half| {
                                let from = pair + half;
                                if k < depth && to < written && half < P::PACK && from < read {
                                    weight(group, to, from, tap)
                                } else {
                                    0.0
                                }
                            }));
                        }
                    }
                }
            });
            let apart = depth * strips.plane();
            let each = |product: usize| taps.iter().map(move |(_, tap)| 4 * (product * apart + tap));
            phases.push(Phase { at, steps: (0..products).flat_map(each).collect(), weights });
        }
        Matrix { level, sizes, strips, phases }
    }

    /// Computes a block at the windows of a phase.
    fn phase(
        &self,
        tiles: &Tiles,
        (phase, weights): (&Phase<P>, &[P]),
        (x, windows): (&[P], &[(usize, usize)]),
        init: &[f32],
        sums: &mut [f32],
    ) {
        let (high, plane) = (self.sizes.block / SIDE, self.strips.positions() * LANES);
        let step = self.sizes.block * SIDE;
        let at = |positions: &[(usize, usize)]| {
            let mut offsets = [0; 4];
            for m in 0..high {
                for (p, (_, out)) in positions.iter().enumerate() {
                    offsets[m * positions.len() + p] = m * SIDE * plane + out;
                }
            }
            Sums { at: offsets, stride: plane }
        };
        let of_init = |columns: usize| {
            let mut offsets = [0; 4];
            offsets.iter_mut().enumerate().for_each(|(i, at)| *at = i / columns * TILE);
            Sums { at: offsets, stride: LANES }
        };
        for (chunk, steps) in phase.steps.chunks(STEPS).enumerate() {
            let of = |positions: &[(usize, usize)]| {
                let mut right_at = [0; 4];
                right_at.iter_mut().zip(positions).for_each(|(at, (base, _))| *at = *base);
                Factors {
                    left: bytemuck::cast_slice(&weights[chunk * STEPS * step..]),
                    left_at: [0, TILE],
                    left_stride: SIDE,
                    left_step: step,
                    right: bytemuck::cast_slice(x),
                    right_at,
                    right_stride: self.strips.plane(),
                    steps,
                }
            };
            let start = |columns: usize| (chunk == 0).then(|| (init, of_init(columns)));
            let several = if high == 2 { 2 } else { 4 };
            let whole = windows.chunks_exact(several);
            let rest = whole.remainder();
            for positions in whole {
                match high {
                    2 => tiles.multiply::<2, 2>(&of(positions), start(2), (sums, at(positions))),
                    _ => tiles.multiply::<1, 4>(&of(positions), start(4), (sums, at(positions))),
                }
            }
            for position in rest.chunks(1) {
                match high {
                    2 => tiles.multiply::<2, 1>(&of(position), start(1), (sums, at(position))),
                    _ => tiles.multiply::<1, 1>(&of(position), start(1), (sums, at(position))),
                }
            }
        }
        if phase.steps.is_empty() {
            for (channel, init) in sums.chunks_exact_mut(plane).zip(init.chunks_exact(LANES)) {
                for (_, out) in windows {
                    channel[*out..][..LANES].copy_from_slice(init);
                }
            }
        }
    }
}

impl<E: Element> Method<E> for Matrix<E::Packed> {
    type Scratch = Scratch<E::Packed>;

    fn strips(&self) -> &Strips {
        &self.strips
    }

    fn scratch(&self) -> Self::Scratch {
        let ((products, depth), plane) = (cut::<E::Packed>(&self.sizes), self.strips.plane());
        Scratch {
            transposed: Buffer::scratch(self.sizes.groups * products * depth * plane),
            planes: Buffer::work(E::Packed::PACK * plane),
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
        let (packed, plane) = (self.sizes.packed::<E::Packed>(), self.strips.plane());
        let (products, depth) = cut::<E::Packed>(&self.sizes);
        let groups = scratch.transposed.chunks_exact_mut(products * depth * plane);
        for (group, of_group) in groups.enumerate() {
            for (k, lanes) in of_group.chunks_exact_mut(plane).enumerate() {
                if k >= packed {
                    lanes.fill(bytemuck::Zeroable::zeroed());
                    continue;
                }
                let part = self.sizes.part::<E::Packed>(group * packed + k);
                let of = |half| Some((images, part(half)?));
                source.pack(self.level, of, lanes, (&mut scratch.planes, &mut scratch.stage));
            }
        }
        let row = self.strips.row();
        let at = |(r, c, base): (usize, usize, usize)| (base, (r * row + c) * LANES);
        let windows = |p: &Phase<E::Packed>| self.strips.bases(range, p.at).into_iter().map(at).collect();
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
        let (products, depth) = cut::<E::Packed>(&self.sizes);
        let (group, plane) = (block / self.sizes.blocks(), self.strips.plane());
        for (row, init) in scratch.init.chunks_exact_mut(LANES).zip(init) {
            row.fill(*init);
        }
        let tiles = Tiles::new(depth);
        let x = &scratch.transposed[group * products * depth * plane..][..products * depth * plane];
        for (phase, windows) in self.phases.iter().zip(&scratch.windows) {
            let length = phase.steps.len() * self.sizes.block * SIDE;
            let weights = &phase.weights[block * length..(block + 1) * length];
            self.phase(&tiles, (phase, weights), (x, windows), &scratch.init, sums);
        }
    }
}
