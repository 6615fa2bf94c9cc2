//! The fixed-point part of a compilation: ranges, rescaling, analysis.

use crate::error::{Error, input};
use crate::model::Model;
use crate::probe::Probe;
use relinc_passes::ir::Tensor;
use relinc_passes::normalise_ranges::NormaliseRanges;
use relinc_passes::pass::Options;
use relinc_passes::valid::Valid;
use relinc_runtime::fixed::{Analysis, Format, Settings, Truncation, analyse, ranges};

/// Images that ranges and errors are measured on.
pub const IMAGES: usize = 64;
/// Head-room that the proposal in a report leaves, in bits.
const HEADROOM: f64 = 8.0;

/// Exponents of two that layers may be rescaled to.
pub const TARGETS: std::ops::RangeInclusive<i32> = -16..=32;

/// What is asked about the ring.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FixedPoint {
    /// Ring and fraction bits.
    pub format: Format,
    /// Rescale every layer to a largest magnitude of at most 2^this.
    pub normalise: Option<i32>,
}

/// Measures the lowered model's ranges and rescales its layers.
pub fn normalise(
    model: &mut Model,
    images: &Tensor,
    target: i32,
    options: &mut Options,
    probe: Option<&mut Probe>,
) -> Result<(), Error> {
    options.ranges = Some(ranges(&model.graph, images, target).map_err(input)?);
    model.run(&NormaliseRanges, options, probe)
}

/// The emitted graph in fixed point.
pub fn measure(
    v: &Valid<'_>,
    images: &Tensor,
    format: Format,
    seed: u64,
    tell: &mut dyn FnMut(usize, usize),
) -> Result<Analysis, Error> {
    let s = Settings { format, truncation: Truncation::Probabilistic, seed, headroom: HEADROOM };
    analyse(v, images, &s, tell).map(|(a, _)| a).map_err(input)
}
