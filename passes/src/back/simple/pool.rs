//! Max pooling as gathers and ReLUs: a tree of `b + relu(a − b)` over the window, one ReLU a level.
//!
//! CrypTen's own max pool also computes the place of the maximum, by comparing every pair, and only knows square windows.

use super::rewrite::Rewrite;
use crate::driver::patch::Ref;
use crate::ir::op::SliceAxis;
use crate::ir::{Binary, Dim, Op, Window};

/// The largest element of every window. Comparisons: results × (window − 1); levels: ⌈log₂ window⌉.
pub fn max_pool(w: &mut Rewrite<'_>, x: Ref, dims: &[Dim], window: &Window) -> Ref {
    let out = w.dims(w.at);
    let size = |d: &[Dim], axis: usize| d[axis].at(1);
    // A place outside the map becomes the nearest one inside, which is in the window too and changes no maximum.
    let places = |axis: usize, offset: usize| -> Vec<i64> {
        let last = size(dims, axis) as i64 - 1;
        let first = |o: usize| (o * window.strides[axis - 2] + offset) as i64 - window.pads[axis - 2] as i64;
        (0..size(&out, axis)).map(|o| first(o).clamp(0, last)).collect()
    };
    let mut parts = vec![];
    for i in 0..window.kernel[0] {
        let row = w.gather("rows", x, 2, places(2, i));
        for j in 0..window.kernel[1] {
            parts.push(w.gather("columns", row, 3, places(3, j)));
        }
    }
    if let [only] = parts[..] {
        return only;
    }
    let channels = size(dims, 1);
    let mut left = parts.len();
    let mut y = w.add("window", Op::Concat { axis: 1 }, &parts);
    while left > 1 {
        let half = left / 2;
        let mut channels_of = |from: usize, to: usize| {
            let axis =
                SliceAxis { axis: 1, start: (from * channels) as i64, end: (to * channels) as i64, step: 1 };
            w.add("part", Op::Slice(vec![axis]), &[y])
        };
        let (a, b) = (channels_of(0, half), channels_of(half, 2 * half));
        let rest = (left % 2 == 1).then(|| channels_of(2 * half, left));
        let d = w.binary("difference", Binary::Sub, a, b);
        let d = w.add("positive", Op::Relu, &[d]);
        let largest = w.binary("largest", Binary::Add, d, b);
        y = match rest {
            Some(r) => w.add("level", Op::Concat { axis: 1 }, &[largest, r]),
            None => largest,
        };
        left = half + left % 2;
    }
    y
}
