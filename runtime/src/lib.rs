//! relinc's number crunching: data sets, evaluation, mask search, the independent oracle, cost models.

pub mod cost;
pub mod data;
pub mod eval;
pub mod exec;
pub mod nearest;
pub mod search;
