//! The jobs of a sweep: the stages that all budgets share, and one a budget.

use super::super::run::{How, execute};
use crate::compile::describe;
use crate::error::{Error, Result, input};
use crate::folder::{Begin, CHECKPOINTS, Folder, Inputs, Manifest, of_training};
use crate::jobs::{COMPILE, EVALUATE, Left, SHARED, Shared, kept};
use crate::maskable::maskable;
use crate::model::Model;
use crate::pipeline::{self, Pipeline};
use crate::progress::Progress;
use crate::report::{self, Report};
use relinc_runtime::search::budget::Budget;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A pipeline and its budgets.
pub(super) struct Sweep {
    pipeline: Pipeline,
    file: PathBuf,
    budgets: Vec<Budget>,
    out: PathBuf,
    /// Position of the search whose budget changes.
    search: usize,
    /// Names of the training stages; none where nothing trains.
    stages: Vec<String>,
}

/// Why a budget has no report, in its folder.
#[derive(Debug, Serialize, Deserialize)]
struct Unmet {
    budget: String,
    why: String,
}

/// What a budget's folder holds.
pub(super) enum Outcome {
    /// A report.
    Done,
    /// A reason why there is none.
    Unmet(String),
    /// Neither.
    Missing,
}

impl Sweep {
    /// Checks what was asked.
    pub(super) fn new(p: Pipeline, file: &Path, budgets: &[String], out: PathBuf) -> Result<Sweep> {
        let Some(search) = p.stages.iter().rposition(|s| s.stage == "search") else {
            let file = file.display();
            return Err(input(format!("{file}: a sweep needs a search stage, whose budget it changes")));
        };
        let budgets = budgets.iter().map(|b| b.parse().map_err(input)).collect::<Result<Vec<Budget>, _>>()?;
        let twice = |i: usize| budgets[..i].iter().any(|b| name(b) == name(&budgets[i]));
        if let Some(b) = (0..budgets.len()).find(|&i| twice(i)).map(|i| &budgets[i]) {
            return Err(input(format!("--budgets: {b} is given twice")));
        }
        let mut sweep = Sweep { pipeline: p, file: file.into(), budgets, out, search, stages: vec![] };
        let plan = sweep.at(0).plan(sweep.base()).map_err(|e| sweep.named(e, None))?;
        if plan.trains() {
            sweep.stages = plan.names();
        }
        Ok(sweep)
    }

    /// Finds budgets that cannot be asked of the network, before the first is run.
    pub(super) fn check(&self) -> Result<()> {
        let (graph, info, _) = describe::open(self.pipeline.source(self.base())?)?;
        let model = Model::trainable(graph, info)?;
        maskable(&model).map_err(|e| self.named(e, None))?;
        for (i, budget) in self.budgets.iter().enumerate() {
            let asked = match budget {
                Budget::Latency(_) => Ok(()),
                b => b.relus(model.relus()).map(drop).map_err(input),
            };
            let checked = asked.and_then(|()| self.at(i).request(self.base(), &self.out).map(drop));
            checked.map_err(|e| self.named(e, None))?;
        }
        Ok(())
    }

    pub(super) fn budgets(&self) -> impl ExactSizeIterator<Item = &Budget> {
        self.budgets.iter()
    }

    /// The stages before the search, which every budget begins with.
    pub(super) fn shared(&self) -> &[String] {
        &self.stages[..self.search.min(self.stages.len())]
    }

    /// A budget by its text.
    pub(super) fn position(&self, text: &str) -> Option<usize> {
        let asked = text.parse::<Budget>().ok()?;
        self.budgets.iter().position(|b| name(b) == name(&asked))
    }

    /// The folder of all.
    pub(super) fn out(&self) -> &Path {
        &self.out
    }

    /// A budget's folder.
    pub(super) fn folder(&self, i: usize) -> PathBuf {
        self.out.join(name(&self.budgets[i]))
    }

