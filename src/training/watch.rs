//! Progress lines and `log.jsonl`.

use super::guard::Watchdog;
use super::whole::{Far, Leg, Whole};
use crate::error::Result;
use crate::folder;
use crate::jobs::Log;
use crate::progress::Progress;
use crate::report::seconds;
use relinc_runtime::exec::Precision;
use relinc_runtime::train::{Now, Record, Watcher};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Shows progress and writes a line an epoch.
pub struct Watch<'a> {
    path: PathBuf,
    file: File,
    progress: &'a Progress,
    /// One record an epoch, of this and earlier jobs.
    pub records: Vec<Record>,
    /// How far the run is.
    whole: Whole,
    /// What is counted: ReLUs or comparisons.
    counted: &'static str,
    /// Set where a card computes.
    pub dog: Option<Watchdog>,
}

impl<'a> Watch<'a> {
    /// Opens the log, which will hold what is left of it in `log` and what comes of the stages `legs`.
    pub fn open(
        path: &Path,
        log: Log,
        legs: Vec<Leg>,
        counted: &'static str,
        progress: &'a Progress,
    ) -> Result<Watch<'a>> {
        log.notice.iter().for_each(|said| progress.line(said));
        let (lines, records): (Vec<String>, Vec<Record>) = log.lines.into_iter().unzip();
        let whole: String = lines.iter().flat_map(|l| [l, "\n"]).collect();
        if std::fs::read(path).ok().as_deref() != Some(whole.as_bytes()) {
            folder::write(path, whole)?;
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|e| folder::unwritable(path, &e))?;
        Ok(Watch { path: path.into(), file, progress, records, whole: Whole::new(legs), counted, dog: None })
    }

    /// Adds a line, on the disk before the checkpoint that follows it, or nothing.
    fn append(&self, line: &[u8]) -> io::Result<()> {
        let end = self.file.metadata()?.len();
        (&self.file).write_all(line).and_then(|()| self.file.sync_data()).or_else(|e| {
            self.file.set_len(end)?;
            Err(e)
        })
    }
}

impl Watcher for Watch<'_> {
    fn step(&mut self, n: &Now<'_>) {
        self.dog.iter().for_each(Watchdog::beat);
        if let Some(far) = self.whole.step(n, Instant::now()) {
            far.first.iter().for_each(|said| self.progress.line(said));
            self.progress.whole(far.share, far.left);
        }
        self.progress.live(&format!(
            "{} epoch {}/{} step {}/{}: loss {:.4}, train {:.1} %, {} {}, {:.0} images/s",
            n.stage,
            n.epoch,
            n.epochs,
            n.step,
            n.steps,
            n.loss,
            n.accuracy,
            n.kept,
            self.counted,
            n.images_per_second
        ));
    }

    fn round(&mut self, round: usize, rounds: usize) {
        self.dog.iter().for_each(Watchdog::beat);
        self.progress.count("mask search, round", round, rounds);
    }

    fn note(&mut self, said: &str) {
        self.progress.line(said);
    }

    fn epoch(&mut self, r: &Record) -> Result<(), String> {
        self.dog.iter().for_each(Watchdog::beat);
        let fail = |e: &dyn std::fmt::Display| format!("{}: cannot be written: {e}", self.path.display());
        let line = serde_json::to_string(r).map_err(|e| fail(&e))? + "\n";
        self.append(line.as_bytes()).map_err(|e| fail(&e))?;
        let percent =
            |what: &str, v: Option<f64>| v.map(|v| format!(", {what} {v:.2} %")).unwrap_or_default();
        let far = r.largest.map(|z| format!(", squares of up to |{z:.3}|")).unwrap_or_default();
        let skipped = match r.skipped {
            0 => String::new(),
            n => format!(", {n} steps left out"),
        };
        let so_far = self.whole.epoch(&r.stage, r.epoch, Instant::now());
        so_far.iter().for_each(|f| self.progress.whole(f.share, f.left));
        let run = match &so_far {
            Some(Far { share, left: Some(s), .. }) if *share < 1.0 => {
                format!(", {:.0} % of the run, {} left", 100.0 * share, seconds(*s))
            }
            Some(_) | None => String::new(),
        };
        self.progress.line(&format!(
            "{} epoch {}/{}: loss {:.4}, train {:.1} %{}{}{far}{skipped}, {} {}, mask moved {:.3}, {:.0} images/s{}, data wait {:.1} %{run}",
            r.stage,
            r.epoch,
            r.epochs,
            r.loss,
            r.train_accuracy,
            percent("val", r.val_clean),
            percent("val attacked", r.val_adversarial),
            r.kept,
            self.counted,
            r.hamming,
            r.images_per_second,
            if r.precision == Precision::F32 { String::new() } else { format!(" in {}", r.precision) },
            100.0 * r.data_wait
        ));
        self.records.push(r.clone());
        Ok(())
    }
}

/// Says nothing.
pub struct Silent;

impl Watcher for Silent {}
