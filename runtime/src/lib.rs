//! relinc's number crunching: data sets, evaluation, mask search, the independent oracle, cost models.

pub mod attack;
pub mod augment;
pub mod blocks;
pub mod certify;
pub mod corrupt;
pub mod cost;
pub mod data;
pub mod device;
mod dice;
pub mod eval;
pub mod exec;
pub mod fixed;
pub mod fnv;
pub mod kernels;
pub mod nearest;
pub mod search;
pub mod threads;
pub mod train;
pub mod yaml;
