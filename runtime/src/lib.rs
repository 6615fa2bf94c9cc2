//! relinc's number crunching: data sets, evaluation, mask search, the independent oracle, cost models.

pub mod attack;
pub mod cost;
pub mod data;
pub mod device;
pub mod eval;
pub mod exec;
pub mod nearest;
pub mod search;
pub mod threads;
pub mod train;
pub mod yaml;

pub use relinc_numeric::{augment, blocks, certify, corrupt, fixed, fnv, kernels};
use relinc_numeric::{dice, picture};
