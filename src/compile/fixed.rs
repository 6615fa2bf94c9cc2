//! The fixed-point part of a compilation: ranges, rescaling, and how the emitted graph fares in its targets' arithmetic.

mod bounded;
mod check;
mod plan;
mod ring;

pub use bounded::{Bounded, TruncationMode, hopeful, judge};
pub use check::{SHARE, check, check_on, emulated};
pub use plan::{Plan, plans};
pub use ring::{RingMode, fraction, made_for, narrow, protocols, seconds};

use super::{Request, Target};
use crate::error::{Error, Result, input};
use crate::model::Model;
use crate::probe::Probe;
use crate::report::Report;
use crate::report::model as rm;
use relinc_passes::driver::Options;
use relinc_passes::ir::Tensor;
use relinc_passes::passes::normalise_ranges::NormaliseRanges;
use relinc_runtime::fixed::{Analysis, Format, ranges};

/// Images that ranges and errors are measured on, at most.
pub const IMAGES: usize = 64;

/// Images whose class may move.
pub const ALLOWED_FLIPS: usize = 1;

/// Exponents of two that layers may be rescaled to.
pub const TARGETS: std::ops::RangeInclusive<i32> = -16..=32;

/// The arithmetic in which the emitted graph is emulated, where it is not each secure target's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emulation {
    /// One ring and number of fraction bits for all.
    In(Format),
    /// None.
    Off,
}

impl std::str::FromStr for Emulation {
    type Err = String;
    fn from_str(s: &str) -> Result<Emulation, String> {
        match s.trim() {
            "off" => Ok(Emulation::Off),
            s => s.parse().map(Emulation::In).map_err(|e| format!("{e}, or off")),
        }
    }
}

/// Measures the lowered model's ranges and rescales its layers.
pub fn normalise(
    model: &mut Model,
    images: &Tensor,
    target: i32,
    options: &Options,
    probe: Option<&mut Probe>,
) -> Result<()> {
    let ranges = ranges(&model.graph, images, target).map_err(input)?;
    model.run(&NormaliseRanges(Some(ranges)), options, probe)
}

/// The first emulation, where a format was given.
pub fn given(r: &Request, found: &[rm::FixedPoint]) -> Option<Analysis> {
    r.options.format().and_then(|_| found.first()?.images.clone())
}

/// An error where the emitted graph does not survive one of its targets' arithmetic on images.
pub fn answer(r: &Report) -> Result<()> {
    // Who accepts tails accepts what they do to other images, too.
    if r.tails.is_some() && r.settings.allow_tails {
        return Ok(());
    }
    let all = r.fixed_points.iter().chain(&r.other_branch);
    let no: Vec<String> = all.filter_map(crate::fixed_point::failure).collect();
    if no.is_empty() { Ok(()) } else { Err(Error::Answer(no.join("\n"))) }
}
