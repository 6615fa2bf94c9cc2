//! What a graph costs on an MPC runtime: bytes, exchanges and predicted communication time.
//!
//! A [`Protocol`] is a file of measured laws, `specs/protocols/*.yaml`: bytes and rounds of an operation as a linear
//! function of its sizes. [`price`] walks the graph that is emitted, not the number of ReLUs, because the form a mask
//! is emitted in decides what it saves. An operation without a law is reported as not modelled, never as free.
//!
//! All sizes are for one image.

pub mod fit;
mod forms;
mod kinds;
mod law;
mod network;
mod packing;
mod price;
mod protocol;
mod totals;

#[cfg(test)]
mod channels_tests;
#[cfg(test)]
mod resnet;
#[cfg(test)]
mod tests;

pub use forms::{ConvForm, Forms};
pub use kinds::{Charge, charges, kinds};
pub use law::{Blocks, ByWeights, Law, Piecewise, Quantities, Quantity, Terms};
pub use network::{Network, parse_seconds};
pub use packing::{Ciphertexts, Packing, Plan, Side, cheetah_matmul};
pub use price::{Class, Drawn, NodeCost, Priced, Split, computing, latency, price, price_as};
pub use protocol::{
    Actions, CostError, Depthwise, Directions, Protocol, TRUST_NOT_STATED, UNVERIFIED, find, parse, protocols,
};
pub use totals::{Totals, macs, totals};

use serde::{Deserialize, Serialize};

/// Who knows the model's weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weights {
    /// Shared among the parties; nobody knows them.
    Secret,
    /// One party, rank 0, owns them.
    Server,
    /// Everybody knows them.
    Public,
}

impl Weights {
    /// The spelling on the command line, in protocol files and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Weights::Secret => "secret",
            Weights::Server => "server",
            Weights::Public => "public",
        }
    }
}

impl std::fmt::Display for Weights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Weights {
    type Err = CostError;
    fn from_str(s: &str) -> Result<Weights, CostError> {
        [Weights::Secret, Weights::Server, Weights::Public]
            .into_iter()
            .find(|w| w.name() == s)
            .ok_or_else(|| CostError::Weights(s.to_string()))
    }
}
