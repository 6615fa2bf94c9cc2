//! relinc, the ReLU-linearizing compiler: a trained ONNX classifier in, a graph that private-inference runtimes run with
//! fewer secure comparisons out, with a report that predicts what the runtime then sends.
//!
//! This crate is the product: the `relinc` command line ([`cli`]), the compile pipeline ([`compile`](mod@compile)) and the
//! report. Graph work is in [`relinc_passes`], number crunching in [`relinc_runtime`].

pub mod bench;
pub mod calibrate;
pub mod caps;
pub mod cli;
pub mod compile;
pub mod error;
pub mod explain;
pub mod fixed_point;
pub mod folder;
pub mod images;
pub mod init;
pub mod interrupt;
pub mod jobs;
pub mod latency;
pub mod maskable;
pub mod measure;
pub mod model;
pub mod options;
pub mod pipeline;
pub mod plain;
pub mod probe;
pub mod progress;
pub mod python;
pub mod random;
pub mod report;
pub mod training;
pub mod vanish;

pub use relinc_passes as passes;
pub use relinc_runtime as runtime;
