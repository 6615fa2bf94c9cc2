//! The report of a compilation: one set of facts as JSON, as text for a terminal and as a self-contained HTML page.
//!
//! `report.json` follows `specs/report.schema.json`; the other two are rendered from it alone, so that
//! `relinc report DIR` can rebuild them.

pub(crate) mod assemble;
pub mod compare;
mod conclusions;
mod figures;
mod headline;
pub mod html;
pub mod model;
mod old;
mod rows;
pub mod shape;
pub mod text;
pub mod training;
pub mod verdict;

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

pub(crate) use figures::{bytes, count};
pub use headline::headline;
pub use model::Report;
pub use verdict::fell_too_far;

use crate::plain::plain;
use relinc_passes::files::write_atomically;
use std::path::{Path, PathBuf};

/// The JSON Schema of `report.json`.
pub const SCHEMA: &str = include_str!("../../specs/report.schema.json");

/// The files of a report.
pub const FILES: [&str; 3] = ["report.json", PAGES[0], PAGES[1]];
/// Those that are made of the first.
pub const PAGES: [&str; 2] = ["report.html", "report.txt"];

/// Why a report cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be opened.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is another than the folder's manifest lists.
    #[error("{0}")]
    Mixture(String),
    /// The file is no report.
    #[error("{}: not a report relinc wrote: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// The file is JSON, but not by the schema.
    #[error("{}: not a report by specs/report.schema.json: {why}", path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// What does not fit, and where.
        why: String,
    },
    /// Of a relinc that is newer than this one.
    #[error("{}: has form {form}, this relinc reads up to {}; read it with the relinc that wrote it or a newer one", path.display(), model::FORM)]
    Newer {
        /// The file.
        path: PathBuf,
        /// The form's number.
        form: u64,
    },
}

/// A file of a report cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot be written: {source}", path.display())]
pub struct WriteError {
    /// The file, or the directory that cannot be made.
    pub path: PathBuf,
    /// Why.
    pub source: std::io::Error,
}

/// Writes `report.json`, `report.txt` and `report.html` into a directory, each whole or not at all. The directory is
/// made when it does not exist.
///
/// # Errors
/// One of the files cannot be written.
pub fn write(dir: &Path, report: &Report) -> Result<(), WriteError> {
    std::fs::create_dir_all(dir).map_err(|source| WriteError { path: dir.into(), source })?;
    let path = dir.join("report.json");
    let json = serde_json::to_string_pretty(report).map_err(Into::into);
    json.and_then(|json| write_atomically(&path, (json + "\n").as_bytes()))
        .map_err(|source| WriteError { path, source })?;
    render(dir, report)
}

/// Writes `report.txt` and `report.html` only.
///
/// # Errors
/// As [`write`].
pub fn render(dir: &Path, report: &Report) -> Result<(), WriteError> {
    for name in PAGES {
        let path = dir.join(name);
        write_atomically(&path, page(name, report).as_bytes())
            .map_err(|source| WriteError { path, source })?;
    }
    Ok(())
}

/// The text of one of the [`PAGES`].
pub fn page(name: &str, report: &Report) -> String {
    if name == PAGES[0] { html::render(report) } else { plain(&text::render(report)).into_owned() }
}

/// Reads `report.json` of a directory and checks it against [`SCHEMA`]. Reports of relinc 0.1.0 are read, too; the column that they
/// lack stays absent.
pub fn read(dir: &Path) -> Result<Report, ReadError> {
    let path = dir.join("report.json");
    crate::folder::verify(dir, ["report.json"]).map_err(|e| ReadError::Mixture(e.to_string()))?;
    let bytes = relinc_passes::files::read(&path).map_err(|source| ReadError::Io { path: path.clone(), source })?;
    let parse = |source| ReadError::Json { path: path.clone(), source };
    let mut value: serde_json::Value = serde_json::from_slice(&bytes).map_err(parse)?;
    if old::is_old(&value) {
        old::upgrade(&mut value);
    }
    if let Some(form) = value["relinc_report"].as_u64().filter(|&n| n > u64::from(model::FORM)) {
        return Err(ReadError::Newer { path, form });
    }
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).map_err(parse)?;
    let misfit =
        jsonschema::validator_for(&schema).and_then(|v| v.validate(&value).map_err(|e| e.to_owned()));
    if let Err(e) = misfit {
        return Err(ReadError::Schema { why: format!("{e} at '{}'", e.instance_path()), path });
    }
    serde_json::from_value(value).map_err(parse)
}
