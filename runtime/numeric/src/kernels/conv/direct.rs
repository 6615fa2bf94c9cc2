//! Direct correlation: every output sums over channels and taps.

use std::ops::Range;

use super::correlate::{Method, Sizes};
use super::strip::{Images, Strips};
use crate::kernels::element::Element;
use crate::kernels::micro::{self, CHANNELS, LANES, Panel, Position, Products};
use crate::kernels::parallel;
use crate::kernels::pool::Buffer;
use crate::kernels::simd::Level;
use crate::kernels::transpose::Stage;

/// Any kernel, stride and dilation.
pub(super) struct Direct<P> {
    level: Level,
    sizes: Sizes,
    strips: Strips,
    phases: Vec<Phase<P>>,
}

struct Phase<P> {
    at: (usize, usize),
    taps: Vec<usize>,
    /// `[group][block][packed channel][tap][CHANNELS]`.
    weights: Buffer<P>,
}

/// A transposed strip, `[packed channel][plane]`, and the windows of each phase.
pub(super) struct Scratch<P> {
    transposed: Buffer<P>,
    windows: Vec<Vec<Position>>,
    stage: Box<Stage>,
}

impl<P: Products> Direct<P> {
    /// `weight(group, to, from, tap)` is the weight between channels of a group.
    pub(super) fn new(
        level: Level,
        sizes: Sizes,
        strips: Strips,
        weight: impl Fn(usize, usize, usize, usize) -> f32 + Sync,
    ) -> Self {
        let ((read, written), packed) = (sizes.per_group(), sizes.packed::<P>());
        let (rows, columns) = strips.phases();
        let mut phases = Vec::new();
        for at in (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))) {
            let taps = strips.taps(at.0, at.1);
            let length = packed * taps.len() * CHANNELS;
            let mut weights = Buffer::scratch(sizes.groups * sizes.blocks() * length);
            parallel::pieces(&mut weights, length, &|block, weights| {
                let (group, first) = (block / sizes.blocks(), block % sizes.blocks() * CHANNELS);
                let places = (0..packed).flat_map(|from| taps.iter().map(move |t| (from * P::PACK, t)));
                for ((from, &(tap, _)), weights) in places.zip(weights.chunks_exact_mut(CHANNELS)) {
                    for (to, w) in (first..).zip(weights) {
                        *w = P::packed(std::array::from_fn(|k| {
                            if to < written && k < P::PACK && from + k < read {
                                weight(group, to, from + k, tap)
                            } else {
                                0.0
                            }
                        }));
                    }
                }
            });
            phases.push(Phase { at, taps: taps.into_iter().map(|(_, offset)| offset).collect(), weights });
        }
        Direct { level, sizes, strips, phases }
    }
}

impl<E: Element> Method<E> for Direct<E::Packed> {
    type Scratch = Scratch<E::Packed>;

    fn strips(&self) -> &Strips {
        &self.strips
    }

    fn scratch(&self) -> Self::Scratch {
        let (packed, plane) = (self.sizes.packed::<E::Packed>(), self.strips.plane());
        Scratch {
            transposed: Buffer::scratch(self.sizes.groups * packed * plane),
            windows: Vec::new(),
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
        for (packed, lanes) in scratch.transposed.chunks_exact_mut(self.strips.plane()).enumerate() {
            let part = self.sizes.part::<E::Packed>(packed);
            let of = |k| Some((images, part(k)?));
            source.pack(self.level, of, lanes, &mut scratch.stage);
        }
        let row = self.strips.row();
        let at = |(r, c, base): (usize, usize, usize)| Position { out: (r * row + c) * LANES, base };
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
        let (read, plane) = (self.sizes.packed::<E::Packed>(), self.strips.plane());
        let init = std::array::from_fn(|m| init[m]);
        let group = block / self.sizes.blocks();
        for (phase, windows) in self.phases.iter().zip(&scratch.windows) {
            let length = read * phase.taps.len() * CHANNELS;
            let panel = Panel {
                x: &scratch.transposed[group * read * plane..],
                plane,
                channels: read,
                taps: &phase.taps,
                weights: &phase.weights[block * length..(block + 1) * length],
                init,
                out_plane: self.strips.positions() * LANES,
            };
            micro::correlate(self.level, &panel, windows, sums);
        }
    }
}
