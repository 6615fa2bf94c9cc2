//! Files by owner: folders of an artefact for one party or for all, and what a client is told of images and answers.

use super::EmitError;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Python that makes of a client's files what the network takes; it imports `run`, the runner beside it.
pub(super) const IMAGES_PY: &str = include_str!("images.py");

/// What a client is told about images and answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pictures {
    /// Mean and standard deviation by channel, of pixels from 0 to 1, that images are brought to.
    pub normalize: Option<Normalize>,
    /// Names of the classes, by the index of their score.
    pub classes: Option<Vec<String>>,
}

/// How a network's images were made of pixels from 0 to 1: (pixel − mean) / std.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Normalize {
    /// By channel.
    pub mean: Vec<f32>,
    /// By channel; positive.
    pub std: Vec<f32>,
}

/// A folder inside of an artefact's, which is made where it is missing.
pub(super) fn folder(dir: &Path, name: &str) -> Result<PathBuf, EmitError> {
    let folder = dir.join(name);
    std::fs::create_dir_all(&folder).map_err(|why| failed(&folder, why))?;
    Ok(folder)
}

/// The same file under a second name; a copy where the file system has no second names.
pub(super) fn second_name(from: &Path, to: &Path) -> Result<(), EmitError> {
    let _ = std::fs::remove_file(to);
    std::fs::hard_link(from, to).or_else(|_| std::fs::copy(from, to).map(drop)).map_err(|why| failed(to, why))
}

/// The sha256 of a file, in hexadecimal digits.
pub(super) fn sha256(path: &Path) -> Result<String, EmitError> {
    let bytes = std::fs::read(path).map_err(|why| failed(path, why))?;
    Ok(Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect())
}

fn failed(path: &Path, why: std::io::Error) -> EmitError {
    EmitError::Write { file: path.display().to_string(), why }
}
