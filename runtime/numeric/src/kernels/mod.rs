//! CPU kernels for training: pure functions over slices of `f32` or, where [`element::Element`] stands, also of bf16, without a
//! tensor library.
//!
//! Activations are `N, C, H, W`, contiguous. Lengths that do not fit the given sizes are a programming error and panic.
//! Every result is the same from run to run and for every number of threads: work is cut by shapes alone, and partial
//! sums are added in a fixed order.

pub mod batch_norm;
pub mod block;
pub mod clock;
pub mod conv;
pub mod element;
pub mod elementwise;
mod entries;
pub mod lines;
pub mod normed;
pub mod place;
pub mod pool;
pub mod sgd;
pub mod side_squares;
pub mod simd;
pub mod square;
pub mod two_slope;

mod amx;
mod memory;
mod micro;
mod parallel;
mod tiles;
mod transpose;
mod vectors;

pub use entries::Computed;

/// Numbers in -1..1 from a linear congruential generator, for tests.
#[doc(hidden)]
pub fn noise(len: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..len).map(|_| next()).collect()
}
