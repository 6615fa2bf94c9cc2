//! What each party is given: `public/` to all of them, and the weights to the server.

use super::{EmitError, RUN_PY};
use crate::back::artefact;
use crate::back::onnx::{self, OnnxOptions};
use crate::back::owners::{IMAGES_PY, folder, second_name, sha256};
use crate::driver::valid::Valid;
use std::collections::BTreeMap;
use std::path::Path;

/// Python that everybody has.
const PUBLIC: [(&str, &str); 3] =
    [("images.py", IMAGES_PY), ("party.py", include_str!("party.py")), ("run.py", RUN_PY)];

/// The network without a number of its weights: nodes, index lists, single numbers, and the weights' shapes.
const ARCHITECTURE: &str = "architecture.onnx";

/// Writes `public/` but for the manifest; the sha256 of the files that parties must have alike.
pub(super) fn public(
    dir: &Path,
    valid: &Valid<'_>,
    options: &OnnxOptions,
) -> Result<BTreeMap<String, String>, EmitError> {
    let public = folder(dir, "public")?;
    let path = public.join(ARCHITECTURE);
    onnx::emit(valid, &path, &OnnxOptions { blank: true, metadata: vec![], ..options.clone() })?;
    for (name, text) in PUBLIC {
        artefact::write(&public, name, &mut |w| w.write_all(text.as_bytes()))?;
    }
    Ok(BTreeMap::from([(ARCHITECTURE.to_string(), sha256(&path)?)]))
}

/// Gives the manifest to all and the weights to the server.
pub(super) fn hand_over(dir: &Path) -> Result<(), EmitError> {
    second_name(&dir.join("manifest.json"), &folder(dir, "public")?.join("manifest.json"))?;
    let server = folder(dir, "server")?;
    let files = ["model.onnx", "model.onnx.data"];
    files
        .into_iter()
        .filter(|f| dir.join(f).is_file())
        .try_for_each(|f| second_name(&dir.join(f), &server.join(f)))
}
