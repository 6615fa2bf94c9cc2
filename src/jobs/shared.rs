//! The folder that jobs share: which stages lie finished in it, and what has to go when one is made anew.

use super::{EVALUATE, Log, Part};
use crate::error::{Result, input};
use crate::folder::{self, CHECKPOINTS, LOG};
use crate::progress::Progress;
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
        Shared { folder: out.join(CHECKPOINTS) }
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

    /// What a stage has left here.
    ///
    /// # Errors
    /// Its checkpoint is damaged.
    pub fn left(&self, name: &str) -> Result<Left> {
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
    pub fn ready(&self, part: &Part, resume: bool) -> Result<()> {
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

    /// The files of the finished stages that come before a part in another output folder, as names in either.
    ///
    /// # Errors
    /// One of the stages is not finished there.
    pub fn adoptable(&self, from: &Path, part: &Part) -> Result<Vec<String>> {
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
        let taken = |stem: &str| stem == START || names.iter().any(|n| stem == n || measured_for(stem, n));
        theirs.files(taken)
    }

    /// Copies files from another output folder, and the log lines of the stages before a part.
    ///
    /// # Errors
    /// The disk failed, or a log is damaged.
    pub fn adopt(&self, from: &Path, files: &[String], part: &Part, progress: &Progress) -> Result<()> {
        let (theirs, mine) = (Shared::of(from), |name: &str| self.out().join(name));
        for name in files {
            let path = from.join(name);
            let bytes =
                relinc_passes::files::read(&path).map_err(|e| input(format!("{}: {e}", path.display())))?;
            folder::write(&mine(name), &bytes)?;
        }
        let names = &part.names()[..part.first()];
        let taken = |(_, r): &(String, Record)| names.contains(&r.stage);
        let (before, own) = (Log::read(&theirs.out().join(LOG))?, Log::read(&mine(LOG))?);
        [&before, &own].iter().filter_map(|l| l.notice.as_ref()).for_each(|said| progress.line(said));
        let all = before.lines.into_iter().filter(taken).chain(own.lines.into_iter().filter(|l| !taken(l)));
        folder::write(&mine(LOG), all.flat_map(|(l, _)| [l, "\n".into()]).collect::<String>())
    }

    /// What earlier runs left of the first stage of a part and of those after it, which followed from it, as names in the output
    /// folder. `folds` is the stage before which the network is folded.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn following(&self, part: &Part, folds: Option<usize>) -> Result<Vec<String>> {
        let first = part.first();
        let gone = &part.names()[first..];
        self.files(|stem| {
            first == 0
                || gone.iter().any(|n| stem == n || measured_for(stem, n))
                || stem == FOLDED && folds.is_none_or(|f| first <= f)
        })
    }

    /// Everything the stages of a part may write, as names in the output folder.
    pub fn written(&self, part: &Part) -> Vec<String> {
        let named = |stem: &str, end: &str| format!("{CHECKPOINTS}/{stem}.{end}");
        let running: Vec<&str> = part.running().collect();
        let stems = running.iter().copied().chain([START, FOLDED, EVALUATE]);
        let both = stems.flat_map(|s| ["json", "safetensors"].map(|end| named(s, end)));
        let measured =
            running.iter().flat_map(|s| SENSITIVITIES.map(|how| named(&sensitivity(s, how), "json")));
        both.chain(measured).chain([LOG.to_string()]).collect()
    }

    /// Is this one of the networks that stages begin with?
    pub fn is_first(&self, name: &str) -> bool {
        [START, FOLDED].iter().any(|s| name == format!("{CHECKPOINTS}/{s}.safetensors"))
    }

    /// Files with stems that are asked for, as names in the output folder, sorted.
    fn files(&self, asked: impl Fn(&str) -> bool) -> Result<Vec<String>> {
        let fail = |e: std::io::Error| folder::unreadable(&self.folder, &e);
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(list) => list.collect::<Result<Vec<_>, _>>().map_err(fail)?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => vec![],
            Err(e) => return Err(fail(e)),
        };
        let mut out = vec![];
        for e in entries {
            let p = e.path();
            let ours = p.extension().is_some_and(|x| x == "safetensors" || x == "json");
            if ours && asked(&p.file_stem().unwrap_or_default().to_string_lossy()) {
                out.push(format!("{CHECKPOINTS}/{}", e.file_name().to_string_lossy()));
            }
        }
        out.sort();
        Ok(out)
    }

    fn out(&self) -> &Path {
        self.folder.parent().unwrap_or(Path::new(""))
    }
}

/// The student that all stages begin with.
pub const START: &str = "start";
/// The student as it was folded before it was tuned.
pub const FOLDED: &str = "folded";
/// How layer sensitivities are measured.
const SENSITIVITIES: [&str; 2] = ["gradient", "sparse"];

/// The name of the layer sensitivities that a stage measured.
pub fn sensitivity(stage: &str, how: &str) -> String {
    format!("sensitivity-{stage}-{how}")
}

/// Are these the layer sensitivities that a stage measured?
fn measured_for(stem: &str, stage: &str) -> bool {
    stem.strip_prefix("sensitivity-").and_then(|s| s.strip_prefix(stage)).is_some_and(|s| s.starts_with('-'))
}
