//! Convolutions and matrix products on any [`Lane`].

use super::lane::Lane;
use crate::kernels::simd::wide;
use relinc_passes::ir::Conv;
use relinc_passes::ir::geometry::Axis;
use std::ops::Range;

/// Elements of the unfolded input that are made at once, so that they stay in the cache.
const TILE: usize = 1 << 15;

/// Sizes of a convolution of one image: x `[C,H,W]`, weights `[O,C/group,kH,kW]`, result `[O,H',W']`.
#[derive(Debug, Clone, Copy)]
pub struct Sizes<'a> {
    /// The operation.
    pub conv: &'a Conv,
    /// C, H, W.
    pub x: [usize; 3],
    /// O, C/group, kH, kW.
    pub w: [usize; 4],
    /// O, H', W'.
    pub y: [usize; 3],
}

impl Sizes<'_> {
    /// Products an output element sums.
    pub fn depth(&self) -> usize {
        self.w[1] * self.w[2] * self.w[3]
    }

    /// The input each tap reads for some output rows of a group: depth × (rows·W').
    fn unfold<T: Lane>(&self, x: &[T], group: usize, rows: Range<usize>, cols: &mut Vec<T>) {
        let ([_, h, w], [_, cin, kh, kw]) = (self.x, self.w);
        let [rows_of, columns_of] = [0, 1].map(|i| Axis::of_conv(self.conv, i, self.x[1 + i], self.w[2 + i]));
        cols.clear();
        for c in group * cin..(group + 1) * cin {
            let plane = &x[c * h * w..(c + 1) * h * w];
            for (ky, kx) in (0..kh).flat_map(|ky| (0..kw).map(move |kx| (ky, kx))) {
                for oy in rows.clone() {
                    let line = rows_of.source(oy, ky).map(|iy| &plane[iy * w..(iy + 1) * w]);
                    let read = |ox| line.and_then(|l| Some(l[columns_of.source(ox, kx)?]));
                    cols.extend((0..self.y[2]).map(|ox| read(ox).unwrap_or_default()));
                }
            }
        }
    }

    /// Products and sums, nothing truncated, without a bias.
    pub fn run<T: Lane>(&self, x: &[T], w: &[T]) -> Vec<T> {
        let [cout, oh, ow] = self.y;
        let (depth, per_group) = (self.depth(), cout / self.conv.group.max(1));
        let step = (TILE / (depth * ow).max(1)).clamp(1, oh.max(1));
        let mut y = vec![T::default(); cout * oh * ow];
        let mut cols = vec![];
        for group in 0..self.conv.group {
            for from in (0..oh).step_by(step) {
                let rows = from..(from + step).min(oh);
                self.unfold(x, group, rows.clone(), &mut cols);
                for o in group * per_group..(group + 1) * per_group {
                    let line = &mut y[(o * oh + rows.start) * ow..(o * oh + rows.end) * ow];
                    weigh(line, &cols, &w[o * depth..(o + 1) * depth]);
                }
            }
        }
        y
    }
}

wide! {
    /// `line += Σ weights[d]·cols[d]`, four at a time.
    fn weigh<T: Lane>(line: &mut [T], cols: &[T], weights: &[T]) {
        let n = line.len();
        let four = weights.len() / 4 * 4;
        for d in (0..four).step_by(4) {
            let [a, b, c, e] = [0, 1, 2, 3].map(|i| &cols[(d + i) * n..(d + i + 1) * n]);
            let w = &weights[d..d + 4];
            for ((((y, a), b), c), e) in line.iter_mut().zip(a).zip(b).zip(c).zip(e) {
                let left = w[0].times(*a).plus(w[1].times(*b));
                *y = y.plus(left).plus(w[2].times(*c).plus(w[3].times(*e)));
            }
        }
        for d in four..weights.len() {
            for (y, c) in line.iter_mut().zip(&cols[d * n..(d + 1) * n]) {
                *y = y.plus(weights[d].times(*c));
            }
        }
    }
}

/// `A·B` with A m×k, and B k×n or, `transposed`, n×k.
pub fn matmul<T: Lane>(a: &[T], b: &[T], [m, k, n]: [usize; 3], transposed: bool) -> Vec<T> {
    let at = |i: usize, j: usize| if transposed { b[j * k + i] } else { b[i * n + j] };
    let dot = |row: &[T], j| row.iter().enumerate().fold(T::default(), |s, (i, v)| s.plus(v.times(at(i, j))));
    (0..m).flat_map(|i| (0..n).map(move |j| (i, j))).map(|(i, j)| dot(&a[i * k..(i + 1) * k], j)).collect()
}