    /// What it reads.
    pub(super) fn inputs(&self) -> Result<Inputs> {
        let request = self.at(0).request(self.base(), &self.out).map_err(|e| self.named(e, None))?;
        let mut inputs = request.inputs;
        inputs.file("the pipeline", &self.file);
        self.budgets.iter().for_each(|b| inputs.budget(b));
        Ok(inputs)
    }

    /// Runs everything. A budget that cannot be met is left out.
    pub(super) fn run_all(&self, begin: Begin, progress: &Progress) -> Result<()> {
        let begin = match begin {
            Begin::Fresh => {
                self.folders().iter().try_for_each(|f| self.refuse_run(f))?;
                Begin::Fresh
            }
            Begin::Resume => Begin::Resume,
            // Where nothing trains, each compilation takes the place of the one before.
            Begin::Restart if self.stages.is_empty() => Begin::Restart,
            // From here on a budget with results is one of the new sweep.
            Begin::Restart => {
                self.folders().iter().try_for_each(|f| retire(f, progress))?;
                Begin::Resume
            }
        };
        let all = || -> Result<()> {
            self.run_shared(begin, progress)?;
            for i in 0..self.budgets.len() {
                match self.run(i, begin, progress) {
                    Ok(_) | Err(Error::Answer(_)) => {}
                    Err(e) => return Err(e),
                }
            }
            Ok(())
        };
        all().inspect_err(|_| self.restore(progress))
    }

    /// Takes back what was moved aside, where nothing came of the new sweep.
    fn restore(&self, progress: &Progress) {
        let folders = self.folders();
        let made =
            |f: &PathBuf| self.stages.iter().any(|s| !matches!(Shared::of(f).left(s), Ok(Left::Nothing)));
        if !folders.iter().any(made) {
            for f in folders.iter().filter(|f| f.is_dir()) {
                // The first error is the one to tell.
                let _ = Folder::open(f, "sweep", "taking back", progress).and_then(|mut f| f.restore());
            }
        }
    }

    /// The folders of all jobs.
    fn folders(&self) -> Vec<PathBuf> {
        let shared = (!self.shared().is_empty()).then(|| self.out.join(SHARED));
        shared.into_iter().chain((0..self.budgets.len()).map(|i| self.folder(i))).collect()
    }

    /// Refuses a folder that holds results.
    fn refuse_run(&self, folder: &Path) -> Result<()> {
        match Manifest::read(folder)? {
            Some(m) if m.holds_run() => Err(input(format!(
                "{}: holds a run of this sweep; --resume goes on with what is not finished, --restart makes all anew and keeps what it \
                 replaces until then, or choose another -o",
                folder.display()
            ))),
            Some(_) | None => Ok(()),
        }
    }

    /// Runs the stages that all budgets share; where they are, if there are any.
    pub(super) fn run_shared(&self, begin: Begin, progress: &Progress) -> Result<Option<PathBuf>> {
        if self.shared().is_empty() {
            return Ok(None);
        }
        let dir = self.out.join(SHARED);
        let how = How { by: "sweep", file: Some(&self.file), only: self.shared(), begin, after: None };
        execute(&self.at(0), &dir, &how, progress).map_err(|e| self.named(e, None))?;
        Ok(Some(dir))
    }

    /// Runs a budget. A finished one is left as it is when it resumes.
    pub(super) fn run(&self, i: usize, begin: Begin, progress: &Progress) -> Result<Report> {
        let (dir, text) = (self.folder(i), self.budgets[i].to_string());
        if begin == Begin::Resume
            && let Some(r) = self.report(i)?
        {
            return Ok(r);
        }
        progress.step(&format!("budget {text}"));
        let after = (!self.shared().is_empty()).then(|| self.out.join(SHARED));
        let own: Vec<String> = match &after {
            Some(_) => {
                self.stages[self.search..].iter().cloned().chain([EVALUATE.into(), COMPILE.into()]).collect()
            }
            None => vec![],
        };
        let how = How { by: "sweep", file: Some(&self.file), only: &own, begin, after: after.as_deref() };
        match execute(&self.at(i), &dir, &how, progress) {
            Ok(done) => done.report(),
            Err(Error::Answer(why)) => {
                self.unmet(&dir, text, &why, progress)?;
                Err(Error::Answer(why))
            }
            Err(e) => Err(self.named(e, Some(&text))),
        }
    }

