//! Deterministic inputs where there is no data set.

use relinc_passes::ir::Tensor;
use relinc_passes::splitmix::SplitMix;

/// Between which numbers [`uniform`] draws.
pub const RANGE: (f32, f32) = (-1.0, 1.0);

/// Uniform numbers in ±1 that follow from the seed.
pub fn uniform(shape: &[usize], seed: u64) -> Tensor {
    let mut r = SplitMix::new(seed);
    Tensor::f32(shape, (0..shape.iter().product()).map(|_| 2.0 * r.uniform() - 1.0).collect::<Vec<_>>())
}
