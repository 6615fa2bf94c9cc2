//! Any kernel, stride and dilation: every output sums over channels and taps of the value before.

use super::convolution::{Scratch, room};
use super::finish::Finish;
use super::planes::Planes;
use crate::kernels::conv::ConvShape;
use crate::kernels::micro::{self, CHANNELS, LANES, Panel, Position};
use crate::kernels::simd::Level;

/// Bytes of input that a strip of rows reads: a share of a second-level cache.
const BUDGET: usize = 256 << 10;

#[derive(Debug)]
pub(super) struct Direct {
    shape: ConvShape,
    bias: Vec<f32>,
    /// Offsets of the taps from a window's first.
    taps: Vec<usize>,
    /// `[group][block of CHANNELS][channel][tap][CHANNELS]`.
    weights: Vec<f32>,
    /// Output rows of a strip.
    height: usize,
}

impl Direct {
    pub(super) fn new(s: &ConvShape, w: &[f32], bias: Vec<f32>, from: &Planes) -> Direct {
        let (read, written) = (s.c_in / s.groups, s.c_out / s.groups);
        let taps = (0..s.taps()).map(|t| {
            let (row, column) = (t / s.kernel[1] * s.dilations[0], t % s.kernel[1] * s.dilations[1]);
            (row * from.width() + column) * LANES
        });
        let mut weights = Vec::new();
        for group in 0..s.groups {
            for first in (0..written).step_by(CHANNELS) {
                for at in 0..read * s.taps() {
                    weights.extend((first..first + CHANNELS).map(|to| {
                        if to < written { w[(group * written + to) * read * s.taps() + at] } else { 0.0 }
                    }));
                }
            }
        }
        let row = 4 * LANES * s.c_in * from.width() * s.strides[0];
        let height = (BUDGET / row.max(1)).clamp(1, s.output()[0].max(1));
        Direct { shape: *s, bias, taps: taps.collect(), weights, height }
    }

    pub(super) fn run(
        &self,
        (x, from): (&[f32], &Planes),
        finish: Finish<'_>,
        (out, to): (&mut [f32], &Planes),
        scratch: &mut Scratch,
    ) {
        let s = &self.shape;
        let (read, written) = (s.c_in / s.groups, s.c_out / s.groups);
        let (blocks, row) = (written.div_ceil(CHANNELS), to.columns * LANES);
        let length = read * self.taps.len() * CHANNELS;
        let (top, left) = (from.border[0] - s.pads[0], from.border[1] - s.pads[1]);
        for first in (0..to.rows).step_by(self.height) {
            let height = self.height.min(to.rows - first);
            let position = |i: usize| {
                let (r, c) = (first + i / to.columns, i % to.columns);
                let base = (top + r * s.strides[0]) * from.width() + left + c * s.strides[1];
                Position { out: i * LANES, base: base * LANES }
            };
            let positions: Vec<Position> = (0..height * to.columns).map(position).collect();
            let plane = height * row;
            let sums = room(&mut scratch.sums, CHANNELS * plane);
            for block in 0..s.groups * blocks {
                let (group, from_channel) = (block / blocks, block % blocks * CHANNELS);
                let real = CHANNELS.min(written - from_channel);
                let channel = group * written + from_channel;
                let mut init = [0.0; CHANNELS];
                init[..real].copy_from_slice(&self.bias[channel..channel + real]);
                let panel = Panel {
                    x: &x[group * read * from.plane()..],
                    plane: from.plane(),
                    channels: read,
                    taps: &self.taps,
                    weights: &self.weights[block * length..(block + 1) * length],
                    init,
                    out_plane: plane,
                };
                micro::correlate(Level::best(), &panel, &positions, sums);
                for (m, sums) in sums.chunks_exact(plane).take(real).enumerate() {
                    for (r, sums) in sums.chunks_exact(row).enumerate() {
                        finish.run(sums, (channel + m, first + r, 0), to, out);
                    }
                }
            }
        }
    }
}
