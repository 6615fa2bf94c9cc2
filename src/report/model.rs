//! The facts of a report, as they stand in `report.json`.
//!
//! What is unknown or was not asked for is `null` or absent, never zero. Bytes are one party's (rank 0), for one
//! image; accuracies are percentages.
//!
//! Counts and costs stand in three columns: the original (`before`: the file as a runtime would run it), compiled with all its
//! ReLUs (`lossless`: what compiling gives for nothing), and compiled with the masks (the emitted graph).

mod accuracy;
mod budget;
mod conclusion;
mod cost;
mod fixed_point;
mod measured;
mod tails;
mod training;
mod verdict;

pub use accuracy::{Accuracy, ScoreChange, Scores, Seen};
pub use budget::BudgetCost;
pub use conclusion::{Conclusion, Drop, Saved};
pub use cost::{BeforeIs, Contribution, Cost, Dealer, LatencyIs, Later, LayerCost, Link, Spent};
pub use fixed_point::{Failure, FixedPoint, Outcome, Tried};
pub use measured::{
    Compared, Measured, MeasuredDealer, MeasuredLater, MeasuredPart, MeasuredService, MeasuredTime,
    measured_bytes, measured_traffic, unstated_trust,
};
pub use tails::{Tail, Tails};
pub use training::{Evaluation, ImageCounts, Metric, Training, TrainingCounts, branch_name, folded};
pub use verdict::{Level, Verdict};

use relinc_passes::driver::Refusal;
use relinc_passes::driver::weigh::Candidate;
use relinc_runtime::cost::{Totals, Weights};
use relinc_runtime::fixed::Analysis;
use serde::{Deserialize, Serialize};

/// The form of `report.json` that is written.
pub const FORM: u32 = 2;

/// Everything a report says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The form it has: [`FORM`], or 1 where it was read from a file of relinc 0.1.0, which has no such number.
    pub relinc_report: u32,
    /// Version of relinc that wrote it.
    pub relinc: String,
    /// The model that was compiled.
    pub model: Model,
    /// What there is to say about the result, and what to do; absent where nothing was compiled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// What the figures call for by themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conclusions: Vec<Conclusion>,
    /// Counts of the emitted graph.
    pub totals: Totals,
    /// Counts of the graph compiled with all its ReLUs; absent when nothing was compiled.
    pub lossless: Option<Totals>,
    /// Counts of the file that was read, as a runtime would run it; absent when nothing was compiled.
    pub before: Option<Totals>,
    /// The ReLU layers in canonical order.
    #[serde(default)]
    pub layers: Vec<Layer>,
    /// One entry a protocol, weight setting and network.
    #[serde(default)]
    pub cost: Vec<Cost>,
    /// Runs of the emitted artefacts beside their predictions; one a protocol and weight setting.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measured: Vec<Measured>,
    /// Accuracy, where it was measured.
    pub accuracy: Option<Accuracy>,
    /// How the network was trained, where relinc trained it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<Training>,
    /// Networks of the run and their accuracies; the one that was emitted last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evaluations: Vec<Evaluation>,
    /// The passes that ran, in order.
    #[serde(default)]
    pub passes: Vec<Pass>,
    /// The emitted graph in fixed point, where a format was given: the emulation of the first of `fixed_points`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_point: Option<Analysis>,
    /// The emitted graph in the arithmetic of its targets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixed_points: Vec<FixedPoint>,
    /// What quadratic layers read far from 0, where there are such layers and images were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tails: Option<Tails>,
    /// `fixed_points` of the other branch of dual batch normalisations, where both were compiled; its report has a folder of its own.
    #[serde(skip)]
    pub other_branch: Vec<FixedPoint>,
    /// The masks, in the order of the layers.
    #[serde(default)]
    pub masks: Vec<Mask>,
    /// What was asked for.
    #[serde(default)]
    pub settings: Settings,
    /// The files beside the report.
    #[serde(default)]
    pub artefacts: Vec<Artefact>,
    /// What the reader should know, in sentences.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// Where the model came from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// As given on the command line.
    pub path: String,
    /// Of the file, in hexadecimal.
    pub sha256: String,
    /// ONNX operator set.
    pub opset: Option<i64>,
    /// What exported it.
    pub producer: Option<String>,
}

relinc_passes::words! {
    /// What happened to a ReLU layer.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Action {
        /// Every ReLU is still there.
        Kept = "kept",
        /// The kept ReLUs are gathered, the rest is linear.
        Compacted = "compacted",
        /// No ReLU is left.
        Linearized = "linearized",
        /// The layer changes nothing, whatever goes in, and is left out.
        Redundant = "redundant",
        /// No ReLU is left, and some elements are quadratic.
        Quadratic = "quadratic",
    }
}

/// One ReLU layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// `relu00`, `relu01`, …
    pub name: String,
    /// The operation's name.
    pub op: String,
    /// C×H×W, or C alone.
    pub shape: Vec<usize>,
    /// No element is above it; absent in a layer without a cap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<f32>,
    /// ReLUs in the emitted graph; in a layer with a cap, comparisons: two an element with its cap, one without.
    pub relus: u64,
    /// The same of the layer when none is removed.
    pub relus_before: u64,
    /// Multiply-accumulates of the linear operation that feeds it.
    pub macs: u64,
    /// What happened to it.
    pub action: Action,
    /// Why, in words.
    pub why: String,
    /// What the exporter called it.
    pub source: Option<String>,
}

/// What one pass did; one that runs twice has one entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pass {
    /// Its name.
    pub name: String,
    /// `exact`, `exact interior`, `learned` or `on-data`.
    pub guarantee: String,
    /// How often it applied.
    pub applied: u64,
    /// Where it nearly applied.
    #[serde(default)]
    pub refused: Vec<Refusal>,
    /// Where it was weighed, and what came of it; of several runs, what was taken in all and what was left in the last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Candidate>,
    /// Largest change of an output, where the graph was executed before and after.
    pub max_abs_difference: Option<f64>,
}

/// A mask, condensed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mask {
    /// The ReLU layer.
    pub layer: String,
    /// C, H, W.
    pub shape: [usize; 3],
    /// Elements that keep their ReLU.
    pub kept: u64,
    /// Elements that became the identity.
    pub identity: u64,
    /// Elements that became zero.
    pub zero: u64,
    /// Elements that became quadratic.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub quadratic: u64,
    /// Of those that keep their ReLU, the elements that lost their cap.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub uncapped: u64,
    /// Per row and column, the share of channels that keep their ReLU, 0 to 1.
    pub share: Vec<Vec<f32>>,
    /// Per channel, the share of positions that keep their ReLU, 0 to 1.
    #[serde(default)]
    pub channels: Vec<f32>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// What was asked for; absent where it did not apply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Targets that were emitted.
    #[serde(default)]
    pub targets: Vec<String>,
    /// ONNX operator set that was emitted.
    pub opset: Option<i64>,
    /// Who knows the weights, when the user said so.
    pub weights: Option<Weights>,
    /// Which batch normalisation was folded.
    pub bn: Option<String>,
    /// The budget as given.
    pub budget: Option<String>,
    /// How the masks were found.
    pub method: Option<String>,
    /// The data set as given.
    pub data: Option<String>,
    /// The names of its classes by label; of folders, the folders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// The seed of everything random.
    pub seed: Option<u64>,
    /// Points of accuracy that may be lost at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_drop: Option<f64>,
    /// Is a network accepted whose quadratic layers fixed point does not bear?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_tails: bool,
}

/// A file beside the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artefact {
    /// Relative to the report.
    pub path: String,
    /// Size.
    pub bytes: u64,
}
