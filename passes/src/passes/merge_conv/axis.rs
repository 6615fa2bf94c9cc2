//! Two convolutions along one axis: which inputs an output reads, by which pair of taps, and what lies outside.

use crate::ir::geometry::Axis as One;
use std::ops::Range;

/// Two convolutions along one axis, of which the second reads what the first gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Axis {
    pub first: One,
    pub second: One,
}

/// Where a position of the first convolution's result lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// In the padding before it.
    Before,
    Inside,
    /// In the padding behind it.
    Behind,
}

/// Tap `first` of the first and `second` of the second kernel meet in tap `tap` of the composed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Term {
    /// Which of [`Reach::rows`]; 0 for a sliding window.
    pub slot: usize,
    pub tap: usize,
    pub first: usize,
    pub second: usize,
}

/// One axis of a composed convolution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reach {
    /// The outputs it computes, each by channels of its own from the one position there is; `None` for a window that
    /// slides over all outputs.
    pub rows: Option<Range<usize>>,
    /// The side of the padding whose share it computes; `Inside` for the convolution itself.
    pub side: Side,
    /// The inputs it reads.
    pub from: Range<usize>,
    pub taps: usize,
    pub stride: usize,
    pub dilation: usize,
    /// Zeros before and behind.
    pub pad: [usize; 2],
    pub terms: Vec<Term>,
}

impl Reach {
    /// Outputs computed at one position.
    pub fn slots(&self) -> usize {
        self.rows.as_ref().map_or(1, Range::len)
    }
}

impl Axis {
    /// Where tap `a` of output `i` reads.
    pub fn side(&self, i: usize, a: usize) -> Side {
        match self.second.at(i as isize, a) {
            r if r < 0 => Side::Before,
            r if r < self.second.input as isize => Side::Inside,
            _ => Side::Behind,
        }
    }

    /// Positions from the first to the last tap of the merged kernel, both counted.
    pub fn span(&self) -> usize {
        let (f, s) = (&self.first, &self.second);
        (f.kernel - 1) * f.dilation + (s.kernel - 1) * s.dilation * f.stride + 1
    }

    /// The merged window. It reads the first convolution's values beyond the border, too.
    fn sliding(&self) -> Reach {
        let (f, s) = (&self.first, &self.second);
        let of = |t: &One, step: usize| if t.kernel > 1 { step } else { 0 };
        let (near, far) = (f.dilation, s.dilation * f.stride);
        let step = gcd(of(f, near), of(s, far)).max(1);
        let stride = f.stride * s.stride;
        let pad = f.pad[0] + s.pad[0] * f.stride;
        let behind = zeros_behind(self.first.input, self.second.output, self.span(), stride, pad);
        let terms = (0..s.kernel).flat_map(|a| {
            let tap = move |b| (a * far + b * near) / step;
            (0..f.kernel).map(move |b| Term { slot: 0, tap: tap(b), first: b, second: a })
        });
        Reach {
            rows: None,
            side: Side::Inside,
            from: 0..self.first.input,
            taps: (self.span() - 1) / step + 1,
            stride,
            dilation: step,
            pad: [pad, behind],
            terms: terms.collect(),
        }
    }

    /// What outputs `rows` read on one side, where that depends on the input at all.
    fn fixed(&self, rows: Range<usize>, side: Side) -> Option<Reach> {
        let mut terms = vec![];
        for (slot, i) in rows.clone().enumerate() {
            for a in (0..self.second.kernel).filter(|&a| self.side(i, a) == side) {
                let r = self.second.at(i as isize, a);
                for b in 0..self.first.kernel {
                    let at = self.first.at(r, b);
                    if (0..self.first.input as isize).contains(&at) {
                        terms.push(Term { slot, tap: at as usize, first: b, second: a });
                    }
                }
            }
        }
        let start = terms.iter().map(|t| t.tap).min()?;
        let end = terms.iter().map(|t| t.tap).max()? + 1;
        terms.iter_mut().for_each(|t| t.tap -= start);
        let taps = end - start;
        Some(Reach {
            rows: Some(rows),
            side,
            from: start..end,
            taps,
            stride: 1,
            dilation: 1,
            pad: [0; 2],
            terms,
        })
    }

    /// The merged convolution's axis, and the shares of the padding that it has too much. An axis of one output is
    /// composed of the taps that count, so that it has none.
    pub fn merged(&self) -> (Reach, Vec<Reach>) {
        let slide = self.sliding();
        let padded = self.second.pad[0] > 0 || self.behind() > 0 || slide.pad != [0; 2];
        if self.second.output == 1
            && padded
            && let Some(r) = self.fixed(0..1, Side::Inside)
        {
            return (r, vec![]);
        }
        (slide, self.ring())
    }

    /// What the outputs read beyond either end.
    pub fn ring(&self) -> Vec<Reach> {
        let before = self.second.pad[0].div_ceil(self.second.stride).min(self.second.output);
        let behind = self.second.output - self.behind()..self.second.output;
        [self.fixed(0..before, Side::Before), self.fixed(behind, Side::Behind)]
            .into_iter()
            .flatten()
            .collect()
    }

    /// How many of the last outputs read beyond the end.
    fn behind(&self) -> usize {
        let last = self.second.kernel - 1;
        (0..self.second.output).rev().take_while(|&i| self.side(i, last) == Side::Behind).count()
    }
}

/// Padding behind an axis that gives a window of `span` positions and padding `before` its outputs: as many zeros as before
/// where these give the same number, for some runtimes only pad evenly; else as few as there must be.
pub(crate) fn zeros_behind(input: usize, output: usize, span: usize, stride: usize, before: usize) -> usize {
    let even = (input + 2 * before).checked_sub(span).is_some_and(|room| room / stride + 1 == output);
    if even { before } else { ((output - 1) * stride + span).saturating_sub(input + before) }
}

/// Greatest common divisor; `gcd(0, n) = n`.
pub(crate) fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
