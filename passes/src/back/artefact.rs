//! What the artefact folders of the MPC back ends share.

use super::EmitError;
use crate::driver::valid::Valid;
use crate::ir::{NodeId, Output, Tensor};
use std::io::{self, Write};
use std::path::Path;

/// The one input and the one output of a graph, or a refusal.
pub fn only_io<'g>(valid: &'g Valid<'_>, target: &'static str) -> Result<(NodeId, &'g Output), EmitError> {
    let g = valid.graph();
    let refuse = |why: &str| Err(EmitError::Refused { target, why: why.into() });
    match (g.inputs(), g.outputs()) {
        ([input], [output]) => Ok((*input, output)),
        ([_], _) => refuse("the model must have exactly one output; drop the others"),
        _ => refuse("the model must have exactly one input"),
    }
}

/// Writes one file of the folder.
pub fn write(
    dir: &Path,
    name: &str,
    fill: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
) -> Result<(), EmitError> {
    let path = dir.join(name);
    crate::files::create_atomically(&path, |w| fill(w))
        .map_err(|why| EmitError::Write { file: path.display().to_string(), why })
}

/// Writes `manifest.json`.
pub fn write_manifest(dir: &Path, manifest: &serde_json::Value) -> Result<(), EmitError> {
    write(dir, "manifest.json", &mut |w| {
        serde_json::to_writer_pretty(&mut *w, manifest)?;
        w.write_all(b"\n")
    })
}

/// Writes `sample_input.npy`.
pub fn write_sample(dir: &Path, sample: &Tensor) -> Result<(), EmitError> {
    write(dir, "sample_input.npy", &mut |w| crate::npy::write_npy(w, sample))
}
