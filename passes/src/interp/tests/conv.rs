use super::{close, eval, random, rng};
use crate::ir::op::{Conv, Op};
use crate::ir::tensor::Tensor;
use rand::Rng;

/// Convolution by definition.
pub(super) fn naive(c: &Conv, x: &Tensor, w: &Tensor, b: Option<&Tensor>) -> (Vec<usize>, Vec<f64>) {
    let (xs, ws) = (x.shape(), w.shape());
    let size = |i: usize| {
        (xs[2 + i] + c.pads[i] + c.pads[i + 2] - c.dilations[i] * (ws[2 + i] - 1) - 1) / c.strides[i] + 1
    };
    let (oh, ow) = (size(0), size(1));
    let (xv, wv) = (x.as_f32().expect("f32"), w.as_f32().expect("f32"));
    let (cin, cout) = (ws[1], ws[0] / c.group);
    let mut out = vec![];
    for n in 0..xs[0] {
        for o in 0..ws[0] {
            for oy in 0..oh {
                for ox in 0..ow {
                    let mut s = b.map_or(0.0, |b| f64::from(b.as_f32().expect("f32")[o]));
                    for i in 0..cin {
                        for ky in 0..ws[2] {
                            for kx in 0..ws[3] {
                                let iy =
                                    (oy * c.strides[0] + ky * c.dilations[0]) as isize - c.pads[0] as isize;
                                let ix =
                                    (ox * c.strides[1] + kx * c.dilations[1]) as isize - c.pads[1] as isize;
                                if iy < 0 || ix < 0 || iy as usize >= xs[2] || ix as usize >= xs[3] {
                                    continue;
                                }
                                let ch = o / cout * cin + i;
                                let xi = ((n * xs[1] + ch) * xs[2] + iy as usize) * xs[3] + ix as usize;
                                let wi = ((o * cin + i) * ws[2] + ky) * ws[3] + kx;
                                s += f64::from(xv[xi]) * f64::from(wv[wi]);
                            }
                        }
                    }
                    out.push(s);
                }
            }
        }
    }
    (vec![xs[0], ws[0], oh, ow], out)
}

fn check(c: &Conv, x: &[usize], w: &[usize], bias: bool, seed: u64) {
    let mut r = rng(seed);
    let (x, w, b) = (random(&mut r, x), random(&mut r, w), random(&mut r, &w[..1]));
    let b = bias.then_some(&b);
    let (shape, want) = naive(c, &x, &w, b);
    let operands: Vec<&Tensor> = [&x, &w].into_iter().chain(b).collect();
    let what = format!("{c:?} on {:?} with {:?}", x.shape(), w.shape());
    close(&eval(&Op::Conv(c.clone()), &operands), &shape, &want, 1e-5, &what);
}

#[test]
fn random_configurations() {
    let mut r = rng(1);
    for seed in 0..400 {
        let group = [1, 1, 1, 2, 3, 5][r.random_range(0..6)];
        let (cin, cout) = (r.random_range(1..6), r.random_range(1..20));
        let mut two = |lo: usize, hi: usize| [r.random_range(lo..hi), r.random_range(lo..hi)];
        let (kernel, dilations, strides) = (two(1, 5), two(1, 3), two(1, 4));
        let (before, after, extra, n) = (two(0, 4), two(0, 4), two(0, 20), two(1, 4)[0]);
        let span = |i: usize| dilations[i] * (kernel[i] - 1) + 1;
        let size = |i: usize| (span(i).saturating_sub(before[i] + after[i])).max(1) + extra[i];
        let c = Conv { strides, pads: [before[0], before[1], after[0], after[1]], dilations, group };
        let x = [n, cin * group, size(0), size(1)];
        check(&c, &x, &[cout * group, cin, kernel[0], kernel[1]], seed % 2 == 0, seed);
    }
}

#[test]
fn depthwise_configurations() {
    for seed in 0..40 {
        let s = seed as usize;
        let c = Conv {
            strides: [1 + s % 2, 1 + s % 3],
            pads: [1, s % 2, 1, 2],
            dilations: [1, 1 + s % 2],
            group: 7,
        };
        check(&c, &[2, 7, 9, 8], &[7 * (1 + s % 2), 1, 3, 3], true, seed);
    }
}

#[test]
fn layers_of_real_networks() {
    let plain = |s, p, group| Conv { strides: [s, s], pads: [p; 4], dilations: [1, 1], group };
    for (seed, (c, x, w)) in [
        (plain(1, 1, 1), [3, 3, 32, 32], [16, 3, 3, 3]),
        (plain(1, 1, 1), [3, 16, 32, 32], [16, 16, 3, 3]),
        (plain(2, 1, 1), [1, 16, 32, 32], [32, 16, 3, 3]),
        (plain(1, 1, 1), [2, 64, 8, 8], [64, 64, 3, 3]),
        (plain(2, 0, 1), [2, 16, 32, 32], [32, 16, 1, 1]),
        (plain(1, 0, 1), [2, 64, 7, 5], [130, 64, 1, 1]),
        (plain(2, 3, 1), [1, 3, 64, 48], [64, 3, 7, 7]),
        (plain(1, 1, 1), [1, 130, 20, 30], [20, 130, 3, 3]),
        (plain(1, 1, 1), [2, 24, 4, 4], [40, 24, 3, 3]),
        (plain(1, 1, 1), [2, 24, 2, 2], [40, 24, 3, 3]),
    ]
    .into_iter()
    .enumerate()
    {
        check(&c, &x, &w, seed % 2 == 0, seed as u64);
    }
}

#[test]
fn an_empty_batch_is_empty() {
    let c = Conv { strides: [1, 1], pads: [0; 4], dilations: [1, 1], group: 1 };
    let y =
        eval(&Op::Conv(c), &[&Tensor::f32([0, 1, 3, 3], vec![]), &Tensor::f32([2, 1, 1, 1], vec![1.0; 2])]);
    assert_eq!(y.shape(), [0, 2, 3, 3]);
}
