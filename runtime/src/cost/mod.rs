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
pub use kinds::{Charge, Part, charges, kinds};
pub use law::{Blocks, ByWeights, Law, Piecewise, Quantities, Quantity, Terms, Truncating};
pub use network::{Network, parse_seconds};
pub use packing::{Ciphertexts, Packing, Side, Tiling, cheetah_matmul};
pub use price::{Class, Drawn, NodeCost, Priced, Split, computing, latency, price, price_as};
pub use protocol::{
    Actions, CostError, Depthwise, Directions, Protocol, TRUST_NOT_STATED, Truncates, UNVERIFIED, find,
    parse, protocols,
};
pub use totals::{Totals, macs, totals};

use serde::{Deserialize, Serialize};

relinc_passes::words! {
    /// Who knows the model's weights.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Weights ("weights") {
        /// Shared among the parties; nobody knows them.
        Secret = "secret",
        /// One party, rank 0, owns them.
        Server = "server",
        /// Everybody knows them.
        Public = "public",
    }
}
