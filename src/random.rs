//! Deterministic inputs where there is no data set.

use relinc_passes::ir::Tensor;

/// Uniform numbers in ±1 that follow from the seed (SplitMix64).
pub fn uniform(shape: &[usize], seed: u64) -> Tensor {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    Tensor::f32(shape, (0..shape.iter().product()).map(|_| next()).collect::<Vec<_>>())
}