    /// Writes why a budget has no report.
    fn unmet(&self, dir: &Path, budget: String, why: &str, progress: &Progress) -> Result<()> {
        let mut folder = Folder::open(dir, "sweep", "writing", progress)?;
        let staging = folder.stage()?;
        let unmet = Unmet { budget, why: why.into() };
        kept::write(&staging.path().join(UNMET), &unmet).map_err(|e| staging.named(e))?;
        folder.amend(staging)
    }

    /// What a budget's folder holds.
    pub(super) fn outcome(&self, i: usize) -> Result<Outcome> {
        let text = self.budgets[i].to_string();
        let unmet = kept::read::<Unmet>(&self.folder(i).join(UNMET))?.filter(|u| u.budget == text);
        Ok(match (unmet, self.report(i)?) {
            (Some(u), _) => Outcome::Unmet(u.why),
            (None, Some(_)) => Outcome::Done,
            (None, None) => Outcome::Missing,
        })
    }

    /// The report of a budget that is finished.
    fn report(&self, i: usize) -> Result<Option<Report>> {
        let (dir, text) = (self.folder(i), self.budgets[i].to_string());
        let manifest = Manifest::read(&dir)?;
        let anew = manifest.as_ref().is_some_and(|m| !m.previous.is_empty());
        if anew || !dir.join("report.json").exists() {
            return Ok(None);
        }
        let report = report::read(&dir)?;
        if report.settings.budget.as_ref() != Some(&text) {
            return Ok(None);
        }
        self.shares(&dir, &manifest.unwrap_or_default())?;
        Ok(Some(report))
    }

    /// Refuses a budget that began with other stages than those that are shared now.
    fn shares(&self, dir: &Path, own: &Manifest) -> Result<()> {
        let shared = Manifest::read(&self.out.join(SHARED))?.unwrap_or_default();
        for stage in self.shared() {
            let name = format!("{CHECKPOINTS}/{stage}.safetensors");
            if let (Some(theirs), Some(its)) = (shared.content(&name), own.content(&name))
                && theirs != its
            {
                return Err(input(format!(
                    "{}: was made from another {stage} than {} holds; make it anew with --restart",
                    dir.display(),
                    self.out.join(SHARED).display()
                )));
            }
        }
        Ok(())
    }

    fn base(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new(""))
    }

    /// The pipeline at a budget.
    fn at(&self, i: usize) -> Pipeline {
        let mut p = self.pipeline.clone();
        p.stages[self.search].budget = Some(self.budgets[i].clone());
        p
    }

    fn named(&self, e: Error, budget: Option<&str>) -> Error {
        let at = budget.map_or(String::new(), |b| format!(", budget {b}"));
        pipeline::named(e, format!("{}{at}", self.file.display()))
    }
}

/// Moves what a run trained aside.
fn retire(folder: &Path, progress: &Progress) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    let mut folder = Folder::output(folder, "sweep", "making anew", Some(Begin::Restart), progress)?;
    let trained: Vec<String> = folder.manifest().files.keys().filter(|n| of_training(n)).cloned().collect();
    folder.retire(&trained, &[]).map(drop)
}

const UNMET: &str = "unmet.json";

/// A budget as the name of a folder: `10%` is `10pct`.
fn name(b: &Budget) -> String {
    let text = b.to_string().replace('%', "pct");
    text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect()
}
