//! What the machine's matrix product reaches: the measure that other speeds are held against.

use super::par::threads;
use super::sgemm::{Mat, sgemm};
use rayon::prelude::*;
use std::time::Instant;

/// Rows, columns and depth of the product: its three matrices take 3 MiB.
const SIDE: usize = 512;
/// Products in a row, each started anew on all threads.
const ROUNDS: usize = 8;

/// Floating-point operations a second of f32 matrix products, one on each thread: the best of a few rounds.
pub fn gemm_peak() -> f64 {
    let n = SIDE * SIDE;
    let (a, b) = (vec![1.0f32; n], vec![0.5f32; n]);
    let mut products: Vec<Vec<f32>> = vec![vec![0.0; n]; threads()];
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        products.par_iter_mut().for_each(|c| {
            let (a, b) = (Mat::rows(&a, SIDE), Mat::rows(&b, SIDE));
            sgemm((SIDE, SIDE, SIDE), 1.0, a, b, c, SIDE, false);
        });
        best = best.min(start.elapsed().as_secs_f64());
    }
    (2 * SIDE * n * threads()) as f64 / best
}
