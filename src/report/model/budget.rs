//! What a budget costs before anything is trained.

use super::Cost;
use serde::Serialize;

/// A budget, and the network that a search without training makes of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct BudgetCost {
    /// As it was asked for.
    pub budget: String,
    /// Why it cannot be met; the other fields are then empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unmet: Option<String>,
    /// Comparisons that are left: one a ReLU, two where it has a cap.
    pub kept: u64,
    /// Layers that keep ReLUs.
    pub layers: Vec<String>,
    /// Layers that become quadratic.
    pub quadratic: Vec<String>,
    /// Layers of which nothing is left.
    pub vanished: Vec<String>,
    /// An entry a protocol and network, without `per_layer`.
    pub cost: Vec<Cost>,
    /// Sentences.
    pub notes: Vec<String>,
}
