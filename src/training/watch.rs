//! Progress lines and `log.jsonl`.

use super::guard::Watchdog;
use crate::error::Error;
use crate::progress::Progress;
use relinc_runtime::train::{Now, Record, Watcher};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Shows progress and writes a line an epoch.
pub struct Watch<'a> {
    path: PathBuf,
    file: File,
    progress: &'a Progress,
    records: Vec<Record>,
    stage: (String, Instant, usize),
    /// Set where a card computes.
    pub dog: Option<Watchdog>,
}

impl<'a> Watch<'a> {
    /// Opens the log and keeps the lines of the stages that `keep` names.
    pub fn open(
        path: &Path,
        keep: impl Fn(&str) -> bool,
        progress: &'a Progress,
    ) -> Result<Watch<'a>, Error> {
        let fail = |e: std::io::Error| Error::Input(format!("{}: cannot be written: {e}", path.display()));
        let text = std::fs::read_to_string(path).unwrap_or_default();
        // A crash may have left half a line.
        let (kept, records): (Vec<&str>, Vec<Record>) = text
            .lines()
            .filter_map(|l| Some((l, serde_json::from_str::<Record>(l).ok().filter(|r| keep(&r.stage))?)))
            .unzip();
        let whole: String = kept.into_iter().flat_map(|l| [l, "\n"]).collect();
        if whole != text {
            relinc_passes::files::write_atomically(path, whole.as_bytes()).map_err(fail)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(fail)?;
        Ok(Watch {
            path: path.into(),
            file,
            progress,
            records,
            stage: (String::new(), Instant::now(), 0),
            dog: None,
        })
    }

    /// The records, of an epoch that was repeated the last.
    pub fn into_records(self) -> Vec<Record> {
        let mut out: Vec<Record> = vec![];
        for r in self.records {
            match out.iter_mut().find(|o| o.stage == r.stage && o.epoch == r.epoch) {
                Some(o) => *o = r,
                None => out.push(r),
            }
        }
        out
    }
}

impl Watcher for Watch<'_> {
    fn step(&mut self, n: &Now<'_>) {
        self.dog.iter().for_each(Watchdog::beat);
        let done = (n.epoch - 1) * n.steps + n.step;
        if self.stage.0 != n.stage {
            self.stage = (n.stage.into(), Instant::now(), done.saturating_sub(1));
        }
        let rate = self.stage.1.elapsed().as_secs_f64() / (done - self.stage.2).max(1) as f64;
        let left = rate * (n.epochs * n.steps - done) as f64;
        let eta = if left > 5400.0 { format!("{:.1} h", left / 3600.0) } else { format!("{:.0} s", left) };
        self.progress.live(&format!(
            "{} epoch {}/{} step {}/{}: loss {:.4}, train {:.1} %, {} ReLUs, {:.0} images/s, {eta} left",
            n.stage, n.epoch, n.epochs, n.step, n.steps, n.loss, n.accuracy, n.kept, n.images_per_second
        ));
    }

    fn round(&mut self, round: usize, rounds: usize) {
        self.dog.iter().for_each(Watchdog::beat);
        self.progress.count("mask search, round", round, rounds);
    }

    fn epoch(&mut self, r: &Record) -> Result<(), String> {
        self.dog.iter().for_each(Watchdog::beat);
        let fail = |e: &dyn std::fmt::Display| format!("{}: cannot be written: {e}", self.path.display());
        let line = serde_json::to_string(r).map_err(|e| fail(&e))? + "\n";
        self.file.write_all(line.as_bytes()).and_then(|()| self.file.flush()).map_err(|e| fail(&e))?;
        let percent =
            |what: &str, v: Option<f64>| v.map(|v| format!(", {what} {v:.2} %")).unwrap_or_default();
        self.progress.line(&format!(
            "{} epoch {}/{}: loss {:.4}, train {:.1} %{}{}, {} ReLUs, mask moved {:.3}, {:.0} images/s, data wait {:.1} %",
            r.stage,
            r.epoch,
            r.epochs,
            r.loss,
            r.train_accuracy,
            percent("val", r.val_clean),
            percent("val attacked", r.val_adversarial),
            r.kept,
            r.hamming,
            r.images_per_second,
            100.0 * r.data_wait
        ));
        self.records.push(r.clone());
        Ok(())
    }
}

/// Says nothing.
pub struct Silent;

impl Watcher for Silent {}
