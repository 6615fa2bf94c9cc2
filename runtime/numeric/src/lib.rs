//! What relinc computes in bulk by its own arithmetic, without a tensor library. The crate is compiled for speed, those above it
//! for size: what they call is compiled here, and has no types for them to choose.

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
