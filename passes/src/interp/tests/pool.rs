use super::{close, eval, random, rng};
use crate::ir::op::{Op, ReduceKind, Window};
use crate::ir::tensor::Tensor;
use rand::Rng;

/// Calls `f` with the elements of each window and the count of its padded positions (PyTorch's rules).
fn naive(w: &Window, x: &Tensor, f: impl Fn(&[f64], usize) -> f64) -> (Vec<usize>, Vec<f64>) {
    let s = x.shape();
    let size = |i: usize| {
        let room = s[2 + i] + w.pads[i] + w.pads[i + 2] - w.kernel[i];
        let n = if w.ceil { room.div_ceil(w.strides[i]) } else { room / w.strides[i] } + 1;
        if w.ceil && (n - 1) * w.strides[i] >= s[2 + i] + w.pads[i] { n - 1 } else { n }
    };
    let (oh, ow) = (size(0), size(1));
    let v = x.as_f32().expect("f32");
    let mut out = vec![];
    for plane in 0..s[0] * s[1] {
        for oy in 0..oh {
            for ox in 0..ow {
                let (mut e, mut padded) = (vec![], 0);
                for ky in 0..w.kernel[0] {
                    for kx in 0..w.kernel[1] {
                        let (py, px) = (oy * w.strides[0] + ky, ox * w.strides[1] + kx);
                        if py >= s[2] + w.pads[0] + w.pads[2] || px >= s[3] + w.pads[1] + w.pads[3] {
                            continue;
                        }
                        padded += 1;
                        if py >= w.pads[0]
                            && px >= w.pads[1]
                            && py - w.pads[0] < s[2]
                            && px - w.pads[1] < s[3]
                        {
                            e.push(f64::from(v[(plane * s[2] + py - w.pads[0]) * s[3] + px - w.pads[1]]));
                        }
                    }
                }
                out.push(f(&e, padded));
            }
        }
    }
    (vec![s[0], s[1], oh, ow], out)
}

fn each_window(f: impl Fn(&Window, &Tensor)) {
    let mut r = rng(2);
    for _ in 0..300 {
        let kernel = [r.random_range(1..5), r.random_range(1..5)];
        let mut pad = |i: usize| r.random_range(0..=kernel[i] / 2);
        let pads = [pad(0), pad(1), pad(0), pad(1)];
        let strides = [r.random_range(1..4), r.random_range(1..4)];
        let w = Window { kernel, strides, pads, ceil: r.random_bool(0.5) };
        let shape =
            [r.random_range(1..3), r.random_range(1..4), r.random_range(4..12), r.random_range(4..12)];
        let x = random(&mut r, &shape);
        f(&w, &x);
    }
}

#[test]
fn max_pool() {
    each_window(|w, x| {
        let (shape, want) = naive(w, x, |e, _| e.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        close(&eval(&Op::MaxPool(w.clone()), &[x]), &shape, &want, 0.0, &format!("{w:?}"));
    });
}

#[test]
fn avg_pool() {
    each_window(|w, x| {
        for count_pad in [false, true] {
            let (shape, want) = naive(w, x, |e, padded| {
                e.iter().sum::<f64>() / if count_pad { padded } else { e.len() } as f64
            });
            let op = Op::AvgPool { window: w.clone(), count_pad };
            close(&eval(&op, &[x]), &shape, &want, 1e-6, &format!("{op:?} on {:?}", x.shape()));
        }
    });
}

#[test]
fn global_mean_and_reductions() {
    let x = random(&mut rng(3), &[2, 3, 5, 7]);
    let v = x.as_f32().expect("f32");
    let means: Vec<f64> = v.chunks(35).map(|c| c.iter().map(|&e| f64::from(e)).sum::<f64>() / 35.0).collect();
    close(&eval(&Op::GlobalMean { keep: true }, &[&x]), &[2, 3, 1, 1], &means, 1e-7, "mean, kept");
    close(&eval(&Op::GlobalMean { keep: false }, &[&x]), &[2, 3], &means, 1e-7, "mean");
    let op = |kind, keep| Op::Reduce { kind, axes: vec![1, 3], keep };
    let at = |n: usize, h: usize| {
        let each = move |c: usize| (0..7).map(move |w| ((n * 3 + c) * 5 + h) * 7 + w);
        (0..3).flat_map(each).map(|i| f64::from(v[i])).collect::<Vec<_>>()
    };
    let all = |f: fn(Vec<f64>) -> f64| (0..10).map(|i| f(at(i / 5, i % 5))).collect::<Vec<_>>();
    let sums = all(|e| e.iter().sum());
    close(&eval(&op(ReduceKind::Sum, false), &[&x]), &[2, 5], &sums, 1e-6, "sum");
    let most = all(|e| e.into_iter().fold(f64::NEG_INFINITY, f64::max));
    close(&eval(&op(ReduceKind::Max, true), &[&x]), &[2, 1, 5, 1], &most, 0.0, "max");
}
