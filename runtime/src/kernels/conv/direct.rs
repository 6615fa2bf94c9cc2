//! Direct correlation: every output sums over channels and taps.

use std::ops::Range;

use rayon::prelude::*;

use super::correlate::{Method, Sizes};
use super::strip::{Images, Strips};
use crate::kernels::micro::{self, CHANNELS, LANES, Panel, Position};
use crate::kernels::pool::Buffer;
use crate::kernels::simd::Level;
use crate::kernels::transpose::Stage;

/// Any kernel, stride and dilation.
pub(super) struct Direct {
    level: Level,
    sizes: Sizes,
    strips: Strips,
    phases: Vec<Phase>,
}

struct Phase {
    at: (usize, usize),
    taps: Vec<usize>,
    /// `[group][block][channel][tap][CHANNELS]`.
    weights: Buffer,
}

/// A transposed strip, `[read][plane]`, and the windows of each phase.
pub(super) struct Scratch {
    transposed: Buffer,
    windows: Vec<Vec<Position>>,
    stage: Box<Stage>,
}

impl Direct {
    /// `weight(group, to, from, tap)` is the weight between channels of a group.
    pub(super) fn new(
        level: Level,
        sizes: Sizes,
        strips: Strips,
        weight: impl Fn(usize, usize, usize, usize) -> f32 + Sync,
    ) -> Self {
        let (read, written) = sizes.per_group();
        let (rows, columns) = strips.phases();
        let mut phases = Vec::new();
        for at in (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))) {
            let taps = strips.taps(at.0, at.1);
            let length = read * taps.len() * CHANNELS;
            let mut weights = Buffer::work(sizes.groups * sizes.blocks() * length);
            weights.par_chunks_exact_mut(length.max(1)).enumerate().for_each(|(block, weights)| {
                let (group, first) = (block / sizes.blocks(), block % sizes.blocks() * CHANNELS);
                let places = (0..read).flat_map(|from| taps.iter().map(move |t| (from, t)));
                for ((from, &(tap, _)), weights) in places.zip(weights.chunks_exact_mut(CHANNELS)) {
                    for (to, w) in (first..).zip(weights) {
                        *w = if to < written { weight(group, to, from, tap) } else { 0.0 };
                    }
                }
            });
            phases.push(Phase { at, taps: taps.into_iter().map(|(_, offset)| offset).collect(), weights });
        }
        Direct { level, sizes, strips, phases }
    }
}

impl Method for Direct {
    type Scratch = Scratch;

    fn strips(&self) -> &Strips {
        &self.strips
    }

    fn scratch(&self) -> Scratch {
        Scratch {
            transposed: Buffer::work(self.sizes.read * self.strips.plane()),
            windows: Vec::new(),
            stage: Box::default(),
        }
    }

    fn load(&self, images: Images<'_>, range: (usize, usize), _: Range<usize>, scratch: &mut Scratch) {
        self.strips.load(self.level, images, range, &mut scratch.transposed, &mut scratch.stage);
        let row = self.strips.row();
        let at = |(r, c, base): (usize, usize, usize)| Position { out: (r * row + c) * LANES, base };
        let windows = |p: &Phase| self.strips.bases(range, p.at).into_iter().map(at).collect();
        scratch.windows = self.phases.iter().map(windows).collect();
    }

    fn block(
        &self,
        (_, block): (usize, usize),
        init: [f32; CHANNELS],
        _range: (usize, usize),
        scratch: &mut Scratch,
        sums: &mut [f32],
    ) {
        let (read, plane) = (self.sizes.per_group().0, self.strips.plane());
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
