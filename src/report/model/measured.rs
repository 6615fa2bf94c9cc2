//! What a runtime really did, beside what was predicted.

use relinc_runtime::cost::Weights;
use serde::{Deserialize, Serialize};

/// Reports from before the field say nothing of trust.
pub fn unstated_trust() -> String {
    "not stated: the report was written by a version that did not say who must be trusted.".into()
}

/// A prediction and a measurement of the same thing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// By the cost model.
    pub predicted: f64,
    /// On the runtime.
    pub measured: f64,
}

impl Compared {
    /// The prediction's error in percent of the measurement; none where nothing was measured.
    pub fn error(self) -> Option<f64> {
        (self.measured != 0.0).then(|| 100.0 * (self.predicted / self.measured - 1.0))
    }
    /// The prediction, the measurement, and the prediction's error: `+1.2 %`.
    pub fn shown(self, show: impl Fn(f64) -> String) -> [String; 3] {
        let error = self.error().map_or("–".into(), |e| format!("{e:+.2} %"));
        [show(self.predicted), show(self.measured), error]
    }
    /// Adds both figures.
    pub fn add(&mut self, other: Compared) {
        self.predicted += other.predicted;
        self.measured += other.measured;
    }
}

/// One operation, or all of one type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasuredPart {
    /// The ReLU layer, else the value's name; the operation's name in a sum over a type.
    pub name: String,
    /// The operation's name; `program` for set-up and for what no operation pays by itself.
    pub op: String,
    /// Operations in it.
    pub count: u64,
    /// Bytes rank 0 sends.
    pub sent: Compared,
    /// Bytes rank 0 receives.
    pub received: Compared,
}

impl MeasuredPart {
    /// Bytes rank 0 sends and receives.
    pub fn both(&self) -> Compared {
        let mut sum = self.sent;
        sum.add(self.received);
        sum
    }
}

/// A network and the seconds of communication that an image's traffic takes on it. No network was in the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasuredTime {
    /// The network's name.
    pub network: String,
    /// Derived both times: from the predicted and from the measured traffic.
    pub communication_s: Compared,
    /// What `communication_s.measured` is derived from, in words.
    #[serde(default = "measured_traffic")]
    pub measured_from: String,
}

/// How communication times follow from measured traffic.
pub fn measured_traffic() -> String {
    format!("measured bytes and exchanges, {AT_THE_NETWORK}")
}

/// How they do where the runtime's counter does not count exchanges.
pub fn measured_bytes() -> String {
    format!("measured bytes and predicted exchanges, {AT_THE_NETWORK}")
}

const AT_THE_NETWORK: &str = "at the network's round trip and bandwidth";

/// A query of a session that has answered one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasuredLater {
    /// How many there were.
    pub queries: u64,
    /// Bytes rank 0 sent.
    pub sent: Compared,
    /// Bytes rank 0 received.
    pub received: Compared,
    /// Exchanges; measured are the send actions of rank 0.
    pub rounds: Compared,
    /// Seconds, all parties on one machine over memory links.
    pub seconds: f64,
}

/// What a dealer was asked for a query, in a run of its own.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MeasuredDealer {
    /// Requests.
    pub requests: Compared,
    /// Bytes of the answers.
    pub bytes: Compared,
}

/// Queries that a service answered, server and client each a process on one machine, with TLS over loopback.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MeasuredService {
    /// Queries after the first of the session; figures of later ones are their mean.
    pub queries: u64,
    /// Bytes rank 0 sent for a later query.
    pub sent: Compared,
    /// Bytes it received.
    pub received: Compared,
    /// Seconds of the first query.
    pub first_s: f64,
    /// Predicted is its computing; null where that is not known.
    pub first_predicted_s: Option<f64>,
    /// Seconds of a later query.
    pub later_s: f64,
    /// As for the first.
    pub later_predicted_s: Option<f64>,
}

impl MeasuredService {
    /// Queries of a session in an hour, predicted and measured.
    pub fn an_hour(&self) -> (Option<f64>, f64) {
        (self.later_predicted_s.map(|s| 3600.0 / s), 3600.0 / self.later_s)
    }
}

/// One run of the emitted artefact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The cost model it is held against.
    pub protocol: String,
    /// Who must be trusted with what.
    #[serde(default = "unstated_trust")]
    pub trust: String,
    /// The runtime.
    pub runtime: String,
    /// Who knew the weights.
    pub weights: Weights,
    /// Ring size in bits.
    pub ring: u32,
    /// Parties.
    pub parties: u32,
    /// Seconds of the first image, all parties on one machine over memory links.
    pub seconds: f64,
    /// Bytes rank 0 sent.
    pub sent: Compared,
    /// Bytes rank 0 received.
    pub received: Compared,
    /// Bytes all parties sent together, where they were counted; the same for every image.
    pub all_sent: Option<Compared>,
    /// Exchanges; measured are the send actions of rank 0.
    pub rounds: Compared,
    /// The send actions are chunks of messages: no measure of the exchanges.
    #[serde(default)]
    pub actions_are_chunks: bool,
    /// The queries after the first, where they pay less and there were any: their mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub later: Option<MeasuredLater>,
    /// What a dealer was asked, where the prediction says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dealer: Option<MeasuredDealer>,
    /// What a service took, where both ends were started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<MeasuredService>,
    /// Sums over the types of operation; empty when the operations were not run one by one.
    #[serde(default)]
    pub ops: Vec<MeasuredPart>,
    /// Every operation that communicates, run by itself without set-up.
    #[serde(default)]
    pub layers: Vec<MeasuredPart>,
    /// Communication times derived from the traffic.
    #[serde(default)]
    pub times: Vec<MeasuredTime>,
}
