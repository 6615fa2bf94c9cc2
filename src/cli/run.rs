//! `relinc run`

use super::args::{BeginArgs, ShowArgs};
use super::{Global, print_report};
use crate::compile::{self, compile};
use crate::error::{Error, Result};
use crate::folder::Begin;
use crate::jobs::{Job, Part};
use crate::options::Points;
use crate::pipeline::{self, Pipeline};
use crate::progress::Progress;
use crate::report::model::{Evaluation, Metric};
use crate::training::command::{Done, Run};
use crate::training::{Plan, Trained};
use relinc_runtime::train::Record;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Options of `relinc run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The pipeline file
    pipeline: PathBuf,
    /// Output folder [default: out/NAME of the pipeline file]
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    begin: BeginArgs,
    /// Run these stages alone, as a job: teacher, search, tune, tune2, …, evaluate, compile. What earlier ones left is taken from
    /// DIR/checkpoints, so that each may run in another process or on another machine
    #[arg(long, value_name = "STAGE,…", value_delimiter = ',')]
    only: Vec<String>,
    /// Exit with 1, once all is written, where more points of accuracy are lost than this [default: the pipeline's]
    #[arg(long, value_name = "POINTS")]
    max_drop: Option<Points>,
    /// Print the names of the stages, one a line, and run nothing
    #[arg(long, conflicts_with_all = ["only", "resume", "restart"])]
    list: bool,
    /// Hold pipeline, model and data against each other as a run does before it begins, and run nothing
    #[arg(long, conflicts_with_all = ["only", "resume", "restart", "list"])]
    check: bool,
    #[command(flatten)]
    show: ShowArgs,
}

/// Runs the command.
pub fn run(a: Args, g: &Global) -> Result<()> {
    let mut p = Pipeline::read(&a.pipeline)?;
    let named = |e: Error| pipeline::named(e, a.pipeline.display());
    g.override_in(&mut p);
    p.options.max_drop = a.max_drop.or(p.options.max_drop);
    let base = a.pipeline.parent().unwrap_or(Path::new(""));
    let stem = a.pipeline.file_stem().unwrap_or_default();
    let out = a.out.unwrap_or_else(|| Path::new("out").join(stem));
    if a.list {
        let plan = p.plan(base).map_err(named)?;
        let names = stages(&plan, plan.trains()).names().to_vec();
        return g.show(&names, names.join("\n"));
    }
    if a.check {
        check(&p, &a.pipeline, &g.progress()).map_err(named)?;
        let said = format!("{}: nothing is wrong", a.pipeline.display());
        return g.show(&json!({"pipeline": a.pipeline.display().to_string(), "wrong": null}), said);
    }
    let how = How { by: "run", file: Some(&a.pipeline), only: &a.only, begin: a.begin.begin(), after: None };
    match execute(&p, &out, &how, &g.progress()).map_err(named)? {
        Done::Compiled(r) => print_report(&r, &out, a.show, g),
        Done::Stages { trained, evaluations } => {
            let last = last_epochs(&trained);
            let found = json!({
                "folder": out.display().to_string(), "stages": a.only, "relus": trained.masks.as_ref().map(|m| m.kept()),
                "last_epochs": last, "evaluations": evaluations,
            });
            let of_stage =
                |e: &&Record| format!("{}: epoch {} of {}, {} ReLUs", e.stage, e.epoch, e.epochs, e.kept);
            let here = last.iter().filter(|e| a.only.contains(&e.stage));
            let lines = here.map(of_stage).chain(evaluations.iter().flatten().map(accuracies));
            let left = format!("left in {}: {}", out.join("checkpoints").display(), a.only.join(", "));
            g.show(&found, lines.chain([left]).collect::<Vec<_>>().join("\n"))
        }
    }
}

/// The log's last line of each stage.
fn last_epochs(t: &Trained) -> Vec<&Record> {
    let last = |i: usize| t.records.get(i + 1).is_none_or(|next| next.stage != t.records[i].stage);
    (0..t.records.len()).filter(|&i| last(i)).map(|i| &t.records[i]).collect()
}

/// What was measured of one network.
fn accuracies(e: &Evaluation) -> String {
    let one = |m: &Metric| {
        let (v, n) = (m.of(&e.scores)?, m.n(&e.n)?);
        let sure = m.interval(&e.scores).map(|[low, high]| format!(", {low:.1} to {high:.1}"));
        Some(format!("{} {v:.2} % (n = {n}{})", m.heading(), sure.unwrap_or_default()))
    };
    let said: Vec<String> = Metric::ALL.iter().filter_map(one).collect();
    let by = e.attack.as_ref().map_or(String::new(), |a| format!(" ({a})"));
    format!("{}: {}{by}", e.what, said.join(", "))
}

/// The stages of a plan; one that trains nothing is compiled in one.
fn stages(plan: &Plan, trains: bool) -> Part {
    if trains { Part::whole(plan.names()) } else { Part::compiling() }
}

/// How a pipeline is run.
pub(super) struct How<'a> {
    /// The command.
    pub by: &'static str,
    /// The pipeline's file, where it is one; relative paths in it are relative to its folder.
    pub file: Option<&'a Path>,
    /// These stages alone; all where there are none.
    pub only: &'a [String],
    /// What becomes of a run that lies in the folder.
    pub begin: Begin,
    /// An output folder with the stages before them.
    pub after: Option<&'a Path>,
}

/// Everything that a run finds before it begins, but for what lies in the output folder.
fn check(p: &Pipeline, file: &Path, progress: &Progress) -> Result<()> {
    let base = file.parent().unwrap_or(Path::new(""));
    let (request, source, plan) = (p.request(base, Path::new(""))?, p.source(base)?, p.plan(base)?);
    let measure = p.measure(&plan)?;
    let job = Job { part: stages(&plan, plan.trains()), begin: Begin::Fresh, after: None };
    match plan.trains() {
        true => Run { plan: &plan, measure: &measure, job: &job, progress }.check(source, &request),
        false => compile::check(source, &request),
    }
}

/// Runs a pipeline into a folder, all of it or some stages.
pub(super) fn execute(p: &Pipeline, out: &Path, how: &How<'_>, progress: &Progress) -> Result<Done> {
    let base = how.file.and_then(Path::parent).unwrap_or(Path::new(""));
    let mut request = p.request(base, out)?;
    request.by = how.by;
    how.file.iter().for_each(|f| request.inputs.file("the pipeline", f));
    let source = p.source(base)?;
    let plan = p.plan(base)?;
    let measure = p.measure(&plan)?;
    // The commands that train do so whatever it takes: a search without steps leaves what others leave, too.
    let trains = plan.trains() || how.file.is_none();
    let all = stages(&plan, trains);
    let part = if how.only.is_empty() { all } else { all.only(how.only)? };
    let job = Job { part, begin: how.begin, after: how.after.map(Path::to_path_buf) };
    let result = match trains {
        true => Run { plan: &plan, measure: &measure, job: &job, progress }.run(source, request),
        false => {
            // A compilation alone can be repeated at any time.
            let again = !how.only.is_empty() && how.begin == Begin::Fresh;
            let begin = if again { Begin::Resume } else { how.begin };
            compile(source, &request, Some(begin), progress).map(|r| Done::Compiled(Box::new(r)))
        }
    };
    progress.finish();
    result
}
