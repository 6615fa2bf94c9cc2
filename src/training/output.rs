//! The output folder of a run: what it finds there, what it writes, and what becomes of it when it ends.

use super::Plan;
use crate::compile::{Place, Request, writes};
use crate::error::Result;
use crate::folder::{Begin, CHECKPOINTS, Folder, LOG, of_training};
use crate::jobs::{COMPILE, EVALUATE, Job, Shared};
use crate::progress::Progress;
use relinc_runtime::train::Kind;

/// The folder of the network for attacked images, of two that are exported.
pub(super) const ADVERSARIAL: &str = "adversarial";

/// An output folder while a job of a run writes to it.
pub(super) struct Output {
    /// The folder.
    pub folder: Folder,
    /// Its place for artefacts.
    pub place: Place,
    /// The folder in it, and its place, of the second network where both are exported.
    pub second: Option<(Folder, Place)>,
    shared: Shared,
    /// The stages that run here.
    running: Vec<String>,
    begin: Begin,
    /// What it replaces was moved aside here.
    retired: bool,
    /// Files that nobody had begun before.
    fresh: Vec<String>,
}

impl Output {
    /// Opens the folder of a job, and has everything refused that would be refused later.
    pub fn open(request: &Request, plan: &Plan, job: &Job, progress: &Progress) -> Result<Output> {
        let (part, begin) = (&job.part, job.begin);
        let running: Vec<String> = part.running().map(str::to_string).collect();
        let mut folder =
            Folder::output(&request.out, request.by, &running.join(", "), Some(begin), progress)?;
        let shared = Shared::of(&request.out);
        folder.refuse_link(CHECKPOINTS)?;
        let adopted = match &job.after {
            Some(from) => shared.adoptable(from, part)?,
            None => {
                shared.ready(part, begin == Begin::Resume)?;
                vec![]
            }
        };
        let listed = |n: &String| folder.manifest().files.contains_key(n);
        let left: Vec<String> =
            shared.following(part, folds(request, plan))?.into_iter().filter(listed).collect();
        let whole = part.is_whole() || job.after.is_some();
        let compiles_only = running.iter().all(|n| n == COMPILE);
        if !compiles_only && (!left.is_empty() || whole && folder.manifest().holds_run()) {
            let finished = folder.manifest().content("report.json").is_some();
            folder
                .refuse_run(begin, if finished { "a finished run" } else { "a run that is not finished" })?;
        }
        // What all stages begin with is written once.
        let stays = |n: &String| begin != Begin::Restart || !left.contains(n);
        let lies = |n: &String| shared.is_first(n) && listed(n) && stays(n);
        let mut own: Vec<String> = shared.written(part).into_iter().filter(|n| !lies(n)).collect();
        own.extend(adopted.iter().cloned());
        let compiles = part.has(COMPILE);
        let artefacts = if compiles { writes(&request.options.targets, true).collect() } else { vec![] };
        let place = Place::beside_training(&mut folder, request, &own, &artefacts, compiles)?;
        let trained = folder.manifest().files.keys().map(String::as_str).filter(|n| of_training(n));
        folder.manifest().verify(folder.root(), trained)?;
        let second = match compiles && plan.branch == super::Export::Both {
            true => Some(second(&mut folder, request, begin, &artefacts, progress)?),
            false => None,
        };

        let mut out = Output { folder, place, second, shared, running, begin, retired: false, fresh: vec![] };
        match out.prepare(left, &own, &adopted, job, progress) {
            Ok(()) => Ok(out),
            Err(e) => {
                out.give_up();
                Err(e)
            }
        }
    }

    /// The first changes in the folder.
    fn prepare(
        &mut self,
        left: Vec<String>,
        own: &[String],
        adopted: &[String],
        job: &Job,
        progress: &Progress,
    ) -> Result<()> {
        if job.begin == Begin::Restart {
            self.retire(left, job.part.first() == 0, progress)?;
        }
        let listed = &self.folder.manifest().files;
        self.fresh = own.iter().filter(|n| !listed.contains_key(*n)).cloned().collect();
        self.folder.begin(own)?;
        self.folder.subfolder(CHECKPOINTS)?;
        if let Some(from) = &job.after {
            self.shared.adopt(from, adopted, &job.part, progress)?;
            self.shared.ready(&job.part, job.begin == Begin::Resume)?;
        }
        Ok(())
    }

    /// Moves aside what is made anew; the log, of which lines stay, is copied.
    fn retire(&mut self, mut left: Vec<String>, all: bool, progress: &Progress) -> Result<()> {
        let log = vec![LOG.to_string()];
        let copies = if all { vec![] } else { log.clone() };
        if all {
            left.extend(log);
        }
        if let Some(kept) = self.folder.retire(&left, &copies)? {
            self.retired = true;
            progress.line(&format!(
                "what --restart replaces is kept in {} until the new run is complete",
                kept.display()
            ));
        }
        Ok(())
    }

    /// Stages are over, and others follow.
    pub fn seal(&mut self) -> Result<()> {
        self.folder.seal()?;
        self.folder.let_go()
    }

    /// The run ends before it is complete: what was made stays for `--resume`. Where nothing was, everything is as before.
    pub fn give_up(&mut self) {
        let made = |name: &String| match name.as_str() {
            EVALUATE => self.shared.made(name).exists(),
            _ => self.shared.tensors(name).exists(),
        };
        let nothing = !self.running.iter().any(made);
        // The first error is the one to tell; whoever comes next puts in order what fails here.
        let _ = match self.begin {
            Begin::Restart if nothing && self.retired => self.folder.restore(),
            Begin::Fresh | Begin::Restart if nothing => self.folder.forget(&self.fresh),
            Begin::Fresh | Begin::Restart | Begin::Resume => Ok(()),
        };
        let _ = self.folder.seal();
    }
}

/// The stage before which the network is folded.
fn folds(request: &Request, plan: &Plan) -> Option<usize> {
    let first_tune = plan.stages.iter().position(|s| s.kind == Kind::Tune);
    first_tune.filter(|_| request.folds_before_tuning())
}

/// The folder of the second network.
fn second(
    folder: &mut Folder,
    request: &Request,
    begin: Begin,
    artefacts: &[String],
    progress: &Progress,
) -> Result<(Folder, Place)> {
    folder.refuse_link(ADVERSARIAL)?;
    let root = request.out.join(ADVERSARIAL);
    let mut inner = Folder::output(&root, request.by, COMPILE, Some(begin), progress)?;
    let place = Place::beside_training(&mut inner, request, &[], artefacts, true)?;
    Ok((inner, place))
}
