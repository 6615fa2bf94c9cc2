//! What graphs cost under one protocol, weight setting and network.

use super::{Action, Saved};
use relinc_runtime::cost::{Directions, Weights};
use serde::{Deserialize, Serialize};

/// A link between the parties, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// Round-trip time in seconds.
    pub rtt_s: f64,
    /// Bits a second, each way.
    pub bandwidth_bit_s: f64,
}

/// Which graph stands in for the original.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BeforeIs {
    /// The file as it was read, operation by operation.
    File,
    /// Its canonical form: normalisations folded, convolutions direct. Where the cost model cannot price the file itself.
    #[default]
    Canonical,
}

/// What a time is of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LatencyIs {
    /// A whole query: communication and computing.
    Query,
    /// Communication only, where the seconds of computing are not known.
    #[default]
    Communication,
}

/// What the emitted graph costs under one protocol, weight setting and network, and what it is compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// The cost model's name.
    pub protocol: String,
    /// Who must be trusted with what, in a sentence.
    #[serde(default = "super::measured::unstated_trust")]
    pub trust: String,
    /// Ring size in bits.
    pub ring: u32,
    /// The network's name.
    pub network: String,
    /// The network's numbers.
    pub link: Link,
    /// Who knows the weights.
    pub weights: Weights,
    /// Images of a query; all figures are an image's share of one.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub images_per_query: u64,
    /// Which bytes take time on a link: those of the larger direction, or those of both.
    #[serde(default)]
    pub directions: Directions,
    /// The emitted graph.
    #[serde(flatten)]
    pub after: Spent,
    /// The model compiled with all its ReLUs, its time of the same kind as that of the emitted graph; absent when nothing was compiled.
    pub lossless: Option<Spent>,
    /// The original: the model as a runtime would run it, convolutions direct; absent when nothing was compiled.
    pub before: Option<Spent>,
    /// Which graph `before` is of.
    #[serde(default)]
    pub before_is: BeforeIs,
    /// What the masks save of a later query, kind of layer by kind of layer; their sum is what the emitted graph takes less than
    /// `lossless`. Empty where there are no masks, or where a price is not whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contributions: Vec<Contribution>,
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
    pub offline: Option<String>,
    /// Whose seconds of computing are in the times, in words.
    pub computing: Option<String>,
}

fn one() -> u64 {
    1
}

fn is_one(n: &u64) -> bool {
    *n == 1
}

fn is_zero(n: &u64) -> bool {
    *n == 0
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
    pub offline_bytes: Option<u64>,
    /// Bytes all parties send together online; null when the cost model does not know them.
    pub all_bytes: Option<u64>,
    /// Sequential one-way exchanges of rank 0; a mean where the runtime draws them at random.
    pub rounds: f64,
    /// Predicted time in seconds: communication, and `compute_s` where it is known.
    pub latency_s: f64,
    /// What the time is of.
    #[serde(default)]
    pub latency_is: LatencyIs,
    /// Predicted seconds of computing; null when the cost model does not know them.
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
    /// A later query of a session, where it pays less than the first: set-up is done, and weights are opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub later: Option<Later>,
    /// What a query asks a dealer, where a third party can deal and the cost model knows it; on top of all other figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dealer: Option<Dealer>,
}

/// What a query asks a dealer, each one the same.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Dealer {
    /// Requests, one after the other: so many round trips.
    pub requests: f64,
    /// Bytes of the answers.
    pub bytes: u64,
    /// Seconds of both where the dealer is on the server's LAN: 0.5 ms, 1 Gbit/s.
    pub seconds: f64,
}

/// Bytes, rounds and time of a query that is not the first of its session.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Later {
    /// Bytes rank 0 sends online.
    pub online_bytes: u64,
    /// Bytes rank 0 receives online.
    pub received_bytes: u64,
    /// Sequential one-way exchanges of rank 0.
    pub rounds: f64,
    /// Predicted seconds of communication.
    pub communication_s: f64,
    /// Predicted seconds of computing; null where those of the first query are not known.
    pub compute_s: Option<f64>,
}

impl Spent {
    /// Bytes rank 0 sends for a query that is not the first of its session.
    pub fn later_bytes(&self) -> u64 {
        self.later.map_or(self.online_bytes, |l| l.online_bytes)
    }
    /// Sequential exchanges of such a query.
    pub fn later_rounds(&self) -> f64 {
        self.later.map_or(self.rounds, |l| l.rounds)
    }
    /// Seconds of this kind of such a query, where they are known.
    pub fn later_of(&self, kind: LatencyIs) -> Option<f64> {
        match kind {
            LatencyIs::Query => self.later_seconds(),
            LatencyIs::Communication => self.later_communication(),
        }
    }
    /// The seconds of communication of such a query, where they are known.
    pub fn later_communication(&self) -> Option<f64> {
        match self.later {
            Some(l) => Some(l.communication_s),
            None => self.seconds(LatencyIs::Communication),
        }
    }
    /// The seconds of such a query, computing included, where that is known.
    pub fn later_seconds(&self) -> Option<f64> {
        match self.later {
            Some(l) => Some(l.communication_s + l.compute_s?),
            None => self.seconds(LatencyIs::Query),
        }
    }
    /// Seconds of this kind, where they are known: communication always is.
    pub fn seconds(&self, of: LatencyIs) -> Option<f64> {
        match (of, self.latency_is) {
            (LatencyIs::Query, LatencyIs::Communication) => None,
            (LatencyIs::Query, LatencyIs::Query) => Some(self.latency_s),
            (LatencyIs::Communication, _) => Some(self.latency_s - self.compute_s.unwrap_or(0.0)),
        }
    }
}

/// What the layers of one kind save of a later query, priced after the kinds before it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Contribution {
    /// What became of the layers.
    pub action: Action,
    /// How many they are.
    pub layers: u64,
    /// What is saved; the seconds are of communication.
    #[serde(flatten)]
    pub saved: Saved,
}

impl Contribution {
    /// The kinds in the order in which they are priced.
    pub const ORDER: [Action; 3] = [Action::Quadratic, Action::Linearized, Action::Compacted];
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
    /// What of the bytes that rank 0 sends only the first query of a session pays.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub once_bytes: u64,
    /// The same of those it receives.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub once_received_bytes: u64,
    /// Bytes rank 0 sends for the operation of this name in the model compiled with all its ReLUs.
    pub lossless_bytes: Option<u64>,
    /// Exchanges of that operation.
    pub lossless_rounds: Option<f64>,
    /// Bytes rank 0 sends for the operation of this name in the original.
    pub before_bytes: Option<u64>,
    /// Parts that are not in the figures.
    #[serde(default)]
    pub not_modelled: Vec<String>,
}
