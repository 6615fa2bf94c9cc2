//! What an analysis found, as it stands in JSON.

use super::propose::Proposal;
use super::truncation::Truncation;
use relinc_passes::passes::normalise_ranges::Shift;
use serde::{Deserialize, Serialize};

/// A graph in fixed point over images, beside itself in floating point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// Bits of the ring.
    pub ring: u32,
    /// Fraction bits.
    pub fraction: u32,
    /// How products were truncated.
    pub truncation: Truncation,
    /// What random truncations follow from.
    pub seed: u64,
    /// Images.
    pub n: usize,
    /// Share of the images whose arg max is the floating-point one.
    pub argmax_agreement: f64,
    /// Images whose arg max is another.
    #[serde(default)]
    pub flips: usize,
    /// The share of all images that may have another arg max, as far as these can tell: the upper end of the 95 % interval.
    #[serde(default)]
    pub flips_at_most: f64,
    /// Largest |fixed − float| of an image's outputs, as a share of their range in floating point.
    #[serde(default)]
    pub output_error_share: f64,
    /// Largest |fixed − float| of the outputs.
    pub output_error_max: f64,
    /// Mean |fixed − float| of the outputs.
    pub output_error_mean: f64,
    /// Least head-room of all layers, in bits.
    pub headroom_bits: f64,
    /// The layer with the least head-room.
    pub tightest: Option<String>,
    /// The layer at which the mean error grows most.
    pub error_enters: Option<String>,
    /// Elements outside the range that the runtime can treat, of all layers and images.
    pub overflows: u64,
    /// Images in which there is one.
    pub overflowed_images: usize,
    /// The first of each of the first ten such images.
    pub overflow: Vec<Overflow>,
    /// Images in which a truncation went wrong at random, within the range.
    #[serde(default)]
    pub failed_images: usize,
    /// Truncations that local truncation is expected to get wrong in an image: Σ|x|/2^k over all products.
    pub expected_local_failures: f64,
    /// The same if every product were as large as the largest of its operation: an upper limit for all images whose products
    /// are no larger.
    #[serde(default)]
    pub local_failures_at_most: f64,
    /// Operations that were computed on real numbers: each runtime approximates them in its own way, and the error of that is
    /// in no figure here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stand_ins: Vec<String>,
    /// Largest product and largest number in floating point, real units: what a number of fraction bits is proposed for.
    #[serde(default)]
    pub largest_float: [f64; 2],
    /// Fraction bits that leave the asked head-room.
    pub proposal: Option<Proposal>,
    /// The target, an exponent of two, with which normalise-ranges leaves the asked head-room at these fraction bits.
    pub target: i32,
    /// The layers that it would scale down; empty where all leave that head-room, or those that do not keep their scale.
    pub rescaling: Vec<Shift>,
    /// Every operation that computes, in order; those that only move elements are left out.
    pub layers: Vec<LayerStats>,
}

/// One operation over all images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerStats {
    /// The value's name.
    pub node: String,
    /// The operation.
    pub op: String,
    /// The ReLU layer it is, or feeds.
    pub layer: Option<String>,
    /// Largest |value|, real units.
    pub largest: f64,
    /// Largest |value| in floating point.
    pub largest_float: f64,
    /// log₂ of the largest ring element; absent where all are 0.
    pub value_bits: Option<f64>,
    /// log₂ of the largest product before truncation; absent where none is made.
    pub product_bits: Option<f64>,
    /// Bits to the first number that the runtime cannot treat, of values and products; negative after an overflow.
    pub headroom_bits: f64,
    /// Mean |fixed − float|.
    pub error_mean: f64,
    /// Largest |fixed − float|.
    pub error_max: f64,
    /// `error_mean` less that of the worst operand: what enters or is amplified here.
    pub error_increase: f64,
    /// Elements outside the range.
    pub overflows: u64,
}

/// A number that left the range.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Overflow {
    /// The image's number.
    pub image: usize,
    /// The value's name.
    pub node: String,
    /// The operation.
    pub op: String,
    /// The ReLU layer it is, or feeds.
    pub layer: Option<String>,
    /// The number, real units.
    pub value: f64,
    /// How many elements of this value did in this image.
    pub elements: usize,
    /// The magnitude it should have stayed below, real units.
    pub limit: f64,
}
