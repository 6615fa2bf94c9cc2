//! The ONNX front end against what real exporters produce: one fixture for each form that was seen,
//! built in code.

#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

mod absurd;
mod batch;
mod borders;
mod build;
mod constants;
mod files;
mod inputs;
mod integers;
mod linear;
mod models;
mod nonlinear;
mod norms;
mod operators;
mod outputs;
mod shapes;
mod structure;
mod weights;
