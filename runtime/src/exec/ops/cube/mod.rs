//! The operations on graphics cards: composed of burn's own, but for convolutions and gates in builds without autotuning, where
//! burn has only its slowest form.

use super::descend::DescendOps;
use super::side_squares::SideSquares;
use super::square::SquareKernels;
use burn::backend::Cube;

impl DescendOps for Cube {}
impl SideSquares for Cube {}
impl SquareKernels for Cube {}

#[cfg(all(feature = "gpu", not(any(feature = "gpu-tuned", feature = "cuda"))))]
mod own;

#[cfg(any(feature = "gpu-tuned", feature = "cuda"))]
impl super::TrainKernels for Cube {}
#[cfg(any(feature = "gpu-tuned", feature = "cuda"))]
impl super::normed::NormedKernels for Cube {}
