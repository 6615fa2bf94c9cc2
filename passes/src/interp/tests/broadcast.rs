use super::{close, eval, random, rng};
use crate::choice::{Choice, NO_CAP};
use crate::ir::op::{Binary, Compare, Op, Unary};
use crate::ir::tensor::Tensor;
use rand::Rng;

/// The element a tensor of `shape` shows at linear index `i` of the broadcast shape `to`.
fn seen(shape: &[usize], to: &[usize], i: usize) -> usize {
    let (mut rest, mut at, mut step) = (i, 0, 1);
    for axis in (0..to.len()).rev() {
        let index = rest % to[axis];
        rest /= to[axis];
        if axis + shape.len() >= to.len() {
            let d = shape[axis + shape.len() - to.len()];
            at += if d == 1 { 0 } else { index * step };
            step *= d;
        }
    }
    at
}

#[test]
fn random_shapes() {
    let mut r = rng(9);
    for round in 0..300 {
        let big = round % 50 == 0;
        let to: Vec<usize> =
            (0..r.random_range(0..5)).map(|_| r.random_range(1..if big { 24 } else { 5 })).collect();
        let mut side = || -> Vec<usize> {
            let drop = r.random_range(0..=to.len());
            to[drop..].iter().map(|&d| if r.random_bool(0.3) { 1 } else { d }).collect()
        };
        let (sa, mut sb) = (side(), side());
        // One of the two has every dimension, so that the result is `to`.
        if round % 3 != 0 {
            sb = to.clone();
        }
        let rank = sa.len().max(sb.len());
        let dim = |s: &[usize], i: usize| if i + s.len() < rank { 1 } else { s[i + s.len() - rank] };
        let out: Vec<usize> = (0..rank).map(|i| dim(&sa, i).max(dim(&sb, i))).collect();
        let (a, b) = (random(&mut r, &sa), random(&mut r, &sb));
        let (av, bv) = (a.as_f32().expect("f32"), b.as_f32().expect("f32"));
        let want: Vec<f64> = (0..out.iter().product())
            .map(|i| f64::from(av[seen(&sa, &out, i)]) - f64::from(bv[seen(&sb, &out, i)]))
            .collect();
        let what = format!("{sa:?} - {sb:?}");
        close(&eval(&Op::Binary(Binary::Sub), &[&a, &b]), &out, &want, 1e-6, &what);
        // The same through a graph, where a buffer that dies is reused.
        let dims = |s: &[usize]| s.iter().map(|d| d.to_string()).collect::<Vec<_>>().join(",");
        let text = format!(
            "graph g {{ %a = input f32[{}] %b = input f32[{}] %y = sub(%a, %b) output y = %y }}",
            dims(&sa),
            dims(&sb)
        );
        close(&super::run(&text, vec![a.clone(), b.clone()]).expect("runs")[0], &out, &want, 1e-6, &what);
        let less = eval(&Op::Compare(Compare::Less), &[&a, &b]);
        let signs: Vec<bool> = want.iter().map(|v| *v < 0.0).collect();
        assert_eq!(less.as_bool().expect("bool"), signs, "{what}");
    }
}

#[test]
fn large_operands_are_split_over_threads() {
    let mut r = rng(10);
    for (sa, sb) in [
        (vec![8, 16, 32, 33], vec![8, 16, 32, 33]),
        (vec![8, 16, 32, 33], vec![16, 1, 1]),
        (vec![8, 16, 32, 33], vec![33]),
        (vec![8, 16, 32, 33], vec![]),
        (vec![1, 16, 32, 33], vec![8, 16, 1, 33]),
        (vec![200_001], vec![1]),
    ] {
        let (a, b) = (random(&mut r, &sa), random(&mut r, &sb));
        let out: Vec<usize> = if sa[0] == 1 { vec![8, 16, 32, 33] } else { sa.clone() };
        let (av, bv) = (a.as_f32().expect("f32"), b.as_f32().expect("f32"));
        let want: Vec<f64> = (0..out.iter().product())
            .map(|i| f64::from(av[seen(&sa, &out, i)]) * f64::from(bv[seen(&sb, &out, i)]))
            .collect();
        close(&eval(&Op::Binary(Binary::Mul), &[&a, &b]), &out, &want, 1e-6, &format!("{sa:?} {sb:?}"));
    }
}

#[test]
fn integers_do_not_wrap() {
    let (a, b) = (Tensor::ints(&[7, i64::MAX]), Tensor::ints(&[2, 1]));
    assert_eq!(eval(&Op::Binary(Binary::Div), &[&a, &b]), Tensor::ints(&[3, i64::MAX]));
    assert!(crate::interp::eval_const(&Op::Binary(Binary::Add), &[&a, &b]).is_err());
    assert!(crate::interp::eval_const(&Op::Binary(Binary::Div), &[&a, &Tensor::ints(&[0, 1])]).is_err());
}

#[test]
fn erf_to_single_precision() {
    for (x, want) in [
        (0.0, 0.0),
        (0.1, 0.112_462_916_018_284_9),
        (0.5, 0.520_499_877_813_046_5),
        (1.0, 0.842_700_792_949_714_9),
        (2.0, 0.995_322_265_018_952_7),
        (3.5, 0.999_999_256_901_627_7),
        (9.0, 1.0),
    ] {
        let y = eval(&Op::Unary(Unary::Erf), &[&Tensor::f32([2], vec![x, -x])]);
        close(&y, &[2], &[want, -want], 1e-7, "erf");
    }
}

#[test]
fn where_prelu_and_masked_relu() {
    let x = Tensor::f32([1, 2, 2], vec![-1.0, 2.0, -3.0, 4.0]);
    let mask = Tensor::u8([2, 2], vec![1, 0, 0, 2]);
    let slope = Tensor::f32([2], vec![0.5, 0.1]);
    let masked = |given| Op::MaskedRelu { cap: NO_CAP, given };
    let y = eval(&masked(vec![Choice::Identity]), &[&x, &mask, &slope]);
    close(&y, &[1, 2, 2], &[0.0, 1.0, -0.3, 0.0], 1e-7, "masked relu");
    let y = eval(&masked(vec![]), &[&x, &Tensor::u8([2, 2], vec![0, 1, 1, 0])]);
    close(&y, &[1, 2, 2], &[-1.0, 2.0, 0.0, 4.0], 0.0, "masked relu without slopes");
    let codes = Tensor::u8([2, 2], vec![1, 4, 0, 1]);
    let y = eval(&Op::MaskedRelu { cap: 1.5, given: vec![] }, &[&x, &codes]);
    close(&y, &[1, 2, 2], &[0.0, 2.0, -3.0, 1.5], 0.0, "masked relu with a cap");
    let y = eval(&Op::CappedRelu { cap: 3.0 }, &[&x]);
    close(&y, &[1, 2, 2], &[0.0, 2.0, 0.0, 3.0], 0.0, "relu with a cap");
    let y = eval(&Op::PRelu, &[&x, &Tensor::f32([2, 1], vec![0.5, 0.25])]);
    close(&y, &[1, 2, 2], &[-0.5, 2.0, -0.75, 4.0], 0.0, "prelu");
    let c = Tensor::bool([2], vec![true, false]);
    let y = eval(&Op::Where, &[&c, &x, &Tensor::scalar(9.0)]);
    close(&y, &[1, 2, 2], &[-1.0, 9.0, -3.0, 9.0], 0.0, "where");
}
