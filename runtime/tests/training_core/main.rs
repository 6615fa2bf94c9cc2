//! The training core against other computations of the same numbers: the reference interpreter, finite differences,
//! plain f64, PyTorch's values; and that a run does not depend on being interrupted.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod attack;
mod boxed;
mod cases;
mod checkpoint;
mod harness;
mod kept;
mod loader;
mod losses;
mod masks;
mod models;
mod norms;
mod operations;
mod replicas;
mod resume;
mod squares;
mod worth;
