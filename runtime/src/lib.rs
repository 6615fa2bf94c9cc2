//! relinc's number crunching: data sets, calibration, the independent oracle, cost models.

pub mod exec;
pub mod search;
