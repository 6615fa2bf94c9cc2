//! Kernels on a block of sixteen images that lie side by side from layer to layer, one in each lane of a vector: convolutions
//! read the layer before as it is, and add what follows them (bias, residual, activation) while the sums are in the cache.
//!
//! A block is one thread's work, so nothing here is parallel.

mod convolution;
mod direct;
mod finish;
mod planes;
mod winograd;

#[cfg(test)]
mod tests;

pub use super::micro::LANES;
pub use convolution::{Convolution, Scratch};
pub use finish::{Activation, Finish, pointwise};
pub use planes::{Planes, load, mean, store};
