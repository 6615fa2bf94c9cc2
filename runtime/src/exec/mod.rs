//! Running networks: on burn for training and evaluation, in tract as an independent oracle.

mod boxed;
mod curve;
pub mod forward;
mod fuse;
mod generic;
mod kernels;
pub mod network;
pub mod ops;
mod precision;
pub mod squares;
#[cfg(feature = "tract")]
pub mod tract;
mod untie;
pub mod value;

pub use boxed::Boxed;
pub use curve::Curve;
pub use forward::{Beyond, Call, Gate, Norms, Outcome, Site, Statistics, Tap, per_element};
pub use kernels::Kernels;
pub use network::{Branch, Network, NormSite, Param, Role, Started};
pub use precision::Precision;
pub use value::Value;
