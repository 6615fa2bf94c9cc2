//! 3×3 kernels without stride by Winograd's F(2×2, 3×3), as in [`crate::kernels::conv`], a few tiles at a time.

use super::convolution::{Scratch, room};
use super::finish::Finish;
use super::planes::Planes;
use crate::kernels::conv::{ConvShape, transformed};
use crate::kernels::micro::{self, CHANNELS, LANES, Panel, Position};
use crate::kernels::parallel::each;
use crate::kernels::simd::Level;
use crate::kernels::tiles::{self, POINTS};

/// Bytes of transformed inputs and outputs: most of a second-level cache.
const BUDGET: usize = 640 << 10;
/// Tiles that are computed together at least.
const LEAST: usize = 4;

#[derive(Debug)]
pub(super) struct Winograd {
    read: usize,
    written: usize,
    pads: [usize; 2],
    bias: Vec<f32>,
    /// Transformed weights, `[point][block of CHANNELS][channel][CHANNELS]`.
    weights: Vec<f32>,
    /// Tiles down and across that are computed together.
    tiles: (usize, usize),
}

impl Winograd {
    pub(super) fn new(s: &ConvShape, w: &[f32], bias: Vec<f32>) -> Winograd {
        let (read, written) = (s.c_in, s.c_out);
        let blocks = written.div_ceil(CHANNELS);
        let mut weights = vec![0.0; POINTS * blocks * read * CHANNELS];
        // By blocks first, so that each kernel is transformed once, then to the order of reading.
        let of_block = each(blocks, &|block| {
            let mut part = vec![0.0; POINTS * read * CHANNELS];
            for (from, m) in (0..read).flat_map(|from| (0..CHANNELS).map(move |m| (from, m))) {
                let to = block * CHANNELS + m;
                let Some(kernel) = w.get((to * read + from) * 9..).and_then(|w| w.get(..9)) else {
                    continue;
                };
                let values = transformed(std::array::from_fn(|k| f64::from(kernel[k])));
                for (point, value) in values.into_iter().enumerate() {
                    part[(point * read + from) * CHANNELS + m] = value as f32;
                }
            }
            part
        });
        let length = read * CHANNELS;
        for (i, panel) in weights.chunks_exact_mut(length).enumerate() {
            panel.copy_from_slice(&of_block[i % blocks][i / blocks * length..][..length]);
        }
        let [rows, columns] = s.output();
        let (down, across) = (rows.div_ceil(2), columns.div_ceil(2));
        let fit = (BUDGET / (4 * LANES * POINTS * (read + written))).max(LEAST);
        let tiles = if fit >= across { ((fit / across).min(down), across) } else { (1, fit) };
        Winograd { read, written, pads: [s.pads[0], s.pads[1]], bias, weights, tiles }
    }

    pub(super) fn run(
        &self,
        (x, from): (&[f32], &Planes),
        finish: Finish<'_>,
        (out, to): (&mut [f32], &Planes),
        scratch: &mut Scratch,
    ) {
        for row in (0..to.rows).step_by(2 * self.tiles.0) {
            let rows = (2 * self.tiles.0).min(to.rows - row);
            for column in (0..to.columns).step_by(2 * self.tiles.1) {
                let columns = (2 * self.tiles.1).min(to.columns - column);
                self.region((row, column), (rows, columns), (x, from), finish, (out, to), scratch);
            }
        }
    }

    /// A rectangle of outputs, at an even row and column.
    fn region(
        &self,
        (row, column): (usize, usize),
        (rows, columns): (usize, usize),
        (x, from): (&[f32], &Planes),
        finish: Finish<'_>,
        (out, to): (&mut [f32], &Planes),
        scratch: &mut Scratch,
    ) {
        let (level, blocks) = (Level::best(), self.written.div_ceil(CHANNELS));
        let (down, across) = (rows.div_ceil(2), columns.div_ceil(2));
        let tiles = down * across;
        // Odd numbers of vectors, as in `Planes`.
        let channel = (tiles | 1) * LANES;
        let point = |channels: usize| ((channels * channel / LANES) | 1) * LANES;
        let (in_point, out_point) = (point(self.read), point(blocks * CHANNELS));
        let spectrum = room(&mut scratch.spectrum, POINTS * in_point);
        let base =
            (from.border[0] - self.pads[0] + row) * from.width() + from.border[1] - self.pads[1] + column;
        for (c, plane) in x.chunks_exact(from.plane()).take(self.read).enumerate() {
            let plane = tiles::Planes { x: plane, each: 0, width: from.width() };
            tiles::transform(
                level,
                (plane, base * LANES),
                (down, across),
                &mut spectrum[c * channel..],
                in_point,
            );
        }
        let positions: Vec<Position> =
            (0..tiles).map(|t| Position { out: t * LANES, base: t * LANES }).collect();
        let products = room(&mut scratch.products, POINTS * out_point);
        let length = self.read * CHANNELS;
        for p in 0..POINTS {
            for block in 0..blocks {
                let panel = Panel {
                    x: &spectrum[p * in_point..],
                    plane: channel,
                    channels: self.read,
                    taps: &[0],
                    weights: &self.weights[(p * blocks + block) * length..][..length],
                    init: [0.0; CHANNELS],
                    out_plane: channel,
                };
                let products = &mut products[p * out_point + block * CHANNELS * channel..];
                micro::correlate(level, &panel, &positions, products);
            }
        }
        let sums = room(&mut scratch.sums, rows * columns * LANES);
        for (c, bias) in self.bias.iter().enumerate() {
            tiles::inverse(level, (&products[c * channel..], out_point), *bias, (rows, columns), sums);
            for (r, sums) in sums.chunks_exact(columns * LANES).enumerate() {
                finish.run(sums, (c, row + r, column), to, out);
            }
        }
    }
}
