//! The folder that jobs share: which stages lie finished in it, and what has to go when one is made anew.

use super::{EVALUATE, Log, Part};
use crate::error::{Error, input};
use crate::progress::Progress;
use relinc_passes::files::write_atomically;
use relinc_runtime::train::{Record, state};
use std::path::{Path, PathBuf};

/// The folder and the job of what all budgets of a sweep begin with.
pub const SHARED: &str = "shared";

/// What a stage has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Nothing.
    Nothing,
    /// So many complete epochs.
    Epochs(usize),
    /// Everything.
    All,
}

impl Left {
    /// Complete epochs.
    pub fn epochs(self) -> usize {
        match self {
            Left::Nothing => 0,
            Left::Epochs(n) => n,
            Left::All => usize::MAX,
        }
    }
}

/// `DIR/checkpoints`.
#[derive(Debug, Clone)]
pub struct Shared {
    folder: PathBuf,
}

impl Shared {
    /// Of an output folder.
    pub fn of(out: &Path) -> Shared {
        Shared { folder: out.join("checkpoints") }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// A stage's checkpoint, or a network made on the way.
    pub fn tensors(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.safetensors"))
    }

    /// What a stage was made for.
    pub fn made(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    /// Who works here.
    pub fn lock(&self) -> PathBuf {
        self.folder.join("lock")
    }

    /// What a stage has left here.
    ///
    /// # Errors
    /// Its checkpoint is damaged.
    pub fn left(&self, name: &str) -> Result<Left, Error> {
        if name == EVALUATE {
            return Ok(if self.made(name).exists() { Left::All } else { Left::Nothing });
        }
        let path = self.tensors(name);
        if !path.exists() {
            return Ok(Left::Nothing);
        }
        let progress = state::Progress::read(&path).map_err(input)?;
        Ok(if progress.finished { Left::All } else { Left::Epochs(progress.epoch) })
    }

    /// Does everything lie here that a job begins with?
    pub fn ready(&self, part: &Part, resume: bool) -> Result<(), Error> {
        let target = part.running().last().unwrap_or_default();
        for (i, name) in part.needed() {
            let says = |what: &str, first: &str| {
                Err(input(format!(
                    "stage {target} needs what stage {name} leaves in {}{what}: run --only {name}{first} first",
                    self.folder.display()
                )))
            };
            match self.left(name)? {
                Left::All if !resume && i > part.first() => {
                    let before = &part.names()[part.first()];
                    return Err(input(format!(
                        "stage {name} follows stage {before}, which would be made anew: name it in --only as well, or go on with \
                         --resume"
                    )));
                }
                Left::All => {}
                Left::Nothing => return says("", ""),
                Left::Epochs(n) => return says(&format!(", which has {n} complete epochs"), " --resume"),
            }
        }
        Ok(())
    }

    /// Copies the finished stages that come before a part, and their log lines, from another output folder.
    pub fn adopt(&self, from: &Path, part: &Part, progress: &Progress) -> Result<(), Error> {
        let theirs = Shared::of(from);
        let names = &part.names()[..part.first()];
        for name in names {
            if theirs.left(name)? != Left::All {
                let begun = part.names().get(part.first()).map_or("", String::as_str);
                return Err(input(format!(
                    "stage {begun} needs what stage {name} leaves in {}: run --only {SHARED} first",
                    theirs.folder.display()
                )));
            }
        }
        let stems: Vec<String> = names.iter().cloned().chain(["start".into()]).collect();
        for path in entries(&theirs.folder)? {
            let Some(name) = path.file_name() else { continue };
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            if stems.iter().any(|n| stem == *n || measured_for(&stem, n)) && path.extension().is_some() {
                let bytes = std::fs::read(&path).map_err(|e| input(format!("{}: {e}", path.display())))?;
                write(&self.folder.join(name), &bytes)?;
            }
        }
        let log = |of: &Shared| of.folder.with_file_name("log.jsonl");
        let taken = |(_, r): &(String, Record)| names.contains(&r.stage);
        let (before, mine) = (Log::read(&log(&theirs))?, Log::read(&log(self))?);
        [&before, &mine].iter().filter_map(|l| l.notice.as_ref()).for_each(|said| progress.line(said));
        let all = before.lines.into_iter().filter(taken).chain(mine.lines.into_iter().filter(|l| !taken(l)));
        write(&log(self), all.flat_map(|(l, _)| [l, "\n".into()]).collect::<String>().as_bytes())
    }

    /// Removes what earlier runs left of the first stage of a part and of those after it, which followed from it. `folds` is the
    /// stage before which the network is folded.
    pub fn clear(&self, part: &Part, folds: Option<usize>) -> Result<(), Error> {
        let first = part.first();
        let gone = &part.names()[first..];
        let of_gone = |stem: &str| {
            gone.iter().any(|n| stem == n || measured_for(stem, n))
                || stem == "folded" && folds.is_none_or(|f| first <= f)
        };
        for p in entries(&self.folder)? {
            let ours = p.extension().is_some_and(|x| x == "safetensors" || x == "json");
            let stem = p.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if ours && (first == 0 || of_gone(&stem)) {
                std::fs::remove_file(&p)
                    .map_err(|e| input(format!("{}: cannot be removed: {e}", p.display())))?;
            }
        }
        Ok(())
    }
}

/// What lies in a folder; nothing where there is none.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let fail = |e: std::io::Error| input(format!("{}: cannot be read: {e}", folder.display()));
    match std::fs::read_dir(folder) {
        Ok(list) => list.map(|e| e.map(|e| e.path()).map_err(fail)).collect(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(vec![]),
        Err(e) => Err(fail(e)),
    }
}

/// Are these the layer sensitivities that a stage measured?
fn measured_for(stem: &str, stage: &str) -> bool {
    stem.strip_prefix("sensitivity-").and_then(|s| s.strip_prefix(stage)).is_some_and(|s| s.starts_with('-'))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    write_atomically(path, bytes).map_err(|e| input(format!("{}: cannot be written: {e}", path.display())))
}
