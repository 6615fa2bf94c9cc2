use super::{close, eval, random, rng};
use crate::ir::op::Op;
use crate::ir::tensor::Tensor;
use rand::Rng;

fn at(t: &Tensor, i: usize) -> f64 {
    f64::from(t.as_f32().expect("f32")[i])
}

#[test]
fn linear_over_the_last_axis() {
    let mut r = rng(4);
    for _ in 0..40 {
        let (a, b, k, n) =
            (r.random_range(1..4), r.random_range(1..9), r.random_range(1..70), r.random_range(1..40));
        let (x, w, bias) = (random(&mut r, &[a, b, k]), random(&mut r, &[n, k]), random(&mut r, &[n]));
        let row = |i: usize, o: usize| (0..k).map(|j| at(&x, i * k + j) * at(&w, o * k + j)).sum::<f64>();
        let bare: Vec<f64> = (0..a * b * n).map(|i| row(i / n, i % n)).collect();
        let full: Vec<f64> = bare.iter().enumerate().map(|(i, v)| v + at(&bias, i % n)).collect();
        close(&eval(&Op::Linear, &[&x, &w]), &[a, b, n], &bare, 1e-5, "linear");
        close(&eval(&Op::Linear, &[&x, &w, &bias]), &[a, b, n], &full, 1e-5, "linear with bias");
    }
}

#[test]
fn gemm_with_every_transpose() {
    let mut r = rng(5);
    let (m, n, k) = (5, 7, 11);
    for (ta, tb) in [(false, false), (false, true), (true, false), (true, true)] {
        for cs in [vec![n], vec![m, 1], vec![m, n], vec![1], vec![]] {
            let a = random(&mut r, &if ta { [k, m] } else { [m, k] });
            let b = random(&mut r, &if tb { [n, k] } else { [k, n] });
            let c = random(&mut r, &cs);
            let ci = |i: usize, j: usize| match cs.len() {
                2 if cs[1] == 1 => i,
                2 => i * n + j,
                1 if cs[0] == n => j,
                _ => 0,
            };
            let product = |i: usize, j: usize| -> f64 {
                let a_at = |l: usize| at(&a, if ta { l * m + i } else { i * k + l });
                let b_at = |l: usize| at(&b, if tb { j * k + l } else { l * n + j });
                (0..k).map(|l| a_at(l) * b_at(l)).sum()
            };
            let want: Vec<f64> =
                (0..m * n).map(|e| 0.5 * product(e / n, e % n) - 2.0 * at(&c, ci(e / n, e % n))).collect();
            let op = Op::Gemm { alpha: 0.5, beta: -2.0, trans_a: ta, trans_b: tb };
            close(&eval(&op, &[&a, &b, &c]), &[m, n], &want, 1e-5, &format!("{op:?} + {cs:?}"));
        }
    }
}

#[test]
fn matmul_broadcasts_leading_axes() {
    let mut r = rng(6);
    let (m, k, n) = (3, 6, 4);
    for (la, lb, to) in [
        (vec![], vec![], vec![]),
        (vec![5], vec![], vec![5]),
        (vec![], vec![5], vec![5]),
        (vec![2, 1], vec![3], vec![2, 3]),
        (vec![2, 3], vec![2, 3], vec![2, 3]),
    ] {
        let shape = |lead: &[usize], a: usize, b: usize| [lead, &[a, b]].concat();
        let (a, b) = (random(&mut r, &shape(&la, m, k)), random(&mut r, &shape(&lb, k, n)));
        let batch: usize = to.iter().product();
        let pick = |lead: &[usize], i: usize| match (lead, to.as_slice()) {
            ([], _) => 0,
            ([2, 1], _) => i / 3,
            ([3], [2, 3]) => i % 3,
            _ => i,
        };
        let want: Vec<f64> = (0..batch * m * n)
            .map(|e| {
                let (g, i, j) = (e / (m * n), e / n % m, e % n);
                let (ga, gb) = (pick(&la, g), pick(&lb, g));
                (0..k).map(|l| at(&a, (ga * m + i) * k + l) * at(&b, (gb * k + l) * n + j)).sum()
            })
            .collect();
        close(&eval(&Op::MatMul, &[&a, &b]), &shape(&to, m, n), &want, 1e-5, &format!("{la:?} × {lb:?}"));
    }
}

#[test]
fn batch_norm_by_definition() {
    let mut r = rng(7);
    for shape in [vec![3, 4], vec![2, 4, 5], vec![2, 4, 3, 5]] {
        let x = random(&mut r, &shape);
        let p: Vec<Tensor> = (0..3).map(|_| random(&mut r, &[4])).collect();
        let var = Tensor::f32([4], (0..4).map(|_| r.random_range(0.1f32..2.0)).collect());
        let inner: usize = shape[2..].iter().product();
        let want: Vec<f64> = (0..x.len())
            .map(|i| {
                let c = i / inner % 4;
                (at(&x, i) - at(&p[2], c)) / (at(&var, c) + 1e-3).sqrt() * at(&p[0], c) + at(&p[1], c)
            })
            .collect();
        let y = eval(&Op::BatchNorm { eps: 1e-3 }, &[&x, &p[0], &p[1], &p[2], &var]);
        close(&y, &shape, &want, 1e-6, "batch norm");
    }
}

#[test]
fn softmax_on_every_axis() {
    let x = random(&mut rng(8), &[2, 3, 4]);
    for axis in 0..3 {
        let (dim, inner) = (x.shape()[axis], x.shape()[axis + 1..].iter().product::<usize>());
        let sum = |i: usize| -> f64 {
            let first = i / (dim * inner) * dim * inner + i % inner;
            (0..dim).map(|j| at(&x, first + j * inner).exp()).sum()
        };
        let p: Vec<f64> = (0..24).map(|i| at(&x, i).exp() / sum(i)).collect();
        let ln: Vec<f64> = p.iter().map(|p| p.ln()).collect();
        close(&eval(&Op::Softmax { axis }, &[&x]), &[2, 3, 4], &p, 1e-6, "softmax");
        close(&eval(&Op::LogSoftmax { axis }, &[&x]), &[2, 3, 4], &ln, 1e-6, "log softmax");
    }
}
