//! The facts of a report, as they stand in `report.json`.
//!
//! What is unknown or was not asked for is `null` or absent, never zero. Bytes are one party's (rank 0), for one
//! image; accuracies are percentages.

mod fixed_point;
mod measured;
mod training;

pub use fixed_point::{FixedPoint, Tried, Verdict};
pub use measured::{Compared, Measured, MeasuredPart, MeasuredTime};
pub use training::{Evaluation, ImageCounts, Metric, Training, TrainingCounts, branch_name, folded};

use relinc_runtime::cost::{Directions, Totals, Weights};
use relinc_runtime::fixed::Analysis;
use serde::{Deserialize, Serialize};

/// Everything a report says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Version of relinc that wrote it.
    pub relinc: String,
    /// The model that was compiled.
    pub model: Model,
    /// Counts of the emitted graph.
    pub totals: Totals,
    /// Counts of the graph that was read; absent when nothing was compiled.
    #[serde(default)]
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
    #[serde(default)]
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
    /// The same of the other branch of dual batch normalisations, where both were compiled; its report has a folder of its own.
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
    #[serde(default)]
    pub opset: Option<i64>,
    /// What exported it.
    #[serde(default)]
    pub producer: Option<String>,
}

/// What happened to a ReLU layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Every ReLU is still there.
    Kept,
    /// The kept ReLUs are gathered, the rest is linear.
    Compacted,
    /// No ReLU is left.
    Linearized,
    /// No ReLU is left and the linear layers around it became one.
    Folded,
    /// It was to be changed and could not be.
    Refused,
}

impl Action {
    /// The word in JSON, text and HTML.
    pub fn name(self) -> &'static str {
        match self {
            Action::Kept => "kept",
            Action::Compacted => "compacted",
            Action::Linearized => "linearized",
            Action::Folded => "folded",
            Action::Refused => "refused",
        }
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
    /// ReLUs in the emitted graph.
    pub relus: u64,
    /// ReLUs in the graph that was read.
    pub relus_before: u64,
    /// Multiply-accumulates of the linear operation that feeds it.
    pub macs: u64,
    /// What happened to it.
    pub action: Action,
    /// Why, in words.
    pub why: String,
    /// What the exporter called it.
    #[serde(default)]
    pub source: Option<String>,
}

/// A link between the parties, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// Round-trip time in seconds.
    pub rtt_s: f64,
    /// Bits a second, each way.
    pub bandwidth_bit_s: f64,
}

/// What the emitted graph costs under one protocol, weight setting and network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// The cost model's name.
    pub protocol: String,
    /// Ring size in bits.
    pub ring: u32,
    /// The network's name.
    pub network: String,
    /// The network's numbers.
    pub link: Link,
    /// Who knows the weights.
    pub weights: Weights,
    /// Which bytes take time on a link: those of the larger direction, or those of both.
    #[serde(default)]
    pub directions: Directions,
    /// The emitted graph.
    #[serde(flatten)]
    pub after: Spent,
    /// The graph that was read; absent when nothing was compiled.
    #[serde(default)]
    pub before: Option<Spent>,
    /// Every operation that communicates.
    #[serde(default)]
    pub per_layer: Vec<LayerCost>,
    /// What the bytes count, in words.
    pub counts: String,
    /// How the cost model's numbers were obtained, in words.
    pub source: String,
    /// Every number of the cost model was measured; a literature model otherwise.
    #[serde(default = "measured")]
    pub verified: bool,
    /// What is known of the preprocessing, in words.
    #[serde(default)]
    pub offline: Option<String>,
    /// Whose seconds of computing are in the times, in words.
    #[serde(default)]
    pub computing: Option<String>,
}

/// Reports from before the field spoke of measured cost models only.
fn measured() -> bool {
    true
}

