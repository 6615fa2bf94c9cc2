//! What each party is given: `public/` to all of them, and a folder of its own.

use super::{EmitError, RUN_PY, Written, artefact, write_npz};
use crate::ir::Tensor;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

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

/// Python that everybody has.
const PUBLIC: [(&str, &str); 6] = [
    ("meeting.py", include_str!("parties/meeting.py")),
    ("places.py", include_str!("parties/places.py")),
    ("run.py", RUN_PY),
    ("service.py", include_str!("parties/service.py")),
    ("session.py", include_str!("parties/session.py")),
    ("workers.py", include_str!("parties/workers.py")),
];

/// Python of one party: its folder, the name, the text.
const OWN: [(&str, &str, &str); 4] = [
    ("server", "serve.py", include_str!("parties/serve.py")),
    ("client", "query.py", include_str!("parties/query.py")),
    ("client", "images.py", include_str!("parties/images.py")),
    ("helper", "help_party.py", include_str!("parties/help_party.py")),
];

/// Arrays that everybody has.
const INDICES: &str = "indices.npz";

/// Writes `public/` but for the manifest; the sha256 of the files that parties must have alike.
pub(super) fn public(
    dir: &Path,
    written: &[Written],
    indices: &[(String, Tensor)],
) -> Result<BTreeMap<String, String>, EmitError> {
    let folder = made(dir, "public")?;
    let mut files: Vec<String> = written.iter().map(|w| w.file.clone()).collect();
    for name in &files {
        shared(&dir.join(name), &folder.join(name))?;
    }
    if !indices.is_empty() {
        let indices: Vec<(String, &Tensor)> = indices.iter().map(|(n, t)| (n.clone(), t)).collect();
        artefact::write(&folder, INDICES, &mut |w| write_npz(w, &indices))?;
        files.push(INDICES.into());
    }
    for (name, text) in PUBLIC {
        artefact::write(&folder, name, &mut |w| w.write_all(text.as_bytes()))?;
    }
    let digest = |name: String| {
        let path = folder.join(&name);
        let bytes = std::fs::read(&path).map_err(|why| failed(&path, why))?;
        let hex = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
        Ok((name, hex))
    };
    files.into_iter().map(digest).collect()
}

/// Writes the parties' own folders, and the manifest into `public/`.
pub(super) fn folders(dir: &Path, written: &[Written]) -> Result<(), EmitError> {
    shared(&dir.join("manifest.json"), &made(dir, "public")?.join("manifest.json"))?;
    let three = written.iter().any(|w| w.protocols.iter().any(|p| p == "aby3"));
    for (party, name, text) in OWN.into_iter().filter(|(party, ..)| *party != "helper" || three) {
        artefact::write(&made(dir, party)?, name, &mut |w| w.write_all(text.as_bytes()))?;
    }
    shared(&dir.join("weights.npz"), &made(dir, "server")?.join("weights.npz"))
}

fn made(dir: &Path, name: &str) -> Result<std::path::PathBuf, EmitError> {
    let folder = dir.join(name);
    std::fs::create_dir_all(&folder).map_err(|why| failed(&folder, why))?;
    Ok(folder)
}

/// The same file under a second name; a copy where the file system has no second names.
fn shared(from: &Path, to: &Path) -> Result<(), EmitError> {
    let _ = std::fs::remove_file(to);
    std::fs::hard_link(from, to).or_else(|_| std::fs::copy(from, to).map(drop)).map_err(|why| failed(to, why))
}

fn failed(path: &Path, why: std::io::Error) -> EmitError {
    EmitError::Write { file: path.display().to_string(), why }
}
