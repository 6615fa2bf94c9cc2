//! The operations on graphics cards: composed of burn's own.

use super::TrainKernels;
use super::descend::DescendOps;
use super::normed::NormedKernels;
use burn::backend::Cube;

impl TrainKernels for Cube {}
impl NormedKernels for Cube {}
impl DescendOps for Cube {}
