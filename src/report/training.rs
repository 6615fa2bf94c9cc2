//! `log.jsonl` of a run folder, and its stages in figures.

#[cfg(test)]
mod tests;

use super::model::Training;
use crate::error::Error;
use relinc_runtime::train::Record;
use std::path::Path;

/// Reads a log: one [`Record`] a line. Where an epoch was repeated, the last line counts; half a line, as a crash
/// leaves it, is ignored.
pub fn read_log(path: &Path) -> Result<Vec<Record>, Error> {
    read(path).map(|t| t.records)
}

/// Reads a log as [`read_log`] does, with a note on each thing that was wrong with it.
pub fn read(path: &Path) -> Result<Training, Error> {
    let bytes = std::fs::read(path).map_err(|e| Error::Input(format!("{}: {e}", path.display())))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let whole = text.is_empty() || text.ends_with('\n');
    let mut stages: Vec<(String, Vec<Record>)> = vec![];
    let (mut torn, mut repeated) = (vec![], 0);
    for (i, line) in lines.iter().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        let last_half = i + 1 == lines.len() && !whole;
        let record = match serde_json::from_str::<Record>(line) {
            Ok(r) => r,
            Err(e) => match after_a_tear(line) {
                Some(r) => {
                    torn.push(i + 1);
                    r
                }
                None if last_half => {
                    torn.push(i + 1);
                    continue;
                }
                None => {
                    let (file, line) = (path.display(), i + 1);
                    return Err(Error::Input(format!("{file}, line {line}: not a training record: {e}")));
                }
            },
        };
        match stages.iter_mut().find(|(s, _)| *s == record.stage) {
            Some((_, known)) => {
                // What came after a repeated epoch belongs to the history that was given up.
                let before = known.len();
                known.retain(|r| r.epoch < record.epoch);
                repeated += before - known.len();
                known.push(record);
            }
            None => stages.push((record.stage.clone(), vec![record])),
        }
    }
    let mut notes = vec![];
    for line in torn {
        notes
            .push(format!("Line {line} of {name} starts with half a record, as a crash leaves it; ignored."));
    }
    if repeated > 0 {
        notes.push(format!(
            "{repeated} lines of {name} are of epochs that were repeated; the last ones count."
        ));
    }
    let records = stages.into_iter().flat_map(|(_, r)| r).collect();
    Ok(Training { records, notes, ..Training::default() })
}

/// The record that was appended to half a line without a line end.
fn after_a_tear(line: &str) -> Option<Record> {
    let start = line.rfind('{').filter(|&i| i > 0)?;
    serde_json::from_str(&line[start..]).ok()
}

/// What the accuracy on training images is worth.
pub const SEEN: &str = "on images the network was trained on: no measure of how good it is on new ones";
/// What the accuracy on validation images is worth.
pub const CHOSE: &str = "on validation images: they choose the epoch that is kept, and the network that was read may have been trained on them";

/// One stage in figures.
#[derive(Debug)]
pub struct StageSummary<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its epochs.
    pub records: Vec<&'a Record>,
    /// The last one.
    pub last: &'a Record,
    /// The one with the highest clean accuracy plus, where attacked images were validated, adversarial accuracy.
    pub best: Option<&'a Record>,
    /// Training images a second over all epochs, without validation.
    pub images_per_second: Option<f64>,
    /// Share of the training time spent waiting for data, 0 to 1.
    pub data_wait: Option<f64>,
}

/// The stages in the order they began.
pub fn stages(records: &[Record]) -> Vec<StageSummary<'_>> {
    let mut groups: Vec<Vec<&Record>> = vec![];
    for r in records {
        match groups.iter_mut().find(|g| g.first().is_some_and(|f| f.stage == r.stage)) {
            Some(g) => g.push(r),
            None => groups.push(vec![r]),
        }
    }
    groups.into_iter().filter_map(summary).collect()
}

fn summary(records: Vec<&Record>) -> Option<StageSummary<'_>> {
    let last = *records.last()?;
    let score = |r: &Record| Some(r.val_clean? + r.val_adversarial.unwrap_or(0.0)).filter(|s| s.is_finite());
    let mut best: Option<(f64, &Record)> = None;
    for &r in &records {
        if let Some(s) = score(r).filter(|s| best.is_none_or(|(b, _)| *s > b)) {
            best = Some((s, r));
        }
    }
    // Epochs have equal images, so their times are to each other as 1 / speed.
    let timed = || records.iter().filter(|r| r.images_per_second > 0.0 && r.images_per_second.is_finite());
    let time: f64 = timed().map(|r| 1.0 / r.images_per_second).sum();
    let waited: f64 = timed().map(|r| r.data_wait / r.images_per_second).sum();
    Some(StageSummary {
        name: &last.stage,
        last,
        best: best.map(|(_, r)| r),
        images_per_second: (time > 0.0).then(|| timed().count() as f64 / time),
        data_wait: (time > 0.0).then(|| waited / time).filter(|w| w.is_finite()),
        records,
    })
}
