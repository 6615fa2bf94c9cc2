//! The kernel of two convolutions in a row, in double precision until it lands in weights.

use super::axis::{Reach, Side};
use super::pair::{Pair, Stage};
use crate::ir::Tensor;

/// The composed kernel times `sign`: `[O·rows·columns, C/group, taps, taps]`, the outputs of one position beside each other;
/// zeros in a sketch.
pub(super) fn compose(pair: &Pair<'_>, y: &Reach, x: &Reach, sign: f64, sketch: bool) -> Tensor {
    let (f, s, group) = (&pair.first, &pair.second, pair.group());
    let depth = f.depth * f.conv.group / group;
    let (rows, columns) = (y.slots(), x.slots());
    let shape = [s.out * rows * columns, depth, y.taps, x.taps];
    if sketch {
        return Tensor::f32(shape, vec![0.0; shape.iter().product()]);
    }
    let plane = s.out * depth;
    let firsts = by_tap(f);
    // `[row, column, tap, tap][o][channel]`, so that the inner loop runs over neighbours.
    let mut sum = vec![0f64; rows * columns * y.taps * x.taps * plane];
    for ty in &y.terms {
        for tx in &x.terms {
            let at = ((ty.slot * columns + tx.slot) * y.taps + ty.tap) * x.taps + tx.tap;
            let first = &firsts[ty.first * f.kernel[1] + tx.first];
            let second = |o: usize, j: usize| {
                s.w[((o * s.depth + j) * s.kernel[0] + ty.second) * s.kernel[1] + tx.second]
            };
            add_product(&mut sum[at * plane..(at + 1) * plane], pair, first, second);
        }
    }
    let taps = y.taps * x.taps;
    let mut w = Vec::with_capacity(sum.len());
    for o in 0..s.out {
        for slot in 0..rows * columns {
            for c in 0..depth {
                w.extend((0..taps).map(|t| (sign * sum[(slot * taps + t) * plane + o * depth + c]) as f32));
            }
        }
    }
    Tensor::f32(shape, w)
}

/// The first kernel's matrices `[out, depth]`, one a tap.
fn by_tap(f: &Stage<'_>) -> Vec<Vec<f64>> {
    let taps = f.kernel[0] * f.kernel[1];
    (0..taps).map(|t| f.w.iter().skip(t).step_by(taps).map(|&v| f64::from(v)).collect()).collect()
}

/// `sum[o, c] += Σ second[o, m]·first[m, c]` over the channels m between them, groups apart.
fn add_product(sum: &mut [f64], pair: &Pair<'_>, first: &[f64], second: impl Fn(usize, usize) -> f32) {
    let (f, s, group) = (&pair.first, &pair.second, pair.group());
    let depth = f.depth * f.conv.group / group;
    for o in 0..s.out {
        let origin = o / (s.out / group) * depth;
        for j in 0..s.depth {
            let m = o / s.width() * s.depth + j;
            let to = o * depth + m / f.width() * f.depth - origin;
            let v = f64::from(second(o, j));
            for (d, e) in sum[to..to + f.depth].iter_mut().zip(&first[m * f.depth..(m + 1) * f.depth]) {
                *d += v * e;
            }
        }
    }
}

/// Multiplications that [`compose`] makes.
pub(super) fn work(pair: &Pair<'_>, y: &Reach, x: &Reach) -> usize {
    let s = &pair.second;
    [y.terms.len(), x.terms.len(), s.out, s.depth, pair.first.depth]
        .iter()
        .fold(1, |p, &n| p.saturating_mul(n))
}

/// What each tap of the second convolution makes of the first's bias at output channel `o`: `[taps]`.
fn of_bias(pair: &Pair<'_>, b1: &[f32], o: usize) -> Vec<f64> {
    let s = &pair.second;
    let taps = s.kernel[0] * s.kernel[1];
    let tap = |t: usize| {
        let of = |j: usize| {
            f64::from(s.w[(o * s.depth + j) * taps + t]) * f64::from(b1[o / s.width() * s.depth + j])
        };
        (0..s.depth).map(of).sum::<f64>()
    };
    (0..taps).map(tap).collect()
}

/// Taps of the second convolution that read the first's map at output `i` of an axis.
fn inside(pair: &Pair<'_>, axis: usize, i: usize) -> Vec<usize> {
    let a = &pair.axes[axis];
    (0..pair.second.kernel[axis]).filter(|&t| a.side(i, t) == Side::Inside).collect()
}

/// What the second convolution makes of the first's bias, and its own, one value a channel, where the padding between them
/// is the first's: no tap reads zeros, but on an axis of one output whose kernel leaves out those that do.
pub(super) fn hoisted_bias(pair: &Pair<'_>, reaches: [&Reach; 2]) -> Option<Vec<f32>> {
    let s = &pair.second;
    let Some(b1) = pair.first.b else { return s.b.map(<[f32]>::to_vec) };
    let read = |axis: usize| match reaches[axis].rows {
        Some(_) => inside(pair, axis, 0),
        None => (0..s.kernel[axis]).collect(),
    };
    let (rows, columns) = (read(0), read(1));
    let at = |o: usize| {
        let taps = of_bias(pair, b1, o);
        let sum: f64 =
            rows.iter().flat_map(|a| columns.iter().map(move |b| a * s.kernel[1] + b)).map(|t| taps[t]).sum();
        (s.b.map_or(0.0, |b| f64::from(b[o])) + sum) as f32
    };
    Some((0..s.out).map(at).collect())
}

/// What the second convolution makes of the first's bias, and its own: one value a channel, and `[O, H, W]` of what
/// lacks at the border, where its taps read zeros; `None` where nothing lacks.
pub(super) fn bias(pair: &Pair<'_>) -> (Option<Vec<f32>>, Option<Tensor>) {
    let s = &pair.second;
    let Some(b1) = pair.first.b else { return (s.b.map(<[f32]>::to_vec), None) };
    let kw = s.kernel[1];
    let [h, w] = [pair.axes[0].second.output, pair.axes[1].second.output];
    let read = |axis: usize, n: usize| (0..n).map(|i| inside(pair, axis, i)).collect::<Vec<_>>();
    let (rows, columns) = (read(0, h), read(1, w));
    let (mut bias, mut map) = (vec![], vec![]);
    for o in 0..s.out {
        let taps = of_bias(pair, b1, o);
        let own = s.b.map_or(0.0, |b| f64::from(b[o]));
        let at = |i: usize, j: usize| -> f64 {
            own + rows[i]
                .iter()
                .map(|a| columns[j].iter().map(|b| taps[a * kw + b]).sum::<f64>())
                .sum::<f64>()
        };
        let usual = at(h / 2, w / 2);
        bias.push(usual as f32);
        map.extend((0..h).flat_map(|i| (0..w).map(move |j| (i, j))).map(|(i, j)| (at(i, j) - usual) as f32));
    }
    let lacks = map.iter().any(|&v| v != 0.0);
    (Some(bias), lacks.then(|| Tensor::f32([s.out, h, w], map)))
}
