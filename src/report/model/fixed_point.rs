//! How the emitted graph fares in the arithmetic of its targets.

use relinc_runtime::fixed::{Analysis, Bounds, Truncation};
use serde::{Deserialize, Serialize};

/// One target's arithmetic: emulated on images, or bounded where there are none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FixedPoint {
    /// The target; `onnx` where no secure one was emitted and a format was given.
    pub target: String,
    /// Its protocols that compute in this arithmetic.
    #[serde(default)]
    pub protocols: Vec<String>,
    /// Bits of the ring.
    pub ring: u32,
    /// Fraction bits.
    pub fraction: u32,
    /// How products are truncated, and what goes with it.
    pub truncation: Truncation,
    /// How often a query may go wrong, where each party truncates by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// What was found.
    pub verdict: Outcome,
    /// The emulation; null where there were no images.
    pub images: Option<Analysis>,
    /// What was tried, since this does not do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<Tried>,
    /// Upper limits for any input; null where images were emulated.
    pub bounds: Option<Bounds>,
    /// The range of the input behind the limits is assumed, nobody declared it.
    #[serde(default)]
    pub assumed: bool,
    /// Why nothing could be checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// With which probability truncations spoil a query.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// What was allowed.
    pub asked: f64,
    /// The upper limit, for images whose numbers are no larger than those emulated.
    pub at_most: f64,
}

/// What a check found, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// No overflow, the same classes, little error.
    Holds,
    /// Nothing was found out.
    Unchecked,
    /// From bounds alone: an overflow is not excluded.
    MayOverflow,
    /// The outputs' error is a large share of their range.
    Imprecise,
    /// The arg max of an image moved.
    Moved,
    /// A number left the range.
    Overflows,
}

/// Another format, or the layers scaled, emulated on the first of the same images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// Bits of the ring.
    pub ring: u32,
    /// Fraction bits.
    pub fraction: u32,
    /// Layers scaled by normalise-ranges to a largest magnitude of at most 2^this.
    pub normalise: Option<i32>,
    /// Images.
    pub n: usize,
    /// Images whose arg max moved.
    pub flips: usize,
    /// Images with a number outside the range.
    pub overflowed_images: usize,
    /// Largest error as a share of the outputs' range.
    pub output_error_share: f64,
    /// It does.
    pub holds: bool,
}
