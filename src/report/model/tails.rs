//! What quadratic layers read far from 0.

use serde::{Deserialize, Serialize};

/// The quadratic layers of a network on images: what is far from 0 grows with its square, and a ring has a largest number.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tails {
    /// Training images, of which all but the outermost hundredth make the calibrated ranges.
    pub calibrated_on: u64,
    /// Held-out images.
    pub n: u64,
    /// One entry a layer, in order.
    pub layers: Vec<Tail>,
    /// What fixed point makes of the tails on the training images, a sentence an arithmetic that fails; empty where all hold.
    #[serde(default)]
    pub failures: Vec<String>,
}

/// One quadratic layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tail {
    /// The layer.
    pub layer: String,
    /// The largest |x| that it reads on 99 % of the training images.
    pub calibrated: f64,
    /// The largest |x| on all training and held-out images looked at.
    pub largest: f64,
    /// The share of its elements on the held-out images that are beyond the calibrated range, 0 to 1.
    pub elements_beyond: f64,
    /// The share of the held-out images with such an element, 0 to 1.
    pub images_beyond: f64,
}
