//! A strip of rows of a block of images, transposed so that images are lanes and padding is written out.

use super::axis::Axis;
use crate::kernels::element::Element;
use crate::kernels::micro::{LANES, Products};
use crate::kernels::simd::Level;
use crate::kernels::transpose::{self, Stage};

/// Working memory of a strip in bytes: most of a second-level cache, with room for the weights.
pub(super) const BUDGET: usize = 640 << 10;

/// How outputs of the size of two axes are cut into strips of rows.
#[derive(Debug)]
pub(super) struct Strips {
    rows: Axis,
    columns: Axis,
    /// Output rows of a strip; the last may have fewer.
    pub height: usize,
    /// Leftmost column of a transposed row, and columns of one.
    left: isize,
    width: usize,
    /// Rows that are held for a strip.
    depth: usize,
}

impl Strips {
    /// Strips for which `fits(rows, floats of a transposed channel)` holds, or of single rows. Heights are even where the
    /// strips are more than one and have more than one row.
    pub(super) fn new(rows: Axis, columns: Axis, fits: impl Fn(usize, usize) -> bool) -> Self {
        let window = columns.window(0, columns.output);
        let (left, right) = (window.0.min(0), window.1.max(columns.input as isize));
        let width = (right - left) as usize;
        let mut height = rows.output.max(1);
        let mut strips = 1;
        while height > 1 && !fits(height, depth(&rows, height) * width * LANES) {
            strips += 1;
            let next = rows.output.div_ceil(strips);
            height = (next + next % 2).min(height - 1);
            height = if height > 2 { height - height % 2 } else { height };
        }
        // A tile of two outputs may stick out by one row and one column.
        let depth = depth(&rows, height) + height % 2;
        let width = width + columns.output % 2;
        Strips { rows, columns, height, left, width, depth }
    }

    /// First rows of the strips, and one past their last.
    pub(super) fn ranges(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (height, output) = (self.height, self.rows.output);
        (0..output).step_by(height).map(move |from| (from, (from + height).min(output)))
    }

    /// Floats from one transposed channel to the next: an odd number of vectors, so that channels share no set of a cache.
    pub(super) fn plane(&self) -> usize {
        ((self.depth * self.width) | 1) * LANES
    }

    /// Positions written by a strip, at most.
    pub(super) fn positions(&self) -> usize {
        self.height * self.columns.output
    }

    /// Positions written in one row.
    pub(super) fn row(&self) -> usize {
        self.columns.output
    }

    /// Taps of a phase as offsets from a base, with their index in the kernel.
    pub(super) fn taps(&self, row: usize, column: usize) -> Vec<(usize, usize)> {
        let across = &self.columns.phases[column];
        let kernel: usize = self.columns.phases.iter().map(Vec::len).sum();
        let each = |down: &super::axis::Tap| {
            let (index, offset) = (down.index * kernel, down.offset * self.width);
            across.iter().map(move |a| (index + a.index, (offset + a.offset) * LANES)).collect::<Vec<_>>()
        };
        self.rows.phases[row].iter().flat_map(each).collect()
    }

    /// Numbers of phases down and across.
    pub(super) fn phases(&self) -> (usize, usize) {
        (self.rows.phases.len(), self.columns.phases.len())
    }

    /// Offsets of the windows of the outputs of one phase, row by row: `(row, column, base)`. Rows count from `from`.
    /// A phase without taps has base 0.
    pub(super) fn bases(
        &self,
        (from, to): (usize, usize),
        (row, column): (usize, usize),
    ) -> Vec<(usize, usize, usize)> {
        let (rows, columns) = self.phases();
        let top = self.rows.window(from, to).0;
        let idle = self.rows.phases[row].is_empty() || self.columns.phases[column].is_empty();
        let mut bases = Vec::new();
        for r in (from..to).filter(|r| r % rows == row) {
            for c in (0..self.columns.output).filter(|c| c % columns == column) {
                let base = (self.rows.base(r) - top) * self.width as isize + self.columns.base(c) - self.left;
                bases.push((r - from, c, if idle { 0 } else { base as usize * LANES }));
            }
        }
        bases
    }

    /// What outputs `from..to` read, and where it goes.
    pub(super) fn source(&self, (from, to): (usize, usize)) -> Source {
        let (top, bottom) = self.rows.window(from, to);
        let height = self.rows.input as isize;
        let (first, last) = (top.clamp(0, height) as usize, bottom.clamp(0, height) as usize);
        let skipped = (first as isize - top).clamp(0, self.depth as isize) as usize;
        let at: Vec<usize> = (0..last.saturating_sub(first))
            .flat_map(|r| (0..self.columns.input).map(move |c| (r, c)))
            .map(|(r, c)| ((r + skipped) * self.width + c + (-self.left) as usize) * LANES)
            .collect();
        let row = self.width * LANES;
        let end = (skipped + last.saturating_sub(first)) * row;
        Source {
            channel: self.rows.input * self.columns.input,
            start: first * self.columns.input,
            at,
            head: skipped * row,
            end,
            row,
            left: (-self.left) as usize * LANES,
            right: ((-self.left) as usize + self.columns.input) * LANES,
        }
    }

