//! What the figures of a report call for by themselves.

use super::{LatencyIs, Link};
use serde::{Deserialize, Serialize};

/// ReLU layers that keep so few ReLUs that their exchanges cost more than they are worth, and what a query saves without them.
/// Everything is predicted, for one cost model on one network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conclusion {
    /// The cost model.
    pub protocol: String,
    /// The network.
    pub network: String,
    /// The network's numbers.
    pub link: Link,
    /// What `seconds` are of.
    pub latency_is: LatencyIs,
    /// The layers, in canonical order, each left out alone.
    pub drop: Vec<Drop>,
    /// All of them left out.
    pub together: Saved,
    /// The command that does it, where there is a model to do it to.
    #[serde(default)]
    pub next: Vec<String>,
}

/// One layer to leave out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drop {
    /// `relu00`, `relu01`, …
    pub layer: String,
    /// ReLUs it keeps.
    pub relus: u64,
    /// What a query saves.
    #[serde(flatten)]
    pub saved: Saved,
}

/// What a query saves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    /// Exchanges.
    pub rounds: f64,
    /// Bytes that rank 0 sends; below 0 where more are sent.
    pub online_bytes: i64,
    /// Seconds.
    pub seconds: f64,
}
