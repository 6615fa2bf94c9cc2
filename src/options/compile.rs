//! Everything a compilation can be asked besides the model, the data, the masks and the output folder.

use super::text::{Count, Interval, Points, Within, list, optional, optional_or_off, or_default};
use crate::compile::fixed;
use crate::compile::fixed::{Emulation, TARGETS};
use crate::compile::{FoldMode, Request, RingMode, Target, TruncationMode};
use crate::error::{Result, input};
use crate::folder::Inputs;
use relinc_passes::back::onnx::OPSETS;
use relinc_passes::back::spu;
use relinc_runtime::cost::{self, ConvForm, Network, Protocol, Weights};
use relinc_runtime::data::{DataSpec, Split};
use relinc_runtime::fixed::Format;
use serde::Deserialize;
use std::path::Path;

/// The cost models that are asked where nobody says which: those first that are private as their packages come. Merges, forms and the
/// runner's default follow the first.
pub const PROTOCOLS: [&str; 3] = ["spu-cheetah", "spu-aby3", "spu-semi2k"];

/// The networks that are asked where nobody says which.
pub const NETWORKS: [&str; 2] = ["lan", "wan"];

/// The options of a compilation: flags of the command line, and keys of a pipeline under the names of the fields.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, clap::Args)]
#[serde(default)]
#[command(next_help_heading = "Compilation")]
pub struct CompileOptions {
    /// What to emit: onnx, spu, crypten, mp-spdz; may be repeated [default: onnx]
    #[arg(long = "target", value_name = "T")]
    #[serde(deserialize_with = "list")]
    pub targets: Vec<Target>,
    /// ONNX operator set to write [default: 17]
    #[arg(long, value_name = "N")]
    #[serde(deserialize_with = "optional")]
    pub opset: Option<Within<{ *OPSETS.start() }, { *OPSETS.end() }>>,
    /// When convolutions are merged: auto (where the first protocol's cost model on the first network says that it pays), always,
    /// never or, where a stage tunes, before-tune
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    #[serde(deserialize_with = "or_default")]
    pub fold: FoldMode,
    /// How the SPU target writes convolutions: auto (what communicates less long by the cost model), fastest (the same with computing, in
    /// later queries, on the first network), direct, or taps (one product over all taps)
    #[arg(long, value_name = "FORM", default_value = "auto")]
    #[serde(deserialize_with = "or_default")]
    pub conv_form: ConvForm,
    /// Remove a softmax or sigmoid at the end; the arg max stays the same
    #[arg(long)]
    pub drop_softmax: bool,
    /// Take the ReLU off elements whose sign is the same on the first N training images; the masks say where
    #[arg(long, value_name = "N", requires = "data")]
    #[serde(deserialize_with = "optional")]
    pub stable_sign: Option<Count>,
    /// Every element of the model's input lies in this range; ReLUs that follow to be without effect are dropped
    #[arg(long, value_name = "LOW,HIGH", allow_hyphen_values = true)]
    #[serde(deserialize_with = "optional")]
    pub input_range: Option<Interval>,
    /// Execute the graph after every pass and compare
    #[arg(long)]
    pub verify_each: bool,
    /// Ring and fraction bits that artefacts for secure runtimes are made for and emulated in, or off [default: each runtime's own]
    #[arg(long, value_name = "RING,FRACTION|off")]
    #[serde(deserialize_with = "optional_or_off")]
    pub fixed_point: Option<Emulation>,
    /// MP-SPDZ programs truncate by the protocol's own instruction: a fifth of the bytes, but it leaks a little of what is truncated
    #[arg(long)]
    pub leaky_truncation: bool,
    /// How SPU's SEMI2K drops fraction bits: safe, or bounded[=P], each party by itself, for no exchange, where a query goes wrong with
    /// probability P at most [default: safe; P: 1e-4]
    #[arg(long, value_name = "HOW", default_value = "safe", hide_default_value = true)]
    #[serde(deserialize_with = "or_default")]
    pub truncation: TruncationMode,
    /// Bits of the ring of SPU's artefacts: auto (32 where that is cheaper and keeps the classes, else 64), 32, 64 or 128 [default: that
    /// of the protocols]
    #[arg(long, value_name = "BITS")]
    #[serde(deserialize_with = "optional")]
    pub ring: Option<RingMode>,
    /// Images that SPU's programs take at once [default: 1]
    #[arg(long, value_name = "N")]
    #[serde(deserialize_with = "optional")]
    pub query_batch: Option<Within<1, 4096>>,
    /// Rescale every layer by a power of two to a largest magnitude of at most 2^BITS
    #[arg(long, value_name = "BITS", requires = "data", num_args = 0..=1, default_missing_value = "3", require_equals = true)]
    #[serde(deserialize_with = "optional")]
    pub normalise_ranges: Option<Within<{ *TARGETS.start() as i64 }, { *TARGETS.end() as i64 }>>,
    /// Exit with 1, once all is written, where more points of accuracy are lost than this
    #[arg(long, value_name = "POINTS", requires = "data")]
    #[serde(deserialize_with = "optional")]
    pub max_drop: Option<Points>,
    /// Accept quadratic layers whose far values fixed point does not bear on training images
    #[arg(long)]
    pub allow_tails: bool,
    /// Who knows the model: secret, server or public [default: the protocol's]
    #[arg(long, value_name = "WHO")]
    #[serde(deserialize_with = "optional")]
    pub weights: Option<Weights>,
    /// What to price.
    #[command(flatten)]
    pub report: ReportOptions,
    /// Where accuracy is measured.
    #[command(flatten)]
    pub accuracy: HeldOut,
}

