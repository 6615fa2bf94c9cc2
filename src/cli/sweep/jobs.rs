//! The jobs of a sweep: the stages that all budgets share, and one a budget.

use super::super::run::{How, execute};
use crate::error::{Error, input};
use crate::jobs::{COMPILE, EVALUATE, SHARED};
use crate::pipeline::Pipeline;
use crate::progress::Progress;
use crate::report::{self, Report};
use crate::training::command::Done;
use relinc_passes::files::write_atomically;
use relinc_runtime::search::budget::Budget;
use serde::{Deserialize, Serialize};
use serde_yaml::Value;
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
    Done(Box<Report>),
    /// A reason why there is none.
    Unmet(String),
    /// Neither.
    Missing,
}

impl Sweep {
    /// Checks what was asked.
    pub(super) fn new(p: Pipeline, file: &Path, budgets: &[String], out: PathBuf) -> Result<Sweep, Error> {
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

    /// Runs the stages that all budgets share; where they are, if there are any.
    pub(super) fn run_shared(&self, resume: bool, progress: &Progress) -> Result<Option<PathBuf>, Error> {
        if self.shared().is_empty() {
            return Ok(None);
        }
        let dir = self.out.join(SHARED);
        let how = How { only: self.shared(), resume, after: None };
        execute(&self.at(0), self.base(), &dir, &how, progress).map_err(|e| self.named(e, None))?;
        Ok(Some(dir))
    }

    /// Runs a budget. A finished one is left as it is with `resume`.
    pub(super) fn run(&self, i: usize, resume: bool, progress: &Progress) -> Result<Report, Error> {
        let (dir, text) = (self.folder(i), self.budgets[i].to_string());
        if resume && let Some(r) = self.report(i) {
            return Ok(r);
        }
        progress.step(&format!("budget {text}"));
        let _ = std::fs::remove_file(dir.join(UNMET));
        let after = (!self.shared().is_empty()).then(|| self.out.join(SHARED));
        let own: Vec<String> = match &after {
            Some(_) => {
                self.stages[self.search..].iter().cloned().chain([EVALUATE.into(), COMPILE.into()]).collect()
            }
            None => vec![],
        };
        let how = How { only: &own, resume, after: after.as_deref() };
        match execute(&self.at(i), self.base(), &dir, &how, progress) {
            Ok(Done::Compiled(r)) => Ok(*r),
            Ok(Done::Stages { .. }) => Err(input("the pipeline does not end with a compilation")),
            Err(Error::Answer(why)) => {
                let unmet = Unmet { budget: text, why: why.clone() };
                let text = serde_json::to_string_pretty(&unmet).map_err(input)?;
                let path = dir.join(UNMET);
                std::fs::create_dir_all(&dir)
                    .and_then(|()| write_atomically(&path, text.as_bytes()))
                    .map_err(|e| input(format!("{}: cannot be written: {e}", path.display())))?;
                Err(Error::Answer(why))
            }
            Err(e) => Err(self.named(e, Some(&text))),
        }
    }

    /// What a budget's folder holds.
    pub(super) fn outcome(&self, i: usize) -> Outcome {
        let text = self.budgets[i].to_string();
        let unmet = std::fs::read_to_string(self.folder(i).join(UNMET)).ok();
        let unmet = unmet.and_then(|t| serde_json::from_str::<Unmet>(&t).ok()).filter(|u| u.budget == text);
        match (unmet, self.report(i)) {
            (Some(u), _) => Outcome::Unmet(u.why),
            (None, Some(r)) => Outcome::Done(Box::new(r)),
            (None, None) => Outcome::Missing,
        }
    }

    fn report(&self, i: usize) -> Option<Report> {
        let text = self.budgets[i].to_string();
        report::read(&self.folder(i)).ok().filter(|r| r.settings.budget.as_ref() == Some(&text))
    }

    fn base(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new(""))
    }

    /// The pipeline at a budget.
    fn at(&self, i: usize) -> Pipeline {
        let mut p = self.pipeline.clone();
        p.stages[self.search].budget = Some(Value::String(self.budgets[i].to_string()));
        p
    }

    fn named(&self, e: Error, budget: Option<&str>) -> Error {
        let at = budget.map_or(String::new(), |b| format!(", budget {b}"));
        match e {
            Error::Input(why) => Error::Input(format!("{}{at}: {why}", self.file.display())),
            e => e,
        }
    }
}

const UNMET: &str = "unmet.json";

/// A budget as the name of a folder: `10%` is `10pct`.
fn name(b: &Budget) -> String {
    let text = b.to_string().replace('%', "pct");
    text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect()
}
