//! Mutated graphs, from the file to what is emitted: nothing panics, runs for long, takes much memory, writes what cannot be read
//! again, or moves an output where it says that it is exact. `docs/mutation.md` says how to run it.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, missing_docs)]

mod bytes;
mod graphs;
mod judge;
mod masks;
mod onnx;
mod onnxruntime;
mod run;
mod seeds;
mod text;

use run::Kind;
use std::process::ExitCode;

/// Of a hundred mutated ONNX files at least so many are to be read, or the mutations are too coarse to reach what follows.
const IMPORTED: f64 = 30.0;

fn main() -> ExitCode {
    let kinds = [
        Kind {
            name: "onnx",
            stages: &judge::STAGES,
            at_least: IMPORTED,
            weight: 6,
            in_tests: 8000,
            make: graphs::onnx,
        },
        Kind {
            name: "found",
            stages: &judge::STAGES,
            at_least: 0.0,
            weight: 1,
            in_tests: 400,
            make: graphs::found,
        },
        Kind {
            name: "pir",
            stages: &judge::STAGES,
            at_least: 0.0,
            weight: 1,
            in_tests: 2500,
            make: graphs::pir,
        },
        Kind {
            name: "masks",
            stages: &masks::STAGES,
            at_least: 0.0,
            weight: 1,
            in_tests: 5000,
            make: masks::subject,
        },
    ];
    run::main(&kinds)
}
