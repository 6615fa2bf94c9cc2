//! Folders without a manifest, as relinc 0.1.0 wrote them: what in them can be told to be relinc's.

use super::claim::obstacle;
use super::manifest::{Content, Entry, Manifest};
use super::{CHECKPOINTS, LOG, stays_inside, unreadable};
use crate::error::Result;
use relinc_passes::seal::json;
use relinc_runtime::train::Record;
use serde_json::Value;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A header longer than this is no checkpoint's.
const LONGEST_HEADER: u64 = 1 << 26;
/// How much later than the report its pages may have been written.
const PAGES: Duration = Duration::from_secs(60);

/// The version that wrote results to a folder, in words; `None` where none did.
pub(super) fn version(root: &Path) -> Option<String> {
    let said = |v: &Value| v["relinc"].as_str().map(str::to_string);
    let report = read(&root.join("report.json")).filter(|v| v["artefacts"].is_array());
    if let Some(v) = report.as_ref().and_then(said) {
        return Some(v);
    }
    let mut found = None;
    for path in checkpoints(root) {
        match kind(&path) {
            Some(Kind::Stage(v)) => return Some(v),
            Some(Kind::Tensors) => found = Some("0.1.0".to_string()),
            Some(Kind::Numbers) | None => {}
        }
    }
    found
}

/// A manifest of what relinc wrote: checkpoints say so themselves, artefacts are listed in the report and have not been touched since.
/// Everything else stays out of it.
///
/// # Errors
/// A file cannot be read.
pub(super) fn recognise(root: &Path) -> Result<Manifest> {
    let mut names: Vec<String> = checkpoints(root)
        .iter()
        .filter(|p| kind(p).is_some())
        .filter_map(|p| Some(format!("{CHECKPOINTS}/{}", p.file_name()?.to_str()?)))
        .collect();
    let log = relinc_passes::files::read_text(&root.join(LOG)).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    // The last line may have been cut off.
    let whole = lines.iter().filter(|l| serde_json::from_str::<Record>(l).is_ok()).count();
    if !lines.is_empty() && whole + 1 >= lines.len() {
        names.push(LOG.into());
    }
    let trained = !names.is_empty();
    names.extend(artefacts(root));
    let by = if trained { "run" } else { "compile" };
    let mut m = Manifest::default();
    for name in names {
        let path = root.join(&name);
        let content = Content::of(&path).map_err(|e| unreadable(&path, &e))?;
        m.files.insert(name, Entry { by: by.into(), content: Some(content) });
    }
    Ok(m)
}

/// What a report lists, where it has the length that the report says and is not younger than it; and the report.
fn artefacts(root: &Path) -> Vec<String> {
    let path = root.join("report.json");
    let (Some(report), Some(written)) = (read(&path), modified(&path)) else { return vec![] };
    if !report["relinc"].is_string() {
        return vec![];
    }
    let listed = report["artefacts"].as_array().cloned().unwrap_or_default();
    let fits = |a: &Value| {
        let name = a["path"].as_str().filter(|n| stays_inside(n) && obstacle(root, n).is_none())?;
        let path = root.join(name);
        let same = fs::metadata(&path).ok()?.len() == a["bytes"].as_u64()?;
        (same && modified(&path)? <= written).then(|| name.to_string())
    };
    let pages = ["report.txt", "report.html"].into_iter().filter(|p| {
        let page = root.join(p);
        fs::symlink_metadata(&page).is_ok_and(|m| m.is_file())
            && modified(&page).is_some_and(|at| at <= written + PAGES)
    });
    let pages: Vec<String> = pages.map(str::to_string).collect();
    listed.iter().filter_map(fits).chain(pages).chain(["report.json".into()]).collect()
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

fn read(path: &Path) -> Option<Value> {
    serde_json::from_slice(&relinc_passes::files::read(path).ok()?).ok()
}

fn checkpoints(root: &Path) -> Vec<std::path::PathBuf> {
    let dir = root.join(CHECKPOINTS);
    if !super::commit::is_folder(&dir) {
        return vec![];
    }
    let all = fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path());
    let mut all: Vec<_> = all.filter(|p| fs::symlink_metadata(p).is_ok_and(|m| m.is_file())).collect();
    all.sort();
    all
}

enum Kind {
    /// What a stage was made for, by this version.
    Stage(String),
    /// A checkpoint.
    Tensors,
    /// Sensitivities of layers.
    Numbers,
}

fn kind(path: &Path) -> Option<Kind> {
    match path.extension()?.to_str()? {
        "json" => {
            let text = relinc_passes::files::read(path).ok()?;
            // Later versions seal what 0.1.0 wrote plainly.
            let v: Value = json::parse(&text).ok().or_else(|| serde_json::from_slice(&text).ok())?;
            match (v["relinc"].as_str(), v["spec"].is_object()) {
                (Some(version), true) => Some(Kind::Stage(version.into())),
                _ => {
                    let sensitivity = path.file_stem()?.to_str()?.starts_with("sensitivity-");
                    let numbers = v.as_array()?.iter().all(Value::is_number);
                    (sensitivity && numbers).then_some(Kind::Numbers)
                }
            }
        }
        "safetensors" => {
            let mut file = relinc_passes::files::open(path).ok()?;
            let mut length = [0; 8];
            file.read_exact(&mut length).ok()?;
            let length = Some(u64::from_le_bytes(length)).filter(|&n| n <= LONGEST_HEADER)?;
            let mut header = vec![];
            file.take(length).read_to_end(&mut header).ok()?;
            let header: Value = serde_json::from_slice(&header).ok()?;
            header["__metadata__"]["relinc_checkpoint"].is_string().then_some(Kind::Tensors)
        }
        _ => None,
    }
}