    /// Columns of a transposed row.
    pub(super) fn width(&self) -> usize {
        self.width
    }
}

/// Images of a block, from the first channel of the first on.
#[derive(Clone, Copy)]
pub(super) struct Images<'a, E> {
    pub values: &'a [E],
    /// Elements from one image to the next.
    pub stride: usize,
    /// At most [`LANES`].
    pub count: usize,
}

/// The rows of an input that a strip reads.
pub(super) struct Source {
    channel: usize,
    start: usize,
    at: Vec<usize>,
    /// Floats of the rows above the input.
    head: usize,
    /// Floats to the end of the input's rows.
    end: usize,
    /// Floats of a row.
    row: usize,
    /// Floats of a row left of the input.
    left: usize,
    /// Floats of a row to the end of the input's columns.
    right: usize,
}

impl Source {
    /// Transposes into `dst` the channels that are the parts of a packed lane. No part is zeros.
    pub(super) fn pack<'a, E: Element>(
        &self,
        level: Level,
        part: impl Fn(usize) -> Option<(Images<'a, E>, usize)>,
        dst: &mut [E::Packed],
        stage: &mut Stage,
    ) {
        self.clear(1, dst);
        let rows = |k| part(k).map(|(images, channel)| self.rows(images, channel));
        transpose::pack(level, rows, &self.at, self.channel, dst, stage);
    }

    /// [`Source::pack`] of several packed lanes, `[position][number of them][LANES]`; `part` is given the number of one first.
    pub(super) fn pack_side_by_side<'a, E: Element>(
        &self,
        level: Level,
        several: usize,
        part: impl Fn(usize, usize) -> Option<(Images<'a, E>, usize)>,
        dst: &mut [E::Packed],
        stage: &mut Stage,
    ) {
        self.clear(several, dst);
        let at: Vec<usize> = self.at.iter().map(|at| at * several).collect();
        for number in 0..several {
            let rows = |k| part(number, k).map(|(images, channel)| self.rows(images, channel));
            transpose::pack(level, rows, &at, self.channel, &mut dst[number * LANES..], stage);
        }
    }

    /// [`Source::pack`] without packing: each part goes to a plane of so many floats.
    pub(super) fn planes<'a, E: Element>(
        &self,
        level: Level,
        part: impl Fn(usize) -> Option<(Images<'a, E>, usize)>,
        (planes, each): (&mut [f32], usize),
        stage: &mut Stage,
    ) {
        for (k, plane) in planes.chunks_exact_mut(each).enumerate().take(E::Packed::PACK) {
            match part(k) {
                Some((images, channel)) => self.load(level, images, channel, plane, stage),
                None => plane.fill(0.0),
            }
        }
    }

    /// Transposes one channel into `plane`; what lies outside the input becomes zero.
    fn load<E: Element>(
        &self,
        level: Level,
        images: Images<'_, E>,
        channel: usize,
        plane: &mut [f32],
        stage: &mut Stage,
    ) {
        self.clear(1, plane);
        transpose::gather(level, self.rows(images, channel), &self.at, self.channel, plane, stage);
    }

    /// The rows of a channel that are read.
    fn rows<'a, E: Element>(&self, images: Images<'a, E>, channel: usize) -> transpose::Rows<'a, E> {
        let start = (channel * self.channel + self.start).min(images.values.len());
        (&images.values[start..], images.stride, images.count)
    }

    /// Zeros where planes, side by side, lie outside the input.
    fn clear<P: Products>(&self, several: usize, planes: &mut [P]) {
        planes[..several * self.head].fill(P::default());
        planes[several * self.end..].fill(P::default());
        let rows = &mut planes[several * self.head..several * self.end];
        for row in rows.chunks_exact_mut((several * self.row).max(1)) {
            row[..several * self.left].fill(P::default());
            row[several * self.right..].fill(P::default());
        }
    }
}

fn depth(rows: &Axis, height: usize) -> usize {
    let starts = (0..rows.output).step_by(height.max(1));
    let depths = starts.map(|from| rows.window(from, (from + height).min(rows.output)));
    depths.map(|(top, bottom)| (bottom - top) as usize).max().unwrap_or(0)
}
