//! Kernels against naive loops in double precision; graphs in text.

mod broadcast;
mod conv;
mod graphs;
mod linear;
mod pool;
mod speed;

use crate::interp::{Interp, eval_const};
use crate::ir::op::Op;
use crate::ir::tensor::Tensor;
use crate::ir::text::parse;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub(crate) fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Uniform in ±1.
pub(crate) fn random(r: &mut impl Rng, shape: &[usize]) -> Tensor {
    Tensor::f32(shape, (0..shape.iter().product()).map(|_| r.random_range(-1.0f32..1.0)).collect())
}

pub(crate) fn eval(op: &Op, operands: &[&Tensor]) -> Tensor {
    eval_const(op, operands).unwrap_or_else(|e| panic!("{op:?}: {e}"))
}

/// Runs a text graph.
pub(crate) fn run(text: &str, inputs: Vec<Tensor>) -> Result<Vec<Tensor>, String> {
    let g = parse(text).expect("the test graph parses");
    Interp::new(&g).expect("the test graph plans").run(inputs).map_err(|e| e.to_string())
}

/// Compares with a reference, to `tol` relative to the largest element.
pub(crate) fn close(got: &Tensor, shape: &[usize], want: &[f64], tol: f64, what: &str) {
    assert_eq!(got.shape(), shape, "{what}");
    let scale = want.iter().fold(1.0f64, |m, v| m.max(v.abs()));
    for (i, (g, w)) in got.as_f32().expect("f32").iter().zip(want).enumerate() {
        assert!((f64::from(*g) - w).abs() <= tol * scale, "{what}: element {i} is {g}, not {w}");
    }
}
