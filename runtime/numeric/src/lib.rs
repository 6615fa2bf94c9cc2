//! What relinc computes in bulk by its own arithmetic, without a tensor library. The crate is compiled for speed, those above it
//! for size: the loops that they call are compiled here, and have no types for them to choose.

pub mod augment;
pub mod blocks;
pub mod certify;
pub mod corrupt;
pub mod dice;
pub mod fixed;
pub mod fnv;
pub mod kernels;
mod operations;
pub mod picture;
