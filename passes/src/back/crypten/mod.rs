//! IR → CrypTen 0.4.1: ONNX in the operations and the way of writing that it reads, a sample input and `run.py`; and what each
//! party of a real session is given.

mod objections;
mod parties;
#[cfg(test)]
mod tests;

use objections::objections;

use super::onnx::{self, Dialect, OnnxOptions};
use super::owners::Pictures;
use super::{EmitError, artefact, simple};
use crate::driver::valid::{self, Valid};
use crate::ir::{Graph, NodeId, Op, Tensor};
use std::path::Path;

/// The runner that lies beside every emitted model.
pub const RUN_PY: &str = include_str!("run.py");

/// The operator set that is written: the newest whose operations CrypTen's importer was made for.
pub const OPSET: i64 = 17;

/// The fraction bits of CrypTen's encoder unless it is told others; its ring has 64 bits.
pub const FRACTION_BITS: u32 = 16;

const TARGET: &str = "crypten";

/// How to write the artefact.
#[derive(Debug, Clone)]
pub struct CryptenOptions {
    /// `secret`, `server` or `public`: the default of the emitted runner.
    pub weights: String,
    /// Images for the runner to run on when it is given none: `[N, …]`.
    pub sample: Tensor,
    /// Key–value pairs kept in the model's metadata.
    pub metadata: Vec<(String, String)>,
    /// Fraction bits of CrypTen's encoder.
    pub fraction: u32,
    /// What a client is told about images and answers.
    pub pictures: Pictures,
}

/// The graph in operations that CrypTen has; the same function. What has no form there is an error that lists all of it.
pub fn lowered(valid: &Valid<'_>) -> Result<Graph, EmitError> {
    let g = simple::form(valid, TARGET)?;
    let checked =
        valid::check(&g).map_err(|e| EmitError::Refused { target: TARGET, why: e[0].to_string() })?;
    let nodes = objections(&checked);
    if nodes.is_empty() { Ok(g) } else { Err(EmitError::Unsupported { target: TARGET, nodes }) }
}

/// Does CrypTen have a form for every operation?
///
/// # Errors
/// All that have none.
pub fn check(valid: &Valid<'_>) -> Result<(), EmitError> {
    let (_, output) = artefact::only_io(valid, TARGET)?;
    computed(valid, output.node)?;
    lowered(valid).map(drop)
}

fn computed(valid: &Valid<'_>, output: NodeId) -> Result<(), EmitError> {
    match valid.graph().op(output) {
        Op::Input(_) | Op::Const(_) => {
            let why = "the output is computed from nothing".into();
            Err(EmitError::Refused { target: TARGET, why })
        }
        _ => Ok(()),
    }
}

/// Writes `model.onnx`, `manifest.json`, `sample_input.npy` and `run.py` into `dir`, and below it `public/` for all parties and `server/`.
pub fn emit(valid: &Valid<'_>, dir: &Path, options: &CryptenOptions) -> Result<(), EmitError> {
    let (input, output) = artefact::only_io(valid, TARGET)?;
    computed(valid, output.node)?;
    let g = lowered(valid)?;
    let checked =
        valid::check(&g).map_err(|e| EmitError::Refused { target: TARGET, why: e[0].to_string() })?;
    let onnx_options = OnnxOptions {
        opset: OPSET,
        metadata: options.metadata.clone(),
        dialect: Dialect::Crypten,
        ..OnnxOptions::default()
    };
    onnx::emit(&checked, &dir.join("model.onnx"), &onnx_options)?;
    let manifest = serde_json::json!({
        "format": 1,
        "relinc": env!("CARGO_PKG_VERSION"),
        "files": parties::public(dir, &checked, &onnx_options)?,
        "normalize": options.pictures.normalize,
        "classes": options.pictures.classes,
        "input": {"name": valid.graph().node(input).name, "shape": valid.facts().ty(input).at(1), "dtype": "f32"},
        "output": {"name": output.name, "shape": valid.facts().ty(output.node).at(1)},
        "weights_setting": options.weights,
        "fraction": options.fraction,
    });
    artefact::write_manifest(dir, &manifest)?;
    artefact::write_sample(dir, &options.sample)?;
    artefact::write(dir, "run.py", &mut |w| w.write_all(RUN_PY.as_bytes()))?;
    parties::hand_over(dir)
}