/// Bytes, rounds and time of one graph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    /// Bytes rank 0 sends online.
    pub online_bytes: u64,
    /// Bytes rank 0 receives online.
    pub received_bytes: u64,
    /// Bytes of preprocessing; null when the cost model does not know them.
    #[serde(default)]
    pub offline_bytes: Option<u64>,
    /// Bytes all parties send together online; null when the cost model does not know them.
    #[serde(default)]
    pub all_bytes: Option<u64>,
    /// Sequential one-way exchanges of rank 0; a mean where the runtime draws them at random.
    pub rounds: f64,
    /// Predicted time in seconds: communication, and `compute_s` where it is known.
    pub latency_s: f64,
    /// Predicted seconds of computing; null when the cost model does not know them.
    #[serde(default)]
    pub compute_s: Option<f64>,
    /// The activations' share of `online_bytes`.
    pub relu_bytes: u64,
    /// The share of convolutions and matrix products.
    pub linear_bytes: u64,
    /// Every operation is in the figures.
    pub complete: bool,
    /// Operations that are not in them.
    #[serde(default)]
    pub not_modelled: Vec<String>,
}

/// What one operation costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerCost {
    /// The ReLU layer, else the value's name.
    pub name: String,
    /// The operation's name.
    pub op: String,
    /// `relu`, `linear`, `other` or `program`.
    pub class: String,
    /// Bytes rank 0 sends; 0 when the operation is gone.
    pub online_bytes: u64,
    /// Bytes rank 0 receives.
    #[serde(default)]
    pub received_bytes: u64,
    /// Exchanges.
    pub rounds: f64,
    /// Bytes rank 0 sent for the operation of this name in the graph that was read.
    #[serde(default)]
    pub before_bytes: Option<u64>,
    /// Parts that are not in the figures.
    #[serde(default)]
    pub not_modelled: Vec<String>,
}

/// Accuracy before and after, in percent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// The model that was read.
    #[serde(default)]
    pub before: Option<Scores>,
    /// The emitted model.
    #[serde(default)]
    pub after: Option<Scores>,
    /// The data set.
    pub data: String,
    /// Which part of it.
    pub split: String,
    /// Images.
    pub n: u64,
}

/// Accuracies in percent; null where not measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// On the images as they are.
    #[serde(default)]
    pub clean: Option<f64>,
    /// Mean over the corruptions.
    #[serde(default)]
    pub corrupted: Option<f64>,
    /// Under attack.
    #[serde(default)]
    pub adversarial: Option<f64>,
    /// Under attack, through the batch normalisation for clean images: the path one folded model has.
    #[serde(default)]
    pub adversarial_clean_bn: Option<f64>,
}

/// What one pass did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pass {
    /// Its name.
    pub name: String,
    /// `exact`, `exact interior`, `learned` or `analysis`.
    pub guarantee: String,
    /// How often it applied.
    pub applied: u64,
    /// Where it nearly applied.
    #[serde(default)]
    pub refused: Vec<Refusal>,
    /// Where it was weighed, and what came of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Candidate>,
    /// Largest difference of the outputs it made, where it was checked.
    #[serde(default)]
    pub max_abs_difference: Option<f64>,
}

pub use relinc_passes::weigh::Candidate;

/// A near miss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The node.
    pub node: String,
    /// Why not, in words.
    pub why: String,
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
    /// Per row and column, the share of channels that keep their ReLU, 0 to 1.
    pub share: Vec<Vec<f32>>,
    /// Per channel, the share of positions that keep their ReLU, 0 to 1.
    #[serde(default)]
    pub channels: Vec<f32>,
}

/// What was asked for; absent where it did not apply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Targets that were emitted.
    #[serde(default)]
    pub targets: Vec<String>,
    /// ONNX operator set that was emitted.
    #[serde(default)]
    pub opset: Option<i64>,
    /// Who knows the weights, when the user said so.
    #[serde(default)]
    pub weights: Option<Weights>,
    /// Which batch normalisation was folded.
    #[serde(default)]
    pub bn: Option<String>,
    /// The budget as given.
    #[serde(default)]
    pub budget: Option<String>,
    /// How the masks were found.
    #[serde(default)]
    pub method: Option<String>,
    /// The data set as given.
    #[serde(default)]
    pub data: Option<String>,
    /// The seed of everything random.
    #[serde(default)]
    pub seed: Option<u64>,
}

/// A file beside the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artefact {
    /// Relative to the report.
    pub path: String,
    /// Size.
    pub bytes: u64,
}
