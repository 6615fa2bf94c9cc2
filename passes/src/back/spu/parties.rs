//! What each party is given: `public/` to all of them, and a folder of its own.

use super::super::owners::{self, IMAGES_PY, second_name};
use super::{EmitError, RUN_PY, Written, artefact, write_npz};
use crate::ir::Tensor;
use std::collections::BTreeMap;
use std::path::Path;

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
    ("client", "images.py", IMAGES_PY),
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
    let folder = owners::folder(dir, "public")?;
    let mut files: Vec<String> = written.iter().map(|w| w.file.clone()).collect();
    for name in &files {
        second_name(&dir.join(name), &folder.join(name))?;
    }
    if !indices.is_empty() {
        let indices: Vec<(String, &Tensor)> = indices.iter().map(|(n, t)| (n.clone(), t)).collect();
        artefact::write(&folder, INDICES, &mut |w| write_npz(w, &indices))?;
        files.push(INDICES.into());
    }
    for (name, text) in PUBLIC {
        artefact::write(&folder, name, &mut |w| w.write_all(text.as_bytes()))?;
    }
    files.into_iter().map(|name| Ok((name.clone(), owners::sha256(&folder.join(name))?))).collect()
}

/// Writes the parties' own folders, and the manifest into `public/`.
pub(super) fn folders(dir: &Path, written: &[Written]) -> Result<(), EmitError> {
    second_name(&dir.join("manifest.json"), &owners::folder(dir, "public")?.join("manifest.json"))?;
    let three = written.iter().any(|w| w.protocols.iter().any(|p| p == "aby3"));
    for (party, name, text) in OWN.into_iter().filter(|(party, ..)| *party != "helper" || three) {
        artefact::write(&owners::folder(dir, party)?, name, &mut |w| w.write_all(text.as_bytes()))?;
    }
    second_name(&dir.join("weights.npz"), &owners::folder(dir, "server")?.join("weights.npz"))
}
