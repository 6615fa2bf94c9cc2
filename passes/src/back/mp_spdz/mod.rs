//! IR → MP-SPDZ.

use super::EmitError;
use crate::ir::Tensor;
use crate::valid::Valid;
use std::path::Path;

/// How to write the artefact.
#[derive(Debug, Clone)]
pub struct MpSpdzOptions {
    /// `secret`, `server` or `public`.
    pub weights: String,
    /// Images to run on: `[N, …]`.
    pub sample: Tensor,
}

/// Writes the folder.
pub fn emit(_valid: &Valid<'_>, _dir: &Path, _options: &MpSpdzOptions) -> Result<(), EmitError> {
    Err(EmitError::Refused { target: "mp-spdz", why: "not built yet".into() })
}