/// What to price.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, clap::Args)]
#[serde(default)]
#[command(next_help_heading = "What to price")]
pub struct ReportOptions {
    /// Cost model: spu-cheetah, spu-aby3, spu-semi2k, … (see relinc protocols), or a file; may be repeated, and the first one decides merges
    #[arg(long = "protocol", value_name = "P")]
    pub protocols: Vec<String>,
    /// lan, wan, mobile, or 'rtt=40ms;bandwidth=100Mbit'; may be repeated
    #[arg(long = "network", value_name = "N")]
    pub networks: Vec<String>,
}

/// Where accuracy is measured.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, clap::Args)]
#[serde(default)]
#[command(next_help_heading = "Accuracy")]
pub struct HeldOut {
    /// The part of the data accuracy is measured on [default: test]
    #[arg(long, value_name = "SPLIT")]
    #[serde(deserialize_with = "optional")]
    split: Option<Split>,
    /// How many of its images [default: 2000]
    #[arg(long, value_name = "N")]
    #[serde(deserialize_with = "optional")]
    limit: Option<Count>,
}

impl ReportOptions {
    /// The cost models.
    pub fn protocols(&self) -> Result<Vec<Protocol>> {
        or(&self.protocols, &PROTOCOLS).iter().map(|n| cost::find(n).map_err(input)).collect()
    }
    /// The networks.
    pub fn networks(&self) -> Result<Vec<Network>> {
        or(&self.networks, &NETWORKS).iter().map(|n| n.parse().map_err(input)).collect()
    }
}

fn or(given: &[String], default: &[&str]) -> Vec<String> {
    if given.is_empty() { default.iter().map(|s| s.to_string()).collect() } else { given.to_vec() }
}

impl HeldOut {
    /// The part of the data.
    pub fn split(&self) -> Split {
        self.split.unwrap_or(Split::Test)
    }
    /// How many of its images.
    pub fn limit(&self) -> usize {
        self.limit.map_or(2000, Count::count)
    }
}

impl CompileOptions {
    /// The compilation that is asked for; it keeps every ReLU until it is given masks.
    ///
    /// # Errors
    /// Cost models and networks that are not there, and what needs images where there are none.
    pub fn request(
        &self,
        by: &'static str,
        out: &Path,
        data: Option<&DataSpec>,
        seed: u64,
    ) -> Result<Request> {
        self.check(data.is_some())?;
        let mut options = self.clone();
        if options.targets.is_empty() {
            options.targets.push(Target::Onnx);
        }
        if let (Some(RingMode::Bits128), None) = (self.ring, self.fixed_point) {
            options.fixed_point =
                Some(Emulation::In(Format { ring: 128, fraction: spu::fraction_bits(128) }));
        }
        let mut inputs = Inputs::default();
        data.iter().for_each(|d| inputs.data(d));
        self.report.protocols.iter().for_each(|p| inputs.protocol(p));
        Ok(Request {
            out: out.into(),
            by,
            inputs,
            data: data.cloned(),
            protocols: self.protocols()?,
            networks: self.report.networks()?,
            options,
            seed,
            ..Request::default()
        })
    }

