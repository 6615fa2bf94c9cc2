//! The dealer: SPU's trusted third party for SEMI2K.
//!
//! Products of SEMI2K use up random triples. Each party draws its share of one from a seed of its own; one party then asks the
//! dealer for what is missing to make a triple of the shares. The dealer gets the seeds encrypted for its key, counters and sizes:
//! shapes of the network, but no data, no weights and no share of either. It keeps nothing: every request says all that it needs.
//!
//! Shapes and order of what is computed are those of SPU 0.9.5 (`BeaverService` in `service.proto`): a POST of JSON for each triple,
//! answered in frames.

mod answer;
pub mod certificates;
mod frames;
mod key;
mod limits;
mod number;
mod permutation;
mod prg;
mod product;
mod request;
mod seeds;
mod server;
mod tls;
mod wire;

pub use key::{Key, KeyError};
pub use limits::Limits;
pub use request::{Operation, Refusal, Request};
pub use server::{Event, Settings, serve};
pub use tls::{Tls, TlsError};
