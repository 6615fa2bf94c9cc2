//! What a runner prints with `--json`.

use serde::Deserialize;

/// Traffic of one query, rank 0.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Document {
    /// `spu`.
    pub runtime: String,
    /// Ring size in bits.
    pub ring: u32,
    /// Parties.
    pub parties: u32,
    /// The first query's traffic.
    #[serde(flatten)]
    pub first: Traffic,
    /// Images of a query; figures are a query's.
    #[serde(default = "one")]
    pub query_batch: u64,
    /// Bytes all parties sent together, where they were counted.
    pub all_sent_bytes: Option<u64>,
    /// Every query of the run.
    #[serde(default)]
    pub per_image: Vec<Traffic>,
    /// Every node by itself.
    #[serde(default)]
    pub layers: Vec<Node>,
}

fn one() -> u64 {
    1
}

/// Bytes, times and seconds of one query or node, rank 0.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Traffic {
    /// Bytes sent.
    pub sent_bytes: u64,
    /// Bytes received.
    pub recv_bytes: u64,
    /// Times it sent.
    pub send_actions: u64,
    /// Seconds.
    pub seconds: f64,
}

/// One node, run by itself after the image, when all set-up was paid.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Node {
    /// The operation's name.
    pub op: String,
    /// The value's name.
    pub name: String,
    /// Its ReLU layer.
    pub layer: Option<String>,
    /// Its traffic.
    #[serde(flatten)]
    pub own: Traffic,
}