    fn check(&self, images: bool) -> Result<()> {
        let wants = [
            ("max_drop", self.max_drop.is_some(), "accuracy is measured"),
            ("normalise_ranges", self.normalise_ranges.is_some(), "ranges are measured"),
            ("stable_sign", self.stable_sign.is_some(), "signs are looked at"),
            ("truncation: bounded", self.truncation != TruncationMode::Safe, "ranges are measured"),
        ];
        if self.leaky_truncation && !self.targets.contains(&Target::MpSpdz) {
            let why = "it is how MP-SPDZ programs truncate: add the target mp-spdz, or leave it out";
            return Err(input(format!("leaky_truncation: {why}")));
        }
        match wants.iter().find(|(_, asked, _)| *asked && !images) {
            Some((option, _, why)) => Err(input(format!("{option}: {why} on images: add data"))),
            None => self
                .check_truncation()
                .and_then(|()| self.check_query_batch())
                .and_then(|()| self.check_ring()),
        }
    }

    /// The cost models, in the ring that is asked for.
    fn protocols(&self) -> Result<Vec<Protocol>> {
        let all = self.report.protocols()?;
        match self.ring.and_then(RingMode::bits) {
            Some(ring) => fixed::protocols(all, ring, !self.report.protocols.is_empty()),
            None => Ok(all),
        }
    }

    fn check_ring(&self) -> Result<()> {
        let Some(ring) = self.ring else { return Ok(()) };
        let others = self.targets.iter().any(|t| matches!(t, Target::Crypten | Target::MpSpdz));
        let why = match (self.format(), ring.bits()) {
            _ if others || !self.targets.contains(&Target::Spu) => {
                "it is for the target spu alone; --fixed-point is for the others".to_string()
            }
            (Some(f), None) => format!("--fixed-point {f} says which ring; leave one of them out"),
            (Some(f), Some(bits)) if f.ring != bits => {
                format!("--fixed-point {f} is of another ring; leave one of them out")
            }
            _ => return Ok(()),
        };
        Err(input(format!("ring {ring}: {why}")))
    }

    fn check_truncation(&self) -> Result<()> {
        let why = match (self.truncation, self.fixed_point) {
            (TruncationMode::Safe, _) => return Ok(()),
            _ if !self.targets.contains(&Target::Spu) => "it is a way of the target spu: add it".to_string(),
            (_, Some(Emulation::Off)) => "its bound is found by emulation: leave fixed_point off out".into(),
            (_, Some(Emulation::In(f))) if f.ring != 64 => {
                format!("it is for a ring of 64 bits, not {}", f.ring)
            }
            _ => return Ok(()),
        };
        Err(input(format!("truncation {}: {why}", self.truncation)))
    }

    fn check_query_batch(&self) -> Result<()> {
        let n = self.query_batch();
        let others = |t: &&Target| matches!(t, Target::Crypten | Target::MpSpdz);
        match self.targets.iter().find(others) {
            _ if n == 1 => Ok(()),
            Some(t) => Err(input(format!(
                "query_batch {n}: programs of the target {} take one image; leave the target or the option out",
                t.name()
            ))),
            None if !self.targets.contains(&Target::Spu) => Err(input(format!(
                "query_batch {n}: programs for several images are SPU's: add the target spu"
            ))),
            None => Ok(()),
        }
    }

    /// Images of a query.
    pub fn query_batch(&self) -> usize {
        self.query_batch.map_or(1, |n| n.get() as usize)
    }

    /// ONNX operator set.
    pub fn opset(&self) -> i64 {
        self.opset.map_or(17, Within::get)
    }

    /// Over how many training images ReLUs whose operand keeps its sign are removed.
    pub fn stable_sign(&self) -> Option<usize> {
        self.stable_sign.map(Count::count)
    }

    /// Between which numbers every element of the model's input lies, where the user says so.
    pub fn input_range(&self) -> Option<(f32, f32)> {
        self.input_range.map(|Interval(low, high)| (low, high))
    }

    /// The format that artefacts are made for where it is not their runtime's own.
    pub fn format(&self) -> Option<Format> {
        match self.fixed_point? {
            Emulation::In(f) => Some(f),
            Emulation::Off => None,
        }
    }

    /// The exponent of two to which every layer is rescaled.
    pub fn normalise(&self) -> Option<i32> {
        self.normalise_ranges.map(|n| n.get() as i32)
    }
}
