//! Properties in VNN-LIB 1.0, which other verifiers read beside an .onnx file.

use super::Sample;
use std::fmt::Write;

/// The property that an input of the box gets another class than `label`: a verifier that finds it unsatisfiable certifies the
/// image. Inputs and outputs are numbered as they lie in memory. `about` is written above it as a comment.
pub fn property(sample: &Sample, label: usize, classes: usize, about: &str) -> String {
    let mut out = String::new();
    about.lines().for_each(|l| put(&mut out, format_args!("; {l}")));
    (0..sample.low.len()).for_each(|i| put(&mut out, format_args!("(declare-const X_{i} Real)")));
    (0..classes).for_each(|i| put(&mut out, format_args!("(declare-const Y_{i} Real)")));
    for (i, (low, high)) in sample.low.iter().zip(&sample.high).enumerate() {
        put(&mut out, format_args!("(assert (<= X_{i} {high}))"));
        put(&mut out, format_args!("(assert (>= X_{i} {low}))"));
    }
    put(&mut out, format_args!("(assert (or"));
    for other in (0..classes).filter(|&c| c != label) {
        put(&mut out, format_args!("    (and (>= Y_{other} Y_{label}))"));
    }
    put(&mut out, format_args!("))"));
    out
}

fn put(out: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(out, "{line}");
}
