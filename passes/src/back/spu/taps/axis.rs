//! Which positions a convolution reads along an axis.

use crate::ir::geometry;
use crate::passes::merge_conv::axis::gcd;

/// Positions along an axis: every `step`-th from `start` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grid {
    pub start: usize,
    pub step: usize,
    pub len: usize,
}

impl Grid {
    /// All positions of an axis.
    pub fn whole(len: usize) -> Grid {
        Grid { start: 0, step: 1, len }
    }
    fn last(&self) -> usize {
        self.start + self.len.saturating_sub(1) * self.step
    }
    /// These positions of the positions `of`.
    pub fn within(&self, of: &Grid) -> Grid {
        Grid { start: of.start + self.start * of.step, step: self.step * of.step, len: self.len }
    }
    /// The fewest evenly spaced positions that hold both.
    pub fn hull(&self, other: &Grid) -> Grid {
        let step = |g: &Grid| if g.len > 1 { g.step } else { 0 };
        let apart = self.start.abs_diff(other.start);
        let step = gcd(gcd(step(self), step(other)), apart).max(1);
        let start = self.start.min(other.start);
        Grid { start, step, len: (self.last().max(other.last()) - start) / step + 1 }
    }
    /// Where these positions are among those of a grid that holds them.
    pub fn among(&self, all: &Grid) -> Grid {
        let step = if self.len > 1 { self.step / all.step } else { 1 };
        Grid { start: (self.start - all.start) / all.step, step, len: self.len }
    }
    /// As the range of a slice.
    pub fn range(&self) -> String {
        format!("{}:{}:{}", self.start, self.last() + 1, self.step)
    }
}

/// One axis of the convolution over the positions that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Axis {
    pub grid: Grid,
    /// Zeros before and after the positions read.
    pub pads: [usize; 2],
    /// Step of the outputs and of the taps, in positions read.
    pub stride: usize,
    pub dilation: usize,
    pub kernel: usize,
    pub out: usize,
}

impl Axis {
    /// `None` when no output reads anything but padding.
    pub fn of(a: &geometry::Axis) -> Option<Axis> {
        // A single tap reads positions `stride` apart; several read those of one residue.
        let step = if a.kernel == 1 { a.stride } else { gcd(a.stride, a.dilation) };
        Some(step).filter(|&s| s > 0 && a.input > 0)?;
        let start = (step - a.pad[0] % step) % step;
        (start < a.input).then_some(())?;
        let (stride, before) = (a.stride / step, (start + a.pad[0]) / step);
        let dilation = if a.kernel == 1 { 1 } else { a.dilation / step };
        let span = a.output.checked_sub(1)? * stride + (a.kernel - 1) * dilation + 1;
        let len = span.checked_sub(before)?.min((a.input - start).div_ceil(step));
        let (grid, pads) = (Grid { start, step, len }, [before, span - before - len]);
        (len > 0).then_some(Axis { grid, pads, stride, dilation, kernel: a.kernel, out: a.output })
    }
    /// First position of a tap and one past its last, in padded positions.
    pub fn range(&self, tap: usize) -> String {
        let first = tap * self.dilation;
        format!("{first}:{}:{}", first + (self.out - 1) * self.stride + 1, self.stride)
    }
}
