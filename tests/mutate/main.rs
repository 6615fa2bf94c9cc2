//! Mutated files beside graphs, and graphs through the model and its prices: nothing panics, runs for long or takes much memory.
//! `docs/mutation.md` says how to run it.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, missing_docs)]

#[path = "../../passes/tests/mutate/bytes.rs"]
mod bytes;
mod data;
mod kept;
#[path = "../../passes/tests/mutate/onnx.rs"]
mod onnx;
mod prices;
#[path = "../../passes/tests/mutate/run.rs"]
mod run;
#[path = "../../passes/tests/mutate/seeds.rs"]
mod seeds;
#[path = "../../passes/tests/mutate/text.rs"]
mod text;
mod written;

use run::Kind;
use std::process::ExitCode;

const READ: [&str; 2] = ["refused", "read"];
const PRICED: [&str; 3] = ["refused", "canonical", "priced"];

fn main() -> ExitCode {
    let kind = |name, in_tests, make| Kind { name, stages: &READ, at_least: 0.0, weight: 1, in_tests, make };
    let kinds = [
        Kind { stages: &PRICED, weight: 3, ..kind("prices", 15000, prices::subject) },
        kind("npy", 5000, data::npy),
        kind("idx", 4000, data::idx),
        kind("protocol", 4000, written::protocol),
        kind("pipeline", 30, written::pipeline),
        kind("report", 1500, written::report),
        kind("checkpoint", 8000, kept::checkpoint),
        kind("made", 20000, kept::made),
    ];
    run::main(&kinds)
}
