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
mod misfit;
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

pub(crate) use figures::{bytes, count, seconds};
pub use headline::headline;
pub use model::Report;
pub use verdict::fell_too_far;

use crate::error::{Result, input};
use crate::folder::{self, unwritable};
use crate::plain::plain;
use serde_json::Value;
use std::path::Path;

/// The JSON Schema of `report.json`.
pub const SCHEMA: &str = include_str!("../../specs/report.schema.json");

/// The files of a report.
pub const FILES: [&str; 3] = ["report.json", PAGES[0], PAGES[1]];
/// Those that are made of the first.
pub const PAGES: [&str; 2] = ["report.html", "report.txt"];

/// Writes `report.json`, `report.txt` and `report.html` into a directory, each whole or not at all. The directory is
/// made when it does not exist.
///
/// # Errors
/// One of the files cannot be written.
pub fn write(dir: &Path, report: &Report) -> Result<()> {
    std::fs::create_dir_all(dir).map_err(|e| unwritable(dir, &e))?;
    let json = serde_json::to_string_pretty(report).map_err(input)? + "\n";
    folder::write(&dir.join("report.json"), json)?;
    render(dir, report)
}

/// Writes the [`PAGES`] only.
///
/// # Errors
/// As [`write`].
pub fn render(dir: &Path, report: &Report) -> Result<()> {
    PAGES.into_iter().try_for_each(|name| folder::write(&dir.join(name), page(name, report)))
}

/// The text of one of the [`PAGES`].
pub fn page(name: &str, report: &Report) -> String {
    if name == PAGES[0] { html::render(report) } else { plain(&text::render(report)).into_owned() }
}

/// Reads `report.json` of a directory. Reports of relinc 0.1.0 are read, too; the column that they
/// lack stays absent.
///
/// # Errors
/// The file cannot be read, is another than the folder's manifest lists, is no report, or one of a newer relinc.
pub fn read(dir: &Path) -> Result<Report> {
    let path = dir.join("report.json");
    folder::verify(dir, ["report.json"])?;
    let bytes = relinc_passes::files::read(&path).map_err(|e| input(e).at(path.display()))?;
    let fail = |why: String| input(why).at(path.display());
    let parse = |e| fail(format!("not a report relinc wrote: {e}"));
    let mut value: Value = serde_json::from_slice(&bytes).map_err(parse)?;
    if old::is_old(&value) {
        old::upgrade(&mut value);
    }
    if let Some(form) = value["relinc_report"].as_u64().filter(|&n| n > u64::from(model::FORM)) {
        return Err(fail(format!(
            "has form {form}, this relinc reads up to {}; read it with the relinc that wrote it or a newer one",
            model::FORM
        )));
    }
    let wrong = |why: String| fail(format!("not a report by specs/report.schema.json: {why}"));
    let report: Report = misfit::read(&value).map_err(wrong)?;
    match unknown(&value, &serde_json::to_value(&report).map_err(parse)?, "") {
        // It would be lost where the report is written again.
        Some(key) => Err(wrong(format!("'{key}' is not known"))),
        None => Ok(report),
    }
}

/// The first key with something in it that is not in `known`.
fn unknown(found: &Value, known: &Value, at: &str) -> Option<String> {
    if let (Value::Array(found), Value::Array(known)) = (found, known) {
        let mut pairs = found.iter().zip(known).enumerate();
        return pairs.find_map(|(i, (f, k))| unknown(f, k, &format!("{at}[{i}]")));
    }
    let (found, known) = (found.as_object()?, known.as_object()?);
    found.iter().find_map(|(key, v)| {
        let at = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        match known.get(key) {
            Some(known) => unknown(v, known, &at),
            None => (!is_empty(v)).then_some(at),
        }
    })
}

/// What is left out where it is written: nothing, no, zero, and what holds nothing.
fn is_empty(v: &Value) -> bool {
    match v {
        Value::Null => true,
        Value::Bool(b) => !b,
        Value::Number(n) => n.as_f64() == Some(0.0),
        Value::String(s) => s.is_empty(),
        Value::Array(a) => a.is_empty(),
        Value::Object(o) => o.is_empty(),
    }
}
